# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Puts selected objects in an order in which each comes after those that it refers to.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import heapq
from typing import Any, Dict, Iterable, List, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_references import Object

Edges = Dict[Object, List[Tuple[Object, bool]]]


def groups(models: List[Any], arrows: Dict[Any, Set[Any]]) -> List[List[Any]]:
    """Return the models in groups, each after those that it refers to; in a group each refers to the others.

    :param models: in the order that they have by themselves
    :param arrows: which models the objects of a model refer to

    Tarjan's algorithm, without recursion: chains of models may be long.
    """
    places = {model: number for number, model in enumerate(models)}
    found: List[List[Any]] = []
    number: Dict[Any, int] = {}
    low: Dict[Any, int] = {}
    stack: List[Any] = []
    for first in models:
        work = [(first, _next(first, arrows, places))] if first not in number else []
        while work:
            model, others = work[-1]
            if model not in number:
                number[model] = low[model] = len(number)
                stack.append(model)
            other = next((one for one in others if one not in number or one in stack), None)
            if other is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[model])
                if low[model] == number[model]:
                    found.append(_popped(stack, model, places))
            elif other in number:
                low[model] = min(low[model], number[other])
            else:
                work.append((other, _next(other, arrows, places)))
    return found


def _next(model: Any, arrows: Dict[Any, Set[Any]], places: Dict[Any, int]) -> Any:
    return iter(sorted((one for one in arrows.get(model, ()) if one in places), key=places.__getitem__))


def _popped(stack: List[Any], model: Any, places: Dict[Any, int]) -> List[Any]:
    group = []
    while True:
        group.append(stack.pop())
        if group[-1] is model:
            return sorted(group, key=places.__getitem__)


def in_order(objects: List[Object], edges: Edges) -> List[Object]:
    """Return objects of one group in order; a circle is cut where a reference may be empty, if it has such a place.

    :param edges: what each refers to, and whether it cannot be without
    """
    places = {one: number for number, one in enumerate(objects)}
    open_edges = {one: [0, 0] for one in objects}  # what it waits for: all of it, and what it cannot be without
    waiting: Dict[Object, List[Tuple[Object, bool]]] = {}
    for one in objects:
        for other, firm in edges.get(one, ()):
            if other in places and other != one:
                open_edges[one][0] += 1
                open_edges[one][1] += firm
                waiting.setdefault(other, []).append((one, firm))
    ready = [(places[one], one) for one in objects if not open_edges[one][0]]
    nearly = [(places[one], one) for one in objects if not open_edges[one][1]]
    rest = [(places[one], one) for one in objects]
    done: Set[Object] = set()
    found: List[Object] = []
    while len(found) < len(objects):
        one = _first(done, (ready, nearly, rest))
        done.add(one)
        found.append(one)
        for other, firm in waiting.get(one, ()):
            open_edges[other][0] -= 1
            open_edges[other][1] -= firm
            if not open_edges[other][0]:
                heapq.heappush(ready, (places[other], other))
            elif not open_edges[other][1]:
                heapq.heappush(nearly, (places[other], other))
    return found


def _first(done: Set[Object], heaps: Iterable[List[Tuple[int, Object]]]) -> Object:
    """Return the next object that is not done, out of the first heap that has one."""
    for heap in heaps:
        while heap:
            one = heapq.heappop(heap)[1]
            if one not in done:
                return one
    raise LookupError("no object is left")


def sorted_keys(keys: Iterable[Any]) -> List[Any]:
    """Return keys in their own order."""
    try:
        return sorted(keys)
    except TypeError:  # of several kinds, as SQLite may have them
        return sorted(keys, key=repr)
