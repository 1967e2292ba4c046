# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code that is older than its database is refused; what was squashed or removed on purpose is no false alarm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import history, probe
from tests.unit.fakes import refused

from .conftest import give

pytestmark = pytest.mark.slow

APPLIED = ["auth.0001", "shop.0001", "shop.0002"]
SQUASHED = {"shop.0001": ["shop.0001_squashed"], "shop.0002": ["shop.0001_squashed"]}


def code(*known: str, apps: tuple[str, ...] = ("auth", "shop")) -> dict[str, Any]:
    return {"known": list(known), "apps": list(apps), "replaced": {}}


@pytest.mark.parametrize(
    ("recorded", "here", "newer", "missing", "excused"),
    [
        ({"applied": {"default": APPLIED}}, code(*APPLIED), False, [], []),
        ({"applied": {"default": APPLIED}}, code(*APPLIED, "shop.0003"), True, [], []),
        ({"applied": {"default": APPLIED}}, code(*APPLIED[:2]), False, ["shop.0002"], []),
        # Whichever way the history goes, as long as the app is there its tables are written to.
        ({"applied": {"default": APPLIED}}, code(*APPLIED[:2]), True, ["shop.0002"], []),
        # Left behind by an app that old's own code does not know either.
        (
            {"applied": {"default": APPLIED}, "unknown": {"default": APPLIED[1:]}},
            code("auth.0001"),
            False,
            [],
            APPLIED[1:],
        ),
        # Squashed, and the squashed ones removed since.
        (
            {"applied": {"default": [*APPLIED, "shop.0001_squashed"]}, "replaced": SQUASHED},
            code("auth.0001", "shop.0001_squashed"),
            False,
            [],
            [],
        ),
        # The squashed one is not noted as applied: new would run it upon tables that are there.
        (
            {"applied": {"default": APPLIED}, "replaced": SQUASHED},
            code("auth.0001", "shop.0001_squashed"),
            False,
            APPLIED[1:],
            [],
        ),
        # Squashed twice; a circle must not hang.
        (
            {
                "applied": {"default": ["shop.0001", "shop.c"]},
                "replaced": {"shop.0001": ["shop.b"], "shop.b": ["shop.c", "shop.0001"]},
            },
            code("shop.c"),
            False,
            [],
            [],
        ),
        # An app that a later revision removed; by an earlier one, or other settings, it is missed.
        ({"applied": {"default": APPLIED}}, code("auth.0001", apps=("auth",)), True, [], APPLIED[1:]),
        ({"applied": {"default": APPLIED}}, code("auth.0001", apps=("auth",)), False, APPLIED[1:], []),
        ({"applied": {"default": [], "legacy": []}}, code(), False, [], []),
        ({}, code(), False, [], []),
    ],
)
def test_lacking(recorded: Any, here: Any, newer: bool, missing: list[str], excused: list[str]) -> None:
    found = history.lacking(recorded, here, lambda: newer)
    assert found == ({"default": missing} if missing else {}, {"default": excused} if excused else {})


@pytest.mark.parametrize(
    ("applied", "here", "pending"),
    [
        (APPLIED, code(*APPLIED), []),
        (APPLIED, code(*APPLIED, "shop.0003"), ["shop.0003"]),
        # All that a squashed one stands for is applied; or it is, and what it stands for is known besides.
        (APPLIED, {**code(*APPLIED, "shop.0001_squashed"), "replaced": SQUASHED}, []),
        (["auth.0001", "shop.0001_squashed"], {**code(*APPLIED, "shop.0001_squashed"), "replaced": SQUASHED}, []),
        (APPLIED[:2], {**code(*APPLIED, "shop.0001_squashed"), "replaced": SQUASHED},
         ["shop.0001_squashed", "shop.0002"]),
    ],
)  # fmt: skip
def test_what_is_applied_to_no_database(applied: list[str], here: dict[str, Any], pending: list[str]) -> None:
    half = len(applied) // 2
    recorded = {"applied": {"default": applied[:half], "other": applied[half:]}}
    assert history.pending(recorded, here) == pending


