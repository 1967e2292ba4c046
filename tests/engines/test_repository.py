# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets in a repository of restic itself: pushed, brought back, checked, removed, and killed meanwhile."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _process
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._modules import repository as repository_module
from ansible_collections.relocate.django.plugins.module_utils._project import env_files
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile, read_record
from ansible_collections.relocate.django.plugins.module_utils._repository import restic as restic_driver
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy
from ansible_collections.relocate.django.plugins.module_utils._steps import retain
from tests.unit.fakes import manifest, me, refused
from tests.unit.plugins.module_utils._set.filled import fill

PASSWORD = "s3cret Canary: %é\\$'"
#: Another restic than the installed one, for those who look whether an older or a newer one will do.
PROGRAM = os.environ.get("RELOCATE_RESTIC", "") or shutil.which("restic") or ""
pytestmark = [
    pytest.mark.skipif(not PROGRAM, reason="restic is not installed"),
    pytest.mark.drawn(2, of="a repository of restic"),
]
LABELS = [f"202611{day:02d}T193000Z-1a2b3c4d5e6f" for day in range(1, 10)]


class Hosts:
    """Two hosts with a repository that both reach."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.password = top / "password"
        self.password.write_text(PASSWORD + "\n")
        self.password.chmod(0o600)
        self.repository = top / "repository"

    def given(self, **changes: Any) -> dict[str, Any]:
        """Give the option relocate_repository."""
        return {
            "type": "restic",
            "address": str(self.repository),
            "password_file": str(self.password),
            "create": True,
            **changes,
        }

    def run(
        self, state: str, label: str = "", host: str = "old", check: bool = False, **changes: Any
    ) -> dict[str, Any]:
        """Do what the module does."""
        params: dict[str, Any] = {"directory": str(self.top / host), "site": "shop", "state": state, "label": label}
        params.update(manifest_sha256=None, repository=self.given(), keep=0, retention={}, read_parts=1)
        module: Any = SimpleNamespace(params={**params, **changes}, check_mode=check)
        return repository_module.work_on(module)

    def make(self, label: str, sequence: int = 1, size: int = 0, host: str = "old") -> BackupSet:
        """Write a set."""
        made = BackupSet.create(str(self.top / host), "shop", label, me())
        fill(made)
        if size:
            Path(made.file("databases/large")).write_bytes(os.urandom(size))
        at = datetime.datetime.strptime(label[:15], "%Y%m%dT%H%M%S").replace(tzinfo=datetime.UTC)
        made.finish(replace(manifest(label), sequence=sequence, created=at.isoformat()))
        return made

    def restic(self, *argv: str, check: bool = True) -> str:
        """What restic itself says."""
        environment = {**os.environ, "RESTIC_PASSWORD_FILE": str(self.password), "TZ": "UTC"}
        command = [PROGRAM, "-r", str(self.repository), "--no-cache", *argv]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def stored(self) -> list[str]:
        """The labels of the sets in the repository."""
        driver = restic_driver.Restic(Access.of(self.given()), str(self.top / "old"))
        return [one.label for one in driver.sets("shop")]


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    monkeypatch.setattr(restic_driver, "require_program", lambda _name, _hint: PROGRAM)
    return Hosts(tmp_path)


def test_a_set_comes_back_on_a_host_that_has_nothing(hosts: Hosts) -> None:
    made = hosts.make(LABELS[0])
    assert hosts.run("pushed", check=True)["changed"]
    with refused("repository_missing", "create: true"):
        hosts.run("pushed", repository=hosts.given(create=False))
    assert not hosts.repository.exists()
    pushed = hosts.run("pushed")
    assert (pushed["changed"], pushed["created"], pushed["label"]) == (True, True, LABELS[0])
    assert pushed["added"] > 0 and hosts.stored() == [LABELS[0]]
    again = hosts.run("pushed")
    assert (again["changed"], again["added"]) == (False, 0), "it is there"
    shutil.rmtree(hosts.top / "old")  # the old host is gone
    would = hosts.run("pulled", host="new", check=True)
    assert would["changed"] and not (hosts.top / "new" / "sets").exists()
    pulled = hosts.run("pulled", host="new")
    assert (pulled["changed"], pulled["label"], pulled["manifest_sha256"]) == (
        True,
        LABELS[0],
        would["manifest_sha256"],
    )
    found = BackupSet.find(str(hosts.top / "new"), "shop")
    assert found.path == pulled["set"] and found.path.endswith(made.label)
    found.verify(found.read())
    assert found.pinned() == "file"
    assert not hosts.run("pulled", host="new")["changed"]
    assert not (hosts.top / "new" / "incoming" / "shop").exists()


def test_a_damaged_pack_is_found_and_gives_no_set(hosts: Hosts) -> None:
    hosts.make(LABELS[0], size=3_000_000)
    hosts.run("pushed")
    assert hosts.run("checked")["part"] == "1/1"
    packs = [path for path in (hosts.repository / "data").rglob("*") if path.is_file()]
    largest = max(packs, key=lambda path: path.stat().st_size)
    largest.chmod(0o600)
    content = bytearray(largest.read_bytes())
    content[len(content) // 3] ^= 1
    largest.write_bytes(content)
    with refused("repository_damaged", "restic check"):
        hosts.run("checked")
    with pytest.raises(RelocateError):
        hosts.run("pulled", host="new")
    assert BackupSet.labels(str(hosts.top / "new"), "shop") == []
    assert not (hosts.top / "new" / "incoming" / "shop").exists()


@pytest.mark.drawn(3)
@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"address": "/nowhere/at/all", "create": False}, "repository_missing", "have one made there"),
        ({"password_file": "/nowhere"}, "repository_password", "/nowhere cannot be opened: No such file"),
        ({"password_file": None, "password_command": "echo wrong"}, "repository_password", "does not open"),
        ({"password_file": None, "password_command": "false"}, "repository_password", "not accepted"),
        ({"password_file": "/etc/passwd"}, "repository_password", "can be read by others than root"),
        ({"type": "directory", "address": None}, "bad_option", "set relocate_repository to one"),
        ({"address": "rest:http://127.0.0.1:1/"}, "repository_unreachable", "cannot be reached"),
    ],
)
def test_what_does_not_open(hosts: Hosts, changes: dict[str, Any], code: str, text: str) -> None:
    hosts.make(LABELS[0])
    hosts.run("pushed")
    with refused(code, text):
        hosts.run("checked", repository=hosts.given(**{"create": False, **changes}))


def test_no_secret_is_in_a_command_line_or_a_message(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password by a variable, as backends want theirs, which only root's own processes see."""
    seen: list[Any] = []
    run = _process.run

    def watched(command: Any, **options: Any) -> Any:
        seen.append(command)
        return run(command, **options)

    monkeypatch.setattr(restic_driver.Restic.__init__, "__defaults__", ("", watched))
    credentials = hosts.top / "credentials"
    quoted = env_files.quote("RESTIC_PASSWORD", PASSWORD + "wrong")
    credentials.write_text(f"RESTIC_PASSWORD={quoted}\nRESTIC_REPOSITORY={hosts.repository}\n")
    credentials.chmod(0o600)
    hosts.make(LABELS[0])
    hosts.run("pushed")
    given = {"type": "restic", "credentials_file": str(credentials), "create": False}
    with refused("repository_password", "does not open") as caught:
        hosts.run("checked", repository=given)
    assert PASSWORD[:8] not in json.dumps(caught.value.as_result(), ensure_ascii=False)
    assert len(seen) >= 5
    assert [word for command in seen for word in command.argv if PASSWORD[:6] in word] == []
    assert {name for command in seen for name, value in command.env.items() if PASSWORD in value} == {"RESTIC_PASSWORD"}


