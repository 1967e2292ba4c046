# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of cron, as systems and deployments of Django have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._discover import cron
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from tests.unit.plugins.module_utils._discover.held import HeldFiles

CRONTAB = """\
# /etc/crontab: system-wide crontab
SHELL=/bin/sh
# You can also override PATH
#PATH=/usr/local/sbin:/usr/local/bin

17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
"""
#: As Debian's mailman3-web has it.
MAILMAN = """\
# m h dom mon dow user  command
@hourly   www-data  [ -f /usr/bin/django-admin ] && flock -n /var/run/mm.lock /usr/share/mailman3-web/manage.py runjobs
"""
USERS = """\
MAILTO="admin@example.org"
 SECRET = 'canary value'
DJANGO_SETTINGS_MODULE=shop.settings
*/5 * * * * cd /srv/shop && venv/bin/python manage.py send_mail >> /srv/shop/log 2>&1
0 3 * * MON-FRI /srv/shop/venv/bin/python /srv/shop/manage.py clearsessions
@reboot cd app && exec ./venv/bin/gunicorn -b 127.0.0.1:8001 shop.wsgi
30 2 1 * * /usr/bin/mysqldump shop > /backup/$(date +\\%F).sql%input of the command%more
0 0 * * * echo 'open
0 0 * *
nonsense
- 0 * * *
"""


def read(files: HeldFiles, *starters: Starter) -> dict[str, Starter]:
    return {one.name: one for one in cron.read(starters, files)}


def test_the_systems_table() -> None:
    found = read(HeldFiles({"/etc/crontab": CRONTAB}))
    assert list(found) == ["/etc/crontab:6", "/etc/crontab:7"]
    first = found["/etc/crontab:6"]
    assert (first.kind, first.user, first.unit, first.directory) == ("cron", "root", "", "/")
    assert first.commands == (("run-parts", "--report", "/etc/cron.hourly"),)
    assert first.environment == {"SHELL": "/bin/sh"}


def test_a_packages_table() -> None:
    [found] = read(HeldFiles({"/etc/cron.d/mailman3-web": MAILMAN})).values()
    assert (found.user, found.at_boot, found.name) == ("www-data", False, "/etc/cron.d/mailman3-web:2")
    assert found.commands[1][-2:] == ("/usr/share/mailman3-web/manage.py", "runjobs")


def test_a_users_table() -> None:
    path = "/var/spool/cron/crontabs/root"
    found = read(HeldFiles({path: USERS}))
    assert [name.rpartition(":")[2] for name in found] == ["4", "5", "6", "7", "8"]
    mail, _clear, boot, dump, broken = found.values()
    assert (mail.user, mail.directory, mail.files) == ("root", "/srv/shop", (path,))
    assert mail.commands == (("/srv/shop/venv/bin/python", "manage.py", "send_mail"),)
    assert mail.environment == {
        "MAILTO": "admin@example.org",
        "SECRET": "canary value",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
    }
    assert "canary" not in repr(mail)
    assert (boot.at_boot, boot.directory, boot.listens) == (True, "/root/app", ("tcp:127.0.0.1:8001",))
    assert boot.commands[0][0] == "/root/app/venv/bin/gunicorn"
    assert dump.commands[0] == ("/usr/bin/mysqldump", "shop")
    assert all("input" not in word for command in dump.commands for word in command)
    assert broken.commands == (("echo 'open",),)


@pytest.mark.parametrize(
    ("debian", "names"), [(True, ["good", "also-good_1"]), (False, ["good", "also-good_1", "with.dot"])]
)
def test_names_that_cron_takes(debian: bool, names: list[str]) -> None:
    line = "* * * * * root /bin/x\n"
    every = ["good", "also-good_1", "with.dot", ".hidden", "edited~", "old.rpmsave", "old.dpkg-old"]
    files = {f"/etc/cron.d/{name}": line for name in every[: None if debian else -1]}
    files |= {f"/etc/cron.daily/{name}": "#!/bin/sh" for name in every[: None if debian else -1]}
    files |= {"/etc/debian_version": "12"} if debian else {}
    found = read(HeldFiles(files))
    assert {name.partition(":")[0] for name in found} == {
        f"{top}/{name}" for top in ("/etc/cron.d", "/etc/cron.daily") for name in names
    }


