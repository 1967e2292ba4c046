# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs rabbitmqctl on this host.

Debian's rabbitmqctl, started by root, gives its arguments to a shell of the user rabbitmq, which expands them. So it is
started as that user, who gets them as they are. Definitions and passwords go by pipes: never in arguments or files.
"""

from __future__ import annotations

import json
import os
import re
from typing import IO, Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, find_program, run
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_SECONDS = 60.0  # a program of Erlang takes seconds to begin
_LARGEST = 64 * 1024 * 1024  # bytes of definitions
_REFUSED = 65  # its exit status for what the server refuses: EX_DATAERR
_VERSION = re.compile(r"^(\d{1,4})\.(\d{1,4})(?:\D|\Z)")
_NAME = re.compile(r"^[^\x00-\x1f\x7f]{1,255}\Z")


def called(
    words: Sequence[str],
    failure: RelocateError,
    given: Optional[bytes] = None,
    output: Optional[IO[bytes]] = None,
    seconds: float = _SECONDS,
) -> Completed:
    """Run it to its end; the exit status is the caller's to judge.

    :param failure: raised where it cannot be run to its end
    :param output: takes what it writes
    Raises program_missing.
    """
    program = find_program("rabbitmqctl")
    if program is None:
        raise RelocateError(
            "program_missing",
            "rabbitmqctl is not installed, and so nobody can ask RabbitMQ",
            "install rabbitmq-server (relocate_packages), or see what its queues hold by other means",
        )
    try:
        command = Command([program, "--quiet", *words], user=_user())
        return run(command, stdin=given, stdout=output, timeout=seconds)
    except RelocateError:
        raise failure from None


def _user() -> Optional[SystemUser]:
    """Return the user whom the server runs as; None for this process's own, where there is none or it is not root."""
    return lookup_user("rabbitmq") if os.geteuid() == 0 else None


def is_name(name: str) -> bool:
    """Tell whether this can be the name of something in RabbitMQ, and an argument."""
    return bool(_NAME.match(name))


def failed(what: str, hint: str = "see the log of RabbitMQ on that host, and rabbitmqctl status") -> RelocateError:
    """Return the error for what rabbitmqctl could not do. Its own words may quote a definition, and stay unsaid."""
    return RelocateError("neighbour_failed", "rabbitmqctl could not {0}".format(what), hint)


def exported() -> Mapping[str, Any]:
    """Return the definitions of all virtual hosts, as the server writes them. Raises neighbour_failed."""
    failure = failed("export the definitions", "run rabbitmqctl export_definitions - as root on that host")
    with os.fdopen(os.memfd_create("definitions", os.MFD_CLOEXEC), "w+b") as stream:  # it holds hashes of passwords
        done = called(["export_definitions", "-"], failure, output=stream)
        stream.seek(0)
        text = stream.read(_LARGEST + 1)
    plain = _object(text) if done.rc == 0 and len(text) <= _LARGEST else None
    if plain is None:
        raise failure
    return plain


def _object(text: bytes) -> Optional[Dict[str, Any]]:
    try:
        plain = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    lists = [value for value in plain.values() if isinstance(value, list)] if isinstance(plain, dict) else [[""]]
    return plain if all(isinstance(item, dict) for items in lists for item in items) else None


def version(plain: Mapping[str, Any]) -> Tuple[int, int]:
    """Return the version of the server that exported these. Raises neighbour_failed."""
    found = _VERSION.match(str(plain.get("rabbitmq_version") or plain.get("rabbit_version") or ""))
    if found is None:
        raise failed("tell the server's version")
    return int(found.group(1)), int(found.group(2))


def load(plain: Mapping[str, Any]) -> None:
    """Add definitions to those that are there. Raises neighbour_failed."""
    text = json.dumps(plain).encode("utf-8")
    failure = failed("import the definitions")
    if called(["import_definitions"], failure, given=text).rc:
        raise failure


def delete_vhost(name: str) -> None:
    """Remove a virtual host with all that it holds. Raises neighbour_failed."""
    _delete("delete_vhost", name, "virtual host")


def delete_user(name: str) -> None:
    """Remove a user. Raises neighbour_failed."""
    _delete("delete_user", name, "user")


def _delete(command: str, name: str, what: str) -> None:
    failure = failed("delete {0} {1}".format(what, printable(name[:80])))
    if not is_name(name) or called([command, "--", name], failure).rc:
        raise failure


def logs_in(name: str, password: str) -> bool:
    """Tell whether a user may log in with a password. Raises neighbour_failed where that could not be asked."""
    if not is_name(name) or re.search(r"[\r\n\x00]", password):
        return False
    failure = failed("tell whether {0} may log in".format(printable(name[:80])))
    done = called(["authenticate_user", "--", name], failure, given=password.encode("utf-8", "surrogateescape") + b"\n")
    if done.rc not in (0, _REFUSED):
        raise failure
    return done.rc == 0
