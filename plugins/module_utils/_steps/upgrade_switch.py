# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches a frozen site to another revision, and back: code, environment and databases together.

The record says first what a switch was begun from, so that the way back is known whatever a killed run has left. While
it is begun no previous database was there before, so each one that is there was put aside by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import environments, other_code, vcs
from ansible_collections.relocate.django.plugins.module_utils._project.checkout import dirty
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Upgrade
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    UPGRADE_BEGUN,
    UPGRADE_DONE,
    Record,
    RecordFile,
    before_swap,
    of_swap,
)
from ansible_collections.relocate.django.plugins.module_utils._site import Site, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import migrations, origin
from ansible_collections.relocate.django.plugins.module_utils._steps.chosen_set import Source
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import state_of
from ansible_collections.relocate.django.plugins.module_utils._steps.swap import Swap, clear_up, roll_back
from ansible_collections.relocate.django.plugins.module_utils._steps.upgrade import Options, Places, refuse_previous
from ansible_collections.relocate.django.plugins.module_utils._steps.verify import expected_state
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user


def begun(options: Options) -> Dict[str, Any]:
    """Note what the site is now; the previous databases of the upgrade before this one go.

    Raises previous_exists for any other one.
    """
    kept, places = RecordFile.read(options.directory, options.site), Places.of(options)
    owner, commit = places.project.owner, options.wanted()
    now = vcs.revision(places.top, owner)
    with open_site(options.site_options) as site:
        refuse_previous(site, kept.record)
        for engine in site.engines.values():
            engine.drop(PREVIOUS)
        # What is live is kept by the swap, also where it came out of a set and nothing has served with it.
        settled = origin.settled(site.engines, kept.record)
        aside = origin.forgotten(settled, site.engines)
    noted = Upgrade(
        state=UPGRADE_BEGUN,
        label=options.needed_label(),
        before=now.commit,
        branch=now.branch,
        after=commit,
        top=places.top,
        owner=owner.name,
        venv=places.venv,
        kept=environments.kept_as(places.venv, owner),
        built=environments.built_name(places.venv, commit),
        noted=of_swap(settled),
    )
    kept.write(replace(aside, upgrade=noted))
    return {"changed": True, "before": now.commit, "revision": commit}


def switched(options: Options) -> Dict[str, Any]:
    """Check out the revision and put its environment in the place of the other one."""
    kept, places = RecordFile.read(options.directory, options.site), Places.of(options)
    noted, owner = _noted(kept.record), places.project.owner
    other_code.switch(places.top, owner, noted.after, {})
    environments.moved_source(
        environments.beside(noted.venv, noted.built), owner, places.staged.rstrip("/"), places.top.rstrip("/")
    )
    other_code.ignore(
        places.top, owner, [noted.venv, environments.beside(noted.venv, environments.pattern(noted.venv))]
    )
    environments.point(noted.venv, owner, noted.built)
    return {"changed": True, "before": noted.before, "revision": noted.after}


def _noted(record: Record) -> Upgrade:
    """Return what was begun. Raises no_upgrade."""
    if record.upgrade is None:
        raise RelocateError("no_upgrade", "this host has no record of an upgrade of the site", "run upgrade")
    return record.upgrade


def checked(options: Options) -> Dict[str, Any]:
    """See that migrations took no rows away, and note what the databases hold before the site serves with them.

    Raises rows_lost.
    """
    kept = RecordFile.read(options.directory, options.site)
    noted = _noted(kept.record)
    source = Source.find(options.directory, options.site, options.needed_label(), None)
    marks: Dict[str, Any] = {}
    lost: Dict[str, Any] = {}
    with open_site(options.site_options) as site:
        for alias, engine in site.engines.items():
            before = source.manifest.databases[alias].state
            after = expected_state(source.manifest, kept.record, alias)
            lost[alias] = migrations.rows_lost(before, after)
            migrations.refuse_lost(alias, lost[alias], options.rows_lost)
            marks[alias] = _mark(engine, after)
    kept.write(replace(kept.record, upgrade=replace(noted, marks=marks)))
    return {"changed": False, "rows_lost": {alias: found for alias, found in lost.items() if found}}


def _mark(engine: Engine, state: DatabaseState) -> Dict[str, Any]:
    return {
        "token": engine.change_token(),
        "method": state.method,
        "digest": origin.state_digest(state),
        "kept": engine.exists(PREVIOUS),  # a blank one is none
    }


def done(options: Options) -> Dict[str, Any]:
    """Note that the site serves, and remove what neither it nor the way back needs."""
    kept, places = RecordFile.read(options.directory, options.site), Places.of(options)
    noted, owner = _noted(kept.record), places.project.owner
    kept.write(replace(kept.record, upgrade=replace(noted, state=UPGRADE_DONE)))
    _unstaged(places.staged, places.venv, owner, [noted.kept, noted.built])
    return {"changed": True, "before": noted.before, "revision": noted.after}


