# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a fixture is written to and read from: the project's owner may have put a link there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from tests.unit.fakes import ROOT_ONLY, me, nobody, reachable, refused

pytestmark = ROOT_ONLY


@pytest.fixture
def his(tmp_path: Path) -> Path:
    """A directory of the owner's beside one of root's."""
    path = reachable(tmp_path) / "his"
    path.mkdir()
    os.chown(path, nobody().uid, nobody().gid)
    roots = tmp_path / "roots"
    roots.mkdir()
    (roots / "secret.json").write_text("canary")
    (roots / "secret.json").chmod(0o600)
    return path


def loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What project code is given."""
    given: list[bytes] = []

    def run(*_args: Any, stdin: Any, **_kwargs: Any) -> dict[str, Any]:
        given.append(stdin.read())
        return {"notes": []}

    monkeypatch.setattr(load.program, "run", run)

    @contextlib.contextmanager
    def step(_name: str) -> Iterator[None]:
        yield

    context = SimpleNamespace(stopwatch=SimpleNamespace(step=step), progress=print)
    engine = SimpleNamespace(name="fake", config=SimpleNamespace(alias="default"), context=context)
    site = SimpleNamespace(project=SimpleNamespace(owner=nobody()), secrets=None, notes=[])
    load.merge_fixture(site, engine, str(path))  # type: ignore[arg-type]
    return given[0]


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_project_code_is_not_given_what_its_owner_may_not_read(
    his: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    roots = his.parent / "roots"
    path = his / "secret.json" if kind == "link" else his / "conf" / "secret.json"
    (his / ("secret.json" if kind == "link" else "conf")).symlink_to(roots / "secret.json" if kind == "link" else roots)
    text = "cannot be read: Permission denied.*let nobody read it, or keep it in a directory that only root can write"
    with refused("path_refused", text):
        loaded(path, monkeypatch)
    with refused("path_refused", text):
        dump.sha256_of(str(path), nobody())
    assert loaded(roots / "secret.json", monkeypatch) == b"canary"  # named by root, in root's own directory
    (his / "own.json").write_text("his")
    os.chown(his / "own.json", nobody().uid, -1)
    assert loaded(his / "own.json", monkeypatch) == b"his"


def test_a_pipe_is_no_fixture(his: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(his / "pipe.json")
    os.chown(his / "pipe.json", nobody().uid, -1)
    with refused("path_refused", "not a regular file"):
        loaded(his / "pipe.json", monkeypatch)


def test_no_fixture_is_written_where_a_link_of_the_owners_leads(his: Path) -> None:
    (his / "out").symlink_to(his.parent / "roots")
    with (
        refused("dump_failed", "cannot be written: Permission denied"),
        dump.written(str(his / "out" / "new.json"), nobody()) as stream,
    ):
        stream.write(b"x")
    assert os.listdir(his.parent / "roots") == ["secret.json"]


def test_a_fixture_belongs_to_whose_directory_it_is_in(his: Path) -> None:
    for directory, uid in ((his, nobody().uid), (his.parent / "roots", 0)):
        path = directory / "new.json"
        (directory / "new.json.new").symlink_to("/etc/hostname")  # a leftover, or a trap
        with dump.written(str(path), nobody()) as stream:
            stream.write(b"x")
        assert (path.read_text(), path.stat().st_uid, path.stat().st_mode & 0o777) == ("x", uid, 0o600)
    with pytest.raises(ValueError, match="oops"), dump.written(str(his / "half.json"), nobody()):
        raise ValueError("oops")
    assert not [name for name in os.listdir(his) if "half" in name]


def test_an_absent_fixture_has_no_digest(his: Path) -> None:
    assert dump.sha256_of(str(his / "none"), me()) == ""