def test_scripts_are_named_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, mode in (("run", 0o755), ("idle", 0o644)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)
    monkeypatch.setattr(cron, "_SCRIPTS", (str(tmp_path),))
    files = HeldFiles({str(tmp_path / name): "" for name in ("run", "idle")})
    [found] = cron.read([], files)
    path = str(tmp_path / "run")
    assert (found.name, found.commands, found.user) == (path, ((path,),), "root")


def test_tables_of_no_user_are_passed_over() -> None:
    files = HeldFiles({"/var/spool/cron/root": "* * * * * a", "/var/spool/cron/gone-user": "* * * * * b"})
    assert list(read(files)) == ["/var/spool/cron/root:1"]


def test_anacron() -> None:
    text = "START_HOURS_RANGE=3-22\n1\t5\tcron.daily\t\tnice run-parts /etc/cron.daily\n@monthly 45 own /srv/shop/run\n"
    found = read(HeldFiles({"/etc/anacrontab": text}))
    assert found["/etc/anacrontab:3"].commands == (("/srv/shop/run",),)
    assert found["/etc/anacrontab:3"].user == "root"


@pytest.mark.parametrize(
    ("starters", "expected"),
    [
        ([], True),
        ([Starter("service", "cron.service", runs=True)], True),
        ([Starter("service", "cron.service", runs=False)], False),
        ([Starter("service", "nginx.service", runs=True)], False),
    ],
)
def test_lines_run_while_cron_does(starters: list[Starter], expected: bool) -> None:
    [found] = read(HeldFiles({"/etc/crontab": "@daily root x"}), *starters).values()
    assert found.runs is expected


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("* * * * * root a", "a"),
        ("@every_minute root a b", "a b"),
        ("-*/5 1-5 * jan,feb 0 root a", "a"),
        ("* * * * * root:adm a", "a"),
        ("* * * * * root", None),
        ("* * * * root", None),
        ("A = 1 * * * * x y", None),
    ],
)
def test_lines(line: str, command: str | None) -> None:
    assert [(found.command, found.user) for found in cron.lines(line, True)] == [(command, "root")] * bool(command)


@given(st.text(alphabet="*@a1 \t\n=%\\'\"#-", max_size=60), st.booleans())
def test_no_text_breaks_it(text: str, with_user: bool) -> None:
    list(cron.lines(text, with_user))


def test_who_wrote_a_line() -> None:
    texts = {
        "/var/spool/cron/root": "@daily /a",
        "/var/spool/cron/nobody": "@daily /a",
        "/etc/cron.d/own": "@daily root /a",
        "/etc/cron.d/linked": "@daily root /a",
        "/etc/cron.daily/linked": "#!/bin/sh",
    }
    writers = {path: "shop" for path in texts if path.endswith("linked")}
    found = cron.read([], HeldFiles(texts, writers=writers))
    assert {one.name.partition(":")[0]: one.by for one in found} == {
        "/var/spool/cron/root": "",
        "/var/spool/cron/nobody": "nobody",
        "/etc/cron.d/own": "",
        "/etc/cron.d/linked": "shop",
        "/etc/cron.daily/linked": "shop",
    }


def test_the_variables_of_many_lines_are_shared() -> None:
    text = "".join(f"A{number}=1\n" for number in range(1000)) + "@daily /a\n" * 1000 + "A1=2\n@daily /b\n"
    found = list(cron.lines(text, False))
    assert len({id(line.environment) for line in found}) == 2
    assert (len(found[0].environment), found[0].environment["A1"], found[-1].environment["A1"]) == (300, "1", "2")
