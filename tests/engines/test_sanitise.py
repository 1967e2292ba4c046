# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clone holds no address, password, session or token of the original: on each engine, by the project's Django."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import sanitise
from ansible_collections.relocate.django.plugins.module_utils._steps.sanitise import rules_of
from tests.engines.fixture_sites import ENGINES, Project, Servers
from tests.tools.collection import ROOT

PEOPLE = ROOT / "tests" / "sites" / "people"
SMTP, CONSOLE = (f"django.core.mail.backends.{name}.EmailBackend" for name in ("smtp", "console"))
DUMP = "import json; from django.db import connection as c\n"
DUMP += "for table in sorted(c.introspection.table_names()):\n"
DUMP += "    k = c.cursor(); k.execute('SELECT * FROM ' + c.ops.quote_name(table))\n"
DUMP += "    for row in k.fetchall(): print(table, [bytes(v) if isinstance(v, memoryview) else v for v in row])\n"


class People(Project):
    """The site of tests/sites/people, whose database is blank like any other."""

    def make_blank(self) -> None:
        """Make it, without what the awkward site needs."""
        with self.opened() as site:
            site.engines["default"].create_blank()


def made(servers: Servers, engine: str, directory: Path, people: int = 5) -> Project:
    """Give a site with people, whose settings send no mail."""
    project = People(servers, engine, f"people_{engine}", directory, PEOPLE)
    backend(project, CONSOLE)
    project.must("migrate", "-v0", "--run-syncdb")
    project.must("fill", "--people", str(people))
    return project


def backend(project: Project, name: str) -> None:
    """Set what sends mail."""
    lines = (project.path / ".env").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("EMAIL_BACKEND")]
    (project.path / ".env").write_text("\n".join([*kept, f"EMAIL_BACKEND={name}", ""]))


def sanitised(project: Project, apply: bool = True, **given: Any) -> dict[str, Any]:
    """Sanitise as the module does."""
    with project.opened() as site:
        rules = rules_of(given, ["default"])
        return sanitise.sanitise(site.project, site.secrets, {**rules, "aliases": ["default"], "apply": apply})


def dump(project: Project) -> str:
    """Give every value of every table."""
    return project.must("shell", "-c", DUMP)


@pytest.mark.drawn(3, of="sanitised sites")
@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_of_the_original_is_left(engine: str, servers: Servers, tmp_path: Path) -> None:
    project = made(servers, engine, tmp_path)
    before = dump(project)
    assert before.count("canary") >= 40 and "pbkdf2" in before
    found = sanitised(project, domain="staging.example.org")
    after = dump(project)
    assert "canary" not in after and "pbkdf2" not in after
    if engine == "sqlite":  # pages that nothing uses any more
        assert b"canary" not in (tmp_path / f"people_{engine}.sqlite3").read_bytes()
    tables = found["tables"]["default"]
    assert tables["people_member"] == {"masked": 9, "set": 5}
    assert tables["people_named"] == {"masked": 1, "set": 2} and "kept-login" in after
    assert tables["people_subscriber"] == {"masked": 5}
    assert tables["authtoken_token"] == {"emptied": 5} == tables["people_device"]
    assert tables["people_note"] == {"set": 5}
    assert {tables[name]["emptied"] for name in ("django_session", "kept_pages")} == {1}
    assert tables["oauth2_provider_owntoken"] == {"emptied": 5}
    assert tables["django_celery_beat_periodictask"] == {"set": 1}
    assert "'staging.example.org'" in after and "'site-2.staging.example.org'" in after
    left = {(one["table"], one["column"], one["looks_like"]): one["rows"] for one in found["unrecognised"]["default"]}
    assert left == {
        ("people_note", "text", "e-mail address"): 1,
        ("people_note", "raw", "e-mail address"): 1,
        ("people_note", "api_key", "token"): 1,
        ("old_mail", "contact", "e-mail address"): 1,
        ("old_mail", "pass", "password hash"): 1,
    }
    again = sanitised(project, domain="staging.example.org")
    assert again["tables"]["default"] == {}
    assert dump(project) == after


