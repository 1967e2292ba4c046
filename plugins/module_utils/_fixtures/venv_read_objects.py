# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads Django's own fixture formats, JSON, JSONL, XML and YAML, object by object in flat memory.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
Each object is what Django's Python serializer has: ``{"model": ..., "pk": ..., "fields": {...}}``; in XML every value
is a text. Django's own readers hold a whole JSON or YAML file in memory.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import codecs
import json
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple
from xml.parsers import expat

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

_BLOCK = 1 << 20  # bytes
_LONGEST = 1 << 30  # bytes of one object: a row with a file in it
_ANOTHER = "use another fixture, or dump it again"
#: How near to the end of what was read a syntax error must be to come from what was not read yet.
_NEAR = 16


class Place(NamedTuple):
    """The place of an object: dumpdata writes everything on one line, so a line number is not enough."""

    number: int
    line: int

    def __str__(self) -> str:
        """For messages."""
        return "object {0}, line {1}".format(self.number, self.line)


Item = Tuple[Place, Dict[str, Any]]


def invalid(place: Any, text: str, **details: Any) -> FixtureError:
    """A refusal that names the object."""
    line = getattr(place, "line", place)
    return FixtureError("fixture_invalid", "{0}: {1}".format(place, text), _ANOTHER, line=line, **details)


def _truncated(number: int) -> FixtureError:
    return FixtureError("fixture_truncated", "the fixture ends after {0} objects".format(number), _ANOTHER)


def _checked(place: Place, item: Any) -> Item:
    """An object has a model and fields. Raises FixtureError."""
    if not isinstance(item, dict) or not isinstance(item.get("model"), str):
        raise invalid(place, "this is not an object with a model")
    fields = item.get("fields")
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        raise invalid(place, "{0} has no fields".format(item["model"]))
    more = sorted(set(item) - {"model", "pk", "fields"})
    if more:
        raise invalid(place, "{0} has what no object has: {1}".format(item["model"], ", ".join(map(str, more))))
    return place, item


class _DoubledError(ValueError):
    """A name that is there twice in one object, of which JSON readers take the last without a word."""


