# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is tried on new while old serves; what real units and servers say is tried in the lab."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from ansible_collections.relocate.django.plugins.module_utils._site import ProjectOptions
from ansible_collections.relocate.django.plugins.module_utils._steps import rehearse
from ansible_collections.relocate.django.plugins.module_utils._steps.rehearse_certificates import Looked
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import ROOT_ONLY

GOOD = Starter("service", "shop.service", "shop.service", directory="/", must=("/bin/sh",))
MISSING = "/nonexistent/of/shop"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"user": "root", "group": "root"}, ""),
        ({"user": "0"}, ""),
        ({"user": "no-such-user-x"}, "runs as no-such-user-x, who is no user of new"),
        ({"user": "no-such-user-x", "group": "x-y", "dynamic": True}, ""),  # systemd makes them
        ({"group": "no-such-group-x"}, "runs in the group no-such-group-x"),
        ({"directory": MISSING}, f"runs in {MISSING}, which is not there"),
        ({"directory": MISSING, "made": (MISSING,)}, ""),  # RuntimeDirectory=, or begun with "-"
        ({"directory": MISSING + "/x", "made": (MISSING,)}, ""),
        ({"directory": "/run/of/shop"}, ""),
        ({"env_files": ("-" + MISSING,)}, ""),
        ({"env_files": (MISSING,)}, f"reads {MISSING}, which is not there"),
        ({"env_files": ("/run/of/shop/env",)}, ""),  # another unit writes it
        ({"env_files": ("/nonexistent/*.env",)}, "reads /nonexistent/*.env"),
        ({"env_files": ("/etc/pass*",)}, ""),
        ({"must": (MISSING, "/bin/true")}, f"runs {MISSING}, which"),
        ({"must": ("/etc/passwd",)}, "runs /etc/passwd, which"),
        ({"commands": ((MISSING,),)}, ""),  # of ExecReload=, or begun with "-"
        ({"must": ("/bin/\0",)}, "runs /bin/"),
    ],
)
def test_what_a_unit_lacks(change: dict[str, Any], said: str) -> None:
    found = rehearse.unit_problems(replace(GOOD, **change))
    assert [item.code for item in found] == (["unit_incomplete"] if said else [])
    assert all(said in item.msg and "shop.service" in item.msg and "relocate_" in item.hint for item in found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as others")
def test_an_env_file_is_read_by_systemd_and_a_program_run_by_the_user(tmp_path: Path) -> None:
    secret = tmp_path / "env"
    secret.touch()
    tmp_path.chmod(0o700)
    one = replace(GOOD, user="nobody", env_files=(str(secret),), must=())
    assert rehearse.unit_problems(one) == []
    secret.chmod(0o755)
    [problem] = rehearse.unit_problems(replace(one, must=(str(secret),)))
    assert "which nobody cannot execute" in problem.msg


@ROOT_ONLY
def test_a_users_own_systemd_reads_what_he_can_read(tmp_path: Path) -> None:
    """Whether another's file is there is nothing that a unit of his brings to light."""
    there = tmp_path / "env"
    there.touch()
    tmp_path.chmod(0o700)
    one = replace(GOOD, user="nobody", manager="nobody", must=())
    for pattern in (there, tmp_path / "en*", tmp_path / "absent"):
        [problem] = rehearse.unit_problems(replace(one, env_files=(str(pattern),)))
        assert f"reads {pattern}, which is not there" in problem.msg
    [problem] = rehearse.unit_problems(replace(one, directory=str(tmp_path / "x")))
    assert "which is not there" in problem.msg


def test_all_that_a_unit_lacks_is_told_at_once() -> None:
    broken = replace(GOOD, directory=MISSING, env_files=(MISSING,), must=(MISSING,))
    assert len(rehearse.unit_problems(broken)) == 3


def test_units_that_new_lacks() -> None:
    units = [Unit("a.service"), Unit("b.mount", load="not-found"), Unit("c.timer", load="masked")]
    found = rehearse.unknown_units("relocate_reload", units)
    assert [item.msg for item in found] == [
        "relocate_reload names b.mount, which new does not have (not-found)",
        "relocate_reload names c.timer, which new does not have (masked)",
    ]
    assert all(item.code == "unit_unknown" and "relocate_packages" in item.hint for item in found)


@pytest.fixture(autouse=True)
def certificates(monkeypatch: pytest.MonkeyPatch) -> Looked:
    """What is found of certificates: by default nothing."""
    looked = Looked()
    monkeypatch.setattr(rehearse.rehearse_certificates, "look", lambda _options: looked)
    return looked


class Asked:
    """A project that answers so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        whole = {"django": {}, "checks": [], "serving": [], **answers}
        monkeypatch.setattr(rehearse.probe, "ask", lambda *args, **more: whole)
        project = Project("/srv/shop/app", "/bin/true", "", current_user())
        monkeypatch.setattr(ProjectOptions, "find", lambda self: project)


def options() -> rehearse.Options:
    """A rehearsal of a project without units."""
    params = {"path": "/srv/shop/app", "owner": None, "interpreter": None, "settings": None, "environment": {},
              "env_files": [], "allow_root": True, "units": [], "reload": [], "created": [], "files": [], "answers": [],
              "certificates_ignored": [], "directory": "/var/lib/relocate", "site": "shop", "requests": "none",
              "label": None, "manifest_sha256": None, "allow_same_host": False, "jobs": None, "needs": {},
              "neighbours_ignored": [], "carried": [], "repository": {}, "state": "pulled", "keep": 0, "retention": {},
              "read_parts": 0}  # fmt: skip
    return rehearse.Options.of(params)


def test_a_project_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(monkeypatch, checks=[{"level": "warning", "id": "security.W004", "msg": "HSTS"}])
    told = rehearse.rehearse(options())
    assert told == {
        "units": 0,
        "tests": [],
        "certificates": 0,
        "checked": True,
        "warnings_of_check": ["security.W004: HSTS"],
        "set": "",
        "requests": [],
        "migrations": [],
        "measured": {},
        "seconds": {},
        "notes": [],
    }


def test_certificates_are_among_the_obstacles_and_looked_at_first(
    monkeypatch: pytest.MonkeyPatch, certificates: Looked
) -> None:
    """What a web server refuses is taken away: its certificates could not be found any more."""
    Asked(monkeypatch)
    order: list[str] = []
    monkeypatch.setattr(rehearse.rehearse_certificates, "look", lambda _options: order.append("look") or certificates)
    monkeypatch.setattr(rehearse, "_try_units", lambda *_args: 0)
    monkeypatch.setattr(rehearse, "_test_configurations", lambda *_args: order.append("test") or [])
    certificates.notes.append("soon")
    one = replace(options(), reload=("nginx",))
    assert rehearse.rehearse(one, Manager())["notes"] == ["soon"]  # type: ignore[arg-type]
    assert order == ["look", "test"]
    certificates.obstacles.append(Obstacle("certificate_unfit", "it is gone", "carry it"))
    with pytest.raises(RelocateError, match="it is gone"):
        rehearse.rehearse(one, Manager())  # type: ignore[arg-type]


def test_what_would_fail_at_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = {"where": "MIDDLEWARE", "kind": "ModuleNotFoundError", "msg": "No module named 'whitenoise'"}
    Asked(monkeypatch, serving=[failure])
    with pytest.raises(RelocateError, match="MIDDLEWARE fails on new: ModuleNotFoundError: No module") as caught:
        rehearse.rehearse(options())
    assert caught.value.code == "request_fails" and "relocate_pip_extra" in caught.value.hint


def test_everything_is_told_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that is refused here clears up after itself, so the code is not that of preflight."""
    build = {"where": "COMPRESS_OFFLINE", "kind": "FileNotFoundError", "msg": "x is not there"}
    Asked(monkeypatch, serving=[build], checks=[{"level": "error", "id": "urls.E001", "msg": "broken"}])
    with pytest.raises(RelocateError) as caught:
        rehearse.rehearse(options())
    error = caught.value
    assert error.code == "rehearsal_failed"
    assert "1. [request_fails] COMPRESS_OFFLINE" in error.msg and "2. [check_failed] Django's check" in error.msg
    assert "relocate_build" in error.msg and [item["code"] for item in error.details["obstacles"]] == [
        "request_fails",
        "check_failed",
    ]


def test_a_project_that_does_not_import(monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"code": "settings_failed", "msg": "no", "hint": "mend"}
    Asked(monkeypatch, django={"error": error})
    with pytest.raises(RelocateError) as caught:
        rehearse.rehearse(options())
    assert (caught.value.code, caught.value.msg) == ("settings_failed", "no")


class Manager:
    """A systemd that has been told of new files."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def read_again(self, names: list[str]) -> None:
        self.called.append("read again")

    def states(self, names: list[str]) -> dict[str, Unit]:
        """An alias is a unit of another name."""
        gone = {"gone.service": "not-found", "nginx.service": "not-found"}
        return {name: Unit(name, load=gone.get(name, "loaded"), real="job.timer" if name == "alias.timer" else name)
                for name in names}  # fmt: skip


def test_units_and_what_they_start_are_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    timer = Starter("timer", "job.timer", "job.timer", starts=("job.service",), files=("/etc/x/job.timer",))
    job = replace(GOOD, name="job.service", must=(MISSING,), files=("/etc/x/job.service", "/etc/x/over.conf"))
    monkeypatch.setattr(rehearse.unit_reader, "read", lambda _systemd, more: [timer, job, GOOD] if more else [])
    seen: list[Any] = []
    verified = lambda paths, user: seen.append(list(paths)) or ["job: wrong"]  # noqa: E731
    monkeypatch.setattr(rehearse.config_test, "verified", verified)
    monkeypatch.setattr(rehearse.config_test, "refused", lambda unit: "no certificate")
    found: list[Obstacle] = []
    one = replace(options(), units=("alias.timer", "gone"), reload=("nginx",))
    manager = Manager()
    tried = rehearse._try_units(one, manager, found)  # type: ignore[arg-type]
    assert tried == 2 and seen == [["/etc/x/job.timer", "/etc/x/job.service"]]
    assert [item.code for item in found] == ["unit_unknown", "unit_unknown", "unit_incomplete", "unit_incomplete"]
    assert rehearse._test_configurations(one, found) == ["nginx.service"]
    assert found[-1].code == "config_refused" and "no certificate" in found[-1].msg


def test_what_breaks_a_web_server_is_taken_away_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its next reload would fail for every site, and a failed move would have left that."""
    top = tmp_path / "nginx"
    (top / "sites-enabled").mkdir(parents=True)
    mine, theirs, env = top / "sites-enabled" / "shop", top / "sites-enabled" / "blog", tmp_path / "env"
    for path in (mine, theirs, env):
        path.touch()
    monkeypatch.setitem(rehearse.config_test.DIRECTORIES, "nginx.service", str(top))
    monkeypatch.setattr(rehearse.config_test, "refused", lambda _unit: "no such certificate")
    found: list[Obstacle] = []
    created = (str(mine), str(env), str(top / "gone"), f"{top}/../env")
    one = replace(options(), reload=("nginx",), created=created)
    assert rehearse._test_configurations(one, found) == ["nginx.service"]
    assert not mine.exists() and theirs.exists() and env.exists()
    assert f"{mine} was removed again, so that nginx.service can still be reloaded" in found[0].msg
    monkeypatch.setattr(rehearse.config_test, "refused", lambda _unit: "")
    mine.touch()
    assert rehearse._test_configurations(one, found) == ["nginx.service"] and mine.exists() and len(found) == 1


def test_an_instance_and_a_template_have_one_file() -> None:
    one = replace(GOOD, name="shop@blue.service", files=("/etc/x/shop@.service", "/etc/x/shop@blue.service.d/a.conf"))
    assert rehearse._unit_files(one) == ["/etc/x/shop@.service"]
    assert rehearse._unit_files(replace(one, packaged=True)) == []


def test_checks_that_need_rows_are_left_to_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(monkeypatch, checks={"error": {"code": "query_failed", "msg": "no such table", "hint": "x"}})
    told = rehearse.rehearse(options())
    assert (told["checked"], told["warnings_of_check"]) == (False, [])  # and the report does not say that they were run


class Own(Manager):
    """A systemd beside which the user shop has one of his own."""

    def __init__(self, runs: bool) -> None:
        super().__init__()
        self.runs = runs

    def manager(self, user: str) -> Any:
        return SimpleNamespace(group=lambda: "/" + user if self.runs else "")


@pytest.mark.parametrize(
    ("runs", "at_boot", "early"), [(False, True, True), (False, False, False), (True, True, False)]
)
def test_a_users_own_systemd_starts_nothing_of_the_site(
    monkeypatch: pytest.MonkeyPatch, runs: bool, at_boot: bool, early: bool
) -> None:
    """A link that was carried would start the site, without its data, as soon as that systemd runs."""
    mine = replace(GOOD, manager="shop", at_boot=at_boot)
    monkeypatch.setattr(rehearse, "lookup_user", lambda _name: current_user())
    monkeypatch.setattr(rehearse.user_units, "of_user", lambda *_args: [mine, replace(mine, name="other.service")])
    systemd = Own(runs)
    found = rehearse._read_again(systemd, ["web.service", "~shop/shop.service"])  # type: ignore[arg-type]
    assert [item.code for item in found] == ["unit_incomplete"] * early
    assert systemd.called == ([] if early else ["read again"])
    assert all("~shop/shop.service is enabled on new already" in item.msg for item in found)


def test_units_of_a_user_are_tried_with_his_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = replace(GOOD, manager="shop", must=(MISSING,), files=("/home/shop/.config/systemd/user/shop.service",))
    monkeypatch.setattr(rehearse, "lookup_user", lambda _name: current_user())
    monkeypatch.setattr(rehearse.user_units, "of_user", lambda *_args: [mine])
    monkeypatch.setattr(rehearse.unit_reader, "read", lambda _systemd, more: [GOOD])
    seen: list[Any] = []
    monkeypatch.setattr(rehearse.config_test, "verified", lambda paths, user: seen.append((list(paths), user)) or [])
    found: list[Obstacle] = []
    one = replace(options(), units=("~shop/shop", "shop"), reload=())
    assert rehearse._try_units(one, Own(True), found) == 2  # type: ignore[arg-type]
    assert seen == [(list(mine.files), "shop"), ([], "")]
    assert [item.code for item in found] == ["unit_incomplete"] and MISSING in found[0].msg
