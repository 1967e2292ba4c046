# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Changes the rows of one database: whole tables at a time, without the models' own methods and signals.

Part of a program that runs inside the project's interpreter (see ``venv_sanitise.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Callable, Dict, Iterable, List, Set

from ansible_collections.relocate.django.plugins.module_utils._project import venv_sanitise_rules, venv_sanitise_search

_MANY = 1000  # rows that are masked one by one, in a turn
_EMPTIED, _MASKED, _SET = "emptied", "masked", "set"
Count = Callable[[str, str, int], None]


class RefusedError(Exception):
    """What cannot be done as asked: code, message and hint, none of which holds a value of a row."""

    def __init__(self, code: str, msg: str, hint: str) -> None:
        super().__init__(msg)
        self.told = {"code": code, "msg": msg, "hint": hint}


class ToldError(Exception):
    """What failed, in words of ours that hold no value of a row."""


class Rows:
    """The rows of one database."""

    def __init__(self, alias: str, domain: str) -> None:
        """Look at which models have their tables there.

        :param domain: of the clone, for the framework of sites; empty: as they are
        """
        from django.apps import apps
        from django.db import connections

        self.connection = connections[alias]
        self.alias = alias
        self.domain = domain
        #: What lies in other databases: the original's, maybe, which the clone's own settings still reach.
        self.elsewhere: List[str] = venv_sanitise_search.elsewhere(self.connection)
        self.tables: Set[str] = set(self.connection.introspection.table_names()) - set(self.elsewhere)
        every = apps.get_models(include_auto_created=True)
        own = {model._meta.db_table: model for model in every if not model._meta.proxy}
        self.models = [model for table, model in sorted(own.items()) if table in self.tables]
        self.counts: Dict[str, Dict[str, int]] = {}
        self.notes: List[str] = []

    def count(self, table: str, what: str, rows: int) -> None:
        """Add rows to what is told of a table."""
        if rows > 0:
            found = self.counts.setdefault(table, {})
            found[what] = found.get(what, 0) + rows

    def _all(self, model: Any) -> Any:
        from django.db.models.query import QuerySet

        return QuerySet(model, using=self.alias)  # a manager of the project's may hide rows

    # --- by the rules

    def by_rules(self) -> None:
        """Do what the built-in rules say."""
        for model in self.emptied():
            self._empty(model)
        self._empty_caches()
        for model in self.models:
            for name, value in venv_sanitise_rules.values(model).items():
                self._set(model, name, value)
            for field, addresses in venv_sanitise_rules.masked(model):
                self._mask(model, field, addresses)
            if self.domain and venv_sanitise_rules.SITE in venv_sanitise_rules.classes(model):
                self._name_sites(model)

    def emptied(self) -> List[Any]:
        """Return the models whose rows go, those first that refer to others.

        A row that cannot be without one of them goes too.
        """
        chosen: List[Any] = []
        todo = [model for model in self.models if venv_sanitise_rules.is_emptied(model)]
        for model in todo:
            if model in chosen:
                continue
            chosen.append(model)
            todo.extend(field.model for field in self._referring(model) if not field.null)
        return in_order(chosen, {model: [field.model for field in self._referring(model)] for model in chosen})

    def _referring(self, model: Any) -> List[Any]:
        """Return the foreign keys of this database that refer to a model."""
        fields = [
            one.field for one in model._meta.get_fields(include_hidden=True) if one.auto_created and not one.concrete
        ]
        return [
            field
            for field in fields
            if getattr(field, "column", None) and not field.many_to_many and field.model._meta.db_table in self.tables
        ]

    def _empty(self, model: Any) -> None:
        for field in self._referring(model):
            if field.null:
                rows = self._all(field.model).filter(**{field.name + "__isnull": False}).update(**{field.name: None})
                self.count(field.model._meta.db_table, _SET, rows)
        self._delete(model._meta.db_table)

    def _delete(self, table: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("DELETE FROM " + self.connection.ops.quote_name(table))
            self.count(table, _EMPTIED, cursor.rowcount)

    def _empty_caches(self) -> None:
        """Empty the tables of caches, which have no model."""
        from django.conf import settings

        for cache in settings.CACHES.values():
            if str(cache.get("BACKEND", "")).endswith(".DatabaseCache") and cache.get("LOCATION") in self.tables:
                self._delete(cache["LOCATION"])

    def _set(self, model: Any, name: str, value: Any) -> None:
        field = model._meta.get_field(name)
        value = venv_sanitise_rules.fitting(field, value)
        if not venv_sanitise_rules.is_set(field, value):
            return
        rows = self._all(model).exclude(**{name: value}).update(**{name: value})
        self.count(model._meta.db_table, _SET, rows)

    def _name_sites(self, model: Any) -> None:
        for pk, wanted in self.site_names(model).items():
            self.count(model._meta.db_table, _SET, self._all(model).filter(pk=pk).exclude(**wanted).update(**wanted))

    def site_names(self, model: Any) -> Dict[Any, Dict[str, str]]:
        """Return what the rows of the framework of sites get, by key."""
        from django.conf import settings

        own = getattr(settings, "SITE_ID", None)
        ids = list(self._all(model).order_by("pk").values_list("pk", flat=True))
        own = own if own in ids else next(iter(ids), None)
        length = model._meta.get_field("name").max_length
        return {pk: venv_sanitise_rules.site_names(self.domain, pk, own, length) for pk in ids}

    # --- one column

    def _mask(self, model: Any, field: Any, addresses: bool) -> None:
        """Give each row an address of its own, in one statement where the key can be written into it."""
        mask, table = venv_sanitise_rules.Mask(field, addresses), model._meta.db_table
        left = mask.left(self._all(model))
        if mask.has_number:
            self.count(table, _MASKED, left.update(**{field.name: mask.made()}))
            return
        while True:
            keys = list(left.values_list("pk", flat=True)[:_MANY])
            for key in keys:
                self.count(table, _MASKED, self._all(model).filter(pk=key).update(**{field.name: mask.address(key)}))
            if len(keys) < _MANY:
                return

    def field_of(self, table: str, column: str) -> Any:
        """Return the field of a column that the user names. Raises RefusedError: unknown_field."""
        fields = [
            field for one in self.models if one._meta.db_table == table for field in one._meta.local_concrete_fields
        ]
        field = next((one for one in fields if column in (one.column, one.name)), None)
        if field is None or field.primary_key or field.remote_field is not None:
            raise RefusedError(
                "unknown_field",
                "{0}.{1} is no column of a model that can be changed".format(table, column),
                "correct columns in relocate_sanitise, or write the SQL for it there",
            )
        return field

    def column(self, table: str, column: str, how: str) -> None:
        """Mask or empty a column that the user names; a table need have no model.

        Raises RefusedError: unknown_field.
        """
        field = self.field_of(table, column)
        if how == "mask":
            self._mask(field.model, field, False)
        else:
            self._set(field.model, field.name, venv_sanitise_rules.nothing(field))

    def execute(self, statement: str, name: str) -> int:
        """Run a statement of the user's; returns how many rows the driver says it changed. Raises ToldError."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)
                rows: int = cursor.rowcount
        except Exception as error:
            raise ToldError(name) from error
        return max(rows, 0)


def refuse_unknown(columns: Dict[str, str], every: List[Any]) -> None:
    """Refuse columns of tables that no database has, or that lie in another one. Raises RefusedError."""
    others = _of_tables(columns, [table for rows in every for table in rows.elsewhere])
    if others:
        raise RefusedError(
            "unknown_field",
            "the table lies in another database, and not in one of the clone: {0}".format(", ".join(others)),
            "leave it out of columns of relocate_sanitise; have the clone's table name a database of its own",
        )
    missing = sorted(set(columns) - set(_of_tables(columns, [table for rows in every for table in rows.tables])))
    if missing:
        raise RefusedError(
            "unknown_field",
            "no database holds the table of {0}".format(", ".join(missing)),
            "write TABLE.COLUMN in columns of relocate_sanitise",
        )


def _of_tables(columns: Dict[str, str], tables: List[str]) -> List[str]:
    return sorted(name for name in columns if name.rpartition(".")[0] in tables)


def in_order(chosen: Iterable[Any], referring: Dict[Any, List[Any]]) -> List[Any]:
    """Return the models in an order in which each comes after those that refer to it; a circle is cut somewhere."""
    done: List[Any] = []
    visited: Set[Any] = set()

    def visit(model: Any) -> None:
        if model in visited or model not in referring:
            return
        visited.add(model)
        for other in referring[model]:
            visit(other)
        done.append(model)

    for model in chosen:
        visit(model)
    return done
