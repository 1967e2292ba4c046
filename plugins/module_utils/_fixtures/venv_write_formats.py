# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Puts objects into the words of Django's own formats: JSON, JSONL, XML and YAML.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. What a format cannot hold is refused by name: nothing is written that is read back as
something else.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import functools
import io
import json
import re
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

#: A field's name, and its value as the format writes it.
Pairs = List[Tuple[Any, Any]]
#: What XML 1.0 has no place for, not even as a reference.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: Half of a pair of UTF-16, which no encoding holds.
_HALF = re.compile("[\ud800-\udfff]")


def unwritable(meta: Any, pk: Any, name: str, what: str) -> FixtureError:
    """Return what a dump is refused for when the format cannot hold a value.

    :param what: the value holds, and why that is no good
    """
    return FixtureError(
        "value_unwritable",
        "{0} {1}: {2} holds {3}".format(meta.label, pk, name, what),
        "use the format lines or json, or correct the value",
        model=meta.label,
        pk=str(pk),
        field=name,
    )


class _Json:
    """One array, an object a line, or laid out.

    :param indent: spaces for each level, as ``dumpdata --indent`` has them
    """

    def __init__(self, stream: BinaryIO, indent: Optional[int] = None) -> None:
        self.stream, self.first, self.indent = stream, True, indent

    def begin(self) -> None:
        self.stream.write(b"[\n")

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        if not self.first:
            self.stream.write(b",\n")
        self.first = False
        self.stream.write(_text(meta, pk, pairs, self.indent))

    def end(self) -> None:
        self.stream.write(b"\n]\n")


class _JsonLines(_Json):
    """One object a line, nothing else."""

    def begin(self) -> None:
        pass

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        self.stream.write(_text(meta, pk, pairs) + b"\n")

    def end(self) -> None:
        pass


def _object(meta: Any, pk: Any, pairs: Pairs) -> Dict[str, Any]:
    found: Dict[str, Any] = {"model": meta.label_lower}
    if pk is not None:
        found["pk"] = pk
    found["fields"] = {field.name: value for field, value in pairs}
    return found


def _text(meta: Any, pk: Any, pairs: Pairs, indent: Optional[int] = None) -> bytes:
    text = json.dumps(_object(meta, pk, pairs), ensure_ascii=False, indent=indent)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(_object(meta, pk, pairs), indent=indent).encode("ascii")


def _never(_dumper: Any, _value: Any) -> bool:
    """Have YAML write a list again that it has written: each object has names of its own for such, and they collide."""
    return True


