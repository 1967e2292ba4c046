# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""backup.yml into a repository of restic, and restore.yml out of it on a host that has nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engines.local_site import PREFIX, LocalSite

pytestmark = pytest.mark.skipif(shutil.which("restic") is None, reason="restic is not installed")


@pytest.mark.drawn(5, of="local moves")
def test_the_worst_day(tmp_path: Path) -> None:
    """The old host, its sets and its checkout are gone; what is left is the repository, its address and password."""
    password = tmp_path / "password"
    password.write_text("Canary-of-the-repository\n")
    password.chmod(0o600)
    given = {"type": "restic", "address": str(tmp_path / "vault"), "password_file": str(password)}
    site = LocalSite(tmp_path, {"relocate_retention": {"last": 1}, "relocate_keep": 1, "relocate_repository": given})
    site.make()
    (site.old / PREFIX / "media").mkdir()
    (site.old / PREFIX / "media" / "picture").write_bytes(b"\x00\xff")
    code, text = site.play("backup")
    assert code != 0 and "repository_missing" in text and "create: true" in text
    assert not (tmp_path / "vault").exists(), "the disk that it lies on may not be mounted"
    given["create"] = True
    code, text = site.play("backup")
    assert code == 0 and "Its repository holds it" in text, text
    assert "Removed 2" in text, "the set that could not be pushed is older, and one is to stay on the host"
    shutil.rmtree(tmp_path / "old")
    code, text = site.play("restore", "--check", "-e", "relocate_python=python9.9")
    assert code != 0 and "interpreter_not_found" in text and "python9.9 is not installed" in text, text
    code, text = site.play("restore", "--check")
    assert code == 0, text
    assert not (tmp_path / "new" / "work" / "sets").exists()
    code, text = site.play("restore")
    assert code == 0, text
    assert site.rows(site.new, "legacy.sqlite3", "select total from invoice order by 1") == [(7,), (8,)]
    assert (site.new / PREFIX / "media" / "picture").read_bytes() == b"\x00\xff"
    assert "Canary" not in text
    environment = {**os.environ, "RESTIC_PASSWORD_FILE": str(password)}
    argv = ["restic", "-r", str(tmp_path / "vault"), "--no-cache", "snapshots", "--json"]
    (row,) = json.loads(subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout)
    assert [tag for tag in row["tags"] if tag.startswith("equal=")], (
        "the restore found it equal, and told the repository"
    )
