# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of cron: lines commented out and brought back, added and taken away, and the files that hold them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._model import CronLine, CronTable
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._services import crontab
from ansible_collections.relocate.django.plugins.module_utils._services.crontab import Crontabs
from tests.unit.fakes import refused

SEND = "*/5 * * * * cd /srv/shop && venv/bin/python manage.py send"
CLEAR = "@daily /srv/shop/venv/bin/python /srv/shop/manage.py clearsessions"
OTHER = "0 4 * * * /usr/bin/true"
TABLE = f"MAILTO=ops@example.org\n{SEND}\n# a comment\n\n{OTHER}\n{CLEAR}\n"
PIECES = [*"a#\n\n\r\x0b \u2028", "#relocate-shop: ", SEND, CLEAR, SEND + "\n", "#" + CLEAR + "\n"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def test_lines_are_commented_out_and_come_back_byte_for_byte() -> None:
    silent, missing = crontab.silenced(TABLE, [SEND, CLEAR], "shop")
    assert missing == []
    assert silent == TABLE.replace(SEND, "#relocate-shop: " + SEND).replace(CLEAR, "#relocate-shop: " + CLEAR)
    assert crontab.silenced(silent, [SEND, CLEAR], "shop") == (silent, [])
    assert crontab.woken(silent, "shop") == TABLE
    assert crontab.woken(silent, "blog") == silent


def test_what_somebody_adds_meanwhile_stays() -> None:
    silent, _missing = crontab.silenced(TABLE, [SEND], "shop")
    assert crontab.woken(silent + "@reboot x\n", "shop") == TABLE + "@reboot x\n"


def test_a_line_that_is_no_longer_there_is_named() -> None:
    assert crontab.silenced(TABLE.replace("*/5", "*/6"), [SEND, CLEAR], "shop")[1] == [SEND]
    assert crontab.silenced("", [SEND], "shop") == ("", [SEND])


def test_a_commented_twin_of_an_earlier_move_does_not_come_back_too() -> None:
    again = "#relocate-shop: " + SEND + "\n" + TABLE
    silent, missing = crontab.silenced(again, [SEND], "shop")
    assert missing == [] and crontab.woken(silent, "shop") == TABLE


@given(text=TEXTS)
def test_any_table_comes_back(text: str) -> None:
    wanted = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    silent, missing = crontab.silenced(text, wanted, "shop")
    assert missing == [] and not set(silent.split("\n")) & set(wanted)
    if "#relocate-shop: " not in text:
        assert crontab.woken(silent, "shop") == text


LINES = (
    CronLine("shop", SEND, ("PATH=/usr/bin", "SECRET=x")),
    CronLine("shop", CLEAR, ("PATH=/usr/bin", "SECRET=x")),
    CronLine("shop", OTHER, ("PATH=/bin", "SECRET=x")),
)
BLOCK = f"""\
# lines of site shop, brought by relocate.django
PATH=/usr/bin
SECRET=x
{SEND}
{CLEAR}
PATH=/bin
SECRET=x
{OTHER}
# end of the lines of site shop, brought by relocate.django
"""


@pytest.mark.parametrize("before", ["", "@reboot x\n", "# only a comment\n\n"])
def test_lines_are_added_with_their_environment_and_taken_away(before: str) -> None:
    after = crontab.added(before, LINES, "shop")
    assert after == before + BLOCK
    assert crontab.added(after, LINES, "shop") == after
    assert crontab.added(after + "@daily y\n", LINES[:1], "shop").startswith(before + "@daily y\n#")
    assert crontab.removed(after, "shop") == before
    assert crontab.removed(after + "@daily y\n", "shop") == before + "@daily y\n"
    assert crontab.removed(after, "blog") == after
    # One that was moved away again, and stopped there: its lines are commented out, and ours all the same.
    silent, _missing = crontab.silenced(after, [SEND, CLEAR, OTHER], "shop")
    assert crontab.woken(silent, "shop") == after


def test_a_table_that_does_not_end_in_a_newline_and_one_that_has_a_line_already() -> None:
    assert crontab.added("@reboot x", LINES, "shop") == "@reboot x\n" + BLOCK
    assert SEND not in crontab.added(TABLE, LINES[2:], "shop")[len(TABLE) :]
    assert crontab.added(TABLE, LINES[:2], "shop") == TABLE


def test_without_the_end_of_ours_nothing_is_lost_and_nothing_runs() -> None:
    cut = crontab.added("@reboot x\n", LINES[:1], "shop").rpartition("# end")[0] + "@daily mine\n"
    left = crontab.removed(cut, "shop")
    assert left.startswith("@reboot x\n") and "#relocate-shop: @daily mine\n" in left
    assert [line for line in left.split("\n") if line and line[0] != "#"] == ["@reboot x"]


@pytest.mark.parametrize(
    "table",
    [
        CronTable("/etc/passwd", ()),
        CronTable("/etc/cron.d/../passwd", ()),
        CronTable("/etc/cron.d/a b", ()),
        CronTable("-r", ()),
        CronTable("a/b", ()),
        CronTable("shop\n", ()),
        CronTable("shop", (CronLine("shop", "a\nb"),)),
        CronTable("shop", (CronLine("shop", "# end"),)),
        CronTable("shop", (CronLine("sh op", SEND),)),
        CronTable("shop", (CronLine("shop", ""),)),
        CronTable("shop", (CronLine("shop", SEND, ("* * * * * evil",)),)),
        CronTable("shop", (CronLine("shop", SEND, ("A=1\n* * * * * evil",)),)),
        CronTable("shop", (CronLine("shop", SEND, ("#A=1",)),)),
    ],
    ids=repr,
)
def test_what_another_host_says_is_held_against_what_a_table_can_hold(table: CronTable) -> None:
    with refused("path_refused", "not a line of cron"):
        crontab.check([table])


def test_what_a_table_can_hold() -> None:
    crontab.check([CronTable("/etc/cron.d/shop", LINES), CronTable("/etc/crontab", ()), CronTable("www-data", LINES)])
    crontab.check([CronTable("shop", (CronLine("shop", SEND, (' "A B"= x', "A=1", "'B' = 2")),))])


class Programs:
    """A crontab program with a spool in memory, as Debian's: with a header of its own."""

    header = "# DO NOT EDIT THIS FILE - edit the master.\n# (- installed on Mon)\n# (Cron version -- $Id$)\n"

    def __init__(self, **spool: str) -> None:
        self.spool, self.calls, self.spoils = spool, [], False  # type: ignore[var-annotated]

    def __call__(self, command: Command, stdin: bytes = b"", timeout: float = 0) -> Completed:
        argv = list(command.argv)
        self.calls.append((argv, dict(command.env)))
        user = argv[argv.index("-u") + 1] if "-u" in argv else "me"
        if argv[-1] == "-l":
            if user not in self.spool:
                return Completed(tuple(argv), 1, b"", f"no crontab for {user}\n".encode())
            return Completed(tuple(argv), 0, self.spool[user].encode("utf-8", "surrogateescape"))
        if argv[-1] == "-r":
            del self.spool[user]
        elif b"bad" in stdin:
            return Completed(tuple(argv), 1, b"", b'"-":1: bad minute: SECRET=canary\n')
        else:
            self.spool[user] = self.header + stdin.decode("utf-8", "surrogateescape") + "x" * self.spoils
        return Completed(tuple(argv), 0)


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crontab, "require_program", lambda name, hint="": "/usr/bin/" + name)
    monkeypatch.setattr(crontab.os, "geteuid", lambda: 0)


