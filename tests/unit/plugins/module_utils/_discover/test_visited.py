# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses out of a web server's log: few, plain, and nothing that is about somebody or opens a door."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import visited


def line(path: str, status: int = 200, verb: str = "GET", host: str = "") -> str:
    """Give a line of the combined format, or of Apache's vhost_combined."""
    who = "{}192.0.2.7 - ada [29/Nov/2026:10:00:00 +0000]".format(host and host + " ")
    return f'{who} "{verb} {path} HTTP/1.1" {status} 512 "https://shop.example/x/?token=s3cret" "Mozilla/5.0"\n'


def chosen(*lines: str, most: int = 9) -> list[str]:
    return visited.chosen("".join(lines).encode("utf-8"), most, ("/static/", "/media/"))


def test_those_asked_for_most_come_first_and_seldom_ones_follow() -> None:
    lines = [line(f"/{name}/") * count for name, count in (("a", 9), ("b", 5), ("c", 3), ("d", 2), ("e", 1), ("f", 1))]
    assert chosen(*lines, most=3) == ["/a/", "/b/", "/f/"]
    assert chosen(*lines, most=0) == []
    assert set(chosen(*lines, most=20)) == {f"/{name}/" for name in "abcdef"}
    assert chosen(line("/", host="shop.example:80")) == ["/"]


def test_of_pages_of_one_kind_a_few_are_enough() -> None:
    lines = [line(f"/blog/{name}/") * 9 for name in ("one", "two", "three", "four", "five")] + [line("/about/")]
    found = chosen(*lines, most=6)
    assert "/about/" in found and len(found) == 6


@pytest.mark.parametrize("path", [
    "/", "/about/", "/blog/2026/11/29/how-we-moved-to-a-new-server/", "/de/ueber-uns", "/shop/page2/", "/docs/v2/",
    "/products/144/", "/a_b/c.html", "/Impressum/", "/FAQ",
])  # fmt: skip
def test_a_path_of_plain_words_is_taken(path: str) -> None:
    assert chosen(line(path)) == [path]


@pytest.mark.parametrize("path", [
    # They are about somebody, or open a door.
    "/reset/MQ/c5y1nx-0123456789abcdef0123456789abcdef/", "/q/9f86d081884c7d65/", "/i/Zm9vYmFyYmF6cXV4/",
    "/x/550e8400-e29b-41d4-a716-446655440000/", "/by/ada@example.org/", "/by/ada%40example.org/", "/tel/4917012345678/",
    "/x/abc12/", "/x/KJHGFDSA/", "/x/kjhgfdsaqwrtz/", "/x/12345-67890/", "/invite/spring/", "/accounts/one/",
    "/users/ada/", "/x/0a1b2c/", "/~ada/.ssh/",
    # They do something.
    "/logout/", "/delete/5/", "/newsletter/unsubscribe/", "/cron/", "/en/sign-out/", "/Logout/", "/orders/5/cancel",
    # They are files, or none of the application's.
    "/static/site/", "/media/a/", "/robots.txt", "/sitemap.xml", "/a/b.JPG",
    # They are no paths.
    "/a//b/", "/../etc/", "/a/..", "/a\x1b[2J/", "/a\\x1b/", "/" + "a" * 24 + "-" + "b-" * 200, "/a/b/c/d/e/f/g/h/",
    "/umlaut/\u00fc/", "/a b/", "/<script>/", "/{{ lookup }}/",
])  # fmt: skip
def test_another_one_is_not(path: str) -> None:
    assert chosen(line(path)) == []


@pytest.mark.parametrize("text", [
    line("/a/", 404), line("/a/", 500), line("/a/", 101), line("/a/", verb="POST"), line("/a/?page=2"), "", "\0" * 50,
    '192.0.2.7 "GET /a/ HTTP/1.1"', line("/x/").replace("GET /x/", 'GET /" "GET /b/?'),
])  # fmt: skip
def test_what_was_not_a_plain_request_that_was_answered_well(text: str) -> None:
    assert chosen(text) == []


def test_the_end_of_a_log_is_read_and_the_one_before_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, before = tmp_path / "access.log", tmp_path / "access.log.1"
    log.write_text(line("/new/"), encoding="ascii")
    before.write_text(line("/old/"), encoding="ascii")
    assert set(visited.chosen(visited.tails([str(log), str(log)], None), 9)) == {"/new/", "/old/"}
    monkeypatch.setattr(visited, "_LAST", 2 * len(line("/new/")))
    log.write_text(line("/first/") + line("/new/") * 2, encoding="ascii")
    assert visited.chosen(visited.tails([str(log)], None), 9) == ["/new/"]


def test_what_is_no_log_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert visited.tails([str(tmp_path / "gone"), str(tmp_path / "pipe"), str(tmp_path)], None).strip() == b""