class _Yaml(_Json):
    """A sequence of objects, written one by one."""

    def __init__(self, stream: BinaryIO, indent: Optional[int] = None) -> None:
        super().__init__(stream, indent)
        try:
            import yaml
        except ImportError:
            raise FixtureError(
                "library_missing", "the project's interpreter has no PyYAML", "use another format, or install PyYAML"
            ) from None
        self._yaml = yaml
        self._dumper = type("Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {"ignore_aliases": _never})

    def begin(self) -> None:
        pass

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        found = [_object(meta, pk, pairs)]
        try:
            text = self._yaml.dump(
                found,
                Dumper=self._dumper,
                default_flow_style=False,
                allow_unicode=True,
                sort_keys=False,
                indent=self.indent,
            )
            self.stream.write(text.encode("utf-8"))
        except UnicodeEncodeError:
            raise self._unwritable(meta, pk, pairs) from None
        self.first = False

    @staticmethod
    def _unwritable(meta: Any, pk: Any, pairs: Pairs) -> FixtureError:
        found = [field.name for field, value in pairs if _HALF.search(json.dumps(value, ensure_ascii=False))]
        return unwritable(meta, pk, (found or ["pk"])[0], "half of a pair of characters, which YAML cannot")

    def end(self) -> None:
        if self.first:
            self.stream.write(b"[]\n")


def _key_text(pk: Any) -> str:
    """A key as XML has it; one of several columns is a list of texts, as Django's field writes it."""
    return json.dumps([str(part) for part in pk], ensure_ascii=False) if isinstance(pk, list) else str(pk)


class _Xml:
    """Elements as Django's own serializer writes them, and a mark where white space at a text's ends is part of it."""

    def __init__(self, stream: BinaryIO, indent: Optional[int] = None) -> None:
        from django.utils.xmlutils import SimplerXMLGenerator

        self.stream, self._indent = stream, indent
        self._buffer = io.StringIO()
        self.xml = SimplerXMLGenerator(self._buffer, "utf-8")

    def begin(self) -> None:
        self.xml.startDocument()
        self.xml.startElement("django-objects", {"version": "1.0"})

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        attributes = {"model": meta.label_lower}
        if pk is not None:
            attributes["pk"] = _fit_for_xml(meta, pk, meta.pk.name, _key_text(pk))
        self._line(1)
        self.xml.startElement("object", attributes)
        for field, value in pairs:
            self._line(2)
            self._field(field, value, functools.partial(_fit_for_xml, meta, pk, field.name))
        self._line(1)
        self.xml.endElement("object")
        self._flush()

    def _flush(self) -> None:
        self.stream.write(self._buffer.getvalue().encode("utf-8"))
        self._buffer.seek(0)
        self._buffer.truncate()

    def _field(self, field: Any, value: Any, fit: Callable[[str], str]) -> None:
        attributes = {"name": field.name, "type": field.get_internal_type()}
        if field.remote_field is not None:
            kind, to = field.remote_field.__class__.__name__, field.remote_field.model._meta.label_lower
            attributes = {"name": field.name, "rel": "ManyToManyRel" if field.many_to_many else kind, "to": to}
        if field.many_to_many:
            self.xml.startElement("field", attributes)
            self._related(value, fit)
            self.xml.endElement("field")
        elif value is None or (field.remote_field is not None and isinstance(value, list)):
            self.xml.startElement("field", attributes)
            self._natural(value, fit)
            self.xml.endElement("field")
        else:
            is_json = field.remote_field is None and field.get_internal_type() == "JSONField"
            self._element("field", attributes, fit(json.dumps(value) if is_json else str(value)))

    def _related(self, found: Sequence[Any], fit: Callable[[str], str]) -> None:
        for item in found:
            if isinstance(item, list):
                self.xml.startElement("object", {})
                self._natural(item, fit)
                self.xml.endElement("object")
            else:
                self.xml.addQuickElement("object", attrs={"pk": fit(str(item))})

    def _natural(self, key: Optional[Sequence[Any]], fit: Callable[[str], str]) -> None:
        if key is None:
            self.xml.addQuickElement("None")
            return
        for part in key:
            if part is None:
                self.xml.startElement("natural", {})
                self.xml.addQuickElement("None")
                self.xml.endElement("natural")
            else:
                self._element("natural", {}, fit(str(part)))

    def _element(self, name: str, attributes: Dict[str, str], text: str) -> None:
        """An element with a text. Readers, Django's too, strip white space at its ends unless that is marked."""
        if text != text.strip():
            attributes = dict(attributes, **{"xml:space": "preserve"})
        self.xml.startElement(name, attributes)
        first, *rest = text.split("\r")
        self.xml.characters(first)
        for part in rest:  # a parser makes a line feed of a carriage return that is not written as a reference
            self.xml.ignorableWhitespace("&#13;")
            self.xml.characters(part)
        self.xml.endElement(name)

    def _line(self, level: int) -> None:
        """Begin a line, where the file is laid out; never within a field, whose white space may be its text."""
        if self._indent is not None:
            self.xml.ignorableWhitespace("\n" + " " * self._indent * level)

    def end(self) -> None:
        self._line(0)
        self.xml.endElement("django-objects")
        self.xml.endDocument()
        self._flush()


def _fit_for_xml(meta: Any, pk: Any, name: str, text: str) -> str:
    """The text again. Raises FixtureError for characters that XML has no words for, such as control characters."""
    if _NO_XML.search(text):
        raise unwritable(meta, pk, name, "control characters or halves of a pair, which XML cannot")
    return text


WRITERS: Dict[str, Any] = {"json": _Json, "jsonl": _JsonLines, "xml": _Xml, "yaml": _Yaml}
