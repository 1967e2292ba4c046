# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the servers that a project's settings name besides its databases: caches, brokers, search, mail, storage. Pure.

The settings come from the project's interpreter (``_project/venv_neighbours.py``), without credentials. They are data
that anybody may have written: what has another shape than expected is passed over.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Callable, Collection, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour, Notice
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import (
    PORTS,
    SCHEMES,
    address,
    addresses,
    kind_of,
    mapping,
    of_mapping,
    port_of,
)

Settings = Mapping[str, Any]

_LIMIT = 200  # neighbours of a site
_DEPTH = 6  # of settings of the project's own


def parse(
    settings: Settings, databases: Sequence[Mapping[str, Any]] = (), moved: Collection[str] = ()
) -> List[Neighbour]:
    """Return every server that the settings name, each setting's once.

    :param settings: the probe's topic ``neighbours``
    :param databases: its topic ``databases``
    :param moved: aliases of databases that move with the site, and are no neighbours
    """
    found: List[Neighbour] = []
    for reader in _READERS:
        found += reader(settings)
    known = {(item.kind, item.host, item.port, item.path) for item in found}
    found += [item for item in _others(settings) if (item.kind, item.host, item.port, item.path) not in known]
    found += _databases(databases, moved)
    return list(dict.fromkeys(found))[:_LIMIT]


def beside(settings: Settings) -> List[Notice]:
    """Say what the site keeps neither in its databases nor in MEDIA_ROOT nor on a server: sessions, indexes in files.

    :param settings: the probe's topic ``neighbours``
    """
    found: List[Notice] = []
    if settings.get("SESSION_ENGINE") == "django.contrib.sessions.backends.file":
        path = settings.get("SESSION_FILE_PATH")
        where = "files below {0}".format(path) if isinstance(path, str) and path else "temporary files"
        hint = "name SESSION_FILE_PATH in relocate_files, or let users log in again on new"
        found.append(Notice("sessions are kept in {0}".format(where), hint))
    for name, connection in mapping(settings.get("HAYSTACK_CONNECTIONS")).items():
        path = mapping(connection).get("PATH")
        if isinstance(path, str) and path:
            what = "HAYSTACK_CONNECTIONS['{0}'] keeps its index in {1}".format(name, path)
            hint = "run `manage.py rebuild_index` on new after the move: it travels as it was before old was stopped"
            found.append(Notice(what, hint))
    return found


# --- settings, one reader for each kind


def _caches(settings: Settings) -> Iterator[Neighbour]:
    session = _session_cache(settings)
    for alias, cache in mapping(settings.get("CACHES")).items():
        cache = mapping(cache)
        kind = kind_of(cache.get("BACKEND"))
        if kind not in ("redis", "memcached"):
            continue
        role = "sessions" if alias == session else "cache"
        options = mapping(cache.get("OPTIONS"))
        setting = "CACHES['{0}']".format(alias)
        # With sentinels the location has the name of a service in place of a host.
        found = list(addresses(options.get("SENTINELS"), setting, role, "redis sentinel"))
        found = found or list(addresses(cache.get("LOCATION"), setting, role, kind))
        if not found and kind == "memcached":
            found = [Neighbour(kind, setting, role, "127.0.0.1", PORTS[kind])]
        number = options.get("DB", options.get("db"))
        for server in found:
            yield replace(server, database=str(number)) if number is not None and kind == "redis" else server


def _session_cache(settings: Settings) -> str:
    """The cache in which sessions are, and nowhere else: they are lost with it."""
    if settings.get("SESSION_ENGINE") != "django.contrib.sessions.backends.cache":
        return ""
    return str(settings.get("SESSION_CACHE_ALIAS") or "default")


def _sessions(settings: Settings) -> Iterator[Neighbour]:
    """django-redis-sessions, which has settings of its own."""
    if not str(settings.get("SESSION_ENGINE") or "").startswith("redis_sessions"):
        return
    own = dict(mapping(settings.get("SESSION_REDIS")))
    for key in ("HOST", "PORT", "DB", "URL", "UNIX_DOMAIN_SOCKET_PATH"):
        if settings.get("SESSION_REDIS_" + key) is not None:
            own["unix_socket_path" if key.startswith("UNIX") else key.lower()] = settings["SESSION_REDIS_" + key]
    own.setdefault("host", "" if own.get("url") or own.get("unix_socket_path") else "localhost")
    yield from of_mapping(own, "SESSION_REDIS", "sessions", "redis")


