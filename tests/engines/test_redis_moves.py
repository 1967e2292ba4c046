# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole moves of a site whose queue is in a real Redis, between two directories of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Database
from ansible_collections.relocate.django.plugins.module_utils._steps import drain
from tests.engines import redis_server
from tests.engines.local_site import FILES, PREFIX, LocalSite

pytestmark = pytest.mark.skipif(redis_server.program() is None, reason="no redis-server")
PASSWORD = "canary%40x7"  # as a URL has it
LATER = f"""
NUMBER = 2 if "new" in BASE.parts else 1
CELERY_BROKER_URL = f"unix://:{PASSWORD}@SOCKET?db={{NUMBER}}"
"""
SETTING = "CELERY_BROKER_URL"


def names(database: Database) -> set[bytes]:
    """The keys of a database."""
    with redis_server.client(database) as client:
        found: set[bytes] = set(client.ask("KEYS", "*"))
        return found


def do(database: Database, verb: str, *words: str) -> None:
    """Run one command."""
    with redis_server.client(database) as client:
        client.ask(verb, *words)


@pytest.mark.drawn(5, of="local moves")
def test_a_queue_is_named_then_carried(tmp_path: Path) -> None:
    with redis_server.running("--requirepass", "canary@x7") as server:
        old, new = (redis_server.numbered(server, number, "canary@x7") for number in (1, 2))
        site = LocalSite(tmp_path)
        site.make()
        settings = f"{PREFIX}/settings.py"
        site.commit({settings: FILES[settings] + LATER.replace("SOCKET", server.path)})
        do(old, "RPUSH", "celery", "one", "two", "three")
        do(old, "SETEX", "session", "3600", "x")
        place = f"unix://{server.path}?db=1"

        # A move that does not carry it says what stays.
        rc, said = site.play("move", "--check")
        assert rc == 0, said
        assert "3 messages wait in queue celery of" in said.replace("\n", " ") and "canary" not in said

        # What is in the way on new, before anything is stopped.
        do(new, "SET", "mine", "x")
        rc, said = site.play(relocate_neighbours_carried=[SETTING])
        assert rc != 0 and "neighbour_not_blank" in said and names(new) == {b"mine"} and "canary" not in said
        assert not (site.new / PREFIX / "db.sqlite3").exists() or site.rows(
            site.new, "db.sqlite3", "select count(*) from sqlite_master"
        ) == [(0,)]

        do(new, "FLUSHDB")
        site.variables["relocate_neighbours_carried"] = [place]
        rc, said = site.play()
        assert rc == 0, said
        assert f"unix://{server.path}?db=2: 2 keys were carried over from {place} and compared" in said
        assert names(new) == names(old) == {b"celery", b"session"} and "canary" not in said
        with redis_server.client(new) as client:
            assert client.ask("LRANGE", "celery", 0, -1) == [b"one", b"two", b"three"]
            assert client.number("PTTL", "session") > 3_000_000
        see_set(site, place)


def see_set(site: LocalSite, place: str) -> None:
    """The file is root's alone, and in the manifest as every other one."""
    [path] = site.base.glob("new/work/sets/notes/*/neighbours/1.redis")
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o077 == 0
    manifest = json.loads((path.parent.parent / "manifest.json").read_text())
    assert "neighbours/1.redis" in [item["path"] for item in manifest["files"]]
    [entry] = manifest["neighbours"]
    assert entry["place"] == place and entry["keys"] == 2 and entry["settings"] == [SETTING]
    assert "canary" not in json.dumps(manifest)


@pytest.mark.drawn(5, of="local moves")
def test_the_project_says_which_queues_must_be_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are found and logged in to as its settings say, and a password is never shown."""
    with redis_server.running("--requirepass", "canary@x7") as server:
        queue = redis_server.numbered(server, 1, "canary@x7")
        site = LocalSite(tmp_path)
        site.make()
        settings = f"{PREFIX}/settings.py"
        site.commit({settings: FILES[settings] + LATER.replace("SOCKET", server.path)})
        monkeypatch.setattr(drain, "workers", lambda _systemd, units: [name for name in units if name == "work"])
        options = drain.Options("frozen", ("web", "work"), 1, str(site.old / PREFIX), allow_root=True)
        queues = drain.prepare(options, None)  # type: ignore[arg-type]
        assert queues is not None and queues.workers == {"work"}
        queues.wait()
        do(queue, "RPUSH", "celery", "one")
        with pytest.raises(RelocateError) as caught:
            queues.wait()
        assert caught.value.code == "queues_not_empty"
        assert f"1 message waits in queue celery of unix://{server.path}?db=1" in caught.value.msg
        assert "canary" not in str(caught.value)
