# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host of the lab: prints one JSON object that describes its files and services.

Sent to ``python3 -`` with a JSON request as argument: {"paths": [...], "exclude": [...], "units": [...]}; both
exclusions are fnmatch patterns. Python 3.9, standard library only.
"""

import fnmatch
import grp
import hashlib
import json
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterator


def owner(status: os.stat_result) -> str:
    """Give owner and group by name, by number where there is no name."""
    try:
        user = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        user = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return user + ":" + group


def describe(path: str) -> str:
    """Give type, mode, owner and content (a hash, or a link's target) of one path."""
    status = os.lstat(path)
    mode = stat.filemode(status.st_mode)
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = "-> " + os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        content = digest.hexdigest()
    return " ".join(filter(None, [mode, owner(status), content]))


def excluded(path: str, patterns: list[str]) -> bool:
    """Tell whether a path, or one that it lies in, matches a pattern."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def walk(top: str, patterns: list[str]) -> Iterator[str]:
    """Give every path at and below top that is not excluded; links are not followed."""
    if not os.path.lexists(top) or excluded(top, patterns):
        return
    yield top
    if os.path.isdir(top) and not os.path.islink(top):
        for name in sorted(os.listdir(top)):
            yield from walk(os.path.join(top, name), patterns)


def units(patterns: list[str]) -> dict[str, str]:
    """Give each installed unit's enablement and, of services, sockets and timers, which ones are active."""
    found: dict[str, str] = {}
    if not os.path.isdir("/run/systemd/system"):
        return found  # another init
    listing = ["systemctl", "--no-legend", "--no-pager", "--plain", "--full"]
    out = subprocess.run([*listing, "list-unit-files"], stdout=subprocess.PIPE, check=True).stdout
    for line in out.decode().splitlines():
        name, state = line.split()[:2]
        found["enabled " + name] = state
    kinds = "--type=service,socket,timer,path"
    out = subprocess.run([*listing, "list-units", kinds, "--state=active"], stdout=subprocess.PIPE, check=True).stdout
    for line in out.decode().splitlines():
        found["active " + line.split()[0]] = "active"
    return {key: value for key, value in found.items() if not excluded(key.split(" ", 1)[1], patterns)}


def main() -> None:
    """Print the description."""
    request = json.loads(sys.argv[1])
    entries = {}
    for top in request["paths"]:
        for path in walk(top, request["exclude"]):
            try:
                # A name need not be UTF-8, JSON must be.
                entries[os.fsencode(path).decode("utf-8", "backslashreplace")] = describe(path)
            except FileNotFoundError:
                continue  # gone between the listing and the look
    entries.update(units(request["units"]))
    json.dump(entries, sys.stdout, sort_keys=True)


main()
