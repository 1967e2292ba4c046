# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OPTIONS["read_default_file"]: the client library's own file, which says what the settings leave out."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_LIMIT = 1 << 20  # bytes of a file of options
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "\\": "\\", "s": " ", '"': '"', "'": "'"}
_SSL = {"ssl-ca": "ca", "ssl-cert": "cert", "ssl-key": "key"}


def resolved(config: DatabaseConfig, owner: Optional[SystemUser]) -> DatabaseConfig:
    """The settings with what the file adds, read as the owner reads it; a file that is not there is passed over.

    As in the library, a value of the settings counts more than the file's.
    """
    path = str(config.options.get("read_default_file") or "")
    if not path:
        return config
    found = parsed(_text(path, owner), str(config.options.get("read_default_group") or ""))
    port = found.get("port", "")
    return replace(
        config,
        name=config.name or found.get("database", ""),
        user=config.user or found.get("user", ""),
        password=config.password or found.get("password", ""),
        host=config.host or found.get("host", ""),
        port=config.port or (int(port) if port.isdigit() else None),
        options={**_options(found), **config.options},
    )


def _options(found: Mapping[str, str]) -> Dict[str, Any]:
    """Give the driver's options that the words of a file stand for."""
    options: Dict[str, Any] = {}
    if "socket" in found:
        options["unix_socket"] = found["socket"]
    files = {word: found[name] for name, word in _SSL.items() if name in found}
    if files:
        options["ssl"] = files
    if "ssl-mode" in found:
        options["ssl_mode"] = found["ssl-mode"]
    return options


def _text(path: str, owner: Optional[SystemUser]) -> str:
    try:
        with acting_as(owner):
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as stream:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    return ""
                return stream.read(_LIMIT).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def parsed(text: str, group: str = "") -> Dict[str, str]:
    """Return what a file of options says in ``[client]`` and one more group; the last one counts."""
    wanted = {"client", group or "client"}
    found: Dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            inside = line.strip("[]").strip() in wanted
        elif inside and line and line[0] not in "#;!":
            name, _equals, value = line.partition("=")
            found[name.strip().lower().replace("_", "-")] = _value(value.strip())
    return found


def _value(text: str) -> str:
    if text[:1] in ("'", '"'):
        quoted = re.match(r"(['\"])((?:\\.|(?!\1).)*)\1", text)
        text = quoted.group(2) if quoted else text
    else:
        text = text.split(" #", 1)[0].split("\t#", 1)[0].rstrip()
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group()), text)
