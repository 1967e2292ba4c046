# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the blank databases of a site, or drops its databases, and keeps the record of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import scan
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    Change,
    Record,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site, check_code
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info, origin
from ansible_collections.relocate.django.plugins.module_utils._steps.same_server import (
    place_here,
    place_of,
    same_database,
)


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``database``."""

    directory: str  # ours
    site: str
    state: str  # present; blank: must be able to take a set; absent
    recorded: Mapping[str, Any]  # by alias: the database on old, as preflight told it
    engines: Mapping[str, str]  # by alias: the engine that new has instead
    label: Optional[str]  # the set whose code must not be newer than this host's
    replace: bool  # a live database that must be kept may be put aside
    which: str  # is dropped: all, previous
    confirm: Optional[str]  # the site's name once more, for what is dropped

    @property
    def absent(self) -> bool:
        """Tell whether databases are dropped."""
        return self.state == "absent"

    @property
    def code_of(self) -> str:
        """The set whose code is compared with this host's; empty for none."""
        return "" if self.absent else str(self.label or "")

    def topics(self) -> List[str]:
        """Return what the project is asked about itself."""
        return ["django", "history"] if self.code_of else ["django"]

    def old(self, alias: str) -> Mapping[str, Any]:
        """Return what preflight told of a database on old; nothing when it did not."""
        known: Mapping[str, Any] = self.recorded.get(alias, {})
        return known


def work(site: Site, options: Options, check_mode: bool) -> Dict[str, Any]:
    """Make or drop one database after the other."""
    notes = code_notes(options, site) if options.code_of else []
    one = drop if options.absent else make
    made = {alias: one(site, alias, options, check_mode) for alias in site.engines}
    text = "".join(line + "\n" for lines in made.values() for line in lines)
    return {
        "changed": bool(text),
        "made": made,
        "media_root": str(site.facts["django"].get("media_root") or ""),
        "media_stores": site.facts["django"].get("media_stores") or [],
        "notes": notes,
        "diff": {"before": text, "after": ""} if options.absent else {"before": "", "after": text},
    }


def code_notes(options: Options, site: Site) -> List[str]:
    """Refuse code that is older than the set's databases, while old still serves. Raises unknown_migration."""
    backup = BackupSet.prepared(options.directory, options.site, options.code_of)
    return check_code(site, backup.read_prepared().code)


def recorded_for(options: Options, alias: str, engine: Engine) -> Optional[DatabaseFacts]:
    """The facts of the database on old, unless it gets another engine, as must have been said before."""
    plain = options.old(alias).get("facts")
    if not plain:
        return None
    facts = old_info.facts(plain)
    wanted = options.engines.get(alias, facts.engine)
    if engine.name != wanted and alias in options.engines:
        raise RelocateError(
            "unsupported_engine",
            "database {0} is {1} in the settings of new, not {2}".format(alias, engine.name, wanted),
            "name the database of the new engine in relocate_env_overrides",
        )
    if engine.name == facts.engine:
        return facts
    if engine.name != wanted:
        raise RelocateError(
            "unsupported_engine",
            "database {0} is {1} on old and {2} in the settings of new".format(alias, facts.engine, engine.name),
            "use the same engine, or set relocate_engines: {{{0}: {1}}} to convert it".format(alias, engine.name),
        )
    return None


def make(site: Site, alias: str, options: Options, check_mode: bool) -> List[str]:
    """Make what is missing for one alias; in check mode tell only."""
    engine = site.engines[alias]
    recorded = recorded_for(options, alias, engine)
    if options.state == "blank":
        refuse_olds(engine, options.old(alias), recorded)
    live = engine.describe()
    if options.state == "blank":
        record = read_record(options.directory, options.site)
        came_from = origin.origin(engine, record, count=False)
        origin.displaced_name(engine, live, came_from, record, options.replace)
    if check_mode:
        return [] if live.exists else ["database " + engine.config.name]
    made = engine.create_blank(recorded)
    scanned = options.old(alias).get("scanned")
    if scanned and recorded is None:
        scan.rehearse(site, engine, scanned)
    return made


def refuse_olds(engine: Engine, known: Mapping[str, Any], recorded: Optional[DatabaseFacts]) -> None:
    """The database must not be old's own, as preflight described it in this run. Raises same_host."""
    machine = str(known.get("machine_id") or "")
    if recorded is None or not machine:
        return
    if same_database(place_of(known, recorded, machine), place_here(engine, host_facts.machine_id())):
        raise RelocateError(
            "same_host",
            "refusing: by the settings of new, database {0} is the OLD one, on the same server".format(
                engine.config.alias
            ),
            "give the new site another database: name its HOST, PORT or NAME in relocate_env_overrides",
        )


def drop(site: Site, alias: str, options: Options, check_mode: bool) -> List[str]:
    """Drop what the options name; in check mode tell only. The record says first that live is no longer ours."""
    if options.confirm != options.site:
        raise RelocateError("bad_option", "state absent drops databases", "set confirm to the site's name")
    engine = site.engines[alias]
    chosen = (PREVIOUS,) if options.which == "previous" else (LIVE, INCOMING, PREVIOUS, DISCARDED)
    present = [which for which in chosen if engine.exists(which)]
    if not check_mode and present:
        if LIVE in chosen:
            _forget(options, alias)
        for which in present:
            engine.drop(which)
    return ["{0} database of {1}".format(which, alias) for which in present]


def _forget(options: Options, alias: str) -> None:
    """Note that the live database is no longer one that came out of a set."""
    record = read_record(options.directory, options.site)
    if record != Record():
        update_record(options.directory, options.site, Change(record, origin.forgotten(record, [alias])))
