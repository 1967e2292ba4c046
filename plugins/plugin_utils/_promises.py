# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists what a run promises about a site, and whether it measured it. Pure functions of an outcome.

A word such as "proven" is printed only for what stands here as measured.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

#: The only states of a promise; scripts go by them.
MEASURED, PARTLY, NOT_ASKED, FAILED = "measured", "partly", "not asked", "failed"
#: Stable names, in the order in which they are shown, and what people call them.
NAMES = {
    "rows": "rows",
    "content": "content",
    "schema": "schema",
    "sequences": "sequences",
    "media": "MEDIA",
    "settings": "settings",
    "checks": "Django's check",
    "migrations": "migrations known to the code",
    "models": "rows as models see them",
    "still": "old unchanged since its dump",
    "answers": "answers",
    "downtime": "downtime",
}
#: Those of a proof; the rest is told beside it.
PROOF = ("rows", "content", "schema", "sequences", "media", "settings", "checks", "migrations", "models", "still")
#: Error codes that say that a promise was asked for, and does not hold.
_BROKEN = {
    "data_differs": "rows",
    "sequence_behind": "sequences",
    "freeze_lost": "still",
    "site_silent": "answers",
    "media_skipped": "media",
    "media_not_copied": "media",
}
_SHOWN = 5  # names in a line

Promise = Dict[str, str]


def promises(outcome: Mapping[str, Any]) -> List[Promise]:
    """Each promise of a move with its status, its figures, and why it was not asked for."""
    measured = _mapping(outcome.get("measured"))
    databases = _databases(_mapping(measured.get("verify")).get("databases"), measured.get("restore"))
    verify = _mapping(measured.get("verify"))
    found = [
        _rows(databases),
        _content(databases),
        _schema(databases),
        _sequences(databases),
        _media(verify, measured.get("objects")),
        _plain("settings", verify.get("settings"), "imported on new as its owner"),
        _checks(verify),
        _plain("migrations", verify.get("migrations"), "every one that is applied"),
        _models(verify),
        _still(measured.get("still"), outcome),
        _answers(measured.get("answers")),
        _downtime(outcome),
    ]
    return [_as_it_ended(item, outcome) for item in found]


def _promise(name: str, status: str, figures: str = "", why: str = "") -> Promise:
    return {"promise": name, "status": status, "figures": figures, "why": why}


def _as_it_ended(item: Promise, outcome: Mapping[str, Any]) -> Promise:
    """The promise that a failure was about is broken; what was not reached before it was not asked for."""
    if not outcome.get("failed"):
        return item
    broken = _sequence(outcome.get("broken")) or [_BROKEN.get(str(outcome.get("code") or ""))]
    if item["promise"] in broken:
        return _promise(item["promise"], FAILED, why="[{0}]".format(outcome.get("code")))
    return dict(item, why="the run ended before") if item["status"] == NOT_ASKED else item


def _databases(verified: Any, restored: Any) -> Dict[str, Mapping[str, Any]]:
    """By alias: what the restore compared, which looks into more, else what verify did; nothing where it is junk."""
    found: Dict[str, Mapping[str, Any]] = {}
    for told in (verified, restored):
        for alias, item in _mapping(told).items():
            known = found.get(str(alias), {})
            found[str(alias)] = _mapping(item) if _is_database(item) else known
    return dict(sorted(found.items()))


def _is_database(item: Any) -> bool:
    """Tell whether it has every figure that a comparison of a database gives, and they can be true."""
    figures = _mapping(item)
    known = all(_is_number(figures.get(key)) for key in ("tables", "rows", "contents", "sequences"))
    return known and _number(figures["contents"]) <= _number(figures["tables"])


def _compared(databases: Mapping[str, Mapping[str, Any]], name: str) -> Optional[Promise]:
    """The promise when no database was compared; None when one was."""
    if any(databases.values()):
        return None
    why = (
        "the figures of {0} are unreadable".format(_some(list(databases))) if databases else "no database was compared"
    )
    return _promise(name, NOT_ASKED, why=why)


def _over_databases(databases: Mapping[str, Mapping[str, Any]], name: str, figures: str) -> Promise:
    """A promise about all databases, as far as their figures could be read."""
    left = [alias for alias, item in databases.items() if not item]
    return _promise(name, PARTLY if left else MEASURED, figures, "not of {0}".format(_some(left)) if left else "")


def _rows(databases: Mapping[str, Mapping[str, Any]]) -> Promise:
    tables, rows = (sum(_number(item.get(key)) for item in databases.values()) for key in ("tables", "rows"))
    figures = "{0:,} in {1}".format(rows, _count(tables, "table"))
    return _compared(databases, "rows") or _over_databases(databases, "rows", figures)


