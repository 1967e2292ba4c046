# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ``venv_fixture`` inside the project's interpreter, as the project's owner, with a fixture on its way in or out.

The rows stream between the program, zstd and the file: nothing of them is held here.
"""

from __future__ import annotations

import json
import os
import signal
from typing import IO, Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._errors import CODES, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_anonymise,
    venv_beyond,
    venv_blame,
    venv_chosen,
    venv_columns,
    venv_dialect,
    venv_dump,
    venv_encoding,
    venv_fixture,
    venv_follow,
    venv_follow_order,
    venv_lines,
    venv_load,
    venv_load_objects,
    venv_load_rows,
    venv_load_signals,
    venv_made,
    venv_merge,
    venv_merge_lines,
    venv_merge_relations,
    venv_merge_rows,
    venv_natural_keys,
    venv_objects,
    venv_own_words,
    venv_read_json,
    venv_read_objects,
    venv_read_xml,
    venv_read_yaml,
    venv_references,
    venv_refusals,
    venv_rows,
    venv_scan,
    venv_scan_rules,
    venv_several,
    venv_shapes,
    venv_spool,
    venv_state,
    venv_values,
    venv_words,
    venv_write_followed,
    venv_write_formats,
    venv_write_objects,
    venv_wrong_json,
)
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    pipeline,
    require_program,
)
from ansible_collections.relocate.django.plugins.module_utils._project import (
    answers,
    inside,
    replies,
    venv_sanitise_rows,
    venv_sanitise_rules,
    venv_sanitise_search,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

#: In the order in which they import each other; the last one's main is run.
PARTS = (
    *answers.PARTS,
    venv_sanitise_rules,
    venv_sanitise_search,
    venv_sanitise_rows,
    venv_values,
    venv_dialect,
    *(engine.dialect for engine in ENGINES),
    venv_columns,
    venv_rows,
    venv_beyond,
    venv_lines,
    venv_write_formats,
    venv_own_words,
    venv_write_objects,
    venv_references,
    venv_scan_rules,
    venv_follow,
    venv_follow_order,
    venv_anonymise,
    venv_write_followed,
    venv_dump,
    venv_state,
    venv_objects,
    venv_refusals,
    venv_blame,
    venv_chosen,
    venv_load,
    venv_encoding,
    venv_wrong_json,
    venv_read_json,
    venv_read_xml,
    venv_read_yaml,
    venv_read_objects,
    venv_several,
    venv_words,
    venv_shapes,
    venv_natural_keys,
    venv_spool,
    venv_load_rows,
    venv_made,
    venv_load_objects,
    venv_load_signals,
    venv_merge_rows,
    venv_merge_lines,
    venv_merge_relations,
    venv_merge,
    venv_scan,
    venv_fixture,
)
_FILE, _PRIVATE = "fixture.py", "fixture.json"
_SAY = "say "
ZSTD, NONE = "zstd", "none"
#: The program that decompresses, with its arguments, by how a file is compressed; "" is for plain ones.
DECOMPRESSORS: Dict[str, Sequence[str]] = {
    ZSTD: ("zstd", "-dcq"),
    "gzip": ("gzip", "-dcq"),
    "bzip2": ("bzip2", "-dcq"),
    "xz": ("xz", "-dcq"),
}

Progress = Callable[[str], None]


def _silent(line: str) -> None:
    """Progress that nobody reads."""


def run(
    project: Project,
    secrets: SecretStore,
    request: Mapping[str, Any],
    stdin: Optional[IO[bytes]] = None,
    stdout: Optional[IO[bytes]] = None,
    compression: str = ZSTD,
    progress: Progress = _silent,
    timeout: Optional[float] = None,
    private: Optional[Mapping[str, Any]] = None,
    outer: Optional[Command] = None,
) -> Dict[str, Any]:
    """Do what the request asks for; returns the program's answer.

    :param secrets: the run's entered store: the program lies in it, for its owner to read
    :param request: see ``venv_fixture``; no secret, since it is an argument of the program
    :param stdin: the fixture to load, an open file; with ``stdout`` what the program is told while it dumps
    :param stdout: the open file that takes the fixture
    :param compression: of the file: a key of DECOMPRESSORS, or none; what is written is zstd or none
    :param progress: called with a line of text now and then
    :param private: more of the request, which no list of processes may show
    :param outer: decrypts the file before all else reads it, or encrypts it after all else has written it

    Raises RelocateError: what the fixture is refused for, with the code that it was refused with; interpreter_unusable,
    settings_unknown, settings_failed, query_failed, dump_failed, dump_truncated, program_missing, timed_out.
    """
    marker = inside.new_marker()
    path = secrets.write(_FILE, inside.program(PARTS).decode("ascii"))
    if private:
        request = dict(request, private=secrets.write(_PRIVATE, json.dumps(private, ensure_ascii=True)))
    argument = json.dumps(
        dict(request, marker=marker, manage=project.manage_path, settings=project.settings), ensure_ascii=True
    )
    python = Command(
        [project.interpreter, path, argument], project.owner, project.environment(), project.directory, umask=0o022
    )
    # With both, standard input is no fixture but what the program is told on its way.
    commands = _compressed(python, compression, stdin is not None and stdout is None, stdout is not None)
    if outer is not None:
        commands = [*commands, outer] if stdout is not None else [outer, *commands]
    done = pipeline(commands, stdin, stdout, timeout, on_line=_listener(marker, progress))
    return _judge(project, done, commands.index(python), marker, str(request["work"]))


def _compressed(python: Command, compression: str, reads: bool, writes: bool) -> List[Command]:
    if compression == NONE or not (reads or writes):
        return [python]
    name, *arguments = DECOMPRESSORS[compression]
    program = require_program(name)
    if reads:
        return [Command([program] + arguments, python.user), python]
    return [python, Command([program, "-3", "-T0", "-qc"], python.user)]


def _listener(marker: str, progress: Progress) -> Callable[[str], None]:
    beginning = marker + _SAY

    def listen(line: str) -> None:
        if line.startswith(beginning):
            progress(line[len(beginning) :])

    return listen


def _judge(project: Project, done: Sequence[Completed], index: int, marker: str, work: str) -> Dict[str, Any]:
    ours, others = done[index], [item for number, item in enumerate(done) if number != index]
    reply = _reply(project, ours, others, marker, work)
    known = sorted(set(reply["secrets"]) | set(project.env_secrets()))
    if reply["refused"]:
        refused = reply["refused"]
        _refuse_broken(others, index > 0)  # a fixture that is cut short is so because zstd gave up
        raise RelocateError(
            refused["code"], inside.scrubbed(refused["msg"], known), refused["hint"], refused["details"]
        )
    if reply["failed"]:
        _refuse_broken(others, index > 0)
        raise _failed(project, reply["failed"], known)
    _refuse_broken(others, index > 0)
    if ours.rc != 0:
        raise inside.no_answer(project, ours)
    found: Dict[str, Any] = reply["answer"]
    return found


def _reply(project: Project, ours: Completed, others: Sequence[Completed], marker: str, work: str) -> Dict[str, Any]:
    try:
        reply = inside.reply_in(project, ours, ours.stderr, marker, replies.FIXTURE)
        if reply["failed"]:
            replies.check_failure(reply["failed"])
        elif reply["refused"] and reply["refused"]["code"] not in CODES:
            raise ValueError("refused.code")
        elif ours.rc == 0 and not reply["refused"]:
            replies.checked(reply["answer"], replies.WORKS[work])
        return reply
    except ValueError as exc:
        raise inside.strange(project, exc) from None
    except RelocateError:
        _refuse_broken(others, False)
        raise


def _refuse_broken(others: Sequence[Completed], reading: bool) -> None:
    """Say so when the compressor failed, whose exit code a shell would have hidden."""
    for item in others:
        stopped = reading and (item.rc == -signal.SIGPIPE or "broken pipe" in item.err.lower())
        if item.rc != 0 and not stopped and age.is_age(item):
            raise age.failed_at("the fixture", item)
        if item.rc != 0 and not stopped:  # the program refused the fixture before its end
            code, what = (
                ("dump_truncated", "the fixture cannot be decompressed")
                if reading
                else (
                    "dump_failed",
                    "the fixture cannot be compressed",
                )
            )
            raise RelocateError(
                code,
                "{0}: {1} exited {2}: {3}".format(
                    what, os.path.basename(item.argv[0]), item.rc, last_lines(item.err, 2)
                ),
                "use another fixture",
            )


def _failed(project: Project, error: Mapping[str, Any], secrets: Sequence[str]) -> RelocateError:
    if error["stage"] in ("django", "settings", "apps"):
        return inside.start_error(project, error, secrets)
    text = inside.scrubbed("\n".join(error["lines"]), secrets)
    database = "django.db.utils.Error" in error["types"]
    return RelocateError(
        "query_failed" if database else "fixture_failed",
        "the {0} of the fixture failed: {1}".format(error["stage"], text),
        "read the last line; nothing was changed",
    )
