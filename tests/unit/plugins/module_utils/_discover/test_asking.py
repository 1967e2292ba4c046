# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.asking import (
    Request,
    asks,
    best,
    comes_to,
    reaching,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite

HTTP, HTTPS, OTHER = ("*", 80, False), ("*", 443, True), ("192.0.2.1", 80, False)


def site(
    *ports: tuple[str, int, bool],
    names: tuple[str, ...] = ("shop.example.org", "www.shop.example.org"),
    default: bool = False,
    redirects: bool = False,
    certificates: tuple[str, ...] = (),
) -> WebSite:
    return WebSite(
        "nginx",
        "nginx.service",
        names=names,
        ports=ports,
        default=default,
        redirects=redirects,
        certificates=certificates,
    )


@pytest.mark.parametrize(
    ("ports", "url"),
    [
        ([HTTP], "http://127.0.0.1/"),
        ([HTTPS, HTTP], "http://127.0.0.1/"),
        ([HTTPS], "https://127.0.0.1/"),
        ([("*", 8443, True)], "https://127.0.0.1:8443/"),
        ([("*", 8080, False), HTTP], "http://127.0.0.1/"),
        ([("127.0.0.1", 8080, False)], "http://127.0.0.1:8080/"),
        ([("127.0.1.1", 80, False)], "http://127.0.1.1/"),
        ([("::", 80, False)], "http://[::1]/"),
        ([("::", 80, False), HTTP], "http://127.0.0.1/"),
        ([("[::1]", 81, False)], "http://[::1]:81/"),
        ([("localhost", 81, False)], "http://127.0.0.1:81/"),
        ([OTHER, HTTPS], "https://127.0.0.1/"),
        ([OTHER], "http://192.0.2.1/"),
        ([("[2001:db8::1]", 443, True)], "https://[2001:db8::1]/"),
        ([("*", 443, False)], "http://127.0.0.1:443/"),
        ([("*", 80, True)], "https://127.0.0.1:80/"),
    ],
)
def test_where_to_ask(ports: list[tuple[str, int, bool]], url: str) -> None:
    found = asks(site(*ports))
    assert found is not None
    assert (found.url, found.host) == (url, "shop.example.org")


@pytest.mark.parametrize(
    ("mounts", "reaching", "path"),
    [
        ([("/", "a")], [], "/"),
        ([("/mailman3", "a")], [], "/mailman3"),
        ([("/api/", "a"), ("/ws/", "b")], [], "/ws/"),
        ([("/", "node"), ("/api/", "a"), ("/api/v2/", "a")], ["a"], "/api/"),
        ([("/", "node"), ("/api/", "a")], ["unknown"], "/"),
        ([("/a b?", "a")], [], "/"),
        ([], ["a"], "/"),
    ],
)
def test_the_path_below_which_a_site_answers(mounts: list[tuple[str, str]], reaching: list[str], path: str) -> None:
    block = replace(site(HTTP), mounts=tuple(mounts))
    found, other = asks(block, (), reaching), best([block], (), reaching)
    assert found is not None
    assert found.url == "http://127.0.0.1" + path
    assert found == other


def test_names() -> None:
    assert asks(site(HTTP, names=(), default=True)) == Request("http://127.0.0.1/", "", True)
    assert asks(site(HTTP, names=())) is None
    assert asks(site(names=("a.org",))) is None


@pytest.mark.parametrize(
    ("certificates", "trusted", "valid"),
    [
        (("/a.pem",), {"/a.pem", "/b.pem"}, True),
        (("/a.pem", "/chain.pem"), {"/a.pem"}, False),
        (("/a.pem",), set(), False),
        ((), {"/a.pem"}, False),
    ],
)
def test_certificates(certificates: tuple[str, ...], trusted: set[str], valid: bool) -> None:
    assert asks(site(HTTPS, certificates=certificates), trusted) == Request(
        "https://127.0.0.1/", "shop.example.org", valid
    )
    unnamed = asks(site(HTTPS, certificates=certificates, names=(), default=True), trusted)
    assert unnamed == Request("https://127.0.0.1/", "", False)


def test_the_site_itself_is_preferred() -> None:
    redirect = site(HTTP, redirects=True)
    secure = site(HTTPS, names=("secure.example.org",))
    plain = site(HTTP, names=("plain.example.org",))
    unnamed = site(HTTP, names=(), default=True)
    unreachable = site(names=("socket.example.org",))
    for blocks, host in (
        ([redirect, secure], "secure.example.org"),
        ([secure, plain], "plain.example.org"),
        ([redirect], "shop.example.org"),
        ([unnamed, plain], "plain.example.org"),
        ([unnamed, secure], ""),
        ([unreachable, redirect], "shop.example.org"),
    ):
        found = best(blocks)
        assert found is not None
        assert found.host == host
    assert best([]) is best([unreachable]) is None


def test_what_leads_to_a_project() -> None:
    starters = [Starter("service", "a.service", listens=("tcp:*:8000", "unix:/run/a.sock"))]
    webs = [WebSite("apache", "apache2.service", scripts=("/srv/a/wsgi.py",))]
    assert reaching(starters, webs) == ["tcp:127.0.0.1:8000", "unix:/run/a.sock", "/srv/a/wsgi.py"]


@pytest.mark.parametrize(
    ("path", "comes"),
    [("/", True), ("/a/", True), ("/blog/", False), ("/blog/x", False), ("/blogs/", True), ("/blog/app/x", True)],
)
def test_which_paths_come_to_a_project(path: str, comes: bool) -> None:
    mine, other = "tcp:127.0.0.1:8000", "unix:/run/php.sock"
    web = WebSite("nginx", "nginx.service", mounts=(("/", mine), ("/blog", other), ("/blog/app/", mine)))
    assert comes_to(path, [web], [mine]) is comes
    assert comes_to(path, [web], []) and comes_to(path, [WebSite("nginx", "nginx.service")], [mine])
