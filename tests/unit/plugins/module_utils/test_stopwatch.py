# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seconds of a module's steps."""

from __future__ import annotations

import contextlib

from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch


def test_steps_are_summed_in_the_order_in_which_they_ended() -> None:
    ticks = iter([0.0, 1.0, 1.5, 10.0, 14.0, 20.004])
    watch = Stopwatch(lambda: next(ticks))
    with watch.step("outer"), watch.step("inner"):
        pass
    assert watch.seconds() == {"inner": 0.5, "outer": 10.0}
    with watch.step("inner"):
        pass
    assert watch.seconds() == {"inner": 6.5, "outer": 10.0}


def test_a_step_that_fails_counts_too() -> None:
    ticks = iter([1.0, 3.0])
    watch = Stopwatch(lambda: next(ticks))
    with contextlib.suppress(KeyError), watch.step("load"):
        raise KeyError("x")
    assert watch.seconds() == {"load": 2.0}
