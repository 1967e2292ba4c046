# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a move went, in words: pure functions from an outcome to text and HTML."""

from __future__ import annotations

import datetime
import html
from typing import Any, Dict, List, Mapping, Sequence

_ROWS_SHOWN = 20


def status_of(outcome: Mapping[str, Any]) -> str:
    """One word for scripts: moved, already_moved, unfinished, checked, obstacles or failed."""
    if outcome.get("failed"):
        return "obstacles" if outcome.get("code") == "obstacles" else "failed"
    if outcome.get("unfinished"):
        return "unfinished"
    if outcome.get("done") or outcome.get("next") == "retire":
        return "already_moved"
    return "moved" if outcome.get("proven") and float(outcome.get("served_at") or 0) else "checked"


def enrich(outcome: Mapping[str, Any], now: float) -> Dict[str, Any]:
    """The outcome with its status, times as numbers, and the downtime in seconds."""
    result = dict(outcome)
    for key in ("begun", "frozen_at", "served_at"):
        result[key] = float(outcome.get(key) or 0)
    result["steps"] = {name: float(value or 0) for name, value in (outcome.get("steps") or {}).items()}
    result["status"] = status_of(outcome)
    result["ended"] = now
    result["total"] = round(now - result["begun"], 1) if result["begun"] else 0.0
    end = result["served_at"] or now
    result["downtime"] = round(end - result["frozen_at"], 1) if result["frozen_at"] else 0.0
    return result


def headline(outcome: Mapping[str, Any]) -> str:
    """What a person wants to know first."""
    words = {
        "moved": "MOVED and proven complete",
        "already_moved": "was moved before: nothing to do",
        "checked": "no obstacle found: the move can begin",
        "obstacles": "NOT BEGUN: there are obstacles",
        "failed": "FAILED",
        "unfinished": "MOVED and serving on new, but old was NOT RETIRED",
    }[outcome["status"]]
    if outcome["status"] == "already_moved" and outcome.get("next") == "retire":
        words = "was moved before: only old is left to be retired"
    if outcome["status"] == "failed":
        words += what_became_of_old(outcome)
    if outcome["status"] == "moved" and outcome.get("unfrozen"):
        words += " as of its backup; old was NOT STOPPED by this run"
    return "Site {0}: {1} -> {2}: {3}".format(outcome["site"], outcome["old"], outcome["new"], words)


def what_became_of_old(outcome: Mapping[str, Any]) -> str:
    """How a move that failed has left both hosts."""
    if not outcome["frozen_at"]:
        return " before the freeze; the old site was not touched"
    if outcome.get("old_serves"):
        return "; the old site serves again" + (", but CHECK BOTH HOSTS" if outcome.get("put_back") else "")
    if outcome.get("old_rests"):
        return "; the old site is retired, as it was before"
    return "; CHECK BOTH HOSTS" if outcome.get("starting") else "; CHECK THE OLD SITE"


