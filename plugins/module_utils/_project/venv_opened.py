# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Traces what a project needs from outside of its code to start: the files that it reads, the variables it asks for.

Part of the program that ``probe.py`` sends (see ``venv_probe.py``): Python 3.6 syntax, ASCII only, standard library
only. Contents and values are not looked at: only paths and names are noted.
"""

import builtins
import io
import os
import re
import sys
import sysconfig
from typing import Any, Callable, Dict, Iterator, List, Tuple

_LIMIT = 2000  # of each kind
#: What code is made of, and what libraries bring.
_CODE = (".py", ".pyc", ".pyi", ".pyo", ".so", ".mo", ".po", ".egg", ".pth", ".sqlite3", ".sqlite", ".db")
_SYSTEM = (
    "/proc/ /sys/ /dev/ /usr/lib/ /usr/lib64/ /usr/share/ /usr/local/lib/ /lib/ /lib64/ /etc/ssl/certs/ca-"
    " /etc/ssl/cert.pem /etc/pki/tls/certs/ca- /etc/pki/tls/cert.pem"
    " /etc/pki/ca-trust/ /etc/apache/ /etc/apache2/mime /etc/httpd/conf/mime /etc/httpd/mime"
    " /usr/local/etc/httpd/ /usr/local/lib/netscape/ /etc/mime.types /etc/localtime /etc/timezone /etc/hosts"
    " /etc/host.conf /etc/hostname /etc/resolv.conf /etc/nsswitch.conf /etc/gai.conf /etc/services /etc/protocols"
    " /etc/os-release /etc/lsb-release /etc/debian_version /etc/machine-id /etc/passwd /etc/group /etc/ssl/openssl.cnf"
    " /etc/pki/tls/openssl.cnf /etc/magic /etc/inputrc /etc/python"
).split()
_APART = re.compile(r"/(site-packages|dist-packages|__pycache__|\.git|\.hg|\.svn)/")
#: What is asked for wherever Python runs, by code that is no business of the site's.
EVERYWHERE = re.compile(
    r"^(PYTHON\w*|PATH|HOME|USER|LOGNAME|LANG(UAGE)?|LC_\w+|TZ|TMP|TEMP|(SQLITE_)?TMPDIR|PWD|SHELL|TERM|VIRTUAL_ENV"
    r"|SSL_CERT_(FILE|DIR)|DJANGO_SETTINGS_MODULE)$"
)
#: Methods of the environment that call each other.
_BETWEEN = ("os.py", "_collections_abc.py", "<frozen os>", "<frozen _collections_abc>")

_state: Dict[str, Any] = {"on": False, "files": {}, "variables": {}, "whole": False, "listed": []}


# --- files


def _note_file(path: Any, mode: Any, flags: Any) -> None:
    """Note one call of open for reading. Nothing in here may open a file."""
    if not _state["on"] or isinstance(path, int) or len(_state["files"]) >= _LIMIT * 10:
        return
    if isinstance(mode, str):
        reads = not set(mode) & set("wax")
    else:
        reads = not isinstance(flags, int) or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) == 0
    if reads:
        text = os.fsdecode(path)
        _state["files"].setdefault(text if os.path.isabs(text) else os.path.join(os.getcwd(), text))


def _hook(event: str, arguments: Any) -> None:
    if event == "open":
        try:
            _note_file(*arguments)
        except Exception:  # noqa: S110  (a path of an odd kind: whoever opens it is told by open itself)
            pass


class _Noting:
    """Stands in for open and notes what it is called with: before Python 3.8 there are no audit hooks.

    Like what it stands for it becomes no method where a class has it, as that of pathlib.
    """

    def __init__(self, original: Callable[..., Any], option: str) -> None:
        self._original, self._option = original, option

    def __call__(self, path: Any, *arguments: Any, **named: Any) -> Any:
        second = arguments[0] if arguments else named.get(self._option, "r")
        _hook("open", (path, second if self._option == "mode" else None, second))
        return self._original(path, *arguments, **named)


def _watch_files() -> None:
    add_hook = getattr(sys, "addaudithook", None)
    if add_hook is not None:
        add_hook(_hook)
        return
    plain = _Noting(builtins.open, "mode")
    changed: Any = {builtins: plain, io: plain, os: _Noting(os.open, "flags")}
    for module, function in changed.items():
        module.open = function


def _libraries() -> Tuple[str, ...]:
    """Directories of Python itself and of what is installed; the project itself may lie in its environment."""
    found = {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    if sys.prefix != getattr(sys, "base_prefix", sys.prefix):
        found |= {os.path.join(sys.prefix, name) for name in ("bin", "include", "lib", "lib64", "share")}
    found |= {os.path.realpath(item) for item in found}
    return tuple(item.rstrip(os.sep) + os.sep for item in found)


def _beyond_code(paths: Any) -> Iterator[str]:
    """Choose the paths that are neither code, nor of a library, nor of the system; only files that are there."""
    apart = _libraries() + tuple(_SYSTEM)
    for path in sorted({os.path.abspath(item) for item in paths}):
        elsewhere = path.startswith(apart) or os.path.realpath(path).startswith(apart) or _APART.search(path)
        if not elsewhere and not path.lower().endswith(_CODE) and os.path.isfile(path):
            yield path


# --- variables


def _is_library(name: str) -> bool:
    """Tell whether a file of code is Python's own, or Django's: both ask for variables of their own."""
    if name.startswith("<"):
        return name != "<string>"
    django = getattr(sys.modules.get("django"), "__file__", None) or os.__file__
    library, framework = (os.path.dirname(file) + os.sep for file in (os.__file__, django))
    return name.startswith(framework) or (name.startswith(library) and not _APART.search(name))


def _is_asked() -> bool:
    """Tell whether the project asks for a variable, be it to give it a default, and not Python for itself.

    Libraries of the project's, such as django-environ, ask on its behalf.
    """
    frame: Any = sys._getframe(3)  # who called the method of the environment
    while frame is not None and os.path.basename(frame.f_code.co_filename) in _BETWEEN:
        frame = frame.f_back
    return frame is not None and not _is_library(frame.f_code.co_filename)


def _is_filling_in() -> bool:
    """Tell whether python-dotenv reads the environment, to have it at hand for ``${NAME}`` in a file."""
    frame: Any = sys._getframe(3)
    return bool(re.search(r"/dotenv/main\.py$", frame.f_code.co_filename))


def _note_variable(name: Any, is_set: bool) -> None:
    if not _state["on"] or not isinstance(name, str):
        return
    listed = _state["listed"]
    if listed and listed[0] == name:  # all are being read, in the order in which their names were given
        del listed[0]
        _state["whole"] = _state["whole"] or (_is_asked() and not _is_filling_in())
        return
    del listed[:]
    if not EVERYWHERE.match(name) and len(_state["variables"]) < _LIMIT and _is_asked():
        _state["variables"].setdefault(name, is_set)


def _watch_variables() -> None:
    kind: Any = type(os.environ)
    get_item, iterate = kind.__getitem__, kind.__iter__

    def noting_item(self: Any, key: Any) -> Any:
        try:
            value = get_item(self, key)
        except KeyError:
            _note_variable(key, False)
            raise
        _note_variable(key, True)
        return value

    def noting_names(self: Any) -> Iterator[Any]:
        del _state["listed"][:]
        for key in iterate(self):
            _state["listed"].append(key)
            yield key

    kind.__getitem__, kind.__iter__ = noting_item, noting_names


# --- the topic


def watch() -> None:
    """Begin to note files and variables."""
    _watch_files()
    _watch_variables()
    _state["on"] = True


def stop() -> None:
    """Note nothing more: what follows is ours."""
    _state["on"] = False


def topic_opened() -> Dict[str, Any]:
    """Files that were read and are not code; variables that were asked for, and whether the first asker found them.

    ``whole``: the environment was also read as a whole, so that any variable may be needed.
    """
    files: List[str] = list(_beyond_code(_state["files"]))[:_LIMIT]
    return {"files": files, "variables": dict(_state["variables"]), "whole": bool(_state["whole"])}
