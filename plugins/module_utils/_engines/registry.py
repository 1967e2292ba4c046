# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Maps Django backends to engines. Imports are static: a module reaches a host with only what it imports so."""

from __future__ import annotations

from typing import Dict, Tuple, Type

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig

#: One line an engine: its class and the last words of the Django backends that it serves, wrappers included
#: (django.db.backends.postgresql, django.contrib.gis.db.backends.postgis, django_prometheus.db.backends.sqlite3).
ENGINES: Dict[Type[Engine], Tuple[str, ...]] = {
    MysqlEngine: ("mysql",),
    PostgresqlEngine: ("postgresql", "postgresql_psycopg2", "postgis"),
    SqliteEngine: ("sqlite3", "spatialite"),
}

_BY_NAME = {engine.name: engine for engine in ENGINES}


def engine_name(backend: str, vendor: str = "") -> str:
    """The engine behind a Django ENGINE; raises unsupported_engine.

    :param vendor: what the backend says of itself (connection.vendor); tells for wrappers with a name of their own
    """
    last = backend.rsplit(".", 1)[-1]
    for engine, words in ENGINES.items():
        if last in words or vendor == engine.name:
            return engine.name
    raise RelocateError(
        "unsupported_engine",
        "database backend {0} is not supported".format(backend),
        "leave the alias out of relocate_aliases; supported: " + ", ".join(sorted(_BY_NAME)),
    )


def open_engine(config: DatabaseConfig, context: EngineContext) -> Engine:
    """The engine object for one alias."""
    return _BY_NAME[config.engine](config, context)
