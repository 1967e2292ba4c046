# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that tries in every place to leave a trace of requests made to it: real servers and the file system tell."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import probe, requested
from ansible_collections.relocate.django.plugins.module_utils._project.requested import Database, Limits, Page
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines import redis_server

pytestmark = pytest.mark.skipif(redis_server.program() is None, reason="no Redis")

SETTINGS = """
import logging.handlers
from pathlib import Path
BASE = Path(__file__).resolve().parent
SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["shop.example"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "shop.tries.Middleware"]
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3"}}
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", MAIL
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache",
          "LOCATION": "redis://127.0.0.1:%d/0" % REDIS},
          "files": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": BASE / "cached"}}
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = str(BASE)
LOGGING = {"version": 1,
           "handlers": {"file": {"class": "logging.handlers.RotatingFileHandler", "filename": BASE / "log"}},
           "root": {"handlers": ["file"]}}
import shop.tries
shop.tries.all_of("settings")
"""
#: Each attempt is a function; it is tried as the settings are imported, at the app's start, in middleware, in handlers
#: of signals, in a view, in a thread, and when the process ends. Whatever is raised is swallowed.
TRIES = """
import atexit, os, shutil, smtplib, socket, sqlite3, subprocess, sys, tempfile, threading
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
PLACES = [str(BASE), os.path.expanduser("~"), "/tmp", "/var/tmp", "/dev/shm"]
STARTED = []

def name(place, kind):
    return os.path.join(place, MARK + "-" + kind)

def each(make):
    for place in PLACES:
        try:
            make(place)
        except Exception:
            pass

def mail():
    from django.core.mail import get_connection, send_mail
    send_mail("a", "b", "a@example.org", ["b@example.org"])
    send_mail("a", "b", "a@example.org", ["b@example.org"],
              connection=get_connection("django.core.mail.backends.smtp.EmailBackend"))

def smtp():
    smtplib.SMTP("127.0.0.1", MAIL, timeout=2).sendmail("a@example.org", ["b@example.org"], "x")

def cache():
    from django.core.cache import caches
    caches["default"].set("a", 1)
    caches["files"].set("a", 1)

def said(link):
    link.sendall(b"*3\\r\\n$5\\r\\nLPUSH\\r\\n$6\\r\\ncelery\\r\\n$1\\r\\nx\\r\\n")
    link.recv(100)

def push():
    with socket.create_connection(("127.0.0.1", REDIS), 2) as link:
        said(link)

def push_at_once():
    link = socket.socket()
    link.connect_ex(("127.0.0.1", REDIS))
    said(link)

def push_by_socket():
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(SOCKET)
        said(link)

def push_by_program():
    subprocess.run(["redis-cli", "-s", SOCKET, "LPUSH", "celery", "x"])

def push_by_shell():
    os.system("redis-cli -s " + SOCKET + " LPUSH celery x")

def push_by_spawn():
    os.posix_spawn("/usr/bin/redis-cli", ["redis-cli", "-s", SOCKET, "LPUSH", "celery", "x"], dict(os.environ))

def push_by_process():
    import multiprocessing
    os.environ["TRIED"] = "yes"  # what it starts, if it can, must not go on by itself
    multiprocessing.get_context("spawn").Process(target=push_by_socket).start()

def push_by_fork():
    import multiprocessing
    one = multiprocessing.get_context("fork").Process(target=push_by_socket)
    one.start()
    one.join(5)

def row():
    from django.contrib.auth.models import User
    User.objects.create(username="eve")

def row_past():
    with sqlite3.connect(str(BASE / "db.sqlite3")) as link:
        link.execute("create table eve (x)")
    for found in BASE.glob("*.sqlite3"):
        with sqlite3.connect("file:%s?mode=rw" % found, uri=True) as link:
            link.execute("create table eve2 (x)")

def file():
    each(lambda place: open(name(place, "file"), "w"))
    each(lambda place: Path(name(place, "path")).touch())
    each(lambda place: os.open(name(place, "fd"), os.O_CREAT | os.O_WRONLY))
    each(lambda place: tempfile.NamedTemporaryFile(dir=place, prefix=MARK, delete=False))

def directory():
    each(lambda place: os.mkdir(name(place, "directory")))
    each(lambda place: os.mkdir(MARK + "-within", dir_fd=os.open(place, os.O_RDONLY)))

def link():
    each(lambda place: os.symlink(tempfile.gettempdir(), name(place, "link")))
    each(lambda place: os.link(str(BASE / "manage.py"), name(place, "hard")))

def moved():
    def move(place):
        handle, path = tempfile.mkstemp()
        os.replace(path, name(place, "moved"))
    each(move)
    each(lambda place: shutil.move(tempfile.mkstemp()[1], name(place, "shut")))
    each(lambda place: os.link(tempfile.mkstemp()[1], name(place, "linked")))

def special():
    each(lambda place: os.mkfifo(name(place, "pipe")))
    each(lambda place: os.mknod(name(place, "node")))

def mode():
    handle = os.open(str(BASE / "manage.py"), os.O_RDONLY)
    os.fchmod(handle, 0o777)

def mode_by_number():
    os.chmod(os.open(str(BASE / "manage.py"), os.O_RDONLY), 0o777)

def times():
    os.utime(os.open(str(BASE / "manage.py"), os.O_RDONLY), (1, 1))

def log():
    import logging
    logging.getLogger("x").error("x")
    logging.FileHandler(str(BASE / "other.log"))

def syslog():
    import syslog
    syslog.syslog("relocate: a trace")

ALL = [mail, smtp, cache, push, push_at_once, push_by_socket, push_by_program, push_by_shell, push_by_spawn,
       push_by_process, push_by_fork, row, row_past, file, directory, link, moved, special, mode, mode_by_number, times,
       log, syslog]

def tried(one):
    try:
        one()
    except Exception:
        pass

def all_of(where):
    STARTED.append(where)
    for one in ALL:
        tried(one)

class Middleware:
    def __init__(self, get_response):
        all_of("middleware")
        self.get_response = get_response
    def __call__(self, request):
        if request.path == "/everywhere/":
            all_of("call")
        return self.get_response(request)

if "TRIED" in os.environ:
    ALL.clear()
atexit.register(all_of, "exit")
"""
FILES = {
    "manage.py": """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "shop/__init__.py": "",
    "shop/apps.py": """
import threading, time
from django.apps import AppConfig
class Shop(AppConfig):
    name = "shop"
    default = True
    def ready(self):
        from django.core.signals import request_finished, request_started
        from shop import tries
        tries.all_of("ready")
        def handler(environ=None, **more):
            if environ is None or environ["PATH_INFO"] == "/everywhere/":
                tries.all_of("signal")
        request_started.connect(handler, weak=False)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()
    def work(self):
        from shop import tries
        time.sleep(0.2)
        tries.all_of("thread")
""",
    "shop/urls.py": """
from django.http import HttpResponse
from django.urls import path
from shop import tries
def everywhere(request):
    request.session["a"] = 1
    tries.all_of("view")
    return HttpResponse("<title>%s</title>" % " ".join(dict.fromkeys(tries.STARTED)))
def waits(request):
    from django.apps import apps
    apps.get_app_config("shop").thread.join(20)
    return everywhere(request)
def one(request, name):
    getattr(tries, name)()
    return HttpResponse("done")
urlpatterns = [path("everywhere/", everywhere), path("waits/", waits), path("one/<name>/", one)]
""",
}
#: Attempts that the site does not notice: what it speaks to is replaced.
UNNOTICED = ("cache", "log")
#: Attempts that swallow what they are refused, and those that find out by themselves.
EVERY = """mail smtp push push_at_once push_by_socket push_by_program push_by_shell push_by_spawn push_by_process
    push_by_fork row row_past file directory link moved special mode mode_by_number times syslog""".split()


class Mail(socketserver.ThreadingTCPServer):
    """An SMTP server that keeps what it is given."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self) -> None:
        self.came: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Dialogue)


