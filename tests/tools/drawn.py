# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plugin of pytest: where whole directories of tests are run, some of the many cases of a test stand for all of them.

``@pytest.mark.drawn(3)`` has one case in three run, others at each commit. ``@pytest.mark.drawn(2, of="moves")`` draws
from all tests that name the same whole: different looks at one thing, each of which takes minutes. Whoever names a
file, or sets ``RELOCATE_DRAWN=all``, runs each; ``RELOCATE_SEED`` draws as another run did, which says its seed.
"""

from __future__ import annotations

import functools
import os
import random
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARK = "drawn"


@functools.cache
def seed() -> str:
    """Give what decides which cases are run: the commit, where there is one."""
    given = os.environ.get("RELOCATE_SEED", "")
    if given:
        return given
    argv = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def draws(arguments: list[str]) -> bool:
    """Tell whether a run with these arguments draws."""
    return os.environ.get("RELOCATE_DRAWN") != "all" and all(Path(argument).is_dir() for argument in arguments)


def chosen(name: str, count: int, one_in: int, by: str) -> set[int]:
    """Give the numbers of the cases that are run, one at least.

    :param name: of the test
    :param count: of its cases
    :param by: the seed
    """
    return set(random.Random(f"{by} {name}").sample(range(count), -(-count // one_in)))


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark."""
    config.addinivalue_line(
        "markers", f"{MARK}(one_in, of=name): run one case in so many, of the test or of all that name the same whole"
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say by what is drawn."""
    return f"cases are drawn by {seed()}; RELOCATE_DRAWN=all runs all" if draws(config.args) else "no case is left out"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave cases out."""
    if not draws(config.args):
        return
    cases: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        mark = item.get_closest_marker(MARK)
        if mark:
            cases[str(mark.kwargs.get("of", item.nodeid.partition("[")[0])), mark.args[0]].append(item)
    out: list[pytest.Item] = []
    for (name, one_in), several in cases.items():
        # Whatever the order, each of the processes that share the tests draws the same.
        several.sort(key=lambda item: item.nodeid)
        kept = chosen(name, len(several), one_in, seed())
        out += [item for number, item in enumerate(several) if number not in kept]
    if out:
        left = set(out)
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=out)
