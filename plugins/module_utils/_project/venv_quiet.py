# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Keeps a project that is tried out from leaving a trace: it writes no file, and speaks to its databases only.

Two nets lie below each other. Python's own audit hook refuses, by name, so that a page which fails for that is not
called broken. The kernel's Landlock, where there is one, refuses what C code would do past Python. Both are for
accidents: whoever owns the project may do with this process what he likes, and has nothing but his own rights.

Part of a program that runs in the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

import contextlib
import ctypes
import errno
import logging
import os
import shutil
import socket
import sys
import tempfile
import threading
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Devices that keep nothing.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/urandom", "/dev/random")
#: Events of the audit hook, and which of their arguments are paths that are changed, each with that of the directory
#: that it is relative to.
_CHANGES: Dict[str, Tuple[Tuple[int, int], ...]] = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
}
_NOWHERE = 9  # no argument: a path of these is relative to where the process is
for _name in "truncate lchown setxattr removexattr chflags lchmod".split():
    _CHANGES["os." + _name] = ((0, _NOWHERE),)
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")
#: Programs that only tell something, which settings and libraries run as they are loaded.
_TELLING = "git hg svn uname hostname ldconfig ld objdump gcc cc lsb_release locale pg_config getconf".split()
_MOST = 12  # refusals that are told of a project's start and threads
_OF_A_KIND = 3
_KEPT = 1000  # refusals that are remembered: some code tries again and again
_REFUSES = "a rehearsal refuses to "
_STARTS = ("subprocess.Popen", "os.posix_spawn")
_SIGNALS = ("os.kill", "os.killpg", "signal.pthread_kill")


class RefusedError(PermissionError):
    """Says what the rehearsal does not let the project do."""


class State:
    """Holds what is let through, and what was refused."""

    def __init__(self) -> None:
        self.place = ""  # a directory for temporary files
        self.own = ""  # the same, where it is this process's to remove
        self.places: Tuple[str, ...] = ()  # the directories that are written to, that one among them
        self.peers: Set[Any] = set()
        self.ask_peers: Optional[Callable[[], None]] = None  # adds peers, once, when the first unknown one is met
        self.programs = True  # whether others may be started: settings that ask git for a version do
        self.opening = 0  # the thread that opens a database of the settings, to read it
        self.refused: List[
            Tuple[int, str, bool]
        ] = []  # by which thread, what, and whether it would have told something
        self.let: Set[str] = set()  # what would be refused, and is let
        self.went: Dict[str, bool] = {}  # what was let
        self.named = 0  # the thread that is about to start a program that was looked at
        self.asks = False  # requests are made, each of which tells what was refused to it
        self.beside: Dict[str, bool] = {}  # what was refused to the project's start, and to threads of its own

    def refuse(self, what: str, tells: bool = False) -> None:
        """Note it, and raise RefusedError, unless it is to be let.

        :param tells: whether it may be done for what it tells, as a question to another server is
        """
        if what in self.let:
            self.went[what] = True
            return
        if len(self.refused) < _KEPT:
            self.refused.append((threading.get_ident(), what, tells))
        if not self.asks or threading.current_thread() is not threading.main_thread():
            kind = what.partition(" ")[0]
            if len(self.beside) < _MOST and sum(known.startswith(kind) for known in self.beside) < _OF_A_KIND:
                self.beside[what] = True
        raise RefusedError(errno.EACCES, _REFUSES + what)

    def mine(self) -> List[str]:
        """List what was refused to the thread that asks."""
        return [what for thread, what, _tells in self.refused if thread == threading.get_ident()]

    def knows(self, peer: Any) -> bool:
        """Tell whether an address, or the name of a host, is one of the databases'."""
        if self.ask_peers is not None and not self._has(peer):
            ask, self.ask_peers = self.ask_peers, None
            ask()
        return self._has(peer)

    def _has(self, peer: Any) -> bool:
        return peer in self.peers or peer in [known[0] for known in self.peers if isinstance(known, tuple)]


STATE = State()


def refusal_in(error: Any) -> str:
    """Say what was refused that an error comes of: by the nets, or by a database that is read only; "" for nothing."""
    seen: List[Any] = []
    while error is not None and error not in seen and len(seen) < 50:
        if isinstance(error, RefusedError):
            return str(error.strerror).replace(_REFUSES, "")
        if _is_read_only(error):
            return "write to the database"
        seen.append(error)
        error = error.__cause__ or error.__context__
    return ""


def _is_read_only(error: Any) -> bool:
    code = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    named = type(error).__name__ in ("OperationalError", "InternalError")
    return code == "25006" or (named and (number == 1792 or "readonly database" in str(error)))


