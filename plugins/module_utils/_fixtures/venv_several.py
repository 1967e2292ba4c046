# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads a fixture that is one file, or several that come behind each other in one stream.

Several files come in frames, since each has a format and an encoding of its own: four bytes of a length and as many of
a file, and a length of zero where the file ends. ``several.py`` writes them.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import io
import json
import struct
from typing import Any, BinaryIO, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_encoding,
    venv_read_objects,
    venv_values,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Item, Place, invalid
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

#: How the lossless form begins.
LINES_BEGIN = b'{"relocate_fixture"'
LINES = "lines"
_LENGTH = struct.Struct(">I")
_BUFFER = 1 << 16  # bytes
_NULL = "null"
_NEAR = 500_000  # keys, some 250 bytes each

Request = Dict[str, Any]
#: Where an object is: the number of its file, its own, and its line.
_Spot = Tuple[int, int, int]
#: Takes a file in the lossless form: the stream, and its name.
TakeLines = Callable[[Any, str], None]


class _Framed(io.RawIOBase):
    """One file out of the frames."""

    def __init__(self, stream: BinaryIO) -> None:
        """Begin where the stream is."""
        super().__init__()
        self._stream, self._left, self._ended = stream, 0, False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, so that whoever peeks into the file sees its beginning whole; less at the file's end."""
        filled = 0
        while filled < len(buffer) and (self._left or self._next()):
            data = self._stream.read(min(self._left, len(buffer) - filled))
            if not data:
                raise _cut_off()
            buffer[filled : filled + len(data)] = data
            filled += len(data)
            self._left -= len(data)
        return filled

    def _next(self) -> bool:
        """Go to the next frame of this file; returns whether there is one."""
        if not self._ended:
            head = self._stream.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                raise _cut_off()
            self._left = _LENGTH.unpack(head)[0]
            self._ended = not self._left
        return not self._ended


def _cut_off() -> FixtureError:
    return FixtureError("fixture_truncated", "the fixture ends too early", "use another fixture, or dump it again")


def framed(stream: BinaryIO) -> Iterator[Any]:
    """Each file of the frames as a stream that can be peeked into; what is not read of one is read over."""
    while True:
        one = io.BufferedReader(_Framed(stream), _BUFFER)
        yield one
        while one.read(_BUFFER):
            pass


class Source:
    """The objects of a fixture, and what was noted about its files."""

    def __init__(self, request: Request, stream: Any) -> None:
        """Take the request's form, skip_leading and files: of several, the name and the form of each.

        :param stream: of one file, one that is UTF-8 already
        """
        self._request, self._stream = request, stream
        #: Takes files of several that are in the lossless form; without it they are refused.
        self.take_lines: Optional[TakeLines] = None
        self._files: List[Dict[str, str]] = request.get("files") or []
        self.notes: List[str] = []
        forms = [one["form"] for one in self._files] or [request["form"]]
        #: Whether the format has nothing but texts, so that JSON is within one.
        self.texts_only = set(forms) == {"xml"}
        #: What the answer says of the format.
        self.form = forms[0] if len(set(forms)) == 1 else "several"

    def items(self, models: Iterable[Any]) -> Iterator[Item]:
        """Every object, of several files with the file in its place. Raises FixtureError.

        :param models: of the state that the objects are loaded at
        """
        if not self._files and self._request["form"] == LINES:
            self._lines(self._stream, "")
            return
        if not self._files:
            yield from venv_read_objects.READERS[self._request["form"]](self._stream)
            return
        by_label = {model._meta.label_lower: model for model in models}
        distinct = _Distinct(by_label)
        for one, stream in zip(self._files, framed(self._stream)):
            name = one["name"]
            try:
                for place, item in self._of_file(one, stream, by_label):
                    named = Place(place.number, place.line, name)
                    distinct.check(named, item, one is not self._files[-1])
                    yield named, item
            except FixtureError as error:  # the reader's; what becomes of an object is not raised here
                raise _naming(name, error) from None

    def _of_file(self, one: Dict[str, str], stream: Any, models: Dict[str, Any]) -> Iterator[Item]:
        recoded, notes = venv_encoding.as_utf8(stream, one["form"], bool(self._request.get("skip_leading")))
        self.notes += ["{0}: {1}".format(one["name"], note) for note in notes]
        if is_lines(recoded, one["form"]):
            self._lines(recoded, one["name"])
            return
        items = venv_read_objects.READERS[one["form"]](recoded)
        if one["form"] == "xml" and not self.texts_only:
            items = _with_json(items, models)
        yield from items

    def _lines(self, stream: Any, name: str) -> None:
        if self.take_lines is None:
            raise FixtureError(
                "bad_option",
                "several files become a new database only in Django's own formats, and this one is lossless",
                "load it by itself, then the others with mode: merge",
            )
        refuse_unknown(self._request)
        self.take_lines(venv_encoding.without_returns(stream), name)


def is_lines(stream: Any, form: str) -> bool:
    """Tell whether a file is in the lossless form: Django's own JSON lines begin in another way."""
    return form == LINES or (form == "jsonl" and stream.peek(len(LINES_BEGIN)).startswith(LINES_BEGIN))


def refuse_unknown(request: Request) -> None:
    """Refuse an option that the lossless form has no use for. Raises FixtureError."""
    if request.get("ignore_unknown"):
        raise FixtureError(
            "bad_option",
            "this fixture is loaded at the migrations that it records: it holds nothing unknown",
            "leave out ignore_unknown; excluded_models leaves out a model",
        )


def _naming(name: str, error: FixtureError) -> FixtureError:
    """The error with the file's name; one of an object has it already."""
    msg = error.msg if error.msg.startswith(name + ": ") else "{0}: {1}".format(name, error.msg)
    return FixtureError(error.code, msg, error.hint, **dict(error.details, src=name))


