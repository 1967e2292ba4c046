# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what a host returned into types and printable text. Pure functions.

A host may be owned by somebody else, so nothing it says is taken for a number, a list or a line of ours unseen.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._printable import printable, printable_lines

_LONGEST = 10_000  # characters of one text
_DEEPEST = 12  # levels of a structure
_LATEST = 2.0**33  # seconds since 1970 that a clock can show
_MOST = 2**63
#: A row of a table of which the host gave no counts: it is never equal.
_UNREADABLE = {"table": "(unreadable)", "old": 0, "new": None, "fingerprint": False}


def text(value: Any, show: Callable[[Any], str] = printable) -> str:
    """Return printable text of bearable length; nothing for None."""
    if value is None:
        return ""
    words = value if isinstance(value, str) else str(data(value))
    if len(words) <= _LONGEST:
        return show(words)
    return show(words[:_LONGEST]) + " ... ({0} characters more)".format(len(words) - _LONGEST)


def message(value: Any) -> str:
    """Return a message that may have several lines, each of them marked as not ours."""
    return text(value, printable_lines)


def name(value: Any) -> str:
    """Return a name or a path as a host gave it, for whoever checks it next; nothing for what is no text."""
    return str(value) if isinstance(value, str) else ""


def number(value: Any) -> float:
    """Return a time or a duration in seconds; 0 for anything that is none."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) and 0 <= found < _LATEST else 0.0


def count(value: Any) -> Optional[int]:
    """Return a count; None for anything that is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST else None


def yes(value: Any) -> bool:
    """Tell whether a host said so: true, or the word that older versions of Ansible make of it."""
    return value is True or (isinstance(value, str) and value.lower() in ("true", "yes"))