ELSEWHERE = """from django.db import connection
cursor = connection.cursor()
for sql in (
    "ALTER TABLE people_subscriber DROP INDEX address, ENGINE = MyISAM",
    "RENAME TABLE people_subscriber TO far_subscriber",
    "CREATE TABLE people_subscriber LIKE far_subscriber",
    "ALTER TABLE people_subscriber ENGINE = MRG_MYISAM UNION = (far_subscriber) INSERT_METHOD = LAST",
):
    cursor.execute(sql)
"""


@pytest.mark.drawn(3, of="sanitised sites")
def test_a_table_whose_rows_lie_elsewhere_is_named_and_left(servers: Servers, tmp_path: Path) -> None:
    """What a model changes through such a table may be another site's."""
    project = made(servers, "mysql", tmp_path)
    project.must("shell", "-c", ELSEWHERE)
    rows = [line for line in dump(project).splitlines() if line.startswith("far_subscriber")]
    found = sanitised(project, domain="staging.example.org")
    assert "people_subscriber" not in found["tables"]["default"]
    assert any("people_subscriber" in note for note in found["notes"])
    assert [line for line in dump(project).splitlines() if line.startswith("far_subscriber")] == rows
    assert len(rows) == 5 and "canary" in rows[0]
    with pytest.raises(RelocateError, match="people_subscriber"):
        sanitised(project, columns={"people_subscriber.address": "empty"}, domain="staging.example.org")


@pytest.mark.drawn(3, of="sanitised sites")
def test_what_the_user_adds_and_what_fails_half_way(servers: Servers, tmp_path: Path) -> None:
    """SQL, columns and a command of the project's: all of it is one transaction."""
    project = made(servers, "sqlite", tmp_path, 1)
    sanitised(project)
    before = dump(project)
    for given, code in (
        ({"command": ["anonymise", "--fail"]}, "sanitise_failed"),
        ({"command": ["nosuchcommand"]}, "sanitise_failed"),
        ({"sql": {"sqlite": ["UPDATE old_mail SET contact = ''", "UPDATE no_table SET a = 1"]}}, "sanitise_failed"),
        ({"unrecognised": "refuse"}, "not_sanitised"),
        ({"columns": {"people_note.text": "empty", "people_note.texd": "empty"}}, "unknown_field"),
        ({"columns": {"no_table.text": "empty"}}, "unknown_field"),
    ):
        with pytest.raises(RelocateError) as caught:
            sanitised(project, **given)
        assert caught.value.code == code, caught.value
        assert "left@" not in str(caught.value), "a message quotes no row"
        assert dump(project) == before
    statements = ["UPDATE old_mail SET contact = '', pass = ''"]
    columns = {"people_note.api_key": "empty"}
    found = sanitised(
        project,
        sql={"default": statements},
        columns=columns,
        command=["anonymise"],
        unrecognised="refuse",
        builtin=False,
    )
    assert found["statements"] == {"default": [1]} and found["unrecognised"] == {"default": []}
    assert found["tables"] == {"default": {"people_note": {"set": 1}}}
    assert "left" not in dump(project)


@pytest.mark.drawn(3, of="sanitised sites")
def test_a_clone_that_would_send_mail_is_refused(servers: Servers, tmp_path: Path) -> None:
    project = made(servers, "sqlite", tmp_path, 1)
    backend(project, SMTP)
    before = dump(project)
    for apply in (False, True):
        with pytest.raises(RelocateError, match="would send mail.*smtp") as caught:
            sanitised(project, apply)
        assert caught.value.code == "mail_would_be_sent"
    assert dump(project) == before
    assert sanitised(project, False, mail_backends=[SMTP]) == {}
    backend(project, CONSOLE)
    assert sanitised(project, False) == {} and dump(project) == before


@pytest.mark.drawn(3, of="sanitised sites")
def test_a_server_that_dies_meanwhile_leaves_the_rows(servers: Servers, tmp_path: Path) -> None:
    """The command of the project ends the program: nothing was committed."""
    project = made(servers, "sqlite", tmp_path, 1)
    place = project.path / "people" / "management" / "commands" / "die.py"
    place.write_text(
        "import os, signal\nfrom django.core.management import BaseCommand\nclass Command(BaseCommand):\n"
        "    def handle(self, *args, **options):\n        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    before = dump(project)
    with pytest.raises(RelocateError) as caught:
        sanitised(project, command=["die"])
    assert caught.value.code == "probe_failed" and dump(project) == before