def _content(databases: Mapping[str, Mapping[str, Any]]) -> Promise:
    none = _compared(databases, "content")
    if none is not None:
        return none
    tables, hashed = (sum(_number(item.get(key)) for item in databases.values()) for key in ("tables", "contents"))
    if hashed >= tables:
        return _over_databases(databases, "content", "fingerprints of {0}".format(_count(tables, "table")))
    why = _counted(databases, tables - hashed)
    if not hashed:
        return _promise("content", NOT_ASKED, why=why)
    return _promise("content", PARTLY, "fingerprints of {0} of {1}".format(hashed, _count(tables, "table")), why)


def _counted(databases: Mapping[str, Mapping[str, Any]], count: int) -> str:
    """Say of which tables rows were counted, and nothing more."""
    unwritten = sum(_number(item.get("unwritten")) for item in databases.values())
    if unwritten == count:
        return "{0} not written to since the first copy: by count only".format(_count(count, "table"))
    only = [
        "{0}: {1}".format(alias, name) if len(databases) > 1 else str(name)
        for alias, item in databases.items()
        for name in _sequence(item.get("counted"))
    ]
    return "{0} compared by count only: {1}".format(_count(count, "table"), _some(only))


def _schema(databases: Mapping[str, Mapping[str, Any]]) -> Promise:
    asked = {alias: item for alias, item in databases.items() if _is_number(item.get("schema"))}
    left = [alias for alias in databases if alias not in asked]
    figures = _count(sum(_number(item["schema"]) for item in asked.values()), "definition")
    if not asked:
        why = "no state of the schema was recorded on old"
        return _compared(databases, "schema") or _promise("schema", NOT_ASKED, why=why)
    return _promise("schema", PARTLY if left else MEASURED, figures, "not of {0}".format(_some(left)) if left else "")


def _sequences(databases: Mapping[str, Mapping[str, Any]]) -> Promise:
    count, moved = (sum(_number(item.get(key)) for item in databases.values()) for key in ("sequences", "advanced"))
    figures = "{0}, {1} of them advanced (relocate_sequences)".format(count, moved) if moved else str(count)
    return _compared(databases, "sequences") or _over_databases(databases, "sequences", figures)


def _media(verify: Mapping[str, Any], copied: Any = None) -> Promise:
    """MEDIA on disks, and in object storage where a host keeps it there."""
    found = verify.get("media")
    if not isinstance(found, Mapping):
        return _promise("media", NOT_ASKED, why="relocate_media is false" if verify else "")
    on_disk = _media_on_disk(found)
    figures, whys = _objects(found.get("stores"), copied)
    if not figures and not whys:
        return on_disk
    is_empty = on_disk["status"] == MEASURED and not found.get("root")
    figures = [*figures, *([] if is_empty else [on_disk["figures"]])]
    whys = [*whys, *filter(None, [on_disk["why"]])]
    status = (PARTLY if whys else MEASURED) if any(figures) else NOT_ASKED
    return _promise("media", status, "; ".join(filter(None, figures)), "; ".join(whys))


def _objects(stores: Any, copied: Any) -> Tuple[List[str], List[str]]:
    """Say what was compared in object storage, and what was not, and why.

    :param stores: where each of the two hosts keeps files, as ``verify`` returns it
    :param copied: what was copied from one place to another, as ``media_objects`` returns it
    """
    figures: List[str] = []
    whys: List[str] = []
    done = {str(item.get("who")): item for item in map(_mapping, _sequence(copied))}
    for pair in map(_mapping, _sequence(stores)):
        who, old, new = (str(pair.get(key, "")) for key in ("who", "old", "new"))
        found = done.get(who, {})
        if pair.get("relation") == "same":
            whys.append("{0} lies in {1}, which both sites use: not moved".format(who, new))
        elif found and all(_is_number(found.get(key)) for key in ("objects", "bytes", "by_size")):
            figures.append(_copied(found, who, old, new))
            if _number(found["by_size"]):
                whys.append("{0} without a checksum: by size only".format(_count(_number(found["by_size"]), "object")))
        else:
            whys.append("{0} was in {1}; new keeps it in {2}: not copied".format(who, old, new))
    return figures, whys


def _copied(found: Mapping[str, Any], who: str, old: str, new: str) -> str:
    count, size = _count(_number(found["objects"]), "object"), _number(found["bytes"]) / 1e6
    text = "{0} from {1} to {2}: {3}, {4:.1f} MB, equal by name, size and checksum"
    return text.format(who, old, new, count, size)


