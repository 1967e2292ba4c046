# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that starts a program.

Programs are argv lists, never shell text. They get an environment of our own, run as the user who is named, in a
process group that dies with us, and both ends of a pipe are checked: ``pg_dump nodb | gzip`` exits 0, which is how
empty backups are made.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import IO, Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS, Amount
from ansible_collections.relocate.django.plugins.module_utils._streams import Copier, Feed, Tail
from ansible_collections.relocate.django.plugins.module_utils._together import Started, Together
from ansible_collections.relocate.django.plugins.module_utils._users import IDS, acting_as, current_user

_PR_SET_PDEATHSIG = 1
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: A unit, and what makes of a program's last output how much of it is done.
Measure = Tuple[str, Callable[[bytes], Optional[Amount]]]
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Completed:
    """The end of a program. ``stdout`` and ``stderr`` hold the last mebibyte at most."""

    argv: Tuple[str, ...]
    rc: int
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def out(self) -> str:
        """Standard output as text; undecodable bytes are escaped."""
        return self.stdout.decode("utf-8", "backslashreplace")

    @property
    def err(self) -> str:
        """Standard error as text; undecodable bytes are escaped."""
        return self.stderr.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Command:
    """One program to start: the unit that :func:`run` and :func:`pipeline` take.

    :param family: it starts others that work on by themselves (parallel jobs, git's helpers): with this process they
        die as well, at once, and not when they next look at their parent
    """

    argv: Sequence[str]
    user: Optional[SystemUser] = None
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Optional[str] = None
    umask: int = 0o077
    pass_fds: Tuple[int, ...] = ()
    family: bool = False


def find_program(name: str, extra: Sequence[str] = ()) -> Optional[str]:
    """The absolute path of a program, or None. ``extra`` are directories to look in first."""
    if os.path.isabs(name):
        return name if os.access(name, os.X_OK) else None
    return shutil.which(name, path=os.pathsep.join(list(extra) + [_PATH]))


def require_program(name: str, hint: str = "") -> str:
    """The absolute path of a program. Raises program_missing."""
    path = find_program(name)
    if path is None:
        raise RelocateError(
            "program_missing", "{0} is not on this host".format(name), hint or "install {0}".format(name)
        )
    return path


def _environment(command: Command) -> Dict[str, str]:
    user = command.user or current_user()
    env = dict.fromkeys(("LC_ALL", "LANG"), "C.UTF-8")
    env.update(PATH=_PATH, HOME=user.home, USER=user.name, LOGNAME=user.name)
    for name in ("TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(command.env)
    return env


def _before_exec(command: Command, parent: int, directory: int, guard: int) -> Callable[[], None]:
    user = command.user

    def prepare() -> None:
        os.setsid()
        os.umask(command.umask)
        if user is not None and os.geteuid() == 0 and user.uid != 0:
            os.setgroups(list(user.groups))
            os.setresgid(user.gid, user.gid, user.gid)
            os.setresuid(user.uid, user.uid, user.uid)
        else:
            # Within acting_as the real ids are still root's: a program must not find its way back to them.
            os.setresgid(os.getegid(), os.getegid(), os.getegid())
            os.setresuid(os.geteuid(), os.geteuid(), os.geteuid())
        if directory >= 0:
            os.fchdir(directory)  # with the user's rights: root could enter what he cannot
        # After the ids, since changing them clears it: a killed module must not leave its child running.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)
        if guard >= 0:
            os.write(guard, b"%d\n" % os.getpid())  # before the program can start others

    return prepare


class _Guard:
    """Runs a line of shell, which has words as $1, $2, ..., when this process is gone, be it by SIGKILL.

    It waits for the end of a pipe that nobody but this process holds open; it is in a session of its own, so that what
    kills ours does not kill it.
    """

    def __init__(self, line: str, *words: str) -> None:
        reader, self.pipe = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", line, "sh", *words],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": _PATH},
                cwd="/",
                preexec_fn=_as_who_acts,
            )
        except BaseException:
            os.close(self.pipe)
            raise
        finally:
            os.close(reader)

    def dismiss(self) -> None:
        """Let it go: nothing is left to be done."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.pipe, b"\n\n")  # one line for the group, if none was told, and one to go
        os.close(self.pipe)
        self._process.wait()


#: Kills a process group. The kernel ends only our own children with us, not theirs. The guard runs before the program
#: does, which tells it its number through the pipe: there is no moment without a guard.
_END_GROUP = 'read -r group && { read -r _ || kill -s KILL -- "-$group"; }'
#: Removes a directory, again while programs that end too still write to it; one that has the named file stays.
_REMOVE = (
    'read -r _ || for _ in 1 2 3 4 5 6 7 8; do [ ! -e "$1" ] || [ -e "${2:+$1/$2}" ] || rm -rf -- "$1"; sleep 0.1; done'
)


@contextlib.contextmanager
def removed_if_killed(path: str, unless: str = "") -> Iterator[None]:
    """Have a directory removed when this process is killed in the block; with the file ``unless`` in it, it stays."""
    with IDS:
        guard = _Guard(_REMOVE, path, unless)
    try:
        yield
    finally:
        guard.dismiss()


def _as_who_acts() -> None:
    os.setsid()
    os.setresgid(os.getegid(), os.getegid(), os.getegid())
    os.setresuid(os.geteuid(), os.geteuid(), os.geteuid())


@contextlib.contextmanager
def _guarded(command: Command) -> Iterator[int]:
    """Ends the whole family of a program with this process, where it has one. Gives the guard's pipe, or -1."""
    if not command.family:
        yield -1
        return
    with IDS:
        guard = _Guard(_END_GROUP)
    try:
        yield guard.pipe
    finally:
        guard.dismiss()


