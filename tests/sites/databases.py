# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and databases, as an admin makes them by hand."""

from __future__ import annotations

from tests.lab.host import Host
from tests.lab.services import enable_mariadb, enable_remote_postgresql, mysql, psql

from .spec import Site

REPORT_ROLE = "shop report"
#: A MySQL account of which the settings know nothing: what it defined runs with its rights, and not at all without it.
DEFINER = "'shop reports'@'localhost'"
_DEFINED_BY_OTHERS = """
CREATE DEFINER = {definer} SQL SECURITY DEFINER VIEW shop_books_of_authors AS
    SELECT author_id, count(*) AS books FROM shop_book GROUP BY author_id;
CREATE DEFINER = {definer} PROCEDURE shop_report() SELECT count(*) FROM shop_sale;
CREATE DEFINER = {definer} TRIGGER shop_upload_hash BEFORE INSERT ON shop_upload
    FOR EACH ROW SET NEW.sha256 = lower(NEW.sha256);
CREATE DEFINER = {definer} EVENT shop_tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop_signallog WHERE id < 0;
"""


def identifier(name: str, mark: str = '"') -> str:
    """Quote an SQL identifier."""
    return mark + name.replace(mark, mark * 2) + mark


def literal(text: str, *, backslashes: bool = False) -> str:
    """Quote an SQL string; `backslashes` for MySQL, where they escape."""
    if backslashes:
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"


def create_databases(server: Host, site: Site, *, remote: bool) -> None:
    """Make the role and all databases of a site on their server."""
    if site.engine == "postgresql":
        if remote:
            enable_remote_postgresql(server)
        _create_postgresql(server, site)
    elif site.engine == "mysql":
        enable_mysql(server, remote=remote)
        _create_mysql(server, site)


def enable_mysql(server: Host, *, remote: bool = False) -> None:
    """Start a server that runs events; MySQL 9 of suite sid runs already, and its scheduler is on by default."""
    if server.has_systemd:
        server.write("/etc/mysql/mariadb.conf.d/98-site.cnf", "[mariadbd]\nevent_scheduler = ON\n")
    enable_mariadb(server, remote=remote)


def finish_databases(server: Host, site: Site) -> None:
    """Make what only an administrator can, once the site's tables are there: objects that another user defined."""
    if site.engine != "mysql":
        return
    name = site.databases["default"]
    mysql(server, f"CREATE USER IF NOT EXISTS {DEFINER}; GRANT ALL ON *.* TO {DEFINER};")
    mysql(server, _DEFINED_BY_OTHERS.format(definer=DEFINER), name)
    # The default again: who loads a trigger into a server with a binary log needs more rights than a site has.
    mysql(server, "SET GLOBAL log_bin_trust_function_creators = OFF;")


def _create_postgresql(server: Host, site: Site) -> None:
    role = identifier(site.role)
    psql(server, f"CREATE ROLE {role} LOGIN PASSWORD {literal(site.password)};")
    psql(server, f"ALTER ROLE {role} SET default_transaction_isolation = 'read committed';")
    for name in site.databases.values():
        locale = f" LC_COLLATE {literal(site.locale)} LC_CTYPE {literal(site.locale)}" if site.locale else ""
        psql(server, f"CREATE DATABASE {identifier(name)} OWNER {role} ENCODING 'UTF8'{locale} TEMPLATE template0;")
    name = identifier(site.databases["default"])
    # Without the search_path the model Stock finds no table; pg_dump keeps such settings only with --create.
    psql(server, f"ALTER DATABASE {name} SET search_path = public, warehouse;")
    psql(server, f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu';")
    psql(server, f"ALTER ROLE {role} IN DATABASE {name} SET lock_timeout = '5min';")
    if site.report_role:
        psql(server, f"CREATE ROLE {identifier(REPORT_ROLE)} NOLOGIN;")
        psql(server, f"GRANT CONNECT ON DATABASE {name} TO {identifier(REPORT_ROLE)};")
        default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {role} GRANT SELECT ON TABLES TO {identifier(REPORT_ROLE)};"
        psql(server, default, site.databases["default"])


def _create_mysql(server: Host, site: Site) -> None:
    for name in site.databases.values():
        mysql(server, f"CREATE DATABASE {identifier(name, '`')} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;")
    for host in ("localhost", "127.0.0.1", "%"):
        user = f"{literal(site.role, backslashes=True)}@{literal(host)}"
        mysql(server, f"CREATE USER {user} IDENTIFIED BY {literal(site.password, backslashes=True)};")
        for name in site.databases.values():
            mysql(server, f"GRANT ALL PRIVILEGES ON {_pattern(name)}.* TO {user};")
    # Else a site's own migrations can make no trigger on MySQL, whose binary log is on.
    mysql(server, "SET GLOBAL log_bin_trust_function_creators = ON;")


def _pattern(database: str) -> str:
    """Quote a database's name for GRANT, where _ and % are wildcards."""
    return identifier(database.replace("_", "\\_").replace("%", "\\%"), "`")
