# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a clone out of a restored site: what may be sanitised, and how far that came.

Nothing but a database that came out of a backup set here, and that nothing has served with since, is ever changed: the
original's own databases are none. While it is being changed the record says so, and a run that comes after one that
died loads the set anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._project import sanitise
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Migrated
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    MIGRATIONS_APPLIED,
    SANITISING,
    Record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import origin
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import state_of

HOW = ("mask", "empty")


def is_clone(record: Record) -> bool:
    """Tell whether each database that was restored here has been sanitised."""
    return bool(record.restored) and all(record.sanitised.get(alias) == at for alias, at in record.restored.items())


def refuse_original(record: Record) -> None:
    """Refuse a host on which the site has served, and not as a clone. Raises not_a_clone."""
    if record.has_served() and not is_clone(record):
        raise RelocateError(
            "not_a_clone",
            "the site has served on this host, and not as a clone that was sanitised here",
            "clone it to another host; or beside this one, with a relocate_site, a relocate_path and databases of its"
            " own, relocate_allow_same_host: true, and this site named in relocate_clone_of",
        )


def wanted(site: Site, record: Record) -> List[str]:
    """Return the databases that are not sanitised yet. Raises not_a_clone for one that is no set's."""
    todo = []
    for alias in sorted(site.engines):
        noted = record.restored.get(alias, "")
        # The settings may name another database by now than the one that was restored: the original's, maybe.
        digest = noted if origin.origin(site.engines[alias], record, count=False) == noted else ""
        if digest and digest != SANITISING and record.sanitised.get(alias) == digest:
            continue
        why = _refused(record, alias, digest)
        if why:
            raise RelocateError(
                "not_a_clone",
                "database {0} {1}: it is left as it is".format(alias, why),
                "run relocate.django.clone, which restores a set and sanitises that",
            )
        todo.append(alias)
    return todo


def _refused(record: Record, alias: str, digest: str) -> str:
    """Return why a database may not be sanitised; empty when it may.

    :param digest: of the set that it came from; empty for any other database
    """
    if not digest:
        return "did not come out of a backup set here"
    if digest == SANITISING:
        return "was left half sanitised by a run that failed, so its set must be loaded anew"
    return "has served since it was restored" if record.has_served_with(alias) else ""


def refuse_others(site: Site, rules: Mapping[str, Any]) -> None:
    """Refuse settings that name more databases than take part: they are the original's, maybe. Raises not_sanitised."""
    others = sorted(set(site.others) - set(rules["others"]))
    if others:
        raise RelocateError(
            "not_sanitised",
            "the clone's settings name databases that are neither restored nor sanitised here: {0}".format(
                ", ".join(others)
            ),
            "name them in relocate_aliases too; or give them other databases, by relocate_env_overrides, and accept"
            " them by others of relocate_sanitise",
        )


#: The rules, each with what it is when it is not given.
_RULES: Mapping[str, Any] = {
    "builtin": True,
    "domain": "",
    "columns": {},
    "sql": {},
    "command": [],
    "mail_backends": [],
    "others": [],
    "unrecognised": "report",
}


def rules_of(given: Mapping[str, Any], aliases: Sequence[str]) -> Dict[str, Any]:
    """Return the rules as the program takes them. Raises bad_option."""
    rules = {name: given.get(name) or value for name, value in _RULES.items()}
    rules["builtin"] = given.get("builtin", True)
    wrong = _wrong(rules, aliases)
    if wrong:
        raise RelocateError(
            "bad_option",
            "relocate_sanitise cannot have: {0}".format(", ".join(sorted(map(str, wrong)))),
            "write columns as TABLE.COLUMN with mask or empty, and sql by engine or alias",
        )
    sql = {name: [found] if isinstance(found, str) else list(found) for name, found in rules["sql"].items()}
    return dict(rules, sql=sql, command=[str(word) for word in rules["command"]])


def _wrong(rules: Mapping[str, Any], aliases: Sequence[str]) -> List[str]:
    """Return the names that mean nothing."""
    known = {*(engine.name for engine in ENGINES), *aliases}
    columns = [name for name, how in rules["columns"].items() if how not in HOW or not name.rpartition(".")[0]]
    return columns + [name for name in rules["sql"] if name not in known]


def look(site: Site, rules: Mapping[str, Any]) -> None:
    """See that the project starts as it is set here, and would send no mail. Raises as :func:`sanitise.sanitise`."""
    sanitise.sanitise(site.project, site.secrets, dict(rules, aliases=[], apply=False))


def apply(site: Site, directory: str, name: str, record: Record, todo: Sequence[str], rules: Mapping[str, Any]) -> Any:
    """Sanitise databases, and note what they hold now. What fails leaves them to be loaded anew.

    :param name: the site's

    Returns what :func:`sanitise.sanitise` does.
    """
    kept = record.restored
    moving = {alias: SANITISING if alias in todo else digest for alias, digest in kept.items()}
    update_record(directory, name, lambda latest: replace(latest, restored=moving))
    with site.stopwatch.step("sanitise"):
        told = sanitise.sanitise(site.project, site.secrets, dict(rules, aliases=list(todo), apply=True))
    states = {alias: as_plain(state_of(site.engines[alias], LIVE, "", True)) for alias in todo}
    for alias, state in states.items():
        if state.get("large_objects"):
            told["notes"].append("database {0}: its large objects were not searched".format(alias))

    def done(latest: Record) -> Record:
        known = latest.migrated.states if latest.migrated else {}
        return replace(
            latest,
            restored=kept,
            sanitised={**latest.sanitised, **{alias: kept[alias] for alias in todo}},
            migrated=Migrated(MIGRATIONS_APPLIED, {**known, **states}),
        )

    update_record(directory, name, done)
    return told
