# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each engine does not take, value by value: a table of values that are refused, and one of those that are not."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect
from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_scan_rules as rules

TEXT5 = {"internal": "CharField", "max_length": 5}
MONEY = {"internal": "DecimalField", "max_digits": 6, "decimal_places": 2}
INT = {"internal": "IntegerField"}
SMALL = {"internal": "PositiveSmallIntegerField"}

REFUSED = [
    ("text", TEXT5, "postgresql", "abcdef", "over_long"),
    ("text", TEXT5, "mysql", "äöüßéè", "over_long"),
    ("text", {"internal": "TextField"}, "postgresql", "a\0b", "nul"),
    ("int", INT, "postgresql", 2**31, "out_of_range"),
    ("int", INT, "mysql", -(2**31) - 1, "out_of_range"),
    ("int", SMALL, "postgresql", 40000, "out_of_range"),
    ("int", SMALL, "mysql", -1, "out_of_range"),
    ("int", INT, "sqlite", 2**63, "out_of_range"),
    ("int", SMALL, "sqlite", -1, "out_of_range"),
    ("decimal", MONEY, "postgresql", "12345.00", "out_of_range"),
    ("decimal", MONEY, "mysql", "1.005", "too_precise"),
    ("decimal", MONEY, "mysql", "NaN", "not_finite"),
    ("float", {"internal": "FloatField"}, "mysql", "inf", "not_finite"),
    ("float", {"internal": "FloatField"}, "sqlite", "nan", "not_finite"),
    ("json", {"internal": "JSONField"}, "postgresql", {"json": {"a": ["x", {"b\0": 1}]}}, "nul"),
    ("json", {"internal": "JSONField"}, "mysql", {"json": [float("nan")]}, "not_finite"),
    ("date", {"internal": "DateField"}, "mysql", "0999-12-31", "year_out_of_range"),
    ("datetime", {"internal": "DateTimeField"}, "mysql", "0001-01-01T00:00:00.000000Z", "year_out_of_range"),
    ("duration", {"internal": "DurationField"}, "postgresql", 2**63, "out_of_range"),
]
TAKEN = [
    ("text", TEXT5, "sqlite", "abcdef"),
    ("text", TEXT5, "postgresql", "äöü\U0001f433é"),
    ("text", {"internal": "TextField"}, "mysql", "a\0b"),
    ("int", INT, "postgresql", -(2**31)),
    ("int", SMALL, "mysql", 65535),
    ("int", {"internal": "PositiveBigIntegerField"}, "mysql", 2**64 - 1),
    ("decimal", MONEY, "postgresql", "-9999.99"),
    ("decimal", MONEY, "postgresql", "1.500"),
    ("decimal", MONEY, "postgresql", "NaN"),
    ("decimal", MONEY, "sqlite", "0.01"),
    ("float", {"internal": "FloatField"}, "postgresql", "nan"),
    ("float", {"internal": "FloatField"}, "mysql", 1e308),
    ("json", {"internal": "JSONField"}, "sqlite", {"json": ["\0", float("inf")]}),
    ("json", {"internal": "JSONField"}, "postgresql", {"json": {"a": [1, None, "b"]}}),
    ("date", {"internal": "DateField"}, "mysql", "1000-01-01"),
    ("date", {"internal": "DateField"}, "postgresql", "0001-01-01"),
    ("uuid", {"internal": "UUIDField"}, "mysql", "00000000-0000-4000-8000-000000000001"),
    ("duration", {"internal": "DurationField"}, "mysql", -(2**63)),
]


def judge(kind: str, column: dict[str, object], target: str, value: object) -> str | None:
    """The code of the first rule that refuses the value."""
    for rule in rules.rules_of(kind, column, venv_dialect.named(target)):
        reason = rule(value)
        if reason is not None:
            assert reason[0] in rules.REMEDIES
            assert kind != "text" or str(value) not in reason[1]
            return reason[0]
    return None


@pytest.mark.parametrize(("kind", "column", "target", "value", "code"), REFUSED)
def test_refused(kind: str, column: dict[str, object], target: str, value: object, code: str) -> None:
    """Each with the code of its reason."""
    assert judge(kind, column, target, value) == code


@pytest.mark.parametrize(("kind", "column", "target", "value"), TAKEN)
def test_taken(kind: str, column: dict[str, object], target: str, value: object) -> None:
    """Nothing to complain of."""
    assert judge(kind, column, target, value) is None


@pytest.mark.parametrize(
    ("digits", "refused"), [("123456789012345", False), ("1234567890123456", True), ("0.1234567890123456", True)]
)
def test_digits_that_sqlite_keeps(digits: str, refused: bool) -> None:
    """A decimal is a floating point number there: more than 15 digits do not come back."""
    column = {"internal": "DecimalField", "max_digits": 30, "decimal_places": 20}
    assert (judge("decimal", column, "sqlite", digits) == "too_precise") is refused
    assert judge("decimal", column, "sqlite", "-" + digits + ("0000" if "." in digits else ".000")) == (
        "too_precise" if refused else None
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Anna", "ANNA", True),
        ("Zürich", "zurich", True),
        ("straße", "STRASSE", True),
        ("trailing  ", "trailing", True),
        (" leading", "leading", False),
        ("a", "b", False),
        (1, "1", False),
    ],
)
def test_what_a_unique_key_of_mysql_takes_for_the_same(one: object, other: object, same: bool) -> None:
    """Case, accents and trailing spaces are nothing to its usual collations."""
    assert (rules.folded(one) == rules.folded(other)) is same


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_every_engine_has_its_dialect(engine: Any) -> None:
    kind = venv_dialect.named(engine.name)
    assert inspect.getmodule(kind) is engine.dialect and issubclass(kind.bulk, venv_dialect.Bulk)
    for name in ("writer", "beginning"):
        assert name in vars(kind)
    assert "insert" in vars(kind.bulk)


@pytest.mark.parametrize(
    ("kind", "bound"), [("native", True), ("hstore", True), ("array of int", True), ("text", False), ("json", False)]
)
def test_kinds_of_one_engine(kind: str, bound: bool) -> None:
    """Arrays and the like exist on PostgreSQL only."""
    assert rules.engine_bound(kind) is bound
