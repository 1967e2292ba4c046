# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA: its inventory, its archive, and what is never extracted."""

from __future__ import annotations

import io
import os
import random
import shutil
import tarfile
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host.tree import leads_out
from ansible_collections.relocate.django.plugins.module_utils._media import archive, inventory
from tests.unit.fakes import ROOT_ONLY, nobody, reachable, refused

pytestmark = pytest.mark.slow

AWKWARD = [b"a", b"caf\xe9.jpg", "Straße ☃.png".encode(), b"with\nnewline", b"x" * 255, b"-rf", b" ", b"'\"$"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "media"
    (top / "b" / "empty").mkdir(parents=True)
    for number, name in enumerate(AWKWARD):
        path = os.path.join(os.fsencode(top / "b"), name)
        with open(path, "wb") as stream:
            stream.write(b"x" * number * 1000)
        os.utime(path, (10**9 + number, 10**9 + number))
    (top / "link").symlink_to("b/a")
    return top


def test_an_inventory(tree: Path) -> None:
    found = inventory.inventory(str(tree))
    assert (found["files"], found["links"], found["bytes"], found["skipped"]) == (8, 1, 28000, 0)
    assert len(found["digest"]) == 64


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "b" / "a").write_text("y"),
        lambda top: os.utime(top / "b" / "a", (5, 5)),
        lambda top: (top / "b" / "a").rename(top / "b" / "c"),
        lambda top: (top / "b" / "a").unlink(),
        lambda top: (top / "new").write_text(""),
        lambda top: ((top / "link").unlink(), (top / "link").symlink_to("b/c")),
    ],
)
def test_the_digest_notices(tree: Path, change: Callable[[Path], Any]) -> None:
    before = inventory.inventory(str(tree))["digest"]
    change(tree)
    assert inventory.inventory(str(tree))["digest"] != before


def test_the_digest_goes_by_content_not_by_order(tree: Path, tmp_path: Path) -> None:
    names = sorted(os.listdir(os.fsencode(tree / "b")))
    random.Random(1).shuffle(names)
    other = tmp_path / "other"
    (other / "b").mkdir(parents=True)
    for name in names:
        source = os.path.join(os.fsencode(tree / "b"), name)
        if os.path.isfile(source):
            shutil.copy2(source, os.path.join(os.fsencode(other / "b"), name))
    (other / "link").symlink_to("b/a")
    assert inventory.inventory(str(other))["digest"] == inventory.inventory(str(tree))["digest"]


def test_what_is_not_moved_is_told_and_noticed(tree: Path) -> None:
    before = inventory.inventory(str(tree))
    assert inventory.unmovable(before) is None
    (tree / "out").symlink_to("/etc/shadow")
    os.mkfifo(tree / "pipe")
    found = inventory.inventory(str(tree))
    assert found["digest"] != before["digest"], "a tree without them is another one"
    assert found["skipped_names"] == ["out: link leads out of MEDIA_ROOT", "pipe: neither file, directory nor link"]
    error = inventory.unmovable(found)
    assert error is not None
    with refused("media_skipped", "2 entries .* cannot be moved: out: link leads out .*bind.*relocate_media_skip"):
        raise error


def test_five_of_what_is_left_behind_are_named(tree: Path) -> None:
    for number in range(7):
        (tree / f"out{number}").symlink_to("/etc")
    error = inventory.unmovable(inventory.inventory(str(tree)))
    assert error is not None
    assert "7 entries" in error.msg
    assert "out4" in error.msg
    assert "out5" not in error.msg
    assert error.msg.endswith(", ...")


def test_what_is_skipped_on_purpose_is_in_nothing(tree: Path) -> None:
    before = inventory.inventory(str(tree))
    (tree / "uploads").symlink_to("/etc")
    (tree / "b" / "cache").mkdir()
    (tree / "b" / "cache" / "x").touch()
    found = inventory.inventory(str(tree), skip=["/uploads/", "b/cache"])
    assert {**found, "skip": []} == before
    assert found["skip"] == ["uploads", "b/cache"]
    with tarfile.open(fileobj=io.BytesIO(packed(tree, "none", ["uploads", "b/cache"])[0])) as tar:
        names = set(tar.getnames())
    assert "b" in names
    assert not {"uploads", "b/cache", "b/cache/x"} & names


