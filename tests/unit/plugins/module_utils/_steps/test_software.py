# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a set says of the system that its site ran on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.extensions import Extension
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.installed import Installed
from ansible_collections.relocate.django.plugins.module_utils._discover.packages import Needs
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Obstacle, Software, as_plain
from ansible_collections.relocate.django.plugins.module_utils._steps import old_site, software
from tests.unit.fakes import FakeEngine, fake_site

BOOKWORM = Installed(
    "dpkg",
    {
        "postgresql-15": "postgresql-15",
        "postgresql-15-postgis-3": "postgis",
        "nginx-light": "nginx",
        "redis-server": "redis",
        "supervisor": "supervisor",
        "poppler-utils": "poppler",
        "libpq5": "postgresql-15",
        "bash": "bash",
    },
    frozenset({"bash"}),
)
OWNERS = {"/usr/bin/pdftotext": "poppler-utils", "/lib/libpq.so.5": "libpq5:amd64", "/bin/bash": "bash"}


def test_servers_are_told_from_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that bear a version are given as a newer release has them; what is everywhere is left out."""
    monkeypatch.setattr(software.packaged, "owners_of", lambda paths: {key: OWNERS[key] for key in paths})
    used = Needs(
        programs={"/usr/bin/pdftotext": "PDF", "/bin/bash": "x"},
        extensions=[Extension("psycopg2", False, ("libpq.so.5",))],
        servers={"postgresql": "default", "nginx": "example.org", "redis": "CACHES", "supervisor": "runs it"},
    )
    found = software.of_needs(used, BOOKWORM, {"libpq.so.5": "/lib/libpq.so.5"})
    assert found == Software(
        "dpkg",
        {"nginx": "nginx-light", "postgresql": "postgresql", "redis": "redis-server"},
        ("libpq5", "poppler-utils", "postgresql-15-postgis-3", "supervisor"),
    )


def test_a_host_without_a_package_manager() -> None:
    used = Needs(servers={"nginx": "example.org"})
    assert software.of_needs(used, Installed(), {}) == Software("", {"nginx": ""}, ())


class Told:
    """A host on which nothing serves the site."""

    files: Any = None
    starters = webs = ()

    @staticmethod
    def read() -> Any:
        return Told()


def test_what_cannot_be_told_keeps_no_set_from_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_args: Any, **_more: Any) -> Any:
        raise RelocateError("probe_failed", "the settings do not import", "x")

    monkeypatch.setattr(software, "Host", Told)
    monkeypatch.setattr(software.probe, "ask", refusing)
    site = fake_site(tmp_path, FakeEngine())
    site.notes.clear()
    assert software._looked(site) == Software()
    assert "the settings do not import" in site.notes[0] and "relocate_packages" in site.notes[0]


def test_what_the_site_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that nothing serves uses its databases and its environment all the same."""
    asked: list[tuple[str, ...]] = []

    def ask(_project: object, topics: tuple[str, ...], partial: bool) -> dict[str, Any]:
        asked.append(topics)
        assert partial, "a topic that fails is no reason to have no set"
        return {"databases": [{"alias": "default", "vendor": "postgresql", "host": "", "port": None, "name": "shop"}]}

    monkeypatch.setattr(software, "Host", Told)
    monkeypatch.setattr(software.probe, "ask", ask)
    monkeypatch.setattr(software.unnamed, "find", lambda _host, _path: None)
    monkeypatch.setattr(software.extensions, "find", lambda *_what: [])
    monkeypatch.setattr(software.belongings, "paths_of_packages", lambda *_what: {})
    monkeypatch.setattr(software.belongings, "this_host", lambda _files: software.belongings.here.Host())
    monkeypatch.setattr(software.installed, "read", lambda: BOOKWORM)
    monkeypatch.setattr(software.installed, "libraries", dict)
    found = software._looked(fake_site(tmp_path, FakeEngine()))
    assert found.servers == {"postgresql": "postgresql"} and found.packages == ("postgresql-15-postgis-3",)
    assert len(asked) == 1


def test_what_a_site_uses_of_its_web_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software.extensions, "find", lambda *_what: [])
    monkeypatch.setattr(software.belongings, "named_paths", lambda *_what: [])
    place = Place("/srv/shop", "x", webs=(WebSite("nginx", "nginx.service", ("example.org",)),))
    project: Any = type("Project", (), {"interpreter": "", "owner": None, "path": "/srv/shop"})
    used = software.needs(place, project, Told(), {}, ["psycopg"])  # type: ignore[arg-type]
    assert dict(used.servers) == {"nginx": "serves example.org"} and "psycopg" in used.distributions


@pytest.mark.parametrize("chosen", [(), ("web",)])
def test_old_says_it_only_where_anything_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: tuple[str, ...]
) -> None:
    """A look at packages takes a second, which no other move has to wait for."""
    used = Software("dpkg", {"nginx": "nginx"}, ("g++",))
    monkeypatch.setattr(old_site.software, "of_site", lambda *_what: used)
    options: Any = SimpleNamespace(install_also=chosen)
    obstacles: list[Obstacle] = []
    site, host = fake_site(tmp_path, FakeEngine()), Told.read()
    found = old_site._software(options, None, host, site, {}, obstacles)
    assert found == ({"software": as_plain(used)} if chosen else {})

    def refusing(*_what: object) -> Any:
        raise RelocateError("timed_out", "dpkg takes its time", "x")

    monkeypatch.setattr(old_site.software, "of_site", refusing)
    found = old_site._software(options, None, host, site, {}, obstacles)
    assert found == ({"software": as_plain(Software())} if chosen else {})
    assert [item.code for item in obstacles] == ["timed_out"] * bool(chosen)


def test_old_tells_its_checks_which_server_a_database_has(tmp_path: Path) -> None:
    engine: Any = SimpleNamespace(
        name="postgresql", config=DatabaseConfig("a", "postgresql", "b", "shop", "u", "h", port=5)
    )
    told = old_site._database("a", engine)
    assert told == {"alias": "a", "vendor": "postgresql", "name": "shop", "host": "h", "port": 5}
