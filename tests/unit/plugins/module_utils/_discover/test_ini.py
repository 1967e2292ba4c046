# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of sections, as several programs read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._discover.ini import is_true, sections

TEXT = """\
lost = 1
[One] ; a comment
a = 1 ; gone
A : 2
url=http://x:80/#y;z
long = x,
    y
    z
# no key

[two words]
b
= c
d=
[one]
e=5
"""


def test_a_file() -> None:
    found = sections(TEXT, comments=True)
    assert [section.name for section in found] == ["One", "two words", "one"]
    assert found[0].values == {"a": ["1", "2"], "url": ["http://x:80/#y;z"], "long": ["x,\ny\nz"]}
    assert found[0].get("a") == "2"
    assert found[0].written["A"] == "2"
    assert found[1].values == {"d": [""]}
    assert found[1].get("d", "x") == ""
    assert found[1].get("e", "x") == "x"


def test_without_comments_at_the_end_of_lines() -> None:
    [found] = sections("[a]\nb = c ; d")
    assert found.get("b") == "c ; d"


def test_without_lines_that_go_on() -> None:
    [found] = sections("[uwsgi]\nsocket = :80\n  env = A=1\n\tenv = B:2\nx:y", "=", goes_on=False)
    assert found.values == {"socket": [":80"], "env": ["A=1", "B:2"]}


@pytest.mark.parametrize(("text", "expected"), [("true", True), (" On", True), ("0", False), ("", False)])
def test_yes_and_no(text: str, expected: bool) -> None:
    assert is_true(text) is expected


@given(st.text(alphabet="ab=:[];# \n\t", max_size=50), st.booleans(), st.booleans())
def test_no_text_breaks_it(text: str, comments: bool, goes_on: bool) -> None:
    sections(text, comments=comments, goes_on=goes_on)
