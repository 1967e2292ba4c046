# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins for the tests: an engine that keeps its databases in a dict, a manifest, and how a refusal is awaited."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import advanced, compare_states
from ansible_collections.relocate.django.plugins.module_utils._errors import CODES, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    DumpFile,
    SequenceState,
    SystemUser,
    TableCount,
)
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DatabaseEntry, Manifest
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch
from ansible_collections.relocate.django.plugins.module_utils._users import current_user, lookup_user

LABEL = "20261120T193000Z-1a2b3c4d5e6f"
NEWER = "20261121T193000Z-1a2b3c4d5e6f"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="changing the user needs root")


@contextlib.contextmanager
def refused(code: str, text: str) -> Iterator[Any]:
    """Expect a RelocateError with this code, whose whole text matches the pattern."""
    with pytest.raises(RelocateError) as caught:
        yield caught
    assert caught.value.code == code, str(caught.value)
    assert re.search(text, str(caught.value), re.DOTALL), str(caught.value)


def nobody() -> SystemUser:
    found = lookup_user("nobody")
    assert found is not None
    return found


def reachable(path: Path) -> Path:
    """Give a temporary directory that others than its owner can enter."""
    for above in [path, *path.parents]:
        if above.stat().st_uid == 0 and above.stat().st_mode & 0o005 != 0o005:
            above.chmod(0o755)
    return path


def project_params(path: Path) -> dict[str, Any]:
    """Give the options of the group ``project`` as a role gives them."""
    unset = dict.fromkeys(("interpreter", "settings", "owner"))
    return {"path": str(path), "environment": {}, "env_files": [], "allow_root": False, **unset}


def me() -> SystemUser:
    return current_user()


def state(rows: int = 3, fingerprint: str = "77", **changes: Any) -> DatabaseState:
    """A state of two tables; the second one's rows and fingerprint are given."""
    base = DatabaseState(
        method="fake-1",
        tables=(TableCount("public.a", 1, "11"), TableCount("public.b", rows, fingerprint)),
        sequences=(SequenceState("public.b_id_seq", 9, True, "public.b", "id", 9),),
        objects={"view": ("public.v",), "trigger": ("t on b",)},
        large_objects=1,
        large_objects_fingerprint="5",
    )
    return replace(base, **changes)


BLANK = DatabaseState(method="fake-1")


def facts(**changes: Any) -> DatabaseFacts:
    base = DatabaseFacts("fake", "Fake 15.1", 150001, "15", tables=2, size_bytes=100, system_id="server-1")
    return replace(base, settings=("timezone=UTC",), extensions={"citext": "1.6"}, details={"roles": ["x"]}, **changes)


def entry(alias: str = "default", **changes: Any) -> DatabaseEntry:
    config = DatabaseConfig(alias, "fake", "django.db.backends.fake", "shop", "shop", password="s3cret-Canary")
    dump = DumpFile(f"databases/{alias}.fakedump", "fake_dump 15.1", "15")
    return replace(DatabaseEntry(config.public(), dump, facts(), state(), ("auth.0001_initial",)), **changes)


def manifest(label: str = LABEL, **changes: Any) -> Manifest:
    base = Manifest(
        label=label,
        site="shop",
        created="2026-11-20T19:30:00+00:00",
        host={"name": "old1", "machine_id": "0ld"},
        code={"commit": "1a2b3c4d5e6f" + "0" * 28, "bundle": "code.bundle"},
        django={"version": "5.2"},
        owner={"name": "shop"},
        databases={"default": entry()},
    )
    return replace(base, **changes)


