# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that promise something stand only where a measurement decides about them.

Looking to write one of them? Let ``_promises.py`` or ``_steps/old_info.py`` say it, out of what modules return as
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
    "plugins/plugin_utils/_attempt.py": {
        "the site serves on ": "after units were started there, else the rescue says so",
        "proven": "a key of a result",
    },
    "plugins/plugin_utils/_promises.py": {
        "proven: ": "only names of what was measured follow",
        "proven": "a key of the outcome",
    },
    "plugins/plugin_utils/_sentences.py": {"NOT verified": "says that it was not", "proven": "a key of the outcome"},
    "plugins/plugin_utils/_report.py": {
        "MOVED": "the site was served on new in this run; what was proven follows",
        "preflight found no obstacle": "the list of obstacles was made, and is empty",
        "downtime {": "units were stopped and started in this run",
        " in the way; nothing was changed": "preflight only looks",
    },
    "plugins/plugin_utils/_ending.py": {
        "the old site serves again": "units that systemd saw running are named",
        "make sure that the site does not serve on": "tells what to look at",
    },
    "plugins/plugin_utils/_received.py": {"proven": "a key of the outcome"},
    "plugins/action/inventory.py": {"nothing was changed": "stands before the first task that writes"},
    "plugins/action/obstacles.py": {"nothing was changed": "stands before the first task that writes"},
    "plugins/module_utils/_site.py": {"nothing of it is proven": "says that it was not"},
    "plugins/module_utils/_services/checks.py": {"is started when its data is proven": "a condition"},
    "plugins/module_utils/_fixtures/program.py": {
        "nothing was changed": "one transaction, or an incoming that is dropped"
    },
    "plugins/module_utils/_engines/mysql/preflight.py": {"cannot be proven": "says that it cannot"},
    "plugins/module_utils/_engines/mysql/programs.py": {"the live database was not touched": "incoming is loaded"},
    "plugins/module_utils/_engines/postgresql/programs.py": {"the live database was not touched": "incoming is loaded"},
    "plugins/module_utils/_adopt/kinds.py": {"database dump complete": "a line of pg_dump"},
    "plugins/module_utils/_engines/mysql/foreign.py": {"the live database was not touched": "incoming is loaded"},
    "plugins/module_utils/_engines/postgresql/foreign.py": {"the live database was not touched": "incoming is loaded"},
    "plugins/module_utils/_engines/postgresql/described.py": {"the live database was not touched": "before the swap"},
    "plugins/module_utils/_project/git.py": {"safe.directory=": "a setting of git"},
    "plugins/module_utils/_transfer/rsync.py": {"--safe-links": "an option of rsync"},
    "plugins/module_utils/_steps/verify.py": {"proven": "a key of the result: whether rows were compared"},
    "plugins/module_utils/_steps/unused.py": {"proven": "a key of the result, which is false there"},
    "plugins/module_utils/_modules/backup_info.py": {"verified": "a key of the result"},
    "plugins/module_utils/_modules/restore.py": {"verified": "an option"},
    "plugins/module_utils/_nightly/night.py": {"proven": "a key of the result"},
    "plugins/module_utils/_steps/freshness.py": {"proven": "what a restore or a rehearsal noted of that very manifest"},
    "plugins/module_utils/_steps/transfer.py": {"complete": "a key of the result"},
    "playbooks/tasks/put_back_lost.yml": {"the old site serves again (": "units that systemd saw running are named"},
}
_TEXTS = ("DOCUMENTATION", "EXAMPLES", "RETURN")


def _docstrings(path: Path) -> set[int]:
    found = set()
    for node in sources.nodes(path):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") in _TEXTS for target in node.targets):
            found.add(id(node.value))
    return found


def sentences_of_python(path: Path) -> Iterator[str]:
    """Every text constant that is no docstring and no documentation."""
    passed = _docstrings(path)
    for node in sources.nodes(path):
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


