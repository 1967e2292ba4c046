# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets servers test their own configuration: a reload with a broken one leaves the old one serving, or nothing."""

from __future__ import annotations

import os
import re
from typing import Callable, Collection, Dict, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    find_program,
    last_lines,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import without_secrets
from ansible_collections.relocate.django.plugins.module_utils._services.user_manager import UserManager

#: Unit -> commands that test what it would read; the first whose program is there is taken.
TESTS: Dict[str, Tuple[Tuple[str, ...], ...]] = {
    "nginx.service": (("nginx", "-t", "-q"),),
    "apache2.service": (("apache2ctl", "configtest"), ("apachectl", "configtest")),
    "httpd.service": (("apachectl", "configtest"), ("httpd", "-t")),
    "lighttpd.service": (("lighttpd", "-tt", "-f", "/etc/lighttpd/lighttpd.conf"),),
}
#: Unit -> where its configuration lies.
DIRECTORIES = {
    "nginx.service": "/etc/nginx",
    "apache2.service": "/etc/apache2",
    "httpd.service": "/etc/httpd",
    "lighttpd.service": "/etc/lighttpd",
}
_SECONDS = 30.0
#: What systemd remarks and passes over: the unit starts all the same.
_HARMLESS = re.compile(
    r"\bignor(?:ing|ed)\b|\bupdating\b|obsolete|deprecated|Special user|KillMode=none|Proceeding anyway|\bmarked \w"
)
#: Words of a file that a server quotes, which may be of any file that an include leads to.
_QUOTED = re.compile(r"(unknown directive|Invalid command) (['\"]).*?\2")
_TIME = re.compile(r"^\[[^\]]*\]\s*")  # Apache's, before each line


def refused(unit: str, runner: Callable[..., Completed] = run) -> str:
    """Return why a server would refuse its configuration, in its own words; "" when it accepts it, or has no test.

    :param runner: starts programs; tests put their own in its place
    """
    command = _command(unit)
    if command is None or os.geteuid() != 0:  # keys are root's to read
        return ""
    try:
        done = runner(Command(command), timeout=_SECONDS)
    except RelocateError as error:
        return error.msg
    return "" if done.rc == 0 else _told(done) or "it exits {0}".format(done.rc)


def _command(unit: str) -> Optional[List[str]]:
    for words in TESTS.get(unit, ()):
        program = find_program(words[0])
        if program:
            return [program, *words[1:]]
    return None


def _told(done: Completed) -> str:
    """The lines that say what is wrong, without those that every test prints."""
    lines = [_TIME.sub("", line) for line in done.err.splitlines() if line.strip()]
    told = last_lines("\n".join(line for line in lines if not _says_nothing(line)), 4)
    return without_secrets(_QUOTED.sub(r"\1 (not shown)", told))


def _says_nothing(line: str) -> bool:
    return any(word in line for word in ("test failed", "test is successful", "AH00558", "The Apache error log"))


def verified(paths: Sequence[str], runner: Callable[..., Completed] = run, user: str = "") -> List[str]:
    """Return what keeps systemd from loading unit files, a line each; nothing where it cannot be asked.

    Lines that quote a word of ``Environment=`` are among those that it passes over, and are not shown.

    :param paths: unit files; only lines about these are returned, not those about others that they need
    :param user: they are of his own systemd, and are read with his rights
    """
    program = find_program("systemd-analyze")
    if program is None or not paths:
        return []
    try:
        done = runner(_verify(program, paths, user), timeout=_SECONDS)
    except RelocateError:
        return []
    names = {path.rsplit("/", 1)[-1] for path in paths}
    lines = [line for line in dict.fromkeys(done.err.splitlines()) if _is_about(line, paths, names)]
    return [without_secrets(line) for line in lines if not _HARMLESS.search(line)]


def _verify(program: str, paths: Sequence[str], user: str) -> Command:
    """Return the call. Raises unit_unknown for one who is no user of this host."""
    argv = ["verify", "--man=no", "--", *paths]
    return UserManager(user, program).command(argv) if user else Command([program, *argv])


def _is_about(line: str, paths: Sequence[str], names: Collection[str]) -> bool:
    subject = line.partition(":")[0].strip()
    return subject in names or any(line.startswith(path + ":") for path in paths)
