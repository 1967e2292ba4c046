# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Asks the project, inside its own interpreter, what only it knows.

``probe.py`` sends the source of this file and of its companions, the ``venv_`` files that it imports, to
``PYTHON -`` as the project's owner, with a non-secret JSON request as the only argument. Python 3.6 syntax, ASCII
only, standard library only, Django imported inside functions. Nothing is written: a SQLite file that is not there is
not connected to (connecting would make it).

The answer is one line: the request's marker, then base64 of zlib of ASCII JSON, so that thousands of tables fit into
what the caller keeps. Lone surrogates of paths that are not UTF-8 pass through JSON's escapes.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import base64
import json
import os
import runpy
import sys
import zlib
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import (
    venv_held,
    venv_logins,
    venv_models,
    venv_named,
    venv_neighbours,
    venv_opened,
    venv_packages,
    venv_pages,
    venv_quiet,
    venv_secrets,
    venv_serving,
    venv_storages,
)

Request = Dict[str, Any]
Raw = Dict[str, Any]  # one alias as it is answered

_LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
#: Where servers listen unless told otherwise: naming one of them is the same as naming none.
_DEFAULT_SOCKETS = ("/run/postgresql", "/tmp", "/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock")
_DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}


# --- starting as manage.py does ---


def start(request: Request) -> None:
    """Become what ``python manage.py`` is: path, arguments, environment; manage.py itself runs, its command does not.

    manage.py is run because it may load a .env file or choose the settings module by itself.
    """
    directory = os.path.dirname(request["manage"])
    sys.path[0] = directory  # it is "" for a program on standard input
    sys.argv = [request["manage"], "check"]
    if request["settings"]:
        os.environ["DJANGO_SETTINGS_MODULE"] = request["settings"]
    from django.core import management

    original = management.execute_from_command_line
    management.execute_from_command_line = lambda argv=None: None
    try:
        runpy.run_path(request["manage"], run_name="__main__")
    except (Exception, SystemExit):
        if not os.environ.get("DJANGO_SETTINGS_MODULE"):
            raise
    finally:
        management.execute_from_command_line = original
    from django.conf import settings

    settings.INSTALLED_APPS  # noqa: B018  (this imports the settings)


# --- topics ---


def _plain(value: Any, secrets: bool, name: str = "") -> Any:
    """The part of OPTIONS that JSON can carry; without ``secrets`` also without secret-looking entries."""
    if not secrets and _looks_secret(name, value):
        return None
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, int):
        return int(value)  # an IntEnum such as psycopg's IsolationLevel
    if isinstance(value, dict):
        return _plain_items(value, secrets)
    if isinstance(value, (list, tuple)):
        return [_plain(item, secrets, name) for item in value]
    return str(value) if hasattr(value, "__fspath__") else None


def _looks_secret(name: str, value: Any) -> bool:
    return isinstance(value, str) and bool(venv_secrets.is_secret_name(name) or venv_secrets.url_passwords(value))


def _plain_items(options: Dict[Any, Any], secrets: bool) -> Dict[str, Any]:
    items = {str(key): _plain(item, secrets, str(key)) for key, item in options.items()}
    return {key: item for key, item in items.items() if item is not None}


def _in_place(options: Dict[str, Any], directory: str) -> Dict[str, Any]:
    """OPTIONS whose files are found from everywhere: a relative one is looked for where the project runs."""
    for name in ("read_default_file", "passfile"):
        if isinstance(options.get(name), str) and options[name]:
            options[name] = os.path.join(directory, options[name])
    return options


