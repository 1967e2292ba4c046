# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets that are encrypted by age itself: written, listed, opened, and what is left of a process that was killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._age import age, opener
from ansible_collections.relocate.django.plugins.module_utils._age.opener import OPENER
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import FileEntry
from ansible_collections.relocate.django.plugins.module_utils._module import secrets_of
from ansible_collections.relocate.django.plugins.module_utils._process import removed_if_killed
from ansible_collections.relocate.django.plugins.module_utils._set import manifest as set_manifest
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import LABEL, manifest, me, refused
from tests.unit.plugins.module_utils._set.filled import DAT, FULL, fill

pytestmark = pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")


def _key(path: Path) -> tuple[str, str]:
    """Make an identity; returns its text and its public key."""
    done = subprocess.run(["age-keygen", "-o", path], capture_output=True, text=True, check=True)
    return path.read_text(), done.stderr.split()[-1]


@pytest.fixture(name="sealed")
def _sealed(tmp_path: Path) -> tuple[BackupSet, str, str]:
    """Give a set that is encrypted, its identity, and another one."""
    text, public = _key(tmp_path / "identity")
    other, _public = _key(tmp_path / "other")
    made = BackupSet.create(str(tmp_path / "work"), "shop", LABEL, me())
    fill(made)
    made.finish(replace(FULL, recipients=(public,)))
    return BackupSet(made.path), text, other


def _left(made: BackupSet) -> list[Path]:
    """Find plain copies."""
    home = Path(made.path).parent.parent.parent / "opened"
    return list(home.iterdir()) if home.is_dir() else []


def test_files_are_encrypted_and_the_set_can_be_listed(sealed: tuple[BackupSet, str, str]) -> None:
    made, text, _other = sealed
    names = [path.name for path in Path(made.path).rglob("*") if path.is_file()]
    assert [name for name in names if not name.endswith(".age")] == ["manifest.json"]
    content = b"".join(path.read_bytes() for path in Path(made.path).rglob("*") if path.is_file())
    assert b"rows\nrows" not in content and b"table of contents" not in content
    found = BackupSet.find(str(Path(made.path).parent.parent.parent), "shop")
    read = found.read()
    found.verify(read)
    assert len(read.recipients) == 1 and read.databases["default"].state.rows()
    assert DAT in read.plain_names()
    with OPENER.given(text):
        found.check_opens()
        assert Path(found.content("databases"), "default.fakedump", "1.dat").read_bytes() == b"rows\n" * 100
        assert Path(found.check_file("code.bundle")).read_bytes() == b"bundle"
        assert _left(made)
    assert _left(made) == []


def test_what_opens_no_set(sealed: tuple[BackupSet, str, str], tmp_path: Path) -> None:
    made, text, other = sealed
    with refused("set_encrypted", "relocate_age_identity"):
        made.check_opens()
    with OPENER.given(other), refused("identity_wrong", "encrypted to other recipients"):
        made.check_opens()
    with OPENER.given("AGE-SECRET-KEY-1NONSENSE"), refused("identity_unusable", "age cannot use") as caught:
        made.check_opens()
    assert "NONSENSE" not in str(caught.value.as_result())
    with OPENER.given("/nowhere"), refused("identity_unusable", "/nowhere cannot be opened"):
        made.check_opens()
    readable = tmp_path / "readable"
    readable.write_text(text)
    readable.chmod(0o644)
    with OPENER.given(str(readable)), refused("identity_unusable", "can be read by others"):
        made.check_opens()
    readable.chmod(0o600)
    with OPENER.given(str(readable)):
        made.check_opens()
    assert _left(made) == []


