# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads variables out of what starts a site: systemd's unit files and drop-ins, files of supervisor and uWSGI. Pure.

So the environment that a site runs with need not be copied into another file. What cannot be known from the text (a
specifier of an instance, a variable of supervisord's own environment) is passed over with its variable.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import socket
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

_DROP_IN = re.compile(r"^(?P<unit>[^/]*\.service|service)\.d$")
_PROGRAM = re.compile(r"^\[(?:(?:fcgi-)?program:[^\]\n]+|supervisord)\]", re.MULTILINE)
_UWSGI = re.compile(r"^\[uwsgi\]", re.MULTILINE)
_FILLED_IN = re.compile(r"%[A-Za-z(]|[$@]\(")  # by uWSGI itself
_ASSIGNMENT = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z", re.DOTALL)
_BLANKS = " \t\r\n"
_MOST = 16 * 1024  # characters that the specifiers of one word may become
_PLAIN_ESCAPES = dict(zip("abfnrtvs\\\"'", "\a\b\f\n\r\t\v \\\"'"))
_CODED_ESCAPE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-3][0-7]{2})")
#: Specifiers of the system's own systemd.
_SPECIFIERS = {"%": "%", "h": "/root", "u": "root", "U": "0", "t": "/run", "S": "/var/lib", "C": "/var/cache"}
_SPECIFIERS.update({"L": "/var/log", "E": "/etc", "T": "/tmp", "V": "/var/tmp"})


def unit_of(path: str) -> str:
    """Return the unit that a file defines, or adds to as a drop-in: ``shop.service``; "" for any other file."""
    directory, name = os.path.split(path)
    if name.endswith(".service"):
        return name
    match = _DROP_IN.match(os.path.basename(directory))
    return match.group("unit") if match and name.endswith(".conf") else ""


def is_programs(path: str, text: str) -> bool:
    """Tell whether a file is supervisor's: it defines programs, or what all of them get."""
    return path.endswith((".conf", ".ini")) and bool(_PROGRAM.search(text))


def is_application(path: str, text: str) -> bool:
    """Tell whether a file configures an application for uWSGI."""
    return path.endswith(".ini") and bool(_UWSGI.search(text))


def defines_service(path: str, text: str) -> bool:
    """Tell whether a file starts something, and is more than a list of variables."""
    return bool(unit_of(path)) or is_programs(path, text) or is_application(path, text)


# --- systemd


@dataclass
class UnitEnvironment:
    """The variables of a unit, and the files that hold more of them, which win."""

    variables: Dict[str, str] = field(default_factory=dict, repr=False)
    files: List[str] = field(default_factory=list)  # one beginning with "-" may be absent; patterns are allowed
    unset: List[str] = field(default_factory=list, repr=False)  # names, or assignments, that are taken away at the end

    def without_unset(self, variables: Mapping[str, str]) -> Dict[str, str]:
        """Return the variables that UnsetEnvironment= leaves."""
        pairs = ((key, value, "{0}={1}".format(key, value)) for key, value in variables.items())
        return {key: value for key, value, pair in pairs if key not in self.unset and pair not in self.unset}


def of_unit(unit: str, texts: Sequence[str], of_user: bool = False) -> UnitEnvironment:
    """Read a unit file and then its drop-ins, as systemd does.

    :param unit: its name, for what stands in place of ``%n`` and ``%i``
    :param of_user: a user's own systemd runs it, whose directories are others
    """
    found, specifiers = UnitEnvironment(), _specifiers(unit, of_user)
    for text in texts:
        for key, value in _service_lines(text):
            words = split_words(value) if key != "EnvironmentFile" else [value]  # one path, which may hold blanks
            meant = [_expanded(word, specifiers) for word in words]
            _take(found, key, [word for word in meant if word is not None], resets=not value)
    return found


def _take(found: UnitEnvironment, key: str, words: Sequence[str], resets: bool) -> None:
    if key == "Environment":
        if resets:
            found.variables.clear()
        pairs = {match.group(1): match.group(2) for match in map(_ASSIGNMENT.match, words) if match is not None}
        found.variables.update(pairs)
        return
    kept = found.files if key == "EnvironmentFile" else found.unset
    if resets:
        kept.clear()
    kept.extend(word for word in words if kept is found.unset or word.lstrip("-").startswith("/"))


def _service_lines(text: str) -> Iterator[Tuple[str, str]]:
    """The lines of [Service] that are about variables, as key and value."""
    section = ""
    for line in _logical_lines(text):
        if line.startswith("["):
            section = line.rstrip()
        key, found, value = line.partition("=")
        if section == "[Service]" and found and key.strip() in ("Environment", "EnvironmentFile", "UnsetEnvironment"):
            yield key.strip(), value.strip()


def _logical_lines(text: str) -> Iterator[str]:
    """Lines with those that a backslash continues joined; comments do not end a continued line."""
    held = ""
    for line in text.lstrip("\ufeff").splitlines():
        line = line.lstrip(" \t")
        if line.startswith(("#", ";")):
            continue
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield held + line
        held = ""
    if held:
        yield held


def split_words(text: str) -> List[str]:
    """Split a value as systemd does: quotes anywhere, C's escapes; nothing of what follows a mistake."""
    words: List[str] = []
    position = _next(text, 0)
    while position < len(text):
        word, position = _word(text, position)
        if word is None:
            break
        words.append(word)
        position = _next(text, position)
    return words


