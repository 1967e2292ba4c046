# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real programs: exit codes, time, as whom they run, and who dies with whom."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _process, _users
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, pipeline, run
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import ROOT_ONLY, nobody, refused
from tests.unit.plugins.module_utils.programs import MIB, shared

pytestmark = pytest.mark.slow

__all__ = ["shared"]  # fixtures

IDS = "import os, json; print(json.dumps([os.getresuid(), os.getresgid(), sorted(os.getgroups()), os.umask(0)]))"


def system_python(code: str, **options: object) -> Command:
    """One that every user can reach."""
    return Command(["python3", "-I", "-c", code], **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, within: float = 30) -> bool:
    deadline = time.monotonic() + within
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


# --- one program


@pytest.mark.parametrize("rc", [0, 1, 3, 127])
def test_exit_codes_are_the_callers_to_judge(rc: int) -> None:
    done = run(Command(["sh", "-c", f"echo out; echo err >&2; exit {rc}"]))
    assert (done.rc, done.out, done.err) == (rc, "out\n", "err\n")


def test_a_program_that_a_signal_ends() -> None:
    assert run(Command(["sh", "-c", "kill -9 $$"])).rc == -signal.SIGKILL


def test_arguments_are_not_shell_text() -> None:
    words = ["$HOME", "a b", "'", '"', ";id", "*", "é", ""]
    assert run(Command(["printf", "%s\\n", *words])).out.splitlines() == words


def test_undecodable_output_is_escaped() -> None:
    done = run(Command(["sh", "-c", r"printf 'a\377'; printf '\351b' >&2"]))
    assert (done.out, done.err) == (r"a\xff", r"\xe9b")


def test_no_input_is_the_end_of_file() -> None:
    assert run(Command(["cat"])).stdout == b""


def test_files_at_both_ends(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"abc")
    with open(tmp_path / "in", "rb") as source, open(tmp_path / "out", "wb") as target:
        done = run(Command(["cat"]), stdin=source, stdout=target)
    assert ((tmp_path / "out").read_bytes(), done.stdout) == (b"abc", b"")


@pytest.mark.parametrize("stdin", [None, b"x" * MIB], ids=["silent", "fed"])
def test_a_timeout_ends_the_whole_group(tmp_path: Path, stdin: bytes | None) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/parent; sleep 60"
    began = time.monotonic()
    with refused("timed_out", r"^\[timed_out\] sh did not end within 0.4 s"):
        run(Command(["sh", "-c", script]), stdin=stdin, timeout=0.4)
    assert time.monotonic() - began < 50
    for name in ("child", "parent"):
        assert gone(int((tmp_path / name).read_text()))


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (Command(["no-such-program"]), "program_missing", "no-such-program is not on this host.*install it"),
        (Command(["/no/such"]), "program_missing", "/no/such is not on this host"),
        (Command(["true"], cwd="/no/directory"), "program_missing", "/no/directory is not on this host"),
        (Command(["/etc"]), "program_failed", "/etc cannot be started: Permission denied"),
        (Command(["true"], cwd="/etc/hostname"), "program_failed", "cannot be started: Not a directory"),
    ],
)
def test_what_cannot_be_started(command: Command, code: str, text: str) -> None:
    with refused(code, text):
        run(command)


def test_the_environment_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "DJANGO_SETTINGS_MODULE", "LD_PRELOAD", "PYTHONPATH", "LANG", "HOME"):
        monkeypatch.setenv(name, "/canary")
    monkeypatch.setenv("TMPDIR", "/tmp")
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    found = dict(
        line.partition("=")[::2]
        for line in run(Command(["env"], env={"GIVEN": "é", "PATH": "/usr/bin:/bin"})).out.splitlines()
    )
    assert "/canary" not in found.values()
    assert {key: found[key] for key in ("GIVEN", "PATH", "LC_ALL", "TMPDIR", "https_proxy")} == {
        "GIVEN": "é",
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": "/tmp",
        "https_proxy": "http://proxy:1",
    }
    assert found["HOME"] == _users.current_user().home


@pytest.mark.parametrize(("umask", "mode"), [(None, 0o600), (0o022, 0o644)])
def test_umask(tmp_path: Path, umask: int | None, mode: int) -> None:
    command = Command(["touch", str(tmp_path / "f")], **({} if umask is None else {"umask": umask}))
    assert run(command).rc == 0
    assert (tmp_path / "f").stat().st_mode & 0o777 == mode


