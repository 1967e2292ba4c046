# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A toy engine: a database is a directory with one JSON file for each table. It shows what a new engine has to say."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from types import ModuleType
from typing import ClassVar, Collection, Dict, Iterator, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
    OnSnapshot,
    Snapshot,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.jsondir import venv_dialect
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    DumpFile,
    Obstacle,
    TableCount,
)

_SUFFIXES = {LIVE: "", INCOMING: "__incoming", PREVIOUS: "__previous", DISCARDED: "__discarded"}
_SCHEMA = "schema.json"


class _View(Snapshot):
    def __init__(self, path: str, alias: str) -> None:
        self._path, self._alias = path, alias

    def dump(self, directory: str, on_snapshot: Optional[OnSnapshot] = None) -> DumpFile:
        target = os.path.join(directory, self._alias + ".jsondir")
        shutil.copytree(self._path, target)
        if on_snapshot is not None:
            on_snapshot(target)
        return DumpFile(self._alias + ".jsondir", "jsondir 1", "1")

    def has_tables(self) -> bool:
        return bool(_tables(self._path))

    def state(self, fingerprints: bool = True, counted: Collection[str] = ()) -> DatabaseState:
        counts = []
        for table, rows in sorted(_tables(self._path).items()):
            lines = sorted(json.dumps(row, sort_keys=True) for row in rows)
            digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
            counts.append(TableCount(table, len(rows), digest if fingerprints and table not in counted else ""))
        return DatabaseState("jsondir-1", tuple(counts), schema=_schema(self._path))


class JsondirEngine(Engine):
    """A directory, at the absolute path that the settings name."""

    name = "jsondir"
    dialect: ClassVar[ModuleType] = venv_dialect
    is_file = True

    def _path(self, which: str) -> str:
        return self.config.name + _SUFFIXES[which]

    def preflight(self, side: str, recorded: Optional[DatabaseFacts] = None) -> List[Obstacle]:
        if side == "new" or self.exists(LIVE):
            return []
        why = "there is no directory " + self._path(LIVE)
        return [Obstacle("database_missing", why, "check NAME in the settings", self.config.alias)]

    def describe(self) -> DatabaseFacts:
        facts = DatabaseFacts(self.name, "jsondir 1", 1, "1", exists=self.exists(LIVE))
        if not facts.exists:
            return facts
        status = os.stat(self._path(LIVE))
        where = {"file": "{0}:{1}".format(status.st_dev, status.st_ino)}
        return dataclasses.replace(facts, tables=len(_tables(self._path(LIVE))), details={"server": where})

    @contextlib.contextmanager
    def snapshot(self, which: str = LIVE) -> Iterator[Snapshot]:
        if not self.exists(which):
            raise RelocateError("database_missing", "there is no directory " + self._path(which))
        yield _View(self._path(which), self.config.alias)

    def create_blank(self, recorded: Optional[DatabaseFacts] = None) -> List[str]:
        if self.exists(LIVE):
            return []
        os.mkdir(self._path(LIVE), 0o700)
        return ["directory " + self._path(LIVE)]

    def load(self, directory: str, dump: DumpFile, recorded: DatabaseFacts) -> None:
        self.drop(INCOMING)
        with removed_on_failure(lambda: self.drop(INCOMING)):
            shutil.copytree(os.path.join(directory, dump.path), self._path(INCOMING))

    @contextlib.contextmanager
    def incoming(self, recorded: Optional[DatabaseFacts] = None) -> Iterator[DatabaseConfig]:
        self.drop(INCOMING)
        os.mkdir(self._path(INCOMING), 0o700)
        with removed_on_failure(lambda: self.drop(INCOMING)):
            yield dataclasses.replace(self.config, name=self._path(INCOMING))

    @contextlib.contextmanager
    def reachable(self, which: str) -> Iterator[DatabaseConfig]:
        yield dataclasses.replace(self.config, name=self._path(which))

    def swap(self, from_name: str = INCOMING, displaced: str = PREVIOUS) -> None:
        if not self.exists(from_name):
            raise RelocateError("no_previous", "there is no directory " + self._path(from_name))
        if self.exists(displaced):
            raise RelocateError("swap_failed", "{0} is there already".format(self._path(displaced)))
        if self.exists(LIVE):
            os.rename(self._path(LIVE), self._path(displaced))
        os.rename(self._path(from_name), self._path(LIVE))

    def drop(self, which: str) -> bool:
        existed = self.exists(which)
        if existed:
            shutil.rmtree(self._path(which))
        return existed

    def removal(self, which: str) -> str:
        return "rm -r " + self._path(which)

    def sessions(self, terminate: bool = False) -> int:
        return 0

    def change_token(self) -> str:
        names = sorted(os.listdir(self._path(LIVE)))
        return ",".join("{0}:{1}".format(n, os.stat(os.path.join(self._path(LIVE), n)).st_mtime_ns) for n in names)

    def exists(self, which: str) -> bool:
        return os.path.isdir(self._path(which))


def _read(path: str, name: str) -> List[List[object]]:
    try:
        with open(os.path.join(path, name), encoding="utf-8") as stream:
            found: List[List[object]] = json.load(stream)
            return found
    except FileNotFoundError:
        return []


def _tables(path: str) -> Dict[str, List[List[object]]]:
    kinds = [(str(kind), str(name)) for kind, name, _table, _sql in _read(path, _SCHEMA)]
    return {name: _read(path, name + ".json") for kind, name in kinds if kind == "table"}


def _schema(path: str) -> Dict[str, str]:
    return {"{0} {1}".format(kind, name): str(sql) for kind, name, _table, sql in _read(path, _SCHEMA)}
