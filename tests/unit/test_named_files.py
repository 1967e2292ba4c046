# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What docstrings and comments name is there, and by that name."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit import sources

PLUGINS = sources.ROOT / "plugins"
FILES = sorted(PLUGINS.rglob("*.py"))
#: Files and folders of ours, and all that any of them defines or uses.
PLACES = {path.stem for path in PLUGINS.rglob("*") if path.suffix == ".py" or path.is_dir()}
#: ``:func:`module.name` ``, and a private name such as ``_folder/file.py`` or ``_name``.
REFERENCE = re.compile(r":[a-z]+:`~?([\w.]+)`|(?<![\w.`/\\~-])`{0,2}(_[a-z]\w*[a-z](?:[./]\w+)*)\b(?!\()")


@functools.cache
def tokens(source: str) -> tuple[tuple[int, str], ...]:
    """The names and comments of a file, with their kinds."""
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return tuple((token.type, token.string) for token in found if token.type in (tokenize.NAME, tokenize.COMMENT))


def prose(source: str) -> Iterator[str]:
    """The docstrings and comments of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
            yield ast.get_docstring(node) or ""
    for kind, text in tokens(source):
        if kind == tokenize.COMMENT:
            yield text


def names(source: str) -> set[str]:
    """All names of a file's code."""
    return {text for kind, text in tokens(source) if kind == tokenize.NAME}


#: What is in each folder.
FOLDERS = {path.name: {item.stem for item in path.iterdir()} for path in PLUGINS.rglob("*") if path.is_dir()}
NAMES = {path: names(path.read_text()) for path in FILES}
EVERYWHERE = set().union(*NAMES.values()) | PLACES


def is_there(reference: str, known: set[str]) -> bool:
    """Whether a name is one of ours; what follows a module's or a folder's is in it."""
    first, *rest = [part for part in re.split(r"[./]", reference) if part != "py"]
    if not rest:
        return first in known
    if first in FOLDERS:
        return is_there("/".join(rest), FOLDERS[first])
    files = [path for path in FILES if path.stem == first]
    if files:
        return any(rest[-1] in NAMES[path] for path in files)
    return first in (EVERYWHERE if first[:1].isupper() else known) and EVERYWHERE.issuperset(rest)


def unknown(source: str) -> list[str]:
    """The references of a file's prose that lead nowhere."""
    own, found = names(source) | PLACES, []
    for text in prose(source):
        for match in REFERENCE.finditer(text):
            reference, private = match.groups()
            if not is_there(reference or private, own if private or "." in reference else EVERYWHERE):
                found.append(reference or private)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLUGINS)))
def test_what_is_named_is_there(path: Path) -> None:
    assert unknown(path.read_text()) == []


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("``_gone_file``", True),
        ("_host/not_there.py", True),
        ("_host/openat.py", False),
        (":func:`_host.update_record`", True),
        (":func:`_restored.displaced_name`", True),
        (":func:`origin.displaced_name`", False),
        ("_argspec.answer", True),
        ("_module.answer", False),
        (":meth:`BackupSet.labels`", False),
        ("_engines.registry.ENGINES", False),
        (":func:`run`", False),
    ],
)
def test_what_is_gone_is_seen(text: str, gone: bool) -> None:
    assert bool(unknown(f'"""See {text}, and more."""\n')) == gone
    assert bool(unknown(f"# See {text}.\n")) == gone
