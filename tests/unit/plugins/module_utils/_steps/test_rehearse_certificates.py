# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of the site on new; what each can be wrong in is tried in the tests of ``_discover/certificates``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.certificates import Certificate, Problem
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._discover.sites import FoundSite
from ansible_collections.relocate.django.plugins.module_utils._discover.system_files import SystemFiles
from ansible_collections.relocate.django.plugins.module_utils._steps import rehearse_certificates
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

PATH = "/srv/shop/app"
SHOP = WebSite(
    "nginx",
    "nginx.service",
    names=("shop.org", "www.shop.org"),
    files=("/etc/nginx/sites-enabled/shop", "/etc/nginx/snippets/tls.conf"),
    certificates=("/etc/ssl/shop.pem",),
    keys=("/etc/ssl/shop.key",),
)
BLOG = replace(SHOP, names=("blog.org",), files=("/etc/nginx/sites-enabled/blog", "/etc/nginx/snippets/tls.conf"))
PLAIN = replace(SHOP, certificates=(), keys=())


def options(**given: Any) -> rehearse_certificates.Options:
    whole = {"path": PATH, "files": [], "answers": [], "certificates_ignored": [], **given}
    return rehearse_certificates.Options.of(whole)


def host(*webs: WebSite) -> Host:
    files = ConfigFiles()
    return Host(files, (), webs, SystemFiles(files))


class Found:
    """What is found on this host: the server blocks that lead to the project, and what is wrong with each."""

    def __init__(self) -> None:
        self.webs: tuple[WebSite, ...] = (SHOP,)
        self.problems: list[Problem] = []
        self.names = ("shop.org", "*.shop.org")

    def check(self, web: WebSite, *_more: Any) -> list[Problem]:
        return self.problems if web.certificates else []

    def read(self, path: str, *_more: Any) -> Certificate:
        return Certificate(path, self.names, "K", 0, 9e9)

    def find(self, _host: Host, path: str) -> FoundSite:
        return FoundSite("shop", Place(path, "", webs=self.webs))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    one = Found()
    monkeypatch.setattr(rehearse_certificates.unnamed, "find", one.find)
    monkeypatch.setattr(rehearse_certificates.certificates, "check", one.check)
    monkeypatch.setattr(rehearse_certificates.certificates, "read_certificate", one.read)
    monkeypatch.setattr(rehearse_certificates, "find_program", lambda _name: "/usr/bin/openssl")
    return one


GONE = Problem("missing", "/etc/ssl/shop.pem", "/etc/ssl/shop.pem is not there")
NAME = Problem("name", "/etc/ssl/shop.pem", "/etc/ssl/shop.pem is not for WWW.shop.org", "WWW.shop.org")
NO_PROOF = {"url": "https://127.0.0.1/", "host": "www.shop.org", "validate_certs": False}


@pytest.mark.parametrize(
    ("problem", "given", "count"),
    [
        (GONE, {}, 1),
        (NAME, {}, 1),
        (Problem("expired", "/etc/ssl/shop.pem", "expired"), {}, 1),
        (Problem("soon", "/etc/ssl/shop.pem", "soon"), {}, 0),
        (Problem("renewal", "/etc/ssl/shop.pem", "not renewed"), {}, 0),
        (GONE, {"certificates_ignored": ["/etc/ssl/shop.pem"]}, 0),
        (GONE, {"certificates_ignored": ["www.shop.org"]}, 1),
        (NAME, {"certificates_ignored": ["www.shop.org"]}, 0),
        (NAME, {"certificates_ignored": ["*"]}, 0),
        (NAME, {"answers": [NO_PROOF]}, 0),  # what old has answers with a certificate that proves nothing
        (GONE, {"answers": [NO_PROOF]}, 1),
        (NAME, {"answers": [dict(NO_PROOF, url="http://127.0.0.1/")]}, 1),
    ],
)
def test_what_is_an_obstacle(found: Found, problem: Problem, given: dict[str, Any], count: int) -> None:
    found.problems = [problem]
    looked = rehearse_certificates.look(options(**given), host(SHOP))
    assert [item.code for item in looked.obstacles] == ["certificate_unfit"] * count
    for item in looked.obstacles:
        assert item.msg == f"shop.org, www.shop.org of /etc/nginx/sites-enabled/shop: {problem.text}"
        assert f"name {problem.name or problem.path} in relocate_certificates_ignored" in item.hint
    assert [problem.text in note for note in looked.notes] == [True] * (problem.kind in ("soon", "renewal"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"url": "https://127.0.0.1/", "host": "shop.org"}, ""),
        ({"url": "https://127.0.0.1/", "host": "api.shop.org"}, ""),
        ({"url": "https://127.0.0.1/", "host": "other.org", "validate_certs": True}, "asks for other.org by https"),
        ({"url": "https://127.0.0.1/", "host": "other.org", "validate_certs": False}, ""),
        ({"url": "http://127.0.0.1/", "host": "other.org"}, ""),
        ({"url": "https://other.org:8443/x", "host": ""}, "asks for other.org by https"),
        ({"url": "https://[::bad/", "host": ""}, ""),
    ],
)
def test_names_that_are_asked_for(found: Found, answer: dict[str, Any], said: str) -> None:
    looked = rehearse_certificates.look(options(answers=[answer]), host(SHOP))
    assert [said in item.msg for item in looked.obstacles] == ([True] if said else [])
    found.webs = (PLAIN,)  # where another machine has the certificates, none is missing here
    assert rehearse_certificates.look(options(answers=[answer]), host(PLAIN)) == rehearse_certificates.Looked()


def test_whose_server_blocks_count(found: Found, tmp_path: Path) -> None:
    one = host(SHOP, BLOG)
    assert rehearse_certificates.webs_of(options(), one) == [SHOP]
    found.webs = ()
    for carried, expected in (
        (["/etc/nginx/sites-enabled/blog"], [BLOG]),
        (["/etc/nginx/sites-enabled/"], [SHOP, BLOG]),
        (["/etc/nginx/sites-enabled/blo"], []),
        (["/etc/nginx/snippets/tls.conf"], []),  # which others on new may include too
        (["sites-enabled/blog"], []),
    ):
        assert rehearse_certificates.webs_of(options(files=carried), one) == expected
    real, link = tmp_path / "available", tmp_path / "enabled"
    real.touch()
    link.symlink_to(real)
    linked = replace(BLOG, files=(str(link), str(real)))
    assert rehearse_certificates.webs_of(options(files=[str(real)]), host(linked)) == [linked]


def test_without_openssl_it_is_said_that_nothing_was_read(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearse_certificates, "find_program", lambda _name: None)
    found.problems = [GONE]
    looked = rehearse_certificates.look(options(answers=[dict(NO_PROOF, host="x.org")]), host(SHOP))
    assert len(looked.obstacles) == 1 and "new has no openssl" in looked.notes[0]
    assert looked.certificates == 1


def test_each_kind_has_a_remedy() -> None:
    kinds = {"missing", "unreadable", "key", "expired", "early", "soon", "name", "renewal"}
    assert set(rehearse_certificates._HINTS) == kinds