def test_every_database_and_the_first_names_are_told() -> None:
    names = [f"shop.000{number}" for number in range(7)]
    recorded = {"applied": {"default": names, "other": ["x.0001"]}}
    with refused(
        "unknown_migration",
        r"database default: 7 applied .*: shop\.0000, .*shop\.0004, \.\.\.; database other: 1 .*x\.0001"
        r".*Next: .*relocate_revision.*manage\.py migrate",
    ) as caught:
        history.check(recorded, code())
    assert caught.value.details["missing"]["default"] == names
    with refused("unknown_migration", r"\] database other"):
        history.check(recorded, code(), aliases=["other"])
    assert history.check(recorded, code(), aliases=["third"]) == []


def test_notes() -> None:
    recorded = {"applied": {"default": ["gone.0001"]}, "unknown": {"default": ["gone.0001"]}}
    (note,) = history.check(recorded, code())
    assert note.startswith("database default: 1 applied migrations are not in the code here") and "gone.0001" in note


def test_what_a_real_project_says(site: Path, python: str, owner: SystemUser) -> None:
    """Old squashes what it applied: code that has neither is refused, code that has the squashed one is not."""
    migrations = site / "shop" / "migrations"
    body = "from django.db import migrations\nclass Migration(migrations.Migration):\n"
    (migrations / "0002_more.py").write_text(
        body + "    dependencies = [('shop', '0001_initial')]\n    operations = []\n"
    )
    give(site, owner)
    project = probe.find_project(str(site), python)
    probe.migrate(project, "default")
    first = (migrations / "0001_initial.py").read_text()
    replaces = "    replaces = [('shop', '0001_initial'), ('shop', '0002_more')]\n    initial = True\n"
    squashed = first.replace("    dependencies = []\n", replaces + "    dependencies = []\n")
    (migrations / "0001_squashed.py").write_text(squashed)
    give(site, owner)
    probe.migrate(project, "default")  # which notes that it is applied
    answer = probe.ask(project, ["migrations", "history"])
    recorded = history.record(answer["migrations"], answer["history"])
    assert "shop.0002_more" in recorded["applied"]["default"] and recorded["unknown"] == {"default": []}
    assert recorded["replaced"]["shop.0002_more"] == ["shop.0001_squashed"]
    assert history.check(recorded, answer["history"]) == []
    for name in ("0001_initial.py", "0002_more.py"):
        (migrations / name).unlink()
    assert history.check(recorded, probe.ask(project, ["history"])["history"]) == []
    squashed = squashed.replace(replaces, "    initial = True\n")  # as one does once every site has it
    (migrations / "0001_squashed.py").write_text(squashed)
    assert history.check(recorded, probe.ask(project, ["history"])["history"]) == []
    (migrations / "0001_squashed.py").unlink()
    (migrations / "0001_initial.py").write_text(first)
    with refused("unknown_migration", r"2 applied.*shop\.0001_squashed, shop\.0002_more"):
        history.check(recorded, probe.ask(project, ["history"])["history"])


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (["shop/migrations/0001.py", "shop/migrations/0002.py"], []),
        (["apps/shop/migrations/0001.py", "apps/shop/migrations/0002.py"], []),  # the app was moved
        (["shop/migrations/0001.py", "other/migrations/0002.py"], ["shop.0002"]),
        (["shop/migrations/0001_squashed.py"], ["shop.0001", "shop.0002"]),
        ([], ["shop.0001", "shop.0002"]),
    ],
)
def test_a_revision_by_its_files(files: list[str], missing: list[str]) -> None:
    there = {
        **code(*APPLIED),
        "files": {
            "auth.0001": "/venv/auth/migrations/0001.py",
            "shop.0001": "/srv/app/shop/migrations/0001.py",
            "shop.0002": "/srv/app/shop/migrations/0002.py",
        },
    }
    later = history.at_revision(there, "/srv/app", files)
    assert history.lacking({"applied": {"default": APPLIED}}, later)[0] == ({"default": missing} if missing else {})


def test_a_revision_that_keeps_the_squashed_one_only() -> None:
    squashed = "/srv/app/shop/migrations/0001_squashed.py"
    first = {"shop.0001": "/srv/app/shop/migrations/0001.py", "shop.0002": "/srv/app/shop/migrations/0002.py"}
    there = {**code(*APPLIED), "replaced": SQUASHED, "files": {**first, "shop.0001_squashed": squashed}}
    later = history.at_revision(there, "/srv/app", ["shop/migrations/0001_squashed.py"])
    assert history.lacking({"applied": {"default": APPLIED}, "replaced": SQUASHED}, later)[0] == {
        "default": ["auth.0001"]
    }
