# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old's side of a replication, but for the process that follows: what it needs, how it begins and how it ends."""

from __future__ import annotations

import contextlib
import json
from typing import IO, Any, Dict, Iterator, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.following import Limits
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import replicate_follow, replicate_sql
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, check_packets
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.snapshot import MysqlSnapshot
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings, cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Obstacle, as_plain

_OFF = "set relocate_replicate: false"


def check(server: Server) -> List[Obstacle]:
    """Everything that would stop a replication out of this database, found without writing anything."""
    findings = Findings(server.config.alias)
    try:
        check_packets()
        with server.admin() as session:
            if not session.flavor.mariadb:
                findings.add(
                    "replication_refused",
                    "MySQL does not tell where in its binary log a snapshot stands, as MariaDB does",
                    _OFF,
                )
                return findings.found
            _check_server(session, server.config.name, findings)
    except RelocateError as exc:
        findings.error(exc)
    return findings.found


def _check_server(session: Session, database: str, findings: Findings) -> None:
    found = replicate_sql.settings(session)
    for msg, hint in replicate_sql.unfit(found):
        findings.add("replication_refused", msg, "{0}; or {1}".format(hint, _OFF))
    missing = replicate_sql.may_replicate([str(row[0]) for row in session.rows("SHOW GRANTS")])
    if missing:
        account = str(session.value("SELECT CURRENT_USER()"))
        findings.add(
            "right_missing",
            "user {0} may not read the binary log".format(account),
            "as an administrator on old: GRANT {0} ON *.* TO {1}; or {2}".format(
                ", ".join(sorted(missing, reverse=True)), "'{0}'@'{1}'".format(*account.rsplit("@", 1)), _OFF
            ),
        )
    elif replicate_sql.hidden(session.rows("SHOW MASTER STATUS"), database):
        findings.add(
            "replication_refused",
            "the server keeps database {0} out of its binary log (binlog_do_db, binlog_ignore_db)".format(database),
            "remove that from the server's configuration, then restart MariaDB: every site on it is interrupted;"
            " or " + _OFF,
        )


@contextlib.contextmanager
def begun(server: Server, directory: str, limits: Limits) -> Iterator["FollowedSnapshot"]:
    """Begin the process that follows; gives the view whose moment is the one at which the stream begins.

    The process goes on when the block has ended well; after any other end nothing is left. Raises cannot_catch_up.
    """
    problems = check(server)
    if problems:
        raise cannot_catch_up("; ".join(problem.msg for problem in problems))
    _tell_others(server)

    def work(tell: IO[bytes], go: IO[bytes]) -> None:
        replicate_follow.process(server, directory, limits, tell, go)

    with contextlib.ExitStack() as stack:
        process = stack.enter_context(following.begun(directory, work))
        opened = FollowedSnapshot(server, server.config.name, process)
        stack.callback(opened.close)
        yield opened


def _tell_others(server: Server) -> None:
    name = server.config.name
    with server.connect(name) as own:
        found = replicate_sql.sorted_out(own, name, states.list_tables(own, name))
    if not found.followed:
        raise cannot_catch_up("no table can be replicated")
    if found.others:
        server.context.notes.append(
            "database {0}: these tables have no primary key that can be read in the binary log, change along with"
            " others (ON DELETE, ON UPDATE), have no transactions or keep former rows, and are not replicated; if they"
            " change, they are carried in the downtime: {1}".format(server.config.alias, ", ".join(found.others))
        )


class FollowedSnapshot(MysqlSnapshot):
    """The moment at which a replication begins."""

    def __init__(self, server: Server, database: str, process: following.Begun) -> None:
        super().__init__(server, database)
        self._process = process
        self._replicated: List[str] = []

    def _noted(self) -> None:
        """Nobody can write: what stands in the log up to here is in the dump, and what comes is not."""
        if not self._paused:
            raise cannot_catch_up("writes could not be paused when the copy was begun")
        with self._server.connect() as own:
            own.begin_snapshot()
            file, position = replicate_sql.place(own)
            found = replicate_sql.sorted_out(own, self._database, self._tables)
            folded = bool(int(own.value("SELECT @@lower_case_table_names")))
        start = replicate_follow.Start(position, found.followed, found.others, folded)
        self._replicated = sorted(found.followed)
        self._process.tell(json.dumps(dict(as_plain(start), file=file)).encode("ascii") + b"\n")

    def starting_point(self, copied: DatabaseState) -> Mapping[str, Any]:
        """See :meth:`Snapshot.starting_point`."""
        return {**super().starting_point(copied), "replicated": self._replicated}


def finish(server: Server, directory: str, base: Mapping[str, Any]) -> Dict[str, Any]:
    """Have all that is committed written down, and end the process; nobody writes any more.

    :param base: what the first copy noted
    :returns: the same, with how many files the stream has, and which tables it tells all of
    Raises cannot_catch_up; nothing is left in any case.
    """
    try:
        with server.connect() as own:
            own.begin_snapshot()
            target = replicate_sql.position(own)
        following.ask_to_finish(directory, list(target))
        ended = following.awaited(directory)
    finally:
        following.clear(directory)
    followed = {"files": int(ended["files"]), "tables": list(ended["tables"]), "whole": list(ended["whole"])}
    return {**base, "followed": followed}
