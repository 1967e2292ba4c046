# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the lab itself work? Real hosts; half a minute."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import services
from tests.lab._command import LabError, call
from tests.lab.digest import difference
from tests.lab.host import Host
from tests.lab.images import image_exists
from tests.lab.lab import Lab
from tests.lab.playbook import run_playbook


def ssh(host: Host, command: str, user: str = "admin") -> str:
    """Run a command on a host over SSH."""
    return call([*host.ssh_command(user), command], timeout=30).stdout.strip()


@pytest.mark.parametrize(("name", "version"), [("old", "15"), ("new", "17"), ("db", "15")])
def test_a_host_is_a_server(lab: Lab, old: Host, new: Host, db: Host, name: str, version: str) -> None:
    host = lab.hosts[name]
    assert host.run(["systemctl", "is-system-running"]).stdout.strip() == "running"
    assert ssh(host, "sudo -n id -un; hostname") == f"root\n{name}"
    assert ssh(host, "id -un", user="root") == "root"
    assert services.psql(host, "SHOW server_version").startswith(version)
    assert services.psql(host, "SHOW server_encoding; SHOW lc_collate" if version == "15" else "SHOW server_encoding")
    assert "nginx" in host.run(["curl", "--silent", "http://localhost/"]).stdout


def test_hosts_know_each_other_by_name(lab: Lab, old: Host, new: Host) -> None:
    assert old.run(["getent", "ahostsv4", "new"]).stdout.startswith(f"{new.address} ")
    assert new.run(["getent", "ahostsv4", "old.lab"]).stdout.startswith(f"{old.address} ")
    assert old.public_key() in new.run(["ssh-keyscan", "-t", "ed25519", "old"]).stdout


def test_no_two_hosts_share_an_identity(lab: Lab, old: Host, db: Host) -> None:
    for look in (
        lambda host: host.public_key(),
        lambda host: host.read("/etc/machine-id"),
        lambda host: services.psql(host, "SELECT system_identifier FROM pg_control_system()"),
    ):
        assert look(old)
        assert look(old) != look(db)


