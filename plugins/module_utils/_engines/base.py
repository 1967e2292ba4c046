# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract between the modules and a database engine.

Looking to add an engine? Make one folder beside this file: ``engine.py`` with one class that fills this contract, and
``venv_dialect.py`` with one that fills the contract of ``_fixtures/venv_dialect.py``. Add one line to ``registry.py``,
and mirror the tests of a neighbour. An engine never sees Ansible, another engine, or JSON keys.

A database is named by its role in the swap: *live* (the name in the settings), *incoming* (loaded before the swap),
*previous* (put aside by it, to be kept) and *discarded* (put aside by it, disposable: it is dropped next).
"""

from __future__ import annotations

import abc
import contextlib
import os
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Callable, ClassVar, Collection, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import ForeignDump
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    Difference,
    DumpFile,
    Login,
    Obstacle,
    SequenceState,
    SystemUser,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch

LIVE, INCOMING, PREVIOUS, DISCARDED = "live", "incoming", "previous", "discarded"


#: Called with what lets another session read the same moment: on PostgreSQL the snapshot's name, on SQLite the file to
#: read instead of the live one, on MySQL nothing, since nobody can write during the call.
OnSnapshot = Callable[[str], None]


def _silent(line: str) -> None:
    """Progress that nobody reads."""


@dataclass(frozen=True)
class EngineContext:
    """Holds what an engine needs besides the database: who acts, with how many jobs, and where secrets go.

    :param secrets: an entered store; its files belong to ``owner``
    :param owner: the project's owner, as whom client programs run; None means this process's user
    :param admin: how to reach the server as its administrator
    :param jobs: how many tables or indexes to work on at a time
    :param progress: called with one line of text now and then
    :param compression: zstd or none, for dumps whose client cannot compress with zstd itself
    :param stopwatch: what the engine's own steps count their time on
    :param orphans: tables whose rows may refer to missing rows, which the user takes along as they are
    :param definers: definer on old -> account on new, for views, triggers, routines and events of MySQL and MariaDB
    :param notes: what people should know that is no error; becomes a part of the module's result
    :param advance_sequences: whether sequences that old left behind their columns will be advanced on new
    :param project: the project's directory, to which relative paths in OPTIONS refer
    """

    secrets: SecretStore
    owner: Optional[SystemUser] = None
    admin: Login = field(default_factory=Login)
    jobs: int = 2
    progress: Callable[[str], None] = _silent
    compression: str = "zstd"
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    notes: List[str] = field(default_factory=list)
    orphans: Tuple[str, ...] = ()
    advance_sequences: bool = False
    definers: Mapping[str, str] = field(default_factory=dict)
    project: str = ""


class Snapshot(abc.ABC):
    """One consistent view of a database: the dump and the state come from the same moment."""

    _base: Optional[Mapping[str, Any]] = None  # what a catch-up will start from, where that is known
    _copied: Optional[DatabaseState] = None  # whose fingerprints hold for tables to which nothing was written since

    @abc.abstractmethod
    def dump(self, directory: str, on_snapshot: Optional[OnSnapshot] = None) -> DumpFile:
        """Write the dump below ``directory`` (exists, belongs to the owner); returns its relative path.

        :param on_snapshot: called once, while another session of the settings' user can still read the same moment
        Raises RelocateError: program_missing, client_too_old, dump_failed.
        """

    @abc.abstractmethod
    def has_tables(self) -> bool:
        """Tell whether the site has a table, by a query whose time does not grow with the data."""

    @abc.abstractmethod
    def state(self, fingerprints: bool = True, counted: Collection[str] = ()) -> DatabaseState:
        """Count (and fingerprint) everything, and read the whole schema as the server describes it, in the same view.

        :param counted: tables that get no fingerprint
        What no load can carry is left out of ``schema`` by the engine that knows so, and told: an obstacle, or a note.
        """

    def starting_point(self, copied: DatabaseState) -> Mapping[str, Any]:
        """Return what a catch-up on this moment starts from, as JSON can carry it.

        :param copied: what :meth:`state` says of this moment
        Raises cannot_catch_up; always for an engine that knows no catch-up.
        """
        raise RelocateError("cannot_catch_up", "no catch-up is known for this engine")

    def expect(self, base: Mapping[str, Any], copied: Optional[DatabaseState] = None) -> None:
        """Say, before :meth:`state`, what :meth:`catch_up` will start from, so that rows need be read only once.

        :param base: what :meth:`starting_point` said then
        :param copied: what :meth:`state` said then, when its fingerprints may stand for tables to which nothing was
            written since; an engine that cannot tell reads all
        :meth:`state` raises cannot_catch_up then where nothing can be told.
        """
        self._base, self._copied = base, copied

    def catch_up(self, directory: str, base: Mapping[str, Any], copied: DatabaseState, now: DatabaseState) -> str:
        """Write what changed since a first copy below ``directory``; returns its relative path. Nobody writes any more.

        :param base: what :meth:`starting_point` said then
        :param copied: what :meth:`state` said then
        :param now: what it says in this view
        Raises cannot_catch_up, where only a whole dump tells all; nothing is left then.
        """
        raise RelocateError("cannot_catch_up", "no catch-up is known for this engine")


class Engine(abc.ABC):
    """One alias of DATABASES on one host. Methods raise RelocateError; none leaves a half-made database behind."""

    #: the engine's word in manifests and results
    name: ClassVar[str]
    #: the file that says how rows of fixtures are read and written, in the project's interpreter: ``venv_dialect.py``
    dialect: ClassVar[ModuleType]
    #: True when the database is a file on the application's own host: no server works while we wait, and no second
    #: thread may touch it
    is_file: ClassVar[bool] = False
    #: True when what changed since a first copy can be carried alone (:meth:`Snapshot.catch_up`, :meth:`apply`)
    catches_up: ClassVar[bool] = False
    #: True when :meth:`apply` proves that incoming is byte for byte what was counted on old: then rows are counted once
    #: more, and what they hold is not read again
    applies_bytes: ClassVar[bool] = False
    #: True when changes can be followed from a first copy on (:meth:`follow`, :meth:`replay`)
    replicates: ClassVar[bool] = False
    #: kinds of dumps by other tools that :meth:`adopted` takes, as ``foreign.py`` names them
    adopts: ClassVar[Tuple[str, ...]] = ()
    #: how fingerprints are computed; "" is this server's best, a manifest's own method makes two servers comparable
    method: str = ""

    def __init__(self, config: DatabaseConfig, context: EngineContext) -> None:
        self.config, self.context = config, context
        context.secrets.remember(config.password, context.admin.password)

    @property
    def in_place(self) -> bool:
        """True where nobody may make a database beside live, so that a load fills live itself.

        Live must be blank for it. It counts as blank until the swap, and nothing can be put aside.
        """
        return False

    @abc.abstractmethod
    def preflight(self, side: str, recorded: Optional[DatabaseFacts] = None) -> List[Obstacle]:
        """Everything that would stop this engine, found without writing anything.

        :param side: "old" (will be dumped) or "new" (will be created and loaded)
        :param recorded: on new, the facts of the database on old
        """

    @abc.abstractmethod
    def describe(self) -> DatabaseFacts:
        """Facts of the live database, or of the server alone with ``exists=False`` when there is no such database."""

    @abc.abstractmethod
    def snapshot(self, which: str = LIVE) -> "contextlib.AbstractContextManager[Snapshot]":
        """Open a consistent view of live or of a database beside it, held until the context ends."""

    def differences(self, recorded: DatabaseState, found: DatabaseState) -> List[Difference]:
        """Every difference for which the data is refused; one that is no loss is named in the notes."""
        refused, named = self.judge(compare_states(recorded, found))
        self.context.notes.extend("database {0}: {1}".format(self.config.alias, text) for text in named)
        return refused

    def judge(self, differences: Sequence[Difference]) -> Tuple[List[Difference], List[str]]:
        """Sort differences into those for which the data is refused, and sentences for the report.

        An engine names what it knows to be no loss, such as a grant to a role that this server does not have.
        """
        return list(differences), []

    @abc.abstractmethod
    def create_blank(self, recorded: Optional[DatabaseFacts] = None) -> List[str]:
        """Make role, rights and the blank live database as far as they are missing; returns what was made.

        A live database that exists is left as it is, whatever it holds. So is the password of a role that exists, since
        others may use it: login_failed is raised before anything is made when the settings' password does not fit,
        with what to type in the hint. Only a role that is made here gets the password. :meth:`preflight` on new tells
        the same when the password is known to it.
        """

    @abc.abstractmethod
    def load(self, directory: str, dump: DumpFile, recorded: DatabaseFacts) -> None:
        """Load a dump into a fresh incoming database, replacing a leftover one. Live is not touched.

        On failure incoming is dropped and dump_truncated or load_failed raised.
        """

    def apply(self, path: str) -> Collection[str]:
        """Apply a catch-up to incoming, which holds its first copy; all of it or nothing.

        :param path: of what :meth:`Snapshot.catch_up` wrote
        :returns: the tables that may hold other rows now, as :meth:`Snapshot.state` names them
        Raises cannot_catch_up. Whether incoming then holds what it should only a comparison tells.
        """
        raise RelocateError("cannot_catch_up", "no catch-up is known for this engine")

    def try_apply(self) -> None:
        """Do all that :meth:`apply` does to incoming but change rows, so that what would fail does so before a freeze.

        Raises cannot_catch_up.
        """
        raise RelocateError("cannot_catch_up", "no catch-up is known for this engine")

    def check_replication(self) -> List[Obstacle]:
        """Everything that would stop :meth:`follow` on old, found without writing anything."""
        hint = "set relocate_replicate: false"
        return [Obstacle("replication_refused", "no replication is known for this engine", hint, self.config.alias)]

    def follow(self, stream: str, limit: int) -> "contextlib.AbstractContextManager[Snapshot]":
        """Open the view from which changes are followed: all that is committed later is written below ``stream``.

        Once the block has ended well, a process goes on with that while the site serves. It ends by itself, and leaves
        nothing on the server, when ``stream`` is removed, at the limit, after a day, and whenever it is killed.

        :param stream: an empty directory of ours
        :param limit: bytes, of what is written down and of what the server keeps for it
        Raises cannot_catch_up.
        """
        raise RelocateError("cannot_catch_up", "no replication is known for this engine")

    def followed(self, stream: str) -> Mapping[str, Any]:
        """Say how far a stream is: ``files``, ``bytes``, bytes ``behind`` and ``kept``; ``ended`` tells why it has."""
        return {}

    def finish(self, stream: str, base: Mapping[str, Any]) -> Mapping[str, Any]:
        """End a stream, once all that is committed is in it; nobody writes any more.

        :param base: what :meth:`Snapshot.starting_point` said then
        :returns: what a catch-up on the stream starts from
        Raises cannot_catch_up. Nothing is left on the server in any case.
        """
        raise RelocateError("cannot_catch_up", "no replication is known for this engine")

    def replay(self, stream: str) -> int:
        """Take what of a stream incoming lacks into it; returns how many files of it incoming then has.

        Raises cannot_catch_up: incoming is of no use any more then.
        """
        raise RelocateError("cannot_catch_up", "no replication is known for this engine")

    @abc.abstractmethod
    def incoming(self, recorded: Optional[DatabaseFacts] = None) -> "contextlib.AbstractContextManager[DatabaseConfig]":
        """Make a blank incoming database, replacing a leftover one, for the block to fill as the settings' user.

        Gives the settings with its name. What a load does afterwards is done after the block. When it raises, incoming
        is dropped. Live is not touched.

        :param recorded: what it shall be like; by default as live, or as the server makes them
        """

    @abc.abstractmethod
    def reachable(self, which: str) -> "contextlib.AbstractContextManager[DatabaseConfig]":
        """Let the settings' user into a database beside live for as long as the block takes.

        Gives the settings with its name.
        """

    def examine(self, dump: ForeignDump) -> List[str]:
        """Look at a dump that another tool made, without writing; returns sentences on what it says of itself.

        Raises what :meth:`adopted` raises, as far as it shows.
        """
        raise RelocateError("unsupported_engine", "no dump of another tool is known for this engine")

    def adopted(self, dump: ForeignDump) -> "contextlib.AbstractContextManager[DatabaseConfig]":
        """Load a dump that another tool made into a fresh incoming database; gives the settings with its name.

        Its statements are a stranger's: they are read one by one, run as the settings' user, and refused where they
        lead out of that database. In the block it can be described, counted and dumped by an engine of these settings.
        The caller drops it after the block; on failure it is dropped. Live is not touched.
        Raises dump_refused, dump_truncated, dump_encoding, load_failed.
        """
        raise RelocateError("unsupported_engine", "no dump of another tool is known for this engine")

    def advance_sequences(self, behind: Sequence[SequenceState]) -> Sequence[SequenceState]:
        """Set sequences of incoming to the highest values of their columns; returns those that were set.

        A counter that follows the ids that rows bring, as those of MySQL and SQLite do, is never behind.
        """
        return ()

    @abc.abstractmethod
    def swap(self, from_name: str = INCOMING, displaced: str = PREVIOUS) -> None:
        """Give ``from_name`` the name in the settings, in one step; the live one, if any, becomes ``displaced``.

        Ends sessions first. Never drops or overwrites a database: raises swap_failed before any change when
        ``displaced`` exists. ``swap(displaced, from_name)`` takes a swap back.

        An error means that live is as before. Once the exchange is made, nothing that goes wrong later is raised, and
        a lost answer is asked for again. After it, and after a crash at any moment, ``exists(displaced)`` says whether
        the exchange was made.
        """

    @abc.abstractmethod
    def drop(self, which: str) -> bool:
        """Drop live or a database beside it, with what a crash left of it; returns whether it existed."""

    @abc.abstractmethod
    def removal(self, which: str) -> str:
        """The one command line, for a shell of root on this host, that removes a database beside live."""

    @abc.abstractmethod
    def sessions(self, terminate: bool = False) -> int:
        """Count the other sessions that use live; with ``terminate``, end them."""

    @abc.abstractmethod
    def change_token(self) -> str:
        """Read a token that costs nothing to look at: while it stays the same, nothing was written to live.

        When it differs something may have been written, or the server was started anew: only counting tells.
        """

    @abc.abstractmethod
    def exists(self, which: str) -> bool:
        """Tell whether live or a database beside it is there.

        What a swap that died made in advance, such as an empty schema or a second name of live's file, is none.
        """


@contextlib.contextmanager
def removed_on_failure(remove: Callable[[], Any]) -> Iterator[None]:
    """Run ``remove`` when the block fails, without hiding why it failed."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            remove()
        raise


def default_jobs() -> int:
    """Parallel jobs: one a core, two at least since dumps wait for disks, eight at most to spare the server."""
    return max(2, min(8, os.cpu_count() or 2))


def majors(version: str) -> Tuple[int, ...]:
    """The comparable form of a version text: "10.11.6-MariaDB" -> (10, 11, 6)."""
    numbers: List[int] = []
    for part in version.replace("-", ".").split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def missing_programs(names: Sequence[str], find: Callable[[str], Optional[str]], package: str) -> List[Obstacle]:
    """One obstacle for each program that is not on this host, naming the package that brings it."""
    return [
        Obstacle("program_missing", "{0} is not installed".format(name), "install {0}".format(package))
        for name in names
        if find(name) is None
    ]
