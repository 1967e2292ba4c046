# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site gets another database engine where it runs: refused, put back, converted, and left alone the second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record import record
from tests.e2e.moving import COLLECTIONS, DEFAULT_VENV, active, changed, leftovers, prepare, variables_of
from tests.e2e.test_conversion import counts
from tests.lab.host import Host
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tests.lab.playbook import PlaybookResult, run_playbook
from tests.lab.services import psql
from tests.sites.facts import http_get, wait_http
from tests.sites.provision import manage
from tests.sites.spec import SQLITE_SHOP

#: The site's worker writes to it all the time.
LIVE = "shop.Heartbeat"
PASSWORD = "c0nv3rt 'w\"o%rd"


def convert(host: Host, directory: Path, variables: dict[str, Any]) -> PlaybookResult:
    """Run the playbook as the owner of this one host."""
    path = write_inventory(directory / "inventory.yml", [host], {**variables_of(SQLITE_SHOP), **variables})
    path.write_text(path.read_text().replace('"old": {', '"new": {'))
    return run_playbook(
        ["relocate.django.convert", "-i", str(path)],
        venv=DEFAULT_VENV,
        collections_path=COLLECTIONS,
        directory=directory,
        env={},
    )


def engine_of(host: Host) -> str:
    """The engine that the site's own settings name now."""
    code = "from django.db import connection; print('ENGINE', connection.vendor)"
    return manage(host, SQLITE_SHOP, "shell", "-c", code).split("ENGINE ")[-1].strip()


@pytest.mark.drawn(5, of="applications")
def test_sqlite_to_postgresql_in_place(lab: Lab, tmp_path: Path) -> None:
    """Every model's rows are there; the file that was left is as it was."""
    site = SQLITE_SHOP
    host = prepare(lab, tmp_path, site).old
    env = host.read(site.env_file)
    before = counts(host, site)
    url = f"postgres://shop:{quote(PASSWORD, safe='')}@127.0.0.1:5432/shop"
    variables: dict[str, Any] = {
        "relocate_engines": {"default": "postgresql"},
        "relocate_env_overrides": {".env": {"DATABASE_URL": url}},
    }

    # One of its models lives in a schema of its own there, which the database has to look into.
    quoted = PASSWORD.replace("'", "''")
    psql(host, f"CREATE ROLE shop LOGIN PASSWORD '{quoted}'")
    psql(host, "CREATE DATABASE shop OWNER shop")
    psql(host, "ALTER DATABASE shop SET search_path = public, warehouse")

    refused = convert(host, tmp_path, variables)
    assert refused.rc != 0 and "not_convertible" in refused.stdout and "stray" in refused.stdout, refused.stdout[-3000:]
    assert http_get(host, "/health").status == 200

    # What only fails after the freeze: the new settings name a database of the engine that there was before.
    variables["relocate_excluded_models"] = ['stray "table" = 1']
    wrong = {".env": {"DATABASE_URL": f"sqlite:///{site.var}/other.sqlite3"}}
    failed = convert(host, tmp_path, {**variables, "relocate_env_overrides": wrong})
    assert failed.rc != 0 and "again, from the database that it had" in failed.stdout, failed.stdout[-4000:]
    wait_http(host, "/health")
    assert host.read(site.env_file) == env and engine_of(host) == "sqlite"
    assert all(active(host, unit) for unit in site.units) and leftovers(host) == ""

    result = convert(host, tmp_path, variables)
    assert result.rc == 0, result.stdout[-5000:]
    assert PASSWORD not in result.stdout + result.log and quote(PASSWORD) not in result.stdout + result.log
    wait_http(host, "/health")
    assert engine_of(host) == "postgresql"
    after = counts(host, site)
    assert {label: after[label] for label in after if label != LIVE} == {
        label: before[label] for label in before if label != LIVE
    }
    assert after[LIVE] >= before[LIVE] > 0
    assert all(active(host, unit) for unit in site.units) and leftovers(host) == ""
    file = host.run(["stat", "-c", "%s", f"{site.var}/db.sqlite3"]).stdout
    assert int(file) > 0

    again = convert(host, tmp_path, variables)
    assert again.rc == 0 and set(changed(again).values()) == {0}, again.stdout[-4000:]
    report = json.dumps(counts(host, site).get("shop.Book"))
    assert report == str(before["shop.Book"])
    _cut_short(host)
    unfinished = convert(host, tmp_path, variables)
    assert unfinished.rc != 0 and "[conversion_unfinished]" in unfinished.stdout, unfinished.stdout[-4000:]


def _cut_short(host: Host) -> None:
    """Leave the record as a run does that is killed between the new settings and its end."""
    code = """
import json
path = "/var/lib/relocate/shop{0}"
record = json.load(open(path))
record["freeze"] = {{"label": "", "run": "killed", "at": 1, "units": []}}
json.dump(record, open(path, "w"))
"""
    host.run(["python3", "-c", code.format(record._RECORD)])
