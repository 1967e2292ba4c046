# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Finding secrets inside the project's interpreter, so that no message made of its errors can show one.

Part of the program that ``probe.py`` sends (see ``venv_probe.py``): Python 3.6 syntax, ASCII only, standard library
only. What is found here goes to the caller's scrubber and nowhere else.
"""

import ast
import os
import re
import sys
import traceback
import urllib.parse
from typing import Any, Dict, List, Optional, Set, Tuple

_SECRET_NAME = re.compile(
    r"(?i)pass(word|wd|phrase|code)|(^|_)(pass|pwd)($|_)|secret|token|credential|private|(^|_)(salt|dsn)($|_)"
    r"|(api|access|auth|signing|encryption|account|license|host)_?key"
)
# PASSWORD_HASHERS and their like: masking class paths would make every message unreadable.
_HARMLESS_NAME = re.compile(
    r"(?i)hasher|validator|timeout|header|class|backend|serializer|lifetime|algorithm|length|claim|type|expir|model"
    r"|form|_(name|url|file|path|dir|age)$|^(OLD)?PWD$"
)
_DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*){2,}$")
_URL_PASSWORD = re.compile(r"://[^:/@\s]*:([^\s]+)@")


def is_secret_name(name: str) -> bool:
    """True for names of variables and settings whose values must not be shown."""
    if _HARMLESS_NAME.search(name):
        return False
    return bool(_SECRET_NAME.search(name)) or (name.isupper() and name.endswith("_KEY"))


def url_passwords(text: str) -> Set[str]:
    """The passwords in the URLs of a text, and their pieces: parsers of a malformed URL quote pieces."""
    found: Set[str] = set()
    for password in _URL_PASSWORD.findall(text):
        found.update((password, urllib.parse.unquote(password)))
        found.update(piece for piece in re.split(r"[@:/?#\[\]]", password) if len(piece) >= 3)
    return found


def collect_secrets(name: str, value: Any, found: Set[str], depth: int = 0) -> None:
    """Add to ``found`` every text under a secret-looking name, and every password inside a URL.

    By type(), since isinstance() would wake lazy objects, such as the settings that have just failed.
    """
    kind = type(value)
    if issubclass(kind, bytes):
        value, kind = value.decode("utf-8", "replace"), str
    if issubclass(kind, str):
        if _is_secret(name, value):
            found.add(str(value))
        found.update(url_passwords(value))
    elif depth < 6:
        for below, item in _held(name, value):
            collect_secrets(below, item, found, depth + 1)


def _is_secret(name: str, value: str) -> bool:
    certain = name.upper() == "PASSWORD" and len(value) >= 3
    return certain or (is_secret_name(name) and len(value) >= 6 and not _DOTTED.match(value))


def _held(name: str, value: Any) -> List[Tuple[str, Any]]:
    """What a collection holds, each with the name that it goes by; nothing for anything else."""
    kind = type(value)
    if issubclass(kind, dict):
        return [(key if issubclass(type(key), str) else name, item) for key, item in list(value.items())]
    if issubclass(kind, (list, tuple, set)):
        return [(name, item) for item in list(value)]
    return []


def source_secrets(source: str) -> Set[str]:
    """Literals under secret-looking names in Python source: what a module that failed had no time to define."""
    found: Set[str] = set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return found
    for node in ast.walk(tree):
        for name, value in _named_values(node):
            text = _text_of(value)
            if text is not None:
                collect_secrets(name, text, found)
    return found


def _text_of(node: Any) -> Optional[str]:
    if isinstance(node, ast.AST) and type(node).__name__ in ("Constant", "Str"):
        value = getattr(node, "value", None) if type(node).__name__ == "Constant" else getattr(node, "s", None)
        return value if isinstance(value, str) else None
    return None


def _named_values(node: Any) -> List[Tuple[str, Any]]:
    if isinstance(node, ast.Dict):
        return [(_text_of(key) or "", value) for key, value in zip(node.keys, node.values)]
    if isinstance(node, ast.Assign):
        return [(getattr(target, "id", getattr(target, "attr", "")), node.value) for target in node.targets]
    return _named_arguments(node) if isinstance(node, ast.Call) else []


def _named_arguments(call: Any) -> List[Tuple[str, Any]]:
    """Arguments with their keywords, and with the text that comes first: ``env("SECRET_KEY", default="...")``."""
    first = (_text_of(call.args[0]) if call.args else None) or ""
    named = [(item.arg or "", item.value) for item in call.keywords]
    return named + [(first, value) for value in call.args[1:] + [item.value for item in call.keywords]]


def all_secrets(error: Optional[BaseException] = None) -> List[str]:
    """Everything secret-looking in the environment, the settings, and the code that an error came through."""
    found: Set[str] = set()
    collect_secrets("", dict(os.environ), found)
    step = getattr(error, "__traceback__", None)
    while step is not None:
        scope = step.tb_frame
        name = scope.f_code.co_filename
        if not name.startswith("<"):  # not ours, which came by standard input
            collect_secrets("", dict(scope.f_locals), found)
            if "site-packages" not in name and not name.startswith(os.path.dirname(os.__file__) + os.sep):
                collect_secrets("", dict(scope.f_globals), found)
                found.update(_file_secrets(name))
        step = step.tb_next
    found.update(_settings_secrets())
    return sorted(item for item in found if item and "\0" not in item)  # no text that is shown holds one


def _file_secrets(name: str) -> Set[str]:
    try:
        with open(name, "rb") as stream:
            return source_secrets(stream.read(1000000).decode("utf-8", "replace"))
    except OSError:
        return set()


def _settings_secrets() -> Set[str]:
    found: Set[str] = set()
    conf = sys.modules.get("django.conf")
    if conf is None or not conf.settings.configured:
        return found
    for name in dir(conf.settings):
        if not name.isupper():
            continue
        try:
            value = getattr(conf.settings, name)
        except Exception:  # noqa: S112  (an empty SECRET_KEY raises when it is looked at)
            continue
        collect_secrets(name, value, found)
        if name == "DATABASES" and isinstance(value, dict):
            _collect_passwords(value, found)
    return found


def _collect_passwords(databases: Dict[str, Any], found: Set[str]) -> None:
    for database in databases.values():
        if isinstance(database, dict):
            collect_secrets("PASSWORD", str(database.get("PASSWORD") or ""), found)  # text even when it is lazy


def describe_error(stage: str, error: BaseException) -> Dict[str, Any]:
    """An exception as the caller may show it after scrubbing: places and message, no source lines, no locals."""
    lines = []
    for entry in traceback.extract_tb(error.__traceback__):
        if not entry[0].startswith("<"):
            lines.append("{0}, line {1}, in {2}".format(entry[0], entry[1], entry[2]))
    kind = type(error)
    names = [base.__module__ + "." + base.__name__ for base in kind.__mro__]
    text = "{0}: {1}".format(kind.__name__, error).replace("\0", "\\0")
    return {"stage": stage, "types": names, "lines": lines[-4:] + text.splitlines()[:12]}
