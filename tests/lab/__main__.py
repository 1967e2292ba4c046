# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab from the command line: ``python3 -m tests.lab --help`` in the repository's root."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ._command import LabError, call
from .images import SUITES, ensure_image, prune_images
from .lab import DEFAULT_HOSTS, Lab, obstacle
from .wheels import ensure_wheels


def check(_: argparse.Namespace) -> int:
    """Say whether a lab can run on this machine."""
    reason = obstacle()
    print(reason or "a lab can run here")
    return 1 if reason else 0


def images(arguments: argparse.Namespace) -> int:
    """Build the images that are missing; print their names."""
    _demand()
    if arguments.prune:
        for name in prune_images():
            print(f"removed {name}")
    for suite in arguments.suites or SUITES:
        print(ensure_image(suite))
    return 0


def wheels(_: argparse.Namespace) -> int:
    """Download the wheel house if it is missing; print its directory."""
    print(ensure_wheels())
    return 0


def up(arguments: argparse.Namespace) -> int:
    """Start a lab that stays until "down"; an earlier one of this prefix is removed."""
    _demand()
    wanted = dict(_parse_host(word) for word in arguments.hosts) or DEFAULT_HOSTS
    start = time.monotonic()
    with Lab(arguments.prefix, keep=True) as lab:
        lab.up(wanted)
        inventory = lab.write_inventory(lab.directory / "inventory.yml")
        print(f"all up after {time.monotonic() - start:.1f} s; inventory: {inventory}")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Print the hosts of the lab with their state."""
    _demand()
    for host in Lab.attach(arguments.prefix).hosts.values():
        state = call(["podman", "inspect", "--format={{.State.Status}}", host.container]).stdout.strip()
        if state == "running":
            state = host.state()
        print(f"{host.name:10} {host.suite:10} {host.address:15} {state}")
    return 0


def inventory(arguments: argparse.Namespace) -> int:
    """Write the lab's inventory; print its path."""
    _demand()
    lab = _running(arguments.prefix)
    print(lab.write_inventory(arguments.path or lab.directory / "inventory.yml"))
    return 0


def ssh(arguments: argparse.Namespace) -> int:
    """Log in to a host, or run a command there."""
    _demand()
    lab = _running(arguments.prefix)
    if arguments.name not in lab.hosts:
        raise LabError(f"no host {arguments.name!r}; there are {', '.join(lab.hosts)}")
    command = lab.hosts[arguments.name].ssh_command(arguments.user)
    os.execvp(command[0], [*command, *arguments.command])


def down(arguments: argparse.Namespace) -> int:
    """Remove the lab."""
    _demand()
    Lab(arguments.prefix).down()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.function(arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tests.lab", description="Real servers on one machine.")
    parser.add_argument("--prefix", default="lab", help="which lab, when there are several (default: lab)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    added = {}
    for function in (check, images, wheels, up, status, inventory, ssh, down):
        added[function.__name__] = commands.add_parser(function.__name__, help=function.__doc__)
        added[function.__name__].set_defaults(function=function)
    added["images"].add_argument("--prune", action="store_true", help="remove those of earlier recipes, and snapshots")
    added["images"].add_argument("suites", nargs="*", choices=[*SUITES, []], metavar="SUITE")
    hosts = " ".join(f"{name}:{suite}" for name, suite in DEFAULT_HOSTS.items())
    added["up"].add_argument("hosts", nargs="*", metavar="NAME:SUITE", help=f"default: {hosts}")
    added["inventory"].add_argument("path", nargs="?", type=Path)
    added["ssh"].add_argument("--user", default="admin")
    added["ssh"].add_argument("name")
    added["ssh"].add_argument("command", nargs=argparse.REMAINDER)
    return parser


def _parse_host(word: str) -> tuple[str, str]:
    name, _, suite = word.partition(":")
    suite = suite or DEFAULT_HOSTS.get(name, "")
    if suite not in SUITES:
        raise LabError(f"{word!r}: give NAME:SUITE with one of {', '.join(SUITES)}")
    return name, suite


def _demand() -> None:
    reason = obstacle()
    if reason:
        raise LabError(reason)


def _running(prefix: str) -> Lab:
    lab = Lab.attach(prefix)
    if not lab.hosts:
        raise LabError(f"no lab {prefix!r} runs; start one with: python3 -m tests.lab up")
    return lab


if __name__ == "__main__":
    sys.exit(main())
