# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a database and of its owner: which are replayed on new, and how.

What a set lists is replayed with an administrator's rights. So only what the settings' role could set itself is: the
others decide over other people's sessions, or load libraries into them.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.admin import is_superuser
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

#: GUC_LIST_QUOTE settings: stored as a quoted list, which a single literal would turn into one odd name.
_LISTS = frozenset(
    "local_preload_libraries search_path session_preload_libraries shared_preload_libraries temp_tablespaces"
    " unix_socket_directories".split()
)

#: First words of custom settings of libraries after which no extension is named. plperl.on_plperlu_init is code.
_LIBRARIES = frozenset("auto_explain basic_archive passwordcheck plperl plperlu plpython pltcl pltclu sepgsql".split())

#: Names of custom settings whose values may be secrets (PostgREST keeps one in app.jwt_secret): never in a manifest.
_SECRETIVE = re.compile(r"secret|passw|token|key|credential", re.IGNORECASE)

#: Scopes of a recorded setting, written before its name; a database's own has none. The later wins in a session.
OWNER, OWNER_HERE = "owner: ", "owner here: "


class Unfit(NamedTuple):
    """A recorded setting that is not replayed."""

    name: str
    why: str


def replayable(session: Session, role: str, settings: Sequence[str]) -> Tuple[List[str], List[Unfit]]:
    """Return what the role could set itself on this server, and the rest with why it could not."""
    granted = "has_parameter_privilege({0}, s.name, 'SET')" if session.major >= 15 else "false"
    exists = session.value("SELECT count(*) FROM pg_roles WHERE rolname = " + literal(role))
    known = dict(
        session.rows(
            "SELECT lower(s.name), s.context = 'user' OR (s.context IN ('superuser', 'superuser-backend') AND {0})"
            " FROM pg_settings AS s".format(granted.format(literal(role)) if exists else "false")
        )
    )
    superuser = is_superuser(session)
    libraries = {name for (name,) in session.rows("SELECT name FROM pg_available_extensions")}
    libraries |= _LIBRARIES | {name for (name,) in session.rows("SELECT lanname FROM pg_language")}
    kept: List[str] = []
    unfit: List[Unfit] = []
    for setting in settings:
        key = setting_name(setting)
        allowed = known.get(key.lower())
        if allowed is None and "." in key:
            allowed = superuser and key.partition(".")[0].lower() not in libraries
        why = _why_unfit(setting, allowed)
        if why:
            unfit.append(Unfit(key, why))
        else:
            kept.append(setting)
    return kept, unfit


def _why_unfit(setting: str, allowed: Optional[bool]) -> str:
    """Tell why a setting is not replayed; "" when it is.

    :param allowed: whether the settings' role may set it; None when the server does not know it
    """
    if setting_name(setting).lower() in ("role", "session_authorization"):
        return "makes sessions another role's"
    if _scope(setting) not in ("", OWNER, OWNER_HERE):
        return "is of nobody who is known"
    if allowed is None:
        return "is unknown to this server"
    return "" if allowed else "is for superusers only"


def refused(session: Session, settings: Sequence[str]) -> List[Unfit]:
    """The settings whose values this server does not take, asked without leaving anything behind."""
    found = []
    for setting in settings:
        key, value = setting_name(setting), setting.partition("=")[2]
        try:
            session.run("BEGIN", "SET LOCAL {0} TO {1}".format(_quoted(key), setting_value(key, value)))
        except RelocateError as exc:
            found.append(Unfit(key, exc.msg))
        finally:
            session.run("ROLLBACK")
    return found


def apply_settings(server: Server, session: Session, name: str, recorded: DatabaseFacts) -> None:
    """Replay database settings; what is not replayed is noted."""
    server.context.notes.extend(
        "database {0}: setting {1} of old may be a secret, which no set carries: set it on new yourself".format(
            server.config.alias, key
        )
        for key in recorded.details.get("settings_left_out") or ()
    )
    targets = {
        "": "DATABASE " + ident(name),
        OWNER: "ROLE {0}".format(ident(server.role)),
        OWNER_HERE: "ROLE {0} IN DATABASE {1}".format(ident(server.role), ident(name)),
    }
    kept, unfit = replayable(session, server.role, recorded.settings)
    server.context.notes.extend(
        "database setting {0} {1} and is left out: set it yourself when it is wanted".format(item.name, item.why)
        for item in unfit
    )
    if any(_scope(setting) for setting in kept):
        # A role is the whole server's: only one that the settings can log in as is the site's to change.
        server.connect(name).close()
    for setting in kept:
        key, value = setting_name(setting), setting.partition("=")[2]
        target = targets[_scope(setting)]
        try:
            session.run("ALTER {0} SET {1} TO {2}".format(target, _quoted(key), setting_value(key, value)))
        except RelocateError as exc:
            if exc.code != "right_missing":
                raise
            words = "database setting {0} may not be set by the login of new, and is left out: set it yourself: {1}"
            server.context.notes.append(words.format(key, exc.msg))


def _quoted(key: str) -> str:
    return ".".join(ident(part) for part in key.split("."))


def setting_value(key: str, value: str) -> str:
    """The right side of ALTER DATABASE ... SET for a value as pg_db_role_setting keeps it."""
    if key.lower() not in _LISTS:
        return literal(value)
    parts = re.findall(r'\s*("(?:[^"]|"")*"|[^,]+)\s*(?:,|$)', value)
    names = [part[1:-1].replace('""', '"') if part.startswith('"') else part.strip() for part in parts]
    return ", ".join(literal(name) for name in names) or "''"


def may_be_secret(name: str) -> bool:
    """Tell whether a setting is kept out of a set: a custom one whose name looks like a secret's."""
    return "." in name and bool(_SECRETIVE.search(name))


def setting_name(setting: str) -> str:
    """The name in "name=value" or "owner: name=value"."""
    return setting.partition("=")[0].rpartition(" ")[2]


def _scope(setting: str) -> str:
    """Return what stands before the name."""
    return setting.partition("=")[0][: -len(setting_name(setting)) or None]


def scoped_settings(rows: Sequence[Tuple[bool, bool, Sequence[str]]]) -> List[str]:
    """Settings out of (of a role, of a database, ["name=value", ...]) rows, sorted, the narrowest scope last."""
    scopes = {(True, False): OWNER, (False, True): "", (True, True): OWNER_HERE}
    order = [OWNER, "", OWNER_HERE]
    found = [(order.index(scopes[role, database]), item) for role, database, config in rows for item in config]
    return [order[scope] + item for scope, item in sorted(found)]