def totals(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> List[str]:
    """One line a database."""
    lines = []
    for alias, rows in sorted(tables.items()):
        old, new = sum(row["old"] for row in rows), sum(row["new"] or 0 for row in rows)
        equal = all(row["old"] == row["new"] for row in rows)
        hashed = sum(1 for row in rows if row.get("fingerprint"))
        lines.append(
            "database {0}: {1} tables, {2:,} rows on old, {3:,} on new, {4}; content of {5} tables equal".format(
                alias, len(rows), old, new, "equal" if equal else "DIFFERENT", hashed
            )
        )
    return lines


def as_text(outcome: Mapping[str, Any]) -> str:
    """A screenful."""
    lines = ["", headline(outcome)]
    if outcome.get("msg"):
        lines += ["  at: {0}".format(outcome.get("task", "")), "  " + str(outcome["msg"]).replace("\n", "\n  ")]
    if outcome.get("put_back"):
        lines.append("  putting it back: " + str(outcome["put_back"]).replace("\n", "\n  "))
    if outcome.get("revision"):
        lines.append("  revision {0}, backup set {1}".format(outcome["revision"], outcome.get("label", "")))
    if outcome["frozen_at"]:
        lines.append(
            "  downtime {0} s (frozen at {1}), whole run {2} s".format(
                outcome["downtime"], _clock(outcome["frozen_at"]), outcome["total"]
            )
        )
    lines += ["  " + line for line in totals(outcome.get("tables") or {})]
    lines += _table_lines(outcome.get("tables") or {})
    took = ["{0} {1:.1f} s".format(name, value) for name, value in outcome["steps"].items() if value >= 0.05]
    if took:
        lines.append("  steps: " + ", ".join(took))
    applied = [name for plan in (outcome.get("migrations") or {}).values() for name in plan]
    if applied:
        lines.append("  migrations applied: " + ", ".join(applied))
    if outcome.get("media_previous"):
        lines.append("  files of MEDIA that were only on new are kept in {0}".format(outcome["media_previous"]))
    if outcome.get("warnings"):
        lines.append("  Django's check warns of {0} points, see the report".format(len(outcome["warnings"])))
    lines += ["  " + line for line in next_steps(outcome)]
    return "\n".join(lines) + "\n"


def _table_lines(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> List[str]:
    rows = [(alias, row) for alias, items in sorted(tables.items()) for row in items]
    rows.sort(key=lambda item: (item[1]["old"] == item[1]["new"], -item[1]["old"]))
    lines = [
        "    {0:<12} {1:<44} {2:>12,} {3:>12} {4}".format(
            alias,
            row["table"][:44],
            row["old"],
            _number(row["new"]),
            "" if row["old"] == row["new"] else "<-- DIFFERENT",
        ).rstrip()
        for alias, row in rows[:_ROWS_SHOWN]
    ]
    if len(rows) > _ROWS_SHOWN:
        lines.append("    ... and {0} more tables, all in the report".format(len(rows) - _ROWS_SHOWN))
    return lines


def _number(value: Any) -> str:
    return "absent" if value is None else "{0:,}".format(value)


def _clock(epoch: float) -> str:
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%H:%M:%SZ")


def next_steps(outcome: Mapping[str, Any]) -> List[str]:
    """What to do now, and how to undo."""
    if outcome["status"] == "moved":
        old = "old was not stopped: stop it yourself" if outcome.get("unfrozen") else "old is stopped and disabled"
        return [
            "next: point DNS at {0}; {1}, its data untouched".format(outcome["new"], old),
            "undo: ansible-playbook relocate.django.undo -i INVENTORY (old serves; what new took in stays on new)",
        ]
    if outcome["status"] == "unfinished":
        return ["next: mend the cause and run the same command again; it only retires the old site"]
    if outcome["status"] == "failed":
        if outcome.get("starting") and outcome["frozen_at"] and not outcome.get("old_serves"):
            return [
                "next: see that the site does not serve on {0}, then run relocate.django.undo: old serves again".format(
                    outcome["new"]
                )
            ]
        return ["next: mend the cause and run the same command again"]
    if outcome["status"] == "obstacles":
        return ["next: remove the obstacles and run the same command again"]
    return []


def as_html(outcome: Mapping[str, Any]) -> str:
    """One self-contained page: the screenful, then every table."""
    rows = "".join(
        '<tr class="{0}"><td>{1}</td><td>{2}</td><td>{3}</td><td>{4}</td><td>{5}</td></tr>'.format(
            "same" if row["old"] == row["new"] else "different",
            html.escape(alias),
            html.escape(row["table"]),
            _number(row["old"]),
            _number(row["new"]),
            "equal" if row.get("fingerprint") else "",
        )
        for alias, items in sorted((outcome.get("tables") or {}).items())
        for row in items
    )
    warnings = "".join("<li>{0}</li>".format(html.escape(str(item))) for item in outcome.get("warnings") or [])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>'
        "body{{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}}"
        "pre{{white-space:pre-wrap}}"
        "table{{border-collapse:collapse}}td,th{{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:left}}"
        ".different{{background:#fdd}}</style><h1>{title}</h1><pre>{text}</pre>"
        "<h2>Tables</h2><table><tr><th>database<th>table<th>old<th>new<th>content</tr>{rows}</table>"
        "<h2>Warnings of Django's check</h2><ul>{warnings}</ul></html>\n"
    ).format(title=html.escape(headline(outcome)), text=html.escape(as_text(outcome)), rows=rows, warnings=warnings)


def obstacles_text(obstacles: Sequence[Mapping[str, Any]]) -> str:
    """Every obstacle, numbered, each with its remedy."""
    count = "1 obstacle is" if len(obstacles) == 1 else "{0} obstacles are".format(len(obstacles))
    lines = [count + " in the way; nothing was changed"]
    for number, item in enumerate(obstacles, 1):
        where = item["host"] + (", database " + item["alias"] if item.get("alias") else "")
        lines.append("{0}. [{1}] on {2}: {3}".format(number, item["code"], where, item["msg"]))
        if item.get("hint"):
            lines.append("   Next: " + item["hint"])
    return "\n".join(lines)
