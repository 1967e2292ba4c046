# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases become live all at once, or not at all, and can be put back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Callable, Iterator, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import origin


@dataclass(frozen=True)
class Target:
    """A database that a proven incoming one takes the place of."""

    alias: str
    came_from: str  # the digest of the set that live came from, or "" for any other database
    converts: bool  # incoming came out of a fixture, so that no set tells its state


@dataclass(frozen=True)
class Swap:
    """One database of a swap: the one that becomes live, and what the live one becomes."""

    engine: Engine
    displaced: str
    chosen: str = INCOMING

    def make(self) -> None:
        """Swap. Raises what the engine raises."""
        self.engine.swap(self.chosen, self.displaced)

    def take_back(self) -> None:
        """Undo it, if it was made."""
        if self.engine.exists(self.displaced) and not self.engine.exists(self.chosen):
            self.engine.swap(self.displaced, self.chosen)


def prepare_swap(swap: Swap) -> None:
    """See that the swap can be told from no swap, and be taken back: a live one is there, and none that is put aside.

    Raises swap_failed.
    """
    engine = swap.engine
    engine.drop(DISCARDED)
    drop_blank(engine, swap.displaced)
    if engine.exists(swap.displaced):
        raise RelocateError(
            "swap_failed",
            "database {0}: there is a {1} one already".format(engine.config.alias, swap.displaced),
            "check that nobody needs it, drop it, then run again",
        )
    if not engine.exists(LIVE):
        engine.create_blank()


def swap_all(swaps: Sequence[Swap]) -> None:
    """Make every swap, or none: those made are taken back when one fails. Each must have been prepared."""
    tried: List[Swap] = []
    try:
        for swap in swaps:
            tried.append(swap)
            swap.make()
    except BaseException as exc:
        stuck = []
        for swap in reversed(tried):
            try:
                swap.take_back()
            except Exception:
                stuck.append(swap.engine.config.alias)
        if stuck:
            raise RelocateError(
                "swap_failed",
                "{0}; these databases may be swapped and could not be taken back: {1}".format(
                    exc if isinstance(exc, RelocateError) else type(exc).__name__, ", ".join(stuck)
                ),
                "run again: the next run finds out which database is which",
            ) from exc
        raise


@contextlib.contextmanager
def incoming_dropped_on_failure(engines: Sequence[Engine]) -> Iterator[None]:
    """Leave no half-made incoming database behind."""
    try:
        yield
    except BaseException:
        for engine in engines:
            with contextlib.suppress(Exception):
                engine.drop(INCOMING)
        raise


def drop_blank(engine: Engine, which: str) -> bool:
    """Drop what a swap put aside when it held nothing; a database with content is kept for the way back."""
    return engine.drop(which) if engine.exists(which) and origin.is_blank(engine, which) else False


def clear_up(swaps: Sequence[Swap]) -> List[str]:
    """Drop what the swaps put aside and nobody needs; returns what could not be dropped, which is no failure."""
    failures = []
    for swap in swaps:
        try:
            if swap.displaced == DISCARDED:
                swap.engine.drop(DISCARDED)
            drop_blank(swap.engine, PREVIOUS)  # whoever put it there: nobody goes back to nothing
        except RelocateError as exc:
            failures.append(
                "database {0}: the {1} one could not be dropped: {2}".format(
                    swap.engine.config.alias, swap.displaced, exc.msg
                )
            )
    return failures


def leftovers(engine: Engine) -> List[Swap]:
    """List what a run left that died after its swap: discarded, and a blank previous."""
    found = [Swap(engine, DISCARDED)] if engine.exists(DISCARDED) else []
    if engine.exists(PREVIOUS) and not origin.holds_something(engine, PREVIOUS):
        found.append(Swap(engine, PREVIOUS))
    return found


def to_roll_back(engines: Sequence[Engine], record: Record) -> List[Engine]:
    """The databases whose previous ones are to be put back: all, but for those that a killed run did put back.

    Raises no_previous.
    """
    todo = [
        engine
        for engine in engines
        if engine.exists(PREVIOUS) or engine.config.alias not in record.rolling or not engine.exists(DISCARDED)
    ]
    require_previous(todo)
    return todo


def roll_back(engines: Sequence[Engine], todo: Sequence[Engine], swapped: Callable[[], None]) -> List[str]:
    """Put every previous database back, or none. What was live is dropped; returns what could not be.

    :param todo: what :func:`to_roll_back` said
    :param swapped: is called once all of them are back
    """
    swaps = [Swap(engine, DISCARDED, PREVIOUS) for engine in todo]
    for swap in swaps:
        prepare_swap(swap)
    swap_all(swaps)
    swapped()
    return clear_up([Swap(engine, DISCARDED) for engine in engines])


def make_live(
    site: Site,
    todo: Sequence[Target],
    states: Mapping[str, DatabaseState],
    digest: str,
    kept: RecordFile,
    replace_live: bool,
) -> List[str]:
    """Swap every incoming in, or none, so that the next run can tell what a kill at any moment left.

    :param states: what was proven to be in each incoming
    :returns: what could not be cleared up afterwards
    Raises as :func:`origin.displaced_name` and swap_failed.
    """
    swaps, begun = [], dict(kept.record.begun)
    for step in todo:
        engine = site.engines[step.alias]
        # Asked again: since the plan was made, somebody may have written.
        displaced = origin.displaced_name(engine, engine.describe(), step.came_from, kept.record, replace_live)
        begun[step.alias] = origin.begun_entry(
            digest, displaced, states[step.alias], origin.place_of(engine), step.converts
        )
        swaps.append(Swap(engine, displaced))
    for swap in swaps:
        prepare_swap(swap)
    kept.write(replace(kept.record, begun=begun))
    with site.stopwatch.step("swap"):
        swap_all(swaps)
    kept.write(origin.made_live(kept.record, {step.alias: digest for step in todo}))
    with site.stopwatch.step("clear up"):
        return clear_up(swaps)


def require_previous(engines: Sequence[Engine]) -> None:
    """Raises no_previous naming every database that has none to go back to; a blank one is none."""
    missing = [
        engine.config.alias
        for engine in engines
        if not engine.exists(PREVIOUS) or not origin.holds_something(engine, PREVIOUS)
    ]
    if missing:
        raise RelocateError(
            "no_previous",
            "there is no previous database of: {0}".format(", ".join(missing)),
            "restore an older backup set instead",
        )
