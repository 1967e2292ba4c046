# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of cron through a move, on old and on new, through its failures, and through a kill at every moment."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import CronLine, CronTable
from ansible_collections.relocate.django.plugins.module_utils._record import record as records
from ansible_collections.relocate.django.plugins.module_utils._services import cron
from ansible_collections.relocate.django.plugins.module_utils._services.crontab import Crontabs
from ansible_collections.relocate.django.plugins.module_utils._set import cron as set_cron
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._steps import beside
from ansible_collections.relocate.django.plugins.module_utils._steps.beside import Beside, Options
from tests.unit.fakes import LABEL, me, refused
from tests.unit.plugins.module_utils._services.played import Played
from tests.unit.records import note, noted

SEND, CLEAR = "*/5 * * * * /srv/shop/manage.py send", "@daily daemon cd /srv/shop && ./manage.py clear"
OWN, SYSTEM = "daemon", "/etc/cron.d/shop"
OLD = {OWN: f"SECRET=canary\n{SEND}\n@daily true\n", SYSTEM: f"{CLEAR}\n"}
CARRIED = (
    CronTable(OWN, (CronLine("daemon", SEND, ("SECRET=canary",)),)),
    CronTable(SYSTEM, (CronLine("daemon", CLEAR),)),
)
MARK = "#relocate-shop: "
SILENT = {OWN: OLD[OWN].replace(SEND, MARK + SEND), SYSTEM: MARK + OLD[SYSTEM]}


class Killed(BaseException):
    """Ends a run where it stands."""


