# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects and all that they refer to: selected once, in order, masked on their way, and taken by plain Django."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_anonymise,
    venv_dialect,
    venv_dump,
    venv_follow_order,
    venv_write_followed,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from ansible_collections.relocate.django.plugins.module_utils._project import venv_sanitise_rules
from tests.unit.plugins.module_utils._fixtures import formats

formats.begin()
RULES = {"builtin": True, "domain": "", "columns": {}, "unrecognised": "report"}


def models() -> Any:
    from tests.unit.plugins.module_utils._fixtures.formats import models as found

    return found


def followed(form: str = "json", limit: int = 1000, **options: Any) -> tuple[bytes, dict[str, Any]]:
    """Give the file and what is told of it."""
    from django.db import connections

    stream = io.BytesIO()
    request = {"alias": "default", "format": form, "follow": True, "limit": limit, **options}
    told = venv_write_followed.dump(request, connections["default"], stream, lambda *_told: None)
    return stream.getvalue(), told


def refusal(**options: Any) -> FixtureError:
    with pytest.raises(FixtureError) as caught:
        followed(**options)
    return caught.value


def keys(content: bytes) -> list[tuple[str, Any]]:
    return [(item["model"].partition(".")[2], item.get("pk")) for item in json.loads(content)]


@pytest.fixture(autouse=True, name="world")
def _world() -> dict[str, Any]:
    """Make labels, things in a chain, pieces of two columns, and a circle of nodes; half of it is nobody's."""
    formats.clear("default")
    made = models()
    labels = [made.Label.objects.create(name=f"label no {number}") for number in range(4)]
    things = []
    for number in range(4):
        parent = things[-1] if things else None
        things.append(made.Thing.objects.create(word=f"z{9 - number}", parent=parent, label=labels[0]))
        things[-1].labels.set(labels[1:3] if number == 1 else [])
    made.Piece.objects.create(label=labels[3], number=7, thing=things[1])
    made.Piece.objects.create(label=labels[2], number=8)
    nodes = [made.Node.objects.create(name=name) for name in "abc"]
    for number, node in enumerate(nodes[:2]):
        node.twin = nodes[1 - number]
        node.save()
    nodes[0].friends.add(nodes[1])
    return {"labels": labels, "things": things, "nodes": nodes}


def test_what_is_chosen_and_what_it_refers_to(world: dict[str, Any]) -> None:
    """A thing brings its parents before it, its label and its list, and none of its children or pieces."""
    content, told = followed(models=["formats.Thing"], keys=["z8", "none"])
    first, second, third, last = (label.pk for label in world["labels"])
    assert keys(content) == [("label", first), ("label", second), ("label", third), ("thing", "z9"), ("thing", "z8")]
    assert told["selected"] == {
        "formats.Label": {"chosen": 0, "referred": 3, "by": ["formats.Thing.label", "formats.Thing.labels"]},
        "formats.Thing": {"chosen": 1, "referred": 1, "by": ["formats.Thing.parent"]},
    }
    assert told["missing_keys"] == ["none"] and last not in (first, second, third)
    assert told["counts"] == {"formats.Label": {"objects": 3}, "formats.Thing": {"objects": 2}}
    assert json.loads(content)[-1]["fields"]["labels"] == [second, third]


@pytest.mark.parametrize("form", ["json", "jsonl", "xml", "yaml"])
@pytest.mark.parametrize("natural", [False, True])
def test_everything_is_loaded_plainly(form: str, natural: bool) -> None:
    """Whatever is circular too."""
    content, told = followed(form, natural_foreign=natural)
    before = formats.rows("default")
    assert sum(item["objects"] for item in told["counts"].values()) == 4 + 4 + 2 + 3
    formats.load_plainly(form, content)
    assert formats.rows("other") == before


