# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rebuilding a project on new out of a backup set: code first, then the environment that the code asks for."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._code import new as new_code
from ansible_collections.relocate.django.plugins.module_utils._code import placed, tree
from ansible_collections.relocate.django.plugins.module_utils._code.old import ARCHIVES, HG_BUNDLE, LISTING, told
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions, texts
from ansible_collections.relocate.django.plugins.module_utils._progress import PACKAGES, PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._project import (
    environment,
    interpreters,
    packages,
    replies,
    vcs,
)
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, secret_base
from ansible_collections.relocate.django.plugins.module_utils._set.directory import (
    BUNDLE,
    ENVIRONMENT,
    PATCH,
    BackupSet,
)
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import of_set
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``checkout``."""

    path: str  # the directory of manage.py on this host
    owner: str  # the project's user on this host
    allow_root: bool  # which may be root
    directory: str  # ours
    site: str
    label: str  # the set
    revision: Optional[str]  # another one than the set's
    remote: Optional[str]  # where it is fetched from; None: from where old got it; "none": from nowhere
    environment: Mapping[str, Any] = field(repr=False)  # variables for git and for installers, some of them secret
    python: str  # the program that makes the environment, or the version of one that uv or pyenv brought
    python_from: str  # system, uv, pyenv
    environment_path: Optional[str]  # where it lies; None: where old has it
    requirements: Sequence[str]  # files of the project that name its packages
    command: Sequence[str]  # installs them instead
    pip_extra: Sequence[str]  # packages that are installed besides
    pip_ignored: Sequence[str]  # packages that new need not have

    def other_than(self, prepared: Prepared) -> bool:
        """Tell whether another revision is asked for than the set's."""
        return bool(self.revision) and self.revision != prepared.code["commit"]


def checkout(options: Options, check_mode: bool) -> Dict[str, Any]:
    """Bring code and environment to what the set recorded; in check mode tell what would be done.

    Raises owner_missing, runs_as_root, and what vcs.checkout and environment.build raise.
    """
    owner = _owner(options.owner, options.allow_root, check_mode)
    backup = BackupSet.prepared(options.directory, check_site_name(options.site), options.label)
    backup.check_opens()
    prepared = backup.read_prepared()
    commit = options.revision or prepared.code["commit"]
    top = vcs.top_of(options.path, _prefix(prepared))
    env = texts(options.environment)
    with SecretStore(secret_base(options.directory), owner) as secrets:
        wanted = _wanted(options, prepared, backup, commit, env, secrets)
        # Told in check mode, before the user is made: a checkout that is there is somebody else's, and git runs
        # what its configuration says.
        unmade = vcs.CheckoutPlan("clone", top, commit)
        planned = unmade if owner is None else new_code.plan(top, owner, wanted)
        result = {"changed": planned.action != "none", "revision": commit, "before": planned.before}
        notes = [text for text in [told(dict(prepared.code, commit=commit))] if text]
        result["diff"] = {"before": planned.before + "\n", "after": commit + "\n"}
        if check_mode:
            return dict(result, notes=notes) if notes else result
        _open_home(owner, prepared.owner, top)
        with PROGRESS.part("git"):
            new_code.checkout(top, owner, wanted)
    built = _environment(options, prepared, backup, owner, env, bool(result["changed"]))
    return dict(result, **dict(built, notes=[*notes, *built["notes"]]))


def _owner(name: str, allow_root: bool, check_mode: bool) -> Optional[SystemUser]:
    owner = lookup_user(name)
    if owner is None and not check_mode:
        raise RelocateError(
            "owner_missing", "there is no user {0}".format(name), "run the checkout role, which creates it"
        )
    if owner is not None and owner.uid == 0 and not allow_root:
        raise RelocateError(
            "runs_as_root",
            "root would own the project",
            "set relocate_owner to another user, or set relocate_allow_root: true",
        )
    return owner


def _prefix(prepared: Prepared) -> str:
    return str(prepared.code.get("prefix") or "")


def _wanted(
    options: Options,
    prepared: Prepared,
    backup: BackupSet,
    commit: str,
    env: Mapping[str, str],
    secrets: SecretStore,
) -> new_code.Wanted:
    """Return the revision, and where it comes from. Raises manifest_invalid for what no set says."""
    kind, own = str(prepared.code.get("vcs") or "git"), commit == prepared.code["commit"]
    if kind not in new_code.MARKS:
        raise _invalid(backup, "code.vcs")
    source = _source(options, prepared, backup, commit, env, secrets)
    packed = _packed(prepared, backup, source) if own and prepared.code.get("archive") else None
    uuid, dirty = str(prepared.code.get("uuid") or ""), bool(packed and prepared.code.get("dirty"))
    return new_code.Wanted(kind, commit, source, uuid, packed, dirty)


def _packed(prepared: Prepared, backup: BackupSet, source: vcs.Source) -> placed.Packed:
    """Return the tree in a set; its listing is what its revision says. Raises manifest_invalid."""
    name = str(prepared.code["archive"])
    if name not in ARCHIVES.values():
        raise _invalid(backup, "code.archive")
    try:
        with open(backup.check_file(LISTING), encoding="ascii") as stream:
            listing = tree.from_text(stream.read())
    except (OSError, ValueError, RecursionError):
        raise _invalid(backup, LISTING) from None
    if prepared.code.get("vcs") == "none" and listing.digest != prepared.code["commit"]:
        raise _invalid(backup, "code.commit")
    compression = next(key for key, value in ARCHIVES.items() if value == name)
    return placed.Packed(listing, backup.check_file(name), compression, source.directories)


