# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells who listens where, by the kernel: sockets of ``/proc/net``, the processes that hold them, the units of those.

So a server is found although its address stands in a configuration file, or in a script that starts it. Needs root to
see what others hold open. Sockets within other network namespaces, such as those of containers, are not seen.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from dataclasses import dataclass, field, replace
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.bound import tcp
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

PROC = "/proc"
_LISTENS = "0A"  # TCP_LISTEN
_ACCEPTS = 0x10000  # __SO_ACCEPTCON
_ORDER = -1 if sys.byteorder == "little" else 1
_MOST_BYTES = 4 * 1024 * 1024  # of one file of /proc
_USER = re.compile(r"user@([0-9]{1,10})\.service\Z")


@dataclass(frozen=True)
class Listener:
    """A process that holds a socket at which it is listened. Several processes of a server share one."""

    address: str  # as in Starter.listens
    unit: str = ""  # "" for a process of no unit, and for systemd itself, which holds those of socket units
    manager: str = ""  # as in Starter
    pid: int = 0
    words: Tuple[str, ...] = field(default=(), repr=False)  # its command line; may hold secrets
    directory: str = ""  # where it runs


def tcp_sockets(text: str) -> Dict[str, str]:
    """Return who is listened at out of ``/proc/net/tcp`` or ``tcp6``: inode -> address."""
    found = {}
    for line in text.splitlines()[1:]:
        parts = line.split()
        if len(parts) > 9 and parts[3] == _LISTENS:
            address = _address(parts[1])
            if address:
                found[parts[9]] = address
    return found


def _address(text: str) -> str:
    """Return an address that the kernel writes as words of 32 bits in the host's own order."""
    raw, _sep, port = text.partition(":")
    try:
        data = b"".join(bytes.fromhex(raw[at : at + 8])[::_ORDER] for at in range(0, len(raw), 8))
        number = int(port, 16)
        host = socket.inet_ntop(socket.AF_INET6 if len(data) == 16 else socket.AF_INET, data)
    except (ValueError, OSError):
        return ""
    return tcp("" if host == "::" else host[7:] if host.startswith("::ffff:") else host, str(number))


def unix_sockets(text: str) -> Dict[str, str]:
    """Return who is listened at out of ``/proc/net/unix``: inode -> address."""
    found = {}
    for line in text.splitlines()[1:]:
        parts = line.split(None, 7)
        try:
            accepts = len(parts) == 8 and int(parts[3], 16) & _ACCEPTS
        except ValueError:
            continue
        if accepts and parts[7].startswith(("/", "@")):
            found[parts[6]] = "unix:" + parts[7]
    return found


def owner_of(cgroup: str) -> Tuple[str, str]:
    """Return unit and manager of a process, out of its file ``cgroup``. What is in no service belongs to no unit."""
    names = [part for part in _group(cgroup).split("/") if part.endswith((".service", ".scope"))]
    match = _USER.match(names[0]) if names else None
    if match is not None:
        user = lookup_user(int(match.group(1)))
        manager, names = user.name if user is not None else match.group(1), names[1:]
    else:
        manager = ""
    return (names[0], manager) if names and names[0].endswith(".service") else ("", "")


def _group(cgroup: str) -> str:
    """Return the control group by which systemd knows a process, of either version."""
    for line in cgroup.splitlines():
        number, _sep, rest = line.partition(":")
        controllers, _sep, path = rest.partition(":")
        if (number == "0" and not controllers) or controllers == "name=systemd":
            return path
    return ""


def read(proc: str = PROC) -> List[Listener]:
    """Return every process that holds a socket at which it is listened.

    :param proc: where the kernel tells it; tests put their own in its place
    """
    sockets: Dict[str, str] = {}
    for name, parse in (("tcp", tcp_sockets), ("tcp6", tcp_sockets), ("unix", unix_sockets)):
        sockets.update(parse(text_of(os.path.join(proc, "net", name))))
    if not sockets:
        return []
    found: List[Listener] = []
    for pid in processes(proc):
        held = _held(os.path.join(proc, pid, "fd"), sockets)
        if held:
            found += _listeners(os.path.join(proc, pid), int(pid), held)
    return found


def processes(proc: str) -> List[str]:
    """Return the numbers of this host's processes."""
    try:
        return sorted((name for name in os.listdir(proc) if is_number(name)), key=int)
    except OSError:
        return []


def text_of(path: str) -> str:
    """Return a file of a process; "" when it has ended."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(_MOST_BYTES)
    except OSError:
        return ""  # it has ended


def _held(directory: str, sockets: Mapping[str, str]) -> List[str]:
    """Return the addresses of the sockets that a process has open."""
    held = []
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    for name in names:
        try:
            target = os.readlink(os.path.join(directory, name))
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in sockets:
            held.append(sockets[target[8:-1]])
    return sorted(set(held))


def _listeners(directory: str, pid: int, held: Iterable[str]) -> Iterator[Listener]:
    unit, manager = owner_of(text_of(directory + "/cgroup"))
    words = tuple(text_of(directory + "/cmdline").split("\0")[:-1])
    try:
        where = os.readlink(directory + "/cwd")
    except OSError:
        where = ""
    for address in held:
        yield Listener(address, unit, manager, pid, words, where)


def with_listeners(starters: Sequence[Starter], listeners: Iterable[Listener]) -> List[Starter]:
    """Add to each service and program of a supervisor where its processes listen now.

    Programs that one supervisor runs share its unit; a process is then the program's whose words its command line
    ends with, or which alone runs in its directory.
    """
    of_unit: Dict[Tuple[str, str], List[int]] = {}
    for at, starter in enumerate(starters):
        if starter.kind in ("supervisor", "circus", "runit", "uwsgi"):
            of_unit.setdefault((starter.unit, starter.manager), []).append(at)
        elif starter.kind == "service":
            of_unit.setdefault((starter.name, starter.manager), []).append(at)
    more: Dict[int, Set[str]] = {}
    for one in listeners:
        whose = _whose(one, of_unit.get((one.unit, one.manager), []), starters) if one.unit else None
        if whose is not None:
            more.setdefault(whose, set()).add(one.address)
    return [_with(starter, more.get(at, set())) for at, starter in enumerate(starters)]


def _with(starter: Starter, addresses: Set[str]) -> Starter:
    new = sorted(addresses - set(starter.listens))
    return replace(starter, listens=(*starter.listens, *new)) if new else starter


def _whose(one: Listener, candidates: Sequence[int], starters: Sequence[Starter]) -> Optional[int]:
    """Return the starter of a process among those of its unit."""
    programs = [at for at in candidates if starters[at].kind != "service"]
    for signs in zip(*(_signs(one, starters[at]) for at in programs)):
        if sum(signs) == 1:
            return programs[signs.index(True)]
    services = [at for at in candidates if at not in programs]
    return services[0] if services else None


def _signs(one: Listener, program: Starter) -> Tuple[bool, bool, bool]:
    """Return what speaks for a process being a program's, the best sign first."""
    by_words = any(_runs_as(one.words, command) for command in program.commands)
    by_place = program.directory not in ("", "/") and program.directory == one.directory
    return one.address in program.listens, by_words, by_place


def _runs_as(words: Sequence[str], command: Sequence[str]) -> bool:
    """Tell whether a command line is a command's: the kernel puts the interpreter of a script before it."""
    arguments = tuple(command[1:])
    return bool(arguments) and tuple(words[-len(arguments) :]) == arguments
