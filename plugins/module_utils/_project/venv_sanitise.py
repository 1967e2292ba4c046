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
from typing import Any, Callable, Dict, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import (
    venv_probe,
    venv_requests,
    venv_sanitise_errors,
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


def refuse_command(request: Request) -> None:
    """Refuse a command that the project does not have. Raises RefusedError."""
    from django.core.management import get_commands

    if request["command"] and request["command"][0] not in get_commands():
        raise venv_sanitise_rows.RefusedError(
            "sanitise_failed",
            "the project has no command {0}: nothing of the clone was changed".format(request["command"][0]),
            "correct command in relocate_sanitise",
        )


def sanitise(request: Request, lasting: List[str]) -> Dict[str, Any]:
    """Do all of it; returns counts by alias and table, what was found that no rule names, and notes.

    :param lasting: gets the names of what keeps what was done to it, should the rest fail
    """
    from django.core.management import call_command
    from django.db import connections, transaction

    told: Dict[str, Any] = {"tables": {}, "statements": {}, "unrecognised": {}, "notes": []}
    with contextlib.ExitStack() as stack:
        for alias in request["aliases"]:
            lasting += ["database {0}: {1}".format(alias, table) for table in _without_transaction(connections[alias])]
            stack.push(_noting(alias, lasting))
            stack.enter_context(transaction.atomic(using=alias))
        orphans = {alias: _orphans(connections[alias]) for alias in request["aliases"]}
        every = [venv_sanitise_rows.Rows(alias, request["domain"]) for alias in request["aliases"]]
        venv_sanitise_rows.refuse_unknown(request["columns"], every)
        for rows in every:
            _change(rows, request, told)
        if request["command"]:
            call_command(*request["command"])
        for alias in request["aliases"]:
            _search(connections[alias], told)
        refuse_left(request, told["unrecognised"])
        for alias in request["aliases"]:
            check(alias, connections[alias], orphans[alias])
    for alias in request["aliases"]:
        _forget(connections[alias])
    return told


def _search(connection: Any, told: Dict[str, Any]) -> None:
    """Tell what is left that no rule names."""
    notes = ["materialized view {0} was filled again".format(name) for name in venv_sanitise_search.refresh(connection)]
    told["unrecognised"][connection.alias], more = venv_sanitise_search.search(connection)
    notes += more + _not_in_it(connection)
    told["notes"] += ["database {0}: {1}".format(connection.alias, note) for note in notes]


def _noting(alias: str, lasting: List[str]) -> Callable[..., None]:
    """Return what notes that a database was committed, once it was."""

    def note(kind: Any, _error: Any, _traceback: Any) -> None:
        if kind is None:
            lasting.append("database {0}".format(alias))

    return note


def _orphans(connection: Any) -> Optional[int]:
    """Count the rows of SQLite that refer to none, which a restored database may have had before; None: not told."""
    if connection.vendor != "sqlite":
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA foreign_key_check")
            return len(cursor.fetchall())
    except Exception:  # of a foreign key that fits nothing: it has never been looked at by SQLite itself
        return None


def check(alias: str, connection: Any, orphans: Optional[int]) -> None:
    """Look at constraints that are put off to the end, before any database is committed.

    :param orphans: how many rows of SQLite referred to none before

    Raises ToldError, or what the database says.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if orphans is not None and (_orphans(connection) or 0) > orphans:
        raise venv_sanitise_rows.ToldError("database {0}: rows would refer to others that are gone".format(alias))


def _change(rows: Any, request: Request, told: Dict[str, Any]) -> None:
    if request["builtin"]:
        rows.by_rules()
    for name, how in sorted(request["columns"].items()):
        table, _dot, column = name.rpartition(".")
        if table in rows.tables:
            rows.column(table, column, how)
    told["statements"][rows.alias] = []
    for key, number, sql in _statements(rows, request):
        told["statements"][rows.alias].append(rows.execute(sql, "statement {0} of sql for {1}".format(number, key)))
    told["tables"][rows.alias] = rows.counts
    away = "database {0}: table {1} lies in another database: it is not changed"
    told["notes"] += [away.format(rows.alias, table) for table in rows.elsewhere]


def _statements(rows: Any, request: Request) -> List[Tuple[str, int, str]]:
    """Return the user's statements for a database, each with the key and the place where it was written."""
    keys = (rows.connection.vendor, rows.alias)
    return [(key, number, sql) for key in keys for number, sql in enumerate(request["sql"].get(key, []), 1)]


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
    return ["{0} knows no transaction".format(table) for table in _without_transaction(connection)]


def _without_transaction(connection: Any) -> List[str]:
    """Name the tables of MySQL whose engine knows no transaction."""
    if connection.vendor != "mysql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type ="
            " 'BASE TABLE' AND engine <> 'InnoDB' ORDER BY 1"
        )
        return ["table {0}".format(row[0]) for row in cursor.fetchall()]


def _forget(connection: Any) -> None:
    """Have SQLite write its file anew: what was deleted would still lie in pages that nothing uses."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def work(request: Request, say: Callable[[Dict[str, Any]], None]) -> None:
    """Start as the site does, and tell what was done, or why not."""
    lasting: List[str] = []
    describe = venv_secrets.describe_error
    try:
        import django
        from django.conf import settings

        venv_probe.start(request)
        django.setup()
        refuse_mail(settings, request["mail_backends"])
        refuse_command(request)
        describe = venv_sanitise_errors.describe  # from here on rows are in everybody's hands
        done = sanitise(request, lasting) if request["apply"] else None
    except venv_sanitise_rows.RefusedError as refused:
        say({"refused": refused.told, "secrets": venv_secrets.all_secrets()})
        return
    except (Exception, SystemExit) as error:
        failed = describe("sanitise", error)
        say({"failed": failed, "lasting": lasting, "secrets": venv_secrets.all_secrets(error)})
        return
    say({"done": done, "ended": True, "secrets": venv_secrets.all_secrets()})


def main() -> None:
    """Tell on standard error; what the project prints goes nowhere."""
    venv_requests.tell(work)
