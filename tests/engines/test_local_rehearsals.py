# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to the new code with the data, before the freeze, in moves between two directories of this machine."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.local_site import FILES, PREFIX, LocalSite

SETTINGS = f"{PREFIX}/settings.py"
#: A site with pages, which speaks to mail, a queue and a cache at a request.
PAGES: dict[str, str] = {
    SETTINGS: FILES[SETTINGS]
    + """
INSTALLED_APPS += ["django.contrib.auth", "django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["notes.example"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [BASE / "templates"]}]
LOGIN_URL = "/login/"
EMAIL_PORT, QUEUE_PORT = PORTS
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": "redis://127.0.0.1:%d/0" % QUEUE_PORT}}
""",
    f"{PREFIX}/urls.py": """
from django.urls import path
from notes import views
urlpatterns = [path("", views.front), path("login/", views.login), path("task/", views.task),
    path("counted/", views.counted)]
""",
    f"{PREFIX}/notes/views.py": """
import socket
from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.http import HttpResponse
from django.shortcuts import render
from notes.models import Note

def front(request):
    send_mail("a", "b", "a@example.org", ["b@example.org"])
    cache.set("a", 1)
    request.session["a"] = 1
    return HttpResponse("<title>" + ", ".join(Note.objects.values_list("text", flat=True)) + "</title>")

def login(request):
    return render(request, "login.html")

def task(request):
    with socket.create_connection(("127.0.0.1", settings.QUEUE_PORT)) as link:
        link.sendall(b"LPUSH tasks 1")
    return HttpResponse("queued")

def counted(request):
    Note.objects.create(text="visit")
    open(settings.BASE / "visits", "a").close()
    return HttpResponse("counted")
""",
    f"{PREFIX}/templates/login.html": "<title>Sign in</title>",
}


class Sink:
    """A server that keeps what it is told. Preflight only looks whether one is there, and says nothing."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.came: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _address = self.server.accept()
                with link, contextlib.suppress(TimeoutError):
                    link.settimeout(1)
                    self.came += [data for data in [link.recv(1000)] if data]


@pytest.fixture
def sinks() -> Iterator[tuple[Sink, Sink]]:
    """Make one for mail, one for a queue."""
    made = Sink(), Sink()
    yield made
    for sink in made:
        sink.server.close()


def make(site: LocalSite, sinks: tuple[Sink, Sink]) -> None:
    """Make a site with pages and two notes."""
    site.make()
    ports = f"PORTS = {tuple(sink.port for sink in sinks)}\n"
    site.commit({**PAGES, SETTINGS: ports + PAGES[SETTINGS]})
    site.manage("migrate", "--verbosity", "0")
    site.manage("shell", "--command", "from notes.models import Note; [Note.objects.create(text=t) for t in 'ab']")


def digest(top: Path) -> dict[str, str]:
    """Read all files that lie below a directory, but for ours and git's."""
    found = {}
    for path in sorted(top.rglob("*")):
        if path.is_file() and not path.is_symlink() and not {".git", "__pycache__", ".venv"} & set(path.parts):
            found[str(path.relative_to(top))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def answers(*paths: str, **more: Any) -> list[dict[str, Any]]:
    """Ask new for these; old runs no server here."""
    return [{"url": f"http://127.0.0.1:9{path}", "host": "notes.example", "old": False, **more} for path in paths]


@pytest.mark.drawn(4, of="local rehearsals")
def test_the_day_before_pages_are_asked_for_with_the_data_and_nothing_is_left(
    tmp_path: Path, sinks: tuple[Sink, Sink]
) -> None:
    site = LocalSite(tmp_path)
    make(site, sinks)
    site.variables["relocate_answers"] = answers("/", "/task/", "/counted/", contains="a, b")
    site.variables["relocate_build"] = ["manage.py check"]
    old = digest(site.old)
    rc, said = site.play("rehearse_move")
    assert rc == 0 and "REHEARSED: what was tried works on new; old was not stopped" in said, said[-3000:]
    assert "Django's check, 4 requests with the data of 20" in said, said[-3000:]
    for path, why in (("task", f"connect to 127.0.0.1:{sinks[1].port}"), ("counted", "write to the database")):
        assert f"GET /{path}/ (Host: notes.example) could not be judged: it wants to {why}" in said
    assert [sink.came for sink in sinks] == [[], []]
    assert digest(site.old) == old
    assert not (site.new / PREFIX / "visits").exists()
    # Nothing but the code, the blank databases and what collects on new by the move itself.
    assert site.rows(site.new, "db.sqlite3", "select name from sqlite_master") == []
    assert set(digest(site.new)) - set(old) == set()
    for side in ("old", "new"):
        assert list((site.base / side / "work" / "sets").glob("*/*")) == []
        assert list((site.base / side / "work").glob("secret-*")) == []
    assert list((site.new / PREFIX).glob("*__incoming*")) == []


@pytest.mark.drawn(4, of="local rehearsals")
def test_a_login_page_that_would_fail_is_told_before_the_freeze(tmp_path: Path, sinks: tuple[Sink, Sink]) -> None:
    """Each page that fails is told."""
    site = LocalSite(tmp_path)
    make(site, sinks)
    views = PAGES[f"{PREFIX}/notes/views.py"]
    broken = views.replace("login.html", "gone.html")
    site.commit({f"{PREFIX}/notes/views.py": broken.replace('send_mail("a"', 'import nowhere; send_mail("a"')})
    site.variables["relocate_answers"] = answers("/")
    rc, said = site.play(relocate_rehearse="full")
    assert rc == 2 and "FAILED before the freeze; the old site was not stopped" in said, said[-3000:]
    assert "[request_fails] GET /login/ (Host: notes.example) fails on new: TemplateDoesNotExist: gone.html" in said
    assert "GET / (Host: notes.example) fails on new: ModuleNotFoundError: No module named 'nowhere'" in said
    assert "notes/views.py, line " in said
    for side in ("old", "new"):
        assert list((site.base / side / "work" / "sets").glob("*/*")) == []
    assert list((site.new / PREFIX).glob("*__incoming*")) == []


@pytest.mark.drawn(4, of="local rehearsals")
def test_a_move_makes_requests_with_the_set_of_last_night(tmp_path: Path, sinks: tuple[Sink, Sink]) -> None:
    """It is brought to new and removed from there; what has changed since is not taken for a fault."""
    site = LocalSite(tmp_path)
    make(site, sinks)
    rc, said = site.play("backup")
    assert rc == 0, said[-3000:]
    [made] = (site.base / "old" / "work" / "sets" / "notes").iterdir()
    site.manage("shell", "--command", "from notes.models import Note; Note.objects.create(text='c')")
    rc, said = site.play()
    assert rc == 0 and f"UTC, set {made.name}" in said, said[-3000:]
    assert "2 requests with the data of 20" in said
    assert made.exists() and not (site.base / "new" / "work" / "sets" / "notes" / made.name).exists()
    assert site.rows(site.new, "db.sqlite3", "select count(*) from notes_note") == [(3,)]
