# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the types of what a program in the project's interpreter answers.

The program is ours, the interpreter is not: settings, a sitecustomize or a .pth file may print an answer of their own.
So an answer is data: of bearable size, and of the declared shape before anybody looks into it.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Mapping

_LIMIT = 256 * 1024 * 1024  # bytes of an answer: a mebibyte of base64 could unpack to a gibibyte
_PORTS = 65536


@dataclass(frozen=True)
class Each:
    """A mapping of any keys to values of one shape."""

    shape: Any


@dataclass(frozen=True)
class Maybe:
    """A value of a shape, or None; or a key that need not be there."""

    shape: Any


#: A shape is a type, a list of one shape, a mapping of the keys that must be there, or one of the above.
_ERROR = {"stage": str, "types": [str], "lines": [str]}
_FAILED = {"stage": str, "types": Maybe([str]), "lines": Maybe([str]), "unknown": Maybe([str]), "known": Maybe([str])}
_COUNTS = Each({"objects": int})
#: Columns that hold what no rule names.
_LOOKS_LIKE = {**dict.fromkeys("table column looks_like".split(), str), "rows": int}
#: The migrations of a project.
_MIGRATIONS: Mapping[str, Any] = {
    "aliases": Each(
        {
            **dict.fromkeys("exists recorded".split(), bool),
            "inconsistent": str,
            **{key: [str] for key in "applied unapplied unknown".split()},
        }
    ),
    "conflicts": Each([str]),
    "missing": [str],
}
#: What of a fixture was not taken: by model, or by field.
_LEFT = {"excluded": Maybe(Each(int)), "ignored": Maybe(Each(int))}
PROBE: Mapping[str, Any] = {
    "answers": Each(object),
    "errors": Each(_ERROR),
    "failed": Maybe(_FAILED),
    "secrets": [str],
    "held": Maybe([str]),
    "let": Maybe([str]),
    "again": Maybe([str]),
}
#: What a command of manage.py was held to.
HELD: Mapping[str, Any] = {key: [str] for key in "held let again".split()}
#: What the probe tells of a place in object storage.
STORE: Mapping[str, Any] = {
    **dict.fromkeys("kind backend bucket endpoint region prefix acl addressing".split(), str),
    "used_by": [str],
    "encryption": Maybe(str),
    "kms_key": Maybe(str),
}
TOPICS: Mapping[str, Any] = {
    "databases": [
        {
            **dict.fromkeys("alias backend vendor name user host time_zone test_mirror same_as error".split(), str),
            "port": Maybe(int),
            "options": Each(object),
            "has_password": bool,
            "password": Maybe(str),
        }
    ],
    "django": {
        **dict.fromkeys("version python requires_python media_root static_root settings".split(), str),
        "apps": [str],
        "file_stores": [{"path": str, "field": str}],
        "used_paths": Each([str]),
        "media_stores": Maybe([STORE]),
        "static_stores": Maybe([STORE]),
    },
    "migrations": _MIGRATIONS,
    "history": {"known": [str], "files": Each(str), "replaced": Each([str]), "apps": [str]},
    "models": [Each(object)],
    "counts": Each({"exists": bool, "models": Each({"table": str, "rows": int}), "without_table": [str]}),
    "checks": [dict.fromkeys("id level msg hint object".split(), str)],
    "packages": [str],
    "media": Each(object),
    "opened": {"files": [str], "variables": Each(bool), "whole": bool},
    "named": [dict.fromkeys("path setting".split(), str)],
    "neighbours": Each(object),
    "logins": [{**dict.fromkeys("setting address user password ca".split(), str), "tls": bool, "verify": bool}],
    "pages": {"usual": [str], "files": [str]},
    "serving": [dict.fromkeys("where kind msg".split(), str)],
    "store_logins": [dict.fromkeys("user key secret token".split(), str)],
    "showmigrations": {
        **_MIGRATIONS,
        "partly": Each([str]),
        "listed": Each([{**dict.fromkeys("app name at".split(), str), "applied": bool, "replaces": [str]}]),
    },
    "makemigrations": {
        "unknown": [str],
        "conflicts": Each([str]),
        "question": str,
        "files": [{**dict.fromkeys("app name path text".split(), str), "operations": [str]}],
    },
    "lint": [
        {
            **dict.fromkeys("code level app migration file msg remedy patch".split(), str),
            "line": int,
            "places": [{"line": int, "msg": str}],
        }
    ],
}
PACKAGES = [
    {
        **dict.fromkeys("name version line".split(), str),
        "needs": [str],
        "system": bool,
        "local": bool,
        "compiled": Maybe(bool),
    },
]
#: environment.json of a set, which may come from anywhere.
ENVIRONMENT: Mapping[str, Any] = {
    "python": str,
    "freeze": [str],
    "distributions": Maybe(PACKAGES),
    "named": Maybe([str]),
}
FIXTURE: Mapping[str, Any] = {
    "answer": Maybe(Each(object)),
    "failed": Maybe(_FAILED),
    "refused": Maybe({"code": str, "msg": str, "hint": str, "details": Each(object)}),
    "secrets": [str],
}
#: A line of the program that asks for pages: one page, its end, or why nothing can be asked.
REQUESTED: Mapping[str, Any] = {
    "page": Maybe(
        {
            **dict.fromkeys("path host title location refusal old_title".split(), str),
            **dict.fromkeys("status expected".split(), int),
            **dict.fromkeys("late contained redirects by_old known".split(), bool),
            "seconds": float,
            "refused": [str],
            "error": Maybe(_ERROR),
        }
    ),
    "failed": Maybe(_ERROR),
    "ended": Maybe(bool),
    "notes": Maybe([str]),
    "secrets": [str],
}
_MIGRATION = {"alias": str, "name": str}
#: A line of the program that migrates copies.
MIGRATED: Mapping[str, Any] = {
    "begun": Maybe(_MIGRATION),
    "applied": Maybe({**_MIGRATION, "seconds": float}),
    "broken": Maybe({**_MIGRATION, "failed": _ERROR, "refusal": str}),
    "ended": Maybe(bool),
    "notes": Maybe([str]),
    "secrets": [str],
}
#: What became of a clone's databases.
SANITISED: Mapping[str, Any] = {
    "done": Maybe(
        {
            "tables": Each(Each(Each(int))),
            "statements": Each([int]),
            "unrecognised": Each([_LOOKS_LIKE]),
            "notes": [str],
        }
    ),
    "refused": Maybe(dict.fromkeys("code msg hint".split(), str)),
    "failed": Maybe(_ERROR),
    "lasting": Maybe([str]),
    "ended": Maybe(bool),
    "secrets": [str],
}
#: By what the program is asked to do.
WORKS: Mapping[str, Any] = {
    "dump": {
        "counts": _COUNTS,
        **{key: [str] for key in ("migrations", "missing_keys", "needs")},
        "left_out": [Each(str)],
        **dict.fromkeys(("method", "engine"), str),
        "selected": Maybe(Each({"chosen": int, "referred": int, "by": [str]})),
        **{key: Maybe(Each(int)) for key in ("cut", "loose")},
        **{key: Maybe([str]) for key in ("not_followed", "models_left_out")},
        "masked": Maybe(Each(Each(int))),
        "unrecognised": Maybe([_LOOKS_LIKE]),
    },
    "load": {
        "counts": _COUNTS,
        "migrated": [str],
        "header": Each(object),
        "made": Each({"objects": int, "names": [str]}),
        "handlers_failed": Maybe([str]),
        "notes": [str],
        "replaced": Maybe(Each([str])),
        **_LEFT,
    },
    "merge": {"counts": Each(Each(int)), "rows": [object], "untold": int, "notes": [str], **_LEFT},
    "filled": {"filled": Each(int)},
    "fitting": {"recorded": bool, **{key: [str] for key in "applied unapplied unknown lacking".split()}},
    "schema": {"schema": Each([[str]])},
    "fresh": {"migrations": [str], "handlers_failed": [str]},
    "scan": {
        "findings": [{**dict.fromkeys("table column reason remedy".split(), str), "rows": [str], "count": int}],
        "rows": int,
        "schema": Each([[str]]),
        "migrations": [str],
    },
}