#: Settings of task queues that hold an address, or several.
_BROKERS = re.compile(r"^(?:[A-Z0-9_]+_)?(?:BROKER_URL|BROKER|RESULT_BACKEND)$")


def _celery(settings: Settings) -> Iterator[Neighbour]:
    for name in sorted(settings):
        if _BROKERS.match(name) and not name.startswith("DRAMATIQ_"):
            role = "task results" if name.endswith("RESULT_BACKEND") else "task queue"
            yield from addresses(settings[name], name, role)
    yield from _broker_host(settings)
    known = {str(value) for name, value in settings.items() if _BROKERS.match(name)}
    for app, conf in mapping(settings.get("celery")).items():
        for key, role in (("broker_url", "task queue"), ("result_backend", "task results")):
            value = mapping(conf).get(key)
            if str(value) not in known:
                yield from addresses(value, "{0} of the Celery app {1}".format(key, app), role)


def _broker_host(settings: Settings) -> Iterator[Neighbour]:
    """Celery's older settings, for RabbitMQ."""
    host = settings.get("BROKER_HOST")
    if isinstance(host, str) and host:
        vhost = str(settings.get("BROKER_VHOST") or "/")
        yield Neighbour(
            "rabbitmq", "BROKER_HOST", "task queue", host, port_of(settings.get("BROKER_PORT"), "rabbitmq"), "", vhost
        )


def _queues(settings: Settings) -> Iterator[Neighbour]:
    """RQ, Huey, Dramatiq and Django Q."""
    for name, queue in mapping(settings.get("RQ_QUEUES")).items():
        queue = mapping(queue)
        setting = "RQ_QUEUES['{0}']".format(name)
        if not queue.get("USE_REDIS_CACHE"):
            found = list(of_mapping(queue, setting, "task queue", "redis"))
            found += addresses(queue.get("SENTINELS"), setting, "task queue", "redis sentinel")
            yield from found or [Neighbour("redis", setting, "task queue", "localhost", 6379, "", "0")]
    yield from _huey(settings)
    yield from _dramatiq(settings)
    cluster = mapping(settings.get("Q_CLUSTER"))
    for key, kind in (("redis", "redis"), ("mongo", "mongodb")):
        yield from addresses(cluster.get(key), "Q_CLUSTER", "task queue", kind)


def _huey(settings: Settings) -> Iterator[Neighbour]:
    huey = mapping(settings.get("HUEY"))
    if not huey or huey.get("immediate"):
        return
    kind = kind_of(huey.get("huey_class") or huey.get("backend_class") or "RedisHuey")
    found = list(
        of_mapping(
            {**mapping(huey.get("connection")), "url": huey.get("url") or mapping(huey.get("connection")).get("url")},
            "HUEY",
            "task queue",
            kind,
        )
    )
    if kind == "redis":
        yield from found or [Neighbour("redis", "HUEY", "task queue", "localhost", 6379, "", "0")]


def _dramatiq(settings: Settings) -> Iterator[Neighbour]:
    for name, role in (("DRAMATIQ_BROKER", "task queue"), ("DRAMATIQ_RESULT_BACKEND", "task results")):
        given = mapping(settings.get(name))
        kind = kind_of(given.get("BROKER") or given.get("BACKEND"))
        options = given.get("OPTIONS") or given.get("BACKEND_OPTIONS")
        if kind:
            found = list(addresses(options, name, role, kind))
            yield from found or [Neighbour(kind, name, role, "localhost", PORTS.get(kind))]


def _channels(settings: Settings) -> Iterator[Neighbour]:
    for name, layer in mapping(settings.get("CHANNEL_LAYERS")).items():
        kind = kind_of(mapping(layer).get("BACKEND"))
        config = mapping(mapping(layer).get("CONFIG"))
        setting = "CHANNEL_LAYERS['{0}']".format(name)
        if kind:
            hosts = config.get("hosts") if kind == "redis" else config.get("host")
            found = list(addresses(hosts, setting, "channel layer", kind))
            yield from found or [Neighbour(kind, setting, "channel layer", "localhost", PORTS.get(kind))]


def _search(settings: Settings) -> Iterator[Neighbour]:
    for name, connection in mapping(settings.get("HAYSTACK_CONNECTIONS")).items():
        connection, setting = mapping(connection), "HAYSTACK_CONNECTIONS['{0}']".format(name)
        kind = kind_of(connection.get("ENGINE"))
        if kind:
            yield from addresses(connection.get("URL"), setting, "search", kind)
    for name, backend in mapping(settings.get("WAGTAILSEARCH_BACKENDS")).items():
        backend, setting = mapping(backend), "WAGTAILSEARCH_BACKENDS['{0}']".format(name)
        kind = kind_of(backend.get("BACKEND"))
        if kind:
            found = list(addresses(backend.get("URLS"), setting, "search", kind))
            found += addresses(backend.get("HOSTS"), setting, "search", kind)
            yield from found or [Neighbour(kind, setting, "search", "localhost", PORTS.get(kind))]
    yield from _search_clients(settings)


