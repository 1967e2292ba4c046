# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between database servers when their failures are planted and their rows are looked at."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from tests.e2e.moving import comes_true
from tests.lab._command import LabError
from tests.lab.host import Host
from tests.lab.services import mysql, psql
from tests.sites.provision import MYSQL_SHOP, SHOP
from tests.sites.spec import Site


@dataclass(frozen=True)
class Server:
    """One kind of database server, as new (Debian trixie) runs it, and the site that lives on it."""

    site: Site
    #: The unit that is killed.
    unit: str
    #: Answers 0 until a dump is being loaded.
    loading: str
    #: What differs between a database and the one of its name that comes after it.
    identity: str
    #: Deletes one row of the table {0}.
    delete: str
    #: A shell command that prints everything the server logs, and histories of its client.
    logs: str
    #: Rows whose load takes long enough to be interrupted.
    rows: int = 5000
    #: Statements that make the server log each statement.
    log_statements: str = ""

    def ask(self, host: Host, sql: str, database: str = "") -> str:
        """One answer of the server, empty when it fails."""
        run, default = (mysql, "mysql") if self.site.engine == "mysql" else (psql, "postgres")
        try:
            return run(host, sql, database or default).strip()
        except LabError:
            return ""

    def counts(self, host: Host, sql: str, database: str = "", then: str = ":") -> bool:
        """Whether the answer becomes another number than 0 within a few seconds; ``then``: see :func:`comes_true`."""
        user, client, default = "postgres", ["psql", "-XqAt", "-c", sql, "-d"], "postgres"
        if self.site.engine == "mysql":
            user, client, default = "root", ["mysql", "--batch", "--skip-column-names", "-e", sql], "mysql"
        command = shlex.join(["runuser", "-u", user, "--", *client, database or default])
        return comes_true(host, f'n=$({command} 2>/dev/null) && [ "${{n:-0}}" != 0 ]', then)


SERVERS = {
    "postgresql": Server(
        SHOP,
        "postgresql@17-main.service",
        "SELECT count(*) FROM pg_database WHERE datname LIKE '%incoming%'",
        "(SELECT oid::text FROM pg_database WHERE datname = current_database())",
        "DELETE FROM {0} WHERE ctid = (SELECT min(ctid) FROM {0})",
        "cat /var/log/postgresql/*.log; find / -xdev -name .psql_history -exec cat {} +",
    ),
    "mysql": Server(
        MYSQL_SHOP,
        "mariadb.service",
        "SELECT count(*) FROM information_schema.tables WHERE table_name = 'shop_book'",
        "(SELECT concat(max(create_time)) FROM information_schema.tables WHERE table_schema = database())",
        "DELETE FROM {0} ORDER BY id LIMIT 1",
        "cat /var/lib/mysql/general.log /var/log/mysql/* 2>/dev/null;"
        " find / -xdev '(' -name .mysql_history -o -name .mariadb_history ')' -exec cat {} +",
        100_000,
        "SET GLOBAL general_log_file = '/var/lib/mysql/general.log'; SET GLOBAL general_log = ON",
    ),
}
