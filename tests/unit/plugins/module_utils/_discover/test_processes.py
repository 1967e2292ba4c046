# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._discover import processes


def test_places_of_a_unit(tmp_path: Path) -> None:
    for number, (cwd, group) in enumerate([("/srv/a", "a.service"), ("/srv/b", "a.service"), ("/srv/c", "init.scope")]):
        directory = tmp_path / str(number)
        directory.mkdir()
        os.symlink(cwd, directory / "cwd")
        os.symlink("/usr/bin/python3 (deleted)", directory / "exe")
        (directory / "cgroup").write_text(f"0::/system.slice/{group}\n", encoding="utf-8")
    (tmp_path / "9").mkdir()  # it has ended meanwhile
    (tmp_path / "self").mkdir()
    assert processes.places(str(tmp_path)) == {("a.service", ""): {"/srv/a", "/srv/b"}}