class Tables(Crontabs):
    """Tables in memory; ``broken`` ones cannot be written, and at ``kill`` writes the run ends."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts, self.broken, self.kill = dict(texts), "", -1

    def read(self, name: str) -> str:
        return self.texts.get(name, "")

    def write(self, name: str, text: str) -> None:
        if name == self.broken:
            raise RelocateError("cron_failed", name)
        self.kill -= 1
        if self.kill == -1:
            raise Killed
        if text:
            self.texts[name] = text
        else:
            del self.texts[name]

    def check(self, name: str) -> None:
        if name == "gone":
            raise RelocateError("cron_failed", "no user")

    def command(self, name: str, saved: str, site: str) -> list[str]:
        return ["back", name, *([] if name.startswith("/") else [Path(saved).read_text(encoding="utf-8")])]


class Timers(Played):
    """A systemd that keeps what its timers would do."""

    def __init__(self) -> None:
        super().__init__({})
        self.armed: dict[str, tuple[int, list[str]]] = {}

    def arm(self, name: str, seconds: int, names: Any, why: str, command: Any = ()) -> None:
        assert not names
        self.armed[name] = (seconds, list(command))
        super().arm(name, seconds, names, why)

    def disarm(self, name: str) -> None:
        self.armed.pop(name, None)
        super().disarm(name)


class Shown:
    """A page that is noted, and that nginx refuses where it is told to."""

    def __init__(self) -> None:
        self.file, self.armed, self.refuses = "", False, False

    def shown(self) -> str:
        return self.file

    def hide(self) -> None:
        self.file, self.armed = "", False
        if self.refuses:
            raise RelocateError("config_refused", "nginx shows it still", "reload it")

    def disarm(self) -> None:
        self.armed = False

    def show(self, _page: Any, file: str, project: str, seconds: int) -> None:
        if self.refuses:
            raise RelocateError("config_refused", "nginx refuses it", "fix it")
        self.file, self.armed = f"/etc/nginx/conf.d/{file}", seconds > 0


class Host:
    """One host of a move."""

    def __init__(self, directory: Path, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory, self.tables, self.timers = directory, Tables(texts), Timers()
        self.page, self._patch = Shown(), monkeypatch
        made = BackupSet.create(str(directory), "shop", LABEL, me())
        set_cron.write(made, CARRIED)
        made.note_prepared(Prepared({"commit": "c"}, {"path": "/srv/shop"}, {"name": "daemon"}, ()))

    def beside(self, state: str, check: bool = False, **more: Any) -> Beside:
        given = {
            "cron": "carry",
            "freeze_limit": 60,
            "retired": False,
            "abandoned": False,
            "label": LABEL,
            "run": "r",
            **more,
        }
        options = Options(directory=str(self.directory), site="shop", state=state, **given)
        self._patch.setattr(beside, "Systemd", lambda: self.timers)
        self._patch.setattr(beside.systemd, "RUNNING", "/")
        self._patch.setattr(beside, "Page", lambda *_what: self.page)
        self._patch.setattr(beside.maintenance, "show", self.page.show)
        return Beside(options, records.read_record(str(self.directory), "shop"), check, self.tables)

    def bring(self, state: str, fails: bool = False, **more: Any) -> list[str]:
        one = self.beside(state, **more)
        try:
            one.before()
            if fails:
                raise RelocateError("unit_failed", "x")
            one.after()
        except RelocateError:
            one.failed()
            raise
        return [*one.steps, *one.warnings]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path / "old", OLD, monkeypatch)


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path / "new", {OWN: "MAILTO=ops\n@daily mine\n"}, monkeypatch)


def test_a_move_and_its_undo(old: Host, new: Host) -> None:
    assert old.bring("frozen") == [
        "comment out lines of the crontab of daemon",
        "comment out lines of /etc/cron.d/shop",
    ]
    assert old.tables.texts == SILENT
    assert noted(old.directory)["cron_silenced"] == [SYSTEM, OWN]
    assert old.timers.armed == {
        "relocate-cron-shop-0": (60, ["back", SYSTEM]),
        "relocate-cron-shop-1": (60, ["back", OWN, OLD[OWN]]),
    }
    assert old.bring("frozen") == []
    assert old.bring("held") == [] and old.timers.armed == {}
    assert not (old.directory / "shop.cron").exists(), "it may hold secrets"
    before = dict(new.tables.texts)
    assert new.bring("started") == ["add lines of the crontab of daemon", "add lines of /etc/cron.d/shop"]
    assert new.tables.texts[OWN].startswith(before[OWN]) and f"SECRET=canary\n{SEND}\n" in new.tables.texts[OWN]
    assert CLEAR in new.tables.texts[SYSTEM]
    assert new.bring("started") == [] and noted(new.directory)["cron_added"] == [SYSTEM, OWN]
    note(old.directory, retired={"label": LABEL})
    assert old.bring("retired") == []
    # Another run puts old back: it stays retired.
    assert old.bring("thawed") == [] and old.tables.texts == SILENT
    assert len(new.bring("stopped", cron="refuse", label="")) == 2
    assert new.tables.texts == before and noted(new.directory) == {}
    assert len(old.bring("thawed", retired=True, cron="refuse", label="")) == 2
    assert old.tables.texts == OLD
    assert "cron_silenced" not in noted(old.directory)


def test_a_move_that_fails(old: Host, new: Host) -> None:
    old.bring("frozen")
    assert len(old.bring("thawed", cron="refuse", label="")) == 2
    assert (old.tables.texts, old.timers.armed, noted(old.directory)) == (OLD, {}, {})
    assert new.bring("stopped") == []


def test_a_site_without_units_whose_new_host_was_lost(old: Host) -> None:
    old.bring("frozen")
    assert len(old.bring("thawed", abandoned=True)) == 2 and old.tables.texts == OLD
    old.bring("frozen")
    old.bring("held")
    assert old.bring("thawed", abandoned=True) == [] and old.tables.texts == SILENT, "new may have begun to serve"
    assert len(old.bring("thawed")) == 2 and old.tables.texts == OLD


def test_units_that_do_not_stop(old: Host) -> None:
    with refused("unit_failed", "x"):
        old.bring("frozen", fails=True)
    assert (old.tables.texts, old.timers.armed, noted(old.directory)) == (OLD, {}, {})


def test_units_that_do_not_start(old: Host, new: Host) -> None:
    before = dict(new.tables.texts)
    with refused("unit_failed", "x"):
        new.bring("started", fails=True)
    assert new.tables.texts == before
    old.bring("frozen")
    with refused("unit_failed", "x"):
        old.bring("thawed", fails=True)
    assert old.tables.texts == OLD, "old is thawed whatever comes of it"


def test_an_undo_that_fails_leaves_the_lines_on_new_alone(old: Host) -> None:
    old.bring("frozen")
    note(old.directory, retired={"label": LABEL})
    with refused("unit_failed", "x"):
        old.bring("thawed", retired=True, fails=True)
    assert old.tables.texts == SILENT


def test_a_table_that_cannot_be_written(old: Host, new: Host) -> None:
    old.tables.broken = SYSTEM
    with refused("cron_failed", SYSTEM):
        old.bring("frozen")
    assert (old.tables.texts, old.timers.armed) == (OLD, {})
    before = dict(new.tables.texts)
    new.tables.broken = SYSTEM
    with refused("cron_failed", SYSTEM):
        new.bring("started")
    assert new.tables.texts == before


def test_a_user_whom_new_lacks_is_told_before_a_unit_starts(new: Host) -> None:
    set_cron.write(BackupSet(str(new.directory / "sets" / "shop" / LABEL)), [CronTable("gone", CARRIED[0].lines)])
    with refused("cron_failed", "no user"):
        new.beside("started").before()


def test_lines_that_changed_since_the_set_was_begun(old: Host) -> None:
    old.tables.texts[OWN] = OLD[OWN].replace("*/5", "*/6")
    with refused("cron_runs", "1 of the lines of the crontab of daemon were changed"):
        old.bring("frozen")
    assert old.tables.texts[SYSTEM] == OLD[SYSTEM] and noted(old.directory) == {}


@pytest.mark.parametrize("name", [OWN, SYSTEM])
def test_a_freeze_in_which_a_line_came_back_is_lost(old: Host, name: str) -> None:
    old.bring("frozen")
    old.tables.texts[name] = OLD[name]
    with refused("freeze_lost", "lines of cron .* run again"):
        old.bring("held")


@pytest.mark.parametrize("more", [{"cron": "leave"}, {"cron": "refuse"}, {"label": ""}])
def test_only_when_asked_for(old: Host, new: Host, more: dict[str, str]) -> None:
    for state in ("frozen", "held", "retired"):
        assert old.bring(state, **more) == []
    assert new.bring("started", **more) == []
    assert (old.tables.texts, noted(old.directory), noted(new.directory)) == (OLD, {}, {})


@pytest.mark.parametrize("state", ["frozen", "started", "stopped", "thawed", "retired"])
def test_check_mode(old: Host, state: str) -> None:
    if state in ("stopped", "thawed"):
        old.bring({"stopped": "started", "thawed": "frozen"}[state])
    before, record = dict(old.tables.texts), noted(old.directory)
    told = old.bring(state, check=True)
    assert (old.tables.texts, noted(old.directory)) == (before, record)
    assert old.bring(state) == told
    assert old.bring(state) == []


def test_another_run_gets_the_whole_time(old: Host) -> None:
    old.bring("frozen")
    note(old.directory, freeze={"label": LABEL, "run": "r"})
    old.bring("frozen", freeze_limit=90)
    assert {seconds for seconds, _command in old.timers.armed.values()} == {60}
    old.bring("frozen", freeze_limit=90, run="s")
    assert {seconds for seconds, _command in old.timers.armed.values()} == {90}


def test_a_retired_site_gets_no_timer(old: Host) -> None:
    note(old.directory, retired={"label": "x"})
    old.bring("frozen")
    assert (old.tables.texts, old.timers.armed) == (SILENT, {})


def test_no_timer_where_the_user_wants_none(old: Host) -> None:
    old.bring("frozen", freeze_limit=0)
    assert (old.tables.texts, old.timers.armed) == (SILENT, {})


def test_a_project_that_lies_elsewhere_on_new(new: Host) -> None:
    told = new.bring("started", path="/srv/other")
    assert "lines of the crontab of daemon name /srv/shop, and the project is in /srv/other here" in " ".join(told)


def test_a_table_that_cannot_be_read_any_more(old: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    old.bring("frozen")
    read = old.tables.read

    def gone(name: str) -> str:
        if name == OWN:
            raise RelocateError("cron_failed", "daemon is gone")
        return read(name)

    monkeypatch.setattr(old.tables, "read", gone)
    told = old.bring("thawed")
    assert "daemon is gone; its lines stay as they are" in told
    assert old.tables.texts[SYSTEM] == OLD[SYSTEM] and noted(old.directory)["cron_silenced"] == [OWN]


def ending_at(moment: int) -> Callable[..., Any]:
    """Give a function that updates the record, and ends the run in place of one update."""
    count = itertools.count()

    def update(*what: Any) -> Any:
        if next(count) == moment:
            raise Killed
        return records.update_record(*what)

    return update


@pytest.mark.parametrize("way", ["tables", "record", "timers"])
@pytest.mark.parametrize("then", ["thawed", "frozen"])
@pytest.mark.parametrize("moment", range(3))
def test_killed_at_every_moment(old: Host, way: str, then: str, moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was done when the run ended, a thaw brings back all of it, and a freeze goes on."""
    one = old.beside("frozen")
    with monkeypatch.context() as patch:
        if way == "tables":
            old.tables.kill = moment
        elif way == "record":
            patch.setattr(cron, "update_record", ending_at(moment))
        else:
            arm, count = old.timers.arm, itertools.count()

            def arms(*what: Any) -> None:
                if next(count) == moment:
                    raise Killed
                arm(*what)

            patch.setattr(old.timers, "arm", arms)
        with contextlib.suppress(Killed):
            one.before()
    old.tables.kill = -1
    old.bring(then)
    assert old.tables.texts == (OLD if then == "thawed" else SILENT)
    if then == "thawed":
        assert (old.timers.armed, noted(old.directory)) == ({}, {})
    else:
        assert len(old.timers.armed) == 2