def mapping(value: Any) -> Mapping[Any, Any]:
    """Return a mapping; an empty one for anything that is none."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> List[Any]:
    """Return a list; an empty one for anything that is none."""
    return list(value) if isinstance(value, (list, tuple)) else []


def data(value: Any, depth: int = 0) -> Any:
    """Return a structure of the same shape, of plain and printable values only."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _figure(value)
    if isinstance(value, (Mapping, list, tuple)) and depth >= _DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {text(key): data(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [data(item, depth + 1) for item in value]
    return text(str(value))


def _figure(value: Union[int, float]) -> Any:
    """Return a number that every reader can show."""
    if isinstance(value, int):
        return int(value) if abs(value) < _MOST else "a huge number"
    return value if math.isfinite(value) else 0.0


def _seconds(value: Any) -> Dict[str, float]:
    """Return what each of several steps took."""
    return {text(step): number(taken) for step, taken in mapping(value).items()}


def tables(value: Any) -> Dict[str, List[Dict[str, Any]]]:
    """Return the rows of both hosts for each table of each database; what cannot be read is a row that differs."""
    return {text(alias): [_row(row) for row in rows] for alias, rows in _tables_of(value).items()}


def _tables_of(value: Any) -> Dict[Any, List[Any]]:
    if not isinstance(value, Mapping):
        return {"?": [None]} if value else {}
    return {alias: list(rows) if isinstance(rows, (list, tuple)) else [None] for alias, rows in value.items()}


def _row(value: Any) -> Dict[str, Any]:
    if not isinstance(value, Mapping):
        return dict(_UNREADABLE)
    old, new = count(value.get("old")), count(value.get("new"))
    row = {**data(value), "table": text(value.get("table")), "fingerprint": yes(value.get("fingerprint"))}
    if old is None or (new is None and value.get("new") is not None):
        return {**row, "old": old or 0, "new": None, "fingerprint": False}
    return {**row, "old": old, "new": new}


_TIMES = ("begun", "frozen_at", "served_at", "thawed_at")
_WORDS = ("failed", "unfinished", "done", "rehearsed", "proven", "starting", "old_serves", "old_rests", "unfrozen")
_MESSAGES = ("msg", "put_back", "key_left", "set_left", "hook_left", "forward_left")
_NAMES = ("tried", "warnings", "notes", "stopped", "running", "old_units", "broken", "taken_in")
_TEXTS = ("site", "old", "new", "next", "code", "task", "revision", "label", "media_previous", "command", "forward")


def outcome(value: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the outcome of a site's move: every key that the report reads has the type that it expects."""
    found: Dict[str, Any] = data(value)
    kinds: List[Tuple[Sequence[str], Callable[[Any], Any]]] = [(_WORDS, yes), (_MESSAGES, message), (_TEXTS, text)]
    for keys, kind in kinds:
        found.update({key: kind(value[key]) for key in keys if key in value})
    found.update({key: number(value.get(key)) for key in _TIMES})
    found.update({key: _seconds(value.get(key)) for key in ("steps", "window")})
    found["tables"] = tables(value.get("tables"))
    plans = mapping(value.get("migrations")).items()
    found["migrations"] = {text(alias): [text(name) for name in items(plan)] for alias, plan in plans}
    found.update({key: [text(item) for item in items(value.get(key))] for key in _NAMES})
    return found


#: How our variables begin: those of the inventory, and those of each role.
OURS = (
    "relocate_",
    *(name + "_" for name in "backup checkout database media migrate preflight rehearse report repository".split()),
    *(name + "_" for name in "restore sanitise schedule services transfer upgrade verify".split()),
)


def refuse_facts(host: str, task_vars: Mapping[str, Any]) -> None:
    """Raise answer_refused when a host's facts are named like our variables: Ansible prefers them to the inventory."""
    found = sorted(name for name in mapping(task_vars.get("ansible_facts")) if str(name).startswith(OURS))
    if found:
        raise RelocateError(
            "answer_refused",
            "{0} has facts that would override variables of the inventory: {1}".format(host, ", ".join(found[:5])),
            "find what wrote them there; clear the fact cache, and set these variables only in the inventory",
        )


#: The fact by which Ansible remembers where it found Python on a host.
PYTHON_FACT = "discovered_interpreter_python"
_INTERPRETER = re.compile(r"^/[A-Za-z0-9._+/-]{1,254}\Z")


def interpreter(value: Any) -> str:
    """Return the path of an interpreter that Ansible found on a host; nothing for what is no plain absolute path."""
    path = str(value) if isinstance(value, str) else ""
    return path if _INTERPRETER.match(path) and os.path.normpath(path) == path else ""


#: What only Ansible may say about a task: variables and hosts of the run, figures that a controller such as AWX hands
#: to later runs as variables, and that a host is lost or was not asked.
_NO_SAY = ("ansible_facts", "ansible_stats", "add_host", "add_group", "parent_groups", "unreachable", "skipped")
_SHOWN_RAW = ("msg", "exception", "module_stdout", "module_stderr")
_SHOWN_LISTS = ("warnings", "deprecations")


def answer(result: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a module answered, without what a host has no say in; what Ansible prints is printable."""
    found = {key: value for key, value in result.items() if key not in _NO_SAY}
    if result.get("unreachable"):
        found["failed"] = True
    found.update(_shown(found))
    if _tells_unfit(found, result):
        del found["exception"]
    if found.get("failed"):  # Ansible prints all of it
        kept = (*_SHOWN_RAW, *_SHOWN_LISTS, "diff", "invocation")
        found = {key: value if key in kept else data(value) for key, value in found.items()}
    if "diff" in found:
        found["diff"] = _diff(found["diff"])
    return found


def carried(name: str, result: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a module answered that ``batch`` ran alone, as if it had run by itself."""
    found = {key: value for key, value in result.items() if key != "returned"}
    found.update(mapping(mapping(result.get("returned")).get(name)))
    if isinstance(result.get("details"), Mapping):
        found["details"] = {key: value for key, value in result["details"].items() if key not in ("step", "done")}
    steps = items(mapping(mapping(result.get("invocation")).get("module_args")).get("steps"))
    if steps:
        found["invocation"] = {"module_args": mapping(steps[0]).get("arguments")}
    return found


def _shown(found: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what Ansible prints of every result as printable text."""
    texts = {key: printable_lines(found[key]) for key in _SHOWN_RAW if isinstance(found.get(key), str)}
    lists = {key: _lines(found[key]) for key in _SHOWN_LISTS if isinstance(found.get(key), list)}
    return {**texts, **lists}


def _lines(values: List[Any]) -> List[Any]:
    return [printable(item) if isinstance(item, str) else item for item in values]


def _tells_unfit(found: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Tell whether the exception, as an object, holds text that is not printable, or the message as it was.

    ansible-core 2.19 and later make an object of it, and one of the message where there is none.
    """
    if isinstance(found.get("exception", ""), str):
        return False
    return found.get("msg") != result.get("msg") or _unfit(found)


def _unfit(value: Any) -> bool:
    """Tell whether an exception of a result holds text that is not printable."""
    if isinstance(value, Mapping):
        return _unfit(value.get("exception"))
    if isinstance(value, str):
        return any(printable(line) != line for line in value.split("\n"))
    if isinstance(value, (list, tuple)):
        return any(_unfit(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(_unfit(getattr(value, part.name)) for part in dataclasses.fields(value))
    return False


def _diff(value: Any) -> Any:
    """A diff of which each line is printable."""
    if isinstance(value, str):
        return "\n".join(printable(line) for line in value.split("\n"))
    if isinstance(value, Mapping):
        return {key: _diff(item) for key, item in value.items()}
    return [_diff(item) for item in value] if isinstance(value, (list, tuple)) else value
