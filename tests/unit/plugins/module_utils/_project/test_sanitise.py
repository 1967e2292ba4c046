# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program that sanitises answers, and what of it is shown: no row, and no secret."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import (
    sanitise,
    venv_sanitise,
    venv_sanitise_rows,
    venv_sanitise_rules,
    venv_sanitise_search,
)


class Found:
    """A project, as messages need one."""

    interpreter, manage_path = "python", "manage.py"

    def env_secrets(self) -> list[str]:
        return ["hunter22"]


def line(**told: Any) -> str:
    data = json.dumps({"secrets": [], **told}).encode()
    return base64.b64encode(zlib.compress(data)).decode()


def read(**told: Any) -> dict[str, Any]:
    return sanitise.read(Found(), line(**told))  # type: ignore[arg-type]


def test_an_answer() -> None:
    row = {"table": "a", "column": "b", "looks_like": "token", "rows": 1}
    done = {"tables": {"default": {"a": {"set": 1}}}, "statements": {}, "unrecognised": {"default": [row]}, "notes": []}
    assert read(done=done, ended=True) == done
    assert read(done=None, ended=True) == {}


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        ({"refused": {"code": "not_sanitised", "msg": "a.b", "hint": "h"}}, "not_sanitised", "a.b"),
        ({"refused": {"code": "no_code_of_ours", "msg": "a.b", "hint": "h"}}, "probe_failed", "another form"),
        ({}, "probe_failed", "another form"),
        ({"done": {"tables": 1}, "ended": True}, "probe_failed", "another form"),
        (
            {"failed": {"stage": "sanitise", "types": ["E"], "lines": ["Key (email)=(a.b+c@example.com) hunter22"]}},
            "sanitise_failed",
            r"Key \(email\)=\(\.\.\.@\.\.\.\)",
        ),
    ],
)
def test_what_is_refused(told: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(RelocateError, match=said) as caught:
        read(**told)
    assert caught.value.code == code
    assert "example.com" not in str(caught.value) and "hunter22" not in str(caught.value)


class Settings:
    """Settings with a mail backend, or with several."""

    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"


def test_mail() -> None:
    settings = Settings()
    venv_sanitise.refuse_mail(settings, [])
    settings.EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
    venv_sanitise.refuse_mail(settings, ["anymail.backends.mailgun.EmailBackend"])
    with pytest.raises(venv_sanitise_rows.RefusedError) as caught:
        venv_sanitise.refuse_mail(settings, [])
    assert caught.value.told["code"] == "mail_would_be_sent" and "anymail" in caught.value.told["msg"]
    quiet = {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    settings.MAILERS = {"default": quiet}  # type: ignore[attr-defined]
    venv_sanitise.refuse_mail(settings, [])
    settings.MAILERS["news"] = {"BACKEND": "a.b"}  # type: ignore[attr-defined]
    with pytest.raises(venv_sanitise_rows.RefusedError, match="a.b"):
        venv_sanitise.refuse_mail(settings, [])


def test_rows_go_before_those_that_they_refer_to() -> None:
    assert venv_sanitise_rows.in_order("abc", {"a": ["b"], "b": ["c"], "c": []}) == ["c", "b", "a"]
    assert venv_sanitise_rows.in_order("ab", {"a": ["b"], "b": ["a"]}) == ["b", "a"], "a circle ends"
    assert venv_sanitise_rows.in_order("a", {"a": ["a", "x"]}) == ["a"]


FOUND = [
    ("address", "write to bob.o+x@mail.example.com now", True),
    ("address", '{"to": "a@b.org"}', True),
    ("address", "@home, a @ b, user@host", False),
    ("hash", "pbkdf2_sha256$870000$abc$def=", True),
    ("hash", "argon2$argon2id$v=19$m=1,t=2$c2FsdA$aGFzaA", True),
    ("hash", "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuv", True),
    ("hash", "$2y$10$abcdefghijklmnopqrstuv", True),
    ("hash", "md5$salt$0123", True),
    ("hash", "costs $5 or $6, sha1 of it", False),
    ("token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", True),
    ("token", "eye", False),
]


@pytest.mark.parametrize(("kind", "text", "is_found"), FOUND)
def test_what_the_search_finds(kind: str, text: str, is_found: bool) -> None:
    """The servers read these expressions as Python does: tests/engines/test_sanitise.py asks each of them."""
    patterns = {
        "address": venv_sanitise_search._ADDRESS,
        "hash": venv_sanitise_search._HASH,
        "token": venv_sanitise_search._JWT,
    }
    assert bool(re.search(patterns[kind], text)) is is_found


@pytest.mark.parametrize("vendor", ["postgresql", "mysql", "sqlite"])
def test_a_column_that_is_called_so_holds_tokens(vendor: str) -> None:
    for name, is_one in (("api_key", True), ("refresh_token", True), ("password", True), ("monkey", False)):
        conditions = dict(venv_sanitise_search.conditions(vendor, f'"{name}"', (name, "text")))
        assert ("NOT IN" in conditions["token"]) is is_one
        assert venv_sanitise_rules.DOMAIN in conditions["e-mail address"], "what was masked is not found again"
