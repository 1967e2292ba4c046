# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program that sanitises answers, and what of it is shown: no row, and no secret."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import zlib
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import (
    sanitise,
    venv_sanitise,
    venv_sanitise_errors,
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


class Connection:
    """A database that answers what it is told to."""

    def __init__(self, vendor: str, *rows: Any, fails: str = "") -> None:
        self.vendor, self.rows, self.asked, self._fails = vendor, list(rows), [], fails
        self.introspection = self

    def table_names(self) -> list[str]:
        return ["far", "member"]

    def cursor(self) -> Any:
        return contextlib.nullcontext(self)

    def execute(self, statement: str) -> None:
        self.asked.append(statement)
        if self._fails:
            raise ValueError(self._fails)

    def fetchall(self) -> list[Any]:
        return self.rows


@pytest.mark.parametrize(("vendor", "words"), [("postgresql", "relkind = 'f'"), ("mysql", "'FEDERATED'")])
def test_tables_of_other_databases_are_none_of_a_clones(
    vendor: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A foreign table, or one with a foreign partition, may be the original's own."""
    import django.db
    from django.apps import apps

    connection = Connection(vendor, ("far",))
    monkeypatch.setattr(django.db, "connections", {"default": connection})
    monkeypatch.setattr(apps, "get_models", lambda **_words: [])
    rows = venv_sanitise_rows.Rows("default", "")
    assert (rows.tables, rows.elsewhere) == ({"member"}, ["far"])
    assert words in connection.asked[0]
    with pytest.raises(venv_sanitise_rows.RefusedError, match="not in one of the clone: far.email"):
        venv_sanitise_rows.refuse_unknown({"far.email": "mask"}, [rows])
    venv_sanitise_rows.refuse_unknown({"member.email": "mask"}, [rows])
    told: dict[str, Any] = {"tables": {}, "statements": {}, "notes": []}
    venv_sanitise._change(rows, {"builtin": False, "columns": {}, "sql": {}}, told)
    assert told["notes"] == ["database default: table far lies in another database: it is not changed"]


def test_a_file_has_no_tables_of_others() -> None:
    assert venv_sanitise_search.elsewhere(Connection("sqlite", ("far",))) == []


ROW = "DETAIL: Failing row contains (7, bob, 1970-01-01, 5 Elm Street)"


class Diag:
    """What psycopg tells of an error."""

    schema_name, table_name, column_name, constraint_name = "public", "shop_order", None, "positive"
    message_primary = message_detail = context = ROW


class ViolationError(Exception):
    """An error of psycopg's."""

    diag, sqlstate = Diag(), "23514"


def quoted(*chain: BaseException) -> str:
    """Give what is told of an error, whose causes come before it."""
    for number, cause in enumerate(chain[:-1], 1):
        chain[number].__cause__ = cause
    told = venv_sanitise_errors.describe("sanitise", chain[-1])
    with pytest.raises(RelocateError) as caught:
        read(failed=told)
    return str(caught.value)


def test_an_error_quotes_no_row() -> None:
    """The server's, the driver's, and those of the project's own command."""
    from django.core.management import CommandError
    from django.db import IntegrityError

    text = quoted(ViolationError(ROW), IntegrityError(ROW), CommandError("cannot anonymise bob of 5 Elm Street"))
    assert "23514, schema public, table shop_order, constraint positive" in text
    assert "django.db.utils.IntegrityError" in text and "CommandError" in text
    text += quoted(IntegrityError(1062, "Duplicate entry 'bob of 5 Elm Street' for key 'name'"))
    assert "IntegrityError: error 1062" in text
    named = venv_sanitise_rows.ToldError("statement 2 of sql for mysql")
    assert "statement 2 of sql for mysql" in quoted(ValueError(7, "bob"), named)
    assert not re.search("bob|Elm|1970|DETAIL|Duplicate", text)
    assert "7" not in quoted(KeyError(7, "bob")).replace("line 7", "")


def test_arguments_of_a_command_are_the_users_own() -> None:
    from django.core.management import CommandError
    from django.core.management.base import CommandParser

    with pytest.raises(CommandError) as caught:
        CommandParser(called_from_command_line=False).parse_args(["--fial"])
    assert "--fial" in quoted(caught.value)


def test_a_command_that_is_missing_is_refused_before_anything_is_done() -> None:
    venv_sanitise.refuse_command({"command": []})
    with pytest.raises(venv_sanitise_rows.RefusedError, match="no command nosuchcommand"):
        venv_sanitise.refuse_command({"command": ["nosuchcommand"]})


def test_what_was_committed_is_told() -> None:
    told = {"failed": {"stage": "sanitise", "types": ["E"], "lines": ["E"]}}
    with pytest.raises(RelocateError, match="nothing of it was changed"):
        read(**told, lasting=[])
    with pytest.raises(RelocateError, match="taken back, but may stay in: database other") as caught:
        read(**told, lasting=["database other"])
    assert "nothing of it was changed" not in str(caught.value)


def test_constraints_that_are_put_off_are_looked_at_before_the_first_commit() -> None:
    late = Connection("postgresql")
    venv_sanitise.check("default", late, None)
    assert late.asked == ["SET CONSTRAINTS ALL IMMEDIATE"]
    before = Connection("sqlite", ("order", 1, "member", 0))
    assert venv_sanitise._orphans(before) == 1
    venv_sanitise.check("default", before, 1)
    with pytest.raises(venv_sanitise_rows.ToldError, match="database default: rows would refer"):
        venv_sanitise.check("default", before, 0)
    assert venv_sanitise._orphans(Connection("sqlite", fails="foreign key mismatch")) is None


def test_a_commit_that_fails_leaves_a_list_of_those_that_did_not() -> None:
    class Commit:
        """A transaction whose end may fail."""

        def __init__(self, fails: bool) -> None:
            self.fails = fails

        def __enter__(self) -> None:
            """Begin."""

        def __exit__(self, *_words: Any) -> None:
            if self.fails:
                raise ValueError("commit")

    lasting: list[str] = []
    with pytest.raises(ValueError, match="commit"), contextlib.ExitStack() as stack:
        for alias in ("default", "other"):
            stack.push(venv_sanitise._noting(alias, lasting))
            stack.enter_context(Commit(alias == "default"))
    assert lasting == ["database other"]
