# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the revision that a site is to be switched to, beside the one that serves: code, packages, migrations.

What writes then, and the way back, is ``upgrade_switch``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._project import environments, other_code, vcs
from ansible_collections.relocate.django.plugins.module_utils._project.checkout import dirty
from ansible_collections.relocate.django.plugins.module_utils._project.git import check_revision
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    UPGRADE_BEGUN,
    UPGRADE_DONE,
    Record,
    RecordFile,
)
from ansible_collections.relocate.django.plugins.module_utils._site import ProjectOptions, Site, SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import checkout, migrations, origin
from ansible_collections.relocate.django.plugins.module_utils._steps.needs import missing_space
from ansible_collections.relocate.django.plugins.module_utils._steps.verify import checks

_STAGED = ("django", "migrations", "checks")


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``upgrade``."""

    project: ProjectOptions
    site_options: SiteOptions
    state: str  # planned, staged, begun, switched, checked, done, asked, back
    directory: str  # ours
    site: str
    label: Optional[str]  # the set: of the serving site when it is staged, of the frozen one from then on
    revision: Optional[str]  # to which the site is switched
    remote: Optional[str]  # where it is fetched from; None: from where the site got its own
    environment: Mapping[str, Any] = field(repr=False)
    python: str
    python_from: str
    requirements: Sequence[str]
    command: Sequence[str]
    pip_extra: Sequence[str]
    pip_ignored: Sequence[str]
    rows_lost: Sequence[str]  # tables that migrations may take rows from
    refuse_written: bool  # what was written since an upgrade is in the way of its way back

    def wanted(self) -> str:
        """Return the revision. Raises bad_option, revision_refused."""
        if not self.revision:
            raise RelocateError(
                "bad_option",
                "nothing says which revision the site is to be switched to",
                "set relocate_revision to a full commit id",
            )
        return check_revision(self.revision)

    def needed_label(self) -> str:
        """Return the set. Raises bad_option."""
        if not self.label:
            raise RelocateError("bad_option", "nothing says which backup set is meant", "give the module its label")
        return self.label


@dataclass(frozen=True)
class Places:
    """Where code and environment lie, and where their successors are made."""

    project: Project  # as it serves
    top: str  # of its checkout
    prefix: str  # of the project in it
    staged: str  # the other checkout
    venv: str

    @classmethod
    def of(cls, options: Options) -> Places:
        """Find them. Raises what find_project raises, not_a_checkout, environment_failed."""
        project = options.project.find()
        top = vcs.toplevel(project.path, project.owner)
        prefix = os.path.relpath(os.path.realpath(project.path), os.path.realpath(top))
        prefix = "" if prefix == "." else prefix
        venv = environments.place_of(project.interpreter)
        return cls(project, top, prefix, other_code.staged_path(top), venv)

    @property
    def staged_project(self) -> str:
        """Return the project's directory in the other checkout."""
        return os.path.join(self.staged, self.prefix) if self.prefix else self.staged


def planned(options: Options) -> Dict[str, Any]:
    """Say what would be done. Raises obstacles that can be known before anything is fetched.

    ``unfinished`` tells of an upgrade that a killed run has left half way: it is put back first.
    """
    record = RecordFile.read(options.directory, options.site).record
    begun = record.upgrade if record.upgrade and record.upgrade.state == UPGRADE_BEGUN else None
    if begun:
        return {"changed": True, "needed": True, "unfinished": True, "before": begun.before, "revision": begun.after}
    commit, places = options.wanted(), Places.of(options)
    now = vcs.revision(places.top, places.project.owner)
    found = {"unfinished": False, "before": now.commit, "revision": commit}
    if now.commit == commit:
        return {"changed": False, "needed": False, **found}
    if now.dirty:
        raise dirty(places.top, now.changes)
    with open_site(options.site_options) as site:
        refuse_previous(site, record)
        refuse_full(site, options.directory)
    return {"changed": True, "needed": True, **found}


def refuse_previous(site: Site, record: Record) -> None:
    """Refuse while a previous database is kept that no upgrade has put aside. Raises previous_exists."""
    ours = record.upgrade is not None and record.upgrade.state == UPGRADE_DONE
    for alias, engine in site.engines.items():
        if not ours and engine.exists(PREVIOUS) and origin.holds_something(engine, PREVIOUS):
            raise RelocateError(
                "previous_exists",
                "database {0}: a previous one is kept beside it, and the upgrade would keep another".format(alias),
                "look at it; when nobody needs it, remove it on this host: {0}".format(engine.removal(PREVIOUS)),
            )


