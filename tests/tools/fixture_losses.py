# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What plain dumpdata and loaddata lose of the awkward site, and what fixture_dump and fixture_load do: a table.

``python -m tests.tools.fixture_losses`` writes docs/fixture_losses.md. It works on SQLite, so that anybody can run it.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools.collection import ROOT

SITE = ROOT / "tests" / "sites" / "awkward"
PAGE = ROOT / "docs" / "fixture_losses.md"
ANSIBLE = ROOT / "build" / "venv" / "bin" / "ansible"
ALIASES = {"default": "db.sqlite3", "archive": "archive.sqlite3"}
ROWS = 2000
#: Tables of the framework's own book-keeping: every database has its own.
NOT_CONTENT = {"django_migrations", "sqlite_sequence"}
#: The ways that people go, each with the options of dumpdata.
WAYS = {
    "`dumpdata`, `loaddata`": (),
    "`dumpdata --all --natural-foreign --natural-primary -e contenttypes -e auth.permission`, `loaddata`": (
        *("--all", "--natural-foreign", "--natural-primary"),
        *("-e", "contenttypes", "-e", "auth.permission"),
    ),
}
OURS = "`fixture_dump`, `fixture_load`"
HEAD = """<!--
SPDX-FileCopyrightText: 2026 The relocate.django authors
SPDX-License-Identifier: GPL-3.0-or-later
-->
<!-- Made by `python -m tests.tools.fixture_losses`: do not edit. -->

# What plain fixtures lose

The tests' awkward site ({rows} rows, SQLite, Django {django}) is dumped and loaded into a blank, migrated database in
three ways. Then both databases are compared value by value, by plain SQL. More in [fixtures.md](fixtures.md).
"""


@dataclass
class Outcome:
    """How one way ended: the error it ended with, or the differences of what it made."""

    error: str = ""
    differences: list[str] = field(default_factory=list)
    #: Tables that it says by itself not to hold.
    left_out: set[str] = field(default_factory=set)

    def unsaid(self) -> list[str]:
        """What was lost without a word."""
        return [line for line in self.differences if not any(line.startswith(f"`{name}`") for name in self.left_out)]


