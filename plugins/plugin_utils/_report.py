# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes how a move went, as text. Pure functions of an outcome."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.plugin_utils import _ending, _page, _promises, _received

#: Lines of a screenful, within which tables have the room that the rest leaves; the report's page shows each.
_SCREENFUL, _FEWEST_ROWS, _MOST_DIFFERENT = 25, 3, 10
#: Of the JSON report, see docs/report.schema.json; another number is another meaning of a key.
FORMAT = 1
WITH_PROMISES = ("moved", "unfinished", "failed")


def status_of(outcome: Mapping[str, Any]) -> str:
    """One word for scripts: moved, already_moved, unfinished, rehearsed, checked, not_begun, obstacles or failed."""
    if outcome.get("code") == "enough_failed":
        return "not_begun"
    if outcome.get("failed"):
        return "obstacles" if _was_refused(outcome) else "failed"
    if outcome.get("unfinished"):
        return "unfinished"
    if outcome.get("done") or outcome.get("next") == "retire":
        return "already_moved"
    ended = "rehearsed" if outcome.get("rehearsed") else "checked"
    return "moved" if float(outcome.get("served_at") or 0) else ended


def _was_refused(outcome: Mapping[str, Any]) -> bool:
    """Tell whether nothing was done. After the freeze it is a host that says so, and much was."""
    return outcome.get("code") == "obstacles" and not float(outcome.get("frozen_at") or 0)


def enrich(outcome: Mapping[str, Any], now: float) -> Dict[str, Any]:
    """The outcome as printable text and known types, with its status and the downtime in seconds."""
    result = _received.outcome(outcome)
    result["format"] = FORMAT
    result["status"] = status_of(result)
    result["ended"] = now
    result["total"] = round(now - result["begun"], 1) if result["begun"] else 0.0
    result["downtime"] = _promises.downtime(result) or 0.0  # see the promises: 0 may be "not asked"
    result["promises"] = _promises.promises(result)
    return result


def headline(outcome: Mapping[str, Any]) -> str:
    """Say what a person wants to know first; after a move, what was proven and what nobody asked for."""
    return "Site {0}: {1} -> {2}: {3}".format(outcome["site"], outcome["old"], outcome["new"], ending(outcome))


def ending(outcome: Mapping[str, Any]) -> str:
    """The headline without the site and its hosts."""
    says: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
        "moved": _moved,
        "already_moved": _already_moved,
        "checked": lambda _outcome: "CHECKED: preflight found no obstacle; nothing was moved",
        "rehearsed": lambda _outcome: "REHEARSED: what was tried works on new; old was not stopped",
        "obstacles": lambda _outcome: "NOT BEGUN: there are obstacles",
        "not_begun": lambda _outcome: "NOT BEGUN: enough sites of this run had failed",
        "failed": lambda item: "FAILED" + _ending.what_became_of_old(item),
        "unfinished": _unfinished,
    }
    return says[outcome["status"]](outcome)


def _moved(outcome: Mapping[str, Any]) -> str:
    text = "MOVED; " + _promises.words(outcome["promises"])
    return text + ("; old was NOT STOPPED by this run" if not outcome.get("stopped") else "")


def _already_moved(outcome: Mapping[str, Any]) -> str:
    if outcome.get("next") == "retire":
        return "was moved before: only old has to be retired"
    return "was moved before: nothing to do, and nothing was checked again"


def _unfinished(outcome: Mapping[str, Any]) -> str:
    does = "MOVED"
    if outcome.get("running"):
        does += " and started on new"
    lacks = "does NOT SEND visitors on" if outcome.get("forward_left") else "was NOT RETIRED"
    return "{0}, but old {1}; ".format(does, lacks) + _promises.words(outcome["promises"])


