# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads addresses of servers as settings write them: URLs, hosts with ports, sockets, mappings. Pure.

They come from a project's settings, which are data: what has another shape than expected is passed over.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from dataclasses import replace
from typing import Any, Iterator, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

#: What serves an address, by its scheme; the port that such a server listens on unless told otherwise.
SCHEMES = {
    **dict.fromkeys(("redis", "rediss", "sentinel", "unix", "redis+socket", "valkey", "valkeys"), "redis"),
    **dict.fromkeys(("amqp", "amqps", "pyamqp", "librabbitmq"), "rabbitmq"),
    **dict.fromkeys(("memcache", "memcached", "cache+memcached", "pymemcache", "pymemcachecache"), "memcached"),
    **dict.fromkeys(("mongodb", "mongodb+srv"), "mongodb"),
    **dict.fromkeys(("ldap", "ldaps"), "ldap"),
    **dict.fromkeys(("smtp", "smtps", "smtp+tls", "smtp+ssl"), "smtp"),
    **dict.fromkeys(("kafka", "confluentkafka"), "kafka"),
    **dict.fromkeys(("beanstalk", "beanstalkd"), "beanstalkd"),
    "nats": "nats",
    "sqs": "sqs",
}
PORTS = {
    "redis": 6379,
    "rabbitmq": 5672,
    "memcached": 11211,
    "mongodb": 27017,
    "elasticsearch": 9200,
    "opensearch": 9200,
    "solr": 8983,
    "meilisearch": 7700,
    "typesense": 8108,
    "smtp": 25,
    "ldap": 389,
    "syslog": 514,
    "postgresql": 5432,
    "mysql": 3306,
}
_WEB = {"http": 80, "https": 443}
_WEB_SERVERS = ("solr", "meilisearch", "typesense", "s3", "sentry")  # those that are named by a page's address
_SOCKETS = ("unix", "redis+socket")
_TLS_PORTS = {"amqps": 5671, "ldaps": 636, "smtps": 465, "smtp+ssl": 465, "smtp+tls": 587}
#: What a dotted class stands for, by a part of its name; the first that fits.
_CLASSES = (
    (r"redis|valkey", "redis"),
    (r"memcached|pymemcache|pylibmc", "memcached"),
    (r"rabbitmq", "rabbitmq"),
    (r"opensearch", "opensearch"),
    (r"elastic", "elasticsearch"),
    (r"meilisearch", "meilisearch"),
    (r"solr", "solr"),
    (r"s3|minio", "s3"),
    (r"gcloud|googlecloud", "gcs"),
    (r"azure", "azure"),
    (r"smtp", "smtp"),
)
_LIMIT = 200  # addresses of one setting


def address(text: Any, setting: str, role: str, kind: str = "") -> Optional[Neighbour]:
    """Return the server that an address means; None for what is no address of a server.

    :param kind: what serves there when the address has no scheme that says so
    """
    if not isinstance(text, str) or not text.strip():
        return None
    text = text.strip()
    scheme, found, rest = text.partition("://")
    if not found:
        return _plain_address(text, Neighbour(kind, setting, role)) if kind else None
    kind = SCHEMES.get(scheme.lower(), kind)
    return _of_url(scheme.lower(), rest, Neighbour(kind, setting, role)) if kind else None


def _of_url(scheme: str, rest: str, server: Neighbour) -> Optional[Neighbour]:
    where, _mark, options = rest.partition("?")
    given = dict(urllib.parse.parse_qsl(options))
    database = given.get("db") or given.get("virtual_host") or ""
    if scheme in _SOCKETS:
        return replace(server, path="/" + where.lstrip("/"), database=database)
    host, _slash, path = where.partition("/")
    found = _plain_address(host or "localhost", server)
    if found is None:
        return None
    return replace(_with_port(found, scheme, host), database=database or _database(server.kind, path))


def _with_port(server: Neighbour, scheme: str, written: str) -> Neighbour:
    """The server with the port that its scheme stands for, when none is written."""
    if re.search(r":\d+$", written):
        return server
    port = _WEB.get(scheme) if server.kind in _WEB_SERVERS else _TLS_PORTS.get(scheme)
    return replace(server, port=port or server.port)


