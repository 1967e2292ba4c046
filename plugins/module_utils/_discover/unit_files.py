# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit files as systemd reads them: lines that go on, resets, drop-ins, quotes, escapes, specifiers.

All functions are pure. What systemd would refuse is passed over.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.bound import tcp
from ansible_collections.relocate.django.plugins.module_utils._discover.budget import (
    MOST_ITEMS,
    MOST_OF_COMMAND,
    Budget,
)

Words = Tuple[str, ...]
#: (section, key) -> the values in order; an empty one takes back those before it.
Settings = Dict[Tuple[str, str], List[str]]

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_CODES = (
    re.compile(r"x([0-9a-fA-F]{2})"),
    re.compile(r"u([0-9a-fA-F]{4})"),
    re.compile(r"U([0-9a-fA-F]{8})"),
    re.compile(r"([0-3][0-7]{2})"),
)
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHOLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\Z")
_SPECIFIER = re.compile(r"%(.)")
_PREFIXES = "@-:+!|"
_EXEC = ("ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecCondition", "ExecStop", "ExecStopPost")
_NEEDS = ("Requires", "Requisite", "BindsTo", "Wants", "Upholds")
_TRIGGERS = {"timer": "Unit", "path": "Unit", "socket": "Service"}


def lines(text: str) -> Iterator[str]:
    """Give the lines that say something; one that ends in a backslash goes on, with comments between left out."""
    begun = ""
    for raw in text.lstrip("\ufeff").splitlines():
        bare = raw.strip()
        if bare.startswith(("#", ";")) or not (bare or begun):
            continue
        if (len(raw) - len(raw.rstrip("\\"))) % 2:
            begun += raw[:-1] + " "
        else:
            yield (begun + raw).strip()
            begun = ""
    if begun.strip():
        yield begun.strip()


def settings(texts: Iterable[str]) -> Settings:
    """Return what a unit file and its drop-ins say, in their order."""
    found: Settings = {}
    for text in texts:
        section = ""
        for line in lines(text):
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
                continue
            key, equals, value = line.partition("=")
            if equals and section:
                found.setdefault((section, key.strip()), []).append(value.strip())
    return found


def in_force(values: Sequence[str]) -> List[str]:
    """Return the values that count: those after the last empty one."""
    last = max((at for at, value in enumerate(values) if not value), default=-1)
    return list(values[last + 1 :])


def _escaped(text: str, at: int) -> Tuple[str, int]:
    """Return what a backslash at a place stands for, and the place behind it. An unknown one stays."""
    if at + 1 >= len(text):
        return "\\", at + 1
    char = text[at + 1]
    for code in _CODES:
        match = code.match(text, at + 1)
        if match:
            number = int(match.group(1), 8 if code is _CODES[-1] else 16)
            valid = 0 < number < 0x110000 and not 0xD800 <= number < 0xE000
            return (chr(number) if valid else ""), match.end()
    if char in "\\\"'":
        return char, at + 2
    return _ESCAPES.get(char, "\\" + char), at + 2


def words(text: str) -> List[str]:
    """Split as systemd does: at blanks, with both kinds of quotes and escapes of C. Open quotes make it nothing."""
    found: List[str] = []
    word, quote, at, begun = "", "", 0, False
    while at < len(text):
        char = text[at]
        if char == "\\":
            piece, at = _escaped(text, at)
            word, begun = word + piece, True
            continue
        at += 1
        if quote:
            word, quote = (word, "") if char == quote else (word + char, quote)
        elif char in "\"'":
            quote, begun = char, True
        elif not char.isspace():
            word, begun = word + char, True
        elif begun:
            found.append(word)
            word, begun = "", False
    if quote:
        return []
    return [*found, word] if begun else found


_YES = ("yes", "true", "1", "on", "y", "t")
#: Settings whose directories systemd makes, and the specifier of where.
_DIRECTORIES = {
    "RuntimeDirectory": "t",
    "StateDirectory": "S",
    "CacheDirectory": "C",
    "LogsDirectory": "L",
    "ConfigurationDirectory": "E",
}