def _database(alias: str, secrets: bool) -> Raw:
    from django.db import connections

    settings = connections.databases[alias]
    raw = {"alias": alias, "backend": settings.get("ENGINE") or "", "vendor": "", "error": ""}
    try:
        settings = connections[alias].settings_dict  # with Django's defaults filled in
        raw["vendor"] = connections[alias].vendor
    except Exception as error:  # for instance a driver that is not installed; the alias is still worth telling
        raw["error"] = "{0}: {1}".format(type(error).__name__, error)

    def text(key: str) -> str:
        return str(settings.get(key) or "")

    raw.update(
        name=_name(settings.get("NAME") or "", raw),
        user=text("USER"),
        host=text("HOST"),
        port=int(text("PORT")) if text("PORT").isdigit() else None,
        options=_in_place(_plain(settings.get("OPTIONS") or {}, secrets), os.getcwd()),
        time_zone=text("TIME_ZONE"),
        test_mirror=str((settings.get("TEST") or {}).get("MIRROR") or ""),
        has_password=bool(settings.get("PASSWORD")),
    )
    if secrets:
        raw["password"] = text("PASSWORD")
    return raw


def _name(name: Any, raw: Raw) -> str:
    """NAME as it is the same everywhere: of a database that is a file, its path."""
    is_file = raw["vendor"] == "sqlite" or raw["backend"].rsplit(".", 1)[-1] in ("sqlite3", "spatialite")
    return venv_held.sqlite_path(name, os.getcwd()) if is_file else str(name)


def _identity(raw: Raw) -> Tuple[Any, ...]:
    if raw["vendor"] == "sqlite":
        return ("sqlite", os.path.realpath(raw["name"])) if raw["name"] != ":memory:" else ("memory", raw["alias"])
    host = raw["host"]
    options = raw["options"]
    files = str(options.get("service", "")), str(options.get("read_default_file", ""))
    port = raw["port"] or _DEFAULT_PORTS.get(raw["vendor"])
    return (raw["vendor"] or raw["backend"], raw["name"], _server(host, options), port) + files


def _server(host: str, options: Dict[str, Any]) -> str:
    """The machine, or the socket; "" for the server that this machine has at the usual place."""
    given = str(options.get("unix_socket") or "") if host in ("", "localhost") else ""
    path = given or (host if host.startswith("/") else "")
    if path:
        path = os.path.realpath(path)
        return "" if path in [os.path.realpath(usual) for usual in _DEFAULT_SOCKETS] else path
    return "" if host in _LOCAL_HOSTS else host.lower()


def mark_same(databases: List[Raw]) -> List[Raw]:
    """Set ``same_as`` on each alias that is another one's database, or its replica by TEST.MIRROR.

    A replica bears the name of what it repeats; any other database is one of its own, whatever tests do with it.
    """
    first: Dict[Tuple[Any, ...], str] = {}
    known = {raw["alias"]: raw for raw in databases}
    for raw in sorted(databases, key=lambda item: (bool(item["test_mirror"]), item["alias"] != "default")):
        owner = first.setdefault(_identity(raw), raw["alias"])
        mirror = known.get(raw["test_mirror"], raw)
        repeats = mirror is not raw and (mirror["vendor"], mirror["name"]) == (raw["vendor"], raw["name"])
        raw["same_as"] = owner if owner != raw["alias"] else (mirror["alias"] if repeats else "")
    for raw in databases:
        _follow(raw, {item["alias"]: item["same_as"] for item in databases})
    return databases


def _follow(raw: Raw, targets: Dict[str, str]) -> None:
    seen = {raw["alias"]}
    while raw["same_as"] and targets[raw["same_as"]] and targets[raw["same_as"]] not in seen:
        seen.add(raw["same_as"])
        raw["same_as"] = targets[raw["same_as"]]


def topic_databases(request: Request) -> List[Raw]:
    """Every alias, resolved; no connection is made."""
    from django.db import connections

    found = [_database(alias, request["secrets"]) for alias in connections]
    return mark_same([raw for raw in found if raw["backend"] != "django.db.backends.dummy"])