def test_retention_is_that_of_restic(hosts: Hosts) -> None:
    """The same words leave the same sets as restic's own forget would, and prune frees their data."""
    for number in range(1, 13):
        day = datetime.date(2026, 1, 1) + datetime.timedelta(days=number * 16)
        hosts.make(f"{day:%Y%m%d}T193000Z-1a2b3c4d5e6f", number, size=1000)
    for label in BackupSet.labels(str(hosts.top / "old"), "shop"):
        hosts.run("pushed", label)
    words = {"last": 2, "daily": 3, "weekly": 3, "monthly": 5, "within": "20d"}
    argv = [word for name, value in words.items() for word in (f"--keep-{name}", str(value))]
    rows = json.loads(hosts.restic("forget", "--dry-run", "--json", "--group-by", "", *argv))
    kept = {tag[6:] for row in rows[0]["keep"] for tag in row["tags"] if tag.startswith("label=")}
    assert 3 < len(kept) < 10
    foreseen = hosts.run("pushed", retention=words, check=True)
    size = sum(path.stat().st_size for path in hosts.repository.rglob("*") if path.is_file())
    done = hosts.run("pushed", retention=words)
    assert done["expired"] == foreseen["expired"] and len(done["expired"]) == 12 - len(kept)
    assert set(hosts.stored()) == kept
    assert sum(path.stat().st_size for path in hosts.repository.rglob("*") if path.is_file()) < size
    assert not hosts.run("pushed", retention=words)["changed"]


def test_the_last_set_that_was_found_equal_stays(hosts: Hosts) -> None:
    for number, label in enumerate(LABELS[:5], 1):
        hosts.make(label, number)
        hosts.run("pushed", label)
    digest = hosts.run("pulled", LABELS[1], host="new")["manifest_sha256"]
    kept = RecordFile.read(str(hosts.top / "new"), "shop")
    retain.note_proven(kept, LABELS[1], digest)
    gone = hosts.run("noted", LABELS[1], host="new", repository=hosts.given(address=str(hosts.top / "away")))
    assert not gone["changed"] and "does not know that set" in gone["notes"][0], "the site is started all the same"
    assert hosts.run("noted", LABELS[1], host="new", check=True)["changed"]
    assert hosts.stored() == LABELS[:5]
    assert hosts.run("noted", LABELS[1], host="new")["changed"]
    assert not hosts.run("noted", LABELS[1], host="new")["changed"]
    assert not hosts.run("noted", LABELS[2], host="new")["changed"], "nobody restored that one"
    assert hosts.run("pushed", keep=1)["expired"] == [LABELS[0], *LABELS[2:4]]
    assert hosts.stored() == [LABELS[1], LABELS[4]]