@dataclass(frozen=True)
class Specifiers:
    """The values of ``%x`` in the settings of one unit.

    :param name: of the unit, such as ``shop@blue.service``
    :param user: of the manager: root for the system's
    :param home: of that user
    :param places: of what differs between managers: ``t``, ``S``, ``C``, ``L``, ``E``
    """

    name: str
    user: str = "root"
    home: str = "/root"
    host: str = ""
    fragment: str = ""
    places: Mapping[str, str] = field(
        default_factory=lambda: {"t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc"}
    )

    def values(self) -> Dict[str, str]:
        """Return them all."""
        base = self.name.rpartition(".")[0]
        prefix, _sep, instance = base.partition("@")
        last = prefix.rpartition("-")[2]
        own = {"n": self.name, "N": base, "p": prefix, "i": instance, "j": last, "u": self.user, "h": self.home}
        own.update({"P": unescaped(prefix), "I": unescaped(instance), "J": unescaped(last), "%": "%"})
        own.update({"f": "/" + unescaped(instance or prefix).lstrip("/"), "H": self.host, "T": "/tmp", "V": "/var/tmp"})
        own.update({"l": self.host.partition(".")[0], "y": self.fragment, "Y": os.path.dirname(self.fragment)})
        own.update({"g": self.user} if self.user == "root" else {})
        return {**own, **self.places}

    def expand(self, text: str) -> str:
        """Replace each specifier; unknown ones stay, and so does a text that would become too long."""
        if "%" not in text:
            return text
        known = self.values()
        return Budget(MOST_OF_COMMAND).substitute(
            _SPECIFIER, lambda match: known.get(match.group(1), match.group(0)), text
        )


def unescaped(name: str) -> str:
    r"""Return what ``systemd-escape`` was given: ``srv-shop`` stands for ``srv/shop``, ``\x2d`` for a dash."""
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match.group(1), 16)), name.replace("-", "/"))


def commands(
    value: str, known: Specifiers, environment: Mapping[str, str], budget: Optional[Budget] = None
) -> Iterator[Words]:
    """Give the commands of one Exec line, without prefixes. Known variables are replaced."""
    command: List[str] = []
    budget = budget or Budget()
    for word in [*words(value[:MOST_OF_COMMAND]), ";"]:
        if word == ";":
            if command:
                yield from _one_command(command, known, environment, budget)
            command = []
        else:
            command.append(";" if word == "\\;" else word)


def _one_command(
    command: List[str], known: Specifiers, environment: Mapping[str, str], budget: Budget
) -> Iterator[Words]:
    program = command[0].lstrip(_PREFIXES)
    prefix = command[0][: len(command[0]) - len(program)]
    rest = command[1:]
    if not program:  # "- /usr/bin/x" is refused by systemd
        return
    if "@" in prefix:
        rest = rest[1:]  # the name that the program is called by
    expanded = [known.expand(word) for word in rest]
    if ":" not in prefix:
        expanded = [piece for word in expanded for piece in with_variables(word, environment, budget)]
    yield (known.expand(program), *expanded)


def with_variables(word: str, environment: Mapping[str, str], budget: Budget) -> List[str]:
    """Replace ``${NAME}``, and split a word that is all ``$NAME``; variables that are not known stay."""
    whole = _WHOLE.match(word)
    if whole:
        value = environment.get(whole.group(1))
        return [word] if value is None or not budget.allows(value) else words(value)
    return [budget.substitute(_VARIABLE, lambda match: _value(match, environment), word)]


def _value(match: "re.Match[str]", environment: Mapping[str, str]) -> str:
    return "$" if match.group(0) == "$$" else environment.get(match.group(1), match.group(0))


@dataclass(frozen=True)
class Definition:
    """Holds what a unit file and its drop-ins define, in the words of :class:`Starter`."""

    commands: Tuple[Words, ...] = field(default=(), repr=False)
    directory: str = ""  # "~" for the home of the user
    user: str = ""
    group: str = ""
    env_files: Tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)  # these, and those of its env files
    starts: Tuple[str, ...] = ()
    needs: Tuple[str, ...] = ()
    listens: Tuple[str, ...] = ()
    wanted_by: Tuple[str, ...] = ()
    credentials: Tuple[str, ...] = ()  # files that LoadCredential= hands over
    dynamic: bool = False
    made: Tuple[str, ...] = ()
    must: Tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    """A unit's file with its drop-ins, and how to ask it."""

    found: Settings
    section: str
    known: Specifiers

    def values(self, *keys: str, section: str = "") -> List[str]:
        """Return the values of some keys that are in force."""
        where = section or self.section
        return [value for key in keys for value in in_force(self.found.get((where, key), []))]

    def expanded(self, *keys: str, section: str = "") -> Tuple[str, ...]:
        """Return whole values, without specifiers."""
        return tuple(self.known.expand(value) for value in self.values(*keys, section=section))

    def last(self, key: str) -> str:
        """Return the value of a key that takes but one."""
        return self.known.expand((self.found.get((self.section, key)) or [""])[-1])

    def names(self, *keys: str, section: str) -> Tuple[str, ...]:
        """Return the names of units in some keys."""
        values = self.expanded(*keys, section=section)
        return tuple(dict.fromkeys(word for value in values for word in words(value)))


