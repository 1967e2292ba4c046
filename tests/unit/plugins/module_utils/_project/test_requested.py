# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a real small project with another database than its own, in a real interpreter; without a trace."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import inside, probe, requested
from ansible_collections.relocate.django.plugins.module_utils._project.requested import Asked, Database, Limits, Page
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

pytestmark = pytest.mark.slow

SECRET = "can9ry-pass-w0rd"
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = f"""
from pathlib import Path
BASE = Path(__file__).resolve().parent.parent
SECRET_KEY = "{SECRET}"
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.contenttypes", "django.contrib.auth",
    "django.contrib.sessions", "django.contrib.messages"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
ALLOWED_HOSTS = [".shop.example"]
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [BASE / "templates"],
    "APP_DIRS": True, "OPTIONS": {{"context_processors": ["django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}}}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3",
    "OPTIONS": {{"timeout": 1}}}}}}
STATIC_URL = "/static/"
MEDIA_ROOT = BASE / "media"
LOGIN_URL = "login"
"""
URLS = """
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import path
from shop import views
urlpatterns = [path("admin/", admin.site.urls), path("login/", LoginView.as_view(), name="login")]
urlpatterns += [path(name + "/", getattr(views, name)) for name in dir(views) if name.startswith("page_")]
urlpatterns += [path("", views.page_front)]
"""
VIEWS = """
import os, socket, subprocess, threading, time
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.core.cache import cache
from django.core.mail import send_mail

def page_front(request):
    names = ", ".join(User.objects.values_list("username", flat=True))
    return HttpResponse("<title>Users &amp; " + names + "</title>")
"""
LOGIN = "<title>Sign in</title>{{ form }}"
NAME = "scratch.sqlite3"


class Shop:
    """A project with an own, empty database, and another one beside it that holds rows."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.write("manage.py", MANAGE)
        self.write("shop/__init__.py", "")
        self.write("shop/settings.py", SETTINGS)
        self.write("shop/urls.py", URLS)
        self.write("shop/views.py", VIEWS)
        self.write("shop/wsgi.py", "from django.core.wsgi import get_wsgi_application\n"
                   "application = get_wsgi_application()\n")  # fmt: skip
        self.write("templates/registration/login.html", LOGIN)

    def write(self, name: str, text: str, more: str = "") -> None:
        """Write a file of the project."""
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + more, encoding="utf-8")

    def settings(self, more: str) -> None:
        """Add to the settings."""
        self.write("shop/settings.py", SETTINGS, more)

    def views(self, more: str) -> None:
        """Add views; those named page_x are served as /page_x/."""
        self.write("shop/views.py", VIEWS, more)

    def ask(self, work: Path, *pages: Page, limits: Limits | None = None) -> Asked:
        """Ask for these pages, with the database that holds rows."""
        project = probe.find_project(str(self.base), interpreter=sys.executable, allow_root=True)
        databases = {"default": Database("sqlite", str(self.base / NAME))}
        with SecretStore(str(work)) as secrets:
            return requested.ask(project, secrets, databases, pages, limits or Limits())

    def digest(self) -> str:
        """Read all that lies in the project."""
        found = hashlib.sha256()
        for path in sorted(self.base.rglob("*")):
            status = path.lstat()
            found.update(f"{path} {status.st_mode} {status.st_mtime_ns} {status.st_size}".encode())
            found.update(path.read_bytes() if path.is_file() else b"")
        return found.hexdigest()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Migrate once; one user."""
    shop = Shop(tmp_path_factory.mktemp("made"))
    project = probe.find_project(str(shop.base), interpreter=sys.executable, allow_root=True)
    for words in (["migrate", "--verbosity", "0"], ["shell", "--command",
                  "from django.contrib.auth.models import User; User.objects.create(username='ada')"]):  # fmt: skip
        probe.run_manage(project, words)
    return (shop.base / "db.sqlite3").read_bytes()


@pytest.fixture
def shop(tmp_path: Path, database: bytes) -> Shop:
    """Make a project whose own database is blank."""
    made = Shop(tmp_path / "shop")
    (made.base / NAME).write_bytes(database)
    sqlite3.connect(made.base / "db.sqlite3").close()
    return made


def by_path(asked: Asked) -> dict[str, dict[str, Any]]:
    """Index the pages."""
    assert asked.failed == ""
    return {page["path"]: page for page in asked.pages}


def page(name: str, **more: Any) -> Page:
    """One page of the shop."""
    return Page(f"/page_{name}/", "www.shop.example", **more)


