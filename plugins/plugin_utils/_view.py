# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists what the pages of reports show of an outcome: the values of their templates. Pure functions."""

from __future__ import annotations

import datetime
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.plugin_utils import _ending, _page, _promises, _received, _report

GOOD, SOME, BAD = "good", "some", "bad"
_TONES = {
    "moved": GOOD,
    "rehearsed": GOOD,
    "checked": GOOD,
    "already_moved": GOOD,
    "unfinished": SOME,
    "not_begun": SOME,
    "obstacles": BAD,
    "failed": BAD,
}


def page(outcome: Mapping[str, Any], template: str = "") -> str:
    """The page of a report.

    :param template: path of one of the user's, which gets the values of :func:`values`
    Raises jinja2.TemplateError.
    """
    return _page.render(_page.REPORT, values(outcome), template)


def index(outcomes: Sequence[Tuple[str, Any]], more: bool) -> str:
    """The page that lists reports.

    :param outcomes: for each the name of its page, and the outcome as it was written down
    :param more: whether there are older ones that it leaves out
    """
    return _page.render(_page.INDEX, {"reports": [_listed(name, found) for name, found in outcomes], "more": more})


def _listed(name: str, found: Any) -> Dict[str, Any]:
    known = _received.mapping(found)
    status = _received.text(known.get("status"))
    tables = [row for rows in _received.tables(known.get("tables")).values() for row in rows]
    return {
        **{key: _received.text(known.get(key)) for key in ("site", "old", "new")},
        "page": name,
        "status": status,
        "tone": _TONES.get(status, BAD),
        "ended": moment(_received.number(known.get("ended"))),
        "downtime": _received.number(known.get("downtime")),
        "rows": sum(row["old"] for row in tables),
    }


def moment(epoch: float) -> str:
    """Return a time as the pages show it."""
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def values(outcome: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the values of a template, with how the move ended first and every table last."""
    return {
        **{key: str(outcome.get(key) or "") for key in ("site", "old", "new")},
        "title": _report.headline(outcome),
        "status": outcome["status"].replace("_", " "),
        "tone": _tone(outcome),
        "says": _report.ending(outcome),
        "facts": _facts(outcome),
        **_lines(outcome),
        **_tables(outcome),
        "promises": [_promised(item) for item in outcome["promises"]] if _has_begun(outcome) else [],
        "phases": _phases(outcome),
        "totals": _report.totals(outcome.get("tables") or {}),
        "warnings": outcome.get("warnings") or [],
    }


def _lines(outcome: Mapping[str, Any]) -> Dict[str, List[str]]:
    """Return sentences: what to look at first, what is left to do, and the rest."""
    failing, ended = outcome["status"] in _ending.FAILING, _ending.lines(outcome)
    command = str(outcome.get("command") or "")
    return {
        "attention": [*(ended if failing else []), *_report.notes(outcome)],
        "next": [] if failing else ended,
        "details": [*_report.details(outcome), *(["command: " + command] if command else [])],
    }


def _tables(outcome: Mapping[str, Any]) -> Dict[str, List[Any]]:
    """The tables that differ, those that are equal, and of those without rows the names."""
    rows = _rows(outcome)
    equal = [row for row in rows if row["old"] == row["new"]]
    return {
        "different": [row for row in rows if row["old"] != row["new"]],
        "equal": [row for row in equal if row["old"]],
        "empty": [(row["alias"], row["table"]) for row in equal if not row["old"]],
    }


def _has_begun(outcome: Mapping[str, Any]) -> bool:
    return outcome["status"] in _report.WITH_PROMISES


def _tone(outcome: Mapping[str, Any]) -> str:
    partly = [item for item in outcome["promises"] if item["status"] != _promises.MEASURED]
    tone = _TONES[outcome["status"]]
    return SOME if tone == GOOD and outcome["status"] == "moved" and partly else tone


def _facts(outcome: Mapping[str, Any]) -> List[Tuple[str, str]]:
    found = [("Ended", moment(outcome["ended"])), ("Whole run", "{0:.1f} s".format(outcome["total"]))]
    if outcome["downtime"]:
        found.append(("Downtime", "{0:.1f} s".format(outcome["downtime"])))
    for name, key in (("Revision", "revision"), ("Backup set", "label")):
        if outcome.get(key):
            found.append((name, str(outcome[key])))
    return found


def _rows(outcome: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Each table with its database; the largest first."""
    rows = [
        dict(row, alias=alias, content="equal" if row.get("fingerprint") else "count only")
        for alias, items in sorted((outcome.get("tables") or {}).items())
        for row in items
    ]
    return sorted(rows, key=lambda row: -max(row["old"], row["new"] or 0))


def _promised(item: Mapping[str, str]) -> Dict[str, str]:
    return {
        "name": _promises.NAMES[item["promise"]],
        "status": item["status"],
        "figures": "; ".join(filter(None, (item["figures"], item["why"]))),
    }


def _phases(outcome: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """The run from its beginning to its end in phases, which add up to it, each with the parts that are known."""
    begun, ended = outcome["begun"], outcome["ended"]
    if not begun:
        return []
    frozen = outcome["frozen_at"]
    if not frozen:
        return [_phase("Before the freeze", "before", ended - begun, outcome["steps"])]
    up = outcome["served_at"] or outcome["thawed_at"]
    end = up or ended
    name = "From the freeze until {0}".format(_until(outcome))
    found = [
        _phase("Before the freeze", "before", frozen - begun, outcome["steps"]),
        _phase(name, "window", end - frozen, outcome["window"], whole=True),
    ]
    return found + ([_phase("After it", "after", ended - end, {})] if up else [])


def _until(outcome: Mapping[str, Any]) -> str:
    if outcome["served_at"]:
        return "new served"
    return "old was started again" if outcome["thawed_at"] else "the end of the run"


def _phase(name: str, kind: str, seconds: float, steps: Mapping[str, float], whole: bool = False) -> Dict[str, Any]:
    """A phase.

    :param whole: whether what its parts leave is shown as one more, so that they add up
    """
    seconds = max(0.0, seconds)
    parts = [(str(step), taken) for step, taken in steps.items() if taken >= 0.05]
    rest = seconds - sum(taken for _step, taken in parts)
    if whole and parts and rest >= 0.05:
        parts.append(("between the calls", rest))
    return {"name": name, "kind": kind, "seconds": seconds, "parts": parts}
