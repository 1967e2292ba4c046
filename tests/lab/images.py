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

SUITES = ("bullseye", "bookworm", "trixie")
IMAGE = "localhost/relocate-lab"
SNAPSHOT = "localhost/relocate-lab-snapshot"
RECIPE = Path(__file__).parent / "image"

# Nobody reads manuals on these hosts, and less to unpack is a faster import.
_OPTIONS = [
    "--variant=apt",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "info", "locale")),
]


def packages() -> list[str]:
    """Give the Debian packages of every host."""
    lines = (RECIPE / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def recipe_digest(suite: str) -> str:
    """Give the name of a recipe: 12 hexadecimal digits that change with anything that goes into the image."""
    digest = hashlib.sha256(repr((suite, _OPTIONS, packages())).encode())
    for path in sorted(path for path in RECIPE.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(RECIPE)}\0".encode() + path.read_bytes())
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
        overlay.write_bytes(_overlay())
        hooks = [
            f"--customize-hook=tar-in {shlex.quote(str(overlay))} /",
            f"--customize-hook=copy-in {shlex.quote(str(RECIPE / 'setup.sh'))} /tmp",
            '--customize-hook=chroot "$1" sh /tmp/setup.sh',
            '--customize-hook=rm "$1/tmp/setup.sh"',
        ]
        include = f"--include={','.join(packages())}"
        call(["mmdebstrap", *_OPTIONS, include, *hooks, suite, str(root)], timeout=1800)
        changes = ['CMD ["/sbin/init"]', "STOPSIGNAL SIGRTMIN+3", f"LABEL relocate-lab-suite={suite}"]
        podman("import", *(f"--change={change}" for change in changes), str(root), name)


def _overlay() -> bytes:
    """Pack image/files as root's: a checkout may have any owner and umask."""
    buffer = io.BytesIO()
    base = RECIPE / "files"
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(path for path in base.rglob("*") if path.is_file()):
            info = tarfile.TarInfo(str(path.relative_to(base)))
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(info, file)
    return buffer.getvalue()
