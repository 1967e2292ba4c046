# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what would stop a dump from, or a load into, MySQL or MariaDB. Only reads."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import (
    admin,
    definers,
    facts,
    programs,
    rights,
    survey,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import load as loading
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import swap as swapping
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Flavor,
    Session,
    driver,
    ident,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Obstacle

#: The first releases whose clients and catalogue are what this engine expects.
OLDEST = {"MariaDB": (10, 3), "MySQL": (8, 0)}
#: What max_allowed_packet can be at most, and the room that our INSERTs of many short rows take (bytes).
_LONGEST, _INSERTS = 1 << 30, 8 << 20


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (" and {0} more".format(len(names) - 10) if len(names) > 10 else "")


def check_old(server: Server) -> List[Obstacle]:
    """Everything that would stop a dump."""
    findings = Findings(server.config.alias)
    if not _basics(server, findings):
        return findings.found
    session = findings.collect(lambda: server.connect(server.config.name))
    if session is None:
        return findings.found
    with session:
        _version(session.flavor, findings)
        findings.collect(lambda: programs.dump_client(session.flavor))
        findings.collect(lambda: _definitions(server))
        findings.collect(lambda: undumpable(session, server.config.name, findings))
    return findings.found


def _definitions(server: Server) -> None:
    """Bodies of others' routines are shown to the administrator only."""
    with server.anyone() as session:
        stored.read(session, server.config.name)


def undumpable(session: Session, database: str, findings: Findings) -> None:
    """Find what no server like this one could create again from a set."""
    leave, flavor = ", or leave the alias out of relocate_aliases", session.flavor
    checks = (
        (survey.kinds, "these are of a kind that is not carried", "drop them if nothing uses them"),
        (survey.broken_views, "these views are over something that is gone", "drop them, or bring back what they need"),
        (
            survey.numbered_by_sequence,
            "the default of these columns is a sequence, which is lost when a database is renamed",
            "ALTER TABLE ... ALTER COLUMN ... DROP DEFAULT, or use AUTO_INCREMENT",
        ),
        (
            survey.versioned_by_transaction,
            "the history of these tables counts in transactions of this server",
            "ALTER TABLE ... DROP SYSTEM VERSIONING if you can lose the history",
        ),
    )
    for ask, what, remedy in checks:
        names = ask(session, database)
        if names:
            findings.add("unsupported_object", "{0}: {1}".format(what, _some(names)), remedy + leave)
    history = [table.name for table in states.list_tables(session, database) if table.versioned]
    if history and flavor.numbers[:2] < (10, 11):
        refusal = loading.history_refused(session, history)
        findings.add("unsupported_object", refusal.msg, refusal.hint)


def _basics(server: Server, findings: Findings) -> bool:
    """Nothing can be asked without a driver and a name."""
    if not server.config.name:
        findings.add("bad_option", "the settings give the alias no NAME", "set NAME in the settings")
        return False
    return findings.collect(driver) is not None


def _version(flavor: Flavor, findings: Findings) -> None:
    if flavor.numbers[:2] < OLDEST[flavor.product]:
        findings.add(
            "server_too_old",
            "{0} {1} is older than {2}.{3}".format(flavor.product, flavor.series, *OLDEST[flavor.product]),
            "upgrade the server first",
        )


def check_new(server: Server, recorded: Optional[DatabaseFacts]) -> List[Obstacle]:
    """Everything that would stop a load."""
    findings = Findings(server.config.alias)
    if not _basics(server, findings):
        return findings.found
    session = findings.collect(server.admin)
    if session is None:
        return findings.found
    with session:
        _version(session.flavor, findings)
        findings.collect(lambda: programs.load_client(session.flavor))
        findings.collect(programs.zstd)
        _password(server, session, findings)
        held = rights.Rights(session)
        _databases(server, held, findings)
        if recorded is not None and recorded.engine == "mysql":
            facts_of = findings.collect(lambda: facts.received(recorded))
            if facts_of is not None:
                _matches(session, facts_of, findings)
                findings.collect(lambda: _definers(server, session, facts_of.details, findings))
                _definitions_of(server, session, held, facts_of.details, findings)
    return findings.found


