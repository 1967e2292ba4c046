# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads the lossless form of a fixture as a stream, and notices whatever is missing or was changed in it.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

import json
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_rows
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

FORMAT = 1
CHUNK = 2000  # rows handed on at a time
_LONGEST = 1 << 30  # bytes of one line: a row with a file in it
_DECODE = json.JSONDecoder().raw_decode
_ANOTHER = "take another fixture, or dump it again"

Rows = List[Tuple[int, List[Any]]]  # number of the line, the row


class Section:
    """One model's rows: what the fixture says of them, and the rows themselves, once."""

    def __init__(self, lines: "Lines", head: Dict[str, Any], number: int) -> None:
        """Take the head."""
        self._lines, self.line = lines, number
        try:
            self.label, self.table = str(head["model"]), str(head["table"])
            self.fields = [(str(name), str(kind)) for name, kind in head["fields"]]
        except (KeyError, TypeError, ValueError):
            raise lines.error("this line does not describe a model") from None
        self.rows, self.fingerprint = 0, ""

    def chunks(self) -> Iterator[Rows]:
        """The rows, many at a time; at the end what the fixture says of them is compared."""
        total = venv_rows.Sum(kind for _name, kind in self.fields)
        lines, width = self._lines, len(self.fields)
        while True:
            raws: List[bytes] = []
            items: List[List[Any]] = []
            first = lines.number + 1
            for raw, item in lines.following(CHUNK, self.label, total.rows):
                if len(item) != width:
                    raise lines.error("{0}: {1} values for {2} fields".format(self.label, len(item), width))
                raws.append(raw)
                items.append(item)
            total.add(items, raws)
            if items:
                yield list(zip(range(first, first + len(items)), items))
            if len(items) < CHUNK:
                break
        self._close(lines.next("{0}: {1} objects".format(self.label, total.rows))[1], total)

    def _close(self, item: Any, total: venv_rows.Sum) -> None:
        self.rows, self.fingerprint = total.rows, total.fingerprint
        if not isinstance(item, dict) or item.get("end") != self.label:
            raise self._lines.error("{0} has no end".format(self.label))
        if item.get("objects") != total.rows:
            raise self._lines.error("{0} holds {1} of {2} objects".format(self.label, total.rows, item.get("objects")))
        if item.get("fingerprint") != total.fingerprint:
            raise self._lines.error("the objects of {0} are not those that were dumped".format(self.label), "changed")
        self._lines.total += total.rows


class Lines:
    """A whole fixture."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the header."""
        self._stream, self.number, self.total = stream, 0, 0
        self._ahead: Optional[Tuple[bytes, Any]] = None
        _raw, header = self.next("its header")
        if not isinstance(header, dict) or "relocate_fixture" not in header:
            raise self.error("this is not the header of a fixture of relocate.django")
        if header["relocate_fixture"] != FORMAT:
            raise FixtureError(
                "format_unknown",
                "the fixture has format {0}, this version reads {1}".format(header["relocate_fixture"], FORMAT),
                "upgrade relocate.django",
            )
        missing = sorted({"alias", "engine", "migrations", "models", "use_tz", "whole"} - set(header))
        if missing:
            raise self.error("the header lacks {0}".format(", ".join(missing)))
        self.header: Dict[str, Any] = header

    def following(self, most: int, label: str, before: int) -> Iterator[Tuple[bytes, List[Any]]]:
        """The lines that are rows, no more than so many; the line after them is not taken."""
        for count in range(most):
            raw, item = self.next("{0}: {1} objects", label, before + count)
            if not isinstance(item, list):
                self._ahead = (raw, item)
                self.number -= 1
                return
            yield raw, item

    def next(self, had: str, *parts: Any) -> Tuple[bytes, Any]:
        """The next line, raw and read. Raises FixtureError when there is none, or it is no JSON.

        :param had: what came before, for the error, with places for the parts
        """
        self.number += 1
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead
        raw = self._stream.readline(_LONGEST)
        if not raw.endswith(b"\n"):
            raise FixtureError("fixture_truncated", "the fixture ends after {0}".format(had.format(*parts)), _ANOTHER)
        raw = raw[:-1]
        try:
            text = raw.decode("utf-8")
            item, end = _DECODE(text)
            if end != len(text):
                raise ValueError("more than one value")
            return raw, item
        except UnicodeDecodeError:
            raise self.error("this line is not UTF-8") from None
        except ValueError:
            raise self.error("this line is not JSON") from None

    def sections(self) -> Iterator[Section]:
        """Each model in turn; the rows of one must be read before the next is asked for."""
        expected = list(self.header["models"])
        seen: Set[str] = set()
        while True:
            _raw, item = self.next("{0} of {1} models".format(len(seen), len(expected)))
            if isinstance(item, dict) and item.get("end") == "":
                break
            section = Section(self, item if isinstance(item, dict) else {}, self.number)
            if section.label in seen:
                raise self.error("{0} is there twice".format(section.label))
            if section.label not in expected:
                raise self.error("{0} is not in the header".format(section.label))
            seen.add(section.label)
            yield section
        self._close(item, [label for label in expected if label not in seen])

    def _close(self, item: Dict[str, Any], missing: List[str]) -> None:
        if missing:
            raise self.error("the fixture lacks {0}".format(", ".join(missing[:5])))
        if item.get("objects") != self.total:
            raise self.error("the fixture holds {0} of {1} objects".format(self.total, item.get("objects")))
        if self._stream.read(1):
            self.number += 1
            raise self.error("there is more after the end")

    def error(self, text: str, kind: Optional[str] = None) -> FixtureError:
        """A refusal that names the line."""
        code = "fixture_changed" if kind == "changed" else "fixture_invalid"
        return FixtureError(code, "line {0}: {1}".format(self.number, text), _ANOTHER, line=self.number)
