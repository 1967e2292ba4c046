# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import certificates
from ansible_collections.relocate.django.plugins.module_utils._discover.certificates import Certificate
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, run
from tests.unit.fakes import ROOT_ONLY, reachable
from tests.unit.plugins.module_utils._discover.held import HeldFiles

pytestmark = pytest.mark.slow

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="needs openssl")
NAME = "shop.example.org"
TOP = "/etc/letsencrypt"
ACCOUNT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
#: As certbot 2.1 writes it.
RENEWAL = f"""# renew_before_expiry = 30 days
version = 2.1.0
archive_dir = {TOP}/archive/{NAME}
cert = {TOP}/live/{NAME}/cert.pem
privkey = {TOP}/live/{NAME}/privkey.pem
chain = {TOP}/live/{NAME}/chain.pem
fullchain = {TOP}/live/{NAME}/fullchain.pem

# Options used in the renewal process
[renewalparams]
account = {ACCOUNT}
authenticator = dns-cloudflare
dns_cloudflare_credentials = /root/.secrets/cloudflare.ini
server = https://acme-v02.api.letsencrypt.org/directory
key_type = ecdsa
[[webroot_map]]
{NAME} = /var/www/letsencrypt
"""


def site(certificate: str, key: str, *names: str) -> WebSite:
    return WebSite("nginx", "nginx.service", names=names, certificates=(certificate,), keys=(key,))


def test_certbots_files() -> None:
    directory = f"{TOP}/accounts/acme-v02.api.letsencrypt.org/directory/{ACCOUNT}"
    texts = {f"{TOP}/archive/{NAME}/{kind}{number}.pem": "" for kind in ("cert", "privkey") for number in (1, 2)}
    texts.update({f"{TOP}/archive/{NAME}/{kind}2.pem": "" for kind in ("chain", "fullchain")})
    texts.update({f"{directory}/{name}": "" for name in ("meta.json", "private_key.json", "regr.json")})
    texts.update({f"{TOP}/renewal/{NAME}.conf": RENEWAL, "/root/.secrets/cloudflare.ini": ""})
    texts.update(
        {f"{TOP}/renewal-hooks/deploy/reload.sh": "", f"{TOP}/renewal/other.conf": "", f"{TOP}/live/README": ""}
    )
    kinds = ("cert", "chain", "fullchain", "privkey")
    links = {f"{TOP}/live/{NAME}/{kind}.pem": f"../../archive/{NAME}/{kind}2.pem" for kind in kinds}
    named = site(f"{TOP}/live/{NAME}/fullchain.pem", f"{TOP}/live/{NAME}/privkey.pem")
    found = certificates.files_of([named, named], HeldFiles(texts, links))
    assert found == (
        f"{TOP}/live/{NAME}/fullchain.pem",
        f"{TOP}/archive/{NAME}/fullchain2.pem",
        f"{TOP}/live/{NAME}/privkey.pem",
        f"{TOP}/archive/{NAME}/privkey2.pem",
        f"{TOP}/live/{NAME}/cert.pem",
        f"{TOP}/archive/{NAME}/cert2.pem",
        f"{TOP}/live/{NAME}/chain.pem",
        f"{TOP}/archive/{NAME}/chain2.pem",
        f"{TOP}/renewal/{NAME}.conf",
        f"{directory}/meta.json",
        f"{directory}/private_key.json",
        f"{directory}/regr.json",
        "/root/.secrets/cloudflare.ini",
        f"{TOP}/renewal-hooks/deploy/reload.sh",
    )
    linked = {**links, "/etc/ssl/shop.pem": f"{TOP}/live/{NAME}/fullchain.pem"}
    again = certificates.files_of([site("/etc/ssl/shop.pem", "/absent.key")], HeldFiles(texts, linked))
    assert again[:3] == ("/etc/ssl/shop.pem", *found[:2])
    assert set(again) == {*found, "/etc/ssl/shop.pem"}