def _databases(server: Server, held: rights.Rights, findings: Findings) -> None:
    """Databases beside the live one that a restore makes. Who was not named as administrator has been asked already."""
    if server.context.admin.given:
        name = server.config.name
        beside = [admin.derived_name(name, which) for which in (INCOMING, PREVIOUS, DISCARDED)]
        gives = held.account.rpartition("@")[0] != ident(server.user)
        for error in held.databases([name, *beside], gives, [swapping.journal_of(one) for one in beside]):
            findings.error(error)


def _definitions_of(
    server: Server, session: Session, held: rights.Rights, details: Mapping[str, Any], findings: Findings
) -> None:
    """Views, triggers, routines and events that the administrator has to make again."""
    try:
        heirs = definers.chosen(server.context.definers).accounts
    except RelocateError:
        heirs = []  # told with the definers themselves
    refused = held.definitions(server.user, details, heirs)
    if not _trusts(session):
        refused += rights.untrusted(held, rights.needs_trust(details))
    for error in refused:
        findings.error(error)


def _definers(server: Server, session: Session, details: Mapping[str, Any], findings: Findings) -> None:
    """Accounts that are to become definers on new."""
    wanted = definers.chosen(server.context.definers)
    own = stored.account(server.user, admin.host_part(server, session))
    owners = (own, str(details.get("account") or own))
    used = set(details.get("definers", wanted.named))
    for refusal in definers.refusals(session, wanted, owners, server.config.name, used):
        findings.error(refusal)


def _password(server: Server, session: Session, findings: Findings) -> None:
    """A user who exists with another password: nobody but its owner may change it.

    Before a move the settings of new are not there yet, and their password is not known.
    """
    if not server.config.password:
        return
    try:
        server.connect().close()
    except RelocateError as exc:
        host = admin.host_part(server, session)
        if exc.code == "login_failed" and findings.collect(lambda: admin.user_exists(session, server.user, host)):
            found = admin.wrong_password(server, host, exc)
            findings.add(found.code, found.msg, found.hint)