def test_a_file_that_differs_is_not_decrypted(sealed: tuple[BackupSet, str, str]) -> None:
    made, text, _other = sealed
    path = Path(made.file("code.bundle.age"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with OPENER.given(text), refused("file_differs", "code.bundle.age"):
        made.check_file("code.bundle")
    with OPENER.given(text), refused("file_unlisted", "is not in its manifest"):
        made.check_file("files/nothing")
    with open(os.devnull, "wb") as out, refused("encryption_failed", "at code.bundle.age"):
        age.decrypt(str(path), out, text)
    assert _left(made) == []


def test_no_room(sealed: tuple[BackupSet, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    made, text, _other = sealed
    monkeypatch.setattr(opener, "_SPARE", 1 << 60)
    with OPENER.given(text), refused("disk_full", "when it is decrypted"):
        made.content("databases")
    assert _left(made) == []


@pytest.mark.parametrize(
    ("recipient", "text"),
    [
        ("AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQ", "entry 1 of relocate_age_recipients is no public key"),
        ("/root/key.pub", "entry 1"),
        ("age1" + "q" * 58, "age does not take"),
        ("ssh-ed25519 AAAA", "age does not take"),
    ],
)
def test_recipients_that_are_none(recipient: str, text: str) -> None:
    with refused("bad_option", text) as caught:
        age.check_recipients([recipient])
    assert "SECRET" not in caught.value.msg
    age.check_recipients([])


def test_without_age(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _text, public = _key(tmp_path / "identity")
    age.check_recipients([public])
    monkeypatch.setattr("ansible_collections.relocate.django.plugins.module_utils._process._PATH", "/nowhere")
    with refused("program_missing", "install the package age"):
        age.check_recipients([public])


def test_a_manifest_that_hides_a_plain_file() -> None:
    listed = replace(manifest(), recipients=("age1x",), files=(FileEntry("code.bundle", 1, "0" * 64),))
    with refused("manifest_invalid", "recipients"):
        set_manifest.from_text(set_manifest.as_text(listed))
    sealed = replace(listed, files=(FileEntry("code.bundle.age", 1, "0" * 64), FileEntry("prepared.json", 1, "0" * 64)))
    read = set_manifest.from_text(set_manifest.as_text(sealed))
    assert read.plain_names() == ["code.bundle", "prepared.json"]


def test_the_identity_is_a_secret_and_its_path_is_none() -> None:
    text = "# created: 2026-11-30\n# public key: age1x\nAGE-SECRET-KEY-1CANARY\n"
    assert secrets_of({"age_identity": text}) == ["AGE-SECRET-KEY-1CANARY"]
    assert secrets_of({"age_identity": "/etc/relocate/age.key"}) == []


def _killed(work: object) -> None:
    """Run something in another process until it stops by itself, then kill that."""
    process = os.fork()
    if not process:
        try:
            work()  # type: ignore[operator]
            time.sleep(60)
        finally:
            os._exit(1)
    time.sleep(0.6)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def test_plain_copies_go_with_a_process_that_is_killed(sealed: tuple[BackupSet, str, str]) -> None:
    made, text, _other = sealed

    def work() -> None:
        with OPENER.given(text):
            Path(made.content("databases"), "sign").write_text("opened")
            time.sleep(60)

    _killed(work)
    deadline = time.monotonic() + 5
    while _left(made) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (Path(made.path).parent.parent.parent / "opened").is_dir(), "it was at work"
    assert _left(made) == []


@pytest.mark.parametrize("finished", [True, False])
def test_a_directory_of_a_process_that_is_killed(tmp_path: Path, finished: bool) -> None:
    place = tmp_path / "set"
    place.mkdir()
    (place / "plain").write_text("canary")

    def work() -> None:
        with removed_if_killed(str(place), "manifest.json"):
            if finished:
                (place / "manifest.json").write_text("{}")
            time.sleep(60)

    _killed(work)
    deadline = time.monotonic() + 3
    while place.exists() and time.monotonic() < deadline and not finished:
        time.sleep(0.05)
    assert place.exists() == finished


def test_what_a_power_failure_left_goes_with_the_next(sealed: tuple[BackupSet, str, str]) -> None:
    made, text, _other = sealed
    home = Path(made.path).parent.parent.parent / "opened"
    (home / "secret-dead").mkdir(parents=True)
    (home / "secret-dead" / "db").write_text("canary")
    with OPENER.given(text):
        made.check_file("code.bundle")
        assert not (home / "secret-dead").exists()
    with pytest.raises(RelocateError):
        OPENER.place(str(home.parent), made.path, 1)
