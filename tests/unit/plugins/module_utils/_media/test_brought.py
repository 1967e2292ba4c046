# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a copy has seen is remembered; of a file that is no whole one nothing is, so that nothing is removed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._media import brought


def test_what_was_seen_is_known_again(tmp_path: Path) -> None:
    path = brought.path_of(str(tmp_path), "shop", "s3/new/media")
    assert brought.read(path) == {} and path != brought.path_of(str(tmp_path), "shop", "s3/new")
    names = {'odd/\u00e4 \udcff"': "2026", "b": None}
    brought.write(path, names)
    assert brought.read(path) == names and Path(path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("text", "found"), [('{"a": nu', {}), ("[1]", {}), ('{"a": 7}', {"a": None}), ("\xff", {})])
def test_what_is_no_list(tmp_path: Path, text: str, found: object) -> None:
    (tmp_path / "x").write_text(text)
    assert brought.read(str(tmp_path / "x")) == found
