# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The syntax of nginx, as nginx reads it: words, quotes, escapes, comments, blocks, and ``include``."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive

_DEEPEST = 30  # blocks within blocks; nginx's own are five or so
_INCLUDES = 2000
_CHARACTERS = 8 * 1024 * 1024
# Of the alternatives in a word no two begin alike, so that nothing is tried twice.
_PIECE = re.compile(
    r"""\#[^\n]* | [;{}] | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | (?:\\.|\$\{*|[^\s;{\\$])+""",
    re.VERBOSE | re.DOTALL,
)
_LUA = re.compile(r"""--[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}]""", re.DOTALL)
_ESCAPE = re.compile(r"\\([\"'\\trn])")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}


@dataclass
class _Open:
    name: str
    args: Tuple[str, ...]
    inside: List[Directive]


class Loader:
    """Reads a file with all that it includes.

    :param directory: where relative names of includes begin: that of nginx.conf
    """

    def __init__(self, files: ConfigFiles, directory: str) -> None:
        self._files = files
        self._directory = directory
        self._active: List[str] = []
        self._includes = 0
        self._characters = 0

    def load(self, path: str) -> Tuple[Directive, ...]:
        """Return a file's directives; nothing of one that cannot be read, or that includes itself."""
        text = self._files.text(path)
        if text is None or path in self._active or len(self._active) > _DEEPEST:
            return ()
        self._includes += 1
        self._characters += len(text)
        if self._includes > _INCLUDES or self._characters > _CHARACTERS:
            return ()
        self._active.append(path)
        try:
            return self._parse(text, path)
        finally:
            self._active.pop()

    def _parse(self, text: str, path: str) -> Tuple[Directive, ...]:
        stack = [_Open("", (), [])]
        words: List[str] = []
        match = _PIECE.search(text)
        while match:
            piece, position = match.group(), match.end()
            if piece in (";", "{", "}"):
                position = self._end(stack, words, piece, path, text, position)
                words = []
            elif not piece.startswith("#"):
                words.append(_plain(piece))
            match = _PIECE.search(text, position)
        while len(stack) > 1:  # braces that nothing closes: nginx refuses the file, and what is there is still there
            _close(stack, path)
        return tuple(stack[0].inside)

    def _end(
        self, stack: List[_Open], words: List[str], mark: str, path: str, text: str, position: int
    ) -> int:  # the end of a directive, or of a block; returns where to go on
        if mark == "{":
            if words and words[0].endswith("_by_lua_block"):
                return _after_lua(text, position)
            stack.append(_Open(words[0] if words else "", tuple(words[1:]), []))
            return position
        if words:
            stack[-1].inside += self._simple(words, path)
        if mark == "}" and len(stack) > 1:
            _close(stack, path)
        return position

    def _simple(self, words: List[str], path: str) -> List[Directive]:
        if words[0] != "include" or len(words) < 2:
            return [Directive(words[0], tuple(words[1:]), path)]
        pattern = posixpath.join(self._directory, words[1])
        return [Directive("include", (found,), path, self.load(found)) for found in self._files.expand(pattern)]


def _close(stack: List[_Open], path: str) -> None:
    block = stack.pop()
    if len(stack) <= _DEEPEST:
        stack[-1].inside.append(Directive(block.name, block.args, path, tuple(block.inside)))


def _plain(piece: str) -> str:
    inside = piece[1:-1] if piece[0] in "\"'" and len(piece) > 1 and piece[-1] == piece[0] else piece
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match.group(1), match.group(1)), inside)


def _after_lua(text: str, position: int) -> int:
    """Return where a block of Lua ends: its braces are not nginx's."""
    depth = 1
    for match in _LUA.finditer(text, position):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if not depth:
            return match.end()
    return len(text)