def _aliases(request: Request) -> List[Tuple[str, bool]]:
    """The wanted aliases, by default each database once; with whether the database file is there."""
    raws = topic_databases(dict(request, secrets=False))
    wanted = request["aliases"] or [raw["alias"] for raw in raws if not raw["same_as"]]
    gone = {raw["alias"]: raw["vendor"] == "sqlite" and not os.path.exists(raw["name"]) for raw in raws}
    return [(alias, not gone.get(alias, False)) for alias in wanted]


def topic_django(request: Request) -> Dict[str, Any]:
    """Versions, and the settings that a move needs to know."""
    import django
    from django.apps import apps
    from django.conf import settings

    storages = getattr(settings, "STORAGES", None) or {}
    storage = storages.get("default", {}).get("BACKEND") or getattr(settings, "DEFAULT_FILE_STORAGE", "")
    return {
        "version": django.get_version(),
        "requires_python": venv_models.requires_python(),
        "python": "{0}.{1}.{2}".format(*sys.version_info[:3]),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "settings": os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        "media_root": _absolute(settings.MEDIA_ROOT),
        "media_url": str(settings.MEDIA_URL or ""),
        "media_storage": str(storage),
        "media_stores": venv_storages.media_stores(),
        "static_stores": venv_storages.static_stores(),
        "file_stores": venv_models.file_stores(_absolute(settings.MEDIA_ROOT)),
        "static_root": _absolute(settings.STATIC_ROOT),
        "static_url": str(settings.STATIC_URL or ""),
        "used_paths": venv_models.used_paths(),
        "log_files": venv_models.log_files(),
        "apps": [config.label for config in apps.get_app_configs()],
        "debug": bool(settings.DEBUG),
        "allowed_hosts": [str(host) for host in settings.ALLOWED_HOSTS],
        "wsgi_application": str(settings.WSGI_APPLICATION or ""),
        "time_zone": str(settings.TIME_ZONE or ""),
        "use_tz": bool(settings.USE_TZ),
    }


def _absolute(path: Any) -> str:
    return os.path.abspath(str(path)) if path else ""


TOPICS: Dict[str, Callable[[Request], Any]] = {
    "databases": topic_databases,
    "django": topic_django,
    "media": lambda request: venv_models.topic_media(),
    "packages": lambda request: venv_packages.topic_packages(),
    "migrations": lambda request: venv_models.topic_migrations(_aliases(request)),
    "history": lambda request: venv_models.topic_history(),
    "models": lambda request: venv_models.topic_models(_aliases(request)),
    "counts": lambda request: venv_models.topic_counts(_aliases(request)),
    "checks": lambda request: venv_models.topic_checks(),
    "opened": lambda request: venv_opened.topic_opened(),
    "named": lambda request: venv_named.topic_named(),
    "neighbours": lambda request: venv_neighbours.topic_neighbours(),
    "logins": lambda request: venv_logins.topic_logins(),
    "pages": lambda request: venv_pages.topic_pages(),
    "serving": lambda request: venv_serving.topic_serving(),
    "store_logins": lambda request: venv_storages.topic_store_logins(),
}
#: topics that the settings alone answer; the others need the apps loaded
_WITHOUT_APPS = ("databases", "media", "packages", "opened", "named", "neighbours", "logins")


# --- request and answer ---


def _load(request: Request) -> Tuple[Optional[BaseException], str]:
    """Django, settings and apps, or the error that one of them raised."""
    stage = "django"
    try:
        import django

        if "opened" in request["what"]:
            venv_opened.watch()
        venv_held.begin(request)
        stage = "settings"
        start(request)
        venv_held.settings_read()
        stage = "apps"
        if any(topic not in _WITHOUT_APPS for topic in request["what"]):
            django.setup()
    except (Exception, SystemExit) as error:
        return error, stage
    finally:
        venv_opened.stop()
    return None, stage


