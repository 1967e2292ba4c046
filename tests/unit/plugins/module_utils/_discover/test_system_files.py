# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Guess
from ansible_collections.relocate.django.plugins.module_utils._discover.system_files import SystemFiles, Wanted
from tests.unit.plugins.module_utils._discover.held import HeldFiles

SHOP = Wanted(
    paths=("/srv/shop/app", "/srv/shop/venv", "/run/shop/shop.sock"),
    units=("shop.service", "shop-worker@1.service", "shop.timer"),
    owner="shop",
    addresses=("127.0.0.1:8000",),
)
LOGROTATE = """/srv/shop/app/logs/*.log {
    weekly
    rotate 12
    missingok
}
"""


def why(path: str, text: str, wanted: Wanted = SHOP) -> str:
    """Give why a file is taken for one of the site; "" when it is not."""
    found = SystemFiles(HeldFiles({path: text})).naming(wanted)
    return found[0].why if found else ""


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("/etc/logrotate.d/shop", LOGROTATE, "names /srv/shop/app"),
        ("/etc/logrotate.d/shop", '"/srv/shop/app/x.log" /var/log/x { }', "names /srv/shop/app"),
        ("/etc/logrotate.d/shop", "/srv/*/app/logs/*.log {\n}", "names /srv/shop/app"),
        ("/etc/logrotate.d/shop", "/srv/*/log/*.log {\n}", ""),
        ("/etc/logrotate.d/shop", "/srv/*/*.log {\n}", ""),
        ("/etc/logrotate.d/shop", "/srv/* {\n}", ""),
        ("/etc/logrotate.d/shop", "/srv/shop/app2/*.log {\n}", ""),
        ("/etc/logrotate.d/shop", "/srv/shop/application.log {\n}", ""),
        ("/etc/logrotate.d/shop", "/backup/srv/shop/app {\n}", ""),
        ("/etc/logrotate.d/shop", "/var/log/shop.log {\n create 0640 shop adm\n}", "names the user shop"),
        ("/etc/logrotate.d/shop", "/var/log/shop.log {\n su shop shop\n}", "names the user shop"),
        ("/etc/logrotate.d/shop", "/x {\n postrotate\n systemctl reload shop\n endscript\n}", "names shop"),
        ("/etc/logrotate.d/shop", "/x {\n postrotate\n /bin/kill -USR1 shop\n endscript\n}", ""),
        (
            "/etc/logrotate.d/shop",
            "/x {\n postrotate\n systemctl kill shop.service\n endscript\n}",
            "names shop.service",
        ),
        ("/etc/logrotate.d/shop", "/x {\n postrotate\n systemctl kill eshop.service\n endscript\n}", ""),
        ("/etc/logrotate.d/shop", "# /srv/shop/app\n", ""),
        ("/etc/logrotate.d/shop.dpkg-old", LOGROTATE, ""),
        ("/etc/logrotate.d/shop~", LOGROTATE, ""),
        ("/etc/logrotate.d/.shop", LOGROTATE, ""),
        ("/etc/tmpfiles.d/shop.conf", "d /run/shop 0755 shop www-data -", "names the user shop"),
        ("/etc/tmpfiles.d/shop.conf", "d /run/shop 0755 root shop -", "names the user shop"),
        ("/etc/tmpfiles.d/shop.conf", "d /run/other 0755 root root - shop", ""),
        ("/etc/tmpfiles.d/shop.conf", "f /run/shop/shop.sock 0755 root root -", "names /run/shop/shop.sock"),
        ("/etc/sudoers.d/deploy", "shop ALL=(root) NOPASSWD: /bin/systemctl restart x", "names the user shop"),
        ("/etc/sudoers.d/deploy", "deploy ALL=(shop) NOPASSWD: ALL", "names the user shop"),
        ("/etc/sudoers.d/deploy", "deploy ALL=(root) NOPASSWD: /bin/systemctl restart shop", "names shop"),
        (
            "/etc/sudoers.d/deploy",
            "deploy ALL=(root) NOPASSWD: /bin/systemctl restart shop-worker@1",
            "names shop-worker@1",
        ),
        ("/etc/sudoers.d/deploy", "%shop ALL=(root) ALL", ""),
        ("/etc/sudoers.d/deploy.bak", "shop ALL=(ALL) ALL", ""),
        ("/etc/sudoers.d/README.md", "shop ALL=(ALL) ALL", ""),
        ("/etc/rsyslog.d/30-shop.conf", ':programname, isequal, "shop" /var/log/shop.log', "names shop"),
        ("/etc/rsyslog.d/30-shop.conf", ':programname, isequal, "workshop" /var/log/shop.log', ""),
        ("/etc/fail2ban/jail.d/shop.local", "[shop]\nlogpath = /srv/shop/app/logs/auth.log", "names /srv/shop/app"),
        ("/etc/fail2ban/jail.d/x.local", "[x]\njournalmatch = _SYSTEMD_UNIT=shop.service", "names shop.service"),
        ("/etc/security/limits.d/shop.conf", "shop hard nofile 65536", "names the user shop"),
        ("/etc/security/limits.d/shop.conf", "other hard nofile 65536 # shop", ""),
        ("/etc/ssh/sshd_config.d/shop.conf", "Match User shop\n ChrootDirectory /x", "names the user shop"),
        ("/etc/haproxy/haproxy.cfg", "backend b\n server app1 127.0.0.1:8000 check", "names 127.0.0.1:8000"),
        ("/etc/haproxy/haproxy.cfg", "backend b\n server app1 127.0.0.1:80001", ""),
        ("/etc/haproxy/haproxy.cfg", "backend b\n server app1 unix@/run/shop/shop.sock", "names /run/shop/shop.sock"),
        ("/etc/monit/conf.d/shop", "check process shop with pidfile /run/x.pid", "names shop"),
        ("/etc/elsewhere.d/shop", LOGROTATE, ""),
    ],
)
def test_what_names_a_site(path: str, text: str, expected: str) -> None:
    assert why(path, text) == expected


