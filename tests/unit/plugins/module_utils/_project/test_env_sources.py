# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of variables, read in the order of the inventory. With whose rights: see _host/test_openat.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project.env_sources import read_env_files
from tests.unit.fakes import ROOT_ONLY, nobody, reachable, refused

UNIT = "[Service]\nEnvironment=A=unit B=unit\nEnvironmentFile={0}/*.env\nEnvironmentFile=-{0}/none\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "shop.service.d").mkdir()
    (tmp_path / "shop.service.d" / "a.conf").write_text("[Service]\nEnvironment=\nEnvironment=B=drop\n")
    (tmp_path / "shop.service").write_text(UNIT.format(tmp_path))
    (tmp_path / "1.env").write_text("C=one\nD=one\n")
    (tmp_path / "2.env").write_text("D=two\n")
    (tmp_path / ".hidden.env").write_text("D=hidden\n")
    (tmp_path / "plain").write_text("A=plain\n")
    (tmp_path / "u.ini").write_text("[uwsgi]\nenv = A=uwsgi\nmaster = true\n")
    (tmp_path / "p.conf").write_text(f'[program:p]\ncommand={tmp_path}/x\nenvironment=A="program"\n')
    return tmp_path


FILES = {"C": "one", "D": "two"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["shop.service"], {"A": "unit", "B": "unit", **FILES}),
        (["shop.service", "shop.service.d/a.conf"], {"B": "drop", **FILES}),
        # A drop-in that is read by itself resets nothing of what another file sets.
        (["shop.service", "plain", "shop.service.d/a.conf"], {"A": "plain", "B": "drop", **FILES}),
        (["plain", "shop.service"], {"A": "unit", "B": "unit", **FILES}),
        (["p.conf", "-none.conf", "-none.service"], {"A": "program"}),
        (["p.conf", "plain"], {"A": "plain"}),
        (["plain", "u.ini"], {"A": "uwsgi"}),
        ([], {}),
    ],
)
def test_order(place: Path, names: list[str], expected: dict[str, str]) -> None:
    assert read_env_files(str(place), names) == expected


def test_a_file_of_a_unit_that_is_not_there(place: Path) -> None:
    (place / "b.service").write_text(f"[Service]\nEnvironmentFile={place}/none\n")
    with refused("bad_option", "environment file .*/none cannot be read: No such file.*begin it with -"):
        read_env_files(str(place), ["b.service"])
    (place / "b.service").write_text("[Service]\nEnvironmentFile=/nowhere/*.env\nEnvironment=A=1\n")
    assert read_env_files(str(place), ["b.service"]) == {"A": "1"}


def test_programs_that_disagree_are_refused(place: Path) -> None:
    text = '[program:p]\ncommand=/x\nenvironment=KEY="canary-1"\n[program:q]\ncommand=/y\nenvironment=KEY="canary-2"\n'
    (place / "p.conf").write_text(text)
    with refused("bad_option", "programs of .*p.conf set KEY to different values.*relocate_env_files") as caught:
        read_env_files(str(place), ["p.conf"])
    assert "canary" not in str(caught.value)


@ROOT_ONLY
@pytest.mark.parametrize(("where", "seen"), [("systemd/system", True), ("systemd/user", False)])
def test_what_a_users_own_systemd_reads_is_read_with_his_rights(tmp_path: Path, where: str, seen: bool) -> None:
    """Root wrote the unit for all users; the files that it names are read by each user's own manager."""
    secret = reachable(tmp_path) / "secret.env"
    secret.write_text("PASSWORD=canary")
    secret.chmod(0o600)
    unit = tmp_path / where / "x.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(f"[Service]\nEnvironmentFile={secret}\n")
    if seen:
        assert read_env_files("/", [str(unit)], nobody()) == {"PASSWORD": "canary"}
    else:
        with refused("bad_option", "cannot be read"):
            read_env_files("/", [str(unit)], nobody())