def answer(request: Request, loaded: Optional[Tuple[Optional[BaseException], str]] = None) -> Dict[str, Any]:
    """The whole answer, with what the project was held to: see ``venv_held.outcome``.

    :param loaded: what :func:`_load` returned, where that was earlier
    """
    result = _asked(request, loaded or _load(request))
    if result["failed"]:
        venv_held.blame(0, "\n".join(result["failed"].get("lines", ())))
    return dict(result, **venv_held.outcome())


def _failing(topic: str, result: Dict[str, Any]) -> str:
    """Return the words of what failed of a topic, "" for nothing."""
    texts: List[str] = list(result["errors"].get(topic, {}).get("lines", ()))
    if topic == "serving":
        texts += [item["kind"] + " " + item["msg"] for item in result["answers"].get(topic, ())]
    if topic == "checks":
        found = result["answers"].get(topic, ())
        texts += [item["msg"] for item in found if item["level"] in ("ERROR", "CRITICAL")]
    return "\n".join(texts)


def _asked(request: Request, loaded: Tuple[Optional[BaseException], str]) -> Dict[str, Any]:
    """``{"answers": {topic: ...}, "errors": {topic: error}, "failed": error or None, "secrets"}``."""
    result: Dict[str, Any] = {"answers": {}, "errors": {}, "failed": None, "secrets": []}
    error, stage = loaded
    if error is not None:
        result["failed"] = venv_secrets.describe_error(stage, error)
        result["secrets"] = venv_secrets.all_secrets(error)
        return result
    from django.db import connections

    unknown = sorted(set(request["aliases"]) - set(connections))
    if unknown:
        result["failed"] = {"stage": "aliases", "unknown": unknown, "known": sorted(connections)}
        return result
    found = set(venv_secrets.all_secrets())
    _answer(request, request["what"], result, found)
    if _nothing_to_apply(result["answers"].get("migrations")):
        _answer(request, request.get("later", ()), result, found)
    connections.close_all()
    result["secrets"] = sorted(found)
    return result


def _answer(request: Request, topics: Iterable[str], result: Dict[str, Any], secrets: Set[str]) -> None:
    """Answer topics one after the other; one that fails is told as an error."""
    for topic in topics:
        refused = venv_held.count()
        try:
            result["answers"][topic] = TOPICS[topic](request)
        except (Exception, SystemExit) as failure:
            result["errors"][topic] = venv_secrets.describe_error(topic, failure)
            secrets.update(venv_secrets.all_secrets(failure))
        words = _failing(topic, result)
        if words:
            venv_held.blame(refused, words)


def _nothing_to_apply(migrations: Optional[Dict[str, Any]]) -> bool:
    """Tell whether the databases are as the steps that follow will find them."""
    return migrations is not None and not any(found["unapplied"] for found in migrations["aliases"].values())


def _question(handle: int, loaded: bool) -> Request:
    """Wait for the question. No connection is held meanwhile: databases are exchanged before it comes."""
    if loaded:
        from django.db import connections

        connections.close_all()
    sys.stderr.write("\nrelocate.django: loaded\n")
    sys.stderr.flush()
    with os.fdopen(handle, "r") as stream:
        asked = stream.read()
    if not asked:
        raise SystemExit(0)  # who began this is gone
    found: Request = json.loads(asked)
    return found


def main() -> None:
    """Answer on the original standard output; what the project prints goes to standard error."""
    sys.stdout.flush()
    handle = os.dup(1)
    os.dup2(2, 1)
    request, loaded = json.loads(sys.argv[1]), None
    if "waits" in request:
        loaded = _load(request)
        request.update(_question(request["waits"], loaded[0] is None))
    data = json.dumps(answer(request, loaded), ensure_ascii=True).encode("ascii")
    with os.fdopen(handle, "wb") as stream:
        stream.write(request["marker"].encode("ascii") + base64.b64encode(zlib.compress(data, 6)) + b"\n")
    sys.stderr.flush()
    venv_quiet.end()
    os._exit(0)  # threads that the project started, and its atexit hooks, must not keep us
