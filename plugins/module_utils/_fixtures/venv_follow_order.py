# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Puts selected objects in an order in which each comes after those that it refers to.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import heapq
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_references import Object

Edges = Dict[Object, List[Tuple[Object, bool]]]


def groups(models: List[Any], arrows: Dict[Any, Set[Any]]) -> List[List[Any]]:
    """Return the models in groups, each after those that it refers to; in a group each refers to the others.

    :param models: in the order that they have by themselves
    :param arrows: which models the objects of a model refer to
    """
    walk = _Walk(models, arrows)
    for model in models:
        walk.begin(model)
    return walk.found


class _Walk:
    """Tarjan's algorithm, without recursion: chains of models may be long."""

    def __init__(self, models: List[Any], arrows: Dict[Any, Set[Any]]) -> None:
        self._arrows, self._places = arrows, {model: number for number, model in enumerate(models)}
        self.found: List[List[Any]] = []
        self._number: Dict[Any, int] = {}
        self._low: Dict[Any, int] = {}
        self._stack: List[Any] = []
        self._work: List[Tuple[Any, Iterator[Any]]] = []

    def begin(self, first: Any) -> None:
        """Walk from a model, unless an earlier walk came by."""
        if first not in self._number:
            self._enter(first)
        while self._work:
            self._step(*self._work[-1])

    def _enter(self, model: Any) -> None:
        self._number[model] = self._low[model] = len(self._number)
        self._stack.append(model)
        others = [one for one in self._arrows.get(model, ()) if one in self._places]
        self._work.append((model, iter(sorted(others, key=self._places.__getitem__))))

    def _step(self, model: Any, others: Iterator[Any]) -> None:
        other = next((one for one in others if one not in self._number or one in self._stack), None)
        if other is None:
            self._leave(model)
        elif other in self._number:
            self._low[model] = min(self._low[model], self._number[other])
        else:
            self._enter(other)

    def _leave(self, model: Any) -> None:
        self._work.pop()
        if self._work:
            before = self._work[-1][0]
            self._low[before] = min(self._low[before], self._low[model])
        if self._low[model] == self._number[model]:
            place = self._stack.index(model)
            self.found.append(sorted(self._stack[place:], key=self._places.__getitem__))
            del self._stack[place:]


def in_order(objects: List[Object], edges: Edges) -> List[Object]:
    """Return objects of one group in order; a circle is cut where a reference may be empty, if it has such a place.

    :param edges: what each refers to, and whether it cannot be without
    """
    queue = _Queue(objects, edges)
    return [queue.next() for _one in objects]


class _Queue:
    """Objects that wait for others, in heaps by how much they wait for."""

    def __init__(self, objects: List[Object], edges: Edges) -> None:
        self._places = {one: number for number, one in enumerate(objects)}
        self._open = {one: [0, 0] for one in objects}  # what it waits for: all of it, and what it cannot be without
        self._waiting: Dict[Object, List[Tuple[Object, bool]]] = {}
        for one in objects:
            for other, firm in edges.get(one, ()):
                self._wait(one, other, firm)
        numbered = [(number, one) for one, number in self._places.items()]
        ready = [item for item in numbered if not self._open[item[1]][0]]
        nearly = [item for item in numbered if not self._open[item[1]][1]]
        self._heaps = (ready, nearly, numbered)
        self._done: Set[Object] = set()

    def _wait(self, one: Object, other: Object, firm: bool) -> None:
        if other in self._places and other != one:
            self._open[one][0] += 1
            self._open[one][1] += firm
            self._waiting.setdefault(other, []).append((one, firm))

    def next(self) -> Object:
        """Return the next object: one that waits for nothing, or else for the least."""
        one = next(found for found in map(self._first, self._heaps) if found is not None)
        self._done.add(one)
        for other, firm in self._waiting.get(one, ()):
            self._open[other][0] -= 1
            self._open[other][1] -= firm
            if not self._open[other][1]:
                heap = self._heaps[1 if self._open[other][0] else 0]
                heapq.heappush(heap, (self._places[other], other))
        return one

    def _first(self, heap: List[Tuple[int, Object]]) -> Optional[Object]:
        while heap:
            one = heapq.heappop(heap)[1]
            if one not in self._done:
                return one
        return None


def sorted_keys(keys: Iterable[Any]) -> List[Any]:
    """Return keys in their own order."""
    try:
        return sorted(keys)
    except TypeError:  # of several kinds, as SQLite may have them
        return sorted(keys, key=repr)
