# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another user")
NOBODY = 65534


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a directory with a few files, a hidden one, and links."""
    for name in ("b.conf", "a.conf", ".hidden.conf", "c.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "below").mkdir()
    (tmp_path / "below/d.conf").write_text("d")
    (tmp_path / "link.conf").symlink_to("below/d.conf")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.conf", ["a.conf", "b.conf", "link.conf"]),
        (".*.conf", [".hidden.conf"]),
        ("*/*.conf", ["below/d.conf"]),
        ("[ab].conf", ["a.conf", "b.conf"]),
        ("absent/*.conf", []),
        ("absent.conf", ["absent.conf"]),
        ("*****.conf", []),
    ],
)
def test_patterns(place: Path, pattern: str, names: list[str]) -> None:
    assert ConfigFiles().expand(f"{place}/{pattern}") == [f"{place}/{name}" for name in names]


def test_chains(place: Path) -> None:
    (place / "loop").symlink_to("loop")
    (place / "lost").symlink_to("nowhere")
    (place / "second").symlink_to(place / "link.conf")
    files = ConfigFiles()
    assert files.chain(f"{place}/a.conf") == (f"{place}/a.conf",)
    assert files.chain(f"{place}/second") == (f"{place}/second", f"{place}/link.conf", f"{place}/below/d.conf")
    assert files.chain(f"{place}/lost") == (f"{place}/lost", f"{place}/nowhere")
    assert files.chain(f"{place}/loop") == (f"{place}/loop",)
    assert files.chains([f"{place}/lost", f"{place}/lost"]) == (f"{place}/lost", f"{place}/nowhere")


def test_only_regular_files_of_a_sensible_size_are_read(place: Path) -> None:
    os.mkfifo(place / "pipe")
    (place / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    (place / "latin").write_bytes(b"# caf\xe9\n")
    files = ConfigFiles()
    assert files.text(f"{place}/a.conf") == "a.conf"
    for name in ("pipe", "large", "below", "absent", "nul\0"):
        assert files.text(f"{place}/{name}") is None
    assert (files.text(f"{place}/latin") or "").startswith("# caf")
    assert files.text("relative") is None


@root_only
def test_a_link_of_a_user_is_followed_with_his_rights_only(place: Path) -> None:
    (place / "secret").write_text("root's")
    (place / "secret").chmod(0o600)
    (place / "shown").write_text("all may read it")
    for path in (place, *place.parents):
        if path != Path("/tmp") and str(path).startswith("/tmp/"):
            path.chmod(0o755)
    theirs = place / "theirs"
    theirs.mkdir()
    for name in ("secret", "shown"):
        (theirs / name).symlink_to(place / name)
        os.lchown(theirs / name, NOBODY, NOBODY)
    os.chown(theirs, NOBODY, NOBODY)
    files = ConfigFiles()
    assert files.text(f"{theirs}/shown") == "all may read it"
    assert files.text(f"{theirs}/secret") is None
    (place / "included").symlink_to(theirs / "shown")  # root's own link
    assert files.text(f"{place}/included") == "all may read it"
