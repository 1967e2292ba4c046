# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory writes itself from two host names, and the first move by it succeeds, without an edit.

Two sites on one host: the own systemd of its owner serves one, behind nginx; Apache and supervisor serve the other.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.moving import active, prepare, still
from tests.e2e.test_move import OURS
from tests.lab.digest import difference
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.sites.facts import wait_http
from tests.sites.files import unit_texts
from tests.sites.provision import provision
from tests.sites.spec import BLOG, SHOP, Site

SUPERVISED = """
[program:{name}-worker]
command={python} {app}/manage.py worker --every 0.2
directory={app}
user={name}
environment=DJANGO_SETTINGS_MODULE="{settings}",HOME="{home}"
"""
APACHE = """
<VirtualHost *:{port}>
    ServerName {name}.example.org
    WSGIDaemonProcess {name} user={name} group={name} python-home={app}/.venv python-path={app} home={app} \\
        lang=C.UTF-8 locale=C.UTF-8
    WSGIProcessGroup {name}
    WSGIApplicationGroup %{{GLOBAL}}
    WSGIScriptAlias / {app}/awkward/wsgi.py
    <Directory {app}/awkward>
        Require all granted
    </Directory>
</VirtualHost>
"""
UNITS = ".config/systemd/user"


def without_units(host: Host, site: Site, *packages: str) -> None:
    """Take the units of the system away from a site, and install what serves it instead."""
    host.run(["systemctl", "disable", "--quiet", "--now", *site.units])
    host.run(["rm", *site.unit_files])
    host.run(["systemctl", "daemon-reload"])
    install = f"apt-get -qq update && apt-get -qq install -y --no-install-recommends {' '.join(packages)}"
    host.run(install, env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=300)


def serve_by_apache(host: Host, site: Site) -> None:
    """Let Apache run a site within itself, beside nginx, and supervisor its worker."""
    host.run(["rm", site.nginx_file, f"/etc/nginx/sites-enabled/{site.name}.conf"])
    host.run(["systemctl", "reload", "nginx"])
    without_units(host, site, "supervisor", "apache2", "libapache2-mod-wsgi-py3")
    values = {"name": site.name, "app": site.app, "settings": site.settings, "home": site.home, "python": site.python}
    host.write(f"/etc/supervisor/conf.d/{site.name}.conf", SUPERVISED.format(**values))
    host.run(["supervisorctl", "update"])
    host.write(f"/etc/apache2/sites-available/{site.name}.conf", APACHE.format(port=site.public_port, **values))
    host.write("/etc/apache2/ports.conf", f"Listen {site.public_port}\n")
    host.run(["a2dissite", "--quiet", "000-default"])
    host.run(["a2ensite", "--quiet", site.name])
    host.run(["systemctl", "restart", "apache2"])
    assert wait_http(host, "/health", port=site.public_port).status == 200


def as_owner(host: Host, site: Site, *argv: str) -> str:
    """Ask the own systemd of a site's owner."""
    runtime = f"/run/user/{host.run(['id', '-u', site.user]).stdout.strip()}"
    argv = ("systemctl", "--user", *argv)
    return host.run(list(argv), user=site.user, env={"XDG_RUNTIME_DIR": runtime}, check=False).stdout.strip()


def serve_by_owner(host: Host, site: Site) -> None:
    """Let the owner's own systemd run a site: units of the same names, in his home."""
    without_units(host, site, "libpam-systemd")
    # Without sessions of logind for each SSH login: one that comes while the last one ends may hang for half a minute.
    host.run(["pam-auth-update", "--package", "--remove", "systemd"], env={"DEBIAN_FRONTEND": "noninteractive"})
    for unit, text in unit_texts(site).items():
        own = re.sub(r"(?m)^(User|Group|After)=.*\n", "", text).replace("multi-user.target", "default.target")
        host.run(["mkdir", "-p", f"{site.home}/{UNITS}"], user=site.user)
        host.write(f"{site.home}/{UNITS}/{unit}", own, owner=f"{site.user}:{site.user}")
    host.run(["loginctl", "enable-linger", site.user])
    host.run("systemctl start user@$(id -u " + site.user + ").service")
    as_owner(host, site, "enable", "--now", *site.units)
    as_owner(host, site, "start", site.cleanup_unit)
    assert wait_http(host, "/health", port=site.public_port).status == 200