def _next(text: str, position: int) -> int:
    """Return where the next word begins."""
    while position < len(text) and text[position] in _BLANKS:
        position += 1
    return position


def _word(text: str, position: int) -> Tuple[Optional[str], int]:
    """Return the word that begins here, and where it ends; None for a mistake."""
    word, quote = "", ""
    while position < len(text) and (quote or text[position] not in _BLANKS):
        char, length = text[position], 1
        if char == "\\":
            char, length = _escape(text, position + 1)
            if not length:
                return None, position
            word, length = word + char, length + 1
        elif char in (quote or "\"'"):
            quote = "" if quote else char
        else:
            word += char
        position += length
    return (None if quote else word), position


def _escape(text: str, position: int) -> Tuple[str, int]:
    """Return what an escape means and how many characters it has; none for a mistake."""
    if text[position : position + 1] in _PLAIN_ESCAPES:
        return _PLAIN_ESCAPES[text[position]], 1
    match = _CODED_ESCAPE.match(text, position)
    if match is None:
        return "", 0
    number = int(match.group(4), 8) if match.group(4) else int(next(filter(None, match.groups())), 16)
    if not 0 < number < 0x110000 or 0xD800 <= number < 0xE000:
        return "", 0
    return chr(number), match.end() - match.start()


def _specifiers(unit: str, of_user: bool) -> Mapping[str, str]:
    stem = unit[: -len(".service")] if unit.endswith(".service") else unit
    prefix, at, instance = stem.partition("@")
    known = dict({"%": "%"} if of_user else _SPECIFIERS, p=prefix, j=prefix.rpartition("-")[2], H=socket.gethostname())
    known["l"] = known["H"].partition(".")[0]
    if not at or instance:  # a template does not know which of its instances is meant
        known.update(n=unit, N=stem, i=instance, I=instance.replace("-", "/"))
    return known


def _expanded(text: str, specifiers: Mapping[str, str]) -> Optional[str]:
    """The text with its specifiers expanded; None when one of them is not known here."""
    parts = re.split(r"%(.)", text, flags=re.DOTALL)
    if any(part not in specifiers for part in parts[1::2]):
        return None
    if sum(len(specifiers[part]) for part in parts[1::2]) > _MOST:
        return None
    return "".join(specifiers[part] if number % 2 else part for number, part in enumerate(parts))


# --- supervisor


@dataclass(frozen=True)
class Programs:
    """The variables that the programs of one file get, and the names of those about which they disagree."""

    variables: Mapping[str, str] = field(repr=False)
    disputed: Sequence[str] = ()


def of_programs(path: str, text: str, project: str) -> Programs:
    """Read a file of supervisor's: the variables of the programs that run below the project; of all when none does."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return Programs({})
    names = [name for name in parser.sections() if name.partition(":")[0] in ("program", "fcgi-program")]
    below = [name for name in names if _runs_below(parser[name], project)]
    return _agreed([_of_program(parser, name, path) for name in below or names or ["supervisord"]])


def _agreed(given: Sequence[Mapping[str, str]]) -> Programs:
    values: Dict[str, Set[str]] = {}
    for key, value in (pair for variables in given for pair in variables.items()):
        values.setdefault(key, set()).add(value)
    disputed = sorted(key for key, found in values.items() if len(found) > 1)
    return Programs({key: min(found) for key, found in values.items() if key not in disputed}, disputed)


def _of_program(parser: configparser.RawConfigParser, name: str, path: str) -> Dict[str, str]:
    """The variables of one program, those that the same file gives to all of them included."""
    here = {"here": os.path.dirname(path)}
    known = dict(here, program_name=name.partition(":")[2], host_node_name=socket.gethostname())
    found = _pairs(parser.get("supervisord", "environment", fallback=""), here)
    found.update(_pairs(parser.get(name, "environment", fallback=""), known))
    return found


def _runs_below(section: Mapping[str, str], project: str) -> bool:
    words = section.get("command", "").split() + [section.get("directory", "")]
    return any((word.rstrip("/") + "/").startswith(project.rstrip("/") + "/") for word in words)


def _pairs(text: str, known: Mapping[str, str]) -> Dict[str, str]:
    """``KEY="value",OTHER=value``, by the same lexer as supervisor's; what follows a mistake is passed over."""
    lexer = shlex.shlex(text)
    lexer.wordchars += "/.+-():"
    try:
        tokens = list(lexer)
    except ValueError:
        return {}
    found: Dict[str, str] = {}
    for number in range(0, len(tokens) - 2, 4):
        key, equals, value = tokens[number : number + 3]
        if equals != "=":
            break
        meant = _filled(value.strip("'\""), known)
        if meant is not None:
            found[key] = meant
    return found


def _filled(text: str, known: Mapping[str, str]) -> Optional[str]:
    """The text with ``%(here)s`` and its like filled in; None when something is not known here."""
    try:
        return text % known
    except (KeyError, ValueError, TypeError):
        return None


# --- uWSGI


def of_application(text: str) -> Dict[str, str]:
    """Read a file of uWSGI: its lines ``env = KEY=value``; those that it fills in are passed over."""
    found: Dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line
        key, _equals, value = line.partition("=")
        match = _ASSIGNMENT.match(value.strip())
        if section == "[uwsgi]" and key.strip() == "env" and match is not None and not _FILLED_IN.search(value):
            found[match.group(1)] = match.group(2)
    return found