def test_the_pages_that_each_site_has_are_read_from_the_other_database(shop: Shop, tmp_path: Path) -> None:
    before = shop.digest()
    asked = shop.ask(tmp_path / "work")
    found = by_path(asked)
    assert {path: item["status"] for path, item in found.items()} == {"/": 200, "/admin/login/": 200, "/login/": 200}
    assert found["/"]["title"] == "Users & ada" and found["/login/"]["title"] == "Sign in"
    assert found["/"]["host"] == "shop.example"
    assert asked.whole and asked.notes == [] and all(item["error"] is None for item in asked.pages)
    assert shop.digest() == before
    assert list((tmp_path / "work").iterdir()) == []


#: What is wrong with a page, and the last line that is told of it.
BROKEN = [
    ("return render(request, 'gone.html')", "TemplateDoesNotExist: gone.html"),
    ("import package_of_nowhere", "ModuleNotFoundError: No module named 'package_of_nowhere'"),
    ("return HttpResponse(User.objects.extra(where=['colour = 1']))", "OperationalError: no such column: colour"),
    ("raise ValueError('Missing staticfiles manifest entry for x.css')", "ValueError: Missing staticfiles manifest"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("raise RuntimeError('key is ' + settings.SECRET_KEY)", "RuntimeError: key is ********"),
]


def test_a_page_that_fails_is_told_with_the_last_line(shop: Shop, tmp_path: Path) -> None:
    shop.views("".join(f"def page_{n}(request):\n    {line}\n" for n, (line, _said) in enumerate(BROKEN)))
    found = by_path(shop.ask(tmp_path / "work", *[page(str(number)) for number in range(len(BROKEN))]))
    for number, (_line, said) in enumerate(BROKEN):
        item = found[f"/page_{number}/"]
        assert item["error"]["lines"][-1].startswith(said), item
        assert not item["refusal"] and not item["refused"]
        assert "views.py, line" in "\n".join(item["error"]["lines"])
        assert SECRET not in repr(item)


def test_a_login_page_without_its_template(shop: Shop, tmp_path: Path) -> None:
    (shop.base / "templates/registration/login.html").unlink()
    (shop.base / "templates/registration").rmdir()
    shop.settings("INSTALLED_APPS.remove('django.contrib.admin')\n")
    shop.write("shop/urls.py", URLS.replace('path("admin/", admin.site.urls), ', "").replace(
        "from django.contrib import admin\n", ""))  # fmt: skip
    found = by_path(shop.ask(tmp_path / "work"))["/login/"]
    assert (found["status"], found["error"]["lines"][-1]) == (500, "TemplateDoesNotExist: registration/login.html")


class Sink:
    """A server that counts who comes."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.came = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _address = self.server.accept()
                self.came += 1
                link.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Listen meanwhile."""
    made = Sink()
    yield made
    made.server.close()


#: What would leave a trace, each on a page; whether it fails for that, and what is told.
TRACES = {
    "file": ("open(settings.BASE / 'made', 'w')", "write "),
    "appended": ("open(settings.BASE / 'manage.py', 'a')", "write "),
    "descriptor": ("os.open(str(settings.BASE / 'made'), os.O_CREAT | os.O_WRONLY)", "write "),
    "directory": ("os.makedirs(settings.BASE / 'made')", "change "),
    "removed": ("os.unlink(settings.BASE / 'manage.py')", "change "),
    "row": ("User.objects.create(username='eve')", "write to the database"),
    "server": ("socket.create_connection(('127.0.0.1', PORT))", "connect to 127.0.0.1:PORT"),
    "datagram": ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))", "connect to 127.0.0.1"),
    "program": ("subprocess.run(['touch', str(settings.BASE / 'made')])", "run touch"),
    "shell": ("os.system('touch ' + str(settings.BASE / 'made'))", "run touch"),
    "forked": ("os.fork() or open(settings.BASE / 'made', 'w')", "run a program"),
    "signal": ("os.kill(os.getppid(), 0)", "send a signal"),
    "sqlite": ("__import__('sqlite3').connect(settings.BASE / 'made')", "open the SQLite database"),
    "past": ("__import__('ctypes').CDLL(None).fopen(str(settings.BASE / 'made').encode(), b'w') or 1 / 0", None),
}


#: Whether the kernel refuses what C code would do past Python.
CONFINES = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint(1)) >= 1


def test_nothing_leaves_a_trace(shop: Shop, tmp_path: Path, sink: Sink) -> None:
    shop.views(f"PORT = {sink.port}\n" + "".join(
        f"def page_{name}(request):\n    {line}\n    return HttpResponse('done')\n"
        for name, (line, _said) in TRACES.items()))  # fmt: skip
    before = shop.digest()
    asked = [name for name in TRACES if name != "past" or CONFINES]
    found = by_path(shop.ask(tmp_path / "work", *[page(name) for name in asked]))
    for name in asked:
        item, said = found[f"/page_{name}/"], TRACES[name][1]
        assert item["status"] == 500, (name, item)
        if said is not None:
            assert item["refusal"].startswith(said.replace("PORT", str(sink.port))), (name, item)
    assert shop.digest() == before
    assert sink.came == 0