def refuse_full(site: Site, directory: str) -> None:
    """Refuse where there is no room for two sets and the copy beside the live one. Raises disk_full."""
    sizes = {alias: engine.describe().size_bytes for alias, engine in site.engines.items()}
    found: List[Obstacle] = missing_space(directory, 2 * sum(sizes.values()), "two backup sets")
    for alias, engine in site.engines.items():
        if engine.is_file:
            what = "the copy of database {0}".format(alias)
            found += missing_space(os.path.dirname(engine.config.name), sizes[alias], what, "NAME in the settings")
    if found:
        raise RelocateError(found[0].code, "; ".join(item.msg for item in found), found[0].hint)


def staged(options: Options) -> Dict[str, Any]:
    """Bring the revision beside the one that serves, build its environment, and ask the new code about itself.

    Raises what checkout and build raise, checkout_occupied for files in the way, missing_migrations,
    migration_conflict, database_differs, not_proven for errors of Django's checks.
    """
    places, commit = Places.of(options), options.wanted()
    owner = places.project.owner
    before = vcs.revision(places.top, owner).commit
    environments.remove(places.staged, owner)
    built = environments.built_name(places.venv, commit)
    made = checkout.checkout(_checkout_options(options, places, environments.beside(places.venv, built)), False)
    other_code.bring(places.top, owner, commit, places.staged)
    other_code.refuse_overwritten(places.top, owner, before, commit)
    leave = [places.venv, environments.beside(places.venv, built)]
    other_code.link_rest(places.top, owner, places.staged, leave)
    with open_site(options.site_options) as serving:
        names = {alias: origin.place_of(engine) for alias, engine in serving.engines.items()}
    with open_site(new_site(options, places, str(made["interpreter"])), _STAGED) as site:
        migrations.check(site, check_missing=True)
        refuse_other_databases(site, places, names)
        warned = _checked(site)
        plan = {alias: site.facts["migrations"]["aliases"].get(alias, {}) for alias in site.engines}
    return {
        "changed": True,
        "before": before,
        "revision": commit,
        "path": places.staged_project,
        "interpreter": made["interpreter"],
        "plan": {alias: list(item.get("unapplied", [])) for alias, item in plan.items() if item.get("applied")},
        "warnings_of_check": warned,
        "notes": list(made.get("notes", [])),
    }


def _checkout_options(options: Options, places: Places, venv: str) -> checkout.Options:
    return checkout.Options(
        path=places.staged_project,
        owner=places.project.owner.name,
        allow_root=options.project.allow_root,
        directory=options.directory,
        site=options.site,
        label=options.needed_label(),
        revision=options.revision,
        remote=options.remote,
        environment=options.environment,
        python=options.python,
        python_from=options.python_from,
        environment_path=venv,
        requirements=options.requirements,
        command=options.command,
        pip_extra=options.pip_extra,
        pip_ignored=options.pip_ignored,
    )


def new_site(options: Options, places: Places, interpreter: str) -> SiteOptions:
    """Return what opens the site with the new code, while the other one serves."""
    project = replace(
        options.project, path=places.staged_project, interpreter=interpreter, owner=places.project.owner.name
    )
    return replace(options.site_options, project=project)


def refuse_other_databases(site: Site, places: Places, names: Mapping[str, str]) -> None:
    """Refuse settings of the new revision that name other databases: those would not be what is copied and kept.

    :param names: alias -> the database that serves
    Raises database_differs.
    """
    found = {alias: origin.place_of(engine) for alias, engine in site.engines.items()}
    found, names = _on_site(places, found), _on_site(places, names)
    wrong = sorted(alias for alias in {*found, *names} if found.get(alias) != names.get(alias))
    if wrong:
        raise RelocateError(
            "database_differs",
            "the settings of the new revision name another database than the site has: {0}".format(", ".join(wrong)),
            "change the databases by themselves first (convert, or by hand), then upgrade",
        )


def _on_site(places: Places, names: Mapping[str, str]) -> Dict[str, str]:
    """Return what names a database, where the path is within the other checkout as it is within the one that serves."""
    real = os.path.realpath(places.top)
    tops = [os.path.realpath(places.staged), places.staged.rstrip("/"), places.top.rstrip("/")]
    for top in tops:
        names = {alias: name.replace(":" + top + "/", ":" + real + "/") for alias, name in names.items()}
    return dict(names)


def _checked(site: Site) -> List[str]:
    """Return the warnings of Django's checks. Raises not_proven for their errors."""
    errors: List[str] = []
    warned = checks(site.facts["checks"], errors)
    if errors:
        raise RelocateError(
            "not_proven",
            "Django's checks find errors in the new revision: {0}".format("; ".join(errors[:10])),
            "correct them in the revision",
        )
    return warned
