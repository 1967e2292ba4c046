# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads a fixture into an incoming database, whatever its engine; the swap is restore's."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._site import Site

FORMS = ("lines", "json", "jsonl", "xml", "yaml")
_COMPRESSIONS = {".zst": program.ZSTD, ".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".lzma": "xz"}
_FORMS = {".json": "json", ".jsonl": "jsonl", ".xml": "xml", ".yaml": "yaml", ".yml": "yaml"}

#: What a fixture is refused for because of what is in it.
_OF_FIXTURE = (
    "dump_truncated",
    "fixture_changed",
    "fixture_invalid",
    "fixture_partial",
    "fixture_truncated",
    "format_unknown",
    "reference_missing",
    "unknown_field",
    "unknown_model",
)


def load_fixture(
    site: Site,
    engine: Engine,
    path: str,
    forward: bool = True,
    form: str = "",
    state: Optional[Mapping[str, str]] = None,
    signals: bool = False,
    choice: Optional[Mapping[str, Any]] = None,
) -> Dict[str, Any]:
    """Make incoming, fill it out of the fixture and prove it; what goes wrong drops it.

    :param path: the fixture; how it is compressed, and its form unless that is given, are told by its name
    :param forward: whether migrations that the code has beyond the fixture's are applied to the rows
    :param form: one of FORMS
    :param state: what a fixture of Django's own formats does not tell: app -> its last migration then
    :param signals: whether objects are saved one by one, so that the project's signal handlers run
    :param choice: excluded_models, ignore_unknown, allow_partial, skip_leading

    Returns ``counts`` (by model: objects, fingerprint, as read back from the database), ``migrated``, ``header``,
    ``made`` (what the database holds beyond the fixture), ``excluded`` and ``ignored`` (what was left out).
    Raises what ``program.run`` and :meth:`Engine.incoming` raise.
    """
    request = {"work": "load", "form": form or form_of(path), "forward": forward, "signals": signals}
    request.update(choice or {})
    with engine.context.stopwatch.step("load"), engine.incoming() as config:
        return _run(site, engine, path, dict(request, name=config.name, state=dict(state or {})))


def merge_fixture(
    site: Site,
    engine: Engine,
    path: str,
    form: str = "",
    check: bool = False,
    choice: Optional[Mapping[str, Any]] = None,
) -> Dict[str, Any]:
    """Merge a fixture into the live database, in one transaction.

    :param path: the fixture, as of :func:`load_fixture`
    :param check: look at what would become of each row, and take everything back
    :param choice: excluded_models, ignore_unknown, skip_leading

    Returns ``counts`` (by model: inserted, updated, left, deleted), ``rows`` (the first of them, one by one) and
    ``untold`` (how many more there are), ``excluded`` and ``ignored``. Raises what ``program.run`` raises; then nothing
    was changed.
    """
    request = {"work": "merge", "form": form or form_of(path), "check": check, **(choice or {})}
    with engine.context.stopwatch.step("merge"):
        return _run(site, engine, path, request)


def models_lost(
    site: Site, engine: Engine, loaded: Mapping[str, Any], excluded_models: Sequence[str]
) -> Dict[str, int]:
    """Return how many rows the live database has of each model that the loaded one holds nothing of.

    Only of a fixture that does not tell by itself whether it is whole. Raises what ``program.run`` raises.
    """
    if "whole" in loaded["header"]:
        return {}
    there = {label for label, item in loaded["counts"].items() if item["objects"]} | set(loaded["made"])
    request = {"work": "filled", "without": sorted(there), "excluded_models": list(excluded_models)}
    about = {"alias": engine.config.alias, "engine": engine.name}
    found: Dict[str, int] = program.run(site.project, site.secrets, {**request, **about})["filled"]
    return found


def fitting(site: Site, engine: Engine, name: str) -> Dict[str, Any]:
    """Return how the code fits a database beside live.

    That is ``recorded``, whether it has ever been migrated, the migrations that are ``applied``, ``unapplied`` and
    ``unknown``, and the models that are ``lacking`` a table.

    :param name: of the database. Raises what ``program.run`` raises.
    """
    request = {"work": "fitting", "name": name, "alias": engine.config.alias, "engine": engine.name}
    return program.run(site.project, site.secrets, request)


def _run(site: Site, engine: Engine, path: str, request: Mapping[str, Any]) -> Dict[str, Any]:
    try:
        opened = openat.open_file(path, site.project.owner)
    except OSError as exc:
        raise unreadable(path, exc, site.project.owner) from exc
    with opened as stream:
        try:
            answer = program.run(
                site.project,
                site.secrets,
                dict(request, alias=engine.config.alias, engine=engine.name),
                stdin=stream,
                compression=compression_of(path),
                progress=_as_progress(engine.context.progress, engine.config.alias),
            )
        except RelocateError as error:
            raise _naming(path, error) from None
    site.notes.extend(answer["notes"])
    return answer


def _naming(path: str, error: RelocateError) -> RelocateError:
    """The error with the file's name, where it is about what is in the file."""
    if error.code not in _OF_FIXTURE:
        return error
    details = dict(error.details, src=path)
    return RelocateError(error.code, "{0}: {1}".format(path, error.msg), error.hint, details)


def unreadable(path: str, exc: OSError, owner: Optional[SystemUser]) -> RelocateError:
    """The refusal for a file that may not be handed to project code."""
    hint = "correct the path"
    if owner is not None and isinstance(exc, PermissionError):
        hint = "let {0} read it, or keep it in a directory that only root can write".format(owner.name)
    return RelocateError("path_refused", "{0} cannot be read: {1}".format(path, exc.strerror), hint)


def compression_of(path: str) -> str:
    """By the file's name."""
    return _COMPRESSIONS.get(os.path.splitext(path)[1].lower(), program.NONE)


def form_of(path: str) -> str:
    """By the file's name, what it is compressed with left out. Raises bad_option for a name that tells nothing.

    What ends in .jsonl may be either form of JSON lines: the program looks at how it begins.
    """
    if compression_of(path) != program.NONE:
        path = os.path.splitext(path)[0]
    form = _FORMS.get(os.path.splitext(path)[1].lower())
    if form is None:
        raise RelocateError(
            "bad_option",
            "the name of the fixture {0} does not tell its format".format(os.path.basename(path)),
            "set format to one of: " + ", ".join(FORMS),
        )
    return form


def _as_progress(progress: Callable[[str], None], alias: str) -> Callable[[str], None]:
    return lambda line: progress("{0}: {1}".format(alias, line))
