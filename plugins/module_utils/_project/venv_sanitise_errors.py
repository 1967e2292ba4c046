# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Says what failed while rows were changed, and quotes no row.

A server's text of an error may hold a whole row, and a project's own any value of one: neither is told.

Part of a program that runs inside the project's interpreter (see ``venv_sanitise.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import os
import re
import traceback
from typing import Any, Dict, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._project import venv_sanitise_rows, venv_secrets

#: What psycopg tells of an error by name; its other parts hold values.
_NAMED = ("schema", "table", "column", "constraint")
_CODE = re.compile(r"([0-9A-Z]{5}|SQLITE_[A-Z_]+)\Z")
_BASE = os.path.join("django", "core", "management", "base.py")


def describe(stage: str, error: BaseException) -> Dict[str, Any]:
    """Return an exception as the caller may show it: places, classes, and what a server names by code or name."""
    told = venv_secrets.describe_error(stage, error)
    if _of_arguments(error):
        return told
    places = ["{0}, line {1}, in {2}".format(*entry[:3]) for entry in _places(error)]
    chain = _chain(error)
    lines = ["(texts of errors are left out here: they may quote a row)"]
    return dict(told, lines=places[-4:] + lines + [_class(one) + _facts(one) for one in chain])


def _places(error: BaseException) -> List[Any]:
    return [entry for entry in traceback.extract_tb(error.__traceback__) if not entry[0].startswith("<")]


def _of_arguments(error: BaseException) -> bool:
    """Tell whether a command does not know the arguments that the user gave it: no row has been looked at for that."""
    entries = _places(error)
    return bool(entries) and entries[-1][0].endswith(_BASE) and entries[-1][2] == "error"


def _chain(error: BaseException) -> List[BaseException]:
    """Return the errors that led to one, the first of them first."""
    found: List[BaseException] = []
    one: Optional[BaseException] = error
    while one is not None and one not in found and len(found) < 5:
        found.insert(0, one)
        one = one.__cause__ or one.__context__
    return found


def _class(error: BaseException) -> str:
    if isinstance(error, venv_sanitise_rows.ToldError):
        return str(error)
    return "{0}.{1}".format(type(error).__module__, type(error).__name__)


def _facts(error: BaseException) -> str:
    """Return what a database or its driver tells besides the text: SQLSTATE or number, and names."""
    codes = [getattr(error, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    found = [code for code in codes if isinstance(code, str) and _CODE.match(code)] + _number(error)
    diag = getattr(error, "diag", None)
    for what in _NAMED:
        value = getattr(diag, what + "_name", None)
        if isinstance(value, str) and value:
            found.append("{0} {1}".format(what, value))
    return ": " + ", ".join(found) if found else ""


def _number(error: BaseException) -> List[str]:
    """Return the number of an error of MySQL or MariaDB, as Django hands it on."""
    from django.db import Error

    numbered = isinstance(error, Error) and len(error.args) > 1 and isinstance(error.args[0], int)
    return ["error {0}".format(error.args[0])] if numbered else []