@dataclass
class FakeEngine:
    """An engine whose databases are states; ``fails`` names the methods that are to fail, with the call's number."""

    alias: str = "default"
    databases: dict[str, DatabaseState] = field(default_factory=dict)
    loads: DatabaseState = field(default_factory=state)
    applied: DatabaseState | None = None  # what incoming holds after a catch-up
    touches: tuple[str, ...] = ("public.b",)  # tables that it changes
    fails: dict[str, int] = field(default_factory=dict)
    facts: DatabaseFacts = field(default_factory=facts)
    name: str = "fake"
    method: str = ""
    is_file: bool = False
    in_place: bool = False
    catches_up: bool = False
    applies_bytes: bool = False
    busy: list[int] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    obstacles: list[Any] = field(default_factory=list)
    place: Any = ("", None)
    context: Any = field(default_factory=lambda: SimpleNamespace(stopwatch=Stopwatch(), notes=[]))

    @property
    def config(self) -> DatabaseConfig:
        host, port = self.place
        return DatabaseConfig(
            self.alias, "fake", "django.db.backends.fake", "shop", "shop", host, port, password="s3cret-Canary"
        )

    def _call(self, *call: Any) -> None:
        self.calls.append(call)
        if self.fails.get(call[0]) == sum(1 for item in self.calls if item[0] == call[0]):
            code = f"{call[0]}_failed"
            raise RelocateError(
                code if code in CODES else "query_failed", f"{self.alias} cannot {call[0]}", "look at it"
            )

    def preflight(self, side: str, recorded: Any = None) -> list[Any]:
        self._call("query", side)
        return self.obstacles

    def describe(self) -> DatabaseFacts:
        live = self.databases.get(LIVE)
        return replace(self.facts, exists=live is not None, tables=len(live.tables) if live else 0)

    def removal(self, which: str) -> str:
        return f"remove {which}"

    @contextlib.contextmanager
    def snapshot(self, which: str = LIVE) -> Iterator[Any]:
        found = self.databases[which]

        def count(fingerprints: bool = True, counted: Collection[str] = ()) -> DatabaseState:
            self._call("query", which)
            tables = tuple(
                table if fingerprints and table.name not in counted else replace(table, fingerprint="")
                for table in found.tables
            )
            large = found.large_objects_fingerprint if fingerprints else ""
            return replace(found, tables=tables, large_objects_fingerprint=large)

        def dump(directory: str, on_snapshot: Any = None) -> DumpFile:
            self._call("dump", directory)
            with open(os.path.join(directory, self.alias + ".fakedump"), "x") as stream:  # as engines do
                stream.write("dump\n")
            return DumpFile(self.alias + ".fakedump", "fake_dump 15.1", "15", "d1")

        def has_tables() -> bool:
            self._call("query", which)
            return bool(found.tables)

        expected: list[Any] = []

        def expect(base: Any, copied: DatabaseState | None = None) -> None:
            self._call("expect", copied)
            expected.append(base)

        def starting_point(copied: DatabaseState) -> dict[str, Any]:
            self._call("starting_point")
            if self.fails.get("cannot_start"):
                raise RelocateError("cannot_catch_up", "nothing to start from")
            return {"rows": copied.rows()}

        def catch_up(directory: str, base: Any, copied: DatabaseState, now: DatabaseState) -> str:
            self._call("catch_up", base)
            assert expected == [base]  # said before rows are counted
            if self.fails.get("cannot_catch_up"):
                raise RelocateError("cannot_catch_up", "the schema changed")
            os.mkdir(os.path.join(directory, self.alias + ".catchup"))
            return self.alias + ".catchup"

        yield SimpleNamespace(
            state=count,
            dump=dump,
            has_tables=has_tables,
            starting_point=starting_point,
            expect=expect,
            catch_up=catch_up,
        )

    def differences(self, recorded: DatabaseState, found: DatabaseState) -> list[Any]:
        return compare_states(recorded, found)

    def load(self, directory: str, dump: DumpFile, recorded: DatabaseFacts) -> None:
        self._call("load", directory, dump.path)
        self.databases[INCOMING] = self.loads

    def apply(self, path: str) -> Collection[str]:
        self._call("apply", os.path.basename(path))
        if self.fails.get("cannot_apply"):
            raise RelocateError("cannot_catch_up", "it cannot be applied")
        self.databases[INCOMING] = self.applied or self.databases[INCOMING]
        return self.touches

    def try_apply(self) -> None:
        self._call("try_apply")
        if self.fails.get("cannot_apply"):
            raise RelocateError("cannot_catch_up", "triggers cannot be put to sleep")

    def advance_sequences(self, behind: list[SequenceState]) -> list[SequenceState]:
        self._call("advance_sequences", *(item.name for item in behind))
        self.databases[INCOMING] = advanced(self.databases[INCOMING])
        return behind

    def create_blank(self, recorded: Any = None) -> list[str]:
        self._call("create_blank")
        if LIVE in self.databases:
            return []
        self.databases[LIVE] = BLANK
        return ["database shop"]

    def swap(self, from_name: str = INCOMING, displaced: str = PREVIOUS) -> None:
        self._call("swap", from_name, displaced)
        if displaced in self.databases:
            raise RelocateError("swap_failed", f"{self.alias}: {displaced} exists")
        live = self.databases.pop(LIVE, None)
        self.databases[LIVE] = self.databases.pop(from_name)
        if live is not None:
            self.databases[displaced] = live

    def drop(self, which: str) -> bool:
        self._call("drop", which)
        return self.databases.pop(which, None) is not None

    def sessions(self, terminate: bool = False) -> int:
        return self.busy.pop(0) if self.busy else 0

    def change_token(self) -> str:
        self._call("mark")
        return str(self.databases.get(LIVE))

    def exists(self, which: str) -> bool:
        return which in self.databases


def fake_site(path: Any, *engines: Any, **site_facts: Any) -> Any:
    """What modules work on, with engines that are fake."""
    project = SimpleNamespace(
        path=str(path), interpreter=f"{path}/venv/bin/python", settings="shop.settings", owner=me(), environment=dict
    )
    defaults = {
        "django": {"version": "5.2", "python": "3.11.2", "media_root": ""},
        "migrations": {"aliases": {}, "conflicts": {}},
        "packages": {"lines": ["Django==5.2"]},
        "history": {"known": ["auth.0001_initial"], "replaced": {}, "apps": ["auth"]},
    }
    return SimpleNamespace(
        project=project,
        facts={**defaults, **site_facts},
        engines={item.config.alias: item for item in engines},
        secrets=None,
        stopwatch=Stopwatch(),
        notes=[],
        scanned={},
        code=None,
    )
