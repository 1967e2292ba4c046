# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""clone.yml beside the original under a name of its own: nothing of people is left in it, and it serves."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.engines.local_site import FILES, PREFIX, LocalSite

SETTINGS = (
    FILES[f"{PREFIX}/settings.py"].replace('["django.contrib.contenttypes", "notes"]', "APPS")
    + """
import os
EMAIL_BACKEND = os.environ.get("MAIL", "django.core.mail.backends.smtp.EmailBackend")
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
DEBUG = False
"""
)
APPS = 'APPS = ["django.contrib." + name for name in "contenttypes auth sessions sites".split()] + ["notes"]\n'
URLS = """
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse(User.objects.get().email))]
"""
FILL = """
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from notes.models import Note
User.objects.create_user("canary", "canary@example.com", "canary-password")
User.objects.filter(username="canary").update(username="kept")
SessionStore(session_key=None).save()
Note.objects.create(text="nothing")
"""


def page(site: LocalSite) -> str:
    """Give what the clone answers."""
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    python = site.new / PREFIX / ".venv" / "bin" / "python"
    argv = [str(python), "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with subprocess.Popen(argv, cwd=site.new / PREFIX, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _attempt in range(100):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                    return str(answer.read().decode())
                time.sleep(0.2)
        finally:
            os.kill(server.pid, signal.SIGTERM)
    raise AssertionError("the clone does not serve")


def original(directory: Path) -> LocalSite:
    """Give a site with people, and a set of it."""
    site = LocalSite(directory, {"relocate_interpreter": ""})
    site.make()
    site.commit({f"{PREFIX}/settings.py": APPS + SETTINGS, f"{PREFIX}/urls.py": URLS})
    site.manage("migrate", "--verbosity", "0")
    site.manage("shell", "-c", FILL)
    code, text = site.play("backup")
    assert code == 0, text
    return site


@pytest.mark.drawn(3, of="local moves")
def test_a_clone_beside_the_original(tmp_path: Path) -> None:
    site = original(tmp_path)
    before = (site.old / PREFIX / "db.sqlite3").read_bytes()
    assert b"canary@example.com" in before and b"pbkdf2" in before
    work = tmp_path / "old" / "work"
    named = {"relocate_site": "staging", "relocate_clone_of": "notes", "relocate_directory": str(work)}
    code, text = site.play("clone", **named)
    assert code != 0 and "mail_would_be_sent" in text and "smtp" in text, text
    assert not (site.new / PREFIX / "db.sqlite3").exists(), "nothing is loaded before that is known"
    console = {"MAIL": "django.core.mail.backends.console.EmailBackend"}
    rules = {"domain": "staging.example.org"}
    given = {**named, "relocate_environment": console, "relocate_sanitise": rules}
    code, text = site.play("clone", **given)
    assert code == 0 and "sanitised (" in text and "no column that no rule names" in text, text
    clone = (site.new / PREFIX / "db.sqlite3").read_bytes()
    assert b"canary" not in clone and b"pbkdf2" not in clone
    assert site.rows(site.new, "db.sqlite3", "select username, email, password from auth_user") == [
        ("kept", "user-1@example.invalid", "!sanitised")
    ]
    assert site.rows(site.new, "db.sqlite3", "select count(*) from django_session") == [(0,)]
    assert site.rows(site.new, "db.sqlite3", "select domain from django_site") == [("staging.example.org",)]
    assert site.rows(site.new, "legacy.sqlite3", "select total from invoice order by 1") == [(7,), (8,)]
    assert page(site) == "user-1@example.invalid"
    assert not list((work / "sets" / "staging").glob("*")) and len(list((work / "sets" / "notes").glob("*"))) == 1
    assert (site.old / PREFIX / "db.sqlite3").read_bytes() == before
    # What testers do to it stays until it is asked for anew.
    sqlite = site.new / PREFIX / "db.sqlite3"
    clone = sqlite.read_bytes()
    code, text = site.play("clone", **given)
    assert code == 0 and "it was a clone of that set already" in text, text
    assert sqlite.read_bytes() == clone


@pytest.mark.drawn(3, of="local moves")
def test_a_clone_that_failed_and_one_that_is_made_anew(tmp_path: Path) -> None:
    site = original(tmp_path)
    work = tmp_path / "old" / "work"
    named = {"relocate_site": "staging", "relocate_clone_of": "notes", "relocate_directory": str(work)}
    given = {**named, "relocate_environment": {"MAIL": "django.core.mail.backends.console.EmailBackend"}}
    code, text = site.play("clone", **{**given, "relocate_sanitise": {"command": ["nosuchcommand"]}})
    assert code != 0 and "sanitise_failed" in text and "Start the clone" not in text, text
    code, text = site.play("clone", **given)
    assert code == 0 and "sanitised (" in text, "what was left half way is loaded anew"
    site.manage("shell", "-c", "from notes.models import Note; Note.objects.create(text='newer')")
    assert site.play("backup")[0] == 0
    code, text = site.play("clone", **given)
    assert code != 0, "what testers did is dropped only when somebody says so"
    code, text = site.play("clone", **given, relocate_replace=True)
    assert code == 0 and "sanitised (" in text, text
    assert site.rows(site.new, "db.sqlite3", "select count(*) from notes_note where text='newer'") == [(1,)]
    assert site.rows(site.new, "db.sqlite3", "select email from auth_user") == [("user-1@example.invalid",)]
    assert not list((site.new / PREFIX).glob("db.sqlite3?*")), "the clone before is not kept"
