# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What apt says of its archives, and which names it is asked for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import archives

POLICY = """nginx:
  Installed: (none)
  Candidate: 1.26.3-3+deb13u1
  Version table:
     1.26.3-3+deb13u1 500
        500 http://archive.example.org/debian trixie/main amd64 Packages
mail-transport-agent:
  Installed: (none)
  Candidate: (none)
  Version table:
g++:
  Installed: 4:14.2.0-1
  Candidate: 4:14.2.0-1
  Version table:
 *** 4:14.2.0-1 500
"""


def test_a_package_that_is_only_provided_by_others_is_none() -> None:
    assert archives.parse_policy(POLICY) == {"nginx": "1.26.3-3+deb13u1", "g++": "4:14.2.0-1"}


@pytest.mark.parametrize("name", ["nginx", "g++", "libpango-1.0-0", "python3.13-venv", "7zip"])
def test_names(name: str) -> None:
    assert archives.is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "x", "nginx-", "-y", "--allow-unauthenticated", "Nginx", "nginx=1", "nginx/sid", "ng*", "?essential", "~i"]
    + ["a b", "a;b", "nginx\n", "../etc", "nginx:i386", "x" * 200, "ä" * 3],
)
def test_what_apt_would_take_for_something_else(name: str) -> None:
    """A hyphen at the end removes a package; other characters are a version, a release, a pattern or an option."""
    assert not archives.is_name(name)


def test_only_exact_names_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To apt ``python3.1`` is a pattern too, where no package bears that name."""
    asked: list[list[str]] = []

    def run(command: Any, timeout: float) -> Any:
        asked.append(list(command.argv))
        return SimpleNamespace(out=POLICY + "python3x1:\n  Installed: (none)\n  Candidate: 1\n")

    monkeypatch.setattr(archives, "find_program", lambda name: "/usr/bin/" + name)
    lists = str(tmp_path / "*_Packages*")
    assert archives.candidates(["nginx"], run, lists) is None, "apt has no list"
    (tmp_path / "x_Packages.lz4").write_text("")
    found = archives.candidates(["python3.1", "nginx", "nginx", "nginx-", "--yes"], run, lists)
    assert found == {"nginx": "1.26.3-3+deb13u1"}
    assert asked == [["/usr/bin/apt-cache", "policy", "nginx", "python3.1"]]
    monkeypatch.setattr(archives, "find_program", lambda _name: None)
    assert archives.candidates(["nginx"], run, lists) is None
