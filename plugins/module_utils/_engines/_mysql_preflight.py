# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would stop a dump from or a load into MySQL or MariaDB. Everything here only asks."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_admin as admin
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_facts as facts
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_programs as programs
from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_session import Flavor, Session, driver
from ansible_collections.relocate.django.plugins.module_utils._engines._sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Obstacle

#: The first releases whose clients and catalogue are what this engine expects.
OLDEST = {"MariaDB": (10, 3), "MySQL": (8, 0)}


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
        described = findings.collect(lambda: facts.describe(server))
        findings.collect(lambda: _definitions(server))
    if described is not None:
        _undumpable(described, findings)
    return findings.found


def _definitions(server: Server) -> None:
    """Bodies of others' routines are shown to the administrator only."""
    with server.anyone() as session:
        stored.read(session, server.config.name)


def _undumpable(described: DatabaseFacts, findings: Findings) -> None:
    """What mysqldump would leave out without a word."""
    versioned, sequences = described.details["versioned"], described.details["sequences"]
    if versioned:
        findings.add(
            "unsupported_object",
            "system-versioned tables would lose their history: {0}".format(_some(versioned)),
            "ALTER TABLE ... DROP SYSTEM VERSIONING if the history may go, or leave the alias out",
        )
    if sequences:
        findings.add(
            "unsupported_object",
            "sequences are not carried: {0}".format(_some(sequences)),
            "drop them if nothing uses them, or leave the alias out",
        )


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
        if recorded is not None and recorded.engine == "mysql":
            _matches(session, recorded, findings)
    return findings.found


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
    known = {str(row[0]) for row in session.rows("SELECT COLLATION_NAME FROM information_schema.COLLATIONS")}
    known |= {str(row[0]) for row in _full_names(session)}
    needed = {facts.modern(name) for name in [*details.get("collations", []), recorded.collation] if name}
    missing = sorted(needed - {facts.modern(name) for name in known})
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


def _full_names(session: Session) -> List[Any]:
    """MariaDB lists its newer collations without their character set."""
    try:
        return session.rows("SELECT FULL_COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY")
    except RelocateError:
        return []


def _variables(session: Session, details: Any, findings: Findings) -> None:
    packet = int(session.value("SELECT @@global.max_allowed_packet"))
    if packet < min(int(details.get("max_allowed_packet") or 0), 1 << 30) or packet < 8 << 20:
        findings.add(
            "setting_differs",
            "max_allowed_packet is {0} bytes on new: rows of old, or our INSERTs, may not fit".format(packet),
            "set it in the server's configuration to {0} or more".format(
                max(int(details.get("max_allowed_packet") or 0), 16 << 20)
            ),
        )
    case = int(session.value("SELECT @@global.lower_case_table_names"))
    if case != int(details.get("lower_case_table_names") or 0):
        findings.add(
            "setting_differs",
            "lower_case_table_names is {0} on new and {1} on old".format(case, details.get("lower_case_table_names")),
            "set up the new server with the old one's value: it cannot be changed later",
        )
