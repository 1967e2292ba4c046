# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads a fixture into an incoming database, whatever its engine; the swap is restore's."""

from __future__ import annotations

import contextlib
import os
from typing import IO, Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._age.opener import OPENER
from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program, several
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import run as process_run
from ansible_collections.relocate.django.plugins.module_utils._site import Site

FORMS = ("lines", "json", "jsonl", "xml", "yaml")
_COMPRESSIONS = {".zst": program.ZSTD, ".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".lzma": "xz"}
_FORMS = {".json": "json", ".jsonl": "jsonl", ".xml": "xml", ".yaml": "yaml", ".yml": "yaml"}

#: A fixture: the path of its file, or of its files.
Paths = Union[str, Sequence[str]]

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
    path: Paths,
    forward: bool = True,
    form: str = "",
    state: Optional[Mapping[str, str]] = None,
    signals: bool = False,
    choice: Optional[Mapping[str, Any]] = None,
) -> Dict[str, Any]:
    """Make incoming, fill it out of the fixture and prove it; what goes wrong drops it.

    :param path: the fixture; how it is compressed, and its form unless that is given, are told by its name. Of several
        files each may refer to objects of the others, in any order
    :param forward: whether migrations that the code has beyond the fixture's are applied to the rows
    :param form: one of FORMS
    :param state: what a fixture of Django's own formats does not tell: app -> its last migration then
    :param signals: whether objects are saved one by one, so that the project's signal handlers run
    :param choice: excluded_models, ignore_unknown, allow_partial, skip_leading

    Returns ``counts`` (by model: objects, fingerprint, as read back from the database), ``migrated``, ``header``,
    ``made`` (what the database holds beyond the fixture), ``excluded`` and ``ignored`` (what was left out).
    Raises what ``program.run`` and :meth:`Engine.incoming` raise.
    """
    request = {"work": "load", "forward": forward, "signals": signals, **_forms(path, form), **(choice or {})}
    with engine.context.stopwatch.step("load"), engine.incoming() as config:
        return _run(site, engine, path, dict(request, name=config.name, state=dict(state or {})))


def make_fresh(site: Site, engine: Engine) -> Dict[str, Any]:
    """Make incoming, and bring it to the newest migrations; what goes wrong drops it.

    Returns the ``migrations``, and the ``handlers_failed`` of post_migrate.
    Raises what ``program.run`` and :meth:`Engine.incoming` raise.
    """
    with engine.context.stopwatch.step("migrate"), engine.incoming() as config:
        request = {"work": "fresh", "name": config.name, "alias": engine.config.alias, "engine": engine.name}
        progress = _as_progress(engine.context.progress, engine.config.alias)
        return program.run(site.project, site.secrets, request, progress=progress)