#: What a site speaks to at a request, which is replaced, so that the page works.
REPLACED = {
    "mail": "send_mail('a', 'b', 'a@example.org', ['b@example.org'])",
    "cache": "cache.set('a', 1)",
    "session": "request.session['a'] = 1",
    "log": "__import__('logging').getLogger('x').error('x')",
    "temporary": "__import__('tempfile').NamedTemporaryFile()",
    "null": "open(os.devnull, 'w')",
    "made": "os.makedirs(settings.BASE / 'shop', exist_ok=True)",
}


def test_what_a_site_speaks_to_is_replaced(shop: Shop, tmp_path: Path, sink: Sink) -> None:
    shop.settings(f"""
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", {sink.port}
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.redis.RedisCache", "KEY_PREFIX": "k",
    "LOCATION": "redis://127.0.0.1:{sink.port}/1"}},
    "files": {{"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": BASE / "cached"}}}}
LOGGING = {{"version": 1, "handlers": {{"file": {{"class": "logging.FileHandler", "filename": BASE / "site.log"}}}},
    "root": {{"handlers": ["file"]}}}}
import logging, logging.handlers
logging.getLogger("x").addHandler(logging.handlers.RotatingFileHandler(BASE / "other.log"))
""")
    shop.views("".join(
        f"def page_{name}(request):\n    {line}\n    return HttpResponse('done')\n" for name, line in REPLACED.items()
    ))  # fmt: skip
    before = shop.digest()
    found = by_path(shop.ask(tmp_path / "work", *[page(name) for name in REPLACED]))
    for name in REPLACED:
        assert found[f"/page_{name}/"]["status"] == 200, found[f"/page_{name}/"]
    assert shop.digest() == before
    assert sink.came == 0


def test_what_a_cache_of_another_kind_has_is_no_failure_of_the_page(shop: Shop, tmp_path: Path) -> None:
    line = "return HttpResponse(cache.client.get_client())"
    shop.views(f"def page_redis(request):\n    {line}\n")
    found = by_path(shop.ask(tmp_path / "work", page("redis")))["/page_redis/"]
    assert found["status"] == 500 and found["refused"] == ["use client of a cache"]


#: Stand-ins for queues, of the names and calls of the real ones, that run at once what they are given.
QUEUES = {
    "celery/__init__.py": """
from celery.app.task import Task
class Celery:
    AsyncResult = staticmethod(lambda task_id: "later")
    def send_task(self, name, *args, **more):
        open("sent", "w")
""",
    "celery/app/__init__.py": "",
    "celery/app/task.py": """
class Task:
    AsyncResult = staticmethod(lambda task_id: "later")
    def apply_async(self, *args, **more):
        open("sent", "w")
""",
    "dramatiq/__init__.py": "",
    "dramatiq/broker.py": """
class Broker:
    def enqueue(self, message, *, delay=None):
        open("sent", "w")
global_broker = Broker()
""",
    "huey/__init__.py": "",
    "huey/api.py": """
class Result:
    def __init__(self, huey, task):
        pass
class Huey:
    results = True
    def enqueue(self, task):
        open("sent", "w")
""",
    "rq/__init__.py": "",
    "rq/queue.py": """
class Queue:
    connection = None
    job_class = staticmethod(lambda id, connection: "later")
    def enqueue_call(self, func, *args, **more):
        open("sent", "w")
""",
}
SENT = {
    "celery": ("__import__('celery').Celery().send_task('x')", "tasks for Celery"),
    "task": ("__import__('celery.app.task').Task().apply_async()", "tasks for Celery"),
    "dramatiq": ("dramatiq.broker.global_broker.enqueue('x')", "messages for dramatiq"),
    "huey": ("huey.api.Huey().enqueue('x')", "tasks for Huey"),
    "rq": ("rq.queue.Queue().enqueue_call(print)", "jobs for RQ"),
}


def test_what_a_worker_would_do_is_discarded(shop: Shop, tmp_path: Path) -> None:
    for name, text in QUEUES.items():
        shop.write(name, text)
    shop.views("import celery, dramatiq.broker, huey.api, rq.queue\n" + "".join(
        f"def page_{name}(request):\n    {line}\n    return HttpResponse('done')\n"
        for name, (line, _what) in SENT.items()))  # fmt: skip
    asked = shop.ask(tmp_path / "work", *[page(name) for name in SENT])
    found = by_path(asked)
    for name in SENT:
        assert found[f"/page_{name}/"]["status"] == 200, found[f"/page_{name}/"]
    for what in {what for _line, what in SENT.values()}:
        count = sum(what == other for _line, other in SENT.values())
        assert f"{count} {what} of the pages that were asked went nowhere" in asked.notes
    assert not (shop.base / "sent").exists()


