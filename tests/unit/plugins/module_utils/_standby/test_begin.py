# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that waits for the calls of the window: begun out of an archive, asked as the controller asks it."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease
from ansible_collections.relocate.django.plugins.module_utils._standby import begin, place
from tests.tools.collection import COLLECTIONS
from tests.unit.fakes import ROOT_ONLY

pytestmark = [ROOT_ONLY, pytest.mark.slow]
SITE = "standbytest"


@pytest.fixture(name="archive", scope="module")
def _archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules as Ansible packs them."""
    path = tmp_path_factory.mktemp("archive") / "modules.zip"
    utils = COLLECTIONS / "ansible_collections/relocate/django/plugins/module_utils"
    with zipfile.ZipFile(path, "w") as archive:
        for above in ("", "relocate/", "relocate/django/", "relocate/django/plugins/"):
            archive.writestr(f"ansible_collections/{above}__init__.py", "")
        folders = [item for item in utils.rglob("*") if item.is_dir() and item.name != "__pycache__"]
        for folder in (item for item in [utils, *folders] if not (item / "__init__.py").exists()):
            archive.writestr(f"{folder.relative_to(COLLECTIONS)}/__init__.py", "")
        for file in utils.rglob("*.py"):
            archive.write(file, str(file.relative_to(COLLECTIONS)))
    return path


@pytest.fixture(name="where")
def _where(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A process that waits."""
    monkeypatch.setattr(begin, "__file__", f"{archive}/ansible_collections/relocate/django/begin.py")
    where = place.place_of(str(tmp_path), SITE, "mine")
    assert begin.begin(where, str(tmp_path), SITE, ["backup_info"])
    yield where
    place.remove(str(tmp_path), SITE)


def call(where: str, request: bytes) -> str:
    done = subprocess.run(["sh", f"{where}/{place.CALL}"], input=request, capture_output=True, timeout=60, check=False)
    return done.stdout.decode()


def request_of(directory: Path, **arguments: Any) -> dict[str, Any]:
    """What the controller asks for."""
    given = {"directory": str(directory), "site": SITE, "run": "mine", **arguments}
    return {"steps": [{"name": "sets", "module": "backup_info", "arguments": given}]}