def test_a_key_of_several_columns(world: dict[str, Any]) -> None:
    content, told = followed(models=["formats.Piece"], keys=[json.dumps([world["labels"][3].pk, 7])])
    assert told["selected"]["formats.Piece"] == {"chosen": 1, "referred": 0, "by": []}
    assert keys(content)[-1] == ("piece", [world["labels"][3].pk, 7])
    assert ("thing", "z8") in keys(content) and told["counts"]["formats.Label"] == {"objects": 4}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"word__gt": "z7"}, ["z8", "z9"]),
        ({"parent__parent__word": "z9"}, ["z7"]),
        ({"labels__name__startswith": "label"}, ["z8"]),
        ({"word__in": ["z9", "z6"], "parent__isnull": True}, ["z9"]),
        ({"word": "none"}, []),
    ],
)
def test_conditions(where: dict[str, Any], found: list[str]) -> None:
    """An object that meets a condition in two ways is one."""
    content, told = followed(models=["formats.Thing"], where=where)
    selected = told["selected"].get("formats.Thing", {"chosen": 0})
    assert selected["chosen"] == len(found)
    assert {key for model, key in keys(content) if model == "thing"} >= set(found)
    both, told = followed(models=["formats.Thing"], where=where, keys=["z9"])
    assert [key for model, key in keys(both) if model == "thing"] == (["z9"] if "z9" in found else [])


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"models": ["formats.Thing"], "where": {"wrod": "x"}}, "bad_option", "wrod"),
        ({"models": ["formats.Thing"], "where": {"number": "secret"}}, "bad_option", "number"),
        ({"models": ["formats.Thing"], "where": {"number__nope": 1}}, "bad_option", "number"),
        ({"models": ["formats.Thing", "formats.Label"], "where": {"word": "x"}}, "bad_option", "one model"),
        ({"models": ["formats"], "keys": ["1"]}, "bad_option", "one model"),
        ({"models": ["formats.Thing"], "limit": 3}, "fixture_too_large", "more than 3 objects"),
        ({"models": ["formats.Thing"], "keys": ["z8"], "limit": 4}, "fixture_too_large", "formats.Label"),
        ({"models": ["formats.Piece"], "exclude": ["formats.Label"]}, "reference_missing", "formats.Piece.label"),
        ({"models": ["formats.Nothing"]}, "unknown_model", "formats.Nothing"),
        ({"models": ["formats.Thing"], "exclude": ["formats.Nothing"]}, "unknown_model", "formats.Nothing"),
    ],
)
def test_what_is_refused(options: dict[str, Any], code: str, words: str) -> None:
    """The limit itself is no reason."""
    error = refusal(**options)
    assert (error.code, words in error.msg) == (code, True), error.msg
    assert "secret" not in error.msg
    if "keys" in options and code == "fixture_too_large":
        assert len(keys(followed(**{**options, "limit": 5})[0])) == 5


def test_what_is_left_out_cuts_references() -> None:
    content, told = followed(models=["formats.Thing"], keys=["z8"], exclude=["formats.Label"])
    assert keys(content) == [("thing", "z9"), ("thing", "z8")]
    assert told["cut"] == {"formats.Thing.label": 2, "formats.Thing.labels": 2}
    assert all(item["fields"]["label"] is None and item["fields"]["labels"] == [] for item in json.loads(content))
    assert told["models_left_out"] == ["formats.Label", "formats.Thing_labels"][: len(told["models_left_out"])]


def test_a_reference_to_nothing_is_refused(world: dict[str, Any]) -> None:
    from django.db import connections

    with connections["default"].constraint_checks_disabled(), connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM formats_label WHERE id = %s", [world["labels"][0].pk])
    error = refusal(models=["formats.Thing"], keys=["z9"])
    assert error.code == "reference_missing" and "formats.Thing.label refers to formats.Label" in error.msg


