# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords live in files that go away, and are shown in no form."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _secrets
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._secrets import MASK, SecretStore, scrub
from tests.unit.fakes import ROOT_ONLY, me, nobody, refused

CANARIES = {
    "plain": "correcthorsebattery",
    "quote": "cor'rect''horse'batt",
    "double quote": 'cor"rect""horse"batt',
    "space": "correct horse battery",
    "accent": "corréct-hörse-bättery",
    "percent": "corr%41ct%%horse%batt",
    "colon": "corr:ect::horse:batt",
    "backslash": "corr\\ect\\\\horse\\batt",
    "dollar": "corr$ect${horse}$$batt",
    "hash": "corr#ect##horse#batt",
    "at": "corr@ect@@horse@batt",
    "all": "q'uo\"te sp é%p:c\\b$d#h@a+/=&?",
    "four bytes": "corr😀ect-horse-batt",
    "not UTF-8": "corr\udce9ect-horse-batt",
    "tab": "corr\tect\thorse\tbatt",
    "short": "p4ß's",
}


def encodings(secret: str) -> dict[str, str]:
    raw = secret.encode("utf-8", "surrogateescape")
    return {
        "raw": secret,
        "shown by _process": raw.decode("utf-8", "backslashreplace"),
        "url": urllib.parse.quote(raw, safe=""),
        "url, lower case": urllib.parse.quote(raw, safe="").replace("%C3%A9", "%c3%a9"),
        "url path": urllib.parse.quote(raw),
        "url form": urllib.parse.quote_plus(raw),
        "JSON": json.dumps(secret),
        "JSON, not ASCII": json.dumps(secret, ensure_ascii=False),
        "repr": repr(secret),
        "ascii": ascii(secret),
        "base64": base64.b64encode(raw).decode(),
        "SQL": secret.replace("'", "''"),
        "conninfo": secret.replace("\\", "\\\\").replace("'", "\\'"),
        "PGPASSFILE": secret.replace("\\", "\\\\").replace(":", "\\:"),
        "option file": secret.replace("\\", "\\\\").replace('"', '\\"'),
    }


def pieces(form: str, width: int = 8) -> set[str]:
    return {form[start : start + width] for start in range(max(1, len(form) - width + 1))}


@pytest.mark.parametrize("name", CANARIES)
def test_no_form_and_no_eight_characters_remain(name: str) -> None:
    secret = CANARIES[name]
    for how, form in encodings(secret).items():
        bare = form.strip("\"'") if how in ("JSON", "JSON, not ASCII", "repr", "ascii") else form
        for text in (form, f"FATAL: <{form}> is wrong", f"{form}{form}", f"a\n{form}\nb"):
            cleaned = scrub(text, [secret])
            assert MASK in cleaned
            left = [piece for piece in pieces(bare) if piece in cleaned and set(piece) != {"*"}]
            assert left == [], f"{how}: {cleaned}"
        assert scrub(f"kept <{form}> kept", [secret]).startswith("kept <")


@pytest.mark.parametrize("name", [name for name in CANARIES if name != "short"])
@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("length", [8, 9, 12])
def test_parts_that_a_program_echoes_are_masked(name: str, start: int, length: int) -> None:
    for how, form in encodings(CANARIES[name]).items():
        if how in ("JSON", "JSON, not ASCII", "repr", "ascii"):
            form = form[1:-1]
        part = form[start : start + length]
        assert part not in scrub(f"missing '=' after \"{part}\"", [CANARIES[name]]), how