def begin(place: str, writes: Sequence[str] = ()) -> None:
    """Refuse from now on. Raises RuntimeError where Python has no audit hook.

    :param place: a directory for temporary files, which is made
    :param writes: other directories that are written to
    """
    add_hook = getattr(sys, "addaudithook", None)  # from Python 3.8 on
    if add_hook is None:
        raise RuntimeError("Python {0}.{1} has no audit hook".format(*sys.version_info[:2]))
    try:
        os.mkdir(place, 0o700)
    except OSError:  # root's own TMPDIR, which nobody else may enter
        place = STATE.own = tempfile.mkdtemp(prefix="relocate-")
    STATE.place = os.path.realpath(place)
    STATE.places = (STATE.place,) + tuple(os.path.realpath(path) for path in writes)
    os.environ["TMPDIR"] = os.environ["SQLITE_TMPDIR"] = tempfile.tempdir = STATE.place
    _refuse_unheard()
    logging.disable(logging.CRITICAL)
    logging.FileHandler._open = _nowhere  # type: ignore[assignment,method-assign]
    add_hook(_hook)


def end() -> None:
    """Remove what is this process's own; it writes nothing more."""
    if STATE.own:
        shutil.rmtree(STATE.own, ignore_errors=True)


def _refuse_unheard() -> None:
    """Replace what Python tells no audit hook of: special files, and how multiprocessing starts programs."""
    import _posixsubprocess
    import subprocess

    os.mkfifo = os.mknod = _refuse_special
    _posixsubprocess.fork_exec = _refusing(_posixsubprocess.fork_exec)
    if hasattr(subprocess, "_fork_exec"):
        subprocess._fork_exec = _posixsubprocess.fork_exec


def _refuse_special(path: Any, *_words: Any, **_more: Any) -> None:
    STATE.refuse("make {0}".format(_text(path)))


def _refusing(start: Callable[..., Any]) -> Callable[..., Any]:
    def fork_exec(*words: Any, **more: Any) -> Any:
        if STATE.named != threading.get_ident():
            STATE.refuse("run a program")
        STATE.named = 0
        return start(*words, **more)

    return fork_exec


def _nowhere(_handler: Any) -> Any:
    return open(os.devnull, "a")


def _hook(event: str, args: Tuple[Any, ...]) -> None:
    """Look at what Python is about to do. Nothing but a refusal may be raised here."""
    check = _CHECKS.get(event)
    if check is not None:
        check(event, args)


def _check_open(_event: str, args: Tuple[Any, ...]) -> None:
    path, _mode, flags = args
    if isinstance(flags, int) and flags & _WRITING and not isinstance(path, int) and not _may_write(path):
        STATE.refuse("write {0}".format(_text(path)))


def _check_change(event: str, args: Tuple[Any, ...]) -> None:
    for path, directory in _CHANGES[event]:
        full = _placed(args[path], args[directory] if directory < len(args) else -1)
        if _may_write(full):
            continue
        if event == "os.mkdir" and os.path.isdir(full):
            return  # it fails by itself, as whoever makes a directory that is there expects
        STATE.refuse("change {0}".format(_text(full)))


def _placed(path: Any, directory: Any) -> Any:
    """Return a path as it can be looked at: of what is open, and of what is relative to an open directory."""
    if isinstance(path, int):
        return "/proc/self/fd/{0}".format(path)
    if isinstance(directory, int) and directory >= 0:
        return os.path.join("/proc/self/fd/{0}".format(directory), os.fsdecode(path))
    return path


def _may_write(path: Any) -> bool:
    try:
        full = os.path.realpath(os.fsdecode(path))
    except (TypeError, ValueError):
        return True  # the call itself refuses it
    return full in _DEVICES or any(full == top or full.startswith(top + os.sep) for top in STATE.places)


def _text(path: Any) -> str:
    return os.fsdecode(path)[:200]


def _check_peer(_event: str, args: Tuple[Any, ...]) -> None:
    address = args[1]
    if address is None:
        return
    known = tuple(address[:2]) if isinstance(address, tuple) else os.fsdecode(address)
    if not STATE.knows(known):
        STATE.refuse("connect to {0}".format(":".join(map(str, known)) if isinstance(known, tuple) else known), True)


def _check_name(_event: str, args: Tuple[Any, ...]) -> None:
    """Names are looked up by other servers, which would know; those of databases were looked up before."""
    host = args[0]
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name and not _is_address(name) and not STATE.knows(name):
        STATE.refuse("look up {0}".format(name), True)


def _is_address(name: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, name)
            return True
    return name in ("localhost", socket.gethostname())  # settings ask who they are


def _check_sqlite(_event: str, args: Tuple[Any, ...]) -> None:
    name = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) or hasattr(args[0], "__fspath__") else ""
    if name in (":memory:", "") or "mode=ro" in name or "mode=memory" in name or _may_write(name):
        return
    if STATE.opening == threading.get_ident():
        return
    STATE.refuse("open the SQLite database {0} for writing".format(name[:200]))


