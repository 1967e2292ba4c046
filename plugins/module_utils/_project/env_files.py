# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment files (``.env``, systemd's ``EnvironmentFile``): read, change single values, show without secrets.

The readers of such files disagree in corners. What is read here, and what is written so that systemd, python-dotenv,
django-environ and a POSIX shell read it back as the same value:

- an unquoted value ends at a blank followed by ``#``; systemd alone would keep the rest;
- backslashes in unquoted values are kept; systemd alone would drop them. One at the end of a line continues it;
- ``$NAME`` is not expanded, since systemd does not; what we write is single-quoted where that keeps shells from it.
  python-dotenv expands ``${NAME}`` inside any quotes, and django-environ takes a leading ``$`` for a reference:
  neither can be told otherwise, so a value holding ``${`` or beginning with ``$`` is for systemd alone;
- line breaks and NUL are refused, because not every reader has a way to write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project.venv_secrets import is_secret_name
from ansible_collections.relocate.django.plugins.module_utils._secrets import MASK

_END = r"(?=[ \t]*(?:[ \t]#[^\r\n]*)?(?:\r?\n|\r|\Z))"
_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"
    r"(?P<raw>"
    r"'[^']*'" + _END + r"|'(?:[^'\\]|\\.)*'" + _END + r'|"(?:[^"\\]|\\.)*"' + _END + r"|"
    r"(?:[^\r\n\\]|\\(?:\r\n|[^\r])|\\\r(?!\n))*?"
    r")" + _END,
    re.MULTILINE | re.DOTALL,
)
_PLAIN = re.compile(r"^[A-Za-z0-9_@%+=:,./^-]*$")
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_URL_CREDENTIALS = re.compile(r"(://)[^/\s\"'@]*:[^\s]*@|(://)[^/\s\"'@:]{20,}@")


@dataclass(frozen=True)
class _Assignment:
    key: str
    value: str
    start: int  # of the value as written, quotes included
    end: int


def _assignments(text: str) -> Iterator[_Assignment]:
    for match in _ASSIGNMENT.finditer(text):
        yield _Assignment(match.group("key"), _value(match.group("raw")), match.start("raw"), match.end("raw"))


def _value(raw: str) -> str:
    if len(raw) >= 2 and raw[0] == raw[-1] == "'":
        return re.sub(r"\\(['\\])", r"\1", raw[1:-1])
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        without_breaks = re.sub(r"\\\r?\n", "", raw[1:-1])
        return re.sub(r"\\([\"\\$`])", r"\1", without_breaks)
    return re.sub(r"\\\r?\n", "", raw).rstrip(" \t")


def parse(text: str) -> Dict[str, str]:
    """The variables that a file sets, the last assignment of each; lines that assign nothing are passed over."""
    return {item.key: item.value for item in _assignments(text.lstrip("\ufeff"))}


def quote(key: str, value: str) -> str:
    """The value as it is written after ``KEY=``. Raises bad_option for what no reader could be given."""
    if not _NAME.match(key):
        raise RelocateError("bad_option", "{0!r} cannot be the name of a variable".format(key))
    if any(char in value for char in "\r\n\0"):
        raise RelocateError(
            "bad_option",
            "the value of {0} holds a line break or NUL, which environment files cannot carry".format(key),
            "encode the value, or place it in a file of its own",
        )
    if _PLAIN.match(value):
        return value
    if "'" not in value and "\\" not in value:
        return "'{0}'".format(value)
    return '"{0}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


def override(text: str, values: Mapping[str, str]) -> str:
    """The text with the named variables set to new values; every other character stays.

    Line ends too: read and write the file with ``newline=""``.

    A variable that is assigned more than once is changed everywhere, one that already has its value is left as it is
    written, and a new one is added at the end. Raises bad_option.
    """
    pieces: List[str] = []
    position, met = 0, set()
    for item in _assignments(text):
        if item.key not in values:
            continue
        met.add(item.key)
        if item.value != values[item.key]:
            pieces += [text[position : item.start], quote(item.key, values[item.key])]
            position = item.end
    changed = "".join(pieces) + text[position:]
    newline = "\r\n" if "\r\n" in text else "\n"
    for key in [key for key in values if key not in met]:
        changed += newline if changed and not changed.endswith(("\n", "\r")) else ""
        changed += "{0}={1}{2}".format(key, quote(key, values[key]), newline)
    return changed


def mask_urls(text: str) -> str:
    """The text with the credentials of every URL in it masked."""
    return _URL_CREDENTIALS.sub(lambda match: "{0}{1}@".format(match.group(1) or match.group(2), MASK), text)


def _masked(text: str, changed: Mapping[str, str]) -> str:
    pieces: List[str] = []
    position = 0
    for item in _assignments(text):
        shown = MASK if is_secret_name(item.key) and item.value else mask_urls(text[item.start : item.end])
        if shown != text[item.start : item.end]:
            shown += changed.get(item.key, "")
        pieces += [text[position : item.start], shown]
        position = item.end
    return mask_urls("".join(pieces) + text[position:])


def masked_diff(before: str, after: str) -> Tuple[str, str]:
    """Both texts for Ansible's ``--diff``, without values of secret-looking variables and passwords of URLs.

    A masked value that differs is marked in the second text, so that the change shows although the value does not.
    Commented-out assignments are masked as well.
    """
    old, new = parse(before), parse(after)
    marks = {key: " (changed)" for key, value in new.items() if key in old and old[key] != value}
    return _masked(_uncomment(before), {}), _masked(_uncomment(after), marks)


def _uncomment(text: str) -> str:
    """Comments that hold an assignment of a secret, with its value masked: old passwords are often kept that way."""

    def mask(match: "re.Match[str]") -> str:
        return match.group(1) + MASK if is_secret_name(match.group(2)) and match.group(3).strip() else match.group(0)

    return re.sub(r"(?m)^([ \t]*[#;][^\r\n=]*?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=)([^\r\n]*)", mask, text)
