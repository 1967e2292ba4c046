# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Gives the files and directories that settings and variables of the environment name, and that are there.

What code opens only at a request, such as a key in GOOGLE_APPLICATION_CREDENTIALS or a directory in GEOIP_PATH, is seen
by no trace of a start. Part of the program that ``probe.py`` sends (see ``venv_probe.py``): Python 3.6 syntax, ASCII
only, standard library only, Django imported inside functions. Nothing is opened.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import os
import re
from typing import Any, Dict, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import venv_opened

_DEPTH = 5  # of collections
_MOST = 500  # paths, and entries of a collection
_LENGTH = 4096  # characters
#: What travels, is made anew or is of no use elsewhere: databases, caches, logs. URLs begin with / too.
_APART = re.compile(
    r"(^|_)(URL|URLS|DATABASES?|LOGGING|LOGS?|CACHES?|TMP|TEMP|TEMPORARY|BACKUPS?|DBBACKUP|PID|PIDFILE|SOCK|SOCKET"
    r"|SCHEDULE)(_|$)|^(MEDIA_ROOT|STATIC_ROOT|STATICFILES_FINDERS|EMAIL_FILE_PATH|COMPRESS_ROOT|PWD|OLDPWD)$"
)


def topic_named() -> List[Dict[str, str]]:
    """Return each path once: ``path``, absolute, and ``setting``, the first name by which it is known."""
    found = {}  # type: Dict[str, str]
    for name, path in _paths():
        if len(found) >= _MOST:
            break
        found.setdefault(os.path.abspath(path), name)
    return [{"path": path, "setting": name} for path, name in sorted(found.items())]


def _paths() -> Iterator[Tuple[str, str]]:
    for name, value in sorted(_values(), key=lambda item: item[0]):  # values of one name may be of several types
        if not _APART.search(name.upper()):
            for path in _texts(value, 0):
                if _is_there(path):
                    yield name, path


def _values() -> Iterator[Tuple[str, Any]]:
    from django.conf import settings

    for name in dir(settings):
        if name.isupper() and settings.is_overridden(name):
            try:
                yield name, getattr(settings, name)
            except Exception:  # noqa: S112  (an empty SECRET_KEY raises when it is looked at)
                continue
    for name in sorted(os.environ):
        if not venv_opened.EVERYWHERE.match(name):
            yield name, os.environ[name]


def _texts(value: Any, depth: int) -> Iterator[str]:
    """Give the texts that a value holds; lazy ones, which would run code of the project, are left alone."""
    kind = type(value)
    if issubclass(kind, str) or hasattr(kind, "__fspath__"):
        yield os.fspath(value)
    elif depth < _DEPTH and issubclass(kind, (dict, list, tuple, set, frozenset)):
        pairs = value.items() if issubclass(kind, dict) else (("", item) for item in value)
        for key, item in list(pairs)[:_MOST]:
            if not (isinstance(key, str) and _APART.search(key.upper())):
                yield from _texts(item, depth + 1)


def _is_there(path: Any) -> bool:
    if not isinstance(path, str) or not path.startswith("/") or len(path) > _LENGTH or "\0" in path:
        return False
    return os.path.isfile(path) or os.path.isdir(path)
