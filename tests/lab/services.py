# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes for a host's services: databases that are reached over the network, a git remote."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ._command import LabError, call
from .host import Host

_LICENCE = "# SPDX-FileCopyrightText: 2026 The relocate.django authors\n# SPDX-License-Identifier: GPL-3.0-or-later\n"
_GIT_DAEMON = """[Unit]
Description=Git remote of the lab

[Service]
User=git
ExecStart=/usr/bin/git daemon --reuseaddr --export-all --base-path=/srv/git /srv/git
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def psql(host: Host, sql: str, database: str = "postgres") -> str:
    """Run SQL as PostgreSQL's local administrator, stopping at the first error; give bare, unaligned rows."""
    argv = ["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"]
    return host.run(argv, user="postgres", input=sql).stdout.strip()


def mysql(host: Host, sql: str, database: str = "mysql") -> str:
    """Run SQL as MariaDB's or MySQL's local administrator, in UTF-8; give tab-separated rows without a header.

    It stops at the first error. Between ``DELIMITER //`` and ``DELIMITER ;`` a statement may hold semicolons.
    """
    argv = ["mysql", "--default-character-set=utf8mb4", "--batch", "--skip-column-names", database]
    return host.run(argv, input=sql).stdout.strip()


def enable_remote_postgresql(host: Host) -> None:
    """Let PostgreSQL take password (SCRAM) connections from every host of the network."""
    version = host.run(["ls", "/etc/postgresql"]).stdout.strip()
    config = f"/etc/postgresql/{version}/main"
    # Debian 11 still stores MD5 hashes by default, which SCRAM cannot check.
    settings = "listen_addresses = '*'\npassword_encryption = 'scram-sha-256'\n"
    host.write(f"{config}/conf.d/lab.conf", _LICENCE + settings, owner="postgres:postgres")
    rule = "host all all samenet scram-sha-256"
    host.run(f"grep -qxF '{rule}' {config}/pg_hba.conf || echo '{rule}' >> {config}/pg_hba.conf")
    host.run(["systemctl", "restart", f"postgresql@{version}-main.service"])


def enable_mariadb(host: Host, *, remote: bool = False) -> None:
    """Start MariaDB, now and at every start; with ``remote`` it listens on the network.

    On sid there is nothing to do: MySQL runs from the start and listens.
    """
    if not host.has_systemd:
        return
    if remote:
        host.write("/etc/mysql/mariadb.conf.d/99-lab.cnf", f"{_LICENCE}[mariadbd]\nbind-address = 0.0.0.0\n")
    host.run(["systemctl", "enable", "--quiet", "mariadb.service"])
    host.run(["systemctl", "restart", "mariadb.service"])


def enable_git_server(host: Host) -> None:
    """Serve the bare repositories below /srv/git, read-only, at git://NAME/REPOSITORY.git."""
    if not host.has_systemd:
        return  # lab-init does
    host.run("id -u git >/dev/null 2>&1 || useradd --system --home-dir /srv/git --create-home --shell /bin/sh git")
    host.write("/etc/systemd/system/git-daemon.service", _LICENCE + _GIT_DAEMON)
    host.run("systemctl daemon-reload; systemctl enable --quiet --now git-daemon.service")


def publish_repository(host: Host, name: str, source: Path) -> str:
    """Put all refs of the local git repository ``source`` on the git server; return the URL for other hosts.

    A second call replaces the repository, as a forced push of everything does.
    """
    if not name.replace("-", "").replace("_", "").isalnum():
        raise LabError(f"not a repository name: {name!r}")
    with tempfile.TemporaryDirectory() as directory:
        bundle = Path(directory, "bundle")
        call(["git", "-C", str(source), "bundle", "create", "--quiet", str(bundle), "--all", "HEAD"])
        host.put(bundle, "/tmp/lab.bundle", owner="git:git")
    target = f"/srv/git/{name}.git"
    host.run(f"rm -rf {target}; git clone --quiet --mirror /tmp/lab.bundle {target}", user="git", cwd="/srv/git")
    # Else "git fetch" on the server would look for the bundle.
    host.run(f"git -C {target} remote remove origin; rm /tmp/lab.bundle", user="git", cwd="/srv/git")
    return f"git://{host.name}/{name}.git"
