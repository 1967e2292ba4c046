# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Gives the settings that name other servers: caches, brokers, search, mail, storage. Without credentials.

Part of the program that ``probe.py`` sends (see ``venv_probe.py``): Python 3.6 syntax, ASCII only, standard library
only, Django imported inside functions. ``_discover/neighbours.py`` says what they mean.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import re
import sys
import urllib.parse
from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._project import venv_secrets

_NAMED = re.compile(
    r"^(CACHES|SESSION_(ENGINE|CACHE_ALIAS|REDIS\w*|FILE_PATH)|\w*BROKER(_URL|_HOST|_PORT|_VHOST)?|\w*RESULT_BACKEND"
    r"|CELERY|RQ(_QUEUES)?|HUEY|DRAMATIQ_\w+|Q_CLUSTER|CHANNEL_LAYERS|HAYSTACK_CONNECTIONS|WAGTAILSEARCH_BACKENDS"
    r"|(ELASTICSEARCH|OPENSEARCH|ELASTICSEARCH_DSL|OPENSEARCH_DSL|MEILISEARCH|TYPESENSE)(_URL|_HOSTS?|_PORT)?"
    r"|EMAIL_(BACKEND|HOST|PORT|URL|CONFIG)|MAILERS|STORAGES|(DEFAULT_FILE|STATICFILES)_STORAGE|MEDIA_ROOT"
    r"|AWS_(STORAGE_BUCKET_NAME|S3_ENDPOINT_URL|S3_REGION_NAME|S3_CUSTOM_DOMAIN|SES_REGION_NAME)"
    r"|GS_BUCKET_NAME|AZURE_(ACCOUNT_NAME|CONTAINER)|MINIO_STORAGE_(ENDPOINT|\w*BUCKET_NAME)|LIBCLOUD_PROVIDERS"
    r"|SENTRY_DSN|RAVEN_CONFIG|LOGGING|AUTH_LDAP_SERVER_URI|CACHEOPS_REDIS|CONSTANCE_REDIS_CONNECTION"
    r"|ELASTIC_SEARCH_CONFIG"
    r"|\w*(REDIS|MEMCACHED?|RABBITMQ|MONGO(DB)?|ELASTIC(SEARCH)?)_(URL|HOST|PORT|DB|LOCATION|URI))$"
)
#: Wherever such an address stands, a server is named.
_SERVER = re.compile(
    r"(?i)^(rediss?(\+\w+)?|sentinel|unix|amqps?|pyamqp|memcached?|kafka|nats|mongodb(\+srv)?|ldaps?|smtps?|smtp\+\w+"
    r"|elasticsearch\w*|opensearch\w*|sqs|beanstalk\w*|ws|wss)://"
)
_SECRET_ADDRESS = re.compile(r"^(SENTRY_DSN|dsn)$")  # its key is part of the address, its host is not secret
_NO_PORT = re.compile(r":(?!\d*$)(?![^\[]*\]$)[^:]*$")
_DEPTH = 7
_MOST = 500  # entries of a collection
_CREDENTIALS = re.compile(r"(?i)auth|user|login|credential")  # keys of what opens a server
_KEPT = ("db", "database", "virtual_host", "vhost")  # of what follows the question mark


def without_credentials(text: str) -> str:
    """Return a list of addresses, or one, with neither user, password nor options; the database's number stays."""
    return "".join(_bare(part) for part in re.split(r"([,;\s]+(?=[\w+.-]+://))", text))


def _bare(text: str) -> str:
    scheme, found, rest = text.partition("://")
    if not found:
        return text.rpartition("@")[2]
    address, _mark, options = rest.rpartition("@")[2].partition("?")
    if _NO_PORT.search(address.partition("/")[0]):
        return scheme + found  # a piece of a password that held a separator
    kept = [(key, value) for key, value in urllib.parse.parse_qsl(options) if key.lower() in _KEPT]
    return scheme + found + address + ("?" + urllib.parse.urlencode(kept) if kept else "")


