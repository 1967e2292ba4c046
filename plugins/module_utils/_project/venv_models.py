# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Asks Django about migrations, models and rows, inside the project's interpreter.

Part of the program that ``probe.py`` sends (see ``venv_probe.py``): Python 3.6 syntax, ASCII only, standard library
only, Django imported inside functions. Each topic is given the aliases to look at, as pairs of the alias and whether
its database exists; one that does not is never connected to.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import os
import sys
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

Aliases = List[Tuple[str, bool]]  # alias, whether its database exists
Node = Tuple[str, str]  # app label, name of a migration

_LEVELS = ((50, "CRITICAL"), (40, "ERROR"), (30, "WARNING"), (20, "INFO"), (0, "DEBUG"))


def _names(nodes: Iterable[Node]) -> List[str]:
    return ["{0}.{1}".format(*node) for node in nodes]


def alias_migrations(alias: str, exists: bool) -> Dict[str, Any]:
    """What is applied to one database, what is not, and what the code lacks."""
    from django.db import connections
    from django.db.migrations.exceptions import InconsistentMigrationHistory
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    connection = connections[alias]
    # Asked first, because old versions of Django make the table when the loader reads it.
    recorded = exists and MigrationRecorder.Migration._meta.db_table in connection.introspection.table_names()
    loader = MigrationLoader(connection if recorded else None)
    inconsistent = ""
    rows = []
    if recorded:
        rows = sorted(MigrationRecorder(connection).migration_qs.values_list("app", "name"))
        try:
            loader.check_consistent_history(connection)
        except InconsistentMigrationHistory as error:
            inconsistent = str(error)
    replaced = {node for item in loader.disk_migrations.values() for node in item.replaces}
    return {
        "exists": exists,
        "recorded": recorded,
        "applied": _names(rows),
        "unapplied": _names(_to_apply(loader)),
        "unknown": _names(row for row in rows if row not in loader.disk_migrations and row not in replaced),
        "inconsistent": inconsistent,
    }


def _to_apply(loader: Any) -> List[Node]:
    """The migrations that ``migrate`` would apply, in its order."""
    plan, seen = [], set(loader.applied_migrations or ())
    for leaf in sorted(loader.graph.leaf_nodes()):
        for node in loader.graph.forwards_plan(leaf):
            if node not in seen:
                seen.add(node)
                plan.append(node)
    return plan


def topic_migrations(aliases: Aliases) -> Dict[str, Any]:
    """Per alias what is applied and what is not, in plan order; conflicts; model changes that no migration holds."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.questioner import MigrationQuestioner
    from django.db.migrations.state import ProjectState

    loader = MigrationLoader(None, ignore_no_migrations=True)
    conflicts = loader.detect_conflicts()
    missing = []
    if not conflicts:
        detector = MigrationAutodetector(
            loader.project_state(), ProjectState.from_apps(apps), MigrationQuestioner(specified_apps=None, dry_run=True)
        )
        for label, migrations in sorted(detector.changes(graph=loader.graph).items()):
            for migration in migrations:
                missing += ["{0}: {1}".format(label, item.describe()) for item in migration.operations]
    return {
        "aliases": {alias: alias_migrations(alias, exists) for alias, exists in aliases},
        "conflicts": {label: sorted(names) for label, names in conflicts.items()},
        "missing": missing,
    }


def requires_python() -> str:
    """The Pythons that the installed Django runs on, as its metadata says; "" where it has none."""
    try:
        from importlib import metadata
    except ImportError:
        return ""  # before Python 3.8: what Django asks for is older than any Python on new
    try:
        return str((metadata.metadata("Django").get_all("Requires-Python") or [""])[0])
    except metadata.PackageNotFoundError:
        return ""  # a copy of its files


def log_files() -> List[str]:
    """Files that handlers of LOGGING write; a relative one is so from the project's directory."""
    from django.conf import settings

    handlers = settings.LOGGING.get("handlers") if isinstance(settings.LOGGING, dict) else None
    found = [item.get("filename") for item in (handlers or {}).values() if isinstance(item, dict)]
    return sorted({os.path.abspath(str(name)) for name in found if isinstance(name, (str, os.PathLike))})


def used_paths() -> Dict[str, List[str]]:
    """Directories out of which the site serves or reads what need not be in git: static files, templates, translations.

    Those of installed packages are among them.
    """
    from django.apps import apps
    from django.conf import settings

    def absolute(paths: Any) -> List[str]:
        plain = [path[1] if isinstance(path, (list, tuple)) else path for path in paths or ()]
        return [os.path.abspath(str(path)) for path in plain if path]

    configs = list(apps.get_app_configs())
    dirs = [path for engine in settings.TEMPLATES or () for path in engine.get("DIRS") or ()]
    return {
        "static": absolute(getattr(settings, "STATICFILES_DIRS", ()))
        + absolute([os.path.join(item.path, "static") for item in configs]),
        "templates": absolute(dirs) + absolute([os.path.join(item.path, "templates") for item in configs]),
        "locale": absolute(settings.LOCALE_PATHS) + absolute([os.path.join(item.path, "locale") for item in configs]),
    }


def file_stores(media_root: str) -> List[Dict[str, str]]:
    """Directories outside MEDIA_ROOT in which models keep files, with the field that does."""
    from django.apps import apps

    root = os.path.realpath(media_root) if media_root else ""
    found: Dict[str, str] = {}
    for model in apps.get_models():
        for field in model._meta.local_fields:
            path = _store_of(field)
            if path and not (root and (path + os.sep).startswith(root + os.sep)):
                found.setdefault(path, "{0}.{1}".format(model._meta.label, field.name))
    return [{"path": path, "field": field} for path, field in sorted(found.items())]


