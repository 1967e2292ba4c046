# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A move that changes the database engine: Wagtail goes from SQLite to PostgreSQL."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tests.e2e.moving import COLLECTIONS, DEFAULT_VENV, Move, changed, fails_with, leftovers
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.playbook import run_playbook
from tests.sites.facts import wait_http
from tests.sites.provision import manage
from tests.sites.spec import WAGTAIL, Site
from tests.sites.wagtail.provision import provision_wagtail

SITE = dataclasses.replace(WAGTAIL, engine="sqlite")
#: The search index has other columns on each engine; `update_index` makes it again.
INDEX = ["wagtailsearch.IndexEntry", "wagtailsearch.SQLiteFTSIndexEntry"]
#: Django's and Wagtail's own apps.
THEIR_APPS = [
    *("admin", "auth", "contenttypes", "sessions", "taggit", "wagtailadmin", "wagtailcore", "wagtaildocs"),
    *("wagtailembeds", "wagtailforms", "wagtailimages", "wagtailredirects", "wagtailsearch", "wagtailusers"),
]
#: Errors in their migrations, each with its reason in docs/migration_lint.md.
EXPLAINED = {
    "wagtailcore.0048_add_default_workflows",
    "wagtailcore.0059_apply_collection_ordering",
    "wagtailsearch.0006_customise_indexentry",
}
#: The settings ask the env file which database there is, as projects do that run on more than one.
LOCAL = """
from pathlib import Path

env = dict(line.split("=", 1) for line in Path(__file__).resolve().parents[2].joinpath(".env").read_text().split())
SECRET_KEY = env["SECRET_KEY"]
DATABASES = {"default": {"ENGINE": "django.db.backends." + env["DB_ENGINE"], "NAME": env["DB_NAME"]}}
if env["DB_ENGINE"] != "sqlite3":
    DATABASES["default"].update(USER=env["DB_USER"], PASSWORD=env["DB_PASSWORD"], HOST="127.0.0.1")
ALLOWED_HOSTS = ["*"]
WAGTAILADMIN_BASE_URL = "http://wagtail.example.org"
"""
COUNT = """
import json
from django.apps import apps
models = apps.get_models(include_auto_created=True)
print("COUNTS" + json.dumps({model._meta.label: model._base_manager.count() for model in models}))
"""


def counts(host: Host, site: Site) -> dict[str, int]:
    """Every model's rows, past every manager that hides some, as Django itself sees them."""
    found: dict[str, int] = json.loads(manage(host, site, "shell", "-c", COUNT).partition("COUNTS")[2])
    return found


def retitle(host: Host, title: str) -> None:
    """Give a page another title, past Django: SQLite takes one of any length."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2], sys.argv[3:]); c.commit()"
    sql = "UPDATE wagtailcore_page SET draft_title = ? WHERE depth = 2"
    host.run(["python3", "-c", code, SITE.databases["default"], sql, title])


@pytest.mark.drawn(5, of="applications")
def test_wagtail_moves_from_sqlite_to_postgresql(lab: Lab, tmp_path: Path) -> None:
    """Trees, generic relations, revisions and images: all there and served; a row that does not fit is told first."""
    old = lab.host("old", fresh=True)
    provision_wagtail(old, SITE, git=lab.host("db"))
    owner = f"{SITE.user}:{SITE.user}"
    env = f"SECRET_KEY=abcdefghijklmnopqrstuvwxyz\nDB_ENGINE=sqlite3\nDB_NAME={SITE.databases['default']}\n"
    old.write(f"{SITE.app}/.env", env, owner=owner, mode="0600")
    old.write(SITE.env_file, LOCAL, owner=owner, mode="0600")
    old.run(["systemctl", "restart", SITE.web_unit])
    before = wait_http(old, "/", port=SITE.public_port)
    assert before.status == 200

    move = Move(lab, old, lab.host("new", fresh=True), SITE, tmp_path)
    move.new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
    move.variables["relocate_settings"] = SITE.settings
    move.variables["relocate_answers"] = [{"url": f"http://127.0.0.1:{SITE.public_port}/"}]
    link = SITE.nginx_file.replace("sites-available", "sites-enabled")
    files = [f"{SITE.app}/.env", SITE.env_file, *SITE.unit_files, SITE.nginx_file, link]
    move.variables["relocate_files"] = files
    database = {"DB_ENGINE": "postgresql", "DB_NAME": "wagtail", "DB_USER": "wagtail", "DB_PASSWORD": "n3wPa55word"}
    move.variables["relocate_env_overrides"] = {".env": database}
    move.variables["relocate_engines"] = {"default": "postgresql"}

    title = "x" * 300
    retitle(old, title)
    refused = move.run("--check")
    assert fails_with(refused, "obstacles") and "not_convertible" in refused.stdout, refused.stdout[-3000:]
    assert "draft_title" in refused.stdout and "300 characters" in refused.stdout and title not in refused.stdout
    assert wait_http(old, "/", port=SITE.public_port).status == 200
    retitle(old, "Home")

    refused = move.run()
    assert fails_with(refused, "not_convertible") and INDEX[0] in refused.stdout, refused.stdout[-3000:]
    assert "FAILED before the freeze" in refused.stdout
    assert wait_http(old, "/", port=SITE.public_port).status == 200
    move.variables["relocate_excluded_models"] = INDEX

    result = move.run()
    assert result.rc == 0, result.stdout[-5000:]
    after = wait_http(move.new, "/", port=SITE.public_port)
    assert (after.status, after.body) == (before.status, before.body)
    there, here = counts(old, SITE), counts(move.new, SITE)
    assert {label: here[label] for label in here if label not in INDEX} == {
        label: there[label] for label in there if label not in INDEX
    }
    assert there["wagtailcore.Page"] > 20 and there["wagtailimages.Rendition"] > 5
    assert leftovers(old) == "" and leftovers(move.new) == ""
    again = move.run()
    assert again.rc == 0 and set(changed(again).values()) == {0}, again.stdout[-3000:]

    # Nobody's migrations are faulted without a reason.
    play = {"hosts": "new", "gather_facts": False, "tasks": [{"relocate.django.migration_lint": {
        "path": SITE.app, "settings": SITE.settings, "apps": THEIR_APPS, "fail_on": "nothing"}}]}  # fmt: skip
    (tmp_path / "lint.yml").write_text(json.dumps([play]))
    command = ["lint.yml", "-i", str(move.inventory()), "-v"]
    found = run_playbook(command, venv=DEFAULT_VENV, collections_path=COLLECTIONS, directory=tmp_path).stdout
    findings = json.loads(found[found.index("=> {") + 3 : found.index("\n\nPLAY RECAP")])["findings"]
    codes = {"loses_data", "no_reverse", "model_import", "narrows_field", "breaks_on_rows"}
    assert {item["code"] for item in findings} == codes
    errors = {f"{item['app']}.{item['migration']}" for item in findings if item["level"] == "error"}
    assert "wagtailcore.0059_apply_collection_ordering" in errors and errors <= EXPLAINED
