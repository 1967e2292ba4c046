# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of a shell, as far as starters use it: commands, ``cd``, assignments, ``sh -c``. All functions are pure.

It is no shell: both branches of an ``if`` count, and what a command prints is not known.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.budget import MOST_OF_COMMAND, Budget

Words = Tuple[str, ...]

_SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "zsh"))
_OPERATOR = re.compile(r"[();<>|&]+\Z")
_NUMBER = re.compile(r"(?<=\s)[012](?=[<>])")  # of the stream that is redirected
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^{}]*))?\})")
_KEYWORDS = frozenset("if then else elif fi while until do done { } ! exec time nohup command builtin set".split())
_SHEBANG = re.compile(r"#!\s*(?:/usr/bin/env\s+(?:-\S+\s+)?)?(\S+)")
MOST_LINES = 500  # of a script
_MOST_TEXT = 64 * 1024


@dataclass
class Script:
    """Describes what a text of the shell does."""

    commands: List[Words] = field(default_factory=list)
    directory: str = ""  # where the last command runs
    environment: Dict[str, str] = field(default_factory=dict)  # what it exports, or sets for a command
    variables: Dict[str, str] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)


def is_script(text: str) -> bool:
    """Tell whether a file is a script of the shell, by its first line."""
    match = _SHEBANG.match(text)
    return match is not None and os.path.basename(match.group(1)) in _SHELLS


_NONE: Mapping[str, str] = MappingProxyType({})


def parse(text: str, directory: str = "", environment: Mapping[str, str] = _NONE) -> Script:
    """Read a script, or one line. A line whose quotes are left open is passed over.

    :param directory: where it begins
    :param environment: variables that are set before it runs
    """
    script = Script(directory=directory, variables=dict(environment))
    for line in text[:_MOST_TEXT].replace("\\\n", " ").splitlines()[:MOST_LINES]:
        if line.strip() and not line.lstrip().startswith("#"):
            for words in _simple_commands(line):
                _take(script, words)
    return script


def _simple_commands(line: str) -> Iterator[List[str]]:
    """Give the words of each command between operators, without redirections."""
    lexer = shlex.shlex(_NUMBER.sub("", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: List[str] = []
    target = False  # the next word is a file that something is redirected to
    try:
        for token in lexer:
            if _OPERATOR.match(token):
                target = "<" in token or ">" in token
                if not target:
                    yield words
                    words = []
            elif token.startswith("#"):
                break
            elif target:
                target = False
            else:
                words.append(token)
    except ValueError:
        return
    yield words


def _take(script: Script, words: List[str]) -> None:
    """Do what one command does to a script: go somewhere, set a variable, or run."""
    while words and words[0] in _KEYWORDS:
        if words[0] == "set":
            return
        words = words[1:]
    own: Dict[str, str] = {}
    while words and _ASSIGNMENT.match(words[0]):
        name, _sep, value = words[0].partition("=")
        own[name] = expanded(value, script.variables, script.budget)
        words = words[1:]
    if not words:
        script.variables.update(own)
        script.environment.update({name: own[name] for name in own if name in script.environment})
        return
    script.environment.update(own)
    _run(script, [expanded(word, script.variables, script.budget) for word in words])


def _run(script: Script, words: List[str]) -> None:
    if words[0] == "cd":
        target = words[1] if len(words) > 1 else ""
        if target.startswith("/") or (target and script.directory):
            script.directory = os.path.normpath(os.path.join(script.directory, target))
    elif words[0] in ("export", "declare", "readonly", "local"):
        _declare(script, words[1:], words[0] == "export")
    else:
        script.commands.append(absolute(words, script.directory))


def absolute(words: Sequence[str], directory: str) -> Words:
    """Return a command whose program, or the file that it sources, does not depend on where it runs."""
    found = list(words)
    at = 1 if words and words[0] in (".", "source") else 0
    if directory and at < len(found) and "/" in found[at] and not found[at].startswith(("/", "$", "~")):
        found[at] = os.path.normpath(os.path.join(directory, found[at]))
    return tuple(found)


def _declare(script: Script, words: Sequence[str], exported: bool) -> None:
    for word in words:
        name, equals, value = word.partition("=")
        value = value if equals else script.variables.get(name, "")
        script.variables[name] = value
        if value and exported:
            script.environment[name] = value


def split(text: str) -> Words:
    """Split a command as a shell would, without running one; at blanks, when its quotes are left open."""
    text = text[:MOST_OF_COMMAND]
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def expanded(word: str, variables: Mapping[str, str], budget: Budget) -> str:
    """Replace the variables that are known; others stay as they are written."""

    def value(match: "re.Match[str]") -> str:
        name = match.group(1) or match.group(2)
        return variables.get(name, match.group(0) if match.group(3) is None else match.group(3))

    return budget.substitute(_VARIABLE, value, word)


def text_of(words: Sequence[str]) -> str:
    """Return the text that a command gives to a shell: of ``sh -c TEXT``; "" for other commands."""
    for at, word in enumerate(words[:4]):
        if os.path.basename(word) in _SHELLS:
            return _text_after(words[at + 1 :])
    return ""


def _text_after(arguments: Sequence[str]) -> str:
    for at, option in enumerate(arguments[:-1]):
        if not option.startswith("-"):
            break
        if option.endswith("c") and not option.startswith("--"):
            return arguments[at + 1]
    return ""


def unwrapped(words: Words, directory: str = "", environment: Mapping[str, str] = _NONE) -> Script:
    """Return what a command runs: itself, or the commands that it gives to a shell."""
    text = text_of(words)
    return parse(text, directory, environment) if text else Script([words], directory)
