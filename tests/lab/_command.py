# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that the lab runs on this machine, its cache directory, its progress lines and its one error."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


class LabError(Exception):
    """Something that the lab needs did not work; the text says what and what to do."""


def cache_directory() -> Path:
    """Give the directory for big and private files (wheels, keys, logs): RELOCATE_LAB_CACHE or build/lab."""
    path = Path(os.environ.get("RELOCATE_LAB_CACHE") or REPOSITORY / "build" / "lab").absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def call(
    argv: Sequence[str], *, check: bool = True, stdin: str | None = None, timeout: float | None = 600
) -> subprocess.CompletedProcess[str]:
    """Run a program with captured text output.

    Raises LabError with the program's own words when it fails and ``check`` is true, or takes over ``timeout`` seconds.
    """
    # Always with input, be it empty: else ssh and podman eat what was typed for the next command.
    options: dict[str, Any] = {"capture_output": True, "input": stdin or "", "timeout": timeout}
    try:
        result: subprocess.CompletedProcess[str] = subprocess.run(
            list(argv), text=True, encoding="utf-8", errors="surrogateescape", check=False, **options
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"no end after {timeout} s: {' '.join(argv)[:500]}") from error
    if check and result.returncode:
        said = (result.stderr.strip() or result.stdout.strip())[-3000:]
        raise LabError(f"exit code {result.returncode}: {' '.join(argv)[:500]}\n{said}")
    return result


def podman(*argv: str, check: bool = True, stdin: str | None = None, timeout: float | None = 600) -> str:
    """Run podman and return its standard output without surrounding white space."""
    return call(["podman", *argv], check=check, stdin=stdin, timeout=timeout).stdout.strip()


def progress(text: str) -> None:
    """Tell a person who waits what the lab is doing."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def timed(text: str) -> Iterator[None]:
    """Say before and after a step of more than a few seconds, with its time."""
    progress(f"{text} ...")
    start = time.monotonic()
    yield
    progress(f"{text}: {time.monotonic() - start:.1f} s")


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process at a time into a section, machine-wide; the lock of a killed process is free."""
    with (cache_directory() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