#: Words of the documentation that must be true of every run, whatever it measured.
PROSE = re.compile(
    r"\b(proven|complete|completely|verified|untouched|not touched|safe|every row|nothing is lost)\b", re.IGNORECASE
)
#: Page, and a part of each of its lines that may hold such a word, with what makes it true.
TRUE: dict[str, dict[str, str]] = {
    "README.md": {'"Proven" and "downtime" are printed only': "says when"},
    "docs/backups.md": {"newest proven set": "what a restore or a rehearsal noted"},
    "docs/fixture_losses.md": {"Every row and value of every model arrived": "made by a program that compared them"},
    "docs/fixtures.md": {
        "every row of every table that a model has": "the base manager reads",
        "it holds every row": "what a dump is",
        "Every row is read back and compared, but for": "names what is not",
        "reads every row on old": "conversion_scan",
    },
    "docs/migration_lint.md": {"why it hopes that this is safe": "a hope of others"},
    "docs/playbooks.md": {
        "Sets hold passwords and every row": "a warning",
        "it holds your `.env` and every row": "too",
    },
    "roles/checkout/meta/argument_specs.yml": {"The backup set, complete or prepared": "states of a set"},
    "roles/restore/meta/argument_specs.yml": {"Whether the files have just been verified": "a question"},
    "roles/transfer/meta/argument_specs.yml": {"given, every file is verified": "by its sha256"},
    "plugins/modules/backup.py": {"a complete set": "one with a manifest"},
    "plugins/modules/backup_adopt.py": {
        "Make a proven backup set": "it was loaded out of the set, and compared, or there is none",
        "so that the set counts as proven": "the same",
        "are not touched": "incoming is another database",
    },
    "plugins/modules/backup_info.py": {
        "omplete": "sets with a manifest",
        "verified:": "each file was hashed",
        "proven": "by a restore that noted it",
    },
    "plugins/modules/checkout.py": {"complete or prepared": "states of a set"},
    "plugins/modules/conversion_scan.py": {"Reads every row of every model": "what it does"},
    "plugins/modules/database.py": {"complete or prepared": "states of a set"},
    "plugins/modules/files.py": {"complete or prepared": "states of a set"},
    "plugins/modules/fixture_dump.py": {"takes its name when it is complete": "an exchange of names"},
    "plugins/modules/fixture_load.py": {
        "only the number of objects is proven": "says what is not",
        "the live one is not touched": "incoming is another database",
    },
    "plugins/modules/restore.py": {
        "verified": "an option",
        "not touched": "incoming is another database",
        "had proven the set": "by the digests of its files",
    },
    "plugins/modules/transfer.py": {"complete:": "a key of the result"},
    "plugins/modules/verify.py": {
        "proven:": "a key of the result",
        "had proven the set": "by the digests of its files",
    },
}
PAGES = sources.files(
    "README.md", "docs/*.md", "docs/docsite/rst/*.rst", "roles/*/meta/argument_specs.yml", "plugins/doc_fragments/*.py"
)


def documented_in(path: Path) -> str:
    """What a page, an argument specification or a module's documentation says."""
    if path.suffix == ".py":
        texts = [node.value for node in sources.nodes(path) if isinstance(node, ast.Assign)]
        return "\n".join(
            str(text.value) for text in texts if isinstance(text, ast.Constant) and "\n" in str(text.value)
        )
    return path.read_text(encoding="utf-8")


def test_the_documentation_promises_what_holds_of_every_run() -> None:
    found, used = [], set()
    for path in [*PAGES, *sources.files("plugins/modules/*.py")]:
        name = str(path.relative_to(sources.ROOT))
        if name == "docs/errors.md":  # made of sentences that the test above reads
            continue
        for line in documented_in(path).splitlines():
            parts = [part for part in TRUE.get(name, {}) if part in line]
            used.update((name, part) for part in parts)
            if PROSE.search(line) and not parts:
                found.append(f"{name}: {line.strip()}")
    assert found == []
    assert used == {(name, part) for name, parts in TRUE.items() for part in parts}, "an exception that nothing needs"


def test_a_sentence_of_before_would_be_found() -> None:
    for text in ("MOVED and proven complete", "serves, complete by the proof of set", "every row proven"):
        assert WORDS.search(text)
