# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest as text: what is written is read back, and nothing else is taken for one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import FileEntry, Software
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    Manifest,
    NeighbourEntry,
    as_text,
    from_text,
    text_of,
)
from tests.unit.fakes import manifest, refused
from tests.unit.plugins.module_utils._set.filled import FULL


@pytest.mark.parametrize("value", [manifest(), FULL, manifest(databases={})])
def test_round_trip(value: Manifest) -> None:
    text = as_text(value)
    assert text.isascii()
    assert from_text(text) == value
    assert as_text(from_text(text)) == text
    assert "s3cret-Canary" not in text


def test_every_cut_is_noticed() -> None:
    text = as_text(FULL)
    for tenth in range(10):
        with refused("manifest_invalid", "set/manifest.json is not a manifest.*use another backup set"):
            from_text(text[: len(text) * tenth // 10], "set/manifest.json")


@pytest.mark.parametrize("text", ["", "null", "3", "[]", '"x"', "{}", "{", "\udcff", '{"format": 1} {}'])
def test_what_is_no_manifest(text: str) -> None:
    with refused("manifest_invalid", "is not a manifest.*use another backup set"):
        from_text(text)


@pytest.mark.parametrize("version", [2, 99, 0, "1", None, [1]])
def test_another_format(version: Any) -> None:
    plain = dict(json.loads(as_text(FULL)), format=version)
    with refused(
        "format_unknown", f"has format {re.escape(str(version))}, this version reads 1 Next: upgrade relocate"
    ):
        from_text(text_of(plain))


def _set(*path: Any) -> Callable[[Any], None]:
    def spoil(plain: Any) -> None:
        for key in path[:-2]:
            plain = plain[key]
        plain[path[-2]] = path[-1]

    return spoil


def _drop(*path: Any) -> Callable[[Any], None]:
    def spoil(plain: Any) -> None:
        for key in path[:-1]:
            plain = plain[key]
        del plain[path[-1]]

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        _drop("databases"),
        _drop("files"),
        _drop("host"),
        _drop("label"),
        _drop("databases", "default", "dump"),
        _drop("databases", "default", "state", "tables"),
        _drop("databases", "default", "state", "tables", 0, "rows"),
        _drop("databases", "default", "facts", "engine"),
        _drop("databases", "default", "migrations"),
        _set("databases", []),
        _set("databases", "default", None),
        _set("databases", "default", "state", "objects", []),
        _set("unversioned", 0, "nonsense", 1),
        _set("unversioned", [3]),
        _set("files", {"a": 1}),
        _set("files", None),
        _set("surplus", 1),
        _set("created", "yesterday"),
        _set("created", "2026-11-20T19:30:00"),
        _set("sequence", True),
        _set("sequence", "1"),
        _set("host", "machine_id", 5),
        _set("owner", "name", ["root"]),
        _set("owner", "uid", "0"),
        _set("code", "commit", None),
        _set("media", "files", "many"),
        _set("host", "name", {}),
        _set("media", "rights", {"users": []}),
        _set("media", "rights", {"users": [], "groups": [], "digest": "", "more": 0, "places": {"": ["a", "b"]}}),
        _set("media", "archived", {"bytes": "1"}),
        _set("django", "media_root", 3),
        _set("databases", "default", "config", "name", None),
        _set("databases", "default", "config", "port", 1.5),
        _set("databases", "default", "dump", "path", "code.bundle"),
        _set("databases", "default", "dump", "path", "/etc/passwd"),
        _set("databases", "default", "state", "tables", 0, "rows", "1"),
        _set("databases", "default", "state", "tables", 0, "rows", 1.0),
        _set("databases", "default", "state", "large_objects", None),
        _set("databases", "default", "facts", "version", "150001"),
        _set("databases", "default", "facts", "extensions", "citext", 1),
        _set("databases", "default", "migrations", [1]),
        _set("unversioned", 0, "mode", "0640"),
    ],
)
def test_a_manifest_that_lacks_something(spoil: Callable[[Any], None]) -> None:
    plain = json.loads(as_text(FULL))
    spoil(plain)
    with refused("manifest_invalid", r"m.json lacks what a manifest holds \(.*use another backup set"):
        from_text(text_of(plain), "m.json")
    with refused("manifest_edited", "m.json is not the manifest that was written: its checksum differs"):
        from_text(json.dumps(plain), "m.json")


def test_a_manifest_that_is_nested_too_deeply_is_refused_like_any_other() -> None:
    """Written out for its checksum it is deeper than it was when it was read."""
    for depth in (800, *range(960, 1010), 1100):
        text = '{"format": 1, "checksum": "x", "a": ' + "[" * depth + "]" * depth + "}"
        with pytest.raises(RelocateError) as caught:
            from_text(text)
        assert caught.value.code in ("manifest_edited", "manifest_invalid")


@pytest.mark.parametrize("name", ["media.tar", "media.tar.zst"])
@pytest.mark.parametrize("media", [{}, {"stored": ""}])
def test_media_that_lies_in_the_set_is_not_left_out(name: str, media: dict[str, Any]) -> None:
    """A manifest that no longer names it, by whatever hand, would restore a site without its files."""
    text = as_text(manifest(files=(FileEntry(name, 3, "0" * 64),), media=media))
    with refused("manifest_invalid", "media.stored"):
        from_text(text)


def test_a_set_of_before_is_read_and_keys_that_lie_in_one_are_not_left_out() -> None:
    """Sets that were made before keys of Redis could be carried name none."""
    plain = json.loads(as_text(manifest()))
    del plain["neighbours"]
    assert from_text(text_of(plain)) == manifest()
    text = as_text(manifest(files=(FileEntry("neighbours/0.redis", 3, "0" * 64),)))
    with refused("manifest_invalid", "neighbours"):
        from_text(text)
    del plain["software"]  # nor what the site uses of its system
    assert from_text(text_of(plain)).software == Software()
    entry = NeighbourEntry(("X",), "redis://h/0", "neighbours/0.redis", 3, "x", {"major": 7})
    whole = manifest(neighbours=(entry,), files=(FileEntry("neighbours/0.redis", 3, "0" * 64),))
    earlier = json.loads(as_text(whole))
    for name in ("kind", "user"):  # when it could be nothing but redis
        del earlier["neighbours"][0][name]
    assert from_text(text_of(earlier)) == whole
    del plain["media"]
    with refused("manifest_invalid", "media"):
        from_text(text_of(plain))