def _matches(session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    product, details = session.flavor.product, recorded.details
    if details.get("product") == product and facts.version_of(recorded.major) > session.flavor.numbers[:2]:
        findings.add(
            "server_too_old",
            "a dump of {0} {1} cannot be loaded into {0} {2}".format(product, recorded.major, session.flavor.series),
            "install {0} {1} or later on new".format(product, recorded.major),
        )
    needed = {facts.modern(name) for name in [*details.get("collations", []), recorded.collation] if name}
    missing = sorted(needed - _collations(session))
    if missing:
        findings.add(
            "collation_missing",
            "{0} {1} does not know {2}".format(product, session.flavor.series, _some(missing)),
            "convert those tables and columns on old to a collation that both servers know, such as utf8mb4_unicode_ci",
        )
    if details.get("product") != product and details.get("json"):
        findings.add(
            "unsupported_object",
            "{0} and {1} keep JSON differently, so equality cannot be proven: {2}".format(
                details.get("product"), product, _some(details["json"])
            ),
            "move to a {0} server, or carry the data as fixtures".format(details.get("product")),
        )
    _variables(session, details, findings)
    _elsewhere(session, details, findings)
    _functions(session, details, findings)
    _kinds_of_tables(session, details, findings)


def _collations(session: Session) -> Set[str]:
    """Name all collations that the server knows."""
    rows = session.rows("SELECT COLLATION_NAME FROM information_schema.COLLATIONS") + _full_names(session)
    return {facts.modern(str(row[0])) for row in rows}


def _full_names(session: Session) -> List[Any]:
    """MariaDB lists its newer collations without their character set."""
    try:
        return session.rows("SELECT FULL_COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY")
    except RelocateError:
        return []


def _variables(session: Session, details: Any, findings: Findings) -> None:
    here = survey.settings(session)
    before = dict(details.get("variables") or {})
    _packet(session, int(here["max_allowed_packet"]), details, findings)
    _keys(session, details, findings)
    case, former = int(here["lower_case_table_names"]), int(details.get("lower_case_table_names") or 0)
    if case != former:
        findings.add(
            "setting_differs",
            "lower_case_table_names is {0} on new and {1} on old".format(case, former),
            "set up the new server with the old one's value: it cannot be changed later",
        )
    if details.get("events") and before.get("event_scheduler") == "ON" and here.get("event_scheduler") != "ON":
        findings.add(
            "setting_differs",
            "event_scheduler is {0} on new and ON on old, where these events run: {1}".format(
                here.get("event_scheduler"), _some(details["events"])
            ),
            "add the line event_scheduler = ON to the new server's configuration below [mysqld]",
        )
    if before.get("time_zone_names") == "loaded" and here["time_zone_names"] != "loaded":
        findings.add(
            "setting_differs",
            "the new server does not know the names of time zones, and the old one does",
            "run there: mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql (or mysql_tzinfo_to_sql, mysql)",
        )


def _packet(session: Session, here: int, details: Any, findings: Findings) -> None:
    """A value of old may be as long as its server allows, or its table is; in our INSERTs it is twice that."""
    before = int(details.get("max_allowed_packet") or 0)
    needed = min(before, _LONGEST)
    if not admin.may_set(session):
        largest = int(details.get("largest_table", before))
        needed = max(needed, _INSERTS, min(2 * before, 2 * largest + _INSERTS, _LONGEST))
    if here < needed:
        findings.add(
            "setting_differs",
            "max_allowed_packet is {0} bytes on new: rows of old, or our INSERTs, may not fit".format(here),
            "add the line max_allowed_packet = {0} to the new server's configuration below [mysqld]".format(needed),
        )


def _keys(session: Session, details: Any, findings: Findings) -> None:
    """Tables that a server which wants a primary key of each would refuse to make."""
    names = "('sql_require_primary_key', 'innodb_force_primary_key')"
    rows = session.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN " + names)
    wanted = [str(name) for name, value in rows if str(value) == "ON"]
    without = list(details.get("without_key") or ())
    if wanted and without:
        findings.add(
            "setting_differs",
            "{0} is ON on new, and these tables have no primary key: {1}".format(wanted[0], _some(without)),
            "add the line {0} = OFF to the new server's configuration below [mysqld], or give them primary keys"
            " on old".format(wanted[0]),
        )


def _elsewhere(session: Session, details: Any, findings: Findings) -> None:
    """Find what belongs to more than this database."""
    for name, users in sorted(dict(details.get("elsewhere") or {}).items()):
        if not admin.database_exists(session, name):
            findings.add(
                "unsupported_object",
                "database {0}, which is not on new, is used by {1}".format(name, _some(users)),
                "move that database first, or drop them on old",
            )


def _functions(session: Session, details: Any, findings: Findings) -> None:
    """Find functions that the server refuses for the sake of its binary log."""
    undeclared = list(details.get("undeclared") or ())
    if undeclared and not _trusts(session):
        findings.add(
            "setting_differs",
            "the new server writes a binary log and refuses functions that do not declare what they read: {0}".format(
                _some(undeclared)
            ),
            "add the line log_bin_trust_function_creators = 1 to its configuration below [mysqld], or declare them"
            " READS SQL DATA or DETERMINISTIC on old",
        )


def _kinds_of_tables(session: Session, details: Any, findings: Findings) -> None:
    """Find what the server has no like of."""
    versioned = list(details.get("versioned") or ())
    if versioned and (not session.flavor.mariadb or session.flavor.numbers[:2] < (10, 11)):
        findings.error(loading.history_refused(session, versioned))
    sequences = list(details.get("sequences") or ())
    if sequences and not session.flavor.mariadb:
        findings.add(
            "unsupported_object",
            "MySQL has no sequences: {0}".format(_some(sequences)),
            "move to a MariaDB server, or drop them if nothing uses them",
        )


def _trusts(session: Session) -> bool:
    names = "('log_bin', 'log_bin_trust_function_creators')"
    rows = session.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN " + names)
    found = {str(name): str(value) for name, value in rows}
    return found.get("log_bin") != "ON" or found.get("log_bin_trust_function_creators") == "ON"