def _search_clients(settings: Settings) -> Iterator[Neighbour]:
    for kind in ("elasticsearch", "opensearch"):
        for name, connection in mapping(settings.get(kind.upper() + "_DSL")).items():
            setting = "{0}_DSL['{1}']".format(kind.upper(), name)
            connection = mapping(connection)
            yield from addresses(connection.get("hosts") or connection.get("host"), setting, "search", kind)
    for kind in ("elasticsearch", "opensearch", "meilisearch", "typesense"):
        name = kind.upper()
        yield from addresses(settings.get(name), name, "search", kind)
        for ending in ("_URL", "_HOSTS", "_HOST"):
            port = settings.get(name + "_PORT")
            for server in addresses(settings.get(name + ending), name + ending, "search", kind):
                yield replace(server, port=port_of(port, kind)) if port else server


def _mail(settings: Settings) -> Iterator[Neighbour]:
    backend = settings.get("EMAIL_BACKEND")
    sends = "EMAIL_HOST" in settings if backend is None else kind_of(backend) == "smtp"
    if sends or (settings.get("EMAIL_HOST") and _sends_itself(backend)):
        host = settings.get("EMAIL_HOST") or "localhost"
        server = address(host, "EMAIL_HOST", "mail", "smtp")
        if server is not None:
            yield replace(server, port=port_of(settings.get("EMAIL_PORT"), "smtp"))
    yield from addresses(settings.get("EMAIL_URL"), "EMAIL_URL", "mail")


def _sends_itself(backend: Any) -> bool:
    """Tell whether a mail backend leaves sending to another one, which then has EMAIL_HOST."""
    return isinstance(backend, str) and bool(
        re.search(r"post_office|djcelery_email|mailer\.backend|celery_email", backend)
    )


def _storages(settings: Settings) -> Iterator[Neighbour]:
    for setting, backend, options in _storage_backends(settings):
        kind = kind_of(backend)
        if kind in _STORES:
            yield _STORES[kind](settings, setting, options)


def _google(settings: Settings, setting: str, options: Mapping[str, Any]) -> Neighbour:
    bucket = options.get("bucket_name") or settings.get("GS_BUCKET_NAME") or ""
    return Neighbour("gcs", setting, "storage", "storage.googleapis.com", 443, "", str(bucket))


def _azure(settings: Settings, setting: str, options: Mapping[str, Any]) -> Neighbour:
    name = options.get("account_name") or settings.get("AZURE_ACCOUNT_NAME")
    container = options.get("azure_container") or settings.get("AZURE_CONTAINER") or ""
    host = "{0}.blob.core.windows.net".format(name) if name else "blob.core.windows.net"
    return Neighbour("azure", setting, "storage", host, 443, "", str(container))


def _storage_backends(settings: Settings) -> Iterator[Tuple[str, Any, Mapping[str, Any]]]:
    for name, storage in mapping(settings.get("STORAGES")).items():
        storage = mapping(storage)
        yield "STORAGES['{0}']".format(name), storage.get("BACKEND"), mapping(storage.get("OPTIONS"))
    for name in ("DEFAULT_FILE_STORAGE", "STATICFILES_STORAGE"):
        if "STORAGES" not in settings and settings.get(name):
            yield name, settings[name], {}


def _s3(settings: Settings, setting: str, options: Mapping[str, Any]) -> Neighbour:
    def either(option: str, *names: str) -> Any:
        return options.get(option) or next((settings[name] for name in names if settings.get(name)), "")

    bucket = either("bucket_name", "AWS_STORAGE_BUCKET_NAME", "MINIO_STORAGE_MEDIA_BUCKET_NAME")
    endpoint = either("endpoint_url", "AWS_S3_ENDPOINT_URL", "MINIO_STORAGE_ENDPOINT")
    region = either("region_name", "AWS_S3_REGION_NAME")
    host = "s3.{0}.amazonaws.com".format(region) if region else "s3.amazonaws.com"
    server = address(endpoint, setting, "storage", "s3") or Neighbour("s3", setting, "storage", host, 443)
    return replace(server, database=str(bucket))


_STORES: Mapping[str, Callable[[Settings, str, Mapping[str, Any]], Neighbour]] = {
    "s3": _s3,
    "gcs": _google,
    "azure": _azure,
}