def test_files_go_in_and_out(old: Host, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_text("ü\n")
    old.put(tmp_path, "/srv/put", owner="admin:admin")
    old.put(tmp_path / "sub" / "file", "/srv/put/other", mode="0600")
    old.write("/srv/put/deep/er", "x", mode="0640")
    assert old.read("/srv/put/sub/file") == "ü\n"
    assert old.run("stat -c %U:%a /srv/put/sub/file /srv/put/other /srv/put/deep/er").stdout.split() == [
        "admin:644",
        "root:600",
        "root:640",
    ]
    old.run(["rm", "-r", "/srv/put"])
    with pytest.raises(LabError, match="exit code 7"):
        old.run("exit 7")
    assert old.run("false | true; echo reached", check=False).returncode == 1


def test_digest_sees_changes_and_nothing_else(old: Host) -> None:
    before = old.digest()
    ssh(old, "sudo -n systemctl status ssh >/dev/null; sudo -n -u postgres psql -c 'SELECT 1' >/dev/null")
    assert difference(before, old.digest()) == []
    old.run("touch /srv/new; systemctl stop nginx")
    changes = difference(before, old.digest())
    old.run("rm /srv/new; systemctl start nginx")
    assert len(changes) == 2
    assert changes[0].startswith("+/srv/new  -rw-r--r-- root:root")
    assert changes[1] == "-active nginx.service  active"
    assert old.digest().value == before.value


def test_network_cut(old: Host, new: Host) -> None:
    reach = ["curl", "--silent", "--max-time", "1", "--output", "/dev/null", "http://old/"]
    with old.network_cut():
        assert new.run(reach, check=False).returncode != 0
    assert new.run(["curl", "--retry-all-errors", "--retry", "5", *reach[1:]]).returncode == 0
    assert "default via" in old.run(["ip", "route"]).stdout


def test_pause_kill_and_stop(lab: Lab, new: Host) -> None:
    services.psql(new, "CREATE TABLE kept AS SELECT 1 AS one")
    new.pause()
    with pytest.raises(LabError):
        call([*new.ssh_command(), "-o", "ConnectTimeout=1", "true"])
    new.unpause()
    new.kill()
    new.start()
    assert services.psql(new, "SELECT one FROM kept; DROP TABLE kept") == "1"
    new.stop()
    new.start()
    assert ssh(new, "echo back") == "back"


def test_full_disk(old: Host) -> None:
    with old.full_disk("/srv", "1m"):
        result = old.run("head -c 2000000 /dev/zero > /srv/big", check=False)
        assert "No space left on device" in result.stderr
    with old.full_disk("/etc/uv", "1m", keep=True):
        assert "no-index" in old.read("/etc/uv/uv.toml")
    assert old.run(["ls", "/srv"]).stdout == ""


@pytest.mark.drawn(3, of="servers of the lab")
def test_snapshot(lab: Lab) -> None:
    calls: list[str] = []

    def provision(host: Host) -> None:
        calls.append(host.name)
        services.psql(host, "CREATE DATABASE shop")
        host.write("/srv/provisioned", "yes")

    first = lab.provisioned("shop", "bookworm", "selftest", provision)
    image, identity = first.image, first.read("/etc/machine-id")
    first.run(["rm", "/srv/provisioned"])
    second = lab.host("shop", "bookworm", image, fresh=True)
    try:
        assert second.read("/srv/provisioned") == "yes"
        assert services.psql(second, "SELECT datname FROM pg_database WHERE datname = 'shop'") == "shop"
        assert second.read("/etc/machine-id") == identity
        assert ssh(second, "echo in") == "in"
        assert lab.provisioned("shop", "bookworm", "selftest", provision) == second
        assert calls == ["shop"]
    finally:
        lab.remove("shop")
        subprocess.run(["podman", "rmi", image], capture_output=True, check=True)
    assert not image_exists(image)


@pytest.mark.drawn(3, of="servers of the lab")
def test_remote_databases(old: Host, db: Host) -> None:
    services.enable_remote_postgresql(db)
    services.psql(db, "CREATE ROLE remote LOGIN PASSWORD 'p w'")
    query = "psql -h db -U remote -d postgres -Atc 'SELECT inet_server_port()'"
    assert old.run(query, env={"PGPASSWORD": "p w"}).stdout.strip() == "5432"
    services.psql(db, "DROP ROLE remote")
    services.enable_mariadb(db, remote=True)
    services.mysql(db, "CREATE USER remote@'%' IDENTIFIED BY 'p w'")
    assert old.run("mysql -h db -u remote -BNe 'SELECT 1+1'", env={"MYSQL_PWD": "p w"}).stdout.strip() == "2"
    services.mysql(db, "DROP USER remote")
    db.run("systemctl disable --quiet --now mariadb")


@pytest.mark.drawn(3, of="servers of the lab")
def test_mysql_9_without_systemd(lab: Lab, old: Host, tmp_path: Path) -> None:
    """A database server of suite sid: reached by name with a password, and back after each way of going down."""
    host = lab.host("mysql", "sid")
    try:
        assert host.state() == "running"
        assert ssh(host, "sudo -n id -un; hostname") == "root\nmysql"
        assert services.mysql(host, "SELECT @@version, '\U0001f433'").startswith("9.")
        services.enable_mariadb(host, remote=True)
        services.mysql(host, "CREATE USER remote@'%' IDENTIFIED BY 'p w'; CREATE DATABASE kept")
        # The client of MariaDB 10.11 sends such a password over TLS only, and asks for no proof of the certificate.
        query = "mysql --ssl -h mysql -u remote -BNe 'SELECT 1+1'"
        assert old.run(query, env={"MYSQL_PWD": "p w"}).stdout.strip() == "2"
        before = host.digest()
        server = services.mysql(host, "SELECT @@server_uuid")
        host.run("kill -KILL $(pidof mysqld)")
        time.sleep(1)
        host.wait()
        host.stop()
        host.start()
        host.kill()
        host.start()
        assert services.mysql(host, "SHOW DATABASES LIKE 'kept'; SELECT @@server_uuid") == f"kept\n{server}"
        assert difference(before, host.digest()) == []
        call(["git", "init", "--quiet", "--initial-branch=main", str(tmp_path)])
        git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
        call([*git, "commit", "--quiet", "--allow-empty", "--message=one"])
        url = services.publish_repository(host, "shop", tmp_path)
        assert "refs/heads/main" in old.run(["git", "ls-remote", url]).stdout
    finally:
        lab.remove("mysql")


def test_git_remote(new: Host, db: Host, tmp_path: Path) -> None:
    source = tmp_path / "source"
    git = ["git", "-C", str(source), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    call(["git", "init", "--quiet", "--initial-branch=main", str(source)])
    call([*git, "commit", "--quiet", "--allow-empty", "--message=one"])
    url = services.publish_repository(db, "shop", source)
    assert new.run(["git", "ls-remote", url, "refs/heads/main"]).stdout.split()[0] == (
        call([*git, "rev-parse", "HEAD"]).stdout.strip()
    )
    call([*git, "commit", "--quiet", "--allow-empty", "--amend", "--message=forced"])
    services.publish_repository(db, "shop", source)
    assert call([*git, "rev-parse", "HEAD"]).stdout.strip() in new.run(["git", "ls-remote", url]).stdout


@pytest.mark.drawn(3)
@pytest.mark.parametrize(("suite", "version"), [("bullseye", "13"), ("bookworm", "15"), ("trixie", "17")])
def test_wheel_house_serves_every_suite(lab: Lab, suite: str, version: str) -> None:
    host = lab.host({"bookworm": "old", "trixie": "new"}.get(suite, "eleven"), suite)
    assert services.psql(host, "SHOW server_version").startswith(version)
    names = "Django psycopg2-binary psycopg[binary] PyMySQL gunicorn dj-database-url django-environ python-dotenv uv"
    wagtail = "" if suite == "bullseye" else "wagtail"
    try:
        host.run(f"python3 -m venv /opt/v; /opt/v/bin/pip install --quiet --upgrade pip {names} {wagtail}")
        host.run("/opt/v/bin/python -c 'import django, psycopg2, psycopg, pymysql, environ, dj_database_url'")
        host.run("/opt/v/bin/uv venv --quiet /opt/w; /opt/v/bin/uv pip install --quiet -p /opt/w Django")
    finally:
        host.run("rm -rf /opt/v /opt/w /root/.cache")


def test_inventory_serves_ansible(lab: Lab, old: Host, new: Host, tmp_path: Path) -> None:
    path = lab.write_inventory(tmp_path / "inventory.yml", {"relocate_example": "ü"})
    assert '"old.lab"' in path.read_text()
    assert f"{old.address} " in lab.known_hosts.read_text()


def test_attach_finds_the_running_hosts(lab: Lab, old: Host) -> None:
    assert Lab.attach(lab.prefix).hosts["old"] == old


def test_two_labs_do_not_share_a_prefix(lab: Lab) -> None:
    with pytest.raises(LabError, match="another process uses the lab"):
        Lab(lab.prefix).start()


def test_hosts_start_within_seconds(lab: Lab) -> None:
    start = time.monotonic()
    lab.host("quick", "trixie")
    assert time.monotonic() - start < 60  # 6 where nothing runs beside it
    lab.remove("quick")


@pytest.mark.skipif(not Path(sys.prefix, "bin/ansible-playbook").exists(), reason="no ansible in this environment")
def test_a_playbook_leaves_the_old_host_untouched(lab: Lab, old: Host, new: Host, tmp_path: Path) -> None:
    before = old.digest()
    inventory = lab.write_inventory(tmp_path / "inventory.yml", {"relocate_example": "ü"})
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(
        "- hosts: old, new\n  tasks:\n"
        "    - assert: {that: [relocate_example == 'ü', ansible_facts.user_id == 'root']}\n"
    )
    args = ["-i", str(inventory), str(playbook)]
    result = run_playbook(
        args, venv=Path(sys.prefix), collections_path=tmp_path, directory=tmp_path / "run", check=True
    )
    assert "failed=0" in result.stdout
    assert result.stdout.splitlines()[-1] in result.log
    assert "WARNING" not in result.stdout + result.stderr
    assert difference(before, old.digest()) == []
