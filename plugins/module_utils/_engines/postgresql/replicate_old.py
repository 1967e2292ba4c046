# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old's side of a replication, but for the process that follows: what it needs, how it begins and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Dict, Iterator, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    catchup_sql,
    queries,
    replicate_follow,
    replicate_sql,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_follow import (
    END,
    FINISH,
    NO_STREAM,
    STATUS,
    Limits,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_sql import Published
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import ident
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings, cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle

#: Seconds for the process to write down what is committed already; it says each second how far it is.
_PATIENCE = 600.0
_STUCK = 30.0  # seconds without a step forward
_PAUSE = 0.02
_OFF = "or set relocate_replicate: false"


def check(server: Server) -> List[Obstacle]:
    """Everything that would stop a replication out of this database, found without writing anything."""
    findings = Findings(server.config.alias)
    try:
        replicate_follow.check_driver()
        with server.connect(server.config.name) as own:
            _check_database(server, own, findings)
        with server.admin() as session:
            for msg, hint in replicate_sql.unfit(session.rows(replicate_sql.CAPACITY)[0]):
                findings.add("replication_refused", msg, hint)
            allowed, role = session.rows(replicate_sql.MAY_REPLICATE)[0]
            if not allowed:
                findings.add(
                    "right_missing",
                    "role {0} may not make replication slots".format(role),
                    "as a superuser on old: ALTER ROLE {0} REPLICATION; {1}".format(ident(str(role)), _OFF),
                )
    except RelocateError as exc:
        findings.error(exc)
    return findings.found


def _check_database(server: Server, own: Any, findings: Findings) -> None:
    creates, role = own.rows(replicate_sql.MAY_PUBLISH)[0]
    if not creates:
        findings.add(
            "right_missing",
            "role {0} may not create a publication in database {1}".format(role, server.config.name),
            "as a superuser on old: GRANT CREATE ON DATABASE {0} TO {1}; {2}".format(
                ident(server.config.name), ident(str(role)), _OFF
            ),
        )
    for schema, table, name in own.rows(catchup_sql.SLEEPLESS):
        findings.add(
            "replication_refused",
            "{0} on {1} runs always (ENABLE ALWAYS or ENABLE REPLICA)".format(name, queries.qualified(schema, table)),
            "set relocate_replicate: false: rows that are replicated would set it off once more",
        )


@contextlib.contextmanager
def begun(server: Server, directory: str, limits: Limits) -> Iterator["Begun"]:
    """Publish, and begin to follow; gives the snapshot of the moment at which the stream begins.

    The process goes on when the block has ended well; after any other end nothing is left.
    Raises cannot_catch_up.
    """
    name = replicate_sql.name_of(directory)
    problems = check(server)
    if problems:
        raise cannot_catch_up("; ".join(problem.msg for problem in problems))
    replicate_follow.unpublish(server)  # of runs that were killed with their process
    published = _publish(server, name)
    try:
        with contextlib.ExitStack() as stack:
            snapshot = stack.enter_context(replicate_follow.begun(server, name, directory, limits))
            yield Begun(snapshot, published)
    except BaseException:
        with contextlib.suppress(RelocateError):
            replicate_follow.unpublish(server, name)
        raise


class Begun:
    """A stream that has begun: the snapshot of that moment, and what is published."""

    def __init__(self, snapshot: str, published: Published) -> None:
        self.snapshot, self.published = snapshot, published


def _publish(server: Server, name: str) -> Published:
    with server.connect(server.config.name) as own:
        found = replicate_sql.sorted_out(own.rows(replicate_sql.TABLES))
        if not found.tables:
            raise cannot_catch_up("no table has a primary key")
        try:
            own.run(replicate_sql.publication_sql(name, found.tables))
        except RelocateError as exc:
            raise cannot_catch_up("nothing can be published: {0}".format(exc.msg)) from exc
    for labels, why in (
        (found.without, "have no primary key and no replica identity, or are unlogged"),
        (found.others, "belong to another role"),
    ):
        if labels:
            server.context.notes.append(
                "database {0}: these tables {1}, and are not replicated; if they change, they are carried in the"
                " downtime: {2}".format(server.config.alias, why, ", ".join(labels))
            )
    return found


def status(directory: str) -> Dict[str, Any]:
    """Return how far a stream is: files, bytes, bytes of WAL ``kept`` and ``behind``; and ``ended``, with why."""
    found = _read(directory, STATUS)
    return {**found, "ended": str(_read(directory, END).get("why") or "")}


def _read(directory: str, name: str) -> Dict[str, Any]:
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def finish(server: Server, directory: str, base: Mapping[str, Any]) -> Dict[str, Any]:
    """Have all that is committed written down, and end the process; nobody writes any more.

    :param base: what the first copy noted
    :returns: the same, with how many files the stream has, and which tables it tells all of
    Raises cannot_catch_up; slot and publication are gone in any case.
    """
    name = replicate_sql.name_of(directory)
    try:
        with server.connect(server.config.name) as own:
            own.run("SET synchronous_commit = local", replicate_sql.MARK[0])
            target = int(own.value(replicate_sql.MARK[1]))
            now = replicate_sql.sorted_out(own.rows(replicate_sql.TABLES))
        write_atomically(os.path.join(directory, FINISH), str(target))
        files = _awaited(directory)
    finally:
        _clear(directory)
        replicate_follow.unpublish(server, name)
    before = base["replicated"]
    same = [label for label, file in now.files.items() if before.get(label) == file]
    # A file of another name: truncated, or rewritten by ALTER TABLE, which no stream tells of. Such a table goes whole.
    return {**base, "followed": {"files": files, "tables": same, "whole": sorted(set(before) - set(same))}}


def _awaited(directory: str) -> int:
    """Wait until the process has ended; returns how many files the stream has. Raises cannot_catch_up."""
    began = moved = time.monotonic()
    before: Dict[str, Any] = {}
    while replicate_follow.is_alive(directory):
        now, found = time.monotonic(), _read(directory, STATUS)
        if found.get("behind") != before.get("behind") or found.get("bytes") != before.get("bytes"):
            moved, before = now, found
        if now - began > _PATIENCE or now - moved > _STUCK:
            raise cannot_catch_up("the replication did not get to its end")
        time.sleep(_PAUSE)
    ended = _read(directory, END)
    if ended.get("why") != "":
        raise cannot_catch_up("the replication ended: {0}".format(ended.get("why") or "its process is gone"))
    return int(ended["files"])


def _clear(directory: str) -> None:
    """Remove what is no part of the stream; the process ends where it has not yet."""
    for name in (*NO_STREAM, replicate_follow.PART):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(directory, name))