def define(
    texts: Sequence[str],
    known: Specifiers,
    variables_of: Callable[[Sequence[str]], Mapping[str, str]] = lambda _env_files: {},
) -> Definition:
    """Read a unit's file and drop-ins.

    :param variables_of: reads env files, each one's variables in place of those before
    """
    file = _File(settings(texts), known.name.rpartition(".")[2].capitalize(), known)
    environment = _assignments(file.values("Environment"), known)
    env_files = file.expanded("EnvironmentFile")
    variables = {**environment, **variables_of(env_files)}
    budget = Budget()
    return Definition(
        commands=tuple(
            command
            for value in file.values(*_EXEC)[:MOST_ITEMS]
            for command in commands(value, known, variables, budget)
        ),
        directory=_directory(file.last("WorkingDirectory")),
        user=file.last("User"),
        group=file.last("Group"),
        env_files=env_files,
        environment=environment,
        variables=variables,
        starts=_starts(known.name, file.last),
        needs=file.names(*_NEEDS, section="Unit"),
        listens=_listens(file),
        wanted_by=file.names("WantedBy", "RequiredBy", section="Install"),
        credentials=_credentials(file),
        dynamic=file.last("DynamicUser").lower() in _YES,
        made=tuple(_made(file)),
        must=tuple(dict.fromkeys(_must(file))),
    )


def _made(file: _File) -> Iterator[str]:
    """The directories that systemd makes when the unit starts, and one that it may run without."""
    for key, place in _DIRECTORIES.items():
        for value in file.expanded(key):
            for word in words(value):
                yield os.path.join(file.known.places.get(place, ""), word.partition(":")[0])
    if file.last("WorkingDirectory").startswith("-"):
        yield _directory(file.last("WorkingDirectory"))


def _must(file: _File) -> Iterator[str]:
    """The programs without which the unit does not start: no failure of theirs is passed over, and no right added."""
    for value in file.values("ExecStartPre", "ExecStart")[:MOST_ITEMS]:
        first = next(iter(words(value[:MOST_OF_COMMAND])), "")
        program = first.lstrip(_PREFIXES)
        prefix = first[: len(first) - len(program)]
        if program.startswith("/") and not set(prefix) & set("-+!"):
            yield file.known.expand(program)


def _credentials(file: _File) -> Tuple[str, ...]:
    pairs = [value.partition(":") for value in file.expanded("LoadCredential", "LoadCredentialEncrypted")]
    return tuple(dict.fromkeys(path for _name, _colon, path in pairs if path.startswith("/")))


def _directory(value: str) -> str:
    """Return where a unit runs; relative ones are refused by systemd."""
    path = value[1:] if value.startswith("-") else value
    return path if path == "~" or path.startswith("/") else ""


def _assignments(values: Iterable[str], known: Specifiers) -> Dict[str, str]:
    pairs = [known.expand(word).partition("=") for value in values for word in words(value)]
    return {name: value for name, equals, value in pairs if equals and name}


def _starts(name: str, last: Callable[[str], str]) -> Tuple[str, ...]:
    """Return what a timer, socket or path starts: what it names, or the service of its own name."""
    base, _sep, kind = name.rpartition(".")
    if kind not in _TRIGGERS:
        return ()
    named = last(_TRIGGERS[kind])
    if not named and kind == "socket" and last("Accept").lower() in _YES:
        return (base + "@.service",)
    return (named or base + ".service",)


def _listens(file: _File) -> Tuple[str, ...]:
    streams = file.expanded("ListenStream", "ListenSequentialPacket", section="Socket")
    others = [value for value in file.expanded("ListenDatagram", section="Socket") if value.startswith(("/", "@"))]
    return tuple(dict.fromkeys(item for item in map(address, (*streams, *others)) if item))


def address(value: str) -> str:
    """Return an address of a socket unit as a starter has it; "" for kinds that serve no site, such as vsock."""
    if value.startswith(("/", "@")):
        return "unix:" + value
    host, _colon, port = value.rpartition(":")
    return "" if host.startswith("vsock") else tcp(host, port)
