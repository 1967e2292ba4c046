# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Gives the credentials by which the settings log in to Redis and RabbitMQ. All that it answers is secret.

Part of the program that ``probe.py`` sends (see ``venv_probe.py``): Python 3.6 syntax, ASCII only, standard library
only, Django imported inside functions. Who asks for it shows none of it: it goes to ``_redis/client.py`` and to
rabbitmqctl alone.
"""

import re
import urllib.parse
from typing import Any, Dict, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import venv_neighbours

Login = Dict[str, Any]

_SCHEMES = re.compile(r"(?i)^(rediss?|valkeys?|unix|redis\+socket|amqps?|pyamqp|librabbitmq)://")
_WITH_TLS = ("rediss", "valkeys", "amqps")
#: Settings that hold one server under each key, with a login of its own.
_EACH = ("CACHES", "RQ_QUEUES", "CHANNEL_LAYERS")
_HOST = re.compile(r"^(\w*(?:REDIS|VALKEY))_HOST$")
_DEPTH = 6
_MOST = 200


def topic_logins() -> List[Login]:
    """The logins of each setting: one for every address that it holds, and one (address "") for the rest of it."""
    found: List[Login] = []
    for setting, value in _entries():
        found += logins_of(setting, value)
    return found[:_MOST]


def _entries() -> Iterator[Tuple[str, Any]]:
    """Settings by the names that ``_discover/neighbours.py`` gives them."""
    settings = venv_neighbours.wanted()
    for name, value in settings.items():
        if name in _EACH and isinstance(value, dict):
            for key, item in list(value.items())[:_MOST]:
                yield "{0}['{1}']".format(name, key), item
        else:
            yield name, value
            host = _HOST.match(name)
            if host is not None:
                yield name, _beside(host.group(1) + "_")
            if name == "BROKER_HOST":
                yield name, _beside("BROKER_")
    yield "SESSION_REDIS", _beside("SESSION_REDIS_")
    for app, conf in venv_neighbours.celery_apps().items():
        for key, value in conf.items():
            yield "{0} of the Celery app {1}".format(key, app), value


def _beside(stem: str) -> Dict[str, Any]:
    """Credentials that have settings of their own, such as REDIS_PASSWORD."""
    from django.conf import settings

    names = ("PASSWORD", "USERNAME", "USER", "SSL", "URL")
    return {name: getattr(settings, stem + name) for name in names if hasattr(settings, stem + name)}


def logins_of(setting: str, value: Any) -> List[Login]:
    """Return the logins that one setting holds."""
    given: Login = {"user": "", "password": "", "tls": False, "verify": True, "ca": ""}
    texts: List[str] = []
    _read(value, given, texts, 0)
    found = [_of_address(text, given) for text in texts[:_MOST]]
    return [dict(item, setting=setting) for item in found + [dict(given, address="")] if _says(item)]


def _says(login: Login) -> bool:
    """Tell whether it says more than that nobody has to log in."""
    return bool(login["password"] or login["user"] or login["tls"])


def _read(value: Any, given: Login, texts: List[str], depth: int) -> None:
    """Collect the addresses in a value, and what stands beside them under the usual names."""
    if isinstance(value, str):
        parts = re.split(r"[,;\s]+(?=[\w+.-]+://)", value)
        texts += [part.strip() for part in parts if _SCHEMES.match(part.strip())]
    elif isinstance(value, dict) and depth < _DEPTH:
        for key, item in list(value.items())[:_MOST]:
            _note(str(key).lower(), item, given)
            _read(item, given, texts, depth + 1)
    elif isinstance(value, (list, tuple)) and depth < _DEPTH:
        for item in value[:_MOST]:
            _read(item, given, texts, depth + 1)


def _note(key: str, value: Any, given: Login) -> None:
    if key in ("password", "username", "user", "ssl_ca_certs") and isinstance(value, str):
        name = {"password": "password", "ssl_ca_certs": "ca"}.get(key, "user")
        given[name] = given[name] or str(value)
    elif key in ("ssl", "use_ssl") and isinstance(value, (bool, int)):
        given["tls"] = given["tls"] or bool(value)
    elif key == "ssl_cert_reqs" and (value in (None, 0) or str(value).lower() in ("none", "cert_none")):
        given["verify"] = False


def _of_address(text: str, given: Login) -> Login:
    """The login of one address: what it says itself, else what stands beside it."""
    scheme, _found, rest = text.partition("://")
    where, _mark, options = rest.partition("?")
    before, has_login, _host = where.rpartition("@")
    user, _colon, password = before.partition(":") if has_login else ("", "", "")
    found = dict(given, tls=given["tls"] or scheme.lower() in _WITH_TLS)
    own: Login = {"user": urllib.parse.unquote(user), "password": urllib.parse.unquote(password), "ca": ""}
    for key, value in urllib.parse.parse_qsl(options):
        _note(key.lower(), value, own if key.lower() != "ssl_cert_reqs" else found)
    if own["password"]:
        found.update(user=own["user"], password=own["password"])
    return dict(found, ca=own["ca"] or found["ca"], address=venv_neighbours.without_credentials(text)[:2000])