def _database(kind: str, path: str) -> str:
    """The part of the server that the path of an address means: a number, or a virtual host."""
    name = urllib.parse.unquote(path)
    if kind == "rabbitmq":
        return name or "/"
    if kind == "redis":
        return name.strip("/") or "0"
    return name.strip("/") if kind == "mongodb" else ""


def _plain_address(text: str, server: Neighbour) -> Optional[Neighbour]:
    """``host``, ``host:port``, ``[::1]:port``, ``unix:/path`` or ``/path``."""
    if text.startswith(("/", "unix:")):
        return replace(server, path="/" + re.sub(r"^unix:", "", text).lstrip("/"))
    match = re.match(r"^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:/\[\]]+))(?::(\d{1,5}))?(?:/.*)?\Z", text)
    if match is None:
        return replace(server, host=text, port=PORTS.get(server.kind)) if is_ip(text) else None
    return replace(server, host=match.group(1) or match.group(2), port=port_of(match.group(3), server.kind))


def port_of(value: Any, kind: str) -> Optional[int]:
    """Return a port, or the one that such a server usually has."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return int(text) if is_number(text) and 0 < int(text) < 65536 else PORTS.get(kind)


def is_ip(text: str) -> bool:
    """Tell whether a text is an address of IPv4 or IPv6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def addresses(value: Any, setting: str, role: str, kind: str = "") -> Iterator[Neighbour]:
    """The servers of one text with separators, of a list of texts, pairs or mappings, or of a mapping."""
    if isinstance(value, str):
        for part in re.split(r"[,;\s]+", value):
            server = address(part, setting, role, kind)
            if server is not None:
                yield server
    elif isinstance(value, Mapping):
        yield from of_mapping(value, setting, role, kind)
    elif _is_pair(value):
        server = address(value[0], setting, role, kind)
        if server is not None:
            yield replace(server, port=port_of(value[1], server.kind))
    elif isinstance(value, (list, tuple)):
        for item in value[:_LIMIT]:
            yield from addresses(item, setting, role, kind)


def _is_pair(value: Any) -> bool:
    """Tell whether something is a host and a port, as channels_redis takes them."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], str)
        and (isinstance(value[1], int) or (isinstance(value[1], str) and is_number(value[1])))
    )


#: Names of keys, in lower case, by what they hold.
_URL_KEYS = ("url", "address", "uri", "connection_url")
_HOST_KEYS = ("host", "hostname", "server")
_PATH_KEYS = ("unix_socket_path", "unix_socket", "path")
_DATABASE_KEYS = ("db", "database", "virtual_host", "vhost")


def of_mapping(given: Mapping[Any, Any], setting: str, role: str, kind: str) -> Iterator[Neighbour]:
    """A mapping that says host, port and database, or a URL, as RQ, Huey and many others have them."""
    items = {str(key).lower(): value for key, value in given.items()}
    database = str(_first(items, _DATABASE_KEYS, ""))
    urls, path, host = (_first(items, keys, None) for keys in (_URL_KEYS, _PATH_KEYS, _HOST_KEYS))
    if urls:
        yield from addresses(urls, setting, role, kind)
        return
    server = address(path if host is None and str(path).startswith("/") else host, setting, role, kind)
    if server is not None:
        port = None if server.path else port_of(items.get("port", server.port), server.kind)
        yield replace(server, port=port, database=database or server.database)


def _first(items: Mapping[str, Any], keys: Sequence[str], otherwise: Any) -> Any:
    return next((items[key] for key in keys if items.get(key) not in (None, "")), otherwise)


def kind_of(dotted: Any, otherwise: str = "") -> str:
    """Return what a dotted class of a backend talks to: redis, memcached, elasticsearch, s3, ..."""
    text = dotted.lower() if isinstance(dotted, str) else ""
    return next((kind for pattern, kind in _CLASSES if re.search(pattern, text)), otherwise)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping with texts as keys; an empty one in place of anything else."""
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}
