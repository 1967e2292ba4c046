# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merging: references ahead of their objects, lists of related ones, and how few queries unchanged rows cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from tests.unit.plugins.module_utils._fixtures import formats

pytestmark = pytest.mark.slow

formats.begin()

INSERTED = {"inserted": 1, "updated": 0, "left": 0, "deleted": 0}


def node(name: str, twin: str | None = None, pk: int | None = None, **more: Any) -> dict[str, Any]:
    fields = {"name": name, "twin": None if twin is None else [twin], **more}
    return {"model": "formats.node", "pk": pk, "fields": fields}


def merge(*found: dict[str, Any]) -> Any:
    return formats.merge("json", json.dumps(found).encode())


def twins() -> dict[str, str | None]:
    """The name of each node's twin."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Node

    return dict(Node.objects.using("other").values_list("name", "twin__name"))


@pytest.mark.parametrize("keyed", [False, True], ids=["without keys", "with keys"])
def test_what_refers_in_a_circle(keyed: bool) -> None:
    """To itself, to each other, three in a ring: what is in the fixture is found, once; then everything is left."""
    formats.clear("other")
    wanted = {"self": "self", "a": "b", "b": "a", "x": "y", "y": "z", "z": "x", "free": None}
    found = [node(name, twin, number if keyed else None) for number, (name, twin) in enumerate(wanted.items(), 5)]
    done = merge(*found)
    assert twins() == wanted
    assert done.counts["formats.Node"] == {"inserted": 7, "updated": 0, "left": 0, "deleted": 0}
    again = merge(*found)
    assert again.counts["formats.Node"] == {"inserted": 0, "updated": 0, "left": 7, "deleted": 0}


def test_a_circle_around_rows_that_are_there() -> None:
    """A row that is there is called updated when a reference of its own comes afterwards."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Node

    formats.clear("other")
    Node.objects.using("other").create(pk=1, name="a")
    done = merge(node("a", "b", 1), node("b", "a", 2))
    assert twins() == {"a": "b", "b": "a"}
    assert done.counts["formats.Node"] == {"inserted": 1, "updated": 1, "left": 0, "deleted": 0}
    assert {row["pk"]: (row["action"], row["fields"]) for row in done.rows} == {
        "1": ("updated", ["twin"]),
        "2": ("inserted", []),
    }
    with pytest.raises(FixtureError) as caught:
        merge(node("c", "nowhere", 3))
    assert (caught.value.code, "nowhere" in caught.value.msg) == ("reference_missing", True)
    assert set(twins()) == {"a", "b"}


def test_lists_become_those_of_the_fixture() -> None:
    """What is listed on one side of a symmetrical relation is on both; the same object twice counts as the second."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Node, Thing

    formats.clear("other")
    done = merge(node("a", None, 1, friends=[2, 1]), node("b", None, 2), node("c", None, 3, friends=[["a"]]))
    assert {one.name: {item.pk for item in one.friends.all()} for one in Node.objects.using("other")} == {
        "a": {1, 2, 3},
        "b": {1},
        "c": {1},
    }
    assert done.counts["formats.Node_friends"] == {"inserted": 5, "updated": 0, "left": 0, "deleted": 0}
    labels = [{"model": "formats.label", "pk": key, "fields": {"name": f"{key}"}} for key in (1, 2, 3)]

    def thing(*listed: int) -> dict[str, Any]:
        return {"model": "formats.thing", "pk": "t", "fields": {"labels": listed}}

    assert merge(*labels, thing(1, 2), thing(2, 3)).counts["formats.Thing_labels"] == {
        "inserted": 3,
        "updated": 0,
        "left": 1,
        "deleted": 1,
    }
    assert set(Thing.objects.using("other").get().labels.values_list("pk", flat=True)) == {2, 3}


@pytest.mark.parametrize("form", ["json", "lines"])
def test_unchanged_rows_cost_few_queries(form: str) -> None:
    """Rows are compared many at a time, lists of related objects too, and nothing is read back that was not written."""
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    from tests.unit.plugins.module_utils._fixtures.formats.models import Label, Thing

    formats.clear("default")
    Label.objects.bulk_create(Label(pk=key, name=f"{key}") for key in range(1, 1001))
    Thing.objects.bulk_create(Thing(word=f"{key}", label_id=key, number=key) for key in range(1, 1001))
    through = Thing.labels.through
    through.objects.bulk_create(through(thing_id=f"{key}", label_id=key) for key in range(1, 1001))
    content = formats.lines() if form == "lines" else formats.written(form)
    formats.load("json", formats.written("json"))
    with CaptureQueriesContext(connections["other"]) as queries:
        done = formats.merge(form, content)
    assert {label: item["left"] for label, item in done.counts.items()} == {
        "formats.Label": 1000,
        "formats.Thing": 1000,
        "formats.Thing_labels": 1000,
    }
    checks = [one for one in queries if "LEFT JOIN" in one["sql"]]
    assert len(queries) - len(checks) <= 12, [one["sql"][:80] for one in queries]