#: A page, and what comes of it.
ODD = [
    ("return redirect('/page_1/?next=/x')", {"status": 302, "redirects": True}),
    ("return HttpResponse('héllo', status=404)", {"status": 404, "contained": False}),
    ("time.sleep(60)", {"status": 0, "late": True}),
    ("return StreamingHttpResponse(iter(lambda: 'x' * 65536, 1))", {"status": 200, "late": False}),
    ("return redirect('https://elsewhere.example/')", {"status": 302, "redirects": False}),
    ("return HttpResponse(request.scheme + request.headers['X-Key'])", {"status": 200, "contained": True}),
    ("while True: pass", {"status": 0, "late": True}),
]  # fmt: skip


def test_odd_answers(shop: Shop, tmp_path: Path) -> None:
    shop.settings("SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')\n")
    shop.views("".join(f"def page_{number}(request):\n    {line}\n" for number, (line, _said) in enumerate(ODD)))
    pages = [page(str(n), headers={"X-Key": "k"}, contains="httpsk") for n in range(len(ODD))]
    found = by_path(shop.ask(tmp_path / "work", *pages, limits=Limits(each=0.5)))
    for number, (_line, said) in enumerate(ODD):
        item = found[f"/page_{number}/"]
        assert {key: item[key] for key in said} == said, item
    assert found["/page_1/?next=/x"]["status"] == 404


def test_what_was_asked_until_the_time_was_over(shop: Shop, tmp_path: Path) -> None:
    shop.views("""
def page_stuck(request):
    import signal
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)
def page_first(request):
    return HttpResponse("done")
""")
    asked = shop.ask(tmp_path / "work", page("first"), page("stuck"), limits=Limits(all=4))
    assert [item["path"] for item in asked.pages] == ["/page_first/"]
    assert not asked.whole and asked.failed == ""


def test_a_project_that_does_not_start(shop: Shop, tmp_path: Path) -> None:
    shop.settings("open(BASE / 'made', 'w')\n")
    asked = shop.ask(tmp_path / "work")
    assert asked.failed.startswith("RefusedError: [Errno 13] a rehearsal refuses to write ") and asked.pages == []


def test_a_database_that_is_not_part_of_it(shop: Shop, tmp_path: Path) -> None:
    shop.settings("""
DATABASES["other"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "other.sqlite3"}
DATABASES["kept"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
""")
    shop.views("def page_other(request):\n    return HttpResponse(User.objects.using('other').count())\n")
    asked = shop.ask(tmp_path / "work", page("other"))
    assert asked.notes == ["database other is not part of the set: nothing was read from it"]
    assert by_path(asked)["/page_other/"]["error"]["lines"][-1].startswith("ImproperlyConfigured")
    assert not (shop.base / "other.sqlite3").exists()


@pytest.mark.parametrize("line", ["", "x", "eJyrBQAAAP8=", "eJwDAAAAAAE="])
def test_an_answer_of_another_form_is_refused(shop: Shop, line: str) -> None:
    project = probe.find_project(str(shop.base), interpreter=sys.executable, allow_root=True)
    assert requested.read(project, "m:", ["other"]).failed == "it gave no answer"
    with pytest.raises(inside.RelocateError, match="another form"):
        requested.read(project, "m:", ["m:" + line])


def test_what_old_answers_is_asked_for_and_told(shop: Shop, tmp_path: Path) -> None:
    shop.views("def page_moved(request):\n    return redirect('/login/?next=/x/')\n")
    old = {"status": 200, "by_old": True}
    pages = [Page("/", "", title="Users", **old), Page("/gone/", "", **old), page("moved", title="Sign in", **old)]  # type: ignore[arg-type]
    asked = shop.ask(tmp_path / "work", *pages)
    found = {item["path"]: (item["status"], item["expected"], item["old_title"], item["known"]) for item in asked.pages}
    assert found == {
        "/": (200, 200, "Users", True),
        "/gone/": (404, 200, "", False),
        "/page_moved/": (302, 200, "Sign in", True),
        "/login/?next=/x/": (200, 200, "Sign in", True),
        "/admin/login/": (200, 0, "", True),
        "/login/": (200, 0, "", True),
    }
    assert {item["host"] for item in asked.pages} == {"www.shop.example"}