def _pairs(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DoubledError("a name is there twice")
    return found


# --- JSON ---


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
            raise invalid("line {0}".format(self._line), "this is not a list of objects")
        self._advance(self._at + 1)
        following = self._next_character()
        while following != "]":
            yield self._object()
            following = self._next_character()
            if following == ",":
                self._advance(self._at + 1)
                self._next_character()
            elif following != "]":
                raise invalid("line {0}".format(self._line), "neither a comma nor the end of the list")
        self._advance(self._at + 1)
        if self._next_character(optional=True):
            raise invalid("line {0}".format(self._line), "there is more after the end")

    def _more(self) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        block = self._stream.read(max(_BLOCK, len(self._buffer) - self._at))
        self._ended = not block
        try:
            text = self._decode(block, not block)
        except UnicodeDecodeError:
            raise invalid("after object {0}".format(self._number), "this is not UTF-8") from None
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
                raise _truncated(self._number)

    def _object(self) -> Item:
        place = Place(self._number + 1, self._line)
        while True:
            try:
                item, end = self._decoder.raw_decode(self._buffer, self._at)
            except _DoubledError as error:
                raise invalid(place, str(error)) from None
            except RecursionError:
                raise invalid(place, "it is nested too deeply") from None
            except json.JSONDecodeError as error:
                self._wait_for_more(place, error)
                continue
            except ValueError:  # an integer of thousands of digits
                raise invalid(place, "it holds a number that is too long") from None
            self._number += 1
            self._advance(end)
            return _checked(place, item)

    def _wait_for_more(self, place: Place, error: json.JSONDecodeError) -> None:
        """Read on when the error may come from what was not read yet; refuse it otherwise."""
        near = error.pos >= len(self._buffer) - _NEAR or error.msg.startswith("Unterminated string")
        if near and len(self._buffer) - self._at < _LONGEST and self._more():
            return
        if near and self._ended:
            raise _truncated(self._number)
        raise invalid(place, "this is not JSON: {0}".format(error.msg))


def _json_lines(stream: BinaryIO) -> Iterator[Item]:
    """One object a line; empty lines are skipped as Django does."""
    number = line = 0
    decoder = json.JSONDecoder(object_pairs_hook=_pairs)
    while True:
        raw = stream.readline(_LONGEST)
        line += 1
        if not raw:
            if number == 0:
                raise _truncated(0)
            return
        if not raw.strip():
            continue
        number += 1
        place = Place(number, line)
        try:
            item = decoder.decode(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError:
            raise invalid(place, "this is not UTF-8") from None
        except (ValueError, RecursionError) as error:
            if not raw.endswith(b"\n"):
                raise _truncated(number - 1) from None
            raise invalid(place, "this is not JSON: {0}".format(getattr(error, "msg", error))) from None
        yield _checked(place, item)


# --- XML ---


class _Xml:
    """Elements as Django's own serializer writes them. Declarations of a document type are refused: none is needed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._number = stream, 0
        self._done: List[Item] = []
        self._path: List[str] = []
        self._item: Optional[Dict[str, Any]] = None
        self._place = Place(0, 0)
        self._field: Optional[Dict[str, Any]] = None
        self._text: List[str] = []
        self._natural: Optional[List[str]] = None
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text_handler
        self._parser.StartDoctypeDeclHandler = self._doctype

    def items(self) -> Iterator[Item]:
        while True:
            block = self._stream.read(_BLOCK)
            try:
                self._parser.Parse(block, not block)
            except expat.ExpatError as error:
                yield from self._done
                if not block:
                    raise _truncated(self._number) from None
                place = Place(self._number + 1, error.lineno)
                raise invalid(place, "this is not XML: {0}".format(expat.ErrorString(error.code))) from None
            done, self._done = self._done, []
            yield from done
            if not block:
                return

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
        if depth == 0 and name != "django-objects":
            raise invalid("line {0}".format(self._parser.CurrentLineNumber), "this is not a fixture of Django")
        if depth == 1:
            if name != "object":
                raise invalid(self._here(), "an element {0}, not an object".format(name))
            self._place = self._here()
            self._item = {"model": attributes.get("model"), "pk": attributes.get("pk"), "fields": {}}
        elif depth == 2:
            self._start_field(name, attributes)
        elif depth == 3 and name == "object" and self._field is not None:
            self._natural = None
            if "pk" in attributes:
                self._field["list"].append(attributes["pk"])
            else:
                self._natural = []
        elif name == "natural" and depth in (3, 4):
            self._natural = [] if self._natural is None else self._natural
        elif depth > 2 and not (depth == 3 and name == "None"):
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
            self._done.append(_checked(self._place, self._item))
            self._item = None
        elif depth == 2 and self._field is not None and self._item is not None:
            self._item["fields"][self._field["name"]] = self._value(self._field)
            self._field = None
        elif self._field is not None:
            self._end_within(name, depth, self._field)
        self._text = []

    def _end_within(self, name: str, depth: int, field: Dict[str, Any]) -> None:
        if name == "None" and depth == 3:
            field["none"] = True
        elif name == "natural" and self._natural is not None:
            self._natural.append("".join(self._text))
        elif name == "object" and depth == 3 and self._natural is not None:
            field["list"].append(self._natural)
            self._natural = None

    def _value(self, field: Dict[str, Any]) -> Any:
        if field["many"]:
            return field["list"]
        if field["none"]:
            return None
        return self._natural if self._natural is not None else "".join(self._text)


# --- YAML ---


class _Yaml:
    """A sequence of objects, composed one by one; libyaml parses where PyYAML was built with it."""

    def __init__(self, yaml: Any, stream: BinaryIO) -> None:
        self._yaml, self._number = yaml, 0
        self._loader = _yaml_loader(yaml, stream)

    def items(self) -> Iterator[Item]:
        loader, yaml = self._loader, self._yaml
        self._open()
        while not loader.check_event(yaml.SequenceEndEvent):
            place = Place(self._number + 1, self._line())
            node = loader.compose_node(None, None)
            _check_doubled(yaml, place, node)
            item = loader.construct_document(node)
            loader.anchors = {}
            self._number += 1
            yield _checked(place, item)
        loader.get_event()
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            raise invalid("line {0}".format(self._line()), "there is more after the end")

    def _line(self) -> int:
        return int(self._loader.peek_event().start_mark.line) + 1

    def _open(self) -> None:
        loader, yaml = self._loader, self._yaml
        loader.get_event()
        if loader.check_event(yaml.StreamEndEvent):
            raise _truncated(0)
        loader.get_event()
        if not loader.check_event(yaml.SequenceStartEvent):
            raise invalid("line {0}".format(self._line()), "this is not a list of objects")
        loader.get_event()

    def refusal(self, error: Exception) -> FixtureError:
        """Return what PyYAML complains of, with its place."""
        if isinstance(error, self._yaml.reader.ReaderError):
            return invalid("after object {0}".format(self._number), "this is not YAML: {0}".format(error.reason))
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = Place(self._number + 1, mark.line + 1 if mark is not None else 0)
        problem = str(getattr(error, "problem", "") or type(error).__name__)
        return invalid(place, "this is not YAML: {0}".format(problem))


def _yaml(stream: BinaryIO) -> Iterator[Item]:
    try:
        import yaml
    except ImportError:
        raise FixtureError(
            "library_missing", "the project's interpreter has no PyYAML", "use another format, or install PyYAML"
        ) from None
    source = _Yaml(yaml, stream)
    try:
        yield from source.items()
    except UnicodeDecodeError:
        raise invalid("the fixture", "this is not UTF-8") from None
    except yaml.YAMLError as error:
        raise source.refusal(error) from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise source.refusal(error) from None


def _yaml_loader(yaml: Any, stream: BinaryIO) -> Any:
    from yaml.composer import Composer
    from yaml.constructor import SafeConstructor
    from yaml.resolver import Resolver

    fast = getattr(yaml, "CSafeLoader", None)
    if fast is None:

        class Plain(yaml.SafeLoader):  # type: ignore[misc]
            """PyYAML's own, with scalars as they are written."""

        _keep_texts(Plain)
        return Plain(stream)
    parser = next(base for base in fast.__mro__ if base.__name__ == "CParser")

    class Loader(parser, Composer, SafeConstructor, Resolver):  # type: ignore[misc,valid-type]
        """Events by libyaml; nodes one by one, which libyaml's own loader does not offer."""

        def __init__(self, source: BinaryIO) -> None:
            parser.__init__(self, source)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    _keep_texts(Loader)
    return Loader(stream)


class _Int(int):
    """A number, and how it was written: 010 in a text is no 8."""

    text = ""


class _Float(float):
    """A number, and how it was written: 1.10 in a text is no 1.1."""

    text = ""


def _keep_texts(loader: Any) -> None:
    """Dates stay texts, which old versions of PyYAML make naive; numbers remember theirs."""

    def number(kind: Any, construct: Any) -> Any:
        def made(self: Any, node: Any) -> Any:
            found = kind(construct(self, node))
            found.text = node.value
            return found

        return made

    loader.add_constructor("tag:yaml.org,2002:timestamp", loader.construct_yaml_str)
    loader.add_constructor("tag:yaml.org,2002:int", number(_Int, loader.construct_yaml_int))
    loader.add_constructor("tag:yaml.org,2002:float", number(_Float, loader.construct_yaml_float))


def _check_doubled(yaml: Any, place: Place, node: Any) -> None:
    """YAML readers take the last of two equal names without a word."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, yaml.MappingNode):
            names = [key.value for key, _value in current.value if isinstance(key, yaml.ScalarNode)]
            if len(set(names)) != len(names):
                raise invalid(place, "a name is there twice")
            if current is node:
                pending += [value for _key, value in current.value]


READERS: Dict[str, Callable[[BinaryIO], Iterator[Item]]] = {
    "json": lambda stream: _Json(stream).items(),
    "jsonl": _json_lines,
    "xml": lambda stream: _Xml(stream).items(),
    "yaml": _yaml,
}