def _with_json(items: Iterable[Item], models: Dict[str, Any]) -> Iterator[Item]:
    """The objects of XML beside those of other formats: JSON out of the texts that it is within."""
    for place, item in items:
        model = models.get(item["model"].lower())
        for name in _json_fields(model) if model is not None else ():
            raw = item["fields"].get(name)
            if isinstance(raw, str):
                item["fields"][name] = _json_value(place, item, name, raw)
        yield place, item


def _json_fields(model: Any) -> List[str]:
    return [field.name for field in model._meta.local_concrete_fields if venv_values.kind(field) == "json"]


def _json_value(place: Place, item: Dict[str, Any], name: str, raw: str) -> Any:
    """The value. Raises FixtureError."""
    text = "{0} {1}: {2} ".format(item["model"], item.get("pk"), name)
    if raw.strip() == _NULL:
        raise invalid(place, text + "holds JSON's null, which other formats cannot tell from NULL", _BY_ITSELF)
    try:
        return json.loads(raw)
    except ValueError:
        raise invalid(place, text + "is no JSON", model=item["model"], field=name) from None


_BY_ITSELF = "load this file by itself, with mode: merge"


class _Distinct:
    """Notices an object that two files hold: the database would say that of the second, and not where the first is.

    Where objects are merged it would not even say so, and the second would replace the first.
    """

    def __init__(self, models: Dict[str, Any]) -> None:
        """Take the models by label in small letters."""
        self._models, self._names = models, {}  # type: Dict[str, Any], Dict[str, List[Tuple[str, ...]]]
        self._seen = _Seen()
        self._files: List[str] = []

    def check(self, place: Place, item: Dict[str, Any], more: bool = True) -> None:
        """Compare an object with those of the files before. Raises FixtureError.

        :param more: whether other files come, for which it is remembered
        """
        if not self._files or self._files[-1] != place.file:
            self._files.append(place.file)
        for what, value in self._identities(item):
            key = hash((item["model"].lower(), what, value))
            here = (len(self._files) - 1, place.number, place.line)
            file, number, line = self._seen.first(key, here, more)
            if file != len(self._files) - 1:
                raise self._twice(place, item, what, Place(number, line, self._files[file]))

    def _identities(self, item: Dict[str, Any]) -> Iterator[Tuple[Tuple[str, ...], str]]:
        """Give what no two objects may have in common: the key, and fields that are unique, as texts."""
        if item.get("pk") is not None:
            yield (), _as_text([item["pk"]])
        label, fields = item["model"].lower(), item["fields"]
        if label not in self._names:
            self._names[label] = _unique_names(self._models.get(label))
        for names in self._names[label]:
            values = [fields.get(name) for name in names]
            if all(value is not None for value in values):
                yield names, _as_text(values)

    @staticmethod
    def _twice(place: Place, item: Dict[str, Any], what: Sequence[str], first: Place) -> FixtureError:
        named = "the key {0}".format(item.get("pk")) if not what else "the same {0}".format(", ".join(what))
        return invalid(
            place,
            "{0} with {1} is in {2} too ({3})".format(
                item["model"], named, first.file, Place(first.number, first.line)
            ),
            "remove it from one of the two files",
            model=item["model"],
            first={"src": first.file, "object": first.number, "line": first.line},
        )


class _Seen:
    """Remembers where a key was first, in memory as far as that goes and then in a file that has no name.

    A key is the hash of what no two objects may have in common: no value is written.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._near: Dict[int, _Spot] = {}
        self._far: Any = None

    def first(self, key: int, here: _Spot, remember: bool) -> _Spot:
        """Return where a key was first; ``here`` when nowhere before. Raises FixtureError."""
        found = self._near.get(key)
        if found is None and remember and len(self._near) < _NEAR:
            self._near[key] = found = here
        if found is not None:
            return found
        if self._far is None and not remember:
            return here
        return self._first_far(key, here, remember)

    def _first_far(self, key: int, here: _Spot, remember: bool) -> _Spot:
        try:
            import sqlite3  # not in every interpreter, and seldom needed
        except ImportError:
            return self._near.setdefault(key, here)
        try:
            if self._far is None:
                self._far = _opened(sqlite3)
            if remember:
                self._far.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", (key,) + here)
            found = self._far.execute("SELECT file, number, line FROM seen WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise FixtureError(
                "disk_full",
                "which objects were read cannot be noted in the directory of temporary files: {0}".format(error),
                "make room there, or load fewer files at a time",
            ) from None
        return tuple(found) if found else here


def _opened(sqlite3: Any) -> Any:
    """A database in a file without a name, which nobody needs once this program has ended."""
    opened = sqlite3.connect("", isolation_level=None)
    for word in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "cache_size = -65536"):
        opened.execute("PRAGMA " + word)
    opened.execute("CREATE TABLE seen (key INTEGER PRIMARY KEY, file INTEGER, number INTEGER, line INTEGER)")
    return opened


def _as_text(values: Sequence[Any]) -> str:
    """Values as a text that is the same in every format."""
    return json.dumps([value if isinstance(value, (list, dict)) else str(value) for value in values], default=str)


def _unique_names(model: Any) -> List[Tuple[str, ...]]:
    """Names of the fields that are unique, alone or together."""
    if model is None:
        return []
    meta = model._meta
    found: List[Tuple[str, ...]] = []
    found += [(field.name,) for field in meta.local_concrete_fields if field.unique and not field.primary_key]
    found += [tuple(names) for names in meta.unique_together]
    constraints = [one for one in getattr(meta, "constraints", ()) if getattr(one, "condition", None) is None]
    found += [tuple(one.fields) for one in constraints if getattr(one, "fields", None)]
    return found
