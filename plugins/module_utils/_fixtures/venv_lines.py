# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads the lossless form of a fixture as a stream, and notices whatever is missing or was changed in it.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

import collections
import json
from typing import Any, BinaryIO, Deque, Dict, Iterator, List, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_rows
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

FORMAT = 1
CHUNK = 2000  # rows handed on at a time
_BLOCK = 1 << 18  # bytes read at a time
_MOST = 1 << 24  # bytes of a chunk: rows with files in them
_ANOTHER = "use another fixture, or dump it again"

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
            first = lines.number + 1
            raws, items = lines.rows(CHUNK)
            for index, item in enumerate(items):
                if len(item) != width:
                    lines.number = first + index
                    raise lines.error("{0}: {1} values for {2} fields".format(self.label, len(item), width))
            total.add(items, raws)
            if items:
                yield list(zip(range(first, first + len(items)), items))
            if not items:
                break
        self._close(lines.next("{0}: {1} objects".format(self.label, total.rows))[1], total)

    def passed(self) -> int:
        """Read over the rows of a model that is left out; returns how many there were. What is wrong is still told."""
        for _rows in self.chunks():
            pass
        return self.rows

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
        self._waiting: Deque[bytes] = collections.deque()
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

    def rows(self, most: int) -> Tuple[List[bytes], List[List[Any]]]:
        """The lines that are rows, no more than so many, raw and read; the line after them is not taken.

        Many lines are read as one JSON list, which is twice as fast as one by one.
        """
        raws: List[bytes] = []
        size = 0
        while len(raws) < most and size < _MOST and self._peek()[:1] == b"[" and self._peek()[-1:] == b"\n":
            raws.append(self._waiting.popleft())
            size += len(raws[-1])
        if not raws:
            return [], []
        whole = b"".join(raws)[:-1]
        try:
            items = json.loads("[{0}]".format(whole.decode("utf-8").replace("\n", ",")))
        except ValueError:
            items = []
        if len(items) == len(raws) and all(isinstance(item, list) for item in items):
            self.number += len(raws)
            return whole.split(b"\n"), items
        self._waiting.extendleft(reversed(raws))
        return self._one_by_one(len(raws))

    def _one_by_one(self, count: int) -> Tuple[List[bytes], List[List[Any]]]:
        """The slow way, which raises FixtureError at the line that is wrong."""
        raws, items = [], []
        for _turn in range(count):
            raw, item = self.next("")
            if not isinstance(item, list):
                raise self.error("this line is not a row")
            raws.append(raw)
            items.append(item)
        return raws, items

    def _peek(self) -> bytes:
        """The next line as it is; empty at the end."""
        if not self._waiting:
            self._waiting.extend(self._stream.readlines(_BLOCK))
        return self._waiting[0] if self._waiting else b""

    def next(self, had: str) -> Tuple[bytes, Any]:
        """The next line, raw and read. Raises FixtureError when there is none, or it is no JSON."""
        raw = self._peek()
        self.number += 1
        if not raw.endswith(b"\n"):
            raise FixtureError("fixture_truncated", "the fixture ends after {0}".format(had), _ANOTHER)
        self._waiting.popleft()
        raw = raw[:-1]
        try:
            return raw, json.loads(raw.decode("utf-8"))
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
        if self._peek():
            self.number += 1
            raise self.error("there is more after the end")

    def error(self, text: str, kind: Optional[str] = None) -> FixtureError:
        """A refusal that names the line."""
        code = "fixture_changed" if kind == "changed" else "fixture_invalid"
        return FixtureError(code, "line {0}: {1}".format(self.number, text), _ANOTHER, line=self.number)
