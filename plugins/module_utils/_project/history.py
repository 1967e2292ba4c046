# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the migrations that are applied to databases with those that the code on a host knows.

Code that is older than its database answers every page until somebody writes: the first INSERT lacks a column.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_SHOWN = 5  # names in a message


def record(migrations: Mapping[str, Any], history: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a set keeps of old: per alias what is applied and unknown to old's own code; who replaces whom.

    :param migrations: the probe's answer ``migrations``
    :param history: the probe's answer ``history``
    """
    aliases = migrations.get("aliases", {})
    return {
        "applied": {alias: list(item.get("applied", ())) for alias, item in sorted(aliases.items())},
        "unknown": {alias: list(item.get("unknown", ())) for alias, item in sorted(aliases.items())},
        "replaced": {name: list(by) for name, by in sorted(history.get("replaced", {}).items())},
    }


def lacking(
    recorded: Mapping[str, Any], history: Mapping[str, Any], descends: Callable[[], bool] = lambda: False
) -> Tuple[Dict[str, List[str]], Dict[str, List[str]]]:
    """By alias, the applied migrations that this host's code lacks; and those that it may lack.

    It may lack what old's own code did not know either, what a squashed migration that is applied replaces, and the
    migrations of an app that a later revision removed.

    :param recorded: what :func:`record` returned on old
    :param history: the probe's answer ``history`` on this host
    :param descends: tells whether the revision here came after the one on old
    """
    known, apps = set(history["known"]), set(history["apps"])
    missing: Dict[str, List[str]] = {}
    excused: Dict[str, List[str]] = {}
    for alias, applied in sorted(recorded.get("applied", {}).items()):
        stale = set(recorded.get("unknown", {}).get(alias, ()))
        for name in applied:
            if name in known or _is_squashed(name, recorded.get("replaced", {}), known & set(applied)):
                continue
            removed = name.partition(".")[0] not in apps
            spared = name in stale or (removed and descends())
            (excused if spared else missing).setdefault(alias, []).append(name)
    return missing, excused


def pending(recorded: Mapping[str, Any], history: Mapping[str, Any]) -> List[str]:
    """List this host's migrations that are applied to no database of old, nor stand for some that all are.

    :param recorded: what :func:`record` returned on old
    :param history: the probe's answer ``history`` on this host
    """
    applied = {name for names in recorded.get("applied", {}).values() for name in names}
    stands_for: Dict[str, Set[str]] = {}
    for name, by in history["replaced"].items():
        for one in by:
            stands_for.setdefault(one, set()).add(name)
    covered = {one for one, names in stands_for.items() if names <= applied}
    gone = {name for one, names in stands_for.items() if one in applied for name in names}
    return sorted(set(history["known"]) - applied - covered - gone)


def _is_squashed(name: str, replaced: Mapping[str, Sequence[str]], there: Set[str]) -> bool:
    """Tell whether a squashed migration stands for this one, directly or by being squashed itself."""
    pending, seen = [name], {name}
    while pending:
        for by in replaced.get(pending.pop(), ()):
            if by in there:
                return True
            if by not in seen:
                seen.add(by)
                pending.append(by)
    return False


def at_revision(history: Mapping[str, Any], top: str, names: Sequence[str]) -> Dict[str, Any]:
    """Return what the code of another revision would know, by its files: the answer ``history`` without what it lacks.

    A migration is there when a file of its app, package and name is, wherever the app was moved to. Those of installed
    packages are taken to be there.

    :param top: the real path of the checkout
    :param names: the files of that revision, relative to the top
    """
    tails = {_tail(name) for name in names}
    files = {name: str(path) for name, path in history.get("files", {}).items()}
    lost = {name for name, path in files.items() if path.startswith(top + "/") and _tail(path) not in tails}
    there = set(files) - lost
    known = there | {old for old, by in history["replaced"].items() if there & set(by)}
    gone = _apps_of(lost) - _apps_of(there)
    return {"known": sorted(known), "replaced": {}, "apps": [app for app in history["apps"] if app not in gone]}


def _apps_of(names: Iterable[str]) -> Set[str]:
    return {name.partition(".")[0] for name in names}


def _tail(path: str) -> str:
    return "/".join(path.replace(".pyc", ".py").split("/")[-3:])


def texts(found: Mapping[str, Sequence[str]], what: str) -> List[str]:
    """One sentence for each database, with the first names."""
    return [
        "database {0}: {1} {2}: {3}".format(
            alias, len(names), what, ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        )
        for alias, names in sorted(found.items())
    ]


def check(
    recorded: Mapping[str, Any],
    history: Mapping[str, Any],
    descends: Callable[[], bool] = lambda: False,
    aliases: Sequence[str] = (),
) -> List[str]:
    """Refuse code that lacks applied migrations, naming them; returns notes on those that it may lack.

    :param aliases: only these databases are looked at; by default all that are recorded
    Raises unknown_migration.
    """
    missing, excused = lacking(_chosen(recorded, aliases), history, descends)
    if missing:
        raise RelocateError(
            "unknown_migration",
            "; ".join(texts(missing, "applied migrations are not in the code on this host")),
            "check out a revision that holds them, with the packages that old has (relocate_revision,"
            " relocate_requirements), or take them back on old first (manage.py migrate APP NAME)",
            {"missing": missing},
        )
    return texts(excused, "applied migrations are not in the code here, nor needed by it")


def _chosen(recorded: Mapping[str, Any], aliases: Sequence[str]) -> Mapping[str, Any]:
    if not aliases:
        return recorded
    applied = recorded.get("applied", {})
    return dict(recorded, applied={alias: names for alias, names in applied.items() if alias in aliases})
