# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory writes itself from two host names, and the first move by it succeeds, without an edit.

Two sites on one host: units of systemd serve one, supervisor the other; both stand behind nginx.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.e2e.moving import active, prepare, still
from tests.e2e.test_move import OURS
from tests.lab.digest import difference
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.sites.facts import wait_http
from tests.sites.provision import provision
from tests.sites.spec import BLOG, SHOP, Site

SUPERVISED = """
[program:{name}-web]
command={app}/.venv/bin/gunicorn --workers 2 --bind 127.0.0.1:{port} awkward.wsgi
directory={app}
user={name}
environment=DJANGO_SETTINGS_MODULE="{settings}",HOME="{home}"

[program:{name}-worker]
command={python} {app}/manage.py worker --every 0.2
directory={app}
user={name}
environment=DJANGO_SETTINGS_MODULE="{settings}",HOME="{home}"
"""


def supervise(host: Host, site: Site) -> None:
    """Let supervisor run a site instead of its units."""
    host.run(["systemctl", "disable", "--quiet", "--now", *site.units])
    host.run(["rm", *site.unit_files])
    host.run(["systemctl", "daemon-reload"])
    host.run("apt-get -qq update && apt-get -qq install -y --no-install-recommends supervisor", timeout=300)
    text = SUPERVISED.format(
        name=site.name, app=site.app, port=site.port, settings=site.settings, home=site.home, python=site.python
    )
    host.write(f"/etc/supervisor/conf.d/{site.name}.conf", text)
    host.run(["supervisorctl", "update"])
    assert wait_http(host, "/health", port=site.public_port).status == 200


def without(found: dict[str, Any], *names: str) -> dict[str, Any]:
    """The inventory, whose sites name less."""
    sites = [
        {key: value for key, value in site.items() if key not in names}
        for site in found["all"]["vars"]["relocate_sites"]
    ]
    return {"relocate_sites": sites}


def test_the_inventory_writes_itself_and_the_first_move_succeeds(lab: Lab, tmp_path: Path) -> None:
    move = prepare(lab, tmp_path)
    provision(move.old, BLOG, git=lab.host("db"), rows=500)
    supervise(move.old, BLOG)
    before = move.old.digest(exclude=OURS)
    result = move.discover()
    assert result.rc == 0, result.stdout[-3000:]
    assert difference(before, move.old.digest(exclude=OURS)) == []
    text = (tmp_path / "inventory.yml").read_text()
    found = yaml.safe_load(text)
    blog, shop = found["all"]["vars"]["relocate_sites"]
    assert (blog["name"], blog["path"], blog["services"]) == ("blog", BLOG.app, ["supervisor.service"])
    assert (shop["name"], shop["path"], set(shop["services"])) == ("shop", SHOP.app, set(SHOP.units))
    assert "supervisor" in blog["packages"] and "/etc/supervisor/conf.d/blog.conf" in blog["files"]
    for secret in (*SHOP.secrets, *BLOG.secrets):
        assert secret not in text + result.stdout + result.stderr
    # Never written to again: what it lacks is shown.
    assert "inventory.yml names all that was found." in move.discover().stdout
    # What nobody names is in the list before anything is stopped.
    (tmp_path / "less.yml").write_text(yaml.safe_dump(without(found, "files", "services", "reload")))
    result = move.play("move", "inventory.yml", "--check", "-e", "@less.yml")
    assert result.rc != 0
    for named in ("supervisor.service", SHOP.web_unit, SHOP.worker_unit, SHOP.timer_unit):
        assert f"unit {named} runs the project, and relocate_services does not name it" in result.stdout
    assert "unit nginx.service serves shop.example.org, and relocate_reload does not name it" in result.stdout
    for path in (*SHOP.unit_files, SHOP.nginx_file, BLOG.nginx_file, "/etc/supervisor/conf.d/blog.conf"):
        assert path in result.stdout
    result = move.play("move", "inventory.yml")
    assert result.rc == 0, result.stdout[-5000:]
    for site in (SHOP, BLOG):
        assert f"Site {site.name}: old.lab -> new.lab: MOVED; proven: rows, content, " in result.stdout
        assert wait_http(move.new, "/health", port=site.public_port).status == 200
        assert still(move.new, site) == still(move.old, site)
    assert active(move.new, "supervisor.service") and not active(move.old, "supervisor.service")
    assert not active(move.old, SHOP.web_unit)