def _media_on_disk(found: Mapping[str, Any]) -> Promise:
    if "root" in found and found["root"] in (None, ""):
        return _promise("media", MEASURED, "old has none")
    if not isinstance(found.get("root"), str) or not all(_is_number(found.get(key)) for key in ("files", "bytes")):
        return _promise("media", NOT_ASKED, why="its figures are unreadable")
    figures = "{0}, {1:.1f} MB, equal by name, size and time".format(
        _count(_number(found.get("files")), "file"), _number(found.get("bytes")) / 1e6
    )
    skipped = [str(item) for item in _sequence(found.get("skip"))]
    if skipped:
        return _promise("media", PARTLY, figures, "relocate_media_skip leaves out {0}".format(_some(skipped)))
    return _promise("media", MEASURED, figures)


def _plain(name: str, value: Any, figures: str) -> Promise:
    return _promise(name, MEASURED, figures) if value is True else _promise(name, NOT_ASKED)


def _checks(verify: Mapping[str, Any]) -> Promise:
    if not _is_number(verify.get("checks")):
        return _promise("checks", NOT_ASKED)
    return _promise("checks", MEASURED, "no error, {0}".format(_count(_number(verify["checks"]), "warning")))


def _models(verify: Mapping[str, Any]) -> Promise:
    if not _is_number(verify.get("models")):
        return _promise("models", NOT_ASKED)
    return _promise("models", MEASURED, _count(_number(verify["models"]), "model"))


def _still(value: Any, outcome: Mapping[str, Any]) -> Promise:
    if _is_number(value):
        return _promise("still", MEASURED, _count(_number(value), "database"))
    return _promise("still", NOT_ASKED, why="relocate_recheck is false" if outcome.get("proven") else "")


def _answers(value: Any) -> Promise:
    asked = _asked(value)
    if not asked:
        why = "the answers are unreadable" if value else "relocate_answers is empty"
        return _promise("answers", NOT_ASKED, why=why)
    return _promise("answers", MEASURED, ", ".join(_answered(item) for item in asked[:_SHOWN]))


def _asked(value: Any) -> List[Mapping[str, Any]]:
    """Return what answered, with the status that a server gave."""
    return [item for item in _sequence(value) if isinstance(item, Mapping) and _is_number(item.get("status"))]


def answered(measured: Any) -> bool:
    """Tell whether a site was asked for answers and gave them."""
    return bool(_asked(_mapping(measured).get("answers")))


def _answered(item: Mapping[str, Any]) -> str:
    return "{0} {1}".format(item.get("url", ""), item.get("status", ""))


def _downtime(outcome: Mapping[str, Any]) -> Promise:
    seconds = downtime(outcome)
    if seconds is None:
        why = "no unit was stopped on old and started on new"
        return _promise("downtime", NOT_ASKED, why=why)
    end = "the first answers" if answered(outcome.get("measured")) else "the units ran"
    return _promise("downtime", MEASURED, "{0} s, until {1} on new".format(seconds, end))


def downtime(outcome: Mapping[str, Any]) -> Optional[float]:
    """Seconds from the freeze to the cutover; None when nothing was stopped and started, so that nobody knows it."""
    begun, served = outcome.get("frozen_at"), outcome.get("served_at")
    if not (isinstance(begun, float) and isinstance(served, float) and begun and served):
        return None
    return round(served - begun, 1) if _sequence(outcome.get("stopped")) else None


def words(found: Sequence[Promise]) -> str:
    """Say what was proven, and what nobody asked for: the end of a headline."""
    status = {item["promise"]: item["status"] for item in found}
    proven = [NAMES[name] for name in (*PROOF, "answers") if status.get(name) in (MEASURED, PARTLY)]
    lacking = [item for item in found if item["promise"] != "downtime" and item["status"] in (NOT_ASKED, PARTLY)]
    parts = ["proven: " + ", ".join(proven)] if proven else []
    if lacking:
        parts.append("NOT asked: " + ", ".join(_lacking(item) for item in lacking))
    return "; ".join(parts)


def _lacking(item: Promise) -> str:
    name = NAMES[item["promise"]]
    if item["status"] == PARTLY:
        return "all of {0} ({1})".format(name, item["why"])
    return "{0} ({1})".format(name, item["why"]) if item["why"] else name


def lines(found: Sequence[Promise]) -> List[str]:
    """One line a promise."""
    return [
        "{0:<30} {1:<10} {2}".format(
            NAMES[item["promise"]], item["status"], "; ".join(filter(None, (item["figures"], item["why"])))
        ).rstrip()
        for item in found
    ]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _is_number(value: Any) -> bool:
    """Tell whether it is a count; ansible-core 2.18 makes text of a single one."""
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) < 19
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> int:
    return int(value) if _is_number(value) else 0


def _count(number: int, what: str) -> str:
    return "{0:,} {1}{2}".format(number, what, "" if number == 1 else "s")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
