# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads fixtures of Django's as JSON, and as JSON lines, object by object.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import codecs
import json
from typing import Any, BinaryIO, Dict, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_encoding, venv_wrong_json
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import (
    BLOCK,
    Item,
    Place,
    at_line,
    checked,
    invalid,
    truncated,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

_LONGEST = 1 << 30  # bytes of one object: a row with a file in it
#: How near to the end of what was read a syntax error must be to come from what was not read yet.
_NEAR = 16
_BEFORE = "remove what is before the list, such as lines of a log, or set skip_leading"
_BETWEEN = "put a comma between two objects"
_AFTER = "remove what is after the list, such as lines of a log"
_SEVERAL = "join the lists to one, for instance with: jq -s add"


class DoubledError(ValueError):
    """A name that is there twice in one object, of which JSON readers take the last without a word."""


def _pairs(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DoubledError("a name is there twice")
    return found


class _Json:
    """One array of objects; what was read and is not an object yet is all that is held."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._decoder = json.JSONDecoder(object_pairs_hook=_pairs)
        self._buffer, self._at, self._line, self._number, self._ended = "", 0, 1, 0, False

    def items(self) -> Iterator[Item]:
        """Every object; whatever is wrong is told with its place."""
        if self._next_character() != "[":
            hint = venv_wrong_json.beginning(self._buffer[self._at :])
            raise at_line(self._line, "this is not a list of objects", hint or _BEFORE)
        self._advance(self._at + 1)
        following = self._next_character()
        while following != "]":
            yield self._object()
            following = self._next_character()
            if following == ",":
                self._after_comma()
            elif following != "]":
                raise at_line(self._line, "neither a comma nor the end of the list", _BETWEEN)
        self._advance(self._at + 1)
        following = self._next_character(optional=True)
        if following:
            raise at_line(self._line, "there is more after the end", _SEVERAL if following == "[" else _AFTER)

    def _after_comma(self) -> None:
        """Go to the next object, which has to come. Raises FixtureError."""
        line = self._line
        self._advance(self._at + 1)
        if self._next_character() == "]":
            raise at_line(line, "a comma before the end of the list", "remove the comma")

    def _more(self) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        block = self._stream.read(max(BLOCK, len(self._buffer) - self._at))
        self._ended = not block
        try:
            text = self._decode(block, not block)
        except UnicodeDecodeError as error:
            line = self._line + self._buffer.count("\n", self._at)
            before = "after object {0}, ".format(self._number)
            raise venv_encoding.not_utf8(error.object, line, before) from None
        if text:
            self._buffer, self._at = self._buffer[self._at :] + text, 0
        return bool(block)

    def _advance(self, to: int) -> None:
        self._line += self._buffer.count("\n", self._at, to)
        self._at = to

    def _next_character(self, optional: bool = False) -> str:
        """Return what follows the white space; empty at the end."""
        while True:
            rest = self._at
            while rest < len(self._buffer) and self._buffer[rest] in " \t\r\n":
                rest += 1
            self._advance(rest)
            if rest < len(self._buffer):
                return self._buffer[rest]
            if not self._more():
                if optional:
                    return ""
                raise truncated(self._number)

    def _object(self) -> Item:
        place = Place(self._number + 1, self._line)
        while True:
            try:
                item, end = self._decoder.raw_decode(self._buffer, self._at)
            except DoubledError as error:
                raise invalid(place, str(error)) from None
            except RecursionError:
                raise invalid(place, "it is nested too deeply") from None
            except json.JSONDecodeError as error:
                self._wait_for_more(place, error)
                continue
            except ValueError:
                raise _too_long(place, self._buffer, self._at) from None
            self._number += 1
            self._advance(end)
            return checked(place, item)

    def _wait_for_more(self, place: Place, error: json.JSONDecodeError) -> None:
        """Read on when the error may come from what was not read yet; refuse it otherwise."""
        near = error.pos >= len(self._buffer) - _NEAR or error.msg.startswith("Unterminated string")
        if near and len(self._buffer) - self._at < _LONGEST and self._more():
            return
        raise _wrong(place, self._buffer, self._at, error, self._ended)


def _wrong(place: Place, text: str, at: int, error: json.JSONDecodeError, ended: bool) -> FixtureError:
    """Return what is said of text that is not JSON.

    :param at: where in the text the object begins
    :param ended: whether the text is all that there is
    """
    if ended and venv_wrong_json.is_cut_off(error, text):
        return truncated(place.number - 1)
    where = venv_wrong_json.place_of(error, text, at, place.line)
    return invalid(place, "this is not JSON at {0}: {1}".format(where, error.msg), venv_wrong_json.remedy(error, text))


def _too_long(place: Place, text: str, at: int) -> FixtureError:
    """Return what is said of an integer that has more digits than Python reads."""
    model, field, digits = venv_wrong_json.long_number(text, at)
    return invalid(
        place,
        "{0}: {1} holds a number of {2} digits, which is too long".format(model or "it", field or "a value", digits),
        "write it as a text, or shorten it",
        model=model,
        field=field,
    )


def lines(stream: BinaryIO) -> Iterator[Item]:
    """One object a line; empty lines are skipped as Django does."""
    number = line = 0
    decoder = json.JSONDecoder(object_pairs_hook=_pairs)
    while True:
        raw = stream.readline(_LONGEST)
        line += 1
        if not raw:
            if number == 0:
                raise truncated(0)
            return
        if not raw.strip():
            continue
        number += 1
        place = Place(number, line)
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise venv_encoding.not_utf8(error.object, line, "object {0}, ".format(number)) from None
        yield checked(place, _one_line(decoder, place, text))


def _one_line(decoder: json.JSONDecoder, place: Place, text: str) -> Any:
    """The object of a line. Raises FixtureError."""
    try:
        return decoder.decode(text)
    except DoubledError as error:
        raise invalid(place, str(error)) from None
    except RecursionError:
        raise invalid(place, "it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _wrong(place, text, 0, error, not text.endswith("\n")) from None
    except ValueError:
        raise _too_long(place, text, 0) from None


def items(stream: BinaryIO) -> Iterator[Item]:
    """The objects of a JSON list."""
    return _Json(stream).items()
