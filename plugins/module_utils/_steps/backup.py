# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making a backup set: code, environment and files first, databases when the site is frozen, the manifest last."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import json
import os
import time
from dataclasses import replace
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, OnSnapshot, Snapshot
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.dump import ParallelFixture, parallel_fixture
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory
from ansible_collections.relocate.django.plugins.module_utils._host.parents import record
from ansible_collections.relocate.django.plugins.module_utils._media import archive as media_archive
from ansible_collections.relocate.django.plugins.module_utils._media import inventory as media_inventory
from ansible_collections.relocate.django.plugins.module_utils._media.root import is_there
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseFacts,
    DatabaseState,
    Directory,
    DumpFile,
    Revision,
    as_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._project import history, packages, vcs
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._set import unversioned as set_unversioned
from ansible_collections.relocate.django.plugins.module_utils._set.directory import (
    BUNDLE,
    ENVIRONMENT,
    FIXTURES,
    MEDIA,
    PATCH,
    BackupSet,
)
from ansible_collections.relocate.django.plugins.module_utils._set.label import make_label
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    DATABASES,
    DatabaseEntry,
    Manifest,
    Prepared,
    UnversionedFile,
)
from ansible_collections.relocate.django.plugins.module_utils._site import (
    Site,
    never_migrated,
    owner_facts,
    project_paths,
)
from ansible_collections.relocate.django.plugins.module_utils._steps import logs
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: Seconds for the sessions of a frozen site to go away by themselves.
_PATIENCE = 10.0


def revision_of(site: Site, allow_dirty: bool) -> Revision:
    """Return what the project runs. Raises dirty_tree unless uncommitted changes are allowed, not_a_checkout."""
    revision = vcs.revision(site.project.path, site.project.owner)
    if revision.dirty and not allow_dirty:
        raise RelocateError(
            "dirty_tree",
            "the checkout holds uncommitted changes: {0}".format(", ".join(revision.changes[:5])),
            "commit them, or set relocate_allow_dirty: true to carry them as a patch",
        )
    return revision


def label_for(revision: Revision) -> str:
    """A label of this second."""
    return make_label(revision.commit, datetime.datetime.now(datetime.timezone.utc))