def test_handles_are_not_inherited_but_for_those_named() -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        show = Command(["sh", "-c", f"test -e /proc/self/fd/{writing}"])
        assert run(show).rc == 1
        assert run(Command(show.argv, pass_fds=(writing,))).rc == 0
    finally:
        os.close(reading)
        os.close(writing)


# --- pipelines


@pytest.mark.parametrize(
    ("scripts", "codes"),
    [
        (["exit 0", "cat"], [0, 0]),
        (["echo x; exit 3", "cat", "cat"], [3, 0, 0]),
        (["echo x", "cat; exit 4", "cat"], [0, 4, 0]),
        (["exit 1", "exit 2", "exit 3"], [1, 2, 3]),
        (["yes", "head -c 3"], [-signal.SIGPIPE, 0]),
    ],
)
def test_every_exit_code_of_a_pipeline(scripts: list[str], codes: list[int]) -> None:
    done = pipeline([Command(["sh", "-c", "exec " + script if script == "yes" else script]) for script in scripts])
    assert [item.rc for item in done] == codes


def test_a_pipeline_hands_on_and_keeps_each_ones_errors(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"b\na\n")
    commands = [Command(["sh", "-c", "cat; echo one >&2"]), Command(["sh", "-c", "sort; echo two >&2"])]
    with open(tmp_path / "in", "rb") as source:
        done = pipeline(commands, stdin=source)
    assert [(item.out, item.err) for item in done] == [("", "one\n"), ("a\nb\n", "two\n")]
    with open(tmp_path / "in", "rb") as source, open(tmp_path / "out", "wb") as target:
        pipeline(commands, stdin=source, stdout=target)
    assert (tmp_path / "out").read_bytes() == b"a\nb\n"


@pytest.mark.parametrize("to_file", [True, False])
@pytest.mark.parametrize("more", [[], ["cat"]])
def test_the_beginning_of_a_pipeline_is_shown_on_its_way(tmp_path: Path, more: list[str], to_file: bool) -> None:
    shown: list[bytes] = []
    first = Command(["sh", "-c", "echo a; sleep 0.2; echo b; sleep 0.2; echo c"])

    def watch(head: bytes) -> bool:
        shown.append(head)
        return b"b" in head

    with open(tmp_path / "out", "wb") as target:
        stdout = target if to_file else None
        done = pipeline([first, *(Command([name]) for name in more)], stdout=stdout, watch=watch)
    assert ((tmp_path / "out").read_bytes() if to_file else done[-1].stdout) == b"a\nb\nc\n"
    assert shown == [b"a\n", b"a\nb\n"]


def test_a_pipeline_without_time(tmp_path: Path) -> None:
    script = f"echo $$ >> {tmp_path}/pids; sleep 60"
    with refused("timed_out", "a pipeline did not end within 0.4 s"):
        pipeline([Command(["sh", "-c", script])] * 2, timeout=0.4)
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_a_pipeline_whose_second_program_is_missing_leaves_no_first(tmp_path: Path) -> None:
    with refused("program_missing", "no-such-program"):
        pipeline([Command(["sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 60"]), Command(["no-such-program"])])
    if (tmp_path / "pid").exists():
        assert gone(int((tmp_path / "pid").read_text()))


# --- users


@ROOT_ONLY
@pytest.mark.parametrize("within", [False, True])
def test_nobody_starts_where_he_could_not_go(shared: Path, within: bool) -> None:
    """Root could enter: what lies there and is readable would be within his reach, by names without a slash."""
    private = shared / "private" / "open"
    private.mkdir(parents=True, mode=0o755)
    (private / "notes").write_text("secret")
    os.chown(shared / "private", 0, 0)
    (shared / "private").chmod(0o700)
    (shared / "project").symlink_to(private)
    command = Command([find_program("cat") or "", "notes"], None if within else nobody(), cwd=str(shared / "project"))
    with refused("program_failed", "Permission denied"), acting_as(nobody() if within else None):
        run(command)
    (shared / "private").chmod(0o755)
    assert run(command).out == "secret"