def test_killed_while_old_is_put_back(old: Host) -> None:
    old.bring("frozen")
    for moment in (1, 0):
        old.tables.kill = moment
        with pytest.raises(Killed):
            old.bring("thawed")
    old.tables.kill = -1
    old.bring("thawed")
    assert (old.tables.texts, old.timers.armed, noted(old.directory)) == (OLD, {}, {})


PAGE = {"cron": "refuse", "maintenance": "page", "path": "/srv/shop"}
CONF = "/etc/nginx/conf.d/page"


def test_a_page_through_a_move_and_its_undo(old: Host) -> None:
    assert old.bring("frozen", check=True, **PAGE) == ["show page"] and old.page.file == ""
    assert old.bring("frozen", **PAGE) == ["show page"] and old.page.armed
    note(old.directory, freeze={"label": LABEL, "run": "r"})
    assert old.bring("frozen", **PAGE) == []
    assert old.bring("held", **PAGE) == [] and (old.page.file, old.page.armed) == (CONF, False)
    note(old.directory, retired={"label": LABEL})
    old.bring("retired", **PAGE)
    old.bring("thawed", **PAGE)
    assert old.page.file == CONF, "another host serves: visitors who come here still see it"
    assert old.bring("thawed", retired=True, check=True) == ["take away " + CONF] and old.page.file
    assert old.bring("thawed", retired=True) == ["take away " + CONF] and old.page.file == ""


