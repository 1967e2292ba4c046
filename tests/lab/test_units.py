# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the lab can be tested without a server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.lab import __main__ as cli
from tests.lab import digest, images, lab, plugin
from tests.lab._command import LabError, call
from tests.lab.digest import Digest, difference
from tests.lab.host import Host, snapshot_name
from tests.lab.inventory import write_inventory


def make_host(name: str) -> Host:
    return Host(name, "bookworm", "192.0.2.1", f"c-{name}", "image", Path("/keys/id"), Path("/a lab/known_hosts"))


def test_recipes_have_digests_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({images.recipe_digest(suite) for suite in images.SUITES}) == len(images.SUITES)
    before = images.recipe_digest("trixie")
    assert before == images.recipe_digest("trixie")
    monkeypatch.setattr(images, "packages", lambda suite: ["another"])
    assert images.recipe_digest("trixie") != before


def test_a_bare_server_is_one_of_its_suite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It has no server of any kind, and none of the programs that a move installs."""
    ran: list[list[str]] = []
    monkeypatch.setattr(images, "call", lambda argv, **_more: ran.append(list(argv)))
    monkeypatch.setattr(images, "podman", lambda *argv: ran.append(list(argv)))
    monkeypatch.setattr(images, "cache_directory", lambda: tmp_path)
    images._build("trixie-bare", "image")
    assert ran[0][-2] == "trixie" and images.has_systemd("trixie-bare")
    assert not {"postgresql", "mariadb-server", "nginx-light", "rsync", "git"} & set(images.packages("trixie-bare"))
    assert "python3" in images.packages("trixie-bare") and "LABEL relocate-lab-suite=trixie-bare" in ran[1][-3]


def test_unknown_suite() -> None:
    with pytest.raises(LabError, match="no suite 'sarge'"):
        images.image_name("sarge")


@pytest.mark.parametrize("tag", ["", "a/b", "a b", "-x", "x" * 61])
def test_snapshot_tags_are_plain(tag: str) -> None:
    with pytest.raises(LabError, match="tag"):
        snapshot_name(tag, "trixie")


def test_difference() -> None:
    before = Digest({"/etc": "d", "/etc/a": "1", "/etc/gone": "2"})
    after = Digest({"/etc": "d", "/etc/a": "3", "/etc/came": "4"})
    assert difference(before, before) == []
    assert sorted(difference(before, after)) == ["+/etc/a  3", "+/etc/came  4", "-/etc/a  1", "-/etc/gone  2"]
    assert before.value != after.value


def test_digest_probe_describes_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "left" / "out").mkdir(parents=True)
    request = {"paths": [str(tmp_path)], "exclude": [f"{tmp_path}/left"], "units": []}
    # A systemctl that finds nothing: this machine's units are of no interest.
    (tmp_path / "left" / "systemctl").write_text("#!/bin/sh\n")
    (tmp_path / "left" / "systemctl").chmod(0o755)
    environment = {"PATH": f"{tmp_path}/left:/usr/bin:/bin"}
    argv = [sys.executable, str(digest.PROBE), json.dumps(request)]
    found = json.loads(subprocess.run(argv, env=environment, capture_output=True, check=True).stdout)
    assert set(found) == {str(tmp_path), f"{tmp_path}/file", f"{tmp_path}/link"}
    assert found[f"{tmp_path}/link"].endswith("-> file")
    assert "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" in found[f"{tmp_path}/file"]


def test_inventory_groups_hosts_by_name(tmp_path: Path) -> None:
    path = write_inventory(tmp_path / "i.yml", [make_host("old"), make_host("old2"), make_host("new-shop")], {"a": 1})
    groups = json.loads(path.read_text())["all"]
    assert groups["vars"] == {"a": 1}
    assert {name: list(group["hosts"]) for name, group in groups["children"].items()} == {
        "old": ["old.lab", "old2.lab"],
        "new": ["new-shop.lab"],
    }
    variables = groups["children"]["old"]["hosts"]["old.lab"]
    assert variables["ansible_host"] == "192.0.2.1"
    assert "'UserKnownHostsFile=/a lab/known_hosts'" in variables["ansible_ssh_common_args"]


@pytest.mark.parametrize("prefix", ["", "Lab", "a-b", "1a", "x" * 21])
def test_prefixes_are_plain(prefix: str) -> None:
    with pytest.raises(LabError, match="prefix"):
        lab.Lab(prefix)


def test_no_lab_without_root(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cli.main(["check"]) == 1
    assert capsys.readouterr().out == "the lab needs root: it makes containers with a systemd of their own\n"
    assert cli.main(["up"]) == 1


def test_no_lab_without_podman(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda program: None if program == "podman" else program)
    assert lab.obstacle() == "the lab needs: apt-get install --no-install-recommends podman"


@pytest.mark.parametrize(("word", "host"), [("old", ("old", "bookworm")), ("x:trixie", ("x", "trixie"))])
def test_host_words(word: str, host: tuple[str, str]) -> None:
    assert cli._parse_host(word) == host


@pytest.mark.parametrize("word", ["x", "old:sarge"])
def test_host_words_without_a_suite(word: str) -> None:
    with pytest.raises(LabError, match="give NAME:SUITE"):
        cli._parse_host(word)


def test_calls_tell_what_went_wrong() -> None:
    with pytest.raises(LabError, match=r"exit code 3: sh -c .*\nreason"):
        call(["sh", "-c", "echo reason >&2; exit 3"])
    with pytest.raises(LabError, match="no-such-program is not installed"):
        call(["no-such-program"])
    start = time.monotonic()
    with pytest.raises(LabError, match=r"no end after 0\.1 s"):
        call(["sleep", "5"], timeout=0.1)
    assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    ("until", "asks", "skipped"),
    [
        (None, ("lab", "old"), False),
        (-60, ("lab", "old"), True),
        (60, ("lab", "old"), False),
        (-60, ("tmp_path",), False),
    ],
)
def test_no_move_begins_when_the_time_is_over(
    until: float | None, asks: tuple[str, ...], skipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not run is skipped by a word that a reader of the log finds, and only what needs the lab."""
    monkeypatch.delenv("RELOCATE_LAB_UNTIL", raising=False)
    if until is not None:
        monkeypatch.setenv("RELOCATE_LAB_UNTIL", str(time.time() + until))
    item = SimpleNamespace(fixturenames=asks)
    if not skipped:
        plugin.pytest_runtest_setup(item)  # type: ignore[arg-type]
        return
    with pytest.raises(pytest.skip.Exception, match=r"no time left \(RELOCATE_LAB_UNTIL\): NOT RUN"):
        plugin.pytest_runtest_setup(item)  # type: ignore[arg-type]
