# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs a Python of its own on new, where the system's does not fit: by uv, which brings built ones, or by pyenv.

All of it is root's, below /opt/relocate: whoever owns a project uses it and cannot change it. Root starts nothing that
another user could have written, so a program, an index or a mirror in a directory of his is refused.
"""

from __future__ import annotations

import os
import re
import socket
import urllib.parse
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files, openat
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    find_program,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._project import build_failures, native
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import mask_urls
from ansible_collections.relocate.django.plugins.module_utils._project.python_support import parse_version
from ansible_collections.relocate.django.plugins.module_utils._project.venv_secrets import collect_secrets
from ansible_collections.relocate.django.plugins.module_utils._secrets import scrub

TOP = "/opt/relocate"
SYSTEM, UV, PYENV = "system", "uv", "pyenv"
_LOCK = ".lock"  # of uv, beside what it installed
SOURCES = (SYSTEM, UV, PYENV)
_VERSION = re.compile(r"3\.\d{1,2}(\.\d{1,3})?\Z")
_OLDEST = (3, 6)
_PLACES = {UV: (), PYENV: ("/opt/pyenv/bin", "/usr/local/pyenv/bin", "/root/.pyenv/bin")}
_MIRROR = "https://github.com/astral-sh/python-build-standalone/releases/download"
_SOURCE = "https://www.python.org/ftp/python/"
#: Variables that installers of root get. Others may lead them to files that the project's owner writes.
_PASSED = re.compile(
    r"(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|CERT|PROXY|NO_INDEX|FIND_LINKS|TIMEOUT)|UV_PYTHON_INSTALL_MIRROR"
    r"|UV_PYTHON_DOWNLOADS_JSON_URL|UV_HTTP_TIMEOUT|UV_NATIVE_TLS|UV_SYSTEM_CERTS|PYTHON_BUILD_MIRROR_URL|SSL_CERT_FILE"
    r"|(?i:(https?|all|no)_proxy))\Z"
)
_LOCAL = ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE",
          "UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL")  # fmt: skip
#: What pyenv compiles a Python with that a site can use.
_BUILT_WITH = (native.COMPILER, "zlib", "openssl", "ffi", "bz2", "lzma", "sqlite")
_INSTALLED = ".relocate-installed"
_SECONDS = 3.0  # for a host to accept a connection
_TO_INSTALL = {UV: 900.0, PYENV: 3600.0}
_OTHERWISE = "or install a Python that fits on new, name it as relocate_python and set relocate_python_from: system"


@dataclass(frozen=True)
class Wanted:
    """Names the Python that is wanted.

    :param python: a program; from uv or pyenv a version, such as 3.12
    :param source: system, uv or pyenv
    :param env: variables of the site for installers, some of them secret
    """

    python: str
    source: str = SYSTEM
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    top: str = TOP

    @property
    def series(self) -> str:
        """The version's first two parts."""
        return ".".join(self.python.split(".")[:2])


def check_version(wanted: Wanted) -> None:
    """Raise bad_option unless a version is named, where one is installed."""
    if not _VERSION.match(wanted.python):
        raise RelocateError(
            "bad_option",
            "relocate_python is {0!r}, and relocate_python_from is {1}".format(wanted.python, wanted.source),
            'set relocate_python to the version that is wanted, in quotes, such as "3.12"',
        )
    if parse_version(wanted.python) < _OLDEST:
        raise RelocateError(
            "bad_option",
            "relocate_python is {0}".format(wanted.python),
            'write the version in quotes: relocate_python: "3.10", which YAML takes for the number 3.1 else',
        )


def program(wanted: Wanted) -> str:
    """Return the program that makes the environment. Raises interpreter_not_found for one that is not installed."""
    if wanted.source == SYSTEM:
        return wanted.python
    check_version(wanted)
    found = find(wanted)
    if not found:
        raise RelocateError(
            "interpreter_not_found",
            "no Python {0} of {1} lies in {2}".format(wanted.python, wanted.source, wanted.top),
            "run the checkout role, which installs it",
        )
    return found


def find(wanted: Wanted) -> str:
    """Return the newest installed Python of the wanted version; "" when there is none."""
    done = [item for item in _there(wanted) if wanted.source == UV or os.path.exists(os.path.join(item[1], _INSTALLED))]
    return max(done)[2] if done else ""