@pytest.mark.parametrize("name", [name for name in CANARIES if name != "short"])
@pytest.mark.parametrize("user", ["", "a", "sh", "shop"])
def test_a_basic_authorization_is_masked(name: str, user: str) -> None:
    raw = user.encode() + CANARIES[name].encode("utf-8", "surrogateescape") + b"tail"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(raw).decode()
        cleaned = scrub(f"Authorization: Basic {encoded}", [CANARIES[name]])
        assert MASK in cleaned
        inner = encoded[(len(user) * 4 + 2) // 3 + 1 : -8]
        assert [piece for piece in pieces(inner, 12) if piece in cleaned] == []


def test_quoted_for_a_shell_leaves_no_eight_characters() -> None:
    for secret in CANARIES.values():
        cleaned = scrub("export P=" + shlex.quote(secret), [secret])
        assert [piece for piece in pieces(secret) if piece in cleaned] == []


def test_other_text_stays() -> None:
    text = "database shop: FATAL: no such role\n"
    assert scrub(text, ["correcthorsebattery", "zzz"]) == text
    assert scrub(text, []) == text
    assert scrub("", ["x"]) == ""


def test_one_secret_within_another() -> None:
    assert "horse" not in scrub("correcthorse and horse", ["horse", "correcthorse"])
    assert scrub("x correcthorse y", ["horse", "correcthorse"]) == f"x {MASK} y"


# --- the store


def test_files_are_private_and_gone_afterwards(tmp_path: Path) -> None:
    base = tmp_path / "work"
    with SecretStore(str(base)) as store:
        path = store.write("pgpass", "é\udce9")
        assert Path(path).read_bytes() == "é".encode() + b"\xe9"
        assert [stat.S_IMODE(os.stat(item).st_mode) for item in (path, store.path, base)] == [0o600, 0o700, 0o711]
        assert store.write("pgpass", "again") == path
        assert Path(path).read_text() == "again"
        store.remember("correcthorse", None, "")
        assert store.scrub("correcthorse") == MASK
    assert os.listdir(base) == []
    with pytest.raises(ZeroDivisionError), SecretStore(str(base)) as store:
        store.write("x", "y")
        raise ZeroDivisionError
    assert os.listdir(base) == []


def test_a_planted_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("keep")
    with SecretStore(str(tmp_path / "work")) as store:
        os.symlink(tmp_path / "victim", os.path.join(store.path, "pgpass"))
        assert not os.path.islink(store.write("pgpass", "secret"))
    assert (tmp_path / "victim").read_text() == "keep"


@ROOT_ONLY
def test_files_belong_to_who_reads_them(tmp_path: Path) -> None:
    user = nobody()
    with SecretStore(str(tmp_path / "work"), user) as store:
        path = store.write("pgpass", "x")
        assert {(os.stat(item).st_uid, os.stat(item).st_gid) for item in (path, store.path)} == {(user.uid, user.gid)}


CRASH = """
import os, sys, time
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
with SecretStore(sys.argv[1]) as store:
    store.write("pgpass", "canary")
    print(store.path, flush=True)
    time.sleep(60)
"""


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", CRASH, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with SecretStore(str(tmp_path)):
            assert (left / "pgpass").read_text() == "canary"  # its process is alive
        process.send_signal(signal.SIGKILL)
    assert left.exists()
    with SecretStore(str(tmp_path)):
        assert not left.exists()


def test_leftovers_are_ours_only(tmp_path: Path) -> None:
    (tmp_path / "secret-old").mkdir()
    (tmp_path / "secret-old" / "pgpass").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "secret-link").symlink_to(tmp_path / "other")
    assert _secrets.remove_leftovers(str(tmp_path)) == ["secret-old"]
    assert sorted(os.listdir(tmp_path)) == ["other", "secret-link"]


def test_many_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def use() -> None:
        try:
            for _turn in range(10):
                with SecretStore(str(tmp_path)) as store:
                    path = store.write("x", "y")
                    assert Path(path).read_text() == "y"
        except BaseException as exc:
            failed.append(exc)

    threads = [threading.Thread(target=use) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert os.listdir(tmp_path) == []


# --- directories


def test_make_directory_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.make_directory(str(tmp_path / "a" / "b" / "c"), 0o700)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/c")]
    assert modes == [0o711, 0o711, 0o700]
    files.make_directory(str(tmp_path / "a" / "b" / "c"))  # again is fine


@pytest.mark.parametrize("how", ["link", "file", "writable", pytest.param("owner", marks=ROOT_ONLY)])
def test_what_is_in_the_place_of_a_directory_of_ours(tmp_path: Path, how: str) -> None:
    path = tmp_path / "work"
    if how == "link":
        (tmp_path / "elsewhere").mkdir()
        path.symlink_to(tmp_path / "elsewhere")
    elif how == "file":
        path.write_text("")
    else:
        path.mkdir()
        if how == "writable":
            path.chmod(0o770)
        else:
            os.chown(path, nobody().uid, nobody().gid)
    with refused(
        "work_directory", "work is a link, belongs to someone else or is writable by others.*set relocate_directory"
    ):
        files.make_directory(str(path))
    if how == "owner":
        files.make_directory(str(path), 0o700, nobody())  # its own


@ROOT_ONLY
@pytest.mark.parametrize("how", ["owner", "everybody", "link"])
def test_root_does_not_work_below_what_somebody_else_can_exchange(tmp_path: Path, how: str) -> None:
    """The owner of the directory above renames ours, and puts a link there while root writes."""
    above, elsewhere = tmp_path / "above", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if how == "link":
        above.symlink_to(elsewhere)
        os.chown(above, nobody().uid, -1, follow_symlinks=False)
    else:
        above.mkdir()
        above.chmod(0o777 if how == "everybody" else 0o755)
        os.chown(above, nobody().uid if how == "owner" else 0, -1)
    with refused("work_directory", "above.*relocate_directory"):
        files.make_directory(str(above / "work"))
    with refused("work_directory", "above.*relocate_directory"):
        files.make_directory(str(above / "deep" / "er" / "work"))
    assert not list(elsewhere.iterdir())
    assert not list(above.iterdir())
    os.chown(above, 0, 0, follow_symlinks=False)
    if how == "everybody":
        above.chmod(0o1777)
    files.make_directory(str(above / "work"))


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with refused("work_directory", "file/x cannot be made: Not a directory.*set relocate_directory to another path"):
        files.make_directory(str(tmp_path / "file" / "x"))


def test_where_secrets_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert _secrets.secret_base(str(tmp_path)) == "/run/relocate"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert _secrets.secret_base(str(tmp_path)) == str(tmp_path)


def test_the_store_of_an_unprivileged_user_is_its_own(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(SecretStore(str(tmp_path), me()))
        assert os.stat(store.write("x", "y")).st_uid == os.geteuid()
