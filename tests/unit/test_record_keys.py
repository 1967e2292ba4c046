# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody but ``_record`` knows the keys of a site's record; whoever needs it asks questions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml

from ansible_collections.relocate.django.plugins.module_utils._record import keys
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from tests.tools import record_page
from tests.unit import sources
from tests.unit.records import given

OWNER = "plugins/module_utils/_record/"
#: What a record is called wherever it is at hand.
NAMES = {"record", "latest", "known", "noted", "freeze", "moved", "served", "retired", "migrated", "marks", "begun"}
#: Who gives one.
GIVERS = {"read_record", "update_record", "RecordFile"}
#: Keys that no option, result or manifest shares, so that the word alone gives away who knows it.
OWN = {"served_with", "media_restored", "rolling", "earlier", "monotonic", "foreign"}


def base_of(node: ast.expr) -> str:
    """Give the name of what is subscripted or asked: x for x["k"], a.x["k"], x.get("k"), and f for f()["k"]."""
    while isinstance(node, (ast.BoolOp, ast.Call)):
        node = node.values[0] if isinstance(node, ast.BoolOp) else node.func
    return getattr(node, "attr", getattr(node, "id", ""))


def key_of(node: ast.AST) -> tuple[str, str]:
    """Give what is asked for a constant key, and the key."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return base_of(node.value), str(node.slice.value)
    call = node if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if call and call.func.attr in ("get", "pop", "setdefault") and call.args and isinstance(call.args[0], ast.Constant):
        return base_of(call.func.value), str(call.args[0].value)
    return "", ""


def readers(tree: ast.AST) -> Iterator[str]:
    """Give each place that reads a key out of a record, or names one that only a record has."""
    kinds = [Record, *(kind for kind in vars(keys).values() if isinstance(kind, type) and is_dataclass(kind))]
    every = {one.name for kind in kinds for one in fields(kind)}
    for node in ast.walk(tree):
        base, key = key_of(node)
        if key in every and (base in NAMES or base in GIVERS):
            yield f"line {node.lineno}: {base}[{key!r}]"  # type: ignore[attr-defined]
        if isinstance(node, ast.Constant) and node.value in OWN:
            yield f"line {node.lineno}: {node.value!r}"


@pytest.mark.parametrize(
    "path",
    [path for path in sources.files("plugins/**/*.py") if not sources.name_of(path).startswith(OWNER)],
    ids=sources.name_of,
)
def test_no_other_file_reads_a_key(path: Path) -> None:
    assert list(readers(sources.tree(path))) == []


@pytest.mark.parametrize(
    "code",
    [
        'record.get("moved")',
        'record["freeze"]["units"]',
        'read_record(directory, site).get("retired")',
        '(record.get("moved") or {}).get("label")',
        'self.record["sequence"]',
        'key = "served_with"',
    ],
)
def test_the_test_sees_who_does(code: str) -> None:
    assert list(readers(ast.parse(code)))


def test_a_record_cannot_be_asked_for_a_key() -> None:
    assert not {"get", "__getitem__", "keys", "items"} & set(dir(Record))


@pytest.mark.parametrize("path", sources.files("playbooks/**/*.yml", "roles/**/*.yml"), ids=sources.name_of)
def test_playbooks_go_by_answers(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\.record\b|\['record'\]", text)
    assert set(re.findall(r"\bpast\.(\w+)", text)) <= set(given().told())


def test_the_answers_are_documented() -> None:
    module = sources.PLUGINS / "modules" / "preflight.py"
    documented = yaml.safe_load(sources.strings(module, "RETURN"))["past"]["contains"]
    kinds = {"str": str, "bool": bool, "list": list}
    assert {name: kinds[item["type"]] for name, item in documented.items()} == {
        name: type(value) for name, value in given().told().items()
    }


def test_the_page_is_up_to_date() -> None:
    assert record_page.PAGE.read_text() == record_page.text(), "run: make docs"