def _invalid(backup: BackupSet, what: str) -> RelocateError:
    return RelocateError(
        "manifest_invalid", "{0} lacks what a set holds ({1})".format(backup.path, what), "use another backup set"
    )


def _source(
    options: Options,
    prepared: Prepared,
    backup: BackupSet,
    commit: str,
    env: Mapping[str, str],
    secrets: SecretStore,
) -> vcs.Source:
    remote = options.remote if options.remote is not None else prepared.code.get("remote", "")
    patch, bundle = b"", BUNDLE
    if prepared.code.get("vcs"):
        bundle = HG_BUNDLE if prepared.code["vcs"] == "hg" else ""
    if prepared.code.get("patch") and commit == prepared.code["commit"]:
        with open(backup.check_file(PATCH), "rb") as stream:
            patch = stream.read()
    return vcs.Source(
        remote="" if remote == "none" else remote,
        bundle=backup.check_file(bundle) if bundle else None,
        patch=patch,
        env=env,
        secrets=secrets,
        directories=of_set(prepared, options.path).directories(prepared.directories),
    )


def _open_home(owner: Optional[SystemUser], recorded: Mapping[str, Any], top: str) -> None:
    """A project below its owner's home must be as reachable (for the web server) as it was on old."""
    home, mode = str(recorded.get("home") or ""), str(recorded.get("home_mode") or "")
    if (
        owner is None
        or not re.fullmatch(r"[0-7]{3,5}", mode)
        or owner.home != home
        or not top.startswith(home.rstrip("/") + "/")
    ):
        return
    with contextlib.suppress(OSError):
        with openat.parent(home, owner) as (place, name):
            handle = place.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            status = os.fstat(handle)
            missing = int(mode, 8) & 0o055 & ~status.st_mode
            if missing and status.st_uid in (owner.uid, os.geteuid()):
                os.fchmod(handle, (status.st_mode & 0o7777) | missing)
        finally:
            os.close(handle)


def _environment(
    options: Options,
    prepared: Prepared,
    backup: BackupSet,
    owner: Optional[SystemUser],
    env: Mapping[str, str],
    code_changed: bool,
) -> Dict[str, Any]:
    recorded = _recorded(backup)
    interpreter = str(prepared.django.get("interpreter") or "")
    default = os.path.dirname(os.path.dirname(interpreter)) or ".venv"
    wanted = environment.Wanted(
        venv=options.environment_path or default,
        python=interpreters.program(interpreters.Wanted(options.python, options.python_from)),
        requirements=tuple(options.requirements),
        command=tuple(options.command),
        extra=tuple(options.pip_extra),
        freeze=tuple(recorded["freeze"]),
        python_version=str(recorded["python"]),
        django_requires=str(prepared.django.get("requires_python") or ""),
        env=env,
        recorded=tuple(packages.from_plain(recorded.get("distributions") or ())),
    )
    planned = environment.plan(options.path, owner, wanted)
    notes: List[str] = []
    with PROGRESS.part("packages"):
        PROGRESS.expect(PACKAGES, len(wanted.freeze))
        built = environment.build(planned, on_note=notes.append)
    notes += _packages(options, prepared, recorded, planned, env)
    return {
        "changed": code_changed or built,
        "notes": notes,
        "interpreter": planned.interpreter,
        "method": planned.method,
        "python": planned.python_version,
    }


def _recorded(backup: BackupSet) -> Mapping[str, Any]:
    """Python and packages of old, as a set tells them. Raises manifest_invalid."""
    try:
        found: Mapping[str, Any] = replies.checked(backup.read_environment(), replies.ENVIRONMENT)
        return found
    except ValueError as exc:
        raise RelocateError(
            "manifest_invalid",
            "{0} lacks what is needed from it ({1})".format(backup.file(ENVIRONMENT), exc),
            "use another backup set",
        ) from None


def _packages(
    options: Options,
    prepared: Prepared,
    recorded: Mapping[str, Any],
    planned: environment.EnvironmentPlan,
    env: Mapping[str, str],
) -> List[str]:
    """Refuse an environment that lacks what old has and no file names; returns notes on versions that differ.

    Raises packages_unlisted.
    """
    if not recorded.get("distributions"):
        return []
    before = packages.from_plain(recorded["distributions"])
    here = packages.from_plain(packages.installed(planned.interpreter, planned.owner, env, options.path))
    with acting_as(planned.owner):
        roots = None if options.command else packages.named(options.path, options.requirements, before)
    missing = _missing(options, recorded, before, here, roots)
    untold = roots is None or recorded.get("named") is None  # whether a file of either revision names them
    if missing and untold and options.other_than(prepared):
        lines = ", ".join(item.line for item in missing)
        return ["installed on old, and not asked for by the revision on new: " + lines]
    if missing:
        raise packages.refusal(missing, "the revision on new")
    changed = packages.changed_versions(before, here)
    return ["versions of packages differ from old's: " + ", ".join(changed)] if changed else []


def _missing(
    options: Options,
    recorded: Mapping[str, Any],
    before: Sequence[packages.Package],
    here: Sequence[packages.Package],
    roots: Optional[packages.Roots],
) -> List[packages.Package]:
    """The packages of old that no file of this revision names, that are not here, and that the user did not drop.

    :param roots: what the files of this revision name; None when they cannot tell
    """
    # A later revision may have dropped what the files of old's revision name.
    dropped = () if roots is None else recorded.get("named") or ()
    missing = packages.lacking(packages.unnamed(before, roots), here)
    missing = [item for item in missing if item.key not in dropped]
    return packages.unaccounted(missing, options.pip_extra, options.pip_ignored)
