# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets servers test their own configuration: a reload with a broken one leaves the old one serving, or nothing."""

from __future__ import annotations

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

#: Unit -> commands that test what it would read; the first whose program is there is taken.
TESTS: Dict[str, Tuple[Tuple[str, ...], ...]] = {
    "nginx.service": (("nginx", "-t", "-q"),),
    "apache2.service": (("apache2ctl", "configtest"), ("apachectl", "configtest")),
    "httpd.service": (("apachectl", "configtest"), ("httpd", "-t")),
    "haproxy.service": (("haproxy", "-c", "-q", "-f", "/etc/haproxy/haproxy.cfg"),),
    "caddy.service": (("caddy", "validate", "--config", "/etc/caddy/Caddyfile"),),
    "lighttpd.service": (("lighttpd", "-tt", "-f", "/etc/lighttpd/lighttpd.conf"),),
}
#: Unit -> where its configuration lies.
DIRECTORIES = {
    "nginx.service": "/etc/nginx",
    "apache2.service": "/etc/apache2",
    "httpd.service": "/etc/httpd",
    "haproxy.service": "/etc/haproxy",
    "caddy.service": "/etc/caddy",
    "lighttpd.service": "/etc/lighttpd",
}
_SECONDS = 30.0
_TIME = re.compile(r"^\[[^\]]*\]\s*")  # Apache's, before each line


def refused(unit: str, runner: Callable[..., Completed] = run) -> str:
    """Return why a server would refuse its configuration, in its own words; "" when it accepts it, or has no test.

    :param runner: starts programs; tests put their own in its place
    """
    command = _command(unit)
    if command is None:
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
    return last_lines("\n".join(line for line in lines if not _says_nothing(line)), 4)


def _says_nothing(line: str) -> bool:
    return any(word in line for word in ("test failed", "test is successful", "AH00558", "The Apache error log"))


def verified(paths: Sequence[str], runner: Callable[..., Completed] = run) -> List[str]:
    """Return what systemd finds wrong in unit files, a line each; nothing where it cannot be asked.

    :param paths: unit files; only lines about these are returned, not those about others that they need
    """
    program = find_program("systemd-analyze")
    if program is None or not paths:
        return []
    try:
        done = runner(Command([program, "verify", "--man=no", "--", *paths]), timeout=_SECONDS)
    except RelocateError:
        return []
    names = {path.rsplit("/", 1)[-1] for path in paths}
    return [line for line in dict.fromkeys(done.err.splitlines()) if _is_about(line, paths, names)]


def _is_about(line: str, paths: Sequence[str], names: Collection[str]) -> bool:
    subject = line.partition(":")[0].strip()
    return subject in names or any(line.startswith(path + ":") for path in paths)
