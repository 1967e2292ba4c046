# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole moves between two directories of this machine, with the real playbooks."""

from __future__ import annotations

from pathlib import Path

from tests.engines.local_site import LATER, PREFIX, LocalSite

TABLES = "select name from sqlite_master where type = 'table' order by name"


def test_code_older_than_its_database_then_the_same_command_without_it(tmp_path: Path) -> None:
    """What a failed run left, in a checkout whose project lies below its top, is gone on from.

    Beside: a database that was never migrated stays as it is, and nobody has uploaded anything yet.
    """
    site = LocalSite(tmp_path)
    first = site.make()
    site.commit(LATER)
    site.manage("migrate", "--verbosity", "0")
    remote, older = site.elsewhere(first)  # which only the checkout on new can tell
    rc, said = site.play(relocate_revision=older, relocate_remote=str(remote))
    assert rc != 0
    assert "[unknown_migration] database default: 1 applied migrations are not in the code on this host" in said
    assert "notes.0002_colour" in said and "relocate_revision" in said
    assert "Freeze the old site" not in said, "it was known before the freeze"
    assert not (site.new / PREFIX / "db.sqlite3").exists()
    rc, said = site.play()
    assert rc == 0, said
    assert "MOVED; proven: rows, content, " in said
    assert site.rows(site.new, "legacy.sqlite3", TABLES) == [("invoice",)]
    assert site.rows(site.new, "legacy.sqlite3", "select total from invoice") == [(7,), (8,)]
    assert ("django_migrations",) in site.rows(site.new, "db.sqlite3", TABLES)
    assert (site.new / PREFIX / "media").is_dir()
