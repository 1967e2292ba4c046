# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Applies the project's migrations to copies of its databases, in its own interpreter, and tells what each one took.

``migrations.py`` runs it as a file. What a migration does beside its databases leaves no trace: see ``venv_quiet``.
Lines of standard error tell of each one when it begins and when it has ended, as ``venv_requests`` tells of requests.

Python 3.6 syntax, ASCII only, standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import functools
import os
import time
from typing import Any, Callable, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._project import (
    venv_held,
    venv_probe,
    venv_quiet,
    venv_requests,
    venv_secrets,
    venv_still,
)

Request = Dict[str, Any]
Say = Callable[[Dict[str, Any]], None]
#: The migration that is at work: its name and database.
_at: List[str] = []


def load(request: Request) -> List[str]:
    """Become the project, with copies in the place of its databases and nothing that speaks to others.

    Returns notes.
    """
    import django
    from django.conf import settings

    venv_probe.start(request)
    notes = venv_requests.substitute(request, read_only=False)
    venv_quiet.allow_peers(settings.DATABASES.values())
    venv_still.settle_settings(settings)
    venv_held.hold_apps()
    django.setup()
    venv_quiet.STATE.programs = False
    return notes


def _timed(say: Say) -> None:
    """Tell of each migration once it is committed: what it put off until its end belongs to it."""
    from django.db.migrations.executor import MigrationExecutor

    original = MigrationExecutor.apply_migration

    @functools.wraps(original)
    def apply_migration(self: Any, state: Any, migration: Any, *words: Any, **more: Any) -> Any:
        alias, name = self.connection.alias, "{0}.{1}".format(migration.app_label, migration.name)
        _at[:] = [name, alias]
        say({"begun": {"alias": alias, "name": name}, "secrets": []})
        begun = time.time()
        found = original(self, state, migration, *words, **more)
        del _at[:]
        say({"applied": {"alias": alias, "name": name, "seconds": round(time.time() - begun, 3)}, "secrets": []})
        return found

    MigrationExecutor.apply_migration = apply_migration


def migrate(aliases: List[str]) -> None:
    """Apply what is not applied; a database that was never migrated is left as it is."""
    from django.core.management import call_command
    from django.db import connections
    from django.db.migrations.recorder import MigrationRecorder

    for alias in aliases:
        if MigrationRecorder(connections[alias]).has_table():
            call_command("migrate", database=alias, interactive=False, verbosity=0)
    connections.close_all()  # a log of SQLite's is taken in then


def work(request: Request, say: Say) -> None:
    """Migrate all; the first failure ends it, and is told."""
    try:
        venv_quiet.begin(request["place"], request["writes"])
        venv_quiet.confine(request["ports"], [os.path.dirname(path) for path in request["writes"]])
        notes = load(request)
        _timed(say)
        migrate(request["aliases"])
    except (Exception, SystemExit) as error:
        failed = venv_secrets.describe_error("migrate", error)
        name, alias = _at or ["", ""]
        told = {"failed": failed, "alias": alias, "name": name, "refusal": venv_quiet.refusal_in(error)}
        say({"broken": told, "secrets": venv_secrets.all_secrets(error)})
        return
    say({"ended": True, "notes": notes + venv_still.told(), "secrets": venv_secrets.all_secrets()})


def main() -> None:
    """Tell line by line on standard error."""
    venv_requests.tell(work)