def _there(wanted: Wanted) -> List[Tuple[Tuple[int, ...], str, str]]:
    """Return each Python of the wanted version with its directory and its program."""
    place, pattern = os.path.join(wanted.top, "python"), r"cpython-(\d+\.\d+\.\d+)-"
    if wanted.source == PYENV:
        place, pattern = os.path.join(wanted.top, "pyenv", "versions"), r"(\d+\.\d+\.\d+)\Z"
    found: List[Tuple[Tuple[int, ...], str, str]] = []
    for name in os.listdir(place) if os.path.isdir(place) else ():
        match = re.match(pattern, name)
        home, version = os.path.join(place, name), match.group(1) if match else ""
        python = os.path.join(home, "bin", "python" + wanted.series)
        if (version + ".").startswith(wanted.python + ".") and os.access(python, os.X_OK):
            found.append((parse_version(version), home, python))
    return found


# --- whether it can be had


def obstacles(wanted: Wanted) -> List[Obstacle]:
    """Return what keeps the wanted Python from being installed; nothing is changed. Raises bad_option."""
    if wanted.source == SYSTEM:
        return []
    check_version(wanted)
    if find(wanted):
        return []
    env = _passed(wanted)
    return _of_pyenv(wanted, env) if wanted.source == PYENV else _of_uv(wanted, env)


def _of_uv(wanted: Wanted, env: Mapping[str, str]) -> List[Obstacle]:
    tool = _tool(wanted)
    if tool and not _is_known(tool, wanted, env):
        return [
            _unavailable("uv on new knows no Python {0}".format(wanted.python), "name another version, or upgrade uv")
        ]
    addresses = [env.get("UV_PYTHON_INSTALL_MIRROR") or env.get("UV_PYTHON_DOWNLOADS_JSON_URL") or _MIRROR]
    # Where pip looks otherwise is in its own configuration, which may name a mirror.
    addresses += [env["PIP_INDEX_URL"]] if env.get("PIP_INDEX_URL") and not tool else []
    hint = (
        "let new reach it, or name a mirror in relocate_environment as UV_PYTHON_INSTALL_MIRROR (PIP_INDEX_URL for uv)"
    )
    return [_unavailable(_no_way(url, wanted), hint) for url in addresses if not _answers(url, env)]


def _of_pyenv(wanted: Wanted, env: Mapping[str, str]) -> List[Obstacle]:
    if _tool(wanted) is None:
        hint = "install pyenv in /opt/pyenv on new, or set relocate_python_from: uv"
        return [_unavailable("pyenv is not on new", hint)]
    found = []
    lacking = native.lacking(_BUILT_WITH, python_header=True)
    if lacking:
        names = ", ".join(native.packages(lacking))
        text = "pyenv compiles Python, and new lacks {0}".format(native.words(lacking))
        found.append(Obstacle("build_tools_missing", text, "add to relocate_packages: [{0}]".format(names)))
    url = env.get("PYTHON_BUILD_MIRROR_URL") or _SOURCE
    if not _answers(url, env):
        hint = "let new reach it, or name a mirror in relocate_environment as PYTHON_BUILD_MIRROR_URL"
        found.append(_unavailable(_no_way(url, wanted), hint))
    return found


def _no_way(url: str, wanted: Wanted) -> str:
    try:
        name = urllib.parse.urlsplit(url).hostname
    except ValueError:
        name = ""
    return "new cannot reach {0}, which {1} needs for Python {2}".format(
        name or mask_urls(url), wanted.source, wanted.python
    )


def _unavailable(text: str, hint: str) -> Obstacle:
    return Obstacle("python_unavailable", text, "{0}, {1}".format(hint, _OTHERWISE))


def _is_known(tool: str, wanted: Wanted, env: Mapping[str, str]) -> bool:
    """Ask uv whether it has such a version; True when it does not say."""
    argv = [tool, "python", "list", "--only-downloads", "cpython@" + wanted.python]
    try:
        done = run(Command(argv, None, _variables(wanted, env), "/"), timeout=5)
    except RelocateError:
        return True
    return done.rc != 0 or bool(done.out.strip())


def _answers(url: str, env: Mapping[str, str]) -> bool:
    """Tell whether an address can be connected to; True where a proxy stands between, which is not asked."""
    try:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme in ("file", ""):
            return os.path.exists(urllib.parse.unquote(parts.path))
        if any(name.lower().endswith("s_proxy") or name.lower() == "all_proxy" for name in env):
            return True
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), _SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _passed(wanted: Wanted) -> Dict[str, str]:
    """Return the variables that root's installers get. Raises bad_option where another user writes."""
    found = {name: value for name, value in wanted.env.items() if _PASSED.match(name)}
    for name in _LOCAL:
        for word in found.get(name, "").split():
            path = urllib.parse.unquote(urllib.parse.urlsplit(word).path) if word.startswith("file:") else word
            if "://" not in path and not _is_roots(path):
                raise RelocateError(
                    "bad_option",
                    "{0} names {1}, which users other than root can write: root does not install from there".format(
                        name, path
                    ),
                    "have {0} in relocate_environment name a directory that only root can write".format(name),
                )
    return found


