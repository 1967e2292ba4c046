# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks name servers for the records of a name, by UDP and nothing but the standard library (RFC 1035).

What they answer is data of others: lengths and pointers are checked, and what does not fit is no answer.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
from dataclasses import dataclass
from typing import List, Optional, Tuple

A, NS, CNAME, SOA, AAAA = 1, 2, 5, 6, 28
RESOLV_CONF = "/etc/resolv.conf"
_CLASS_IN = 1
_RECURSE, _RESPONSE, _AUTHORITY = 0x0100, 0x8000, 0x0400
_MOST_SERVERS, _MOST_RECORDS, _MOST_LABELS = 3, 64, 128
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")


@dataclass(frozen=True)
class Record:
    """One record of an answer."""

    name: str  # in lower case, without the dot at its end
    kind: int
    ttl: int  # seconds
    target: str = ""  # the name that NS and CNAME lead to; the address of A


@dataclass(frozen=True)
class Reply:
    """Holds what a name server answered."""

    authoritative: bool
    missing: bool  # the name does not exist
    answers: Tuple[Record, ...] = ()
    authority: Tuple[Record, ...] = ()


def name_servers(text: str) -> List[str]:
    """Return the addresses of the name servers in a text as that of resolv.conf."""
    found = re.findall(r"(?m)^\s*nameserver\s+([0-9A-Fa-f.:]+)\s*(?:[#;].*)?$", text)
    return found[:_MOST_SERVERS]


def question(name: str, kind: int, token: int, recurse: bool) -> bytes:
    """Return a question as it is sent. Raises ValueError for what is no name of a host."""
    labels = name.rstrip(".").split(".")
    if len(name) > 253 or not all(map(_LABEL.match, labels)):
        raise ValueError(name)
    told = b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels) + b"\0"
    return struct.pack(">HHHHHH", token, _RECURSE if recurse else 0, 1, 0, 0, 0) + told + struct.pack(">HH", kind, 1)


def parse(data: bytes, asked: bytes) -> Optional[Reply]:
    """Return a reply to a question; None for what is none, or no whole one."""
    try:
        token, flags, questions, answers, authority, _more = struct.unpack_from(">HHHHHH", data)
        if token != struct.unpack_from(">H", asked)[0] or not flags & _RESPONSE or questions != 1:
            return None
        if data[12 : len(asked)].lower() != asked[12:].lower() or flags & 0xF not in (0, 3):
            return None
        at, parts = len(asked), []
        for count in (answers, authority):
            found = []
            for _number in range(min(count, _MOST_RECORDS)):
                record, at = _record(data, at)
                found.append(record)
            parts.append(tuple(found))
    except (struct.error, IndexError, ValueError):
        return None
    return Reply(bool(flags & _AUTHORITY), flags & 0xF == 3, *parts)


def _record(data: bytes, at: int) -> Tuple[Record, int]:
    name, at = _name(data, at)
    kind, where, ttl, length = struct.unpack_from(">HHIH", data, at)
    at += 10
    if at + length > len(data):
        raise ValueError("cut")
    target = _target(data, at, length, kind) if where == _CLASS_IN else ""
    return Record(name, kind, ttl if ttl < 1 << 31 else 0, target), at + length


def _target(data: bytes, at: int, length: int, kind: int) -> str:
    if kind in (NS, CNAME):
        return _name(data, at)[0]
    return socket.inet_ntop(socket.AF_INET, data[at : at + 4]) if kind == A and length == 4 else ""


def _name(data: bytes, at: int) -> Tuple[str, int]:
    """Return a name, and where what comes after it begins. A pointer leads backwards only, so none goes in circles."""
    labels: List[str] = []
    end, first = -1, at
    while True:
        length = data[at]
        if length >= 0xC0:
            to = ((length & 0x3F) << 8) | data[at + 1]
            end = at + 2 if end < 0 else end
            if to >= first:
                raise ValueError("pointer")
            at = first = to
        elif length > 63 or len(labels) > _MOST_LABELS:
            raise ValueError("label")
        elif not length:
            return ".".join(labels).lower(), at + 1 if end < 0 else end
        else:
            labels.append(data[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length


def ask(server: str, name: str, kind: int, timeout: float, recurse: bool = True, port: int = 53) -> Optional[Reply]:
    """Ask one name server; None when it does not answer in time, or not to the question."""
    asked = question(name, kind, int.from_bytes(os.urandom(2), "big"), recurse)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as link:
        link.settimeout(timeout)
        link.connect((server, port))
        link.send(asked)
        return parse(link.recv(4096), asked)
    return None