def test_a_file_that_cannot_be_read_leaves_no_snapshot(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restic then exits 3, and keeps what it could read; root of this machine can read everything."""
    hosts.make(LABELS[0])
    hosts.run("pushed")
    hosts.make(LABELS[1], 2)
    run = _process.run

    def losing(command: Any, **options: Any) -> Any:
        done = run(command, **options)
        return replace(done, rc=3) if "backup" in command.argv else done

    with monkeypatch.context() as patched:
        patched.setattr(restic_driver.Restic.__init__, "__defaults__", ("", losing))
        with refused("repository_failed", "restic backup exited 3"):
            hosts.run("pushed", LABELS[1])
    assert hosts.stored() == [LABELS[0]]


def _killed(hosts: Hosts, state: str, host: str, after: float) -> bool:
    """Kill a module at work with all that it started; tells whether it was still at work."""
    process = os.fork()
    if not process:
        os.setsid()
        try:
            hosts.run(state, host=host)
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def _restics(hosts: Hosts) -> list[str]:
    """Processes of restic on this repository."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(hosts.top).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.drawn(3)
@pytest.mark.parametrize("after", [0.4, 0.9, 1.6])
def test_killed_in_mid_push(hosts: Hosts, after: float) -> None:
    hosts.make(LABELS[0])
    hosts.run("pushed")
    hosts.make(LABELS[1], 2, size=60_000_000)
    _killed(hosts, "pushed", "old", after)
    deadline = time.monotonic() + 10
    while _restics(hosts) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _restics(hosts) == [], "it died with the module"
    for identity in hosts.restic("list", "locks", check=False).split():
        process = Path("/proc", str(json.loads(hosts.restic("cat", "lock", identity, check=False))["pid"]))
        while process.exists() and time.monotonic() < deadline:  # nobody has asked yet how it ended
            time.sleep(0.1)
    done = hosts.run("pushed")
    assert hosts.stored() == LABELS[:2]
    assert not hosts.restic("list", "locks", check=False).strip()
    if done["notes"]:
        assert "lock of process" in done["notes"][0] and "it was removed" in done["notes"][0]
    assert hosts.run("checked")["part"] == "1/1"


@pytest.mark.drawn(3)
@pytest.mark.parametrize("after", [0.4, 0.9, 1.6])
def test_killed_in_mid_pull(hosts: Hosts, after: float) -> None:
    hosts.make(LABELS[0], size=60_000_000)
    hosts.run("pushed")
    killed = _killed(hosts, "pulled", "new", after)
    labels = BackupSet.labels(str(hosts.top / "new"), "shop")
    assert labels == ([] if killed and not labels else [LABELS[0]])
    hosts.run("pulled", host="new")
    found = BackupSet.find(str(hosts.top / "new"), "shop")
    found.verify(found.read())
    assert not (hosts.top / "new" / "incoming" / "shop").exists()


def test_a_stale_lock_is_told_and_does_not_stop_a_backup(hosts: Hosts) -> None:
    hosts.make(LABELS[0])
    hosts.run("pushed")
    process = subprocess.Popen(  # one that waits with its lock
        [PROGRAM, "-r", str(hosts.repository), "--no-cache", "backup", "--stdin"],
        env={**os.environ, "RESTIC_PASSWORD_FILE": str(hosts.password)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not list((hosts.repository / "locks").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        hosts.make(LABELS[1], 2)
        done = hosts.run("pushed", keep=1)
        assert (done["changed"], done["expired"]) == (True, [])
        assert f"a lock of process {process.pid} on " in done["notes"][0] and "removed" not in done["notes"][0]
        assert "stay until the next time" in done["notes"][1] and hosts.stored() == LABELS[:2]
    finally:
        process.kill()
        process.wait()
    notes = hosts.run("pushed")["notes"]
    assert [note for note in notes if f"process {process.pid} on " in note and "; it was removed" in note]
    assert hosts.run("pushed")["notes"] == []


def test_times_that_are_sure_are_noted_before_sets_go(hosts: Hosts) -> None:
    for number, label in enumerate([*LABELS[:2], LABELS[8], *LABELS[3:6]], 1):  # the third clock was five days ahead
        hosts.make(label, number)
        hosts.run("pushed", label)
    assert hosts.run("pushed", LABELS[5], retention={"daily": 5})["expired"] == [LABELS[0]]
    noted = read_record(str(hosts.top / "old"), "shop").set_times
    assert datetime.datetime.fromtimestamp(noted[LABELS[8]], datetime.UTC).day == 3
    assert Policy.of({"daily": 5}).daily == 5