def unpacked(line: bytes) -> Any:
    """An answer out of base64 of zlib of JSON. Raises ValueError for what is none, or too big, or too deep."""
    program = zlib.decompressobj()
    try:
        data = program.decompress(base64.b64decode(line, validate=True), _LIMIT)
        if not program.eof:
            raise ValueError("more than an answer")
        return json.loads(data.decode("ascii"))
    except (zlib.error, RecursionError) as exc:
        raise ValueError("no answer") from exc


def checked(value: Any, shape: Any, where: str = "answer") -> Any:
    """The value. Raises ValueError naming the first place that is of another shape."""
    if isinstance(shape, Maybe):
        return value if value is None else checked(value, shape.shape, where)
    if isinstance(shape, Each):
        _of(dict, value, where)
        for key, item in value.items():
            checked(item, shape.shape, "{0}.{1}".format(where, _of(str, key, where)))
    elif isinstance(shape, list):
        for number, item in enumerate(_of(list, value, where)):
            checked(item, shape[0], "{0}[{1}]".format(where, number))
    elif isinstance(shape, Mapping):
        _check_keys(_of(dict, value, where), shape, where)
    elif shape is not object:
        _of(shape, value, where)
    return value


def _check_keys(value: Dict[str, Any], shape: Mapping[str, Any], where: str) -> None:
    for key, kind in shape.items():
        if key not in value and not isinstance(kind, Maybe):
            raise ValueError("{0}.{1}".format(where, key))
        found = checked(value.get(key), kind, "{0}.{1}".format(where, key))
        if key == "port" and found is not None and not 0 <= found < _PORTS:
            raise ValueError("{0}.{1}".format(where, key))


def _of(kind: Any, value: Any, where: str) -> Any:
    # A truth value is a number to Python; a name with NUL is none to anybody.
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise ValueError(where)
    if kind is str and "\0" in value:
        raise ValueError(where)
    return value


def check_topics(answers: Mapping[str, Any], errors: Iterable[str], wanted: Iterable[str]) -> None:
    """Raise ValueError unless each wanted topic is answered, in its shape, or failed."""
    for topic in wanted:
        if topic not in answers and topic not in errors:
            raise ValueError(topic)
    for topic, found in answers.items():
        if topic not in TOPICS:
            raise ValueError(topic)
        checked(found, TOPICS[topic], topic)


def check_failure(failed: Mapping[str, Any]) -> None:
    """Raise ValueError unless an error says what it is about."""
    about = ("unknown", "known") if failed["stage"] == "aliases" else ("types", "lines")
    if any(not failed.get(key) for key in about[-1:]) or any(failed.get(key) is None for key in about):
        raise ValueError("failed")
