# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what became of a site in one sentence, for playbooks without a report; each word as it was measured."""

from __future__ import annotations

import datetime
from typing import Any, Mapping, Tuple

from ansible_collections.relocate.django.plugins.plugin_utils import _promises, _received

KINDS = (
    "restored",
    "converted",
    "kept",
    "undone",
    "rehearsed",
    "upgrade_planned",
    "upgraded",
    "upgrade_failed",
    "rolled_back",
    "cloned",
    "retired",
)


def sentence(kind: str, site: str, outcome: Mapping[str, Any]) -> str:
    """One of :data:`KINDS` in words.

    :param outcome: ``host``, ``set``, ``made`` (where and when the set was made), ``engines``, ``check`` (nothing was
        done), ``running`` (units that run now), ``starting`` (it was about to serve from the new database),
        ``measured`` (as in a move's outcome), ``requests`` and ``migrations`` (of a rehearsal)
    """
    told = _received.data(outcome)
    say = _SAY[kind]
    return "Site {0} {1}".format(_received.text(site), say(told))


def _restored(told: Mapping[str, Any]) -> str:
    where = "on {0} from set {1}{2} ({3})".format(_text(told, "host"), _text(told, "set"), _made(told), _pinned(told))
    if told.get("check"):
        return "would be restored {0}".format(where)
    if not _received.mapping(_received.mapping(told.get("measured")).get("verify")):
        return "{0} {1}; NOT verified in this run, since it has served here".format(_runs(told), where)
    return "{0} {1}; {2}".format(_runs(told), where, _proof(told))


def _converted(told: Mapping[str, Any]) -> str:
    return "{0} on {1}, from {2} now; {3}; the database that it had is kept; set {4} holds both forms".format(
        _runs(told), _text(told, "host"), _text(told, "engines"), _proof(told), _text(told, "set")
    )


def _kept(told: Mapping[str, Any]) -> str:
    units = ", ".join(_received.text(name) for name in _received.items(told.get("running")))
    runs = "runs ({0})".format(units) if units else "is in place (no unit was started)"
    since = "which this run wrote nothing to"
    if _received.yes(told.get("starting")):
        since = "as it was at the freeze; what users wrote since is in the new database, which stays until "
        since += "relocate_replace is set"
    return "{0} again, from the database that it had, {1}.".format(runs, since)


def _undone(told: Mapping[str, Any]) -> str:
    kept = "Data that {0} received stays in its databases and MEDIA; none of it is carried back".format(
        _text(told, "new")
    )
    if told.get("check"):
        return "would be started on {0} again. {1}".format(_text(told, "host"), kept)
    return "{0} on {1} again. {2}".format(_runs(told), _text(told, "host"), kept)


def _rehearsed(told: Mapping[str, Any]) -> str:
    if told.get("check"):
        return "on {0} would have its set loaded beside the live databases, and dropped".format(_text(told, "host"))
    words = "on {0}: set {1} was loaded beside the live databases and dropped; {2}".format(
        _text(told, "host"), _text(told, "set"), _proof(told)
    )
    rows = [_received.mapping(item) for item in _received.items(told.get("migrations"))]
    took = ["{0} of {1} {2:.1f} s".format(*_migration(row)) for row in rows]
    migrated = "; migrated on the copy: {0}".format(", ".join(took)) if took else ""
    return "{0}{1}; {2} requests".format(words, migrated, len(_received.items(told.get("requests"))))


def _migration(row: Mapping[str, Any]) -> Tuple[str, str, float]:
    return _text(row, "name"), _text(row, "alias"), _received.number(row.get("seconds"))


def _runs(told: Mapping[str, Any]) -> str:
    """Say whether it serves: by its answers if they were asked for, else by its units."""
    if _promises.answered(told.get("measured")):
        return "answers"
    units = [_received.text(name) for name in _received.items(told.get("running"))]
    if units:
        return "runs ({0}; its answers were NOT asked)".format(", ".join(units))
    return "is in place (no unit was started and no answer asked)"


def _proof(told: Mapping[str, Any]) -> str:
    found = _promises.promises({"measured": told.get("measured"), "proven": True})
    return _promises.words([item for item in found if item["promise"] not in ("still", "answers")])


def _made(told: Mapping[str, Any]) -> str:
    return ", made on {0} at {1}".format(_text(told, "made_on"), _text(told, "made_at")) if told.get("made_on") else ""


def _pinned(told: Mapping[str, Any]) -> str:
    if told.get("pinned") in (None, "", "not pinned"):
        return "not pinned: only its own manifest says that it was not edited"
    return "its manifest is the pinned one"


def _text(told: Mapping[str, Any], key: str) -> str:
    return _received.text(told.get(key))


def _upgrade_planned(told: Mapping[str, Any]) -> str:
    way = "from {0} to {1}".format(_text(told, "before"), _text(told, "revision"))
    if not _received.yes(told.get("needed")):
        return "runs {0} on {1} already: there is nothing to do".format(_text(told, "revision"), _text(told, "host"))
    if _received.yes(told.get("unfinished")):
        return "was left half way {0} on {1}, and would be put back first".format(way, _text(told, "host"))
    return "would be upgraded {0} on {1}".format(way, _text(told, "host"))