def asked(options: Options) -> Dict[str, Any]:
    """Say whether there is a way back, and which databases were written since the upgrade was checked.

    Raises no_previous where an upgrade is done and a database of before is gone; no_upgrade and dirty_tree where the
    code is another one since; rows_written for what was written, when that is refused.
    """
    noted = RecordFile.read(options.directory, options.site).record.upgrade
    if noted is None:
        return {"changed": False, "upgraded": False, "taken_in": []}
    if noted.state == UPGRADE_DONE:
        _refuse_other_code(noted)
    taken: List[str] = []
    if noted.marks:  # before that nobody was let in, and the new code need not even start
        with open_site(options.site_options) as site:
            taken = _taken_in(site, noted.marks)
            _refuse_missing(site, noted.marks)
    if taken and options.refuse_written:
        raise RelocateError(
            "rows_written",
            "databases were written since the upgrade, and would be as they were before it: " + ", ".join(taken),
            "set relocate_rollback_saves: true to save what they hold now in a backup set first",
            {"taken_in": taken},
        )
    found = {"before": noted.before, "revision": noted.after, "taken_in": taken}
    return {"changed": True, "upgraded": True, "done": noted.state == UPGRADE_DONE, **found}


def _refuse_other_code(noted: Upgrade) -> None:
    now = vcs.revision(noted.top, lookup_user(noted.owner))
    if now.commit != noted.after:
        raise RelocateError(
            "no_upgrade",
            "the site runs {0}, and its last upgrade led to {1}".format(now.commit, noted.after),
            "check out the one that is wanted by another upgrade",
        )
    if now.dirty:
        raise dirty(noted.top, now.changes)


def _refuse_missing(site: Site, marks: Mapping[str, Any]) -> None:
    """Refuse a way back without the databases of before. Raises no_previous."""
    missing = [
        alias
        for alias, mark in marks.items()
        if mark.get("kept") and alias in site.engines and not site.engines[alias].exists(PREVIOUS)
    ]
    if missing:
        raise RelocateError(
            "no_previous",
            "there is no previous database of: {0}".format(", ".join(missing)),
            "restore the backup set that the upgrade made instead",
        )


def _taken_in(site: Site, marks: Mapping[str, Any]) -> List[str]:
    """Return the databases that hold something else than when the upgrade was checked; none before that."""
    found = []
    for alias, mark in marks.items():
        engine = site.engines.get(alias)
        if engine is None or mark.get("token") == engine.change_token():
            continue
        state = state_of(engine, LIVE, str(mark.get("method") or ""), True)
        if origin.state_digest(state) != mark.get("digest"):
            found.append(alias)
    return found


def back(options: Options) -> Dict[str, Any]:
    """Bring code, environment and databases of before back, whatever of an upgrade was done; nobody writes meanwhile.

    With the state ``back`` only an upgrade that did not end; else what was staged for it is removed. With
    ``rolled_back`` one that did.
    """
    kept = RecordFile.read(options.directory, options.site)
    noted = kept.record.upgrade
    if noted is None or (options.state == "back" and noted.state == UPGRADE_DONE):
        places = Places.of(options)
        _unstaged(places.staged, places.venv, places.project.owner, [noted.kept, noted.built] if noted else [])
        return {"changed": False, "put_back": False, "notes": []}
    # From here on the site is neither: whatever comes next goes this way to its end, and asks the code for nothing.
    kept.write(replace(kept.record, upgrade=replace(noted, state=UPGRADE_BEGUN, marks={})))
    owner = lookup_user(noted.owner)
    # What is asked of the project from here on is asked of the code and the packages that it had.
    other_code.put_back(noted.top, owner, noted.after, noted.before, noted.branch)
    environments.put_back(noted.venv, owner, noted.kept)
    with open_site(options.site_options) as site:
        failures = _databases_back(site, kept)
    kept.write(replace(before_swap(kept.record, noted.noted), upgrade=None))
    _unstaged(other_code.staged_path(noted.top), noted.venv, owner, [])
    found = {"before": noted.before, "revision": noted.after}
    return {"changed": True, "put_back": True, **found, "saved": options.label or "", "notes": failures}


def _unstaged(staged: str, venv: str, owner: Optional[SystemUser], keep: Sequence[str]) -> None:
    """Remove the code beside the one that serves, and environments that nothing needs."""
    environments.remove(staged, owner)
    for name in environments.left(venv, owner, keep):
        environments.remove(environments.beside(venv, name), owner)


def _databases_back(site: Site, kept: RecordFile) -> List[str]:
    """Swap every previous database back that the upgrade has put aside; returns what could not be dropped then."""
    engines = list(site.engines.values())
    todo = [engine for engine in engines if engine.exists(PREVIOUS)]
    for engine in engines:
        engine.drop(INCOMING)
    if not todo:  # nothing was swapped, or all of it was swapped back by a run that was killed then
        return clear_up([Swap(engine, DISCARDED) for engine in engines])
    kept.write(replace(kept.record, rolling=tuple(sorted(engine.config.alias for engine in todo))))
    return roll_back(engines, todo, lambda: kept.write(replace(kept.record, rolling=())))
