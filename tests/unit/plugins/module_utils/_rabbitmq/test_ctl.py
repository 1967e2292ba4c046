# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How rabbitmqctl is started, and what its answers are taken for; a real one is in tests/engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import ctl
from tests.unit.fakes import me, refused
from tests.unit.plugins.module_utils._rabbitmq.played_ctl import Played

DONE, REFUSED, BROKEN = (Completed((), rc, b"", b"canary") for rc in (0, 65, 69))


def answer(text: str) -> Completed:
    """What a command writes that went well."""
    return Completed((), 0, text.encode())


def test_no_shell_of_another_user_sees_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's rabbitmqctl that root starts has a shell expand them."""
    played = Played(monkeypatch, delete_vhost=DONE)
    monkeypatch.setattr(ctl, "lookup_user", lambda name: me() if name == "rabbitmq" else None)
    monkeypatch.setattr(ctl.os, "geteuid", lambda: 0)
    ctl.delete_vhost("$(id)")
    assert played.asked[0].user == me()
    assert played.asked[0].argv == ["/usr/sbin/rabbitmqctl", "--quiet", "delete_vhost", "--", "$(id)"]
    monkeypatch.setattr(ctl.os, "geteuid", lambda: 1000)
    ctl.delete_vhost("-x")
    assert played.asked[1].user is None


def test_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctl, "find_program", lambda _name: None)
    with refused("program_missing", "rabbitmqctl is not installed"):
        ctl.exported()


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("{}", True),
        ('{"rabbitmq_version": "3.10.8", "queues": [{}]}', True),
        ("", False),
        ("[]", False),
        ("Error: canary", False),
        ('{"queues": [1]}', False),
        ("[" * 100_000, False),
        ("\udcff", False),
    ],
)
def test_definitions_that_it_writes(text: str, is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    Played(monkeypatch, export_definitions=Completed((), 0, text.encode("utf-8", "surrogateescape")))
    if is_read:
        assert ctl.exported() == json.loads(text)
    else:
        with refused("neighbour_failed", "could not export"):
            ctl.exported()


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (ctl.exported, "export_definitions"),
        (lambda: ctl.load({"users": [{"password_hash": "canary"}]}), "import_definitions"),
        (lambda: ctl.delete_vhost("shop"), "delete_vhost"),
        (lambda: ctl.delete_user("shop"), "delete_user"),
        (lambda: ctl.logs_in("shop", "canary"), "authenticate_user"),
    ],
)
@pytest.mark.parametrize("ends", [BROKEN, RelocateError("timed_out", "canary", "")])
def test_its_own_words_stay_unsaid(
    call: Callable[[], Any], command: str, ends: Completed | RelocateError, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, **{command: ends})
    with pytest.raises(RelocateError) as caught:
        call()
    assert caught.value.code == "neighbour_failed" and "canary" not in f"{caught.value} {caught.value.hint}"
    assert "canary" not in str(played.asked)


def test_secrets_go_by_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, authenticate_user=DONE, import_definitions=DONE)
    assert ctl.logs_in("shop", "canary é")
    ctl.load({"users": []})
    assert played.given == ["canary é\n".encode(), b'{"users": []}']
    Played(monkeypatch, authenticate_user=REFUSED)
    assert not ctl.logs_in("shop", "canary")


@pytest.mark.parametrize(
    ("name", "password"), [("a\nb", "x"), ("", "x"), ("a", "x\ny"), ("a", "x\0"), ("a" * 256, "x")]
)
def test_nobody_logs_in_with_two_lines(name: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Played(monkeypatch).asked and not ctl.logs_in(name, password)


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ({"rabbitmq_version": "3.10.8", "rabbit_version": "1.0"}, (3, 10)),
        ({"rabbit_version": "3.8.10+1552.g167c0e9"}, (3, 8)),
        ({"rabbitmq_version": "4.0"}, (4, 0)),
        ({}, None),
        ({"rabbitmq_version": "canary"}, None),
        ({"rabbitmq_version": 3}, None),
    ],
)
def test_versions(plain: dict[str, Any], expected: tuple[int, int] | None) -> None:
    if expected is None:
        with refused("neighbour_failed", "version"):
            ctl.version(plain)
    else:
        assert ctl.version(plain) == expected