@pytest.mark.usefixtures("root")
def test_a_users_crontab_is_read_and_written_by_its_program() -> None:
    programs = Programs()
    tables = Crontabs(programs)
    assert tables.read("shop") == ""
    text = "# first\n# second\n" + TABLE + "\udcff\n"
    tables.write("shop", text)
    assert programs.spool["shop"] == Programs.header + text
    assert tables.read("shop") == text
    assert programs.calls[-1] == (["/usr/bin/crontab", "-u", "shop", "-l"], {"CRONTAB_NOHEADER": "N"})
    tables.write("shop", "")
    assert programs.spool == {}


@pytest.mark.usefixtures("root")
def test_a_crontab_that_is_refused_or_not_what_was_written() -> None:
    programs = Programs()
    with refused("cron_failed", "crontab of shop: crontab exited 1") as found:
        Crontabs(programs).write("shop", "bad\n")
    assert "canary" not in str(found.value)
    programs.spoils = True
    with refused("cron_failed", "something else than what was written"):
        Crontabs(programs).write("shop", TABLE)
    programs.spool["shop"] = "x" * (600 * 1024)
    with refused("cron_failed", "too large"):
        Crontabs(programs).read("shop")


@pytest.mark.usefixtures("root")
def test_what_brings_lines_back_when_we_are_gone() -> None:
    command = Crontabs(Programs()).command
    assert command("/etc/cron.d/a", "/x", "my.shop") == [
        "/usr/bin/sed", "--in-place", "--expression=s/^#relocate-my[.]shop: //", "/etc/cron.d/a",
    ]  # fmt: skip
    assert command("shop", "/var/lib/relocate/x", "s") == ["/usr/bin/crontab", "-u", "shop", "/var/lib/relocate/x"]


def test_a_table_of_the_system_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "shop"
    tables = Crontabs(Programs())
    assert tables.read(str(path)) == ""
    tables.write(str(path), TABLE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    before = path.stat().st_ino
    tables.write(str(path), TABLE + "\udcff")
    assert path.read_bytes().endswith(b"\xff") and tables.read(str(path)) == TABLE + "\udcff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.stat().st_ino != before
    assert [item.name for item in tmp_path.iterdir()] == ["shop"]
    tables.write(str(path), "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["link", "large", "directory"])
def test_a_table_that_is_no_plain_file(tmp_path: Path, what: str) -> None:
    path: Any = tmp_path / "shop"
    if what == "link":
        path.symlink_to(tmp_path / "other")
        (tmp_path / "other").write_text(TABLE)
    elif what == "large":
        path.write_text("x" * (600 * 1024))
    else:
        path.mkdir()
    with refused("cron_failed", "plain file"):
        Crontabs(Programs()).read(str(path))
