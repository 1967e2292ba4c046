# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""The program that works on fixtures inside the project's interpreter: starts as manage.py does, then dumps or loads.

``program.py`` runs it as a file, with a JSON request as its argument; data goes through standard input and output. The
answer is the last line of standard error: the request's marker, then base64 of zlib of JSON, as of ``venv_probe``.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import base64
import json
import os
import sys
import zlib
from typing import Any, BinaryIO, Callable, Dict, Optional

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_beyond,
    venv_dialect,
    venv_dump,
    venv_encoding,
    venv_load,
    venv_load_objects,
    venv_load_signals,
    venv_merge,
    venv_rows,
    venv_scan,
    venv_several,
)
from ansible_collections.relocate.django.plugins.module_utils._project import venv_probe, venv_secrets

Request = Dict[str, Any]
_MIGRATIONS = "the code's migrations do not fit together: {0}"
_WHOLE_CODE = "check out a revision that has every migration which others depend on, then try again"


def work(request: Request, data_in: BinaryIO, data_out: BinaryIO) -> Dict[str, Any]:
    """Do what the request asks for, on the database that it names."""
    from django.db import connections

    alias = request["alias"]
    if alias not in connections:
        raise venv_rows.FixtureError("unknown_alias", "DATABASES has no alias {0}".format(alias), "choose another one")
    venv_dialect.choose(alias, request["engine"])
    if request.get("name"):
        # Another database than the live one: nothing has connected yet.
        connections[alias].settings_dict["NAME"] = request["name"]

    def say(text: str) -> None:
        sys.stderr.write("{0}say {1}\n".format(request["marker"], text))
        sys.stderr.flush()

    if request["work"] == "dump":
        return venv_dump.dump(request, data_out, say)
    if request["work"] in ("load", "merge"):
        return load(request, data_in, say)
    if request["work"] == "filled":
        return {"filled": venv_beyond.filled(request)}
    if request["work"] == "fitting":
        return venv_beyond.fitting(request)
    if request["work"] == "fresh":
        return venv_load.fresh(request, say)
    if request["work"] == "schema":
        return venv_load.schema(request, say)
    return venv_scan.scan(request, say)


def load(request: Request, data_in: BinaryIO, say: Callable[[str], None]) -> Dict[str, Any]:
    """Load or merge a fixture of whatever encoding; the answer has notes on what was done to its files."""
    if request.get("files"):
        several = venv_several.Source(request, data_in)
        take = venv_merge.merge if request["work"] == "merge" else _load_objects
        return dict(take(request, several, say), notes=several.notes)
    stream, notes = venv_encoding.as_utf8(data_in, request["form"], bool(request.get("skip_leading")))
    return dict(_load(request, stream, say), notes=notes)


def _load(request: Request, data_in: Any, say: Callable[[str], None]) -> Dict[str, Any]:
    """By the form of the fixture: ``lines`` are told from Django's own JSON lines by how they begin."""
    if venv_several.is_lines(data_in, request["form"]):
        request = dict(request, form=venv_dump.LINES)
    if request["work"] != "merge" and request["form"] == venv_dump.LINES:
        venv_several.refuse_unknown(request)
        data_in = venv_encoding.without_returns(data_in)
    if request["work"] == "merge":
        return venv_merge.merge(request, venv_several.Source(request, data_in), say)
    return _load_blank(request, data_in, say)


def _load_blank(request: Request, data_in: Any, say: Callable[[str], None]) -> Dict[str, Any]:
    """Load what the new database holds."""
    if request["form"] == venv_dump.LINES:
        if request.get("state") or request.get("signals"):
            raise venv_rows.FixtureError(
                "bad_option",
                "this fixture records its own migrations, and its rows bypass the models",
                "leave out state and signals",
            )
        return venv_load.load(request, data_in, say)
    return _load_objects(request, venv_several.Source(request, data_in), say)


def _load_objects(request: Request, source: venv_several.Source, say: Callable[[str], None]) -> Dict[str, Any]:
    """Load objects, past the models or by them."""
    if request.get("signals"):
        return venv_load_signals.load(request, source, say)
    return venv_load_objects.load(request, source, say)


def answer(request: Request, data_in: BinaryIO, data_out: BinaryIO) -> Dict[str, Any]:
    """The whole answer: ``{"answer": ..., "failed": error or None, "refused": FixtureError or None, "secrets"}``."""
    result: Dict[str, Any] = {"answer": None, "failed": None, "refused": None, "secrets": []}
    stage = "django"
    failure: Optional[BaseException] = None
    try:
        import django

        stage = "settings"
        venv_probe.start(request)
        stage = "apps"
        django.setup()
        stage = request["work"]
        result["answer"] = work(request, data_in, data_out)
        data_out.flush()
    except venv_rows.FixtureError as error:
        failure = error
        result["refused"] = {"code": error.code, "msg": error.msg, "hint": error.hint, "details": error.details}
    except (Exception, SystemExit) as error:
        failure = error
        if _is_of_migrations(error):
            result["refused"] = {"code": "unknown_migration", "msg": _MIGRATIONS.format(error), "hint": _WHOLE_CODE}
            result["refused"]["details"] = {}
        else:
            result["failed"] = venv_secrets.describe_error(stage, error)
    result["secrets"] = venv_secrets.all_secrets(failure)
    return result


def _is_of_migrations(error: BaseException) -> bool:
    """Tell whether Django cannot make a graph of the code's migrations: its errors name migrations, and no value."""
    return type(error).__module__ == "django.db.migrations.exceptions"


def main() -> None:
    """Work with the original standard output; what the project prints goes to standard error."""
    sys.stdout.flush()
    handle = os.dup(1)
    os.dup2(2, 1)
    request = json.loads(sys.argv[1])
    if request.get("private"):  # what no list of processes may show
        with open(request["private"], encoding="ascii") as private:
            request.update(json.load(private))
    with os.fdopen(handle, "wb", 1 << 20) as stream:
        reply = answer(request, sys.stdin.buffer, stream)
    data = json.dumps(reply, ensure_ascii=True).encode("ascii")
    line = request["marker"] + base64.b64encode(zlib.compress(data, 6)).decode("ascii")
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
    os._exit(1 if reply["answer"] is None else 0)  # threads of the project, and its atexit hooks, must not keep us