@ROOT_ONLY
def test_media_is_read_with_the_rights_of_its_owner(tree: Path) -> None:
    reachable(tree)
    secret = tree / "b" / "a"
    secret.write_text("root's")
    secret.chmod(0o600)
    with refused("right_missing", "b/a cannot be read: Permission denied"):
        inventory.inventory(str(tree), nobody())
    for compression in ("none", "zstd"):
        with refused("right_missing", "b/a cannot be read"), open(os.devnull, "wb") as out:
            archive.archive(str(tree), out, nobody(), compression)
    assert os.geteuid() == 0


@ROOT_ONLY
def test_a_link_in_place_of_media_is_not_followed_for_its_owner(tree: Path, tmp_path: Path) -> None:
    private = reachable(tmp_path) / "private"
    private.mkdir()
    link = tmp_path / "link"
    link.symlink_to(private)
    for work in (
        lambda: inventory.inventory(str(link), nobody()),
        lambda: archive.archive(str(link), io.BytesIO(), nobody(), "none"),
    ):
        with refused("path_refused", "is a link to .*private, which is not a directory that nobody may write to"):
            work()
    os.chown(private, nobody().uid, 0)
    assert inventory.inventory(str(link), nobody())["files"] == 0


@pytest.mark.parametrize(
    ("name", "target", "out"),
    [
        ("a", "b", False),
        ("a", "/b", True),
        ("a", "", True),
        ("a", "../b", True),
        ("d/a", "../b", False),
        ("d/a", "../../b", True),
        ("d/a", "x/../../b", True),
        ("d/a", "./b", False),
        ("d/e/a", "../../b/../../x", True),
    ],
)
def test_links_that_lead_out(name: str, target: str, out: bool) -> None:
    assert leads_out(name, target) is out


def packed(tree: Path, compression: str = "zstd", skip: Sequence[str] = ()) -> tuple[bytes, dict[str, int]]:
    path = tree.parent / "archive"
    with open(path, "wb") as out:
        counts = archive.archive(str(tree), out, None, compression, skip)
    return path.read_bytes(), counts


def unpack(data: bytes, path: Path, **more: Any) -> dict[str, int]:
    source = path.parent / "source"
    source.write_bytes(data)
    with open(source, "rb") as stream:
        return archive.extract(stream, str(path), **more)


def looked_at(data: bytes, path: Path, **more: Any) -> dict[str, int]:
    """As unpack, without a write."""
    path.write_bytes(data)
    with open(path, "rb") as stream:
        return archive.check(stream, str(path), **more)


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_an_archive_there_and_back(tree: Path, tmp_path: Path, compression: str) -> None:
    (tree / "b" / "a").chmod(0o4755)
    data, counts = packed(tree, compression)
    assert counts == looked_at(data, tmp_path / "seen", compression=compression) == {"files": 8, "bytes": 28000}
    for _again in range(2):
        assert unpack(data, tmp_path / "new", limit=28000, compression=compression) == counts
    assert inventory.inventory(str(tmp_path / "new")) == inventory.inventory(str(tree))
    assert (tmp_path / "new" / "b" / "a").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "new" / "b" / "empty").is_dir()


@ROOT_ONLY
def test_the_owner_gets_the_files(tree: Path, tmp_path: Path) -> None:
    owner = nobody()
    reachable(tmp_path)
    data, _counts = packed(tree)
    unpack(data, tmp_path / "new", owner=owner)
    assert {item.lstat().st_uid for item in [tmp_path / "new", *(tmp_path / "new").rglob("*")]} == {owner.uid}


@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_archive(tree: Path, tmp_path: Path, compression: str, share: float) -> None:
    with open(tree / "noise", "wb") as stream:
        stream.write(random.Random(1).randbytes(100_000))
    data, _counts = packed(tree, compression)
    for read in (looked_at, unpack):
        with refused("dump_truncated", "truncated or damaged"):
            read(data[: int(len(data) * share)], tmp_path / read.__name__, compression=compression)