def merge_fixture(
    site: Site,
    engine: Engine,
    path: Paths,
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
    request = {"work": "merge", "check": check, **_forms(path, form), **(choice or {})}
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


def _forms(path: Paths, form: str) -> Dict[str, Any]:
    """Return what the program is told of the files. Raises bad_option."""
    if isinstance(path, str):
        return {"form": form or form_of(path)}
    return {"form": "", "files": [{"name": one, "form": form or form_of(one)} for one in path]}


def _run(site: Site, engine: Engine, path: Paths, request: Mapping[str, Any]) -> Dict[str, Any]:
    with contextlib.ExitStack() as stack:
        try:
            stream, compression = stack.enter_context(_opened(path, site.project.owner))
            outer = None
            if isinstance(path, str) and is_encrypted(path):
                outer = stack.enter_context(age.decrypting(identity_of(path)))
            answer = program.run(
                site.project,
                site.secrets,
                dict(request, alias=engine.config.alias, engine=engine.name),
                stdin=stream,
                compression=compression,
                progress=_as_progress(engine.context.progress, engine.config.alias),
                outer=outer,
            )
        except RelocateError as error:
            raise _naming(path, error) from None
    site.notes.extend(answer["notes"])
    return answer


@contextlib.contextmanager
def _opened(path: Paths, owner: Optional[SystemUser]) -> Iterator[Tuple[IO[bytes], str]]:
    """Open the fixture; gives its stream, and how that is compressed. Raises path_refused."""
    with contextlib.ExitStack() as stack:
        files: List[several.Opened] = []
        for one in [path] if isinstance(path, str) else path:
            try:
                stream = stack.enter_context(openat.open_file(one, owner))
            except OSError as exc:
                raise unreadable(one, exc, owner) from exc
            files.append((one, stream, compression_of(one)))
        if isinstance(path, str):
            yield files[0][1:]
        else:
            closed = [one for one in path if is_encrypted(one)]
            identity = identity_of(closed[0]) if closed else ""
            yield stack.enter_context(several.joined(files, owner, identity)), program.NONE


def _naming(path: Paths, error: RelocateError) -> RelocateError:
    """The error with the file's name, where it is about what is in the file; of several files it has that already."""
    if error.code not in _OF_FIXTURE or not isinstance(path, str):
        return error
    details = dict(error.details, src=path)
    return RelocateError(error.code, "{0}: {1}".format(path, error.msg), error.hint, details)


def unreadable(path: str, exc: OSError, owner: Optional[SystemUser]) -> RelocateError:
    """The refusal for a file that may not be handed to project code."""
    hint = "correct the path"
    if owner is not None and isinstance(exc, PermissionError):
        hint = "let {0} read it, or keep it in a directory that only root can write".format(owner.name)
    return RelocateError("path_refused", "{0} cannot be read: {1}".format(path, exc.strerror), hint)


def files_of(src: Sequence[str], owner: Optional[SystemUser], form: str = "") -> Tuple[List[str], List[str]]:
    """Return the files that are meant, those of directories by name, and notes on what was left out of those.

    :param owner: of the project, who could put a link in a path
    :param form: what they all are, whatever their names tell

    Raises bad_option, file_missing, path_refused.
    """
    found: List[str] = []
    notes: List[str] = []
    for one in src:
        if not os.path.lexists(one):
            raise RelocateError("file_missing", "there is no fixture {0}".format(one), "correct src")
        if not os.path.isdir(one):
            found.append(one)
            continue
        names, others = _fixtures_in(one, owner, form)
        found += [os.path.join(one, name) for name in names]
        if others:
            notes.append("{0}: left out, since their names tell no format: {1}".format(one, ", ".join(others)))
    _check_files(found)
    return found, notes


def _fixtures_in(directory: str, owner: Optional[SystemUser], form: str) -> Tuple[List[str], List[str]]:
    """Names of the fixtures of a directory, and of other files. Raises file_missing, path_refused."""
    try:
        with openat.directory(directory, owner) as place:
            names = sorted(name for name in place.names() if not name.startswith("."))
    except OSError as exc:
        raise unreadable(directory, exc, owner) from exc
    fixtures = [name for name in names if form or _tells_form(name)]
    if not fixtures:
        raise RelocateError(
            "file_missing",
            "there is no fixture in the directory {0}".format(directory),
            "correct src; names of fixtures end in {0}".format(", ".join(_FORMS)),
        )
    return fixtures, [name for name in names if name not in fixtures]


def _check_files(found: Sequence[str]) -> None:
    """Raise bad_option for a file that is named twice, and for too many."""
    real = [os.path.realpath(one) for one in found]
    doubled = [one for place, one in enumerate(found) if real[place] in real[:place]]
    if doubled:
        raise RelocateError(
            "bad_option", "src names this fixture twice: {0}".format(doubled[0]), "leave one of the two out of src"
        )
    if len(found) > several.MOST:
        raise RelocateError(
            "bad_option",
            "src names {0} files, and one load takes {1}".format(len(found), several.MOST),
            "join some of them to one file",
        )


def _tells_form(name: str) -> bool:
    try:
        return bool(form_of(name))
    except RelocateError:
        return False


def is_encrypted(path: str) -> bool:
    """By the file's name."""
    return path.endswith(age.SUFFIX)


def identity_of(path: str) -> str:
    """Return the text of what opens an encrypted fixture. Raises set_encrypted, identity_unusable."""
    return OPENER.identity(path, "the fixture")


def check_opens(path: str, owner: Optional[SystemUser]) -> None:
    """Decrypt a fixture to nowhere, so that one that is cut short or closed is refused before anything is done.

    Raises set_encrypted, identity_wrong, identity_unusable, encryption_failed, path_refused.
    """
    with contextlib.ExitStack() as stack:
        command = stack.enter_context(age.decrypting(identity_of(path)))
        try:
            stream = stack.enter_context(openat.open_file(path, owner))
        except OSError as exc:
            raise unreadable(path, exc, owner) from exc
        done = process_run(command, stdin=stream)
    if done.rc:
        raise age.failed_at(path, done)


def _without_age(path: str) -> str:
    return path[: -len(age.SUFFIX)] if is_encrypted(path) else path


def compression_of(path: str) -> str:
    """By the file's name."""
    return _COMPRESSIONS.get(os.path.splitext(_without_age(path))[1].lower(), program.NONE)


def form_of(path: str) -> str:
    """By the file's name, without what it is compressed and encrypted with.

    Raises bad_option for a name that tells nothing.
    What ends in .jsonl may be either form of JSON lines: the program looks at how it begins.
    """
    path = _without_age(path)
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