def processes(where: str) -> list[int]:
    """Those that wait at a place."""
    found = subprocess.run(["pgrep", "-f", f"_window.stand_by.*{where}"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def gone(where: str) -> bool:
    """Whether they end by themselves."""
    deadline = time.monotonic() + 20
    while processes(where) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not processes(where)


def test_calls_are_answered_as_by_the_module(where: str, tmp_path: Path) -> None:
    data = json.dumps({"arguments": request_of(tmp_path), "check_mode": False}).encode()
    for _time in range(2):  # each by a process of its own
        first, _line, answer = call(where, data).partition("\n")
        found = json.loads(answer)
        assert first == place.TAKEN
        assert (found["changed"], found["returned"]["sets"]["sets"], found["warnings"]) == (False, [], [])
        assert found["invocation"]["module_args"]["steps"][0]["arguments"]["site"] == SITE


def test_a_refusal_is_told_with_its_code(where: str, tmp_path: Path) -> None:
    wrong = {"arguments": request_of(tmp_path, nothing="x"), "check_mode": False}
    found = json.loads(call(where, json.dumps(wrong).encode()).partition("\n")[2])
    assert (found["failed"], found["code"]) == (True, "bad_option") and "nothing" in found["msg"]
    odd = json.loads(call(where, b'{"check_mode": false}').partition("\n")[2])
    assert odd["failed"] and (odd["code"], odd["details"]["error"]) == ("module_broke", "KeyError")


def test_half_a_request_begins_nothing(where: str, tmp_path: Path) -> None:
    data = json.dumps({"arguments": request_of(tmp_path), "check_mode": False}).encode()
    found = json.loads(call(where, data[:-5]).partition("\n")[2])
    assert found["failed"] and "returned" not in found


def test_nobody_else_gets_to_it_and_it_holds_no_data(where: str) -> None:
    assert stat.S_IMODE(os.stat(where).st_mode) == 0o700 and os.stat(where).st_uid == 0
    assert sorted(os.listdir(where)) == sorted([place.ARCHIVE, place.CALL, place.CLIENT, place.SOCKET])


def test_what_was_killed_takes_no_call(where: str, tmp_path: Path) -> None:
    """Then the task goes the usual way: a call that is not taken leaves no first line."""
    for _time in range(2):  # one may begin a child meanwhile
        for pid in processes(where):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
    assert gone(where)
    assert place.TAKEN not in call(where, json.dumps({"arguments": request_of(tmp_path)}).encode())
    place.remove(str(tmp_path), SITE)
    assert place.TAKEN not in call(where, b"{}")


def test_it_looks_for_code_where_the_module_does(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as for the driver of a database that only the user's own directory of packages holds."""
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr(begin, "__file__", f"{archive}/ansible_collections/relocate/django/begin.py")
    monkeypatch.setattr(sys, "path", [str(archive), str(tmp_path / "lib"), "", *sys.path])
    where = place.place_of(str(tmp_path), SITE, "mine")
    try:
        assert begin.begin(where, str(tmp_path), SITE, ["backup_info"], waits=False)
        until = time.monotonic() + 20
        while not os.path.exists(f"{where}/{place.SOCKET}") and time.monotonic() < until:
            time.sleep(0.05)
        line = Path(f"/proc/{processes(where)[0]}/cmdline").read_text().split("\0")
        [paths] = [word for word in line if str(tmp_path / "lib") in word]
        assert paths.split(os.pathsep)[0] == str(tmp_path / "lib") and str(archive) not in paths
        assert place.TAKEN in call(where, b"{}")
    finally:
        place.remove(str(tmp_path), SITE)


def test_what_it_is_told_is_where_it_looks(tmp_path: Path) -> None:
    utils = tmp_path / place.ARCHIVE / "ansible_collections/relocate/django/plugins/module_utils"
    utils.mkdir(parents=True)
    (utils / "_window.py").write_text("import sys\ndef stand_by(*args): print(args, sys.path[1:3])\n")
    standard = os.pathsep.join(path for path in sys.path if os.path.isabs(path) and "python3" in path)
    argv = [sys.executable, "-I", "-c", begin._BOOT, str(tmp_path), f"/first:/second:{standard}", "verify"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == f"('{tmp_path}', ['verify']) ['/first', '/second']\n"


def test_giving_the_site_back_ends_it(where: str, tmp_path: Path) -> None:
    with Lease(str(tmp_path), SITE, "mine") as lease:
        assert processes(where)  # the one that waits, and soon who answers the next call
        lease.release()
    assert not os.path.exists(where) and gone(where)


def test_a_later_one_takes_its_place(where: str, tmp_path: Path) -> None:
    other = place.place_of(str(tmp_path), SITE, "another run")
    assert other != where and begin.begin(other, str(tmp_path), SITE, [])
    assert not os.path.exists(where) and gone(where) and processes(other)
    assert place.TAKEN in call(other, b"{")


def test_without_an_archive_nothing_waits(tmp_path: Path) -> None:
    where = place.place_of(str(tmp_path), SITE, "mine")
    assert not begin.begin(where, str(tmp_path), SITE, []) and not os.path.exists(where)


def test_it_gets_something_ready_before_the_first_call(where: str, tmp_path: Path) -> None:
    """What it is told to load cannot be: it ends as if nobody had asked, and the next call is answered."""
    assert begin.say(where, json.dumps({"load": {"path": "/none"}}).encode())
    data = json.dumps({"arguments": request_of(tmp_path), "check_mode": False}).encode()
    assert json.loads(call(where, data).partition("\n")[2])["returned"]
    assert not begin.say(str(tmp_path), b"{}")
