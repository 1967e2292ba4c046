# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets that are encrypted to recipients: by the modules themselves, killed meanwhile, and by the playbooks."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._module import answered
from ansible_collections.relocate.django.plugins.module_utils._modules import backup, backup_info, restore
from tests.engines.local_site import PREFIX, LocalSite

pytestmark = [
    pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed"),
    pytest.mark.drawn(3, of="encrypted sets"),
]
MODULES = {module.__name__.rpartition(".")[2]: module.MODULE for module in (backup, backup_info, restore)}
CANARY = "Canary row é of a table"


class World:
    """A site whose sets are encrypted, and who can open them."""

    def __init__(self, base: Path) -> None:
        self.base, self.site = base, LocalSite(base)
        self.site.make()
        self.project = self.site.old / PREFIX
        script = (
            "from notes.models import Note; "
            f"Note.objects.bulk_create([Note(text={CANARY!r} + str(number)) for number in range(5000)])"
        )
        self.site.manage("shell", "-c", script)
        (self.project / "media").mkdir()
        (self.project / "media" / "letter").write_text(CANARY)
        self.identity, self.recipient = self.key("identity")
        self.other, _public = self.key("other")

    def key(self, name: str) -> tuple[str, str]:
        """Make an identity; returns its text and its public key."""
        path = self.base / name
        done = subprocess.run(["age-keygen", "-o", path], capture_output=True, text=True, check=True)
        return path.read_text(), done.stderr.split()[-1]

    def task(self, module: str, work: Path, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run one task; returns its result, failed or not."""
        common = {"site": "notes", "directory": str(work), "path": str(self.project), "compression": "none"}
        common["allow_root"] = os.geteuid() == 0  # type: ignore[assignment]
        same = {"allow_same_host": True, "allow_same_database": True, "replace": True} if module == "restore" else {}
        taken = MODULES[module].arguments["argument_spec"]
        given = {name: value for name, value in {**common, **same}.items() if name in taken}
        return answered(MODULES[module], {**given, **options}, check, lambda _params, _spec: {})

    def plain(self, *tops: Path) -> list[str]:
        """Search files for a row of the site; what is removed meanwhile is not there."""
        found = []
        for path in (path for top in tops for path in top.rglob("*")):
            with contextlib.suppress(OSError):
                found += [str(path)] if CANARY.encode() in path.read_bytes() else []
        return found


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("encrypted"))


def test_only_an_identity_opens_it(world: World, tmp_path: Path) -> None:
    """Written, rehearsed with the right one, refused before any write with a wrong one; listed and verified by all."""
    said = world.task("backup", tmp_path)
    assert [note for note in said["notes"] if "whoever gets it can read it" in note], said
    assert world.plain(tmp_path)
    shutil.rmtree(tmp_path / "sets")
    seen = world.task("backup", tmp_path, check=True, age_recipients=[world.recipient])
    assert not seen.get("failed") and not list(tmp_path.glob("sets/*/*")), seen
    wrong = world.task("backup", tmp_path, age_recipients=[world.recipient + "x"])
    assert (wrong["code"], list(tmp_path.glob("sets/*/*"))) == ("bad_option", [])
    made = world.task("backup", tmp_path, age_recipients=[world.recipient])
    assert not made.get("failed") and not [note for note in made["notes"] if "whoever" in note], made
    assert world.plain(tmp_path) == []
    (row,) = world.task("backup_info", tmp_path, verify="all")["sets"]
    assert row["verified"] and row["recipients"] == [world.recipient]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for identity, code in ((None, "set_encrypted"), (world.other, "identity_wrong")):
        for check in (True, False):
            found = world.task("restore", tmp_path, check=check, age_identity=identity)
            assert found["code"] == code, found
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert "AGE-SECRET-KEY" not in json.dumps(found)
    given = {"age_identity": world.identity}
    tried = world.task("restore", tmp_path, state="rehearsed", **given)
    assert not tried.get("failed") and sorted(tried["restored"]) == ["default", "legacy"], tried
    assert world.plain(tmp_path) == []
    shutil.rmtree(world.project / "media")
    done = world.task("restore", tmp_path, age_identity=str(world.base / "identity"))
    assert not done.get("failed") and done["changed"], done
    assert (world.project / "media" / "letter").read_text() == CANARY
    assert not world.task("restore", tmp_path, **given)["changed"]
    assert world.plain(tmp_path) == [] and list((tmp_path / "opened").iterdir()) == []


def _killed(world: World, module: str, work: Path, **options: Any) -> bool:
    """Kill a module at the moment at which a plain row can be read; tells whether there was one."""
    process = os.fork()
    if not process:
        os.setsid()
        try:
            world.task(module, work, **options)
        finally:
            os._exit(0)
    while not world.plain(work):
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("module", ["backup", "restore"])
def test_killed_it_leaves_no_plain_row(world: World, tmp_path: Path, module: str) -> None:
    """At a moment at which rows can be read; and the next run goes on."""
    options: dict[str, Any] = {"age_recipients": [world.recipient]}
    if module == "restore":
        assert not world.task("backup", tmp_path, **options).get("failed")
        options = {"age_identity": world.identity, "state": "rehearsed"}
    assert _killed(world, module, tmp_path, **options)
    deadline = time.monotonic() + 10
    while world.plain(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert world.plain(tmp_path) == []
    done = world.task(module, tmp_path, **options)
    assert not done.get("failed") and world.plain(tmp_path) == [], done


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_the_worst_day_by_the_playbooks(tmp_path: Path) -> None:
    """Old is gone; what is left is a directory with encrypted sets, and the identity, whose text no file holds."""
    site = LocalSite(tmp_path, {"relocate_repository": {"address": str(tmp_path / "vault"), "create": True}})
    site.make()
    temporary = tmp_path / "tmp"
    site.variables["ansible_remote_tmp"] = str(temporary)
    identity = tmp_path / "identity"
    done = subprocess.run(["age-keygen", "-o", identity], capture_output=True, text=True, check=True)
    secret = identity.read_text()
    identity.unlink()
    site.variables["relocate_age_recipients"] = [done.stderr.split()[-1]]
    code, text = site.play("backup")
    assert code == 0 and "Its repository holds it" in text, text
    shutil.rmtree(tmp_path / "old")
    site.variables["relocate_age_identity"] = secret
    with monkeypatched("ANSIBLE_KEEP_REMOTE_FILES", "1"):
        code, text = site.play("restore")
    assert code != 0 and "without being written to its disk" in text, text
    code, text = site.play("restore")
    assert code == 0, text
    assert "AGE-SECRET-KEY" not in text
    assert site.rows(site.new, "legacy.sqlite3", "select total from invoice order by 1") == [(7,), (8,)]
    (tmp_path / "inventory.json").unlink()  # the controller's
    key = secret.splitlines()[-1].encode()
    held = [path for path in tmp_path.rglob("*") if path.is_file() and key in path.read_bytes()]
    assert held == []


@contextlib.contextmanager
def monkeypatched(name: str, value: str) -> Iterator[None]:
    """Set a variable of the environment."""
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
