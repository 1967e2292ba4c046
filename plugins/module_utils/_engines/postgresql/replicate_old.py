# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old's side of a replication, but for the process that follows: what it needs, how it begins and how it ends."""

from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterator, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.following import Limits
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    catchup_sql,
    queries,
    replicate_follow,
    replicate_sql,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_sql import Published
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import ident
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings, cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle

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
        following.ask_to_finish(directory, target)
        files = int(following.awaited(directory)["files"])
    finally:
        following.clear(directory)
        replicate_follow.unpublish(server, name)
    before = base["replicated"]
    same = [label for label, file in now.files.items() if before.get(label) == file]
    # A file of another name: truncated, or rewritten by ALTER TABLE, which no stream tells of. Such a table goes whole.
    return {**base, "followed": {"files": files, "tables": same, "whole": sorted(set(before) - set(same))}}
