# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rebuilding a project on new out of a backup set: code first, then the environment that the code asks for."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import environment, packages, replies, vcs
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


def checkout(params: Mapping[str, Any], check_mode: bool) -> Dict[str, Any]:
    """Bring code and environment to what the set recorded; in check mode tell what would be done.

    Raises owner_missing, runs_as_root, and what vcs.checkout and environment.build raise.
    """
    owner = _owner(params["owner"], params["allow_root"], check_mode)
    backup = BackupSet.prepared(params["directory"], check_site_name(params["site"]), params["label"])
    prepared = backup.read_prepared()
    commit = params["revision"] or prepared.code["commit"]
    top = vcs.top_of(params["path"], _prefix(prepared))
    env = {str(key): str(value) for key, value in params["environment"].items()}
    with SecretStore(secret_base(params["directory"]), owner) as secrets:
        source = _source(params, prepared, backup, commit, env, secrets)
        if owner is None:
            # Told in check mode, before the user is made: a checkout that is there is somebody else's, and git runs
            # what its configuration says.
            planned = vcs.CheckoutPlan("clone", top, commit)
        else:
            planned = vcs.plan_checkout(top, owner, commit, source)
        result = {"changed": planned.action != "none", "revision": commit, "before": planned.before}
        result["diff"] = {"before": planned.before + "\n", "after": commit + "\n"}
        if check_mode:
            return result
        _open_home(owner, prepared.owner, top)
        vcs.checkout(top, owner, commit, source)
    return dict(result, **_environment(params, prepared, backup, owner, env, bool(result["changed"])))


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


def _source(
    params: Mapping[str, Any],
    prepared: Prepared,
    backup: BackupSet,
    commit: str,
    env: Mapping[str, str],
    secrets: SecretStore,
) -> vcs.Source:
    remote = params["remote"] if params["remote"] is not None else prepared.code.get("remote", "")
    patch = b""
    if prepared.code.get("patch") and commit == prepared.code["commit"]:
        with open(backup.check_file(PATCH), "rb") as stream:
            patch = stream.read()
    return vcs.Source(
        remote="" if remote == "none" else remote,
        bundle=backup.check_file(BUNDLE),
        patch=patch,
        env=env,
        secrets=secrets,
        directories=of_set(prepared, params["path"]).directories(prepared.directories),
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
    params: Mapping[str, Any],
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
        venv=params["environment_path"] or default,
        python=params["python"],
        requirements=tuple(params["requirements"]),
        command=tuple(params["command"]),
        extra=tuple(params["pip_extra"]),
        freeze=tuple(recorded["freeze"]),
        python_version=str(recorded["python"]),
        django_requires=str(prepared.django.get("requires_python") or ""),
        env=env,
    )
    planned = environment.plan(params["path"], owner, wanted)
    built = environment.build(planned)
    notes = _packages(params, prepared, recorded, planned, env)
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
    params: Mapping[str, Any],
    prepared: Prepared,
    recorded: Mapping[str, Any],
    planned: environment.EnvironmentPlan,
    env: Mapping[str, str],
) -> List[str]:
    """Refuse an environment that lacks what old has and no file names; returns notes on versions that differ.

    A later revision may have dropped what the files of old's revision name. Raises packages_unlisted.
    """
    if not recorded.get("distributions"):
        return []
    before = packages.from_plain(recorded["distributions"])
    here = packages.from_plain(packages.installed(planned.interpreter, planned.owner, env, params["path"]))
    with acting_as(planned.owner):
        roots = None if params["command"] else packages.named(params["path"], params["requirements"], before)
    dropped = set(recorded.get("named") or ())
    missing = packages.lacking(packages.unnamed(before, roots), here)
    missing = [item for item in missing if item.key not in dropped or roots is None]
    missing = packages.unaccounted(missing, params["pip_extra"], params["pip_ignored"])
    newer = bool(params["revision"]) and params["revision"] != prepared.code["commit"]
    if missing and newer and (roots is None or recorded.get("named") is None):
        lines = ", ".join(item.line for item in missing)
        return ["installed on old, and not asked for by the revision on new: " + lines]
    if missing:
        raise packages.refusal(missing, "the revision on new")
    changed = packages.changed_versions(before, here)
    return ["versions of packages differ from old's: " + ", ".join(changed)] if changed else []
