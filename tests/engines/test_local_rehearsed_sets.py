# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""rehearse.yml: a set is loaded beside the databases of the site that serves, proven, migrated, asked and dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from tests.engines.local_site import LATER, PREFIX, LocalSite
from tests.engines.test_local_rehearsals import Sink, answers, digest, make, sinks

__all__ = ["sinks"]  # a fixture

#: Migrations that come with a later revision, and what a rehearsal says of each.
RAISES = """
from django.db import migrations, models
def fill(apps, schema_editor):
    raise ValueError("row 7 has no colour")
class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]
    operations = [migrations.AddField("Note", "colour", models.CharField(max_length=9, default="x"), False),
                  migrations.RunPython(fill)]
"""


def proofs(site: LocalSite) -> dict[str, object]:
    """Give what the record on old notes of sets that were found equal."""
    return dict(read_record(str(site.base / "old" / "work"), "notes").found_equal)


@pytest.mark.drawn(4, of="local rehearsals")
def test_a_set_is_proven_beside_the_site_that_serves(tmp_path: Path, sinks: tuple[Sink, Sink]) -> None:
    """First as it is; then with code that is about to be deployed, whose migration fails and is mended."""
    site = LocalSite(tmp_path)
    make(site, sinks)
    site.variables["relocate_answers"] = answers("/", contains="a, b")
    rc, said = site.play("backup")
    assert rc == 0, said[-3000:]
    [made] = (site.base / "old" / "work" / "sets" / "notes").iterdir()
    site.manage("shell", "--command", "from notes.models import Note; Note.objects.create(text='since')")
    before = digest(site.old)

    assert proofs(site) == {}
    rc, said = site.play("rehearse")
    assert rc == 0 and f"set {made.name} was loaded beside the live databases and dropped; proven:" in said, said
    assert "; 2 requests" in said, said[-1500:]
    assert list(proofs(site)) == [made.name]
    assert digest(site.old) == before
    assert [sink.came for sink in sinks] == [[], []]

    migration = f"{PREFIX}/notes/migrations/0002_colour.py"
    site.commit({**LATER, migration: RAISES})
    before = digest(site.old)
    rc, said = site.play("rehearse")
    assert rc == 2 and "[migration_failed] migration notes.0002_colour of database default fails on a copy" in said, (
        said
    )
    assert "ValueError: row 7 has no colour" in said
    assert digest(site.old) == before
    site.commit({migration: LATER[migration]})
    before = digest(site.old)
    rc, said = site.play("rehearse", relocate_label=made.name)
    assert rc == 0 and "migrated on the copy: notes.0002_colour of default 0." in said, said[-3000:]
    assert digest(site.old) == before
    assert site.rows(site.old, "db.sqlite3", "select count(*) from django_migrations where name like '0002_c%'") == [
        (0,)
    ]