@pytest.mark.parametrize("state", ["held", "thawed", "started", "stopped", "retired"])
def test_a_page_is_for_a_freeze(old: Host, state: str) -> None:
    assert old.bring(state, **PAGE) == [] and old.page.file == ""
    assert old.bring("frozen", **{**PAGE, "maintenance": None}) == []


def test_a_freeze_goes_on_without_a_page(old: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    old.page.refuses = True
    assert old.bring("frozen", **PAGE) == ["no maintenance page is shown: nginx refuses it. Next: fix it"]

    def full(*_what: Any) -> None:
        raise OSError(28, "No space left on device", "/x")

    monkeypatch.setattr(old.page, "show", full)
    assert old.bring("frozen", **PAGE) == ["no maintenance page is shown: /x: No space left on device"]


def test_a_freeze_that_fails_takes_its_page_away(old: Host) -> None:
    with refused("unit_failed", "x"):
        old.bring("frozen", fails=True, **PAGE)
    assert old.page.file == ""
    old.bring("frozen", **PAGE)
    old.page.refuses = True
    told = old.bring("thawed", **PAGE)
    assert "nginx shows it still. Next: reload it" in told


# --- what sends visitors on


class SendsOn:
    """Notes what became of it; what it refuses it leaves as it was."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refuses = False

    def take_down(self) -> str:
        if self.refuses:
            raise RelocateError("config_refused", "nginx refuses its configuration")
        self.calls.append("down")
        return "what was there"

    def put_up(self, was: str) -> None:
        self.calls.append(f"up: {was}")


HELD = {"to": "192.0.2.7", "server": "nginx.service"}


@pytest.fixture
def sends_on(old: Host, monkeypatch: pytest.MonkeyPatch) -> SendsOn:
    found = SendsOn()
    monkeypatch.setattr(beside, "Forwarding", lambda *_what: found)
    note(old.directory, forward=HELD, retired={"label": LABEL})
    return found


def test_old_serves_again_and_sends_nobody_on(old: Host, sends_on: SendsOn) -> None:
    assert old.bring("thawed", retired=True)[0] == "send no visitors on to 192.0.2.7"
    assert sends_on.calls == ["down"]


def test_an_undo_that_fails_lets_old_send_visitors_on(old: Host, sends_on: SendsOn) -> None:
    with refused("unit_failed", "x"):
        old.bring("thawed", fails=True, retired=True)
    assert sends_on.calls == ["down", "up: what was there"]


def test_what_cannot_be_taken_away_keeps_old_from_serving(old: Host, sends_on: SendsOn) -> None:
    sends_on.refuses = True
    with refused("config_refused", "nginx refuses"):
        old.bring("thawed", retired=True)
    assert sends_on.calls == []


def test_a_retired_site_that_is_not_undone_sends_visitors_on(old: Host, sends_on: SendsOn) -> None:
    assert old.bring("thawed") == [] and old.bring("retired")[:1] != ["send no visitors on to 192.0.2.7"]
    assert sends_on.calls == []


def test_who_is_started_here_sends_nobody_on(old: Host, sends_on: SendsOn) -> None:
    """The host that was left becomes new again, or the site is restored there since new has gone."""
    assert "send no visitors on to 192.0.2.7" in old.bring("started")
    assert sends_on.calls == ["down"]


def test_a_check_of_an_undo_only_says_so(old: Host, sends_on: SendsOn) -> None:
    one = old.beside("thawed", check=True, retired=True)
    one.before()
    assert one.steps == ["send no visitors on to 192.0.2.7"] and sends_on.calls == []