class Copy:
    """A checkout of the site with databases of its own below a directory."""

    def __init__(self, directory: Path) -> None:
        self.path = directory
        shutil.copytree(SITE, directory, ignore=shutil.ignore_patterns("__pycache__", "var"))
        (directory / "var").mkdir()
        (directory / ".env").write_text("SECRET_KEY=not-a-secret\n")

    def manage(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py."""
        argv = [sys.executable, "manage.py", *args]
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        return subprocess.run(argv, cwd=self.path, env=env, capture_output=True, text=True, check=False)

    def must(self, *args: str) -> None:
        """Run manage.py, which has to succeed."""
        result = self.manage(*args)
        if result.returncode:
            raise SystemExit(f"manage.py {' '.join(args)}: {result.stderr[-2000:]}")

    def migrate(self) -> None:
        """Make all tables."""
        for alias in ALIASES:
            self.must("migrate", "-v0", "--database", alias)

    def tables(self) -> dict[str, list[dict[str, object]]]:
        """Every row of every table."""
        found: dict[str, list[dict[str, object]]] = {}
        for name in ALIASES.values():
            with sqlite3.connect(self.path / "var" / name) as database:
                database.row_factory = sqlite3.Row
                kinds = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                for (table,) in sorted(tuple(row) for row in kinds):
                    if table not in NOT_CONTENT:
                        quoted = table.replace('"', '""')
                        rows = [dict(row) for row in database.execute(f'SELECT * FROM "{quoted}"')]
                        found.setdefault(table, []).extend(rows)
        return found


def differences(old: Copy, new: Copy) -> list[str]:
    """Each table that is not the same, in one line: rows that lack, rows too many, columns whose values differ."""
    before, after = old.tables(), new.tables()
    lines = []
    for table in sorted(before):
        was, is_ = (sorted(json.dumps(row, default=repr) for row in side.get(table, [])) for side in (before, after))
        if was == is_ or without_ids(before[table]) == without_ids(after.get(table, [])):
            continue  # rows of many-to-many relations may have other ids: nothing refers to them
        line = f"`{table}`: {len(was)} rows, then {len(is_)}"
        if len(was) == len(is_):
            line = f"`{table}`: {len(set(was) - set(is_))} of {len(was)} rows differ"
        columns = changed_columns(before[table], after.get(table, []))
        lines.append(line + (f" (`{'`, `'.join(columns)}`)" if columns else ""))
    return lines


def without_ids(rows: Sequence[dict[str, object]]) -> list[str]:
    """Rows in any order, but for the column id."""
    return sorted(json.dumps({key: row[key] for key in row if key != "id"}, default=repr) for row in rows)


def changed_columns(before: Sequence[dict[str, object]], after: Sequence[dict[str, object]]) -> list[str]:
    """The columns whose values differ in rows of the same key."""
    keyed = {row.get("id"): row for row in after if "id" in row}
    found = set()
    for row in before:
        other = keyed.get(row.get("id"))
        if other:
            found |= {name for name, value in row.items() if other.get(name) != value}
    return sorted(found)


def plain(old: Copy, new: Copy, options: Sequence[str]) -> Outcome:
    """Go one of the usual ways."""
    for alias in ALIASES:
        dump = new.path / f"{alias}.json"
        old.must("dumpdata", "--database", alias, "-o", str(dump), *options)
        result = new.manage("loaddata", "--database", alias, str(dump))
        if result.returncode:
            return Outcome(error=result.stderr.strip().splitlines()[-1])
    return Outcome(differences=differences(old, new))


def ours(old: Copy, new: Copy, work: Path) -> Outcome:
    """Dump and load with the collection's modules."""
    common = f"site=losses directory={work} allow_root=true interpreter={sys.executable}"
    for alias in ALIASES:
        dump = work / f"{alias}.lines.zst"
        for module, path, more in (
            ("fixture_dump", old.path, f"dest={dump}"),
            ("fixture_load", new.path, f"src={dump}"),
        ):
            arguments = f"{common} path={path} alias={alias} {more}"
            argv = [str(ANSIBLE), "localhost", "-c", "local", "-m", f"relocate.django.{module}", "-a", arguments]
            env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections")}
            result = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
            if result.returncode:
                return Outcome(error=result.stdout[-500:])
    return Outcome(differences=differences(old, new), left_out=set().union(*map(left_out, ALIASES, [work] * 2)))


def left_out(alias: str, work: Path) -> set[str]:
    """The tables that a fixture names as not being in it."""
    first = subprocess.run(["zstd", "-dc", str(work / f"{alias}.lines.zst")], capture_output=True, check=True)
    header = json.loads(first.stdout.split(b"\n", 1)[0])
    return {item["name"] for item in header["left_out"] if item["what"] == "table"}


def page(outcomes: dict[str, Outcome], django: str) -> str:
    """The page in Markdown."""
    lines = [HEAD.format(rows=ROWS, django=django)]
    for way, outcome in outcomes.items():
        lines.append(f"## {way}\n")
        if outcome.error:
            lines.append(f"Nothing is loaded; it ends with\n\n    {outcome.error}\n")
        elif not outcome.differences:
            lines.append("No difference: every row and every value arrived.\n")
        else:
            said = [item for item in outcome.differences if item not in outcome.unsaid()]
            if outcome.unsaid():
                lines.append("It succeeds, and these differ without a word:\n")
                lines += [f"- {item}" for item in outcome.unsaid()]
            if said:
                lines.append("Every row and value of every model arrived. What has no model is named in the result:\n")
                lines += [f"- {item}" for item in said]
            lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Go all ways and write the page; fails when our own loses anything."""
    import django

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        old = Copy(work / "old")
        old.migrate()
        old.must("populate", "--rows", str(ROWS))
        outcomes = {}
        for number, (way, options) in enumerate(WAYS.items()):
            new = Copy(work / f"new{number}")
            new.migrate()
            outcomes[way] = plain(old, new, options)
        outcomes[OURS] = ours(old, Copy(work / "ours"), work)
    PAGE.write_text(page(outcomes, django.get_version()))
    print(PAGE.read_text())
    return 1 if outcomes[OURS].error or outcomes[OURS].unsaid() else 0


if __name__ == "__main__":
    sys.exit(main())