class _Dialogue(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        server.came.append(b"(somebody connects)")
        self.wfile.write(b"220 mail.example\r\n")
        for line in self.rfile:
            server.came.append(line)
            self.wfile.write(b"354 go on\r\n" if line.upper().startswith(b"DATA") else b"250 ok\r\n")


class Watched:
    """A Redis server by TCP and by a socket, and all that it is told."""

    def __init__(self, base: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.path = str(base / "r.sock")
        argv = [redis_server.program() or "", "--port", str(self.port), "--unixsocket", self.path, "--save", ""]
        self._process = subprocess.Popen([*argv, "--dir", str(base)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not Path(self.path).exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self._monitor = subprocess.Popen(["redis-cli", "-s", self.path, "monitor"], stdout=subprocess.PIPE, text=True)
        assert self._monitor.stdout is not None and self._monitor.stdout.readline() == "OK\n"

    def said(self) -> list[str]:
        """What was said to it; it ends then."""
        subprocess.run(["redis-cli", "-s", self.path, "echo", "the end"], check=True, stdout=subprocess.DEVNULL)
        self.stop()
        found, _err = self._monitor.communicate(timeout=20)
        lines = found.splitlines()
        assert lines and "the end" in lines[-1], "the monitor saw nothing"
        return lines[:-1]

    def stop(self) -> None:
        """Stop it; may be called again."""
        self._process.terminate()
        self._process.wait(20)


@contextlib.contextmanager
def mail() -> Iterator[Mail]:
    with Mail() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def digest(*tops: Path) -> dict[str, str]:
    """Describe all that lies in directories, what Python compiled left out."""
    found = {}
    for path in [path for top in tops for path in [top, *top.rglob("*")]]:
        status = path.lstat()
        held = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = f"{status.st_mode} {status.st_mtime_ns} {status.st_uid} {held}"
    return found


def marked(mark: str) -> list[str]:
    """List what lies about with this name where programs leave things."""
    places = [Path.home(), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")]
    return [str(path) for place in places for path in place.glob(f"*{mark}*")]


def unconfined(base: Path) -> Any:
    """Give a part of the program that has no help of the kernel's, as on an older one."""
    path = base / "venv_unconfined.py"
    text = f"from {requested.venv_quiet.__name__.rpartition('.')[0]} import venv_quiet\n"
    path.write_text(text + "venv_quiet.confine = lambda ports: False\n", encoding="ascii")
    spec = importlib.util.spec_from_file_location("venv_unconfined", path)
    assert spec is not None and spec.loader is not None
    sys.modules["venv_unconfined"] = module = importlib.util.module_from_spec(spec)
    return module


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, Watched, Mail, str]]:
    """Make a site with rows, and the servers that it speaks to."""
    with mail() as sink:
        redis, mark = Watched(tmp_path), f"trace-{uuid.uuid4().hex}"
        top = tmp_path / "site"
        known = f"MAIL, REDIS, SOCKET, MARK = {sink.server_address[1]}, {redis.port}, {redis.path!r}, {mark!r}\n"
        for name, text in {**FILES, "settings.py": known + SETTINGS, "shop/tries.py": known + TRIES}.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text, encoding="utf-8")
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "plain", "PYTHONDONTWRITEBYTECODE": "1"}
        plain = "".join(
            line for line in SETTINGS.splitlines(True) if line.startswith(("from", "BASE", "SECRET", "DATA"))
        )
        apps = 'INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]'
        (top / "plain.py").write_text(plain + apps, encoding="utf-8")
        for database in ("db.sqlite3", "copy.sqlite3"):
            argv = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(argv, cwd=top, env=env, check=True)
            (top / "db.sqlite3").rename(top / database)
        with contextlib.closing(sqlite3.connect(top / "db.sqlite3")):
            pass
        yield top, redis, sink, mark
        redis.stop()


@pytest.mark.parametrize("kernel", [True, False], ids=["with Landlock", "without"])
def test_no_attempt_leaves_a_trace(
    site: tuple[Path, Watched, Mail, str], kernel: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, redis, sink, mark = site
    if not kernel:
        parts = list(requested.PARTS)
        monkeypatch.setattr(requested, "PARTS", (*parts[:-1], unconfined(tmp_path), parts[-1]))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    before = digest(top)
    project = probe.find_project(str(top), interpreter=sys.executable, allow_root=True)
    pages = [Page("/everywhere/", "shop.example"), Page("/waits/", "shop.example")]
    pages += [Page(f"/one/{name}/", "shop.example") for name in (*EVERY, *UNNOTICED)]
    with SecretStore(str(tmp_path / "work")) as secrets:
        databases = {"default": Database("sqlite", str(top / "copy.sqlite3"))}
        asked = requested.ask(project, secrets, databases, pages, Limits(each=30, all=120))
    found = {page["path"]: page for page in asked.pages}
    assert asked.whole, asked
    assert found["/everywhere/"]["error"] is None, found["/everywhere/"]
    # All of them were there to try.
    tried = "settings ready middleware call signal thread view".split()
    assert set(tried) <= set(found["/waits/"]["title"].split()) | set(found["/everywhere/"]["title"].split()), found
    assert digest(top) == before
    assert marked(mark) == []
    assert sink.came == []
    assert redis.said() == []
    assert list((tmp_path / "work").iterdir()) == []
    # And each was told, in a request or beside it.
    untold = [name for name in EVERY if not (found[f"/one/{name}/"]["refusal"] or found[f"/one/{name}/"]["refused"])]
    assert untold == [], [found[f"/one/{name}/"] for name in untold]
    assert all(found[f"/one/{name}/"]["status"] == 200 for name in UNNOTICED)
    assert any("the project's start, or a thread of it, wanted to run redis-cli" in note for note in asked.notes)
