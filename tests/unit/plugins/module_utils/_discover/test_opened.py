# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that the settings open: what they are, and which of them a checkout would lack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import opened
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from tests.unit.fakes import ROOT_ONLY
from tests.unit.plugins.module_utils._project.asked import add_settings, found
from tests.unit.plugins.module_utils._project.conftest import Repository, give

READS = """
from pathlib import Path
here = Path(__file__).resolve().parent.parent
for name in ("tracked.json", ".env", "etc/secret.txt", "outside/link.env", "missing.toml", "site.log"):
    try:
        (here / name).read_text()
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("/srv/a/.env", b"", "an environment file"),
        ("/srv/a/.env.production", b"x", "an environment file"),
        ("/etc/shop/prod.env", b"A=1", "an environment file"),
        ("/etc/default/shop", b"# x\nA=1\nexport B='2 3'\n", "an environment file"),
        ("/etc/default/shop", b"A=1\nsome text\n", "a file"),
        ("/etc/shop/secret_key.txt", b"abc", "a secret"),
        ("/srv/a/key", b"abc\n", "a secret"),
        ("/run/secrets/db", b"abc", "a secret"),
        ("/srv/a/secrets.json", b"{}", "a secret"),
        ("/srv/a/service_account_credentials.json", b"{}", "a secret"),
        ("/srv/a/config.yml", b"a: 1", "configuration"),
        ("/srv/a/pyproject.toml", b"", "configuration"),
        ("/srv/a/monkey.ini", b"", "configuration"),
        ("/srv/a/ca.pem", b"-----BEGIN CERTIFICATE-----", "a certificate"),
        ("/srv/a/ca.pem", b"-----BEGIN RSA PRIVATE KEY-----", "a key"),
        ("/srv/a/jwt", b"-----BEGIN PRIVATE KEY-----", "a key"),
        ("/srv/a/jwt", b"-----BEGIN PUBLIC KEY-----", "a certificate"),
        ("/srv/a/tls.crt", b"\x30\x82", "a certificate"),
        ("/srv/a/VERSION", b"1.2\n", "a file"),
        ("/srv/a/VERSION", b"", "a file"),
        ("/srv/a/blob", b"\xff\xfe", "a file"),
    ],
)
def test_what_a_file_is(path: str, head: bytes, expected: str) -> None:
    assert opened.what(path, head) == expected


def test_what_git_does_not_hold(repository: Repository, python: str, site: Path, owner: SystemUser) -> None:
    top = repository.path
    for name in os.listdir(site):
        os.rename(site / name, top / name)
    outside = top.parent / "shared"
    outside.mkdir()
    (outside / "real.env").write_text("A=1\n")
    for name in ("tracked.json", ".env", "etc/secret.txt", "site.log"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("{}")
    (top / "outside").mkdir()
    (top / "outside" / "link.env").symlink_to("../../shared/real.env")
    give(top.parent, owner)
    add_settings(top, READS)
    repository.git("add", "tracked.json", "manage.py", "site1", "shop")
    repository.git("commit", "-q", "-m", "x")
    current = top.parent / "current"  # a release, as deployments link to it; the settings resolve the link
    current.symlink_to(top)
    project = found(current, python)
    files = probe.ask(project, ["opened"])["opened"]["files"]
    result = opened.find(str(current), owner, files)
    assert [(item.path, item.what) for item in result] == [
        (f"{current}/.env", "an environment file"),
        (f"{current}/etc/secret.txt", "a secret"),
        (f"{current}/outside/link.env", "an environment file"),
        (f"{current}/tracked.json", "configuration"),
    ]
    wanted = opened.guesses(str(current), result)
    assert [item.value for item in wanted] == [".env", "etc/secret.txt", "outside/link.env", f"{outside}/real.env"]
    assert opened.guesses(str(current), result, [f"{current}/.env"]) == wanted[1:]
    assert wanted[1].why == "the settings open it: a secret"


def test_without_a_checkout_git_holds_nothing(home: Path, owner: SystemUser) -> None:
    (home / "a.json").write_text("{}")
    (item,) = opened.find(str(home), owner, [str(home / "a.json")])
    assert item.lacking == (str(home / "a.json"),)


@pytest.mark.parametrize(
    "name", ["/tmp/x.json", "/run/shop/x.json", "/var/log/x", "relative", "/nowhere", "/dev/null", "/"]
)
def test_what_passes(home: Path, owner: SystemUser, name: str) -> None:
    assert opened.find(str(home), owner, [name, "/tmp/a\0b", str(home / "x.log"), str(home / "dir")]) == []


@ROOT_ONLY
def test_nothing_is_read_that_the_owner_may_not(home: Path, owner: SystemUser) -> None:
    """The settings name the paths: they must not have root look at another one's files."""
    (home / "secret").write_text("A=1")
    (home / "secret").chmod(0o600)
    assert opened.find(str(home), owner, [str(home / "secret"), "/etc/shadow"]) == []


def test_a_circle_of_links(home: Path, owner: SystemUser) -> None:
    (home / "a").symlink_to("b")
    (home / "b").symlink_to("a")
    os.mkfifo(home / "fifo")
    assert opened.find(str(home), owner, [str(home / "a"), str(home / "fifo")]) == []


def test_files_of_the_host_are_not_the_projects() -> None:
    found = [opened.Opened(path, "a file", (path,)) for path in ("/etc/passwd", "/etc/shop.env", "/root/.ssh/id_rsa")]
    assert [guess.value for guess in opened.guesses("/srv/shop", found)] == ["/etc/shop.env"]


@pytest.mark.parametrize("name", ["/srv/\ud800/x", "/srv/a\0b/x"])
def test_names_that_no_file_has(tmp_path: Path, name: str) -> None:
    assert opened.find(str(tmp_path), None, [name]) == []
