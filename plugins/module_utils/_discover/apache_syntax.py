# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The syntax of Apache's httpd, as httpd reads it: lines, sections, variables, conditions, macros and includes."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

_DEEPEST = 30
_INCLUDES = 2000
_CHARACTERS = 8 * 1024 * 1024
_LINE = 20  # characters that a line counts beside its own, for the work that it makes
_LONGEST = 8192  # as httpd's
_SECTION = re.compile(r"<(/?)([A-Za-z]+)\s*(.*?)>?\s*\Z", re.DOTALL)
_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"?|'((?:[^'\\]|\\.)*)'?|(\S+)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([^}\n]{0,100})\}")  # bounded: many that nothing closes would take for ever
_EXPORT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z")
_SHELL_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\}|([A-Za-z_][A-Za-z0-9_]*))")
_CONDITIONS = ("ifmodule", "ifdefine", "ifversion", "iffile")
_VERSION = (2, 4, 66)
#: Modules that are part of the program, as Debian and Red Hat build it.
_BUILT_IN = "core mod_so http_core mod_log_config mod_logio mod_version mod_unixd mod_watchdog".split()


def parse_environment(text: str) -> Dict[str, str]:
    """Return the variables that ``envvars`` sets: assignments, with what was set before. Nothing is run."""
    found: Dict[str, str] = {}
    for line in text.splitlines():
        match = _EXPORT.match(line)
        if match and "`" not in line and "$(" not in line:
            value = match.group(2).strip().strip("\"'")
            found[match.group(1)] = _SHELL_VARIABLE.sub(lambda one: found.get(one.group(1) or one.group(2), ""), value)
    return found


def words(text: str) -> List[str]:
    """Split what follows a directive's name into words, as httpd does."""
    found = []
    for match in _WORD.finditer(text):
        quoted = {'"': match.group(1), "'": match.group(2), "": match.group(3)}
        mark = next(mark for mark, inside in quoted.items() if inside is not None)
        found.append(_unescaped(quoted[mark], mark))
    return found


def _unescaped(word: str, mark: str) -> str:
    """Return a word without the backslashes before backslashes, and before the quotes that are around it."""
    if "\\" not in word:
        return word
    return re.sub(r"\\([\\{0}])".format(mark), r"\1", word)


@dataclass
class _Open:
    """A section that is not closed yet.

    :param taken: False within a condition that does not hold
    :param inside: where its directives go: those of a condition to what is around it
    :param macro: the lines of a macro, which are read when it is used
    """

    name: str
    args: Tuple[str, ...]
    inside: List[Directive]
    taken: bool = True
    needs: Tuple[str, ...] = ()
    macro: Optional[List[str]] = None


