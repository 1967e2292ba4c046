# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making a backup set: code, environment and files first, databases when the site is frozen, the manifest last."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import default_jobs, removed_on_failure
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._host.parents import record
from ansible_collections.relocate.django.plugins.module_utils._media import stores
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, Revision, Software, as_plain
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._project import history
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Marks
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._set import cron as set_cron
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy, retention
from ansible_collections.relocate.django.plugins.module_utils._set import unversioned as set_unversioned
from ansible_collections.relocate.django.plugins.module_utils._set.directory import ENVIRONMENT, BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import Made, check_label, digits_of, make_label
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    PREPARED,
    DatabaseEntry,
    Manifest,
    Prepared,
    UnversionedFile,
)
from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy
from ansible_collections.relocate.django.plugins.module_utils._site import Site, code_of, owner_facts, project_paths
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    carry,
    copies,
    cron_lines,
    dumps,
    encrypt,
    environment_of,
    logs,
    preflight,
    retain,
    site_code,
    software,
    store_media,
    unnamed,
)
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import check_sequences

#: What of a site its set needs, besides its databases.
TOPICS = ("django", "packages", "migrations", "history")


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``backup``."""

    directory: str  # ours
    site: str
    state: str  # prepared: what comes before the freeze; present, absent
    label: Optional[str]  # of the set; None: a new one of this second
    files: Sequence[str]  # files besides git's that are carried
    media: bool  # MEDIA is stored in the set
    media_skip: Sequence[str]  # patterns of what of MEDIA is left out
    frozen: bool  # the site has been stopped
    fixtures: bool  # each database is written as a fixture too
    excluded_models: Sequence[str]  # models that fixtures leave out
    checked: bool  # preflight looked at old in this run
    sequences: str  # keep, advance
    allow_dirty: bool  # uncommitted changes are carried as a patch
    compression: str  # zstd, none
    jobs: Optional[int]  # at a time; None: by the processors of this host
    keep: int  # sets that stay; 0: all
    retention: Mapping[str, Any]  # how many stay of each kind: the words of Policy
    repository: Mapping[str, Any]  # where the set is stored afterwards: the fields of Access
    cron: str  # carry: the lines of cron that run the project are written too
    neighbours_carried: Sequence[str] = ()  # databases of Redis whose keys go into the set
    first_copy: str = copies.NEVER  # never, auto, always: dumps before the freeze, in the window what changed since
    proof: str = copies.FULL  # full, changed: what is read once more when the site is frozen, with a first copy
    replicate: bool = False  # changes are followed from the first copy on
    replicate_limit: int = 4096  # MiB of them
    age_recipients: Sequence[str] = ()  # public keys to which the set is encrypted
    vcs: str = site_code.GIT  # what holds the code: git, hg, svn, none
    files_ignored: Sequence[str] = ()  # files that may stay behind, or that the user carries

    @property
    def whole(self) -> bool:
        """Tell whether the whole set is to be made, and not only what comes before the freeze."""
        return self.state == "present"

    @property
    def recipients(self) -> Tuple[str, ...]:
        """Return to whom the set is encrypted; a move reads its own at once, on hosts that hold the site anyway."""
        return tuple(self.age_recipients) if self.whole and not self.frozen else ()

    @property
    def access(self) -> Access:
        """Return where the set is stored afterwards. Raises bad_option."""
        return Access.of(self.repository)

    @property
    def policy(self) -> Policy:
        """Return which sets stay on this host. A move removes none: that would be downtime. Raises bad_option."""
        policy = Policy.of({} if self.keep and self.access.keeps_sets else self.retention, self.keep)
        return policy if self.whole and not self.frozen else Policy()

    @property
    def topics(self) -> Tuple[str, ...]:
        """Return what the project is asked about itself. Once the site is frozen each question is downtime."""
        return TOPICS if self.asks_packages else tuple(topic for topic in TOPICS if topic != "packages")

    @property
    def asks_packages(self) -> bool:
        """Tell whether what is installed is not written down yet: new was built by what was, before the freeze."""
        if not self.frozen or not self.label:
            return True
        begun = BackupSet(os.path.join(BackupSet.home(self.directory, self.site), check_label(self.label)))
        return not all(os.path.isfile(begun.file(name)) for name in (PREPARED, ENVIRONMENT))

    @property
    def refuses_behind(self) -> bool:
        """Tell whether a sequence that is behind its column ends the backup, since a restore would refuse it.

        Other engines have no use for it. Frozen, a refusal now saves the transfer and the load.
        """
        return self.sequences == "keep" and (not self.checked or (self.frozen and not self.fixtures))


@dataclass(frozen=True)
class Plan:
    """The set that is going to be made."""

    label: str
    revision: Revision


def known(options: Options) -> Optional[Dict[str, Any]]:
    """Describe the set of the label when it is there already; None when it is to be made."""
    if options.label not in BackupSet.labels(options.directory, options.site):
        return None
    found = BackupSet.find(options.directory, options.site, options.label)
    manifest = found.read()
    return {
        "changed": False,
        "label": found.label,
        "set": found.path,
        "revision": manifest.code["commit"],
        "manifest_sha256": found.digest(),
        "bytes": found.size(),
        "rows": {alias: entry.state.rows() for alias, entry in manifest.databases.items()},
        "media": dict(manifest.media),
        "expired": [],
        "cleared": [],
    }


def plan(site: Site, options: Options, looks: preflight.Options) -> Plan:
    """Decide which set is made; nothing is written.

    :param looks: how old is looked at first, when preflight has not done so in this run
    Raises obstacles (or the code of the only one), dirty_tree, not_a_checkout, revision_refused, media_skipped.
    """
    encrypt.check(options.recipients)
    site_code.attach(
        site, options.vcs, options.directory, (*options.files, *options.files_ignored), options.compression
    )
    Policy.of(options.retention, options.keep)  # what cannot be meant is refused before any work
    if options.whole and not options.checked:
        preflight.refuse_set(site, looks)
    revision = revision_of(site, options.allow_dirty)
    label = options.label or label_for(revision)
    if label.rpartition("-")[2] != digits_of(revision.commit):
        raise site_code.begun_for_another(site, options.directory, options.site, label, revision)
    if options.media and options.whole:
        store_media.check_media(site, options.media_skip)
    return Plan(label, revision)


def apply(site: Site, options: Options, planned: Plan) -> Dict[str, Any]:
    """Make the set, or what of it comes before the freeze; what fails leaves nothing of it."""
    cleared = retention.clear_unfinished(*_unfinished(options, planned))
    backup = BackupSet.create(options.directory, options.site, planned.label, site.project.owner)
    guarded = encrypt.guarded(backup, options.directory, options.recipients)
    with guarded, removed_on_failure(backup.discard_unfinished):
        with site.stopwatch.step("code and files"):
            prepare(site, backup, planned.revision, options.files, software.recorded(site, backup, options.frozen))
            _write_cron(site, backup, options)
        if options.whole:
            result = _fill(site, backup, options, planned)
        else:
            result = copies.prepare(
                site,
                backup,
                options,
                lambda found: compose(site, backup, planned.revision, options.site, options.files, found, {}),
            )
    return {"set": backup.path, "seconds": site.stopwatch.seconds(), "cleared": cleared, **result}


def _unfinished(options: Options, planned: Plan) -> Tuple[str, str, str, bool]:
    """Say where sets of runs that failed are looked for."""
    moving = retain.is_moving(read_record(options.directory, options.site))
    return options.directory, options.site, planned.label, moving


def foreseen(options: Options, planned: Plan) -> Dict[str, Any]:
    """Return what a backup would make and remove; nothing is written."""
    noted = read_record(options.directory, options.site).sequence
    number = BackupSet.next_sequence(options.directory, options.site, noted)
    now = datetime.datetime.now(datetime.timezone.utc)
    made = Made(planned.label, str(host_facts.describe_host()["machine_id"]), number, now)
    chosen = retain.leaving(options.directory, options.site, options.policy, made, options.media)
    return {
        "set": os.path.join(BackupSet.home(options.directory, options.site), planned.label),
        "expired": list(chosen.labels),
        "cleared": retention.unfinished(*_unfinished(options, planned)),
    }


def _fill(site: Site, backup: BackupSet, options: Options, planned: Plan) -> Dict[str, Any]:
    """Add databases and MEDIA, and end with the manifest."""
    databases, tokens = dumps.dump_all(
        site, backup, options.frozen, options.fixtures, options.excluded_models, options.proof
    )
    if options.refuses_behind:
        _refuse_behind(databases)
    first_copy.forget_bases(backup)
    neighbours = carry.save_all(site, backup, options.neighbours_carried)
    with site.stopwatch.step("media"):
        media = store_media.media_of(site, backup, options.media, options.compression, options.media_skip)
    number = BackupSet.next_sequence(
        options.directory, options.site, read_record(options.directory, options.site).sequence
    )
    composed = compose(site, backup, planned.revision, options.site, options.files, databases, media, number)
    manifest = replace(composed, neighbours=neighbours, recipients=options.recipients)
    with site.stopwatch.step("hash"):
        digest = backup.finish(manifest, options.jobs or default_jobs())
    noted = Marks(planned.label, tokens) if options.frozen else None
    update_record(
        options.directory,
        options.site,
        lambda latest: replace(latest, sequence=number, marks=noted or latest.marks),
    )
    return {
        "manifest_sha256": digest,
        "notes": [
            *site.notes,
            *encrypt.notes(backup, options.recipients, options.access, options.frozen),
            *(stores.of_a_set(stores.of_facts(site.facts["django"])) if options.media else []),
        ],
        "bytes": backup.size(),
        "rows": {alias: entry.state.rows() for alias, entry in databases.items()},
        "media": dict(media),
        "expired": retain.expire(
            options.directory, options.site, options.policy, backup.made(), bool(media.get("stored"))
        ),
    }


def _refuse_behind(databases: Mapping[str, DatabaseEntry]) -> None:
    """Raises sequence_behind."""
    for alias, entry in databases.items():
        behind = check_sequences(alias, entry.state)
        if behind:
            raise behind


def remove(options: Options, check_mode: bool) -> Dict[str, Any]:
    """Remove a set, complete or not, and its pin."""
    label = check_label(options.label or "")
    found = BackupSet(os.path.join(BackupSet.home(options.directory, options.site), label))
    there = os.path.isdir(found.path) and not os.path.islink(found.path)
    if there and not check_mode:
        found.discard()
    return {"changed": there, "label": found.label}


def revision_of(site: Site, allow_dirty: bool) -> Revision:
    """Return what the project runs. Raises dirty_tree unless uncommitted changes are allowed, not_a_checkout."""
    revision = code_of(site).revision()
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


def prepare(
    site: Site, backup: BackupSet, revision: Revision, carried: Sequence[str], used: Optional[Software] = None
) -> None:
    """Write what does not depend on the freeze: bundle, patch, environment, unversioned files.

    :param carried: files besides git's, as the user names them
    :param used: what the site uses of its host's system
    """
    for part in code_of(site).parts(revision):
        if part.again or not os.path.exists(backup.file(part.name)):
            _write(backup.file(part.name), part.fill)
    environment_of.write(site, backup)
    unversioned = set_unversioned.capture(backup, carried, site.project.path, site.project.owner)
    directories = _directories(site, unversioned)
    words, django, owner = words_of(site, revision), django_of(site), owner_facts(site.project)
    backup.note_prepared(Prepared(words, django, owner, unversioned, directories, used or Software()))


def _write_cron(site: Site, backup: BackupSet, options: Options) -> None:
    """Write the lines of cron down; once the site is frozen they are commented out."""
    if options.cron == cron_lines.CARRY and not options.frozen:
        host = Host.read()
        set_cron.write(backup, cron_lines.of_site(unnamed.find(host, site.project.path), host.files, options.cron))


def _directories(site: Site, unversioned: Sequence[UnversionedFile]) -> Tuple[Directory, ...]:
    """The directories that new may have to make: the project's, and all above what is moved."""
    named = [site.project.path, code_of(site).top()]
    named += [os.path.dirname(path) for path in [site.project.interpreter] + [item.path for item in unversioned]]
    named += [os.path.dirname(engine.config.name) for engine in site.engines.values() if engine.is_file]
    named += logs.directories(django_of(site))
    media = str(site.facts["django"].get("media_root") or "")
    return record([path for path in named + [os.path.dirname(media)] if os.path.isabs(path)], site.project.owner)


