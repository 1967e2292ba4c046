# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads fixtures of Django's as XML, object by object; every value is a text.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, BinaryIO, Dict, Iterator, List, Optional
from xml.parsers import expat

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import (
    BLOCK,
    Item,
    Place,
    checked,
    invalid,
    truncated,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

_INVALID = 4  # expat's number of an invalid token


class _Xml:
    """Elements as Django's own serializer writes them. Declarations of a document type are refused: none is needed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._number, self._before = stream, 0, 0
        self._done: List[Item] = []
        self._path: List[str] = []
        self._item: Optional[Dict[str, Any]] = None
        self._place = Place(0, 0)
        self._field: Optional[Dict[str, Any]] = None
        self._text: List[str] = []
        self._natural: Optional[List[Optional[str]]] = None
        self._key: Optional[str] = None
        self._none = self._kept = False
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text_handler
        self._parser.StartDoctypeDeclHandler = self._doctype

    def items(self) -> Iterator[Item]:
        while True:
            block = self._stream.read(BLOCK)
            try:
                self._parser.Parse(block, not block)
            except expat.ExpatError as error:
                yield from self._done
                if not block:
                    raise truncated(self._number) from None
                raise self._wrong(block, error) from None
            self._before += len(block)
            done, self._done = self._done, []
            yield from done
            if not block:
                return

    def _wrong(self, block: bytes, error: Any) -> FixtureError:
        """Return what is said of what is not XML: bytes that no letter has are of another encoding than is declared."""
        place = Place(self._number + 1, error.lineno)
        at = self._parser.ErrorByteIndex - self._before
        if error.code == _INVALID and 0 <= at < len(block) and bytearray(block)[at] >= 0x80:
            text = "this is not of the encoding that the file declares, UTF-8 where it declares none"
            return invalid(place, text, 'begin the file with <?xml version="1.0" encoding="windows-1252"?>, if it is')
        return invalid(place, "this is not XML: {0}".format(expat.ErrorString(error.code)))

    def _doctype(self, *_arguments: Any) -> None:
        raise invalid("line {0}".format(self._parser.CurrentLineNumber), "a document type is declared")

    def _text_handler(self, text: str) -> None:
        self._text.append(text)

    def _here(self) -> Place:
        return Place(self._number + 1, self._parser.CurrentLineNumber)

    def _start(self, name: str, attributes: Dict[str, str]) -> None:
        depth = len(self._path)
        self._path.append(name)
        self._text = []
        if name in ("field", "natural"):
            self._kept = attributes.get("xml:space") == "preserve"
        if depth == 0 and name != "django-objects":
            raise invalid("line {0}".format(self._parser.CurrentLineNumber), "this is not a fixture of Django")
        if depth == 1:
            self._start_object(name, attributes)
        elif depth == 2:
            self._start_field(name, attributes)
        elif depth > 2:
            self._start_within(name, attributes, depth)

    def _start_object(self, name: str, attributes: Dict[str, str]) -> None:
        if name != "object":
            raise invalid(self._here(), "an element {0}, not an object".format(name))
        self._place = self._here()
        self._item = {"model": attributes.get("model"), "pk": attributes.get("pk"), "fields": {}}

    def _start_within(self, name: str, attributes: Dict[str, str], depth: int) -> None:
        if depth == 3 and name == "object" and self._field is not None:
            self._field["many"] = True
            self._natural, self._key = None, attributes.get("pk")
        elif name == "natural" and depth in (3, 4):
            self._natural, self._none = [] if self._natural is None else self._natural, False
        elif name != "None" or depth > 5:
            raise invalid(self._place, "an element {0} within a field".format(name))

    def _start_field(self, name: str, attributes: Dict[str, str]) -> None:
        if name != "field" or not attributes.get("name"):
            raise invalid(self._place, "an element that is no field")
        if self._item is None or attributes["name"] in self._item["fields"]:
            raise invalid(self._place, "the field {0} is there twice".format(attributes["name"]))
        many = attributes.get("rel") == "ManyToManyRel"
        self._field = {"name": attributes["name"], "many": many, "list": [], "none": False}
        self._natural = None

    def _end(self, name: str) -> None:
        self._path.pop()
        depth = len(self._path)
        if depth == 1 and self._item is not None:
            self._number += 1
            self._done.append(checked(self._place, self._item))
            self._item = None
        elif depth == 2 and self._field is not None and self._item is not None:
            self._item["fields"][self._field["name"]] = self._value(self._field)
            self._field = None
        elif self._field is not None:
            self._end_within(name, depth, self._field)
        self._text = []

    def _end_within(self, name: str, depth: int, field: Dict[str, Any]) -> None:
        if name == "None":
            field["none"], self._none = depth == 3, True
        elif name == "natural" and self._natural is not None:
            self._natural.append(None if self._none else self._words())
        elif name == "object" and depth == 3:
            field["list"].append(self._key if self._natural is None else self._natural)
            self._natural = None

    def _words(self) -> str:
        """The text of an element: white space at its ends is how the file is laid out, unless it is marked."""
        text = "".join(self._text)
        return text if self._kept else text.strip()

    def _value(self, field: Dict[str, Any]) -> Any:
        if field["many"]:
            return field["list"]
        if field["none"]:
            return None
        return self._natural if self._natural is not None else self._words()


def items(stream: BinaryIO) -> Iterator[Item]:
    """The objects below django-objects."""
    return _Xml(stream).items()
