# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later


"""An object of Django's own fixture formats, where it stands, and what it is refused for.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, NamedTuple, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

BLOCK = 1 << 20  # bytes that are read at a time
_ANOTHER = "use another fixture, or dump it again"
_OBJECT = 'write objects as {"model": "app.model", "pk": ..., "fields": {...}}'


class Place(NamedTuple):
    """The place of an object: dumpdata writes everything on one line, so a line number is not enough."""

    number: int
    line: int
    file: str = ""  # where a fixture is several files

    def __str__(self) -> str:
        """For messages."""
        place = "object {0}, line {1}".format(self.number, self.line)
        return "{0}: {1}".format(self.file, place) if self.file else place


Item = Tuple[Place, Dict[str, Any]]


def invalid(place: Any, text: str, hint: str = "", **details: Any) -> FixtureError:
    """A refusal that names the object.

    :param hint: what to write instead
    """
    if isinstance(place, Place):
        details = dict(details, line=place.line, object=place.number)
        details.update({"src": place.file} if place.file else {})
    return FixtureError("fixture_invalid", "{0}: {1}".format(place, text), hint or _ANOTHER, **details)


def at_line(line: int, text: str, hint: str = "") -> FixtureError:
    """A refusal of what is no object."""
    return invalid("line {0}".format(line), text, hint, line=line)


def truncated(number: int) -> FixtureError:
    """A refusal of what has no end.

    :param number: of objects before it
    """
    return FixtureError("fixture_truncated", "the fixture ends after {0} objects".format(number), _ANOTHER)


def checked(place: Place, item: Any) -> Item:
    """An object has a model and fields. Raises FixtureError."""
    if not isinstance(item, dict) or not isinstance(item.get("model"), str):
        raise invalid(place, "this is not an object with a model", _OBJECT)
    model, fields = item["model"], item.get("fields")
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        raise invalid(place, "{0} has no fields".format(model), _OBJECT, model=model)
    more = sorted(map(str, set(item) - {"model", "pk", "fields"}))
    if more:
        hint = "write {0} within fields".format(more[0])
        raise invalid(place, "{0} has what no object has: {1}".format(model, ", ".join(more)), hint, model=model)
    return place, item