def test_users_of_the_system_are_not_looked_for() -> None:
    assert why("/etc/tmpfiles.d/x.conf", "d /run/x 0755 www-data www-data -", Wanted(owner="www-data")) == ""
    assert why("/etc/tmpfiles.d/x.conf", "d /run/x 0755 root root -", Wanted()) == ""


def test_a_path_that_is_no_site_is_not_looked_for() -> None:
    assert why("/etc/logrotate.d/x", "/var/log/x.log {", Wanted(paths=("/", ""))) == ""


def test_links_and_several_sites() -> None:
    files = SystemFiles(
        HeldFiles(
            {"/srv/shop/app/deploy/logrotate": LOGROTATE, "/etc/tmpfiles.d/shop.conf": "d /run/blog 0755 blog blog -"},
            {"/etc/logrotate.d/shop": "/srv/shop/app/deploy/logrotate"},
        )
    )
    assert files.naming(SHOP) == [
        Guess("/etc/logrotate.d/shop", "names /srv/shop/app"),
        Guess("/srv/shop/app/deploy/logrotate", "names /srv/shop/app"),
    ]
    assert files.naming(Wanted(owner="blog")) == [Guess("/etc/tmpfiles.d/shop.conf", "names the user blog")]


def test_files_of_the_whole_host_are_named_only() -> None:
    files = SystemFiles(
        HeldFiles(
            {
                "/etc/sudoers": "root ALL=(ALL:ALL) ALL\nshop ALL=(root) NOPASSWD: ALL\n",
                "/etc/fstab": "server:/media /srv/shop/app/media nfs defaults 0 0\n",
                "/etc/security/limits.conf": "# shop hard nofile 1\n",
            }
        )
    )
    assert files.naming(SHOP) == []
    assert [notice.what for notice in files.shared(SHOP)] == [
        "/etc/sudoers names the user shop",
        "/etc/fstab names /srv/shop/app",
    ]


def test_hostile_texts_take_no_time() -> None:
    started = time.process_time()
    why("/etc/logrotate.d/x", "/" + "*/" * 500_000)
    why("/etc/logrotate.d/x", "/srv/shop/ap" * 80_000)
    why("/etc/logrotate.d/x", "a " * 500_000)
    assert time.process_time() - started < 30
