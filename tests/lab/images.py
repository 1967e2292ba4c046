# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of Debian servers, built once per recipe and kept in podman's storage."""

from __future__ import annotations

import hashlib
import io
import shlex
import tarfile
import tempfile
from pathlib import Path

from ._command import LabError, cache_directory, call, locked, podman, timed

#: A suite of Debian, or a kind of server of one after a hyphen.
SUITES = ("bullseye", "bookworm", "trixie", "trixie-bare", "sid")
IMAGE = "localhost/relocate-lab"
SNAPSHOT = "localhost/relocate-lab-snapshot"
RECIPE = Path(__file__).parent / "image"
#: Suites whose systemd refuses cgroup v1: database servers without one, of a recipe of their own.
RECIPES_WITHOUT_SYSTEMD = {"sid": Path(__file__).parent / "image-sid"}
#: A server that has nothing but SSH and Python.
BARE = {"trixie-bare": Path(__file__).parent / "image-bare"}

# Nobody reads manuals on these hosts, and less to unpack is a faster import.
_OPTIONS = [
    "--variant=apt",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "info", "locale")),
]
# The archive of sid is replaced several times a day: what a mirror has is often past its date.
_OPTIONS_OF = {"sid": ['--aptopt=Acquire::Check-Valid-Until "false"']}


def has_systemd(suite: str) -> bool:
    """Tell whether hosts of this suite run systemd; the others run image-sid's lab-init."""
    return suite not in RECIPES_WITHOUT_SYSTEMD


def recipe(suite: str) -> Path:
    """Give the directory of what goes into the image of a suite."""
    return {**RECIPES_WITHOUT_SYSTEMD, **BARE}.get(suite, RECIPE)


def options(suite: str) -> list[str]:
    """Give mmdebstrap's options for a suite."""
    return [*_OPTIONS, *_OPTIONS_OF.get(suite, [])]


def packages(suite: str) -> list[str]:
    """Give the Debian packages of every host of a suite."""
    lines = (recipe(suite) / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def recipe_digest(suite: str) -> str:
    """Give the name of a recipe: 12 hexadecimal digits that change with anything that goes into the image."""
    base = recipe(suite)
    digest = hashlib.sha256(repr((suite, options(suite), packages(suite))).encode())
    for path in sorted(path for path in base.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(base)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def image_name(suite: str) -> str:
    """Give the name and tag under which podman keeps the image of a suite."""
    if suite not in SUITES:
        raise LabError(f"no suite {suite!r}; there are {', '.join(SUITES)}")
    return f"{IMAGE}:{suite}-{recipe_digest(suite)}"


def image_exists(name: str) -> bool:
    """Tell whether podman keeps this image."""
    return call(["podman", "image", "exists", name], check=False).returncode == 0


def ensure_image(suite: str) -> str:
    """Build the image of a suite unless it is there, and return its name."""
    name = image_name(suite)
    if image_exists(name):
        return name
    with locked(f"image-{suite}"):
        # Another process may have built it while this one waited.
        if not image_exists(name):
            with timed(f"building the {suite} image (one to two minutes, once per recipe)"):
                _build(suite, name)
    return name


def prune_images() -> list[str]:
    """Remove the images and snapshots of earlier recipes; return their names."""
    current = {image_name(suite) for suite in SUITES}
    digests = tuple(recipe_digest(suite) for suite in SUITES)
    listed = podman("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    ours = [name for name in listed if name.startswith((f"{IMAGE}:", f"{SNAPSHOT}:"))]
    old = [name for name in ours if name not in current and not name.endswith(digests)]
    # A host that still runs keeps its image: podman refuses, and that is right.
    return [name for name in old if call(["podman", "rmi", name], check=False).returncode == 0]


def _build(suite: str, name: str) -> None:
    with tempfile.TemporaryDirectory(dir=cache_directory()) as directory:
        overlay, root = Path(directory, "overlay.tar"), Path(directory, "root.tar")
        overlay.write_bytes(_overlay(recipe(suite) / "files"))
        hooks = [
            f"--customize-hook=tar-in {shlex.quote(str(overlay))} /",
            f"--customize-hook=copy-in {shlex.quote(str(recipe(suite) / 'setup.sh'))} /tmp",
            '--customize-hook=chroot "$1" sh /tmp/setup.sh',
            '--customize-hook=rm "$1/tmp/setup.sh"',
        ]
        include = f"--include={','.join(packages(suite))}"
        call(["mmdebstrap", *options(suite), include, *hooks, suite.partition("-")[0], str(root)], timeout=1800)
        start = ("/sbin/init", "SIGRTMIN+3") if has_systemd(suite) else ("/usr/local/sbin/lab-init", "SIGTERM")
        changes = [f'CMD ["{start[0]}"]', f"STOPSIGNAL {start[1]}", f"LABEL relocate-lab-suite={suite}"]
        podman("import", *(f"--change={change}" for change in changes), str(root), name)


def _overlay(base: Path) -> bytes:
    """Pack the recipe's files as root's: a checkout may have any owner and umask."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(path for path in base.rglob("*") if path.is_file()):
            info = tarfile.TarInfo(str(path.relative_to(base)))
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(info, file)
    return buffer.getvalue()
