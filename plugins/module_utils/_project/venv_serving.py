# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Tries, inside the project's interpreter, what a server does at its first request, without one.

Django imports much of a site only then: URLs, middleware, template engines, storages, cache backends. And templates
look only then for what a build should have made. All of it is imported or looked at here, and nothing is asked of any
of it: what project code does while it is imported, as ``manage.py check`` imports it, it does here too. The databases
are blank yet, so what needs their rows is passed over. Python 3.6 syntax, ASCII only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import functools
import os
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

Failure = Dict[str, str]


def topic_serving() -> List[Failure]:
    """Return what would fail at a request: ``where`` (a setting), ``kind`` (of the exception) and ``msg``."""
    found = []
    for where, attempt in _attempts():
        try:
            attempt()
        except (Exception, SystemExit) as error:
            if needs_rows(error):
                continue
            found.append({"where": where, "kind": type(error).__name__, "msg": _words(error)})
    return found + list(_missing_builds())


def needs_rows(error: Optional[BaseException]) -> bool:
    """Tell whether an error comes of a query: code that asks a database as it is imported finds none of its tables."""
    from django.db import DatabaseError

    seen = []  # type: List[BaseException]
    while error is not None and error not in seen:
        if isinstance(error, DatabaseError):
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1][:500] if lines else ""


def _attempts() -> Iterator[Tuple[str, Callable[[], Any]]]:
    from django.conf import settings
    from django.utils.module_loading import import_string

    if getattr(settings, "ROOT_URLCONF", None):  # else nothing of it is served
        yield "ROOT_URLCONF", _load_urls
    yield "MIDDLEWARE", _load_middleware
    yield "TEMPLATES", _load_templates
    for alias, path in _backends(settings):
        yield alias, functools.partial(import_string, path)
    for path in settings.AUTHENTICATION_BACKENDS if "django.contrib.auth" in settings.INSTALLED_APPS else ():
        yield "AUTHENTICATION_BACKENDS", functools.partial(import_string, path)
    yield "SESSION_ENGINE", _load_sessions
    yield "STORAGES", _load_storages


def _backends(settings: Any) -> Iterator[Tuple[str, str]]:
    """Dotted paths of classes that settings name, each with the setting."""
    for alias, cache in sorted(getattr(settings, "CACHES", {}).items()):
        yield "CACHES['{0}']".format(alias), str(cache.get("BACKEND") or "")
    yield "EMAIL_BACKEND", str(settings.EMAIL_BACKEND)
    for alias, layer in sorted((getattr(settings, "CHANNEL_LAYERS", None) or {}).items()):
        yield "CHANNEL_LAYERS['{0}']".format(alias), str(layer.get("BACKEND") or "")


def _load_urls() -> None:
    from django.urls import get_resolver

    resolver = get_resolver()
    resolver.reverse_dict  # noqa: B018  (this imports the URLconfs of all apps)


def _load_middleware() -> None:
    from django.core.handlers.base import BaseHandler

    BaseHandler().load_middleware()


def _load_templates() -> None:
    from django.template import engines

    for engine in engines.all():
        inner = getattr(engine, "engine", None)
        if inner is not None:
            inner.template_libraries  # noqa: B018  (this imports the libraries of tags)
            inner.template_context_processors  # noqa: B018


def _load_sessions() -> None:
    from importlib import import_module

    from django.conf import settings

    if "django.contrib.sessions" in settings.INSTALLED_APPS:
        import_module(settings.SESSION_ENGINE)


def _load_storages() -> None:
    """The classes of storages: Django makes them at first use. From 5.1 on it ignores the two older settings."""
    import django
    from django.conf import settings
    from django.utils.module_loading import import_string

    named = [item.get("BACKEND") for item in (getattr(settings, "STORAGES", None) or {}).values()]
    if django.VERSION < (5, 1):
        named += [getattr(settings, name, None) for name in ("DEFAULT_FILE_STORAGE", "STATICFILES_STORAGE")]
    for path in named:
        if path:
            import_string(path)


# --- what a build should have made


def _missing_builds() -> Iterator[Failure]:
    from django.conf import settings

    for where, path in _builds(settings):
        if path and not os.path.exists(path):
            yield {"where": where, "kind": "FileNotFoundError", "msg": "{0} is not there".format(path)}


def _builds(settings: Any) -> Iterator[Tuple[str, str]]:
    """Files that a build makes and templates need, each with the setting that says so."""
    if not settings.DEBUG:
        yield "STATICFILES_STORAGE", _static_manifest(settings)
    if getattr(settings, "COMPRESS_OFFLINE", False) and getattr(settings, "COMPRESS_ENABLED", not settings.DEBUG):
        root = getattr(settings, "COMPRESS_ROOT", None) or settings.STATIC_ROOT or ""
        directory = getattr(settings, "COMPRESS_OUTPUT_DIR", "CACHE")
        manifest = getattr(settings, "COMPRESS_OFFLINE_MANIFEST", "manifest.json")
        yield "COMPRESS_OFFLINE", os.path.join(str(root), directory, manifest)
    for name, loader in sorted((getattr(settings, "WEBPACK_LOADER", None) or {}).items()):
        yield "WEBPACK_LOADER['{0}']".format(name), str(loader.get("STATS_FILE") or "")
    yield from _vite(settings)


def _static_manifest(settings: Any) -> str:
    """The path of the manifest that static files are looked up in, if the storage has one."""
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return ""
    from django.contrib.staticfiles.storage import staticfiles_storage

    name = getattr(staticfiles_storage, "manifest_name", "")
    storage = getattr(staticfiles_storage, "manifest_storage", staticfiles_storage)
    if not name or not getattr(staticfiles_storage, "manifest_strict", True):
        return ""
    try:
        return str(storage.path(name))
    except NotImplementedError:
        return ""  # kept elsewhere


def _vite(settings: Any) -> Iterator[Tuple[str, str]]:
    for name, app in sorted((getattr(settings, "DJANGO_VITE", None) or {}).items()):
        if not isinstance(app, dict) or app.get("dev_mode"):
            continue
        where = "DJANGO_VITE['{0}']".format(name)
        if app.get("manifest_path"):
            yield where, str(app["manifest_path"])
        elif settings.STATIC_ROOT:
            prefix = str(app.get("static_url_prefix") or "")
            yield where, os.path.join(str(settings.STATIC_ROOT), prefix, "manifest.json")
