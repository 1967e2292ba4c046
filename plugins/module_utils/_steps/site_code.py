# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds the code of the site at work, and what of its directory is code where nothing does."""

from __future__ import annotations

import os
from typing import List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._code import tree
from ansible_collections.relocate.django.plugins.module_utils._code.old import LISTING, PlainCode, code_at
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Revision
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import check_label
from ansible_collections.relocate.django.plugins.module_utils._site import Site

GIT, NONE = "git", "none"


def attach(site: Site, kind: str, directory: str, spoken: Sequence[str], compression: str = "zstd") -> None:
    """Let a site know what holds its code.

    :param kind: git, hg, svn, none
    :param directory: ours
    :param spoken: files that the user carries, or leaves behind, by patterns and paths
    """
    leave = tree.belonging(site.project.path, _apart(site, directory), spoken, _logs(site)) if kind == NONE else None
    site.code = code_at(kind, site.project.path, site.project.owner, compression, leave)


def _apart(site: Site, directory: str) -> List[str]:
    """Return what travels, or is made anew, by other means."""
    django = site.facts.get("django") or {}
    interpreter = site.project.interpreter
    databases = [engine.config.name for engine in site.engines.values() if engine.is_file]
    return [
        directory,
        str(django.get("media_root") or ""),
        str(django.get("static_root") or ""),
        str(django.get("prefix") or ""),
        os.path.dirname(os.path.dirname(interpreter)),
        *(str(item["path"]) for item in django.get("file_stores", ())),
        *(name + end for name in databases for end in ("", "-wal", "-shm", "-journal")),
    ]


def _logs(site: Site) -> List[str]:
    names = (site.facts.get("django") or {}).get("log_files")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def begun_for_another(site: Site, directory: str, name: str, label: str, revision: Revision) -> RelocateError:
    """Return the refusal when the code is another one than when the set was begun."""
    msg = "the set {0} was begun for another revision than {1}".format(label, revision.commit)
    changed: List[str] = []
    path = os.path.join(BackupSet.home(directory, name), check_label(label), LISTING)
    if isinstance(site.code, PlainCode) and os.path.isfile(path):
        with open(path, encoding="ascii", errors="replace") as stream:
            changed = site.code.changed_since(stream.read())
    if not changed:
        return RelocateError("revision_refused", msg, "pause deployments on old, then start again")
    return RelocateError(
        "revision_refused",
        "{0}: {1}".format(msg, ", ".join(changed)),
        "pause deployments on old, then start again; or name what is no code in relocate_files_ignored",
    )
