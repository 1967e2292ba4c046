# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads a dump that somebody else made with pg_dump into a blank database: as the settings' role, in one transaction.

An archive becomes SQL first, by a pg_restore that connects to nothing. The SQL is read here, not by psql: what no dump
of one database needs is refused before anything is made (``foreign_policy``). What functions of the dump did outside of
that database shows in the server's own counters before the transaction ends, and takes all of it back.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field, replace
from typing import IO, Collection, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    ANOTHER_COPY,
    PG_DIRECTORY,
    PG_PLAIN,
    PG_TAR,
    ForeignDump,
    LeftOut,
    check_tar,
    refused,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import extensions, programs
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.foreign_policy import (
    COPY,
    QUIET,
    RUN,
    Policy,
    extension_of,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.foreign_script import (
    Script,
    Statement,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS, Amount
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_HEADER = 4096  # bytes at the beginning of a script, in which its maker tells of itself
_TITLE = 40  # lines of a table of contents, in which it does
#: Entries of an archive that pg_restore leaves out here.
_UNWANTED = re.compile(r"^\d+; \d+ \d+ (ACL|DEFAULT ACL|PUBLICATION|SUBSCRIPTION|SECURITY LABEL) ")
_UNWANTED_WORDS = {
    "ACL": "rights",
    "DEFAULT ACL": "default rights",
    "PUBLICATION": "publications",
    "SUBSCRIPTION": "subscriptions",
    "SECURITY LABEL": "security labels",
}
_MADE_BY = re.compile(rb"^(?:-- |;\s+)Dumped by pg_dump version:? ?(\d+)(\S*)", re.MULTILINE)
_SERVER = re.compile(rb"^(?:-- |;\s+)Dumped from database version:? ?(\d+)(\S*)", re.MULTILINE)
#: Rows of these change when a statement reaches out of its database: roles, memberships, settings, databases.
_SHARED = "pg_authid pg_auth_members pg_database pg_db_role_setting pg_tablespace pg_parameter_acl".split()
_REACHED_OUT = (
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_catalog.pg_stat_xact_sys_tables"
    " WHERE relname IN ({0})".format(", ".join("'{0}'".format(name) for name in _SHARED))
)


@dataclass
class Surveyed:
    """Tells what a script would do, read to its end before anything is done.

    :param client: major version of the pg_dump that made it; 0 where it does not tell
    """

    client: int = 0
    server: int = 0
    tables: int = 0
    rows: int = 0
    extensions: Dict[str, str] = field(default_factory=dict)  # name -> schema
    left: LeftOut = field(default_factory=LeftOut)


def versions(head: bytes) -> Surveyed:
    """Read which pg_dump and server made a dump, out of the comments at its head."""
    client, server = _MADE_BY.search(head), _SERVER.search(head)
    return Surveyed(client=int(client.group(1)) if client else 0, server=int(server.group(1)) if server else 0)


def survey(stream: IO[bytes], known: Set[str], rewrapped: bool = False) -> Surveyed:
    """Read a script to its end. Raises dump_refused, dump_truncated, dump_encoding.

    :param known: settings of the server
    """
    stream.seek(0)
    found = versions(stream.read(_HEADER))
    stream.seek(0)
    script, policy = Script(stream, rewrapped), Policy(known)
    for statement in script.statements():
        extension = None if statement.is_command else extension_of(statement)
        if extension is not None:
            found.extensions[extension[0]] = extension[1]
            continue
        what = policy.judge(statement)
        if what == COPY:
            found.rows += script.rows().skip()
        elif what == RUN:
            _count(found, statement)
        elif what != QUIET:
            found.left.add(what)
    return found


def _count(found: Surveyed, statement: Statement) -> None:
    words = statement.words(3)
    found.tables += words[:1] == ["CREATE"] and "TABLE" in words
    found.rows += words[:1] == ["INSERT"]


def check(found: Surveyed, server: int) -> None:
    """Refuse a dump that this server is too old for, or that holds no site. Raises server_too_old, dump_refused.

    :param server: major version
    """
    if max(found.client, found.server) > server:
        raise RelocateError(
            "server_too_old",
            "a dump of server {0}, by pg_dump {1}, cannot be loaded into server {2}".format(
                found.server or "unknown", found.client or "unknown", server
            ),
            "use a host with PostgreSQL {0}, or dump with pg_dump {1} from such a server".format(
                max(found.client, found.server), server
            ),
        )
    if not found.tables:
        raise refused("the dump", "makes no table", "dump schema and rows: without --data-only, --schema-only, --table")
    if not found.rows:
        raise refused("the dump", "holds no row of any table", "dump rows too: without --schema-only")


def examine(server: Server, dump: ForeignDump) -> List[str]:
    """Look at a dump without writing; returns sentences for the result. Raises as :func:`survey` and :func:`check`."""
    with server.anyone() as session:
        refuse_superuser(server, session)
        if dump.kind != PG_PLAIN:
            found = _versions_in(_listing(server, dump))
            programs.choose_restore(programs.installed("pg_restore"), found.client, session.major)
            return [_made_by(found)]
        found = surveyed(dump.stream, session, dump.rewrapped)
        facts = model_of(DatabaseFacts("postgresql", "", session.version, str(session.major)), found)
        for one in extensions.unapproved(server, session, facts):
            raise RelocateError("right_missing", one.msg, one.hint)
    return [_made_by(found), *found.left.sentences(server.config.alias)]


def surveyed(stream: IO[bytes], session: Session, rewrapped: bool) -> Surveyed:
    """Read a script to its end, and hold it against the server. Raises as :func:`survey` and :func:`check`."""
    found = survey(stream, _settings(session), rewrapped)
    check(found, session.major)
    return found


def _versions_in(lines: Sequence[str]) -> Surveyed:
    return versions("\n".join(lines[:_TITLE]).encode("utf-8", "replace"))


def _made_by(found: Surveyed) -> str:
    return "made by pg_dump {0} of server {1}".format(found.client or "unknown", found.server or "unknown")


def _settings(session: Session) -> Set[str]:
    return {str(name).lower() for (name,) in session.rows("SELECT name FROM pg_catalog.pg_settings")}


def refuse_superuser(server: Server, session: Session) -> None:
    """A superuser's session runs programs of the host, and reads its files, when a function of the dump asks for it."""
    role = server.acts_as
    sql = "SELECT count(*) FROM pg_catalog.pg_roles WHERE rolsuper AND rolname IN ({0})"
    names = ", ".join("'{0}'".format(name.replace("'", "''")) for name in (role, server.role))
    if session.value(sql.format(names)):
        raise RelocateError(
            "superuser_refused",
            "role {0} of the settings is a superuser: somebody else's dump would be loaded with all rights on the"
            " server".format(role),
            "give the site a role of its own: CREATE ROLE ... LOGIN, and make it the owner of the database",
        )


def _listing(server: Server, dump: ForeignDump) -> List[str]:
    """The table of contents, by the newest pg_restore: what it cannot read none can. Raises dump_truncated."""
    if dump.kind == PG_DIRECTORY:
        programs.check_complete(server, dump.path)
    if dump.kind == PG_TAR:
        check_tar(dump.stream)
    clients = programs.installed("pg_restore")
    if not clients:
        raise RelocateError("program_missing", "pg_restore is not installed", "install postgresql-client")
    return programs.listing(server, clients[-1], dump.path, None if dump.kind == PG_DIRECTORY else dump.stream)


@contextlib.contextmanager
def script_of(server: Server, dump: ForeignDump, major: int, left: LeftOut) -> Iterator[IO[bytes]]:
    """Open the SQL of a dump; an archive's is written to the scratch directory first, where it has no name.

    :param left: counts what pg_restore leaves out
    Raises dump_truncated, disk_full, client_too_old, server_too_old.
    """
    if dump.kind == PG_PLAIN:
        yield dump.stream
        return
    lines = _listing(server, dump)
    for line in lines:
        match = _UNWANTED.match(line)
        if match:
            left.add(_UNWANTED_WORDS[match.group(1)])
    client = programs.choose_restore(programs.installed("pg_restore"), _versions_in(lines).client, major)
    path = os.path.join(dump.scratch, "script.sql")
    with contextlib.ExitStack() as stack:
        with acting_as(server.context.owner):
            made = stack.enter_context(created(path))
            stream = stack.enter_context(open(path, "rb"))
            os.unlink(path)
        _write_script(server, client, dump, made)
        yield stream


def _write_script(server: Server, client: programs.Client, dump: ForeignDump, out: IO[bytes]) -> None:
    argv = [client.path, "--file=-", "--no-owner", "--no-acl", "--no-tablespaces", "--no-publications"]
    argv += ["--no-subscriptions", "--no-security-labels", "--exit-on-error"]
    given: Optional[IO[bytes]] = None
    if dump.kind == PG_DIRECTORY:
        argv.append(dump.path)
    else:
        given = dump.stream
        given.seek(0)
    with PROGRESS.part("unpack"):
        done = run(Command(argv, user=server.context.owner, family=True), stdin=given, stdout=out)
    if done.rc != 0:
        raise programs.failed(server, "dump_truncated", "the dump cannot be read to its end", done, ANOTHER_COPY)


@contextlib.contextmanager
def opened(server: Server, session: Session, dump: ForeignDump) -> Iterator[Tuple[IO[bytes], Surveyed]]:
    """Open the SQL of a dump that may be loaded, and tell what is in it. Raises as :func:`examine`."""
    refuse_superuser(server, session)
    left = LeftOut()
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(script_of(server, dump, session.major, left))
        found = surveyed(stream, session, dump.rewrapped)
        found.left.merge(left)
        yield stream, found


def model_of(live: DatabaseFacts, found: Surveyed) -> DatabaseFacts:
    """Say what the blank database is to be like: as live, with the extensions of the dump."""
    wanted = {name: "" for name in found.extensions if name != "plpgsql"}
    schemas = {name: schema for name, schema in found.extensions.items() if name in wanted and schema}
    return replace(live, exists=True, extensions=wanted, extension_schemas=schemas, settings=())


def load(server: Server, database: str, dump: IO[bytes], rewrapped: bool, found: Surveyed) -> None:
    """Run a script that has been surveyed. Raises load_failed, dump_refused, and as :func:`survey`."""
    with server.admin(database) as admin:
        extensions.allow_extension_rows(server, admin, True)
        with server.connect(database) as session:
            _run_all(session, dump, rewrapped, set(found.extensions.values()))
        extensions.allow_extension_rows(server, admin, False)


def _run_all(session: Session, stream: IO[bytes], rewrapped: bool, made: Collection[str]) -> None:
    """:param made: schemas that are there already"""
    stream.seek(0)
    size = os.fstat(stream.fileno()).st_size
    script, policy = Script(stream, rewrapped), Policy(_settings(session))
    session.run("SET search_path TO public, pg_catalog", "BEGIN")
    with PROGRESS.measured(lambda: Amount(stream.tell(), size), BYTES):
        for statement in script.statements():
            if not statement.is_command and extension_of(statement) is not None:
                continue
            what = policy.judge(statement)
            if what == COPY or (what == RUN and not _is_made(statement, made)):
                _run(session, script, statement, what)
    session.run("SET search_path TO pg_catalog")  # what is asked next is the server's, and nothing of the dump's
    if int(session.value(_REACHED_OUT)):
        raise refused("the dump", "changes roles, rights or settings outside of its own database")
    session.rows("COMMIT")


def _is_made(statement: Statement, made: Collection[str]) -> bool:
    words = statement.words(3)
    return words[:2] == ["CREATE", "SCHEMA"] and words[2].lower().strip('"') in made


def _run(session: Session, script: Script, statement: Statement, what: str) -> None:
    try:
        if what == COPY:
            session.copy_in(statement.text, script.rows())
        else:
            session.run_bytes(statement.text)
    except RelocateError as exc:
        if exc.code not in ("query_failed", "right_missing"):
            raise
        hint = _hint_of(exc)
        raise RelocateError("load_failed", "{0}: {1}".format(statement.where, exc.msg), hint) from None


def _hint_of(exc: RelocateError) -> str:
    state = str(exc.details.get("sqlstate") or "")
    if state == "53200":
        return "raise max_locks_per_transaction on the server, restart it, then run this again"
    if state in ("42704", "58P01", "0A000"):
        return "install on this host's server what the dump needs, such as an extension, then run this again"
    return "fix what the message names; the live database was not touched"
