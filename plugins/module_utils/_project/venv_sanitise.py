# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Takes people's addresses, passwords, sessions and tokens out of a project's databases, in its own interpreter.

``sanitise.py`` runs it as a file. All of it is one transaction for each database; they are committed when everything
is done, and nothing is when anything fails. What is told holds counts and names, and no value of a row.

Python 3.6 syntax, ASCII only, standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import contextlib
from typing import Any, Callable, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._project import (
    venv_probe,
    venv_requests,
    venv_sanitise_rows,
    venv_sanitise_search,
    venv_secrets,
)

Request = Dict[str, Any]
#: Backends of mail that send nothing.
QUIET = tuple(
    "django.core.mail.backends.{0}.EmailBackend".format(name) for name in "console dummy filebased locmem".split()
)


def mail_backends(settings: Any) -> List[str]:
    """Return what the project sends mail with: EMAIL_BACKEND, and the backends of MAILERS where Django has those."""
    mailers = getattr(settings, "MAILERS", None)
    if isinstance(mailers, dict) and mailers:
        return sorted({str(one.get("BACKEND") or "") for one in mailers.values() if isinstance(one, dict)})
    return [str(settings.EMAIL_BACKEND)]


def refuse_mail(settings: Any, allowed: List[str]) -> None:
    """Refuse settings that would send mail. Raises RefusedError."""
    sends = [name for name in mail_backends(settings) if name not in QUIET and name not in allowed]
    if sends:
        raise venv_sanitise_rows.RefusedError(
            "mail_would_be_sent",
            "the clone would send mail: its settings name the backend {0}".format(", ".join(sends)),
            "name django.core.mail.backends.console.EmailBackend in relocate_env_overrides, by the variable that the"
            " settings read, or in settings of their own (relocate_settings); a backend that reaches nobody is named in"
            " mail_backends of relocate_sanitise",
        )


def sanitise(request: Request) -> Dict[str, Any]:
    """Do all of it; returns counts by alias and table, what was found that no rule names, and notes."""
    from django.core.management import call_command
    from django.db import connections, transaction

    told: Dict[str, Any] = {"tables": {}, "statements": {}, "unrecognised": {}, "notes": []}
    with contextlib.ExitStack() as stack:
        for alias in request["aliases"]:
            stack.enter_context(transaction.atomic(using=alias))
        every = [venv_sanitise_rows.Rows(alias, request["domain"]) for alias in request["aliases"]]
        refuse_unknown(request["columns"], every)
        for rows in every:
            _change(rows, request, told)
        if request["command"]:
            call_command(*request["command"])
        for alias in request["aliases"]:
            connection = connections[alias]
            for name in venv_sanitise_search.refresh(connection):
                told["notes"].append("database {0}: materialized view {1} was filled again".format(alias, name))
            found, notes = venv_sanitise_search.search(connection)
            told["unrecognised"][alias] = found
            told["notes"] += ["database {0}: {1}".format(alias, note) for note in notes + _not_in_it(connection)]
        refuse_left(request, told["unrecognised"])
    for alias in request["aliases"]:
        _forget(connections[alias])
    return told


def _change(rows: Any, request: Request, told: Dict[str, Any]) -> None:
    if request["builtin"]:
        rows.by_rules()
    for name, how in sorted(request["columns"].items()):
        table, _dot, column = name.rpartition(".")
        if table in rows.tables:
            rows.column(table, column, how)
    statements = [sql for key in (rows.connection.vendor, rows.alias) for sql in request["sql"].get(key, [])]
    told["statements"][rows.alias] = [rows.execute(statement) for statement in statements]
    told["tables"][rows.alias] = rows.counts


def refuse_unknown(columns: Dict[str, str], every: List[Any]) -> None:
    """Refuse columns of tables that no database has. Raises RefusedError."""
    tables = {table for rows in every for table in rows.tables}
    missing = sorted(name for name in columns if name.rpartition(".")[0] not in tables)
    if missing:
        raise venv_sanitise_rows.RefusedError(
            "unknown_field",
            "no database holds the table of {0}".format(", ".join(missing)),
            "write TABLE.COLUMN in columns of relocate_sanitise",
        )


def refuse_left(request: Request, unrecognised: Dict[str, List[Dict[str, Any]]]) -> None:
    """Refuse what no rule names, where the user wants that. Raises RefusedError."""
    named = sorted({"{table}.{column}".format(**one) for found in unrecognised.values() for one in found})
    if named and request["unrecognised"] == "refuse":
        raise venv_sanitise_rows.RefusedError(
            "not_sanitised",
            "these columns hold what looks like addresses, hashes of passwords or tokens: {0}".format(", ".join(named)),
            "name them in columns of relocate_sanitise (mask or empty), or set unrecognised there to report",
        )


def _not_in_it(connection: Any) -> List[str]:
    """Name the tables of MySQL whose engine knows no transaction."""
    if connection.vendor != "mysql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type ="
            " 'BASE TABLE' AND engine <> 'InnoDB' ORDER BY 1"
        )
        return ["table {0} knows no transaction".format(row[0]) for row in cursor.fetchall()]


def _forget(connection: Any) -> None:
    """Have SQLite write its file anew: what was deleted would still lie in pages that nothing uses."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def work(request: Request, say: Callable[[Dict[str, Any]], None]) -> None:
    """Start as the site does, and tell what was done, or why not."""
    try:
        import django
        from django.conf import settings

        venv_probe.start(request)
        django.setup()
        refuse_mail(settings, request["mail_backends"])
        done = sanitise(request) if request["apply"] else None
    except venv_sanitise_rows.RefusedError as refused:
        say({"refused": refused.told, "secrets": venv_secrets.all_secrets()})
        return
    except (Exception, SystemExit) as error:
        failed = venv_secrets.describe_error("sanitise", error)
        say({"failed": failed, "secrets": venv_secrets.all_secrets(error)})
        return
    say({"done": done, "ended": True, "secrets": venv_secrets.all_secrets()})


def main() -> None:
    """Tell on standard error; what the project prints goes nowhere."""
    venv_requests.tell(work)