def test_a_flipped_byte(tree: Path, tmp_path: Path) -> None:
    data = bytearray(packed(tree)[0])
    data[len(data) // 2] ^= 255
    with refused("dump_truncated", "damaged"):
        unpack(bytes(data), tmp_path / "new")


def member(name: str, **more: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = more.pop("size", 0)
    for key, value in more.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ([member("/etc/x")], "leads out"),
        ([member("../x")], "leads out"),
        ([member("a/../../x")], "leads out"),
        ([member("a/./x")], "leads out"),
        ([member("a//x")], "leads out"),
        ([member("l", type=tarfile.SYMTYPE, linkname="/etc")], "link that leads out"),
        ([member("l", type=tarfile.SYMTYPE, linkname="../x")], "link that leads out"),
        ([member("a"), member("b", type=tarfile.LNKTYPE, linkname="a")], "neither file"),
        ([member("d", type=tarfile.CHRTYPE, devmajor=1, devminor=3)], "neither file"),
        ([member("d", type=tarfile.FIFOTYPE)], "neither file"),
        ([member("s", mode=0o4755)], "mode that no upload has"),
        ([member("a"), member("a")], "comes twice"),
        ([member("b"), member("a")], "out of order"),
        ([member("a", size=600), member("b", size=600)], "exceed the 1000 bytes"),
    ],
)
def test_what_is_never_extracted(tmp_path: Path, members: list[tarfile.TarInfo], text: str) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for item in members:
            tar.addfile(item, io.BytesIO(b"x" * item.size))
    for read in (looked_at, unpack):
        with refused("path_refused", text):
            read(data.getvalue(), tmp_path / read.__name__, limit=1000, compression="none")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("kind", "size", "text"),
    [
        (tarfile.GNUTYPE_LONGNAME, 1 << 33, "has a name of 8589934592 bytes"),
        (tarfile.GNUTYPE_LONGLINK, 1 << 20, "has a name of 1048576 bytes"),
        (tarfile.XHDTYPE, 1 << 33, "neither file"),
        (tarfile.XGLTYPE, 1 << 33, "neither file"),
        (tarfile.GNUTYPE_SPARSE, 0, "neither file"),
    ],
)
def test_a_header_that_is_read_into_memory(tmp_path: Path, kind: bytes, size: int, text: str) -> None:
    """Zeros compress well: some mebibytes of a set would fill the memory of the host that reads it."""
    header = member("././@LongLink", type=kind, size=size).tobuf(tarfile.GNU_FORMAT)
    stream = Zeros(header)
    with refused("path_refused", text):
        archive.check(stream, str(tmp_path), 1000, "none")  # type: ignore[arg-type]
    assert stream.given < 1 << 20


class Zeros(io.RawIOBase):
    """A header, and zeros for ever; but no test is to fill a memory."""

    def __init__(self, header: bytes) -> None:
        self.left, self.given = header, 0

    def read(self, size: int = -1) -> bytes:
        found, self.left = self.left[:size], self.left[size:]
        self.given += size
        return found if found or self.given > 1 << 22 else b"\0" * size


@pytest.mark.parametrize("seconds", [1 << 70, -(1 << 70)])
def test_a_time_that_no_clock_shows(tmp_path: Path, seconds: int) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(member("a", mtime=seconds))
    with refused("dump_truncated", "damaged"):
        unpack(data.getvalue(), tmp_path / "new", compression="none")


def test_a_planted_link_is_not_followed(tree: Path, tmp_path: Path) -> None:
    data, _counts = packed(tree)
    victim = tmp_path / "victim"
    victim.mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b").symlink_to(victim)
    with pytest.raises(OSError, match="b"):
        unpack(data, tmp_path / "new")
    assert list(victim.iterdir()) == []


def test_a_full_disk_is_named(tree: Path) -> None:
    (tree / "big").write_bytes(random.Random(1).randbytes(1_000_000))
    with refused("disk_full", "free space there"), open("/dev/full", "wb") as out:
        archive.archive(str(tree), out)


def test_memory_is_flat(tmp_path: Path) -> None:
    top = tmp_path / "media"
    top.mkdir()
    for number in range(3000):
        (top / f"{number:05d}").touch()
    inventory.inventory(str(top))
    tracemalloc.start()
    with open(tmp_path / "out", "wb") as out:
        archive.archive(str(top), out, None, "none")
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_500_000, "a tar file that remembers its members holds about 2 kB of each"
    assert threading.active_count() < 20
