# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module says of packages, and that it lists none while something is in the way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, Software, as_plain
from ansible_collections.relocate.django.plugins.module_utils._modules import packages_info, preflight
from ansible_collections.relocate.django.plugins.module_utils._steps import install_also
from ansible_collections.relocate.django.plugins.module_utils._steps.install_also import Lacking
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._steps.both_hosts import told_of_old


def look(**changes: Any) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    logins = dict.fromkeys(f"login_{name}" for name in "user password host port unix_socket database".split())
    given = {
        "old": told_of_old(databases={}),
        "install_also": ["web"],
        "units": [],
        "reload": [],
        "files": [],
        "engines": {},
    }
    module: Any = SimpleNamespace(params={**logins, **given, **changes}, check_mode=False, warn=said.append)
    return packages_info.look(module), said


@pytest.mark.parametrize("unknown", [[], ["elasticsearch"]])
def test_what_is_lacking(monkeypatch: pytest.MonkeyPatch, unknown: list[str]) -> None:
    found = Lacking({"nginx": "1.26"}, ["nginx.service"], ["/etc/x"], ["default"], unknown, notes=["a note"])
    monkeypatch.setattr(install_also, "look", lambda *_what: found)
    told, said = look()
    assert told == {
        "changed": False,
        "packages": ["nginx"],
        "units": ["nginx.service"],
        "welcome": ["/etc/x"],
        "aliases": ["default"],
        "lacks": True,
    }
    assert said == ["a note"]


def test_nothing_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_also, "look", lambda *_what: Lacking())
    assert look()[0]["lacks"] is False
    monkeypatch.setattr(install_also, "look", lambda *_what: Lacking(unknown=["elasticsearch"]))
    assert look()[0]["lacks"] is True


def test_an_obstacle_that_shows_only_now(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Lacking({"nginx": "1"}, obstacles=[Obstacle("port_taken", "something listens", "stop it")])
    monkeypatch.setattr(install_also, "look", lambda *_what: found)
    with refused("port_taken", "something listens"):
        look()


def test_old_is_held_against_the_form_of_ours() -> None:
    with refused("answer_refused", "info.software"):
        look(old=told_of_old(software={"manager": 1}, databases={}))


def test_preflight_says_what_will_be_installed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What old names and a package will bring is no obstacle now; it is looked for once more when it was installed."""
    found = Lacking({"nginx": "1.26"}, aliases=["default"])
    asked: list[Any] = []
    monkeypatch.setattr(preflight.install_also.Options, "of", lambda _params: None)
    monkeypatch.setattr(preflight.install_also, "look", lambda *_what: found)
    monkeypatch.setattr(preflight.preflight_new.Options, "of", lambda _params: None)
    monkeypatch.setattr(
        preflight.preflight_new,
        "obstacles_on_new",
        lambda _options, _old, _secrets, brought: asked.append(brought) or [],
    )
    monkeypatch.setattr(preflight.readiness, "obstacles", lambda _needs, options, *_who: asked.append(options) or [])
    old = told_of_old(databases={}, software=as_plain(Software("dpkg", {"nginx": "nginx"})))
    params = {"old": old, "directory": str(tmp_path), "owner": "shop", "units": [], "path": "/srv/shop", "reload": []}
    params.update(files=[], packages=[], neighbours_ignored=[], installs=False, allow_same_host=False)
    info = preflight.look_at_new(params, [])
    assert info["installs"] == found.told() and "nginx 1.26" in info["installs"][0]
    assert asked[0] == ["default"] and asked[1].packages == ("nginx",) and asked[1].installs
