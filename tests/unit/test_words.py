# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that promise something stand only where a measurement decides about them.

Looking to write one of them? Let ``_promises.py`` or ``_told.py`` say it, out of what modules return as
``measured``; or add the sentence below with what makes it true.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit import sources

WORDS = re.compile(
    r"\b(proven|complete|completely|verified|moved and|untouched|not touched|serves again|serves on|serves from"
    r"|downtime \{|no obstacle|nothing was (?:changed|written|lost)|is as it was|every row|safe)\b|\b(?-i:MOVED)\b",
    re.IGNORECASE,
)
#: File and a part of each sentence in it that may hold such a word, and why it is true whenever it is printed.
ALLOWED: dict[str, dict[str, str]] = {
    "plugins/plugin_utils/_promises.py": {
        "proven: ": "only names of what was measured follow",
        "proven": "a key of the outcome",
    },
    "plugins/plugin_utils/_told.py": {"NOT verified": "says that it was not", "proven": "a key of the outcome"},
    "plugins/plugin_utils/_report.py": {
        "MOVED": "the site was served on new in this run; what was proven follows",
        "preflight found no obstacle": "the list of obstacles was made, and is empty",
        "the old site serves again": "units that systemd saw running are named",
        "downtime {": "units were stopped and started in this run",
        " in the way; nothing was changed": "preflight only looks",
        "see that the site does not serve on": "tells what to look at",
    },
    "plugins/plugin_utils/_received.py": {"proven": "a key of the outcome"},
    "plugins/module_utils/_site.py": {"nothing of it is proven": "says that it was not"},
    "plugins/module_utils/_services.py": {"is started when its data is proven": "a condition"},
    "plugins/module_utils/_fixtures/program.py": {
        "nothing was changed": "one transaction, or an incoming that is dropped"
    },
    "plugins/module_utils/_engines/_mysql_preflight.py": {"cannot be proven": "says that it cannot"},
    "plugins/module_utils/_engines/_mysql_programs.py": {"the live database was not touched": "incoming is loaded"},
    "plugins/module_utils/_engines/_postgresql_programs.py": {
        "the live database was not touched": "incoming is loaded"
    },
    "plugins/module_utils/_engines/_postgresql_described.py": {"the live database was not touched": "before the swap"},
    "plugins/module_utils/_project/git.py": {"safe.directory=": "a setting of git"},
    "plugins/module_utils/_rsync.py": {"--safe-links": "an option of rsync"},
    "plugins/modules/verify.py": {"proven": "a key of the result: whether rows were compared"},
    "plugins/modules/backup_info.py": {"verified": "a key of the result"},
    "plugins/modules/restore.py": {"verified": "an option"},
    "plugins/modules/transfer.py": {"complete": "a key of the result"},
    "playbooks/tasks/restore_site.yml": {"nothing was changed": "stands before the first task that writes"},
    "playbooks/tasks/undo_lost.yml": {"nothing was changed": "stands before the first task that writes"},
    "playbooks/tasks/put_back_lost.yml": {"the old site serves again (": "units that systemd saw running are named"},
    "playbooks/tasks/undo_failed.yml": {
        "the site serves on ": "after units were started there, else the rescue says so"
    },
}
_TEXTS = ("DOCUMENTATION", "EXAMPLES", "RETURN")


def _docstrings(tree: ast.AST) -> set[int]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") in _TEXTS for target in node.targets):
            found.add(id(node.value))
    return found


def sentences_of_python(path: Path) -> Iterator[str]:
    """Every text constant that is no docstring and no documentation."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.value


def sentences_of_yaml(value: Any) -> Iterator[str]:
    """What a task prints: its messages, and the variables that they are made of."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("msg", "fail_msg", "success_msg") and isinstance(item, str):
                yield item
            elif key in ("vars", "ansible.builtin.set_fact") and isinstance(item, dict):
                yield from (text for text in item.values() if isinstance(text, str))
            yield from sentences_of_yaml(item)
    elif isinstance(value, list):
        for item in value:
            yield from sentences_of_yaml(item)


PYTHON = [path for path in sources.files("plugins/**/*.py") if "doc_fragments" not in path.parts]
YAML = sources.files("playbooks/**/*.yml") + sources.files("roles/*/tasks/*.yml")


def _unfounded(path: Path) -> list[str]:
    name = str(path.relative_to(sources.ROOT))
    if path.suffix == ".py":
        texts = list(sentences_of_python(path))
    else:
        texts = list(sentences_of_yaml(yaml.safe_load(path.read_text(encoding="utf-8"))))
    allowed = ALLOWED.get(name, {})
    return [text for text in texts if WORDS.search(text) and not any(part in text for part in allowed)]


@pytest.mark.parametrize("path", [*PYTHON, *YAML], ids=lambda path: str(path.relative_to(sources.ROOT)))
def test_a_promise_stands_where_it_is_measured(path: Path) -> None:
    assert _unfounded(path) == []


def test_every_exception_is_needed() -> None:
    for name, parts in ALLOWED.items():
        path = sources.ROOT / name
        text = "\n".join(
            sentences_of_python(path)
            if path.suffix == ".py"
            else sentences_of_yaml(yaml.safe_load(path.read_text(encoding="utf-8")))
        )
        assert [part for part in parts if part not in text] == [], name


def test_a_sentence_of_before_would_be_found() -> None:
    for text in ("MOVED and proven complete", "serves, complete by the proof of set", "every row proven"):
        assert WORDS.search(text)
