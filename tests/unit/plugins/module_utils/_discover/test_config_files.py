# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles, Limits
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

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


@pytest.mark.parametrize("limits", [Limits(2, 1000), Limits(1000, 6)])
def test_a_reader_that_is_full_says_so(place: Path, limits: Limits) -> None:
    """Whoever overlooks the rest would let a site move without what belongs to it."""
    files = ConfigFiles(limits)
    assert files.text(f"{place}/a.conf") == "a.conf"
    assert files.text(f"{place}/b.conf") == "b.conf"
    with pytest.raises(RelocateError) as caught:
        files.text(f"{place}/c.txt")
    assert caught.value.code == "program_failed"
    assert files.text(f"{place}/a.conf") == "a.conf"


@root_only
def test_links_of_two_users_lead_nowhere(place: Path) -> None:
    """Either of them could lead to what only the other one may read."""
    for path in (place, *place.parents):
        if path != Path("/tmp") and str(path).startswith("/tmp/"):
            path.chmod(0o755)
    (place / "hidden").write_text("of daemon")
    (place / "hidden").chmod(0o600)
    os.chown(place / "hidden", 1, 1)
    (place / "two").symlink_to(place / "hidden")
    os.lchown(place / "two", 1, 1)
    (place / "one").symlink_to(place / "two")
    os.lchown(place / "one", NOBODY, NOBODY)
    files = ConfigFiles()
    assert files.text(f"{place}/two") == "of daemon"
    assert files.text(f"{place}/one") is None


@root_only
def test_who_can_write_a_file_besides_root(place: Path) -> None:
    theirs = place / "theirs"
    theirs.mkdir()
    (theirs / "a.conf").write_text("")
    os.chown(theirs, NOBODY, NOBODY)
    (place / "link").symlink_to(theirs / "a.conf")
    (place / "through").symlink_to(theirs)
    os.chown(place / "b.conf", 1, 1)
    (place / "c.txt").chmod(0o666)
    (place / "below").chmod(0o1777)
    os.chown(place / "below/d.conf", 12345, 0)
    (place / "group").write_text("")
    os.chown(place / "group", 0, 1)
    (place / "group").chmod(0o664)
    writer = ConfigFiles().writer
    assert writer(f"{place}/a.conf") == ""
    assert writer(f"{theirs}/a.conf") == writer(f"{place}/link") == writer(f"{place}/through/a.conf") == "nobody"
    assert writer(f"{theirs}/absent") == "nobody"
    assert writer(f"{place}/b.conf") == writer(f"{place}/group") == pwd.getpwuid(1).pw_name
    assert writer(f"{place}/c.txt") == "nobody"
    assert writer(f"{place}/below/d.conf") == "12345"
    assert writer(f"{place}/below/absent") == ""
    assert [writer(odd) for odd in ("", "relative", "/a\0b", "/\ud800")] == [""] * 4