@pytest.mark.parametrize(
    ("texts", "links", "named", "expected"),
    [
        (
            ["/root/.acme.sh/a.org_ecc/fullchain.cer", "/root/.acme.sh/a.org_ecc/a.org.key"],
            {},
            ("/root/.acme.sh/a.org_ecc/fullchain.cer", "/root/.acme.sh/a.org_ecc/a.org.key"),
            ("/root/.acme.sh/a.org_ecc/fullchain.cer", "/root/.acme.sh/a.org_ecc/a.org.key"),
        ),
        (
            ["/var/lib/dehydrated/certs/a.org/fullchain-17.pem", "/k"],
            {"/var/lib/dehydrated/certs/a.org/fullchain.pem": "fullchain-17.pem"},
            ("/var/lib/dehydrated/certs/a.org/fullchain.pem", "/k"),
            (
                "/var/lib/dehydrated/certs/a.org/fullchain.pem",
                "/var/lib/dehydrated/certs/a.org/fullchain-17.pem",
                "/k",
            ),
        ),
        (
            ["/etc/ssl/certs/ssl-cert-snakeoil.pem", "/etc/ssl/private/ssl-cert-snakeoil.key"],
            {"/etc/nginx/x.pem": "/etc/ssl/certs/ssl-cert-snakeoil.pem"},
            ("/etc/nginx/x.pem", "/etc/ssl/private/ssl-cert-snakeoil.key"),
            (),
        ),
        (["/live/x/a.pem", "/k"], {}, ("/live/x/a.pem", "/k"), ("/live/x/a.pem", "/k")),
        ([], {}, ("/gone.pem", "/gone.key"), ()),
    ],
)
def test_other_files(
    texts: list[str], links: dict[str, str], named: tuple[str, str], expected: tuple[str, ...]
) -> None:
    assert certificates.files_of([site(*named)], HeldFiles(dict.fromkeys(texts, ""), links)) == expected


def test_an_account_that_leads_elsewhere_is_left_out() -> None:
    for line in ("account = ../../../../root", f"account = {ACCOUNT}\nserver = https://../../../root"):
        texts = {f"{TOP}/renewal/a.conf": line, f"{TOP}/live/a/cert.pem": "", "/root/x": "", f"/root/{ACCOUNT}/x": ""}
        found = certificates.files_of([site(f"{TOP}/live/a/cert.pem", "/k")], HeldFiles(texts))
        assert found == (f"{TOP}/live/a/cert.pem", f"{TOP}/renewal/a.conf")


def made(*names: str, key: str = "K", begins: float = 0, ends: float = 9e6) -> Certificate:
    return Certificate("/c.pem", names, key, begins, ends)


@pytest.mark.parametrize(
    ("certificate", "key", "names", "expected"),
    [
        (made("a.org", ends=50 + 13 * 86400), "K", ["a.org"], [("soon", "/c.pem expires on 1970-01-14")]),
        (made("a.org", "*.a.org"), "K", ["a.org", "www.a.org", "A.org.", "localhost"], []),
        (made("a.org"), "K", ["www.a.org"], [("name", "/c.pem is not for www.a.org")]),
        (
            made("*.a.org"),
            "K",
            ["a.org", "x.y.a.org"],
            [("name", "/c.pem is not for a.org"), ("name", "/c.pem is not for x.y.a.org")],
        ),
        (made("192.0.2.1"), "K", ["192.0.2.1"], []),
        (made("a.org"), "OTHER", ["a.org"], [("key", "/k is the key of no certificate")]),
        (made("a.org", ends=50), "K", ["a.org"], [("expired", "/c.pem expired on 1970-01-01")]),
        (made("a.org", begins=90_000), "K", [], [("early", "/c.pem is valid from 1970-01-02 on")]),
    ],
)
def test_what_is_wrong(certificate: Certificate, key: str, names: list[str], expected: list[str]) -> None:
    found = certificates.problems([certificate], {"/k": key}, names, 50)
    assert [(problem.kind, problem.text) for problem in found] == expected


