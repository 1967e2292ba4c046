# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers and systemd say of configurations, in their own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._services import config_test

NGINX = """nginx: [emerg] cannot load certificate "/etc/letsencrypt/live/shop/fullchain.pem": BIO_new_file() failed
nginx: configuration file /etc/nginx/nginx.conf test failed
"""
APACHE = """AH00558: apache2: Could not reliably determine the server's fully qualified domain name
AH00526: Syntax error on line 3 of /etc/apache2/sites-enabled/shop.conf:
Invalid command 'WSGIScriptAlias', perhaps misspelled or defined by a module not included in the server configuration
Action 'configtest' failed.
The Apache error log may have more information.
"""
VERIFY = """/etc/systemd/system/shop.service:4: Unknown key name 'ExecStrat' in section 'Service', ignoring.
shop.service: Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.
other.service: Command /usr/bin/other is not executable: No such file or directory
Unit shop.service has a bad unit file setting.
"""


def answers(rc: int, err: str = "", seen: list[Any] | None = None) -> Callable[..., Completed]:
    """A runner whose program says this."""

    def run(command: Command, **_more: Any) -> Completed:
        if seen is not None:
            seen.append(list(command.argv))
        return Completed(tuple(command.argv), rc, b"", err.encode())

    return run


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program is there, and root asks."""
    monkeypatch.setattr(config_test.os, "geteuid", lambda: 0)
    monkeypatch.setattr(config_test, "find_program", lambda name: "/usr/sbin/" + name)


@pytest.mark.parametrize(
    ("unit", "err", "said", "unsaid"),
    [
        ("nginx.service", NGINX, 'cannot load certificate "/etc/letsencrypt/live/shop/fullchain.pem"', "test failed"),
        ("apache2.service", APACHE, "Syntax error on line 3 of /etc/apache2/sites-enabled/shop.conf", "WSGIScript"),
        ("httpd.service", "", "it exits 1", "None"),
    ],
)
def test_why_a_server_refuses(unit: str, err: str, said: str, unsaid: str) -> None:
    told = config_test.refused(unit, answers(1, err))
    assert said in told and unsaid not in told


def test_an_accepted_configuration_says_nothing() -> None:
    seen: list[Any] = []
    warning = "nginx: [warn] conflicting server name\n"
    assert config_test.refused("nginx.service", answers(0, warning, seen)) == ""
    assert seen == [["/usr/sbin/nginx", "-t", "-q"]]


def test_a_unit_without_a_test_is_not_asked() -> None:
    assert config_test.refused("shop.service", answers(1, "x")) == ""


def test_a_server_that_is_not_installed_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_test, "find_program", lambda name: None)
    assert config_test.refused("nginx.service", answers(1, "x")) == ""
    assert config_test.verified(["/etc/systemd/system/shop.service"], answers(1, VERIFY)) == []


def test_a_test_that_hangs_is_told() -> None:
    def hangs(_command: Command, **_more: Any) -> Completed:
        raise RelocateError("timed_out", "nginx ran out of time")

    assert config_test.refused("nginx.service", hangs) == "nginx ran out of time"
    assert config_test.verified(["/x.service"], hangs) == []


def test_what_systemd_says_of_these_units_only() -> None:
    found = config_test.verified(["/etc/systemd/system/shop.service"], answers(1, VERIFY))
    assert len(found) == 1 and "Refusing" in found[0]  # what it ignores does not keep the unit from starting
    assert config_test.verified([], answers(1, VERIFY)) == []


@pytest.mark.parametrize(
    "line",
    [
        "/etc/x/shop.service:3: Invalid environment assignment, ignoring: hunter2",
        "/etc/x/shop.service:9: Standard output type syslog is obsolete, automatically updating to journal.",
        "/etc/x/shop.service:5: PIDFile= references a path below legacy directory /var/run/, updating /var/run/x",
        "shop.service: Special user nobody configured, this is not safe!",
        "Configuration file /etc/x/shop.service is marked executable. Please remove. Proceeding anyway.",
    ],
)
def test_what_systemd_passes_over_is_no_obstacle_and_shows_no_value(line: str) -> None:
    assert config_test.verified(["/etc/x/shop.service"], answers(0, line + "\n")) == []


def test_words_of_a_file_are_not_shown() -> None:
    """An include may lead to a file that nobody meant to show."""
    err = 'nginx: [emerg] unknown directive "root:$6$canary" in /srv/shop/nginx.conf:1\n'
    told = config_test.refused("nginx.service", answers(1, err))
    assert "canary" not in told and "/srv/shop/nginx.conf:1" in told


def test_who_is_not_root_cannot_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_test.os, "geteuid", lambda: 1000)
    assert config_test.refused("nginx.service", answers(1, NGINX)) == ""