def words_of(site: Site, revision: Revision) -> Dict[str, Any]:
    """The manifest's words on the code; ``prefix`` is where in the repository the project lies."""
    return dict(
        as_plain(revision),
        prefix=code_of(site).prefix(),
        migrations=history.record(site.facts["migrations"], site.facts["history"]),
        **code_of(site).words(revision),
    )


def django_of(site: Site) -> Dict[str, Any]:
    """The manifest's words on Django and where the project is."""
    prefix = code_of(site).prefix()
    django = logs.by_project(site.facts["django"], site.project.path, prefix)
    return dict(django, **project_paths(site.project))


def _write(path: str, fill: Any) -> None:
    with files.replaced(path) as stream:
        fill(stream)


def compose(
    site: Site,
    backup: BackupSet,
    revision: Revision,
    name: str,
    carried: Sequence[str],
    databases: Mapping[str, DatabaseEntry],
    media: Mapping[str, Any],
    sequence: int = 1,
) -> Manifest:
    """The manifest, as everything else is in place.

    :param name: of the site
    :param carried: files besides git's, as the user names them
    """
    unversioned = set_unversioned.capture(backup, carried, site.project.path, site.project.owner)
    return Manifest(
        label=backup.label,
        site=name,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        host=host_facts.describe_host(),
        code=words_of(site, revision),
        django=django_of(site),
        owner=owner_facts(site.project),
        databases=databases,
        media=media,
        unversioned=unversioned,
        directories=_directories(site, unversioned),
        sequence=sequence,
        software=backup.read_prepared().software,
    )
