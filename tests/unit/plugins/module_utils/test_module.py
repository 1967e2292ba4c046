# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way out of every module."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils import _module as module_exit
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease
from tests.unit.fakes import ROOT_ONLY, nobody, refused


class Exited(Exception):  # noqa: N818 it is how a module ends
    """How a module ended."""


class FakeModule:
    """Just what answer() takes of an AnsibleModule."""

    def __init__(self, directory: Path, check_mode: bool = False, **params: Any) -> None:
        self.params = {"directory": str(directory), "site": "shop", "run": "me", "release": False, **params}
        self.check_mode = check_mode
        self.argument_spec: dict[str, Any] = _argspec.merged(_argspec.project(), _argspec.login(), _argspec.answers())
        self.no_log_values = {"10", "shop"}

    shown: dict[str, Any]
    warned: str = ""

    def warn(self, text: str) -> None:
        self.warned = text

    def exit_json(self, **result: Any) -> None:
        raise Exited(result)

    def fail_json(self, **result: Any) -> None:
        raise Exited(dict(result, failed=True))


def ended(module: FakeModule, work: Any) -> dict[str, Any]:
    with pytest.raises(Exited) as caught:
        module_exit.answer(module, work)  # type: ignore[arg-type]
    found: dict[str, Any] = caught.value.args[0]
    json.dumps(found)
    module.shown = found.pop("invocation")["module_args"]
    return found


def raising(error: BaseException) -> Any:
    def work(_module: Any) -> dict[str, Any]:
        raise error

    return work


def test_a_result(tmp_path: Path) -> None:
    found = ended(FakeModule(tmp_path), lambda _module: {"changed": True})
    assert found.pop("elapsed") >= 0
    assert found == {"changed": True}


@ROOT_ONLY
@pytest.mark.parametrize("writes", [True, False])
def test_a_work_directory_below_somebodys_is_refused_before_it_is_read(tmp_path: Path, writes: bool) -> None:
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    os.chown(home, nobody().uid, nobody().gid)
    with pytest.raises(Exited) as caught:
        module_exit.answer(FakeModule(home / "work"), raising(AssertionError("it was used")), writes)  # type: ignore[arg-type]
    assert caught.value.args[0]["code"] == "work_directory"
    assert not list((home / "work").iterdir())


def test_a_refusal(tmp_path: Path) -> None:
    found = ended(FakeModule(tmp_path), raising(RelocateError("dirty_tree", "dirty", "commit", {"a": 1})))
    assert found.pop("elapsed") >= 0
    assert found == {
        "failed": True,
        "msg": "[dirty_tree] dirty Next: commit",
        "code": "dirty_tree",
        "hint": "commit",
        "details": {"a": 1},
    }


@pytest.mark.parametrize(
    ("error", "code", "msg"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/var/x"),
            "disk_full",
            "/var/x: No space left on device Next: free",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full", "this host: Disk quota exceeded"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/root/x"),
            "right_missing",
            "/root/x: Permission denied Next: let the connection's user become root",
        ),
        (OSError(errno.EIO, "Input/output error", "/x"), "program_failed", "/x: Input/output error"),
        (ConnectionResetError("correct horse battery"), "program_failed", "this host: ConnectionResetError"),
    ],
)
def test_what_the_host_refuses_has_a_name(tmp_path: Path, error: OSError, code: str, msg: str) -> None:
    found = ended(FakeModule(tmp_path), raising(error))
    assert (found["failed"], found["code"]) == (True, code)
    assert msg in found["msg"]
    assert "battery" not in str(found)