def without(found: dict[str, Any], *names: str) -> dict[str, Any]:
    """The inventory, whose sites name less."""
    sites = [
        {key: value for key, value in site.items() if key not in names}
        for site in found["all"]["vars"]["relocate_sites"]
    ]
    return {"relocate_sites": sites}


@pytest.mark.drawn(5, of="applications")
def test_the_inventory_writes_itself_and_the_first_move_succeeds(lab: Lab, tmp_path: Path) -> None:
    move = prepare(lab, tmp_path)
    provision(move.old, BLOG, git=lab.host("db"), rows=500)
    serve_by_apache(move.old, BLOG)
    serve_by_owner(move.old, SHOP)
    own = [f"~shop/{unit}" for unit in SHOP.units]
    own_files = [f"{SHOP.home}/{UNITS}/{Path(path).name}" for path in SHOP.unit_files]
    before = move.old.digest(exclude=OURS)
    result = move.discover()
    assert result.rc == 0, result.stdout[-3000:]
    assert difference(before, move.old.digest(exclude=OURS)) == []
    text = (tmp_path / "inventory.yml").read_text()
    found = yaml.safe_load(text)
    blog, shop = found["all"]["vars"]["relocate_sites"]
    within = {"apache2.service", "supervisor.service"}
    assert (blog["name"], blog["path"], set(blog["services"])) == ("blog", BLOG.app, within)
    assert (shop["name"], shop["path"], set(shop["services"])) == ("shop", SHOP.app, set(own))
    assert "supervisor" in blog["packages"] and "/etc/supervisor/conf.d/blog.conf" in blog["files"]
    for secret in (*SHOP.secrets, *BLOG.secrets):
        assert secret not in text + result.stdout + result.stderr
    # Never written to again: what it lacks is shown.
    assert "inventory.yml names all that was found." in move.discover().stdout
    # What nobody names is in the list before anything is stopped.
    (tmp_path / "less.yml").write_text(yaml.safe_dump(without(found, "files", "services", "reload")))
    result = move.play("move", "inventory.yml", "--check", "-e", "@less.yml")
    assert result.rc != 0
    for named in (*within, *own):
        assert f"unit {named} runs the project, and relocate_services does not name it" in result.stdout
    assert "unit nginx.service serves shop.example.org, and relocate_reload does not name it" in result.stdout
    apache = ("/etc/apache2/sites-available/blog.conf", "/etc/apache2/ports.conf")
    for path in (*own_files, SHOP.nginx_file, *apache, "/etc/supervisor/conf.d/blog.conf"):
        assert path in result.stdout
    result = move.play("move", "inventory.yml")
    assert result.rc == 0, result.stdout[-5000:]
    assert (tmp_path / "inventory.yml").read_text() == text  # what its reader had to type: nothing
    for site in (SHOP, BLOG):
        assert f"Site {site.name}: old.lab -> new.lab: MOVED; proven: rows, content, " in result.stdout
        assert wait_http(move.new, "/health", port=site.public_port).status == 200
        assert still(move.new, site) == still(move.old, site)
    for unit in within:
        assert active(move.new, unit) and not active(move.old, unit)
    for unit in SHOP.units:
        assert [as_owner(move.new, SHOP, verb, unit) for verb in ("is-active", "is-enabled")] == ["active", "enabled"]
        assert [as_owner(move.old, SHOP, verb, unit) for verb in ("is-active", "is-enabled")] == [
            "inactive",
            "disabled",
        ]
    assert move.new.run(["ls", "/var/lib/systemd/linger"]).stdout.split() == ["shop"]
    assert move.new.run(["stat", "-c", "%U", *own_files]).stdout.split() == ["shop"] * len(own_files)
