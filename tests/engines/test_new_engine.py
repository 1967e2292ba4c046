# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new engine is one folder and its line in the registry: nothing else of the collection is touched here.

The toy keeps a database as a directory of JSON files; a Django backend of the site's own works with it.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engines import local_site
from tests.engines.local_site import PREFIX, LocalSite
from tests.tools.collection import COLLECTIONS, ROOT

TOY = ROOT / "tests" / "engines" / "jsondir"
ENGINES = Path("ansible_collections", "relocate", "django", "plugins", "module_utils", "_engines")
IMPORT = "from ansible_collections.relocate.django.plugins.module_utils._engines.jsondir.engine import JsondirEngine\n"
LINE = '    JsondirEngine: ("jsondir",),\n'
SETTINGS = """
import os
KIND = os.environ.get("KIND", "jsondir")
BACKENDS = {"jsondir": "jsondir", "sqlite": "django.db.backends.sqlite3"}
DATABASES["default"] = {"ENGINE": BACKENDS[KIND], "NAME": BASE / ("data." + KIND)}
"""
MODELS = """
from django.db import models
class Note(models.Model):
    text = models.CharField(max_length=50)
    made = models.DateTimeField()
    price = models.DecimalField(max_digits=6, decimal_places=2)
    raw = models.BinaryField()
    more = models.JSONField()
    after = models.ForeignKey("self", models.CASCADE, null=True)
"""
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Note", [
        ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
        ("text", models.CharField(max_length=50)),
        ("made", models.DateTimeField()),
        ("price", models.DecimalField(max_digits=6, decimal_places=2)),
        ("raw", models.BinaryField()),
        ("more", models.JSONField()),
        ("after", models.ForeignKey("notes.Note", models.CASCADE, null=True)),
    ])]
"""
FILL = """
import datetime, decimal
from notes.models import Note
first = None
for number in range(30):
    made = datetime.datetime(2026, 11, 29, 8, 0, 0, number)
    first = Note.objects.create(text="\\u00e9 %d" % number, made=made, price=decimal.Decimal("1.10") + number,
                                raw=bytes([number, 0, 255]), more={"n": [number, None, "x"]}, after=first)
"""
TELL = (
    "import json; from notes.models import Note;"
    "print('TOLD' + json.dumps([[str(part) if not isinstance(part, bytes) else part.hex() for part in row]"
    " for row in Note.objects.order_by('id').values_list()]))"
)
FIXTURE = """
- hosts: old
  gather_facts: false
  tasks:
    - relocate.django.fixture_{work}:
        site: notes
        path: "{{{{ relocate_path }}}}"
        directory: "{{{{ relocate_directory }}}}"
        allow_root: "{{{{ relocate_allow_root }}}}"
        {options}
"""


@dataclass
class ToySite(LocalSite):
    """A site whose settings ask the environment which engine it has."""

    kinds: dict[str, str] = field(default_factory=lambda: {"old": "jsondir", "new": "jsondir"})

    def host(self, side: str) -> dict[str, Any]:
        """Give the variables of one host."""
        return {**super().host(side), "relocate_environment": {"KIND": self.kinds[side]}}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToySite:
    """A site on the toy engine, and the collection with its folder and line."""
    collections = tmp_path / "collections"
    shutil.copytree(COLLECTIONS, collections, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    shutil.copytree(TOY / "engine", collections / ENGINES / "jsondir")
    registry = collections / ENGINES / "registry.py"
    text = registry.read_text()
    text = re.sub(r"(?m)^(from .*\._engines\.mysql)", IMPORT + r"\1", text, count=1)
    text = re.sub(r"(?m)^(ENGINES: .*\n)", r"\1" + LINE, text, count=1)
    assert IMPORT in text and LINE in text
    registry.write_text(text)
    files = dict(local_site.FILES)
    files[".gitignore"] += "data.*\n"
    files[f"{PREFIX}/settings.py"] += SETTINGS
    files[f"{PREFIX}/notes/models.py"] = MODELS
    files[f"{PREFIX}/notes/migrations/0001_initial.py"] = MIGRATION
    for name in ("__init__.py", "base.py"):
        files[f"{PREFIX}/jsondir/{name}"] = (TOY / "backend" / name).read_text()
    monkeypatch.setattr(local_site, "FILES", files)
    site = ToySite(tmp_path, collections=collections)
    site.make()
    site.manage("shell", "--command", FILL)
    return site


def told(site: ToySite, side: Path, kind: str) -> list[list[str]]:
    """Give the rows as the site's own models read them."""
    python = side / PREFIX / ".venv" / "bin" / "python"
    done = local_site.run("env", f"KIND={kind}", python, "manage.py", "shell", "--command", TELL, cwd=side / PREFIX)
    assert done.returncode == 0, done.stderr
    rows: list[list[str]] = json.loads(done.stdout.partition("TOLD")[2])
    return rows


@pytest.mark.drawn(5, of="local moves")
def test_it_moves_and_converts(site: ToySite) -> None:
    """To another directory, then, as SQLite, and back."""
    rows = told(site, site.old, "jsondir")
    assert len(rows) == 30
    rc, said = site.play()
    assert rc == 0, said
    assert "MOVED; proven: rows, content, " in said
    assert told(site, site.new, "jsondir") == rows
    assert len(json.loads((site.new / PREFIX / "data.jsondir" / "notes_note.json").read_text())) == 30


@pytest.mark.drawn(5, of="local moves")
def test_it_becomes_sqlite_and_sqlite_becomes_it(site: ToySite) -> None:
    rows = told(site, site.old, "jsondir")
    site.kinds["new"] = "sqlite"
    rc, said = site.play(relocate_engines={"default": "sqlite"})
    assert rc == 0, said
    assert told(site, site.new, "sqlite") == rows
    back = ToySite(site.base / "back", kinds={"old": "sqlite", "new": "jsondir"}, collections=site.collections)
    back.base.mkdir()
    (site.base / "new").rename(back.base / "old")
    rc, said = back.play(relocate_engines={"default": "jsondir"}, relocate_site="back")
    assert rc == 0, said
    assert told(back, back.new, "jsondir") == rows


@pytest.mark.drawn(5, of="local moves")
@pytest.mark.parametrize(("form", "name"), [("lines", "f.jsonl"), ("json", "f.json")])
def test_a_fixture_goes_out_and_in(site: ToySite, form: str, name: str) -> None:
    rows, path = told(site, site.old, "jsondir"), site.base / name
    for work, options in (
        ("dump", f"dest: {path}\n        format: {form}"),
        ("load", f"src: {path}\n        replace: true"),
    ):
        book = site.base / f"{work}.yml"
        book.write_text(FIXTURE.format(work=work, options=options))
        if work == "load":
            site.manage("shell", "--command", "from notes.models import Note; Note.objects.all().delete()")
            assert told(site, site.old, "jsondir") == []
        rc, said = site.play(str(book))
        assert rc == 0, said
    assert told(site, site.old, "jsondir") == rows