def test_several_certificates_of_a_site() -> None:
    rsa, ecdsa = made("a.org", key="R"), made("b.org", key="E")
    assert certificates.problems([rsa, ecdsa], {"/r": "R", "/e": "E"}, ["a.org", "b.org"], 50) == []
    assert certificates.problems([], {"/r": "R"}, ["a.org"], 50) == []


# --- with openssl


def make(place: Path, name: str, *options: str) -> tuple[str, str]:
    """Make a key and a certificate that it signs."""
    key, certificate = f"{place}/{name}.key", f"{place}/{name}.pem"
    argv = [str(OPENSSL), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=x"]
    argv += ["-keyout", key, "-out", certificate, *(options or ("-nodes",))]
    argv += ["-addext", f"subjectAltName=DNS:{name},DNS:*.{name},IP:192.0.2.1", "-days", "30"]
    subprocess.run(argv, check=True, capture_output=True)
    return certificate, key


class Recorder:
    """Starts programs; keeps what they were given and what they said."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.users: list[str] = []

    def __call__(self, command: Command, **options: Any) -> Completed:
        self.users.append(command.user.name if command.user else "")
        done = run(command, **options)
        self.seen += [*command.argv, done.out, done.err]
        return done


@needs_openssl
def test_real_certificates_and_keys(tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "shop.example.org")
    other, other_key = make(tmp_path, "blog.example.org")
    files, recorder, now = ConfigFiles(), Recorder(), time.time()
    found = certificates.read_certificate(certificate, files, recorder)
    assert found is not None
    assert found.names == ("shop.example.org", "*.shop.example.org", "192.0.2.1")
    assert found.begins <= now + 5 < found.ends < now + 31 * 86400
    good = site(certificate, key, "shop.example.org")
    assert certificates.check(good, files, now, recorder) == []
    assert [problem.kind for problem in certificates.check(good, files, now + 17 * 86400, recorder)] == ["soon"]
    later = found.ends + 1
    (tmp_path / "live.pem").symlink_to("x.pem")
    for wrong, at, expected in (
        (site(certificate, other_key, "shop.example.org"), now, f"{other_key} is the key of no certificate"),
        (site(other, other_key, "shop.example.org"), now, f"{other} is not for shop.example.org"),
        (
            site(certificate, key),
            later,
            f"{certificate} expired on {time.strftime('%Y-%m-%d', time.gmtime(found.ends))}",
        ),
        (site(f"{tmp_path}/absent.pem", key), now, f"{tmp_path}/absent.pem is not there"),
        (site(f"{tmp_path}/live.pem", key), now, f"{tmp_path}/live.pem leads to {tmp_path}/x.pem, which is not there"),
        (site(certificate, certificate), now, f"{certificate} cannot be read as a certificate or key"),
    ):
        assert [problem.text for problem in certificates.check(wrong, files, at, recorder)] == [expected]
    secret = "".join(Path(key).read_text().splitlines()[1:-1])
    assert not any(
        secret[start : start + 16] in text for text in recorder.seen for start in range(0, len(secret) - 16, 8)
    )


@needs_openssl
def test_a_certificate_of_the_host_need_not_bear_the_sites_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make(tmp_path, "host")
    named = site(certificate, key, "shop.example.org")
    assert [problem.kind for problem in certificates.check(named, ConfigFiles(), time.time())] == ["name"]
    monkeypatch.setattr(certificates, "_OF_THE_HOST", frozenset([certificate]))
    assert certificates.check(named, ConfigFiles(), time.time()) == []


@needs_openssl
@pytest.mark.parametrize(
    ("renewal", "program", "said"),
    [
        (True, "/usr/bin/certbot", ""),
        (True, None, "certbot is not installed"),
        (False, "/usr/bin/certbot", "renewal/shop.conf is not there"),
    ],
)
def test_what_certbot_cannot_renew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renewal: bool, program: str | None, said: str
) -> None:
    certificate, key = make(tmp_path, "shop.example.org")
    for name in ("live/shop", "renewal"):
        (tmp_path / name).mkdir(parents=True)
    live = tmp_path / "live/shop/fullchain.pem"
    live.symlink_to(certificate)
    if renewal:
        (tmp_path / "renewal/shop.conf").touch()
    real = certificates.find_program
    monkeypatch.setattr(
        certificates, "find_program", lambda name, extra=(): program if name == "certbot" else real(name, extra)
    )
    found = certificates.check(site(str(live), key, "shop.example.org"), ConfigFiles(), time.time())
    assert [problem.kind for problem in found] == (["renewal"] if said else [])
    assert all(said in problem.text for problem in found)


@needs_openssl
def test_a_key_with_a_password_is_no_problem(tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "shop.example.org", "-passout", "pass:secret")
    files = ConfigFiles()
    assert certificates.public_key(key, files) == ""
    assert certificates.check(site(certificate, key, "shop.example.org"), files, time.time()) == []


@needs_openssl
def test_who_vouches_for_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = make(tmp_path, "shop.example.org")
    files = ConfigFiles()
    sites = [site(certificate, key), site(f"{tmp_path}/absent.pem", key)]
    assert certificates.trusted(sites, files) == frozenset()
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    assert certificates.trusted(sites, files) == {certificate}


def test_without_openssl_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(certificates, "find_program", lambda _name: None)
    path = tmp_path / "a.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\n")
    named = site(str(path), str(path), "a.org")
    assert certificates.check(named, ConfigFiles(), 0) == []
    gone = site(str(tmp_path / "gone"), str(path), "a.org")
    assert [problem.kind for problem in certificates.check(gone, ConfigFiles(), 0)] == ["missing"]
    assert certificates.trusted([named], ConfigFiles()) == frozenset()
    assert certificates.read_certificate(str(path), ConfigFiles()) is None


@pytest.mark.parametrize("text", ["", "notBefore=x\nnotAfter=y", "notAfter=Nov 29 15:45:00 2026 GMT", "unable to load"])
def test_what_is_no_certificate(text: str) -> None:
    assert certificates.parse_certificate("/c.pem", text) is None


@needs_openssl
@ROOT_ONLY
@pytest.mark.parametrize(("uid", "parser", "verifier"), [(0, "", ""), (1, pwd.getpwuid(1).pw_name, "nobody")])
def test_what_a_user_can_write_is_not_parsed_by_root(
    tmp_path: Path, uid: int, parser: str, verifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make(reachable(tmp_path), "shop.example.org")
    for path in (certificate, key):
        os.chown(path, uid, uid)
        Path(path).chmod(0o600)
    files, recorder = ConfigFiles(), Recorder()
    named = site(certificate, key, "shop.example.org")
    assert certificates.check(named, files, time.time(), recorder) == []
    assert recorder.users == [parser, parser]
    trusted = tmp_path / "all.pem"
    trusted.write_text(Path(certificate).read_text())
    trusted.chmod(0o644)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert certificates.trusted([named], files, recorder) == {certificate}
    assert recorder.users[2:] == [verifier]


def test_no_more_than_a_few_certificates_are_looked_at(tmp_path: Path) -> None:
    paths = tuple(f"{tmp_path}/{number}.pem" for number in range(20))
    for path in paths:
        Path(path).write_text("")
    seen: list[Command] = []

    def runner(command: Command, **_options: Any) -> Completed:
        seen.append(command)
        return Completed(tuple(command.argv), 1)

    named = WebSite("nginx", "nginx.service", certificates=paths, keys=paths)
    certificates.trusted([named], ConfigFiles(), runner)
    assert len(seen) <= 8
    assert max(len(command.pass_fds) for command in seen) <= 9
    certificates.check(named, ConfigFiles(), 0, runner)
    assert len(seen) <= 8 * 3
    (tmp_path / "0.pem").write_bytes(b"x" * 300_000)
    assert certificates.trusted([WebSite("nginx", "n", certificates=paths[:1])], ConfigFiles(), runner) == frozenset()
    assert len(seen) <= 8 * 3
