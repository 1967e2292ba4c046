# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import packaged
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed

needs_dpkg = pytest.mark.skipif(not os.path.exists("/var/lib/dpkg/info/dash.md5sums"), reason="a Debian host")
MD5 = "d41d8cd98f00b204e9800998ecf8427e"  # of nothing


class Manager:
    """Answers by the first word that fits; keeps what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, answer: Callable[[list[str]], str]) -> None:
        self.asked: list[list[str]] = []
        self.answer = answer
        monkeypatch.setattr(packaged, "find_program", lambda wanted: f"/bin/{wanted}" if wanted == name else None)

    def __call__(self, command: Command, timeout: float) -> Completed:
        argv = list(command.argv)
        self.asked.append(argv)
        return Completed(tuple(argv), 1, self.answer(argv).encode())


SEARCH = """nginx-common: /etc/nginx/nginx.conf
libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6
diversion by dash from: /bin/sh
diversion by dash to: /bin/sh.distrib
bash, dash: /bin/sh
a:amd64, a:i386: /usr/share/doc/a: b
"""


def test_what_dpkg_prints() -> None:
    assert packaged.parse_search(SEARCH) == {
        "/etc/nginx/nginx.conf": "nginx-common",
        "/lib/x86_64-linux-gnu/libc.so.6": "libc6:amd64",
        "/bin/sh": "bash",
        "/usr/share/doc/a: b": "a:amd64",
    }
    text = f"nginx-common\n /etc/nginx/nginx.conf {MD5}\n /etc/old {MD5} obsolete\n /etc/a b {MD5}\n"
    text += "empty\n\nother\n /etc/x newconffile\n"
    assert packaged.parse_conffiles(text) == {
        ("nginx-common", "/etc/nginx/nginx.conf"): MD5,
        ("nginx-common", "/etc/old"): MD5,
        ("nginx-common", "/etc/a b"): MD5,
        ("other", "/etc/x"): "newconffile",
    }
    assert packaged.parse_search("no packages found") == packaged.parse_conffiles("") == {}


def test_one_call_for_all_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager(monkeypatch, "dpkg-query", lambda _argv: "libc6:amd64: /lib/nowhere/libx.so.6\n")
    paths = ["/usr/lib/nowhere/libx.so.6", "/absent/a*", "/absent/b\\c", "/absent/d", "relative", "/absent/d"]
    assert packaged.owners_of(paths, manager) == {"/usr/lib/nowhere/libx.so.6": "libc6:amd64"}
    [argv] = manager.asked
    assert argv == ["/bin/dpkg-query", "-S", "--", "/absent/d", "/lib/nowhere/libx.so.6", "/usr/lib/nowhere/libx.so.6"]


def test_files_as_they_came_by_dpkg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    same, changed, gone, unknown, link = (tmp_path / name for name in ("same", "changed", "gone", "unknown", "link"))
    same.write_text("")
    changed.write_text("changed")
    unknown.write_text("")
    link.symlink_to("same")

    def answer(argv: list[str]) -> str:
        if argv[1] == "-S":
            return "".join(f"shop: {path}\n" for path in (same, changed, gone, link))
        return f"shop\n {same} {MD5}\n {changed} {MD5}\n {gone} {MD5}\n"

    manager = Manager(monkeypatch, "dpkg-query", answer)
    assert packaged.untouched(map(str, (same, changed, gone, unknown, link)), manager) == {str(same), str(link)}
    assert [argv[1] for argv in manager.asked] == ["-S", "-W"]


def test_a_link_of_the_administrator_did_not_come_with_a_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "available").write_text("")
    (tmp_path / "enabled").symlink_to("available")
    answer = f"shop: {tmp_path}/available\n"
    manager = Manager(
        monkeypatch, "dpkg-query", lambda argv: answer if argv[1] == "-S" else f"shop\n {tmp_path}/available {MD5}"
    )
    paths = [f"{tmp_path}/available", f"{tmp_path}/enabled"]
    assert packaged.untouched(paths, manager) == {paths[0]}
    assert packaged.owners_of(paths, manager) == dict.fromkeys(paths, "shop")


def test_rpm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("a", "b", "own", "shared"):
        (tmp_path / name).write_text("")
    owners = {"a": ["httpd"], "b": ["nginx"], "own": ["file x is not owned by any package"], "shared": ["one", "two"]}

    def answer(argv: list[str]) -> str:
        if argv[1] == "-qf":
            return "".join(line + "\n" for path in argv[4:] for line in owners[Path(path).name])
        assert argv[-3:] == ["httpd", "nginx", "one"]
        return f"S.5....T.  c {tmp_path}/b\n.......T.  c {tmp_path}/a\nmissing     {tmp_path}/c\n"

    manager = Manager(monkeypatch, "rpm", answer)
    paths = [f"{tmp_path}/{name}" for name in ("a", "b", "own", "shared", "absent")]
    assert packaged.owners_of(paths, manager) == {paths[0]: "httpd", paths[1]: "nginx", paths[3]: "one"}
    assert packaged.untouched(paths, manager) == {paths[0], paths[3]}


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("S.5....T.  c /etc/a", True),
        ("..5......    /usr/lib/a", True),
        ("....L....  c /etc/a", True),
        (".M.......  c /etc/a", False),
        (".....UG..  c /etc/a", False),
        ("missing   c /etc/a", True),
        ("..?......  c /etc/a", True),
        ("package x is not installed", False),
    ],
)
def test_what_rpm_prints(line: str, changed: bool) -> None:
    assert bool(packaged.parse_verify(line)) is changed


def test_without_a_manager_nothing_came_with_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager(monkeypatch, "none", lambda _argv: "")
    assert packaged.untouched(["/etc/passwd"], manager) == set()
    assert packaged.owners_of(["/etc/passwd"], manager) == {}
    assert manager.asked == []


def test_a_manager_that_hangs_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Manager(monkeypatch, "dpkg-query", lambda _argv: "")

    def hangs(command: Command, timeout: float) -> Completed:
        raise RelocateError("timed_out", f"{command.argv[0]} did not end within {timeout} s")

    assert packaged.untouched(["/etc/passwd"], hangs) == set()
    assert packaged.owners_of(["/etc/passwd"], hangs) == {}


@needs_dpkg
def test_this_host() -> None:
    program = shutil.which("dpkg-query")
    assert program
    paths = ["/bin/sh", "/usr/bin/sh", "/etc/debian_version", "/usr/bin/dpkg-query", "/bin/dpkg-query", "/etc/passwd"]
    owners = packaged.owners_of(paths)
    assert owners["/usr/bin/dpkg-query"] == owners["/bin/dpkg-query"] == "dpkg"
    assert "/etc/passwd" not in owners
    assert {"/usr/bin/dpkg-query", "/bin/dpkg-query"} <= packaged.untouched(paths)
    assert "/etc/passwd" not in packaged.untouched(paths)