def test_what_is_a_mistake_of_ours_has_a_code_and_a_place_and_tells_no_value(tmp_path: Path) -> None:
    """Ansible would print the traceback with the error's own text: a driver puts what it was given into that."""
    found = ended(FakeModule(tmp_path), raising(ValueError("invalid dsn: correct horse battery")))
    assert (found["failed"], found["code"], found["details"]["error"]) == (True, "module_broke", "ValueError")
    assert found["msg"].startswith("[module_broke] a module broke: ValueError at test_module.py:")
    assert found["details"]["places"][-1].endswith(" in work") and "_module.py:" in found["details"]["places"][0]
    assert "battery" not in str(found)


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    touched: list[int] = []
    with Lease(str(tmp_path), "shop", "ann@laptop"):
        found = ended(FakeModule(tmp_path), lambda _module: touched.append(1) or {})
    assert (found["code"], touched) == ("locked", [])
    assert "another run on this site is at work: ann@laptop Next: wait" in found["msg"]


@pytest.mark.parametrize("options", [{"check_mode": True}, {"run": ""}])
def test_who_takes_no_lease(tmp_path: Path, options: dict[str, Any]) -> None:
    with Lease(str(tmp_path), "shop", "ann@laptop"):
        assert "failed" not in ended(FakeModule(tmp_path, **options), lambda _module: {})


@pytest.mark.parametrize(
    ("release", "fails", "free"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_the_last_task_releases(tmp_path: Path, release: bool, fails: bool, free: bool) -> None:
    work = raising(RelocateError("locked", "x")) if fails else lambda _module: {}
    ended(FakeModule(tmp_path, release=release), work)
    if free:
        with Lease(str(tmp_path), "shop", "other"):
            pass
    else:
        with refused("locked", r"was at work 0 s ago: me"), Lease(str(tmp_path), "shop", "other"):
            pass


CANARY = "c\u00e4n ary'%:$s"
GIVEN = {
    "environment": {
        "WEB_CONCURRENCY": "10",
        "APP": "shop",
        "DB_PASSWORD": CANARY,
        "DATABASE_URL": "x://u:b%40ttery@h/d",
    },
    "login_password": "postgres",
    "answers": [{"url": "http://h/", "headers": {"Authorization": "Basic horse+staple", "X-Forwarded-Ssl": "on"}}],
}


def test_values_of_options_spoil_no_result(tmp_path: Path) -> None:
    """By digests, sizes and paths the playbooks go on: Ansible would blot each value of a secret option out of them."""
    result = {"set": "/srv/shop", "manifest_sha256": "3310aa", "size_bytes": 8110080, "engine": "postgresql"}
    module = FakeModule(tmp_path, **GIVEN)
    found = ended(module, lambda _module: dict(result, notes=[f"{CANARY} was\x1b refused"]))
    assert {key: found[key] for key in result} == result
    assert found["notes"] == ["******** was\x1b refused"]
    assert module.warned == "******** was\\x1b refused", "notes are told, fit for a terminal"
    assert module.no_log_values == set()


def test_an_invocation_shows_no_secret(tmp_path: Path) -> None:
    module = FakeModule(tmp_path, **GIVEN)
    ended(module, lambda _module: {})
    assert module.shown["environment"] == module.shown["login_password"] == "(not shown)"
    assert module.shown["answers"] == [{"url": "http://h/", "headers": "(not shown)"}]
    assert module.shown["site"] == "shop"
    assert module.params["environment"]["DB_PASSWORD"] == CANARY


def test_no_message_shows_a_secret_among_the_options(tmp_path: Path) -> None:
    text = f"tried {CANARY}, Basic horse+staple and b@ttery as postgres on 10"
    error = RelocateError("login_failed", text, "not " + CANARY, {"tried": [CANARY, "shop"]})

    def work(one: Any) -> dict[str, Any]:
        one.warn("it is not " + CANARY)
        raise error

    module = FakeModule(tmp_path, **GIVEN)
    found = ended(module, work)
    assert module.warned == "it is not ********"
    assert found["code"] == "login_failed"
    assert found["details"] == {"tried": ["********", "shop"]}
    for secret in (CANARY, "horse+staple", "b@ttery", "postgres"):
        assert secret not in found["msg"] + found["hint"]
    assert "on 10" in found["msg"]
