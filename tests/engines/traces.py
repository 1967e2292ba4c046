# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that tries in every place to leave a trace, and the servers and the file system that would tell of one."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.engines import redis_server

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
          "socket": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix://" + SOCKET},
          "files": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": BASE / "cached"}}
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = str(BASE)
LOGGING = {"version": 1,
           "handlers": {"file": {"class": "logging.handlers.RotatingFileHandler", "filename": BASE / "log"}},
           "root": {"handlers": ["file"]}}
import shop.tries
shop.tries.all_of("settings", but=["push_by_program"])  # it may be run for what it tells
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

def all_of(where, but=()):
    STARTED.append(where)
    for one in ALL:
        if one.__name__ not in but:
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
        from django.core import checks
        from django.core.signals import request_finished, request_started
        from shop import tries
        checks.register(lambda app_configs, **more: tries.all_of("check") or [])
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
tries.all_of("urls")
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
