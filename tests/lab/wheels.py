# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheel house: what pip and uv install on the hosts, downloaded once, without a registry at test time."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from ._command import cache_directory, call, locked, timed

_COMMON = (
    # the last one with wheels for all three: an environment is rebuilt with the version that old has
    "psycopg2-binary==2.9.10",
    "psycopg[binary]",
    "PyMySQL",
    "gunicorn",
    "dj-database-url",
    "django-environ",
    "python-dotenv",
    "pip",
    "setuptools",
    "wheel",
    "uv",
    # pip decides "only below Python 3.11" by the Python that runs it, not by the one it downloads for.
    "typing_extensions",
)
#: Per Python version (of bullseye, bookworm, trixie): what its index page would offer.
REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "3.9": ("Django~=4.2.0", *_COMMON),
    "3.11": ("Django~=5.2.0", "wagtail~=7.0", *_COMMON),
    "3.13": ("Django~=5.2.0", "wagtail~=7.0", *_COMMON),
}
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def wheel_house() -> Path:
    """Give the directory of wheels for these requirements; it may not be filled yet."""
    digest = hashlib.sha256(repr((REQUIREMENTS, _PLATFORMS)).encode()).hexdigest()[:12]
    return cache_directory() / "wheels" / digest


def ensure_wheels() -> Path:
    """Download the wheels unless they are there, and return their directory."""
    house = wheel_house()
    if house.is_dir():
        return house
    with locked("wheels"):
        if not house.is_dir():
            with timed("downloading the wheel house (once per list of requirements)"):
                _download(house)
    return house


def _download(house: Path) -> None:
    # A download that broke off must not look like a complete wheel house.
    partial = house.with_name(house.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for version, requirements in REQUIREMENTS.items():
        platforms = [f"--platform={platform}" for platform in _PLATFORMS]
        target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}", *platforms]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        call([*pip, *target, f"--dest={partial}", *requirements], timeout=900)
    partial.rename(house)