def prepare(site: Site, backup: BackupSet, revision: Revision, params: Mapping[str, Any]) -> None:
    """Write what does not depend on the freeze: bundle, patch, environment, unversioned files."""
    bundle = backup.file(BUNDLE)
    if not os.path.exists(bundle):
        _write(bundle, lambda out: vcs.bundle(site.project.path, site.project.owner, revision.commit, out))
    if revision.dirty:
        _write(backup.file(PATCH), lambda out: vcs.patch(site.project.path, site.project.owner, out))
    django = site.facts["django"]
    recorded = {
        "python": django["python"],
        "django": django["version"],
        "freeze": site.facts["packages"]["lines"],
        **packages_of(site),
    }
    files.write_atomically(backup.file(ENVIRONMENT), json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    unversioned = set_unversioned.capture(backup, params["files"], site.project.path, site.project.owner)
    directories = _directories(site, unversioned)
    backup.note_prepared(
        Prepared(code_of(site, revision), django_of(site), owner_facts(site.project), unversioned, directories)
    )


def _directories(site: Site, unversioned: Sequence[UnversionedFile]) -> Tuple[Directory, ...]:
    """The directories that new may have to make: the project's, and all above what is moved."""
    named = [site.project.path, vcs.toplevel(site.project.path, site.project.owner)]
    named += [os.path.dirname(path) for path in [site.project.interpreter] + [item.path for item in unversioned]]
    named += [os.path.dirname(engine.config.name) for engine in site.engines.values() if engine.is_file]
    named += logs.directories(django_of(site))
    media = str(site.facts["django"].get("media_root") or "")
    return record([path for path in named + [os.path.dirname(media)] if os.path.isabs(path)], site.project.owner)


def packages_of(site: Site) -> Dict[str, Any]:
    """Return what is installed for the project, and which packages its files name (None when they cannot tell)."""
    project = site.project
    plain = packages.installed(project.interpreter, project.owner, project.environment(), project.path)
    with acting_as(project.owner):
        named = packages.named(project.path, packages=packages.from_plain(plain))
    return {"distributions": plain, "named": sorted(named) if named is not None else None}


def code_of(site: Site, revision: Revision) -> Dict[str, Any]:
    """The manifest's words on the code; ``prefix`` is where in the repository the project lies."""
    return dict(
        as_plain(revision),
        bundle=BUNDLE,
        patch=PATCH if revision.dirty else "",
        prefix=vcs.prefix(site.project.path, site.project.owner),
        migrations=history.record(site.facts["migrations"], site.facts["history"]),
    )


def django_of(site: Site) -> Dict[str, Any]:
    """The manifest's words on Django and where the project is."""
    prefix = vcs.prefix(site.project.path, site.project.owner)
    django = logs.by_project(site.facts["django"], site.project.path, prefix)
    return dict(django, **project_paths(site.project))


def _write(path: str, fill: Any) -> None:
    with files.replaced(path) as stream:
        fill(stream)


def refuse_retired(record: Record) -> None:
    """A nightly backup of a host that no longer serves would push out the sets that are worth something."""
    if record.is_retired() and not record.came_back():
        raise RelocateError(
            "old_retired",
            "the site was retired here by set {0}: another host serves it".format((record.retired or Event()).label),
            "put that host into the group old of the inventory by which backups are made",
        )


def dump_all(
    site: Site, backup: BackupSet, frozen: bool, fixtures: bool = False, excluded_models: Sequence[str] = ()
) -> Tuple[Dict[str, DatabaseEntry], Dict[str, str]]:
    """Dump and count every database, each out of one snapshot; returns the manifest's entries, and change tokens.

    The tokens of a frozen site's databases are read before their snapshots, so a later write changes them.

    :param frozen: the site has been stopped: sessions that remain are waited for, then refused
    :param fixtures: whether each is written as a fixture too, out of the same snapshot
    :param excluded_models: models that fixtures leave out on purpose
    Raises sessions_remain, and what the engines raise.
    """
    entries, tokens = {}, {}
    for alias, engine in site.engines.items():
        if frozen:
            await_sessions(engine)
            tokens[alias] = engine.change_token()
        wanted = fixtures and not _has_no_models(site, alias)
        with _parallel_fixture(site, engine, backup, wanted, excluded_models) as parallel:
            entry = _dump_one(site, engine, backup, frozen, parallel.begin if parallel else None)
            entries[alias] = replace(entry, fixture=parallel.finish()) if parallel else entry
    return entries, tokens


def _has_no_models(site: Site, alias: str) -> bool:
    """Tell whether a database is data of another program, of which the code's models can make no fixture; notes it."""
    if not never_migrated(site, alias):
        return False
    site.notes.append("database {0} has never been migrated: the set holds its dump, and no fixture".format(alias))
    return True


@contextlib.contextmanager
def _parallel_fixture(
    site: Site, engine: Engine, backup: BackupSet, wanted: bool, excluded_models: Sequence[str]
) -> Iterator[Optional[ParallelFixture]]:
    if not wanted:
        yield None
        return
    name = "{0}/{1}.jsonl{2}".format(
        FIXTURES, quote(engine.config.alias, safe=""), ".zst" if engine.context.compression == "zstd" else ""
    )
    make_directory(backup.file(FIXTURES), 0o700)
    with parallel_fixture(site, engine, backup.file(name), name, excluded_models) as parallel:
        yield parallel


def await_sessions(engine: Engine) -> None:
    """Wait until nobody else uses the database. Raises sessions_remain: somebody could still write."""
    deadline = time.monotonic() + _PATIENCE
    while engine.sessions():
        if time.monotonic() > deadline:
            raise RelocateError(
                "sessions_remain",
                "{0} sessions still use database {1}".format(engine.sessions(), engine.config.alias),
                "add every unit that writes to relocate_services",
            )
        time.sleep(0.2)


def _dump_one(
    site: Site, engine: Engine, backup: BackupSet, frozen: bool, on_snapshot: Optional[OnSnapshot]
) -> DatabaseEntry:
    facts, step = engine.describe(), site.stopwatch.step

    def dump_it(snapshot: Snapshot) -> DumpFile:
        with step("dump"):
            return snapshot.dump(backup.file(DATABASES), on_snapshot)

    def count_it(snapshot: Snapshot) -> DatabaseState:
        with step("count"):
            return snapshot.state(fingerprints=True)

    if engine.is_file:
        with engine.snapshot() as snapshot:
            return _entry(site, engine, facts, dump_it(snapshot), count_it(snapshot))
    with engine.snapshot() as snapshot, concurrent.futures.ThreadPoolExecutor(1) as pool:
        # Side by side when nobody writes: the dump waits for its programs, the counts for the server. Sequences obey
        # no snapshot, so while somebody writes the dump comes first and the state tells what is in it.
        pending: "concurrent.futures.Future[DumpFile]" = pool.submit(dump_it, snapshot)
        if not frozen:
            pending.result()
        try:
            state = count_it(snapshot)
        finally:
            dump = pending.result()
    return _entry(site, engine, facts, dump, state)


def _entry(site: Site, engine: Engine, facts: DatabaseFacts, dump: DumpFile, state: DatabaseState) -> DatabaseEntry:
    applied = tuple(site.facts["migrations"]["aliases"].get(engine.config.alias, {}).get("applied", ()))
    placed = replace(dump, path=DATABASES + "/" + dump.path)
    return DatabaseEntry(engine.config.public(), placed, facts, state, applied)


def check_media(site: Site, skip: Sequence[str]) -> None:
    """Refuse to store MEDIA in part. Raises media_skipped before any write."""
    root = str(site.facts["django"].get("media_root") or "")
    if is_there(root):
        _refuse_part(media_inventory.inventory(root, site.project.owner, skip))


def _refuse_part(inventory: Mapping[str, Any]) -> None:
    error = media_inventory.unmovable(inventory)
    if error is not None:
        raise error


def media_of(
    site: Site, backup: BackupSet, archive: bool, compression: str, skip: Sequence[str] = ()
) -> Dict[str, Any]:
    """Return what MEDIA_ROOT holds, and its archive in the set when asked for."""
    root = str(site.facts["django"].get("media_root") or "")
    if not root or not is_there(root):
        return {}
    inventory: Dict[str, Any] = {"root": root, "stored": ""}
    try:
        inventory.update(media_inventory.inventory(root, site.project.owner, skip))
    except RelocateError as error:
        if archive:
            raise
        return dict(inventory, unread=error.msg)  # nothing to prove MEDIA by; it may not be meant to move
    if archive:
        _refuse_part(inventory)
        name = MEDIA if compression == "zstd" else MEDIA[: -len(".zst")]
        _write(
            backup.file(name),
            lambda out: inventory.update(
                archived=media_archive.archive(root, out, site.project.owner, compression, skip)
            ),
        )
        inventory["stored"] = name
    return inventory


def compose(
    site: Site,
    backup: BackupSet,
    revision: Revision,
    params: Mapping[str, Any],
    databases: Mapping[str, DatabaseEntry],
    media: Mapping[str, Any],
    sequence: int = 1,
) -> Manifest:
    """The manifest, as everything else is in place."""
    unversioned = set_unversioned.capture(backup, params["files"], site.project.path, site.project.owner)
    return Manifest(
        label=backup.label,
        site=params["site"],
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        host=host_facts.describe_host(),
        code=code_of(site, revision),
        django=django_of(site),
        owner=owner_facts(site.project),
        databases=databases,
        media=media,
        unversioned=unversioned,
        directories=_directories(site, unversioned),
        sequence=sequence,
    )