def plain(value: Any, name: str = "", depth: int = 0) -> Any:
    """The part of a setting that JSON can carry, without credentials; of other values, what kind they are."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (str, bytes)) or hasattr(value, "__fspath__"):
        return _text(name, value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return _collection(value, name, depth) if depth < _DEPTH else None
    return type(value).__module__ + "." + type(value).__name__


def _collection(value: Any, name: str, depth: int) -> Any:
    if not isinstance(value, dict):
        return [plain(item, name, depth + 1) for item in list(value)[:_MOST]]
    pairs = [(str(key), item) for key, item in list(value.items())[:_MOST] if not _CREDENTIALS.search(str(key))]
    items = {key: plain(item, key, depth + 1) for key, item in pairs}
    return {key: item for key, item in items.items() if item is not None}


def _text(name: str, value: str) -> Any:
    if venv_secrets.is_secret_name(name) and not _SECRET_ADDRESS.match(name):
        return None
    return without_credentials(value)[:2000]


def _is_wanted(name: str, value: Any) -> bool:
    return bool(_NAMED.match(name)) or _names_server(value, 0)


def _names_server(value: Any, depth: int) -> bool:
    """Tell whether an address of a server stands somewhere in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return depth < 4 and any(_names_server(item, depth + 1) for item in value[:_MOST])
    return isinstance(value, str) and bool(_SERVER.match(value))


def _is_inherited(name: str, value: Any) -> bool:
    """Tell whether this is Django's own default: django-configurations sets every one of them anew."""
    from django.conf import global_settings

    return "configurations" in sys.modules and value == getattr(global_settings, name, None)


def celery_apps() -> Dict[str, Dict[str, Any]]:
    """Broker and results of each Celery app that importing the settings has made; tasks are not imported."""
    state: Any = sys.modules.get("celery._state")
    found: Dict[str, Dict[str, Any]] = {}
    for app in list(state._get_active_apps()) if state is not None else []:
        if app.main not in (None, "default", "celery.fallback"):
            values = {key: app.conf.get(key) for key in ("broker_url", "result_backend")}
            found[str(app.main)] = {key: value for key, value in values.items() if value}
    return found


def _celery() -> Dict[str, Any]:
    return {name: {key: plain(value, key) for key, value in app.items()} for name, app in celery_apps().items()}


def _sentry() -> Any:
    """The address that errors are sent to, when the settings start Sentry by themselves."""
    sdk: Any = sys.modules.get("sentry_sdk")
    client = getattr(getattr(sdk, "Hub", None), "current", None)
    options = getattr(getattr(client, "client", None), "options", None) or {}
    return plain(options.get("dsn"), "dsn") if isinstance(options, dict) else None


def topic_neighbours() -> Dict[str, Any]:
    """Settings by name, as far as they name servers and the project has set them; under two keys, what they start."""
    found = _named()
    extra: List[Any] = [("celery", _celery), ("sentry", _sentry)]
    for name, ask in extra:
        try:
            found[name] = ask()
        except Exception:  # the project's own code, which is told by other means
            found[name] = None
    return {name: value for name, value in found.items() if value not in (None, {}, [], "")}


def _named() -> Dict[str, Any]:
    return {name: plain(value, name) for name, value in wanted().items()}


def wanted() -> Dict[str, Any]:
    """Return the settings that name servers, as far as the project has set them; as they are, with credentials."""
    from django.conf import settings

    found: Dict[str, Any] = {}
    for name in dir(settings):
        if not name.isupper() or not settings.is_overridden(name):
            continue
        try:
            value = getattr(settings, name)
        except Exception:  # noqa: S112  (an empty SECRET_KEY raises when it is looked at)
            continue
        if _is_wanted(name, value) and not _is_inherited(name, value):
            found[name] = value
    return found