@dataclass
class Loader:
    """Reads a file with all that it includes.

    :param root: where relative paths begin; ``ServerRoot`` changes it
    :param variables: of the environment
    """

    files: ConfigFiles
    root: str
    variables: Dict[str, str] = field(default_factory=dict)
    defined_in: Dict[str, str] = field(default_factory=dict)  # a variable -> the file with its Define
    modules: Set[str] = field(default_factory=lambda: {name + ".c" for name in _BUILT_IN})
    _macros: Dict[str, Tuple[Tuple[str, ...], List[str]]] = field(default_factory=dict)
    _active: List[str] = field(default_factory=list)
    _includes: int = 0
    _read: int = 0

    def load(self, path: str) -> Tuple[Directive, ...]:
        """Return a file's directives; nothing of one that cannot be read, or that includes itself."""
        text = self.files.text(path)
        if text is None or path in self._active or len(self._active) > _DEEPEST:
            return ()
        self._includes += 1
        if self._includes > _INCLUDES:
            return ()
        self._active.append(path)
        try:
            return self._parse(_joined(text), path)
        finally:
            self._active.pop()

    def _parse(self, lines: Iterable[str], path: str) -> Tuple[Directive, ...]:
        stack = [_Open("", (), [])]
        for line in lines:
            self._read += len(line) + _LINE
            if self._read > _CHARACTERS:
                break
            macro = stack[-1].macro
            if macro is not None and not line.lower().startswith("</macro"):
                macro.append(line)
            elif line.startswith("<"):
                self._section(line, stack, path)
            elif stack[-1].taken:
                stack[-1].inside += self._simple(line, path)
        while len(stack) > 1:
            self._close(stack, path)
        return tuple(stack[0].inside)

    def _expanded(self, text: str) -> Tuple[str, Tuple[str, ...]]:
        """Return a text with the values of variables, and the files that define those."""
        names = _VARIABLE.findall(text) if "${" in text else []
        if not names:
            return text, ()
        needs = tuple(dict.fromkeys(self.defined_in[name] for name in names if name in self.defined_in))
        return _VARIABLE.sub(lambda one: self.variables.get(one.group(1), one.group()), text)[:_LONGEST], needs

    # --- sections

    def _section(self, line: str, stack: List[_Open], path: str) -> None:
        match = _SECTION.match(line)
        if not match:
            return
        if match.group(1):
            self._close(stack, path)
            return
        name = match.group(2).lower()
        rest, needs = self._expanded(match.group(3))
        args, around = tuple(words(rest)), stack[-1]
        if name in _CONDITIONS:
            taken = around.taken and self._holds(name, args)
            stack.append(_Open(name, args, around.inside, taken))
        elif name == "macro" and around.taken:
            stack.append(_Open(name, args, [], macro=[]))
        else:
            stack.append(_Open(name, args, [], around.taken, needs))

    def _close(self, stack: List[_Open], path: str) -> None:
        if len(stack) < 2:
            return
        block = stack.pop()
        if block.macro is not None:
            self._macros[(block.args or ("",))[0].lower()] = (block.args[1:], block.macro)
        elif block.taken and block.name not in _CONDITIONS and len(stack) <= _DEEPEST:
            stack[-1].inside.append(Directive(block.name, block.args, path, tuple(block.inside), block.needs))

    def _holds(self, name: str, args: Sequence[str]) -> bool:
        test = args[0] if args else ""
        negated = test.startswith("!")
        test = test.lstrip("!")
        if name == "ifmodule":
            return (test in self.modules) != negated
        if name == "ifdefine":
            return (test in self.variables) != negated
        if name == "iffile":
            return self.files.exists(posixpath.join(self.root, test)) != negated
        return _version_fits(args)

    # --- lines

    def _simple(self, line: str, path: str) -> List[Directive]:
        text, needs = self._expanded(line)
        name, rest = (*text.split(None, 1), "")[:2]
        name, args = name.lower(), words(rest)
        if name in ("include", "includeoptional") and args:
            return self._included(args[0], path)
        if name == "use" and args:
            return self._used(args, path)
        self._note(name, args, path)
        return [Directive(name, tuple(args), path, None, needs)]

    def _note(self, name: str, args: Sequence[str], path: str) -> None:
        """Keep what later lines go by."""
        if name == "define" and args:
            self.variables[args[0]] = args[1] if len(args) > 1 else ""
            self.defined_in[args[0]] = path
        elif name == "undefine" and args:
            self.variables.pop(args[0], None)
        elif name == "serverroot" and args:
            self.root = args[0]
        elif name == "loadmodule" and len(args) > 1:
            self.modules |= _names_of_module(args[0], args[1])

    def _included(self, pattern: str, path: str) -> List[Directive]:
        found = []
        for name in self.files.expand(posixpath.join(self.root, pattern)):
            for file in self._within(name, 0):
                found.append(Directive("include", (file,), path, self.load(file)))
        return found

    def _within(self, path: str, depth: int) -> Iterator[str]:
        """Give a file, or all files below a directory."""
        names = self.files.names(path) if self.files.text(path) is None and depth < 5 else []
        if not names:
            yield path
        for name in names:
            yield from self._within(posixpath.join(path, name), depth + 1)

    def _used(self, args: Sequence[str], path: str) -> List[Directive]:
        """Return what a macro stands for."""
        names, lines = self._macros.get(args[0].lower(), ((), []))
        if len(self._active) > _DEEPEST:
            return []
        values = dict(zip(names, args[1:]))
        ordered = sorted(values, key=len, reverse=True)
        self._active.append("")
        try:
            return list(self._parse([_filled(line, ordered, values) for line in lines], path))
        finally:
            self._active.pop()


def _filled(line: str, names: Sequence[str], values: Mapping[str, str]) -> str:
    for name in names:
        line = line.replace(name, values[name])[:_LONGEST]
    return line


def _joined(text: str) -> Iterator[str]:
    """Give each line without the space around it; a backslash at its end joins the next."""
    parts: List[str] = []
    for line in text.split("\n"):
        line = line.rstrip("\r")
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        whole = "".join([*parts, line]).strip()
        parts = []
        if whole and not whole.startswith("#"):
            yield whole
    if parts:
        yield "".join(parts).strip()


def _names_of_module(name: str, file: str) -> Set[str]:
    """Return by which names a condition knows a loaded module: wsgi_module, mod_wsgi.c."""
    stem = name[: -len("_module")] if name.endswith("_module") else name
    found = {name, "mod_" + stem + ".c", posixpath.basename(file).partition(".")[0] + ".c"}
    return found | ({stem[len("mpm_") :] + ".c"} if stem.startswith("mpm_") else set())


def _version_fits(args: Sequence[str]) -> bool:
    """Tell whether a condition of the version holds; one that is not understood does."""
    if len(args) == 1:
        args = ("=", args[0])
    numbers = [int(part) for part in args[1].split(".") if is_number(part)] if len(args) > 1 else []
    ours = list(_VERSION[: len(numbers)])
    tests = {">=": ours >= numbers, "<=": ours <= numbers, ">": ours > numbers, "<": ours < numbers}
    tests.update({"=": ours == numbers, "==": ours == numbers, "!": ours != numbers, "!=": ours != numbers})
    return tests.get(args[0] if args else "", True) if numbers else True
