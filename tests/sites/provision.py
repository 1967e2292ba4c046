# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the awkward site on a server of the lab, as an admin would have done it years ago.

``provision()`` is the work, ``provisioned()`` the same out of a snapshot. All names come from ``spec.py``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.wheels import wheel_house

from . import files
from .databases import create_databases, finish_databases
from .facts import Facts, Response, facts_of, http_get, psql_in, seen_uids, wait_http, watch_uids
from .repository import SITES, Revisions, build_repository, publish
from .spec import (
    AWKWARD_SHOP,
    BLOG,
    CANARIES,
    EMAIL_PASSWORD,
    KNOWN_TITLE,
    LIVE_TABLES,
    MYSQL_SHOP,
    REMOTE_MYSQL_SHOP,
    REMOTE_SHOP,
    SECRET_KEYS,
    SHOP,
    SQLITE_SHOP,
    UID_LOG,
    WAGTAIL,
    Site,
)

__all__ = [
    "AWKWARD_SHOP",
    "BLOG",
    "CANARIES",
    "EMAIL_PASSWORD",
    "KNOWN_TITLE",
    "LIVE_TABLES",
    "MYSQL_SHOP",
    "REMOTE_MYSQL_SHOP",
    "REMOTE_SHOP",
    "SECRET_KEYS",
    "SHOP",
    "SQLITE_SHOP",
    "UID_LOG",
    "WAGTAIL",
    "Facts",
    "Response",
    "Revisions",
    "Site",
    "build_repository",
    "facts_of",
    "http_get",
    "manage",
    "provision",
    "provisioned",
    "psql_in",
    "publish",
    "seen_uids",
    "wait_http",
    "watch_uids",
]

ROWS = 5000
MEDIA = 20


def provision(
    host: Host,
    site: Site = SHOP,
    *,
    git: Host,
    database: Host | None = None,
    rows: int = ROWS,
    media: int = MEDIA,
    populate: tuple[str, ...] = ("--links",),
    start: bool = True,
) -> Revisions:
    """Make the whole site on a host that has none of it; give the revisions that the git remote serves.

    ``git`` is the lab's host `db`. ``database`` is the server for a ``site.database_host`` that is not this host.
    ``populate`` holds more options of `manage.py populate` (`--hostile`, `--latin1`, `--media-bytes=1000000`).
    """
    revisions = publish(git)
    remote = database is not None and database is not host
    create_databases(database or host, site, remote=remote)
    make_user(host, site)
    checkout(host, site)
    host.write(site.env_file, files.env_text(site), owner=f"{site.user}:{site.user}", mode="0600")
    # Nobody else makes the directory of the SQLite files, and it isn't in git.
    host.run(["mkdir", "-p", site.var], user=site.user)
    manage(host, site, "migrate", "--verbosity=0")
    manage(host, site, "migrate", "--verbosity=0", "--database=archive")
    manage(host, site, "populate", f"--rows={rows}", f"--media={media}", *populate)
    if site.project == "awkward":
        finish_databases(database or host, site)
    manage(host, site, "collectstatic", "--no-input", "--verbosity=0")
    serve(host, site, start=start)
    return revisions


def provisioned(lab: Lab, site: Site = SHOP, *, name: str = "old", suite: str = "bookworm", rows: int = ROWS) -> Host:
    """Give a host of the lab with the site on it, its databases too, out of a snapshot when there is one.

    The git remote is served by the lab's host `db`, which is started.
    """
    git = lab.host("db")
    publish(git)
    tag = f"site_{site.name}_{digest_of(site, rows, wheel_house().name)}"
    host = lab.provisioned(name, suite, tag, lambda fresh: _provision_quietly(fresh, site, git, rows))
    wait_http(host, port=site.public_port)
    return host


def _provision_quietly(host: Host, site: Site, git: Host, rows: int) -> None:
    provision(host, site, git=git, rows=rows)


def digest_of(*what: object) -> str:
    """Give 12 digits that change with the arguments or with any file of a site."""
    digest = hashlib.sha256(repr(what).encode())
    for path in sorted(SITES.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
            digest.update(str(path.relative_to(SITES)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def make_user(host: Host, site: Site) -> None:
    """Make the system user, whose home nginx may enter."""
    host.run(["useradd", "--system", "--user-group", "--create-home", f"--home-dir={site.home}", "--shell", site.shell]
             + [site.user])  # fmt: skip
    host.run(["chmod", "0755", site.home])


def checkout(host: Host, site: Site) -> None:
    """Clone the repository and fill a virtual environment, both as the user."""

    def run(argv: list[str]) -> None:
        host.run(argv, user=site.user, cwd=site.home, env={"HOME": site.home}, timeout=600)

    run(["git", "clone", "--quiet", site.repository, site.app])
    run(["python3", "-m", "venv", f"{site.app}/.venv"])
    pip = [site.python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]
    run([*pip, "-r", f"{site.app}/requirements.txt"])


def manage(host: Host, site: Site, *argv: str, timeout: float = 900) -> str:
    """Run manage.py as the user, with the environment that the services have; give its output."""
    # The shell reads .env as systemd does, for the settings that look at the environment only.
    script = 'set -a; [ ! -e .env ] || . ./.env; exec "$@"'
    command = ["bash", "-euc", script, "bash", site.python, "manage.py", *argv]
    environment = {"DJANGO_SETTINGS_MODULE": site.settings, "HOME": site.home, "LANG": "C.UTF-8"}
    return host.run(command, user=site.user, cwd=site.app, env=environment, timeout=timeout).stdout


def serve(host: Host, site: Site, *, start: bool = True) -> None:
    """Install the units and nginx's site, and start them."""
    for unit, text in files.unit_texts(site).items():
        host.write(f"/etc/systemd/system/{unit}", text)
    host.write(site.nginx_file, files.nginx_text(site))
    link = f"/etc/nginx/sites-enabled/{Path(site.nginx_file).name}"
    host.run(f"rm -f /etc/nginx/sites-enabled/default; ln -sf {site.nginx_file} {link}; systemctl daemon-reload")
    if not start:
        return
    host.run(["systemctl", "enable", "--quiet", "--now", *site.units])
    if site.project == "awkward":
        # The timer's job has run before, as on any site: its first run writes bytecode, at whatever time that is.
        host.run(["systemctl", "start", site.cleanup_unit])
    host.run("systemctl enable --quiet nginx; systemctl reload-or-restart nginx")
    response = wait_http(host, "/health" if site.project == "awkward" else "/", port=site.public_port)
    if response.status != 200:
        logs = host.run(["journalctl", "--no-pager", "-n", "40", "-u", site.web_unit], check=False).stdout
        raise RuntimeError(f"{site.name} answers {response.status}\n{logs}")