def test_find_program(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    assert _process.find_program("tool", [str(tmp_path)]) is None  # not executable
    (tmp_path / "tool").chmod(0o755)
    assert _process.find_program("tool", [str(tmp_path)]) == str(tmp_path / "tool")
    assert _process.find_program(str(tmp_path / "tool")) == str(tmp_path / "tool")
    assert _process.find_program(str(tmp_path / "none")) is None
    assert _process.find_program("sh") in ("/usr/bin/sh", "/bin/sh")


@ROOT_ONLY
@pytest.mark.parametrize("within", [False, True], ids=["as root", "within acting_as"])
def test_a_program_of_another_user_cannot_come_back(shared: Path, within: bool) -> None:
    user = nobody()
    with acting_as(user) if within else contextlib.nullcontext():
        done = run(system_python(IDS, user=user))
    uids, gids, groups, umask = json.loads(done.out)
    assert (set(uids), set(gids), groups, umask) == ({user.uid}, {user.gid}, sorted(user.groups), 0o077)


@ROOT_ONLY
def test_a_program_within_acting_as_cannot_come_back_either() -> None:
    with acting_as(nobody()):
        uids, gids, _groups, _umask = json.loads(run(system_python(IDS)).out)
    assert (set(uids), set(gids)) == ({nobody().uid}, {nobody().gid})
    assert os.getresuid() == (0, 0, 0)


@ROOT_ONLY
def test_programs_in_threads_run_as_their_own_users() -> None:
    users = [nobody(), None] * 8
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda user: run(Command(["id", "-u"], user=user)).out.strip(), users))
    assert found == [str(nobody().uid), "0"] * 8


@ROOT_ONLY
def test_a_group_that_cannot_be_taken_on_is_told() -> None:
    user = SystemUser("odd", 1 << 33, 65534)
    with refused("program_failed", "true cannot be started: its user or group cannot be taken on"):
        run(Command(["true"], user=user))


# --- who dies with whom

PARENT = """
import os, sys
from ansible_collections.relocate.django.plugins.module_utils._process import Command, pipeline, run
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user
user = lookup_user(sys.argv[2]) if sys.argv[2] else None
command = Command(["sh", "-c", "echo $$ >> " + sys.argv[1] + "; exec sleep 60"], user=user, umask=0o022)
if sys.argv[3] == "thread":
    import threading
    thread = threading.Thread(target=run, args=(command,))
    thread.start()
    thread.join()
elif sys.argv[3] == "family":
    word = "echo $$ >> " + sys.argv[1] + "; exec sleep 60"
    run(Command(["sh", "-c", "sh -c '" + word + "' & " + word], user=user, umask=0o022, family=True))
elif sys.argv[3] == "at once":
    word = "sleep 60 & echo $! > " + sys.argv[1] + "; kill -s KILL " + str(os.getpid()) + "; wait"
    run(Command(["sh", "-c", word], umask=0o022, family=True))
elif sys.argv[3] == "pipeline":
    pipeline([command, command])
else:
    run(command)
"""


@pytest.mark.parametrize("how", ["run", "thread", "pipeline", "family"])
@pytest.mark.parametrize("user", ["", pytest.param("nobody", marks=ROOT_ONLY)])
def test_a_killed_parent_leaves_no_child(shared: Path, how: str, user: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    wanted = 2 if how in ("pipeline", "family") else 1
    with subprocess.Popen([sys.executable, "-c", PARENT, str(shared / "pids"), user, how], env=environment) as parent:
        deadline = time.monotonic() + 60
        pids: list[int] = []
        while len(pids) < wanted and time.monotonic() < deadline:
            time.sleep(0.02)
            with contextlib.suppress(FileNotFoundError):
                pids = [int(line) for line in (shared / "pids").read_text().split()]
        assert len(pids) == wanted
        assert all(map(alive, pids))
        parent.kill()
    assert all(map(gone, pids))


def test_a_parent_that_is_killed_as_its_program_begins_leaves_no_child(tmp_path: Path) -> None:
    """There is a guard before there is anything to guard."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", PARENT, str(tmp_path / "pid"), "", "at once"]
    for _ in range(3):
        assert subprocess.run(argv, env=environment, check=False).returncode == -signal.SIGKILL
        assert gone(int((tmp_path / "pid").read_text()))


def test_a_guard_is_gone_with_its_program(tmp_path: Path) -> None:
    """What a program left running on purpose is not killed, and no guard stays."""
    script = "sleep 60 > /dev/null 2>&1 & echo $! > left"
    assert run(Command(["sh", "-c", script], cwd=str(tmp_path), family=True)).rc == 0
    left = int((tmp_path / "left").read_text())
    assert alive(left)
    os.kill(left, signal.SIGKILL)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if children.exists():
        assert not [
            pid for pid in children.read_text().split() if b"read -r _" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [("a\n\nb\n  \nc\n", 2, "b\nc"), ("", 8, ""), ("a", 8, "a"), ("1\r\n2\r\n", 1, "2")],
)
def test_last_lines(text: str, count: int, expected: str) -> None:
    assert _process.last_lines(text, count) == expected