def _upgraded(told: Mapping[str, Any]) -> str:
    text = "{0} on {1}, upgraded from {2} to {3}; {4}; databases, code and packages of before are kept (rollback.yml)"
    before, after = _text(told, "before"), _text(told, "revision")
    return text.format(_runs(told), _text(told, "host"), before, after, _proof(told))


def _upgrade_failed(told: Mapping[str, Any]) -> str:
    if not _received.yes(told.get("frozen")):
        return "was not stopped, and serves as before."
    back = _received.mapping(told.get("back"))
    saved = " What was written to it since is in set {0}.".format(_text(back, "saved")) if back.get("saved") else ""
    if not _received.yes(back.get("put_back")):
        return "{0} again; neither code nor databases had been changed.".format(_runs(told))
    text = "{0} again, with the code, the packages and the databases that it had.{1}"
    return text.format(_runs(told), saved)


def _rolled_back(told: Mapping[str, Any]) -> str:
    back = _received.mapping(told.get("back"))
    saved = "; what was written since is in set {0}".format(_text(back, "saved")) if back.get("saved") else ""
    if _received.yes(told.get("check")) and _received.yes(back.get("upgraded")):
        way = "from {0} to {1}".format(_text(back, "revision"), _text(back, "before"))
        return "would be rolled back {0} on {1}".format(way, _text(told, "host"))
    if not _received.yes(back.get("put_back")):
        return "has no upgrade on {0} that there is a way back from: nothing was done".format(_text(told, "host"))
    before, after = _text(back, "before"), _text(back, "revision")
    text = "{0} on {1}, rolled back from {2} to {3}{4}"
    return text.format(_runs(told), _text(told, "host"), after, before, saved)


def _cloned(told: Mapping[str, Any]) -> str:
    where = "on {0} from set {1}".format(_text(told, "host"), _text(told, "set"))
    if told.get("check"):
        return "would be cloned {0}, and sanitised before it serves".format(where)
    tables = [_received.mapping(found) for found in _received.mapping(told.get("tables")).values()]
    rows = [_received.count(rows) or 0 for found in tables for what in found.values() for rows in _values_of(what)]
    done = "sanitised ({0} rows of {1} tables)".format(sum(rows), sum(len(found) for found in tables))
    if not _received.items(told.get("loaded")):
        done = "nothing was loaded, since it was a clone of that set already"
    return "{0} {1}; {2}; {3}".format(_runs(told), where, done, _unrecognised(told))


def _values_of(what: Any) -> Any:
    return _received.mapping(what).values()


def _unrecognised(told: Mapping[str, Any]) -> str:
    every = _received.mapping(told.get("unrecognised")).values()
    rows = [_received.mapping(row) for found in every for row in _received.items(found)]
    if not rows:
        return "the search found no column that no rule names"
    named = ["{0}.{1} ({2}, {3} rows)".format(*[_text(row, key) for key in _COLUMN]) for row in rows]
    return "LEFT AS THEY WERE, since no rule names them: " + ", ".join(named)


def _retired(told: Mapping[str, Any]) -> str:
    """Say for how long nobody came by old, exactly as far as it is known, and what becomes of what sends them on."""
    found, host = _received.mapping(told.get("forward")), _text(told, "host")
    if not _received.yes(found.get("forwards")):
        return "has nothing on {0} that sends visitors on".format(host)
    way = "is sent on from {0} to {1} by {2} since {3}".format(
        host, _text(found, "to"), _text(found, "by"), _moment(found, "at")
    )
    return "{0}; {1}; {2}".format(way, _seen(found), _kept_on(told, found))


def _seen(found: Mapping[str, Any]) -> str:
    if found.get("broken"):
        return "nobody can tell who came: {0}".format(_text(found, "broken"))
    since, last = _received.number(found.get("quiet_since")), _received.number(found.get("last_visit"))
    text = "nobody came for {0:.1f} h, since {1}".format(
        _received.number(found.get("quiet_hours")), _moment(found, "quiet_since")
    )
    if last and int(since) == int(last):
        text = "the last visitor came {0:.1f} h ago, at {1}".format(
            _received.number(found.get("quiet_hours")), _moment(found, "last_visit")
        )
    visits = _received.count(found.get("visits"))
    more = " or more" * _received.yes(found.get("visits_more"))
    return text + ("" if visits is None else "; {0}{1} requests in the last 24 hours".format(visits, more))


def _kept_on(told: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    check = _received.yes(told.get("check"))
    if _received.yes(found.get("removed")):
        return "nobody {0} sent on any more".format("would be" if check else "is")
    wanted = str(told.get("wanted"))
    if wanted.startswith("-"):
        return "this goes on; relocate_quiet_hours ends it, once it was quiet for so many hours"
    return "this goes on until it was quiet for {0} h (relocate_quiet_hours)".format(_text(told, "wanted"))


def _moment(found: Mapping[str, Any], key: str) -> str:
    at = datetime.datetime.fromtimestamp(_received.number(found.get(key)), datetime.timezone.utc)
    return at.strftime("%Y-%m-%d %H:%M UTC")


_COLUMN = ("table", "column", "looks_like", "rows")
_SAY = {
    "restored": _restored,
    "converted": _converted,
    "kept": _kept,
    "undone": _undone,
    "rehearsed": _rehearsed,
    "upgrade_planned": _upgrade_planned,
    "upgraded": _upgraded,
    "upgrade_failed": _upgrade_failed,
    "rolled_back": _rolled_back,
    "cloned": _cloned,
    "retired": _retired,
}