@pytest.mark.parametrize(("title", "is_refused"), [("SQLite", False), ("MySQL", True), ("PostgreSQL", False)])
def test_geometries_that_the_lossless_form_cannot_hold(
    title: str, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named before a row is read; tried by hand with PostGIS and SpatiaLite."""
    [table] = [one for one in formats.tables("default") if one.label == "formats.Thing"]
    venv_dump.refuse_geometries([table])
    monkeypatch.setattr(table.columns[1].field, "geom_type", "POINT", raising=False)
    [dialect] = [getattr(one.dialect, title) for one in ENGINES if hasattr(one.dialect, title)]
    monkeypatch.setattr(venv_dialect, "of", lambda _connection: dialect)
    if not is_refused:
        venv_dump.refuse_geometries([table])
        return
    with pytest.raises(FixtureError, match=r"formats\.Thing: text holds geometries") as caught:
        venv_dump.refuse_geometries([table])
    assert (caught.value.code, caught.value.details["field"]) == ("unsupported_model", "text")


# --- the order


def test_groups_of_models() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "x"}, "e": {"e"}}
    assert venv_follow_order.groups(list("abcde"), arrows) == [["b", "c"], ["a"], ["d"], ["e"]]
    chain = {number: {number + 1} for number in range(3000)}
    assert venv_follow_order.groups(list(range(3001)), chain)[0] == [3000]


def test_order_of_objects() -> None:
    """A circle is cut where a reference may be empty; what has no such place is cut anywhere."""
    one, two, three = ((("m", number)) for number in (1, 2, 3))
    edges = {one: [(two, False)], two: [(three, True)], three: [(one, True)]}
    assert venv_follow_order.in_order([three, two, one], edges) == [one, three, two]
    assert sorted(venv_follow_order.in_order([one, two], {one: [(two, True)], two: [(one, True)]})) == [one, two]
    assert venv_follow_order.in_order([one], {one: [(one, True), (("m", 9), True)]}) == [one]


@pytest.mark.parametrize("seed", range(20))
def test_no_object_is_before_what_it_cannot_be_without(seed: int) -> None:
    choice = random.Random(seed)
    objects = [("m", number) for number in range(200)]
    edges: dict[Any, list[Any]] = {}
    for one in objects:
        edges[one] = [(("m", choice.randrange(one[1])), True)] if one[1] else []
        edges[one] += [(choice.choice(objects), False)]
    mixed = choice.sample(objects, len(objects))
    found = venv_follow_order.in_order(mixed, edges)
    assert sorted(found) == objects
    places = {one: place for place, one in enumerate(found)}
    assert all(places[other] < places[one] for one in objects for other, firm in edges[one] if firm)


# --- masked


VALUES = ["a@example.org", "", "ada", "b@example.invalid", "x.invalid", "c@d", "user-1@x.invalid"]


@pytest.mark.parametrize("addresses", [False, True])
@pytest.mark.parametrize("label", ["Label", "Piece"])
def test_a_value_is_masked_as_the_server_masks_it(label: str, addresses: bool) -> None:
    """By rows and one by one: the same values are taken, and get the same address."""
    made = models()
    formats.clear("default")
    owner = made.Label.objects.create(name="owner")
    for number, value in enumerate(VALUES):
        if label == "Label":
            made.Label.objects.create(name="x", part=value)
        else:
            made.Piece.objects.create(label=owner, number=number, text=value)
    model = getattr(made, label)
    mask = venv_sanitise_rules.Mask(model._meta.get_field("part" if label == "Label" else "text"), addresses)
    rows = model.objects.exclude(pk=owner.pk) if label == "Label" else model.objects.all()
    name = mask.field.name
    by_server = set(mask.left(rows).values_list(name, flat=True))
    assert by_server == {value for value in VALUES if mask.takes(value)}
    assert ("ada" in by_server) is not addresses and not mask.takes(None)
    if mask.has_number:
        assert {pk: mask.address(pk) for pk in rows.values_list("pk", flat=True)} == dict(
            rows.annotate(made=mask.made()).values_list("pk", "made")
        )
    else:
        found = {mask.address(row.pk) for row in rows}
        assert len(found) == len(VALUES) and all(len(one) <= 20 and one.endswith("@x.invalid") for one in found)


def test_masked_objects_meet_by_natural_keys(world: dict[str, Any]) -> None:
    """What a natural key is made of is masked too, the same each time, and the rows stay as they are."""
    made = models()
    made.Label.objects.filter(pk=world["labels"][0].pk).update(name="bob@example.org")
    before = formats.rows("default")
    rules = {**RULES, "columns": {"formats_label.name": "mask"}}
    options = {"models": ["formats.Thing"], "natural_foreign": True, "natural_primary": True, "anonymise": rules}
    content, told = followed(**options)
    assert b"bob@" not in content and b"label no 1" not in content
    address = f"user-{world['labels'][0].pk}@example.invalid"
    items = json.loads(content)
    assert {"model": "formats.label", "fields": {"name": address, "part": ""}} in items
    assert items[-1]["fields"]["label"] == [address, ""]
    assert told["masked"] == {"formats_label": {"masked": 3}} and told["unrecognised"] == []
    assert followed(**options)[0] == content
    assert formats.rows("default") == before
    formats.load_plainly("json", content)
    assert len(formats.rows("other")["formats.Label"]) == 3
    assert made.Label.objects.get(pk=world["labels"][0].pk).name == "bob@example.org", "instances are themselves again"


def test_a_manager_that_finds_nothing_by_natural_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects of such a model keep their keys, whatever the options say: loaddata could not find them otherwise."""
    monkeypatch.delattr(models().Labels, "get_by_natural_key")
    content, _told = followed(models=["formats.Thing"], natural_foreign=True, natural_primary=True)
    assert all(isinstance(key, int) for model, key in keys(content) if model == "label")
    formats.load_plainly("json", content)
    assert len(formats.rows("other")["formats.Thing"]) == 4


def test_what_is_emptied(world: dict[str, Any]) -> None:
    rules = {**RULES, "columns": {"formats_label.name": "empty", "formats_thing.day": "empty"}}
    models().Thing.objects.update(day="2026-11-20", text="see Label no 2")
    content, told = followed(models=["formats.Thing"], anonymise=rules)
    labels = [item["fields"]["name"] for item in json.loads(content) if item["model"] == "formats.label"]
    assert set(labels) == {""} and b"2026-11-20" not in content
    assert told["masked"] == {"formats_label": {"set": 3}, "formats_thing": {"set": 4}}
    place = {"table": "formats_thing", "column": "text", "looks_like": "value that was masked", "rows": 4}
    assert told["unrecognised"] == [place]


def test_what_is_left_is_refused(world: dict[str, Any]) -> None:
    """An address that was masked in one place and stands in another is never written; others are if that is wanted."""
    made = models()
    made.Label.objects.filter(pk=world["labels"][0].pk).update(name="bob@example.org")
    rules = {**RULES, "columns": {"formats_label.name": "mask"}}
    masker = venv_anonymise.Masker("default", rules)
    masker.originals.add("Bob@Example.org", True)
    for value, strict in (("x", True), ("short", False), ("hash" * 10, True), ("Elm Street", False)):
        masker.originals.add(value, strict)
    meta = made.Thing._meta
    look = masker.originals.look
    look(meta, "z9", [(meta.get_field("text"), "x or short"), (meta.get_field("data"), {"a": ["of elm street"]})])
    masker.originals.check(False)
    with pytest.raises(FixtureError, match="formats_thing.data"):
        masker.originals.check(True)
    look(meta, "bob@example.org", [(meta.get_field("text"), None)])
    with pytest.raises(FixtureError, match="formats_thing.word") as caught:
        masker.originals.check(False)
    assert caught.value.code == "not_sanitised" and "bob" not in caught.value.msg
    error = refusal(models=["formats.Thing"], anonymise={**RULES, "columns": {"formats_label.nmae": "mask"}})
    assert error.code == "unknown_field"
    made.Thing.objects.update(text="ask eve@example.org", label=None)
    content, told = followed(models=["formats.Thing"], anonymise=rules)
    assert told["unrecognised"][0]["looks_like"] == "e-mail address" and b"eve@example.org" in content
    assert refusal(models=["formats.Thing"], anonymise={**rules, "unrecognised": "refuse"}).code == "not_sanitised"