def _logging(settings: Settings) -> Iterator[Neighbour]:
    for name, handler in mapping(mapping(settings.get("LOGGING")).get("handlers")).items():
        handler, setting = mapping(handler), "LOGGING handler '{0}'".format(name)
        kind = str(handler.get("class") or "").rsplit(".", 1)[-1]
        if kind == "SysLogHandler":
            where = handler.get("address") or ["localhost", 514]
            yield from addresses(where, setting, "log", "syslog")
        elif kind == "SMTPHandler":
            yield from addresses(handler.get("mailhost"), setting, "mail", "smtp")
        elif isinstance(handler.get("host"), str) and handler.get("port"):
            yield from of_mapping(handler, setting, "log", "log")


def _rest(settings: Settings) -> Iterator[Neighbour]:
    for name, value in (
        ("SENTRY_DSN", settings.get("SENTRY_DSN")),
        ("RAVEN_CONFIG", mapping(settings.get("RAVEN_CONFIG")).get("dsn")),
        ("sentry_sdk.init", settings.get("sentry")),
    ):
        server = address(value, name, "error reports", "sentry")
        if server is not None:
            yield replace(server, database="")
    yield from addresses(settings.get("AUTH_LDAP_SERVER_URI"), "AUTH_LDAP_SERVER_URI", "logins", "ldap")
    yield from addresses(settings.get("ELASTIC_SEARCH_CONFIG"), "ELASTIC_SEARCH_CONFIG", "search", "elasticsearch")
    for name in ("CACHEOPS_REDIS", "CONSTANCE_REDIS_CONNECTION"):
        yield from addresses(settings.get(name), name, "store", "redis")


_READERS: Tuple[Callable[[Settings], Iterator[Neighbour]], ...] = (
    _caches,
    _sessions,
    _celery,
    _queues,
    _channels,
    _search,
    _mail,
    _storages,
    _logging,
    _rest,
)
_HOST_SETTING = re.compile(r"^(?P<stem>\w*(?:REDIS|MEMCACHED?|RABBITMQ|MONGO(?:DB)?|ELASTIC(?:SEARCH)?))_HOST$")


#: Settings that a reader above knows: what it passes over is no neighbour.
_KNOWN = re.compile(
    r"CACHES|SESSION_\w+|RQ(_QUEUES)?|HUEY|DRAMATIQ_\w+|Q_CLUSTER|CHANNEL_LAYERS|HAYSTACK_CONNECTIONS|STORAGES|LOGGING"
    r"|WAGTAILSEARCH_BACKENDS|(ELASTICSEARCH|OPENSEARCH|MEILISEARCH|TYPESENSE)\w*|EMAIL_\w+|MAILERS|DATABASES"
)


def _others(settings: Settings) -> Iterator[Neighbour]:
    """What settings of the project's own name: an address of a server, however deep, or a host with its port."""
    for name in sorted(settings):
        value = settings[name]
        if name.isupper() and not _KNOWN.fullmatch(name):
            for text in _texts(value):
                yield from addresses(text, name, "store")
        match = _HOST_SETTING.match(name)
        if match is not None:
            kind = SCHEMES.get(match.group("stem").rsplit("_", 1)[-1].lower()) or kind_of(match.group("stem"))
            for server in addresses(value, name, "store", kind or match.group("stem").lower()):
                port = settings.get(match.group("stem") + "_PORT")
                yield replace(server, port=port_of(port, server.kind)) if port else server


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """The addresses with a scheme in a value."""
    if isinstance(value, str) and "://" in value:
        yield value
    elif isinstance(value, (Mapping, list)) and depth < _DEPTH:
        for item in list(value.values() if isinstance(value, Mapping) else value)[:_LIMIT]:
            yield from _texts(item, depth + 1)


def _databases(databases: Sequence[Mapping[str, Any]], moved: Collection[str]) -> Iterator[Neighbour]:
    """Databases that stay where they are."""
    for raw in databases:
        if raw["alias"] in moved or raw["vendor"] == "sqlite" or raw["same_as"]:
            continue
        kind = str(raw["vendor"] or raw["backend"].rsplit(".", 1)[-1])
        setting = "DATABASES['{0}']".format(raw["alias"])
        server = Neighbour(kind, setting, "database", database=str(raw["name"]))
        host = str(raw["host"])
        if host.startswith("/"):
            yield replace(server, path=host)
        else:
            yield replace(server, host=host or "localhost", port=raw["port"] or PORTS.get(kind))