def _store_of(field: Any) -> str:
    """The directory that a field keeps files in; empty for one that keeps none on this host's disk."""
    from django.core.files.storage import FileSystemStorage
    from django.db.models import FileField

    storage: Any = getattr(field, "storage", None) if isinstance(field, FileField) else None
    try:
        kept = isinstance(storage, FileSystemStorage) and str(storage.base_location)  # "" without MEDIA_ROOT
        return os.path.realpath(storage.location) if kept else ""
    except Exception:  # the project's own code; a field that cannot tell has no files that a site could serve
        return ""


def topic_history() -> Dict[str, Any]:
    """The migrations that the code knows, and by which squashed ones some of them are replaced."""
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    replaced: Dict[str, List[str]] = {}
    for node in sorted(disk):
        for old in _names(disk[node].replaces):
            replaced.setdefault(old, []).extend(_names([node]))
    modules = {name: sys.modules.get(disk[node].__module__) for node, name in zip(disk, _names(disk))}
    return {
        "known": sorted(set(_names(disk)) | set(replaced)),
        "files": {name: str(getattr(module, "__file__", None) or "") for name, module in modules.items()},
        "replaced": replaced,
        "apps": [config.label for config in apps.get_app_configs()],
    }


def _all_models() -> List[Any]:
    from django.apps import apps

    return sorted(apps.get_models(include_auto_created=True), key=lambda model: model._meta.label)


def topic_models(aliases: Aliases) -> List[Dict[str, Any]]:
    """Every model: its table, and where the router puts it."""
    from django.db import router

    names = [alias for alias, _exists in aliases]
    return [
        {
            "label": model._meta.label,
            "table": model._meta.db_table,
            "managed": bool(model._meta.managed),
            "proxy": bool(model._meta.proxy),
            "auto_created": bool(model._meta.auto_created),
            "alias": router.db_for_read(model),
            "aliases": [alias for alias in names if router.allow_migrate_model(alias, model)],
            "base_manager": _dotted(type(model._base_manager)),
            "default_manager": _dotted(type(model._default_manager)),
        }
        for model in _all_models()
    ]


def _dotted(kind: type) -> str:
    return kind.__module__ + "." + kind.__name__


def _visible(model: Any, alias: str, rows: int) -> Optional[int]:
    """Return what the default manager counts; None when it cannot (some need a request)."""
    from django.db.models import Manager, QuerySet

    manager = model._default_manager
    if type(manager).get_queryset is Manager.get_queryset and manager._queryset_class is QuerySet:
        return rows
    try:
        return int(manager.using(alias).count())
    except Exception:
        return None


def _present(connection: Any) -> Callable[[str], bool]:
    """A test for whether a table is there; names that name a schema, as some write them, are taken to be."""
    introspection = connection.introspection
    convert = getattr(introspection, "identifier_converter", str)
    tables = {convert(name) for name in introspection.table_names(include_views=True)}
    return lambda table: '"."' in table or convert(table.strip('"')) in tables


def topic_counts(aliases: Aliases) -> Dict[str, Any]:
    """Rows per alias and model, past every manager; and how many of them the default manager shows."""
    from django.db import connections, router
    from django.db.models import QuerySet

    found: Dict[str, Any] = {}
    for alias, exists in aliases:
        entry: Dict[str, Any] = {"exists": exists, "models": {}, "without_table": []}
        connection = connections[alias]
        present = _present(connection) if exists else bool
        for model in _all_models() if exists else []:
            if model._meta.proxy or not router.allow_migrate_model(alias, model):
                continue
            if not present(model._meta.db_table):
                entry["without_table"].append(model._meta.label)
                continue
            rows = int(QuerySet(model=model, using=alias).order_by().count())
            visible = _visible(model, alias, rows)
            entry["models"][model._meta.label] = {"table": model._meta.db_table, "rows": rows, "visible": visible}
        found[alias] = entry
    return found


def topic_checks() -> List[Dict[str, str]]:
    """The system checks with --deploy, silenced ones left out."""
    from django.core import checks

    found = []
    for item in checks.run_checks(include_deployment_checks=True):
        if item.is_silenced():
            continue
        level = next(name for number, name in _LEVELS if item.level >= number)
        found.append(
            {
                "id": item.id or "",
                "level": level,
                "msg": str(item.msg),
                "hint": str(item.hint or ""),
                "object": str(getattr(item.obj, "__name__", item.obj) or ""),
            }
        )
    return found


def topic_media() -> Dict[str, Any]:
    """Number and bytes of the files below MEDIA_ROOT; links are counted, not followed."""
    from django.conf import settings

    root = os.path.abspath(str(settings.MEDIA_ROOT)) if settings.MEDIA_ROOT else ""
    totals: Dict[str, Any] = {"path": root, "exists": bool(root) and os.path.isdir(root)}
    totals.update(files=0, bytes=0, directories=0, links=0, others=0, unreadable=0)
    pending = [root] if totals["exists"] else []
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    _count_entry(entry, totals, pending)
        except OSError:
            totals["unreadable"] += 1
    return totals


def _count_entry(entry: Any, totals: Dict[str, Any], pending: List[str]) -> None:
    if entry.is_symlink():
        totals["links"] += 1
    elif entry.is_dir(follow_symlinks=False):
        totals["directories"] += 1
        pending.append(entry.path)
    elif entry.is_file(follow_symlinks=False):
        totals["files"] += 1
        totals["bytes"] += entry.stat(follow_symlinks=False).st_size
    else:
        totals["others"] += 1
