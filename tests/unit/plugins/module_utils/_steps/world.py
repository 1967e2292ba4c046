# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new host with two databases, the record and two backup sets, where a process can be killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._modules import restore as restore_module
from ansible_collections.relocate.django.plugins.module_utils._record import record as record_record
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import database
from tests.unit.fakes import LABEL, NEWER, FakeEngine, entry, facts, fake_site, manifest, me, state
from tests.unit.records import UPDATE, note, noted

#: What the databases hold: the user's own, what two sets hold, and what the site took in.
OWN, FIRST, SECOND, TAKEN_IN = state(10), state(11), state(12), state(13)


class Killed(BaseException):
    """As kill -9 does: nothing runs after it."""


class Clock:
    """Counts the writes; from the one at which the process is killed none has an effect any more."""

    def __init__(self, deadly: int = 0, after: bool = False) -> None:
        self.deadly, self.after, self.writes = deadly, after, 0

    def write(self, effect: Any) -> Any:
        self.writes += 1
        if self.deadly and (self.writes > self.deadly or (self.writes == self.deadly and not self.after)):
            raise Killed
        result = effect()
        if self.writes == self.deadly:
            raise Killed
        return result


class MortalEngine(FakeEngine):
    """An engine whose writes a clock counts."""

    clock = Clock()

    def load(self, *args: Any) -> None:
        self.clock.write(lambda: super(MortalEngine, self).load(*args))

    def swap(self, from_name: str = INCOMING, displaced: str = PREVIOUS) -> None:
        self.clock.write(lambda: super(MortalEngine, self).swap(from_name, displaced))

    def drop(self, which: str) -> bool:
        return bool(which in self.databases and self.clock.write(lambda: super(MortalEngine, self).drop(which)))

    def create_blank(self, recorded: Any = None) -> list[str]:
        return list(self.clock.write(lambda: super(MortalEngine, self).create_blank(recorded)))


def restore_options(directory: str, label: str, **options: Any) -> dict[str, Any]:
    """Give the options of the module ``restore`` as a role gives them."""
    return {
        "directory": directory,
        "site": "shop",
        "label": label,
        "manifest_sha256": None,
        "state": "present",
        "sequences": "keep",
        "allow_same_host": False,
        "allow_same_database": False,
        "replace": False,
        "aliases": [],
        "media": True,
        "services_kept_running": [],
        "verified": False,
        "jobs": 1,
        **options,
    }


class World:
    """A new host: two databases, the record, and two backup sets."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, **databases: DatabaseState) -> None:
        self.path, self.monkeypatch = str(path), monkeypatch
        other_server = replace(facts(), system_id="server-2")
        self.engines = [
            MortalEngine(alias, databases=dict(databases), facts=other_server) for alias in ("default", "other")
        ]
        self.warned: list[str] = []
        monkeypatch.setattr(host_facts, "machine_id", lambda: "n3w")
        monkeypatch.setattr(
            record_record,
            "update_record",
            lambda *args: self.clock.write(lambda: UPDATE(*args)),  # type: ignore[arg-type]
        )
        self.clock = Clock()
        for label, held in ((LABEL, FIRST), (NEWER, SECOND)):
            made = BackupSet.create(self.path, "shop", label, me())
            for one in self.engines:
                Path(made.file(f"databases/{one.alias}.fakedump")).write_text("dump")
            entries = {one.alias: entry(one.alias, state=held) for one in self.engines}
            made.finish(manifest(label, databases=entries))

    @property
    def record(self) -> dict[str, Any]:
        return noted(self.path)

    def note(self, **changes: Any) -> None:
        note(self.path, **changes)

    def run(self, label: str = LABEL, clock: Clock | None = None, **options: Any) -> dict[str, Any]:
        self.clock = MortalEngine.clock = clock or Clock()
        for one in self.engines:
            one.loads = FIRST if label == LABEL else SECOND
            one.calls.clear()
        params = restore_options(self.path, label, **{"confirm": "shop", "which": "previous", **options})
        module: Any = SimpleNamespace(params=params, check_mode=False, warn=self.warned.append)
        site = fake_site(self.path, *self.engines)
        if params["state"] == "absent":
            options = database.Options.of({"recorded": {}, "engines": {}, **params})
            return {alias: database.drop(site, alias, options, False) for alias in site.engines}
        work = restore_module.roll_back if params["state"] == "rolled_back" else restore_module.restore
        return work(module, site)

    def holds(self, **databases: DatabaseState) -> None:
        assert [one.databases for one in self.engines] == [databases] * 2
        assert "begun" not in self.record


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda **databases: World(tmp_path, monkeypatch, **databases)
