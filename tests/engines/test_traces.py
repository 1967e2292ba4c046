# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that tries in every place to leave a trace of what is asked of it: real servers and the file system tell."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import settings as discovered
from ansible_collections.relocate.django.plugins.module_utils._project import held, probe, requested, venv_quiet
from ansible_collections.relocate.django.plugins.module_utils._project.requested import Database, Limits, Page
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines import redis_server
from tests.engines.local_site import FILES as LOCAL
from tests.engines.local_site import PREFIX, LocalSite
from tests.engines.traces import EVERY, FILES, SETTINGS, TRIES, UNNOTICED, Mail, Watched, digest, mail, marked

pytestmark = pytest.mark.skipif(redis_server.program() is None, reason="no Redis")


def unconfined(base: Path) -> Any:
    """Give a part of the program that has no help of the kernel's, as on an older one."""
    path = base / "venv_unconfined.py"
    text = f"from {venv_quiet.__name__.rpartition('.')[0]} import venv_quiet\n"
    path.write_text(text + "venv_quiet.confine = lambda *words: False\n", encoding="ascii")
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


def test_no_question_to_the_project_leaves_a_trace(
    site: tuple[Path, Watched, Mail, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What discovery, preflight and the rehearsal ask; its answers are those that it gives to whoever lets it."""
    top, redis, sink, mark = site
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (top / "copy.sqlite3").replace(top / "db.sqlite3")
    project = probe.find_project(str(top), interpreter=sys.executable, allow_root=True)
    before = digest(top)
    topics = [topic for topic in probe.TOPICS if topic != "packages"]
    answer = probe.ask(project, topics)
    assert answer["serving"] == [] and answer["counts"]["default"]["exists"]
    assert not [check for check in answer["checks"] if check["level"] == "ERROR"], answer["checks"]
    told = "\n".join(held.told())
    assert f"{top} was asked, and its start, or a thread of it, was not let do this: connect to 127.0.0.1:" in told
    assert "does not load" not in told, told
    found = discovered.read(
        str(top), [], topics=["databases", "neighbours"], interpreter=sys.executable, allow_root=True
    )
    assert found.error == "" and found.answers["databases"][0]["name"] == str(top / "db.sqlite3")
    done = probe.run_held(project, ["diffsettings"], [])
    assert done.rc == 0 and b"CACHES" in done.stdout, done
    assert digest(top) == before
    assert marked(mark) == []
    assert sink.came == []
    assert redis.said() == []


def test_without_the_nets_each_place_tells(
    site: tuple[Path, Watched, Mail, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the test above would see nothing of what it looks for."""
    top, redis, sink, mark = site
    project = probe.find_project(str(top), interpreter=sys.executable, allow_root=True)
    (top / "copy.sqlite3").replace(top / "db.sqlite3")
    before = digest(top)
    monkeypatch.setattr(held, "asked", lambda project, ask, writes=(): ask({"place": "", "writes": [], "let": []}))
    try:
        probe.ask(project, ["serving"])
        left = marked(mark)
        assert {Path(path).name.replace(mark, "") for path in left} >= {"-file", "-path", "-directory", "-link"}
    finally:
        for path in [Path(path) for path in marked(mark)]:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    assert {name for name, text in digest(top).items() if before.get(name) != text} >= {str(top / "db.sqlite3")}
    assert any(b"data" in line for line in sink.came)
    assert any("LPUSH" in line for line in redis.said())


#: What settings learn from others while they are imported, and what they cannot do without.
NEEDS = """
import os, socket, subprocess
try:
    VAULT = socket.create_connection(("127.0.0.1", VAULT_PORT), 2).recv(100).decode()
except OSError:
    VAULT = "nothing"
try:
    SAID = subprocess.run(["echo", "hello"], capture_output=True, text=True).stdout.strip()
except OSError:
    SAID = "nothing"
os.makedirs(BASE / "made", exist_ok=True)
MEDIA_ROOT = "/srv/" + VAULT + "/" + SAID
"""


def test_what_settings_ask_others_is_let_and_named(tmp_path: Path) -> None:
    """What they say depends on it: a database's password may come from there."""
    held.told()
    local = LocalSite(tmp_path)
    local.make()
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as vault:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with vault.accept()[0] as link:
                        link.sendall(b"secret-place")

        threading.Thread(target=answer, daemon=True).start()
        port = vault.getsockname()[1]
        settings = f"{PREFIX}/settings.py"
        local.commit({settings: LOCAL[settings] + f"VAULT_PORT = {port}\n" + NEEDS})
        project = probe.find_project(str(local.old / PREFIX), interpreter=str(local.python), allow_root=True)
        assert probe.ask(project, ["django"])["django"]["media_root"] == "/srv/secret-place/hello"
    [told] = held.told()
    assert "does not load as it should unless it is let do this, so it was" in told
    for what in (f"connect to 127.0.0.1:{port}", "run echo", f"change {local.old / PREFIX}/made"):
        assert what in told, told


@pytest.mark.drawn(4, of="local rehearsals")
def test_the_whole_rehearsal_leaves_no_trace(tmp_path: Path) -> None:
    """Check mode, then rehearse_move with its builds, on a site that tries everywhere."""
    local = LocalSite(tmp_path)
    with mail() as sink:
        redis, mark = Watched(tmp_path), f"trace-{uuid.uuid4().hex}"
        try:
            local.make()
            known = f"MAIL, REDIS, SOCKET, MARK = {sink.server_address[1]}, {redis.port}, {redis.path!r}, {mark!r}\n"
            _commit(local, known)
            url = {"url": "http://127.0.0.1:9/everywhere/", "host": "shop.example", "old": False}
            local.variables["relocate_answers"] = [url]
            local.variables["relocate_build"] = ["touch built"]
            before = digest(local.old)
            rc, said = local.play("move", "--check")
            assert rc == 0, said[-3000:]
            assert not local.new.exists()
            rc, said = local.play("rehearse_move")
            assert rc == 0 and "REHEARSED: what was tried works on new; old was not stopped" in said, said[-3000:]
            assert re.search(r"\d requests? with the data of 20", said), said[-3000:]
            assert f"{local.old / PREFIX} was asked, and its start, or a thread of it, was not let do" in said, said[
                -3000:
            ]
            assert f"{local.new / PREFIX} was asked, and its start, or a thread of it, was not let do" in said, said[
                -3000:
            ]
            assert digest(local.old) == before
            made = {str(path.relative_to(local.new)) for path in local.new.rglob("*") if mark in path.name}
            assert made == set() and marked(mark) == []
            assert (local.new / PREFIX / "static" / "notes.txt").read_text() == "static"
            assert (local.new / PREFIX / "built").exists() and not (local.old / PREFIX / "built").exists()
            for side in ("old", "new"):
                assert list((local.base / side / "work" / "sets").glob("*/*")) == []
            assert local.rows(local.new, "db.sqlite3", "select name from sqlite_master") == []
            assert [line for line in sink.came if line != b"(somebody connects)"] == []
            assert [line for line in redis.said() if not _is_asking(line)] == []
        finally:
            redis.stop()


def _is_asking(line: str) -> bool:
    """Tell whether a command is one of preflight's own, which look at what Redis holds."""
    words = line.split('"')[1::2]
    return bool(words) and words[0].upper() in ("PING", "INFO", "DBSIZE", "SELECT", "SCAN", "TYPE", "LLEN", "HELLO")


def _commit(local: LocalSite, known: str) -> None:
    """Make the local site one that tries, with a directory of static files."""
    name = f"{PREFIX}/settings.py"
    apps = (
        'INSTALLED_APPS += ["django.contrib.auth", "django.contrib.sessions", "django.contrib.staticfiles", "shop"]\n'
    )
    tries = SETTINGS[SETTINGS.index("ALLOWED_HOSTS") :]
    plain = [line for line in tries.splitlines(True) if not line.startswith(("INSTALLED_APPS", "DATABASES", "LOGGING"))]
    plain = [line for line in plain if not line.lstrip().startswith(('"handlers"', '"root"'))]
    static = 'STATIC_URL, STATIC_ROOT = "/static/", BASE / "static"\nSTATICFILES_DIRS = [BASE / "assets"]\n'
    files = {f"{PREFIX}/{path}": text for path, text in FILES.items() if path.startswith("shop/")}
    files[f"{PREFIX}/shop/tries.py"] = known + TRIES
    files[f"{PREFIX}/assets/notes.txt"] = "static"
    local.write({name: LOCAL[name] + apps.replace(', "shop"', "")})
    local.manage("migrate", "--verbosity", "0")
    local.commit({name: known + LOCAL[name] + apps + static + "".join(plain), **files})
