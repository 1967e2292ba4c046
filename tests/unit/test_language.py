# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what of plain English can be measured: docstrings start with a verb, hints name a variable, no riddles.

Looking to write a hint? Say what to do, and name the variable or the command: ``set relocate_owner to ...``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit import sources

#: A docstring that opens so describes a riddle instead of what a function does.
RIDDLE = re.compile(r"(What|Whether|Where|Which|Why|Whose|Who|When|How)\b")
#: The share of docstrings that may.
MOST_RIDDLES = 0.02
#: Phrases that a reader has to translate first, each with what to write instead.
PHRASES = {
    r"\bof which (no|none)\b": "with no ..., without ...",
    r"\bwhose \w+ (is|are) to be\b": "to + verb",
    r"\b(that|which|who) (is|are) none\b": "is not a ...",
    r"\b(to )?whom (it|they|the \w+) belongs?\b": "its owner",
    r"\bby whom\b": "who ...",
    r"\blets? go of\b": "drops, gives up",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(is|are|be) told\b": "is reported",
    r"\blet .{1,40} rest\b": "pause",
    r"\btakes? another (set|fixture|one)\b": "use another",
    r"\bto be left\b": "to keep",
    r"\bin its midst\b": "running",
    r"\bwould not last\b": "would not stay",
    r"\bhas not got\b": "lacks",
    r"\bpast the models\b": "bypassing the models",
    r"\blets? (the key|\w+) in from\b": "accepts ... from",
    r"\bin our program's place\b": "in its place",
}
BANNED = re.compile("|".join(PHRASES), re.IGNORECASE)
#: Calls whose arguments are texts for people, with the place of the hint among them.
HINTS = {"RelocateError": 2, "Obstacle": 2, "FixtureError": 2, "_obstacle": 1, "_refused": 1}
#: What may follow "set" or "name": a variable, a setting in capitals, a placeholder, or a word that is listed below.
NAMED = re.compile(r"\brelocate_\w+|\b[A-Z][A-Za-z]*[A-Z_]\w+|\{\d\}|`")
#: Words of other programs, and options of modules that no playbook sets, which hints name.
OPTIONS = {
    "ansible_connection": "Ansible's own",
    "sslkey": "an option of libpq",
    "format": "of relocate.django.fixture_dump",
    "state": "of relocate.django.fixture_load",
    "confirm": "of relocate.django.database",
    "these variables": "they are listed in the message",
    "exactly": "name exactly one model in models, of relocate.django.fixture_dump",
    "up": "set up a server",
    "old: false": "an item of relocate_answers",
    "KillMode": "an option of a unit",
    "the file": "a path, wherever it was named",
    "the old host": "the inventory's word for it",
}
ORDER = re.compile(r"(?:^|[;:,.] |\bor |\bthen |\band )(set|name) (.*)")


def docstrings() -> Iterator[tuple[str, str]]:
    """Give every docstring of the plugins, with the name of what it is about."""
    for path in sources.files("plugins/**/*.py"):
        for node in sources.nodes(path):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
                yield f"{sources.name_of(path)}: {getattr(node, 'name', '')}", ast.get_docstring(node) or ""


def texts_of(node: ast.AST) -> list[str]:
    """Give the constant texts of an expression, its parts joined where they are written one after the other."""
    return [item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def hints(path: Path) -> Iterator[str]:
    """Give the hints of a file: the argument of an error, and texts that are assigned to a name with hint in it."""
    for node in sources.nodes(path):
        if isinstance(node, ast.Call):
            place = HINTS.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if place is not None and len(node.args) > place:
                yield from texts_of(node.args[place])
        elif isinstance(node, ast.Assign) and "hint" in ast.unparse(node.targets[0]).lower():
            yield from texts_of(node.value)


def unnamed(hint: str) -> list[str]:
    """Give the orders of a hint to set or name something that say neither a variable nor a known word."""
    found = []
    for order in re.split(r"(?<=[;,.]) (?=or |then |and )?", hint):
        match = ORDER.search(order)
        if match and not NAMED.search(order) and not match.group(2).startswith(tuple(OPTIONS)):
            found.append(order)
    return found


def texts() -> Iterator[tuple[str, str]]:
    """Give what people read, line by line: pages, options, and the texts of errors and reports."""
    for path in sources.files(
        "*.md", "docs/*.md", "docs/docsite/rst/*.rst", "roles/*/meta/argument_specs.yml", "plugins/doc_fragments/*.py"
    ):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{sources.name_of(path)}:{number}", line
    for path in sources.files("plugins/**/*.py"):
        passed = {id(node.body[0].value) for node in sources.nodes(path) if _has_docstring(node)}
        for node in sources.nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
                for number, line in enumerate(node.value.splitlines()):
                    yield f"{sources.name_of(path)}:{node.lineno + number}", line


def _has_docstring(node: ast.AST) -> bool:
    if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) or not node.body:
        return False
    first = node.body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)


def test_docstrings_start_with_what_is_done() -> None:
    found = list(docstrings())
    riddles = [f"{name}: {text.splitlines()[0]}" for name, text in found if RIDDLE.match(text)]
    assert len(riddles) <= MOST_RIDDLES * len(found), "\n".join(riddles)


def test_no_text_needs_translating() -> None:
    found = [f"{where}: {line.strip()}" for where, line in texts() if BANNED.search(line)]
    assert found == [], "\n".join([*found, "instead: " + str(PHRASES)])


def test_a_hint_names_what_to_set() -> None:
    found = [
        f"{sources.name_of(path)}: {order}"
        for path in sources.files("plugins/**/*.py")
        for hint in hints(path)
        for order in unnamed(hint)
    ]
    assert found == []


def test_the_measure_finds_what_it_is_for() -> None:
    assert RIDDLE.match("Whether the session's role is one.")
    assert not RIDDLE.match("Tell whether the session's role is one.")
    for text in (
        "a site of which no unit is named",
        "mend the cause",
        "let deployments on old rest",
        "to whom it belongs",
    ):
        assert BANNED.search(text), text
    assert unnamed("name another python") == ["name another python"]
    assert unnamed("create the user, or name another owner") == ["or name another owner"]
    assert unnamed("create the user, or set relocate_owner to another") == []
    assert unnamed("check NAME in the settings") == []
