# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Gives a project that is tried out stand-ins for what it speaks to: cache, sessions, mail, queues and channels.

What is refused below (``venv_quiet``) would make pages fail that work; with a stand-in they go on as they would.

Part of a program that runs in the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import os
import sys
from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._project import venv_quiet

_SESSIONS = "django.contrib.sessions.backends."
_CACHE = "cache_of_a_rehearsal"
#: What was discarded, by kind.
_DISCARDED: Dict[str, int] = {}


def told() -> List[str]:
    """Say what was discarded, and what was refused outside of requests."""
    aside = "the project's start, or a thread of it, wanted to {0}, which a rehearsal does not let it"
    gone = "{0} {1} of the pages that were asked went nowhere"
    found = [gone.format(count, what) for what, count in sorted(_DISCARDED.items())]
    return found + [aside.format(what) for what in venv_quiet.STATE.beside]


def settle_settings(settings: Any) -> None:
    """Replace the servers that settings name, before anything connects to them."""
    settings.LOGGING_CONFIG = None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.CACHES = {alias: _cache(alias, cache) for alias, cache in dict(settings.CACHES, default={}).items()}
    _forget_caches()
    engine = str(getattr(settings, "SESSION_ENGINE", ""))
    if engine in [_SESSIONS + name for name in ("db", "cached_db", "file", "cache")]:
        settings.SESSION_ENGINE = _SESSIONS + "cache"
    for alias, layer in (getattr(settings, "CHANNEL_LAYERS", None) or {}).items():
        settings.CHANNEL_LAYERS[alias] = dict(layer, BACKEND="channels.layers.InMemoryChannelLayer", CONFIG={})
    for task in (getattr(settings, "TASKS", None) or {}).values():
        package = "django_tasks" if str(task.get("BACKEND")).startswith("django_tasks") else "django.tasks"
        task.update(BACKEND=package + ".backends.dummy.DummyBackend")
    os.environ["CELERY_BROKER_URL"] = "memory://"


def _forget_caches() -> None:
    """Have Django read the settings again, where they were read by code that uses a cache as it is imported."""
    from django.core.cache import caches

    vars(caches).pop("settings", None)
    caches.__init__()


def _cache(alias: str, cache: Dict[str, Any]) -> Dict[str, Any]:
    """Return a cache in this process of the same keys. Its class says so when it lacks what another one has."""
    if _CACHE not in sys.modules:
        _make_cache_module()
    names = ("KEY_PREFIX", "KEY_FUNCTION", "VERSION", "TIMEOUT")
    kept = {name: value for name, value in cache.items() if name in names}
    return {**kept, "BACKEND": _CACHE + ".Cache", "LOCATION": "relocate-" + alias}


def _make_cache_module() -> None:
    """Settings name a cache by its path, so it needs a module."""
    import types

    from django.core.cache.backends.locmem import LocMemCache

    class Cache(LocMemCache):  # type: ignore[misc]
        """A cache of this process."""

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_"):
                try:
                    venv_quiet.STATE.refuse("use {0} of a cache".format(name))
                except venv_quiet.RefusedError:
                    pass
            raise AttributeError(name)

    module = types.ModuleType(_CACHE)
    module.Cache = Cache  # type: ignore[attr-defined]
    sys.modules[_CACHE] = module


def settle_queues() -> None:
    """Discard whatever the project would have a worker do, be it told to run it at once. May be called again."""
    for settle in (_settle_celery, _settle_dramatiq, _settle_huey, _settle_rq):
        try:
            settle()
        except (ImportError, AttributeError):
            continue  # another version: the nets below refuse its server


def _discard(what: str) -> None:
    _DISCARDED[what] = _DISCARDED.get(what, 0) + 1


def _settle_celery() -> None:
    if "celery" not in sys.modules:
        return
    from celery import Celery
    from celery.app.task import Task

    def apply_async(self: Any, *_args: Any, **more: Any) -> Any:
        _discard("tasks for Celery")
        return self.AsyncResult(more.get("task_id") or "relocate")

    def send_task(self: Any, *_args: Any, **more: Any) -> Any:
        _discard("tasks for Celery")
        return self.AsyncResult(more.get("task_id") or "relocate")

    Task.apply_async, Celery.send_task = apply_async, send_task


def _settle_dramatiq() -> None:
    found = sys.modules.get("dramatiq.broker")
    broker = getattr(found, "global_broker", None)
    if broker is None:
        return

    def enqueue(_self: Any, message: Any, **_more: Any) -> Any:
        _discard("messages for dramatiq")
        return message

    type(broker).enqueue = enqueue


def _settle_huey() -> None:
    if "huey.api" not in sys.modules:
        return
    from huey.api import Huey, Result

    def enqueue(self: Any, task: Any) -> Any:
        _discard("tasks for Huey")
        return Result(self, task) if self.results and hasattr(task, "id") else None

    Huey.enqueue = enqueue


def _settle_rq() -> None:
    if "rq.queue" not in sys.modules:
        return
    from rq.queue import Queue

    def enqueue_call(self: Any, func: Any, *_args: Any, **_more: Any) -> Any:
        _discard("jobs for RQ")
        return self.job_class(id="relocate", connection=self.connection)

    Queue.enqueue_call = enqueue_call