def _check_program(event: str, args: Tuple[Any, ...]) -> None:
    name = _text(args[0]) if args and isinstance(args[0], (str, bytes)) else ""
    telling = event == "os.fork" or (event in _STARTS and os.path.basename(name) in _TELLING)
    STATE.named = 0
    if not (STATE.programs and telling):
        STATE.refuse("run {0}".format(name or "a program"), event == "subprocess.Popen")
    if event == "subprocess.Popen":
        STATE.named = threading.get_ident()


def _check_log(_event: str, _args: Tuple[Any, ...]) -> None:
    STATE.refuse("write into the system's log")


def _check_signal(_event: str, _args: Tuple[Any, ...]) -> None:
    STATE.refuse("send a signal")


_CHECKS: Dict[str, Callable[[str, Tuple[Any, ...]], None]] = {
    "open": _check_open,
    "sqlite3.connect": _check_sqlite,
    "socket.connect": _check_peer,
    "socket.sendto": _check_peer,
    "socket.sendmsg": _check_peer,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
}
_CHECKS.update(dict.fromkeys(_CHANGES, _check_change))
_CHECKS.update(dict.fromkeys(_PROGRAMS, _check_program))
_CHECKS.update(dict.fromkeys(_SIGNALS, _check_signal))
_CHECKS["syslog.syslog"] = _check_log


def allow_peers(databases: Iterable[Dict[str, Any]]) -> None:
    """Let connections to these databases through, as Django's settings name them."""
    for database in databases:
        engine = str(database.get("ENGINE") or "")
        if "sqlite" not in engine and "spatialite" not in engine:
            _allow_server(database, 3306 if "mysql" in engine else 5432)


def port_of(database: Dict[str, Any], usual: int) -> int:
    """Return the port of a database; of several, the usual one."""
    port = str(database.get("PORT") or "")
    return int(port) if port.isdigit() else usual


def _allow_server(database: Dict[str, Any], usual: int) -> None:
    options = database.get("OPTIONS") or {}
    host = str(database.get("HOST") or options.get("host") or "localhost")
    STATE.peers.update(str(path) for path in (options.get("unix_socket"), host) if str(path).startswith("/"))
    port = port_of(database, usual)
    STATE.peers.update({(host, port), ("127.0.0.1", port), ("::1", port)})
    with contextlib.suppress(OSError, UnicodeError):
        STATE.peers.update(tuple(found[4][:2]) for found in socket.getaddrinfo(host, port))


# --- the kernel's net

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # of each architecture
_WRITE, _TRUNCATE = 1 << 1, 1 << 14
#: Write, remove and make anything; refer and truncate are of later kernels.
_FILE_RIGHTS = _WRITE | sum(1 << bit for bit in range(4, 13))
_CONNECT = 1 << 1
_NO_NEW_PRIVS = 38


def confine(ports: Optional[Iterable[int]], places: Iterable[str] = ()) -> bool:
    """Have the kernel refuse writes elsewhere, and TCP to other ports; returns whether it does.

    :param ports: None for any
    :param places: other directories that are written to
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1))
        version = min(version, 3) if ports is None else version
        return version >= 1 and _confine(libc, version, ports or (), STATE.places + tuple(places))
    except (OSError, AttributeError, ValueError):
        return False


def _confine(libc: Any, version: int, ports: Iterable[int], places: Iterable[str]) -> bool:
    rights = _FILE_RIGHTS | (1 << 13 if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    words = [rights] + ([_CONNECT] if version >= 4 else [])
    attributes = (ctypes.c_uint64 * len(words))(*words)
    rules = libc.syscall(_CREATE, ctypes.byref(attributes), ctypes.c_size_t(8 * len(words)), ctypes.c_uint(0))
    if rules < 0:
        return False
    try:
        for path in places:
            _allow(libc, rules, path, rights)
        for path in ("/dev/shm",) + _DEVICES:
            _allow(libc, rules, path, rights & (~0 if os.path.isdir(path) else (_WRITE | _TRUNCATE)))
        for port in ports if version >= 4 else ():
            rule = (ctypes.c_uint64 * 2)(_CONNECT, port)
            libc.syscall(_ADD, ctypes.c_int(rules), ctypes.c_int(2), ctypes.byref(rule), ctypes.c_uint(0))
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint(0)) == 0)
    finally:
        os.close(rules)


class _Beneath(ctypes.Structure):
    """A directory, and what may be done below it."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def _allow(libc: Any, rules: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = _Beneath(rights, handle)
        libc.syscall(_ADD, ctypes.c_int(rules), ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint(0))
    finally:
        os.close(handle)
