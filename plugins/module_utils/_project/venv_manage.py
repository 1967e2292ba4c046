# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Runs a command of ``manage.py`` that writes below some directories and leaves no other trace: see ``venv_held``.

``management.py`` runs it. A line of standard error says what was refused: the marker, then base64 of zlib of JSON.
Python 3.6 syntax, ASCII only, standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import base64
import json
import os
import runpy
import sys
import traceback
import zlib
from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._project import venv_held, venv_quiet

_started: List[int] = []  # how many times something was refused until the apps were there


def _hold(request: Dict[str, Any]) -> None:
    """Begin before the project does; its settings are read once Django is about to start its apps."""
    import django

    venv_held.begin(request)
    original = django.setup

    def setup(*words: Any, **more: Any) -> None:
        venv_held.settings_read()
        original(*words, **more)
        _started.append(venv_held.count())

    django.setup = setup


def _run(manage: str) -> int:
    """Return the exit code of manage.py."""
    try:
        runpy.run_path(manage, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(ended.code + "\n")
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    """End as manage.py ends, without the threads and the last wishes of the project."""
    request = json.loads(sys.argv[1])
    sys.path[0] = os.path.dirname(request["manage"])  # it is "" for a program on standard input
    sys.argv = [request["manage"]] + request["args"]
    try:
        _hold(request)
    except ImportError:
        pass  # manage.py says it in its own words
    code = _run(request["manage"])
    if code:
        venv_held.blame(0, "denied")  # perhaps
    for refused in _started[:1]:
        venv_held.blame_programs(refused)
    found = venv_held.outcome()
    data = base64.b64encode(zlib.compress(json.dumps(found).encode("ascii"), 6)).decode("ascii")
    sys.stdout.flush()
    sys.stderr.write("\n" + request["marker"] + data + "\n")
    sys.stderr.flush()
    venv_quiet.end()
    os._exit(code)