def _start(command: Command, stdin: Any, stdout: Any, guard: int = -1) -> "subprocess.Popen[bytes]":
    with IDS:
        return _start_now(command, stdin, stdout, guard)


def _start_now(command: Command, stdin: Any, stdout: Any, guard: int) -> "subprocess.Popen[bytes]":
    if command.user is not None and os.geteuid() not in (0, command.user.uid):
        raise RelocateError(
            "right_missing",
            "this task runs as uid {0} and cannot run {1} as {2}".format(
                os.geteuid(), os.path.basename(command.argv[0]), command.user.name
            ),
            AS_ROOT,
        )
    directory = -1
    try:
        directory = _open_directory(command)
        return subprocess.Popen(
            list(command.argv),
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=_environment(command),
            cwd="/",
            preexec_fn=_before_exec(command, os.getpid(), directory, guard),
            pass_fds=command.pass_fds,
        )
    except FileNotFoundError as exc:
        missing = command.cwd if command.cwd and not os.path.isdir(command.cwd) else command.argv[0]
        raise RelocateError(
            "program_missing", "{0} is not on this host".format(missing), "install it, or give its path"
        ) from exc
    except (OSError, subprocess.SubprocessError) as exc:
        why = getattr(exc, "strerror", None) or "its user or group cannot be taken on"
        raise RelocateError("program_failed", "{0} cannot be started: {1}".format(command.argv[0], why)) from exc
    finally:
        if directory >= 0:
            os.close(directory)