def _is_roots(path: str) -> bool:
    """Tell whether nobody but root can write or exchange what has this path."""
    try:
        openat.check_work(path)
    except RelocateError:
        return False
    return True


def _tool(wanted: Wanted) -> Optional[str]:
    """Return uv or pyenv, where it is on this host and root's."""
    own = (os.path.join(wanted.top, "uv", "bin"),) if wanted.source == UV else _PLACES[PYENV]
    found = find_program(wanted.source, own)
    return found if found and _is_roots(os.path.realpath(found)) else None


# --- installing it


def refuse(wanted: Wanted) -> None:
    """Raise the first obstacle, before anything is done."""
    for first in obstacles(wanted):
        raise RelocateError(first.code, first.msg, first.hint)


def install(wanted: Wanted) -> bool:
    """Have the wanted Python on this host; True when it was installed. Raises bad_option, python_unavailable."""
    refuse(wanted)
    if wanted.source == SYSTEM or find(wanted):
        return False
    env = _passed(wanted)
    files.make_directory(wanted.top, 0o755)
    if wanted.source == UV:
        _install_by_uv(wanted, env)
    else:
        _install_by_pyenv(wanted, env)
    if not find(wanted):
        raise _failed(wanted, "{0} was run and brought no Python {1}".format(wanted.source, wanted.python))
    return True


def _install_by_uv(wanted: Wanted, env: Mapping[str, str]) -> None:
    tool = _tool(wanted) or _bring_uv(wanted, env)
    files.make_directory(os.path.join(wanted.top, "python"), 0o755)
    _run([tool, "python", "install", "cpython@" + wanted.python], wanted, env)
    _close_lock(os.path.join(wanted.top, "python", _LOCK))


def _close_lock(path: str) -> None:
    """Take the file by which uv keeps two runs apart from other users: uv lets everybody write it, and so hold it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # other versions have another one, or none
        return
    try:
        os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _bring_uv(wanted: Wanted, env: Mapping[str, str]) -> str:
    """Install uv out of the package index, into an environment of ours."""
    place = os.path.join(wanted.top, "uv")
    python = require_program("python3", "install it, " + _OTHERWISE)
    _run([python, "-I", "-m", "venv", place], wanted, env)
    _run([os.path.join(place, "bin", "python"), "-I", "-m", "pip", "install", "--quiet", "uv"], wanted, env)
    return os.path.join(place, "bin", "uv")


def _install_by_pyenv(wanted: Wanted, env: Mapping[str, str]) -> None:
    files.make_directory(os.path.join(wanted.top, "pyenv"), 0o755)
    # What a killed run has left is made anew.
    _run([_tool(wanted) or PYENV, "install", "--force", wanted.python], wanted, env)
    for _version, home, _program in _there(wanted):
        files.write_atomically(os.path.join(home, _INSTALLED), "")


def _variables(wanted: Wanted, env: Mapping[str, str]) -> Dict[str, str]:
    """Return the environment of an installer: what it needs, and nothing of root's own settings."""
    return {
        **env,
        "HOME": "/nonexistent",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INPUT": "1",
        "PYENV_ROOT": os.path.join(wanted.top, "pyenv"),
        "UV_NO_CACHE": "1",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_INSTALL_BIN": "0",
        "UV_PYTHON_INSTALL_DIR": os.path.join(wanted.top, "python"),
    }


def _run(argv: Sequence[str], wanted: Wanted, env: Mapping[str, str]) -> Completed:
    command = Command(argv, None, _variables(wanted, env), "/", umask=0o022, family=True)
    done = run(command, timeout=_TO_INSTALL[wanted.source])
    if done.rc == 0:
        return done
    secrets: "set[str]" = set()
    collect_secrets("", dict(wanted.env), secrets)
    told = mask_urls(scrub(build_failures.telling(done.err) or last_lines(done.out, 3), sorted(secrets)))
    raise _failed(wanted, "{0} exited {1}: {2}".format(os.path.basename(argv[0]), done.rc, told))


def _failed(wanted: Wanted, text: str) -> RelocateError:
    hint = "see that new reaches the download host of {0}, {1}".format(wanted.source, _OTHERWISE)
    return RelocateError("python_unavailable", text, hint)