def totals(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> List[str]:
    """One line a database."""
    return [_total(alias, rows) for alias, rows in sorted(tables.items())]


def _total(alias: str, rows: Sequence[Mapping[str, Any]]) -> str:
    old, new = sum(row["old"] for row in rows), sum(row["new"] or 0 for row in rows)
    equal = all(row["old"] == row["new"] for row in rows)
    return "database {0}: {1} tables, {2:,} rows on old, {3:,} on new, {4}; {5}".format(
        alias, len(rows), old, new, "equal" if equal else "DIFFERENT", _content(rows)
    )


def _content(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say of how many tables more than the number of rows was compared."""
    hashed = sum(1 for row in rows if row.get("fingerprint"))
    if not hashed:
        return "compared by count only"
    counted = ", {0} compared by count only".format(len(rows) - hashed) if hashed < len(rows) else ""
    return "content of {0} tables equal{1}".format(hashed, counted)


def as_text(outcome: Mapping[str, Any]) -> str:
    """A screenful, with how it ended: last, or first where something is left to do."""
    ended = _ending.lines(outcome)
    details = _shown(outcome, len(ended))
    parts = [ended, details] if outcome["status"] in _ending.FAILING else [details, ended]
    return _framed(outcome, [line for part in parts for line in part])


def as_shown(outcome: Mapping[str, Any]) -> str:
    """The screenful of a site that had its turn; where something is left to do, the end of the run says what."""
    return _framed(outcome, _shown(outcome)) if outcome["status"] in _ending.FAILING else as_text(outcome)


def as_ending(outcome: Mapping[str, Any]) -> str:
    """The paragraph about a site at the end of the run."""
    where = ["report: {0}".format(outcome["report"]["html"])] if outcome.get("report") else []
    return _framed(outcome, [*_ending.lines(outcome), *where])


def cut_short(new: Any, known: Mapping[str, Any]) -> List[str]:
    """Return the paragraph about a site that failed, and that this run did not live to report.

    :param new: the host
    :param known: its variables
    """
    attempt = _received.mapping(known.get("relocate_attempt"))
    why = _received.mapping(attempt.get("outcome"))
    reported = _received.items(_received.mapping(known.get("report_result")).get("outcomes"))
    begun = [_received.number(_received.mapping(item).get("begun")) for item in reported]
    if not why.get("msg") or _received.number(attempt.get("begun")) in begun:
        return []
    site = _received.text(_received.mapping(attempt.get("frozen")).get("site")) or "of " + _received.text(new)
    lines = ["Site {0}: FAILED, and {1} was lost before the report".format(site, _received.text(new))]
    return ["\n".join(["", *lines, "  " + _received.message(why["msg"]).replace("\n", "\n  ")]) + "\n"]


def _framed(outcome: Mapping[str, Any], lines: Sequence[str]) -> str:
    return "\n".join(["", headline(outcome), *("  " + line for line in lines)]) + "\n"


def _shown(outcome: Mapping[str, Any], more: int = 0) -> List[str]:
    """Return the lines about a move that fit a screen with its headline.

    :param more: lines that are to come beside
    """
    before, after = (_what_moved, _times, _promised, _tried, notes), (_steps_taken, _migrations, _media_kept, _warned)
    above, below = ([line for part in parts for line in part(outcome)] for parts in (before, after))
    tables = outcome.get("tables") or {}
    different = sum(row["old"] != row["new"] for rows in tables.values() for row in rows)
    room = _SCREENFUL - 1 - len(above) - len(tables) - len(below) - more
    room = max(_FEWEST_ROWS, room, min(different, _MOST_DIFFERENT) + 1)
    return [*above, *totals(tables), *_table_lines(tables, room), *below]


def details(outcome: Mapping[str, Any]) -> List[str]:
    """Return the lines that have no place of their own on the page of a report."""
    return [line for part in (_tried, _migrations, _media_kept) for line in part(outcome)]


def _what_moved(outcome: Mapping[str, Any]) -> List[str]:
    if not outcome.get("revision"):
        return []
    return ["revision {0}, backup set {1}".format(outcome["revision"], outcome.get("label", ""))]


def _times(outcome: Mapping[str, Any]) -> List[str]:
    return ["{0}, whole run {1} s".format(_downtime(outcome), outcome["total"])] if outcome["frozen_at"] else []


def _promised(outcome: Mapping[str, Any]) -> List[str]:
    if outcome["status"] not in WITH_PROMISES:
        return []
    return list(_promises.lines(outcome["promises"]))


def _tried(outcome: Mapping[str, Any]) -> List[str]:
    tried = [text for text in outcome.get("tried") or [] if text]
    return ["tried before the freeze: {0}".format(", ".join(tried))] if tried else []


def notes(outcome: Mapping[str, Any]) -> List[str]:
    """Return notes for the user, line by line."""
    return ["note: " + str(note) for note in outcome.get("notes") or []]


def _steps_taken(outcome: Mapping[str, Any]) -> List[str]:
    """Say where the time went: before the freeze, and within the downtime, to which those figures add up."""
    before, window = _listed(outcome["steps"]), outcome["window"]
    rest = outcome["downtime"] - sum(window.values())
    within = _listed({**window, "between the calls": rest}) if outcome["downtime"] else []
    return [
        *(["before the freeze: " + ", ".join(before)] if before else []),
        *(["within the downtime: " + ", ".join(within)] if within else []),
    ]


def _listed(seconds: Mapping[str, float]) -> List[str]:
    return ["{0} {1:.1f} s".format(name, value) for name, value in seconds.items() if value >= 0.05]


def _migrations(outcome: Mapping[str, Any]) -> List[str]:
    """Say what was migrated database by database, or else by name."""
    applied = [name for plan in (outcome.get("migrations") or {}).values() for name in plan]
    return _migrated(outcome) or (["migrations applied: " + ", ".join(applied)] if applied else [])


def _media_kept(outcome: Mapping[str, Any]) -> List[str]:
    if not outcome.get("media_previous"):
        return []
    return ["files of MEDIA that were only on new are kept in {0}".format(outcome["media_previous"])]


def _warned(outcome: Mapping[str, Any]) -> List[str]:
    warnings = outcome.get("warnings")
    return ["warnings of Django's check: {0}, see the report".format(len(warnings))] if warnings else []


def _downtime(outcome: Mapping[str, Any]) -> str:
    since = "at {0}".format(_ending.clock(outcome["frozen_at"]))
    if outcome["status"] == "failed" or not outcome["served_at"]:
        return "the freeze began {0}".format(since)
    if not outcome.get("stopped"):
        return "no downtime was measured: this run stopped no unit on old; the dump began {0}".format(since)
    return "downtime {0} s (frozen {1})".format(outcome["downtime"], since)


def _table_lines(tables: Mapping[str, Sequence[Mapping[str, Any]]], room: int) -> List[str]:
    """The tables that differ, then the largest.

    :param room: how many lines they may take
    """
    rows = [(alias, row) for alias, items in sorted(tables.items()) for row in items]
    rows.sort(key=lambda item: (item[1]["old"] == item[1]["new"], -item[1]["old"]))
    shown = rows if len(rows) <= room else rows[: room - 1]
    lines = [
        "  {0:<12} {1:<44} {2:>12,} {3:>12} {4}".format(
            alias,
            row["table"][:44],
            row["old"],
            _page.number(row["new"]),
            "" if row["old"] == row["new"] else "<-- DIFFERENT",
        ).rstrip()
        for alias, row in shown
    ]
    if len(rows) > len(shown):
        lines.append("  ... and {0} more tables, all in the report".format(len(rows) - len(shown)))
    return lines


def _migrated(outcome: Mapping[str, Any]) -> List[str]:
    """Say what a move migrated, database by database."""
    found = _received.mapping(outcome.get("migrated")).values()
    return [_received.text(item["text"]) for item in found if isinstance(item, Mapping) and item.get("text")]


def obstacles_text(obstacles: Sequence[Mapping[str, Any]]) -> str:
    """Every obstacle, numbered, each with its remedy."""
    count = "1 obstacle is" if len(obstacles) == 1 else "{0} obstacles are".format(len(obstacles))
    lines = [count + " in the way; nothing was changed"]
    for number, item in enumerate(obstacles, 1):
        code, host, alias = (_received.text(item.get(key)) for key in ("code", "host", "alias"))
        where = host + (", database " + alias if alias else "")
        lines.append(
            "{0}. [{1}] on {2}: {3}".format(number, code, where, _indented(_received.message(item.get("msg"))))
        )
        if item.get("hint"):
            lines.append("   Next: " + _received.text(item["hint"]))
    return "\n".join(lines)


def _indented(words: str) -> str:
    return words.replace("\n", "\n   ")