def _open_directory(command: Command) -> int:
    """The directory to start in, reached with the rights of the user; -1 when none is named. Raises OSError."""
    if not command.cwd:
        return -1
    with acting_as(command.user):
        return os.open(command.cwd, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _await(processes: Sequence["subprocess.Popen[bytes]"], timeout: Optional[float]) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        for process in processes:
            process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as exc:
        raise RelocateError("timed_out", "a pipeline did not end within {0:g} s".format(timeout or 0)) from exc


def _kill(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Kill the group of each that still runs."""
    for process in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run(
    command: Command,
    stdin: Union[bytes, IO[bytes], int, None] = None,
    stdout: Optional[IO[bytes]] = None,
    timeout: Optional[float] = None,
    on_line: Optional[Callable[[str], None]] = None,
    on_start: Optional[Callable[[], None]] = None,
    measure: Optional[Measure] = None,
) -> Completed:
    """Run one program to its end; the exit code is the caller's to judge.

    :param stdin: bytes to feed, an open file, or None for /dev/null
    :param stdout: an open binary file that takes the output; None keeps the last mebibyte
    :param timeout: seconds; then the whole process group is killed and ``timed_out`` raised
    :param on_line: called with each line of standard error as it comes (progress)
    :param on_start: called when the program runs: from then on another thread may hold :func:`acting_as`
    :param measure: makes of its output how far it is; without it, the place in the files that it has open tells that
    """
    with contextlib.ExitStack() as stack:
        with _guarded(command) as guard:
            process = _start(command, _given(stdin), subprocess.PIPE if stdout is None else stdout, guard)
            try:
                err = Tail(process.stderr, on_line)  # type: ignore[arg-type]
                out = Tail(process.stdout) if process.stdout is not None else None
                stack.enter_context(_followed(stdin, stdout, out, measure))
                if on_start is not None:
                    on_start()
                if isinstance(stdin, bytes):
                    Feed(process.stdin, stdin)  # type: ignore[arg-type]
                process.wait(timeout)
            except subprocess.TimeoutExpired as exc:
                raise RelocateError(
                    "timed_out",
                    "{0} did not end within {1:g} s".format(os.path.basename(command.argv[0]), timeout or 0),
                ) from exc
            finally:
                _kill([process])
        return _completed([command], [process], [err], out)[0]


def start_beside(command: Command) -> Started:
    """Start a program that works beside this process, and ends with it at the latest; what it says is left unread."""
    process = _start(command, subprocess.DEVNULL, subprocess.DEVNULL)
    Tail(process.stderr)  # type: ignore[arg-type]
    return process


def _followed(
    stdin: Any, stdout: Any, out: Optional[Tail], measure: Optional[Measure]
) -> "contextlib.AbstractContextManager[None]":
    """Let others see how far a program is."""
    if measure is None or out is None:
        return PROGRESS.following(stdin, stdout)
    unit, amount_of = measure
    return PROGRESS.measured(lambda: amount_of(out.last()), unit)


def _passing(stdin: Any, stdout: Any, copier: Optional[Copier]) -> "contextlib.AbstractContextManager[None]":
    """Let others see how far a pipeline is, by what we hand on or by its files."""
    return PROGRESS.following(stdin, stdout) if copier is None else PROGRESS.measured(copier.amount)


def _given(stdin: Union[bytes, IO[bytes], int, None]) -> Any:
    """Choose what a program is started with, so that it reads this."""
    if stdin is None:
        return subprocess.DEVNULL
    return subprocess.PIPE if isinstance(stdin, bytes) else stdin


def _completed(
    commands: Sequence[Command],
    processes: Sequence["subprocess.Popen[bytes]"],
    errors: Sequence[Tail],
    out: Optional[Tail],
) -> List[Completed]:
    """Collect what each program left; ``out`` reads what the last one writes, when it is kept."""
    said = [tail.finish() for tail in errors]
    written = [b""] * (len(processes) - 1) + [out.finish() if out else b""]
    return [
        Completed(tuple(command.argv), process.returncode, output, error)
        for command, process, output, error in zip(commands, processes, written, said)
    ]


def pipeline(
    commands: Sequence[Command],
    stdin: Optional[IO[bytes]] = None,
    stdout: Optional[IO[bytes]] = None,
    timeout: Optional[float] = None,
    watch: Optional[Callable[[bytes], bool]] = None,
    on_line: Optional[Callable[[str], None]] = None,
    together: Optional[Together] = None,
) -> List[Completed]:
    """Run programs joined by pipes and return what *each* left; a shell would tell of the last only.

    :param together: ends them when another pipeline of it fails
    :param on_line: called with each line of any program's standard error as it comes (progress)
    :param watch: is shown the beginning of what the first program writes, as far as it is there, until it returns True
    """
    processes: List["subprocess.Popen[bytes]"] = []
    errors: List[Tail] = []
    copier: Optional[Copier] = None
    try:
        source: Any = _given(stdin)
        for index, command in enumerate(commands):
            target = stdout if index == len(commands) - 1 else None
            process = _start(command, source, subprocess.PIPE if target is None or watch else target)
            if index:
                source.close()  # the child holds it: without this an early exit downstream is never noticed
            processes.append(process)
            if together is not None:
                together.add(process)
            errors.append(Tail(process.stderr, on_line))  # type: ignore[arg-type]
            source = process.stdout
            if watch is not None:
                copier = Copier(source, target, watch)
                source, watch = copier.outlet, None
        out = Tail(source) if stdout is None else None
        with _passing(stdin, stdout, copier):
            _await(processes, timeout)
    finally:
        _kill(processes)
    if copier is not None:
        copier.finish()
    return _completed(commands, processes, errors, out)


def last_lines(text: str, count: int = 8) -> str:
    """The last non-empty lines of a program's output, for an error message (scrub it first)."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])
