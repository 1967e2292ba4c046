# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What migrations took away is told, unless it was meant to go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._steps import migrations
from tests.unit.fakes import state


def test_rows_lost() -> None:
    assert migrations.rows_lost(state(3), state(3, "78")) == {}
    assert migrations.rows_lost(state(3), state(7)) == {}
    assert migrations.rows_lost(state(3), state(1)) == {"public.b": 2}
    assert migrations.rows_lost(state(3), replace(state(), tables=())) == {"public.a": 1, "public.b": 3}


@pytest.mark.parametrize("allowed", [["*"], ["public.b"], ["b"]])
def test_rows_may_be_meant_to_go(allowed: list[str]) -> None:
    migrations.refuse_lost("default", {"public.b": 2}, allowed)
    migrations.refuse_lost("default", {}, [])


@pytest.mark.parametrize("allowed", [[], ["public.a"], ["c"]])
def test_rows_are_not_lost_in_silence(allowed: list[str]) -> None:
    with pytest.raises(RelocateError) as caught:
        migrations.refuse_lost("default", {"public.b": 2}, allowed)
    assert caught.value.code == "rows_lost" and "public.b (2)" in caught.value.msg
