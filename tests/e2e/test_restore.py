# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The day on which old is gone: nightly sets bring the site back, once, and never over what it has taken in since."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.moving import Move, active, changed, prepare, still
from tests.e2e.test_move import OURS
from tests.lab.digest import difference
from tests.lab.lab import Lab
from tests.lab.playbook import PlaybookResult
from tests.sites.facts import wait_http

SETS = "/var/lib/relocate/sets"


@pytest.mark.drawn(4, of="ways on")
def test_a_site_out_of_its_nightly_sets(lab: Lab, tmp_path: Path) -> None:
    """Restore; again: nothing; after a deployment: nothing; another set: refused, then taken instead."""
    move = prepare(lab, tmp_path)
    site, new = move.site, move.new
    first = _nightly(move)
    held = still(move.old, site)
    restored = move.run(playbook="restore")
    assert restored.rc == 0, restored.stdout[-5000:]
    assert f" from set {first}, made on " in restored.stdout and "; proven: rows, content, " in restored.stdout
    assert wait_http(new, "/", port=site.public_port).status == 200
    assert still(new, site) == held
    assert new.read(site.env_file) == move.old.read(site.env_file)
    media = f"cd {site.media} && find . -type f -exec sha256sum {{}} + | sort"
    assert new.run(["sh", "-c", media]).stdout == move.old.run(["sh", "-c", media]).stdout != ""

    # What is deployed later is no business of a set, and the site goes on serving whatever is run.
    new.run(["sh", "-c", f"echo LATER=1 >> {site.env_file}; echo '# newer' >> {site.app}/manage.py"])
    new.run(["systemctl", "start", site.cleanup_unit])  # its first run writes bytecode, at whatever hour that is
    before = new.digest(exclude=OURS)
    again = move.run(playbook="restore")
    assert again.rc == 0, again.stdout[-3000:]
    assert set(changed(again).values()) == {0}
    second = _nightly(move)
    assert first != second
    _refused(move.run("--check", playbook="restore"), "[target_not_blank] the site has served on this host")
    _refused(move.run(playbook="restore"), "[target_not_blank] the site has served on this host")
    move.variables["relocate_replace"] = True
    _refused(move.run(playbook="restore"), f"[site_running] on new: {site.web_unit}")
    assert difference(before, new.digest(exclude=OURS)) == []
    assert wait_http(new, "/", port=site.public_port).status == 200

    new.run(["systemctl", "stop", *site.units])
    new.run(["git", "-C", site.app, "checkout", "--quiet", "manage.py"], user=site.user)
    replaced = move.run(playbook="restore")
    assert replaced.rc == 0, replaced.stdout[-5000:]
    assert all(active(new, unit) for unit in site.units)
    assert "LATER" not in new.read(site.env_file)
    assert still(new, site) == held
    move.variables["relocate_replace"] = False
    once_more = move.run(playbook="restore")
    assert once_more.rc == 0 and set(changed(once_more).values()) == {0}, once_more.stdout[-3000:]


@pytest.mark.drawn(4, of="ways on")
def test_a_host_that_has_nothing(lab: Lab, tmp_path: Path) -> None:
    """Old is gone, its sets lie on a third host, and new has SSH and Python: one command, and the site answers."""
    move = prepare(lab, tmp_path, suite="bookworm", on="trixie-bare")
    site, new = move.site, move.new
    _vault(move)
    pushed = move.run(playbook="backup")
    assert pushed.rc == 0 and "Its repository holds it" in pushed.stdout, pushed.stdout[-3000:]
    held = still(move.old, site)
    lab.remove("old")
    for server in ("postgres", "nginx", "rsync", "zstd", "git"):
        assert new.run(["sh", "-c", f"command -v {server}"], check=False).returncode != 0

    move.variables.update(relocate_packages=[], relocate_install_also=["database", "web", "packages"])
    looked = move.run("--check", playbook="restore")
    assert looked.rc == 0 and "rsync is not on this host" in _line(looked), looked.stdout[-3000:]
    restored = move.run(playbook="restore")
    assert restored.rc == 0, restored.stdout[-5000:]
    assert "; proven: rows, content, " in restored.stdout
    assert wait_http(new, "/", port=site.public_port).status == 200
    assert still(new, site) == held
    for unit in (*site.units, "postgresql.service", "nginx.service"):
        assert active(new, unit)
    new.stop()
    new.start()
    assert wait_http(new, port=site.public_port).status == 200
    again = move.run(playbook="restore")
    assert again.rc == 0 and set(changed(again).values()) == {0}, again.stdout[-3000:]


def _vault(move: Move) -> None:
    """Let both hosts reach a directory on a third one, as a user has to do once for each."""
    vault = move.lab.host("db")
    vault.run("id -u vault >/dev/null 2>&1 || useradd --system --create-home --home-dir /srv/vault vault")
    vault.run("rm -rf /srv/vault/sets; rm -f /root/vault.key*; ssh-keygen -q -t ed25519 -N '' -f /root/vault.key")
    public = 'restrict,command="rrsync /srv/vault/sets" ' + vault.read("/root/vault.key.pub")
    vault.run(["install", "-d", "-m", "0700", "-o", "vault", "/srv/vault/sets", "/srv/vault/.ssh"])
    vault.write("/srv/vault/.ssh/authorized_keys", public, owner="vault:vault", mode="0600")
    for host in (move.old, move.new):
        host.write("/etc/relocate/repository.key", vault.read("/root/vault.key"), mode="0600")
    move.variables["relocate_repository"] = {
        "type": "directory",
        "address": "vault@db:/",
        "key_file": "/etc/relocate/repository.key",
        "host_keys": [vault.public_key()],
        "create": True,
    }


def _line(result: PlaybookResult) -> str:
    """Give all that a run said, as one line."""
    return " ".join((result.stdout + result.stderr).split())


def _refused(result: PlaybookResult, words: str) -> None:
    assert result.rc != 0
    assert words in result.stdout.replace("\n", " "), result.stdout[-3000:]


def _nightly(move: Move) -> str:
    """Back the running site up, and carry its sets to new as a user does; the newest set's label."""
    made = move.run(playbook="backup")
    assert made.rc == 0, made.stdout[-3000:]
    sets = move.old.run(["sh", "-c", f"tar -C {SETS} -cf - . | base64"]).stdout
    move.new.run(["sh", "-euc", f"mkdir -p -m 0711 {SETS}; base64 -d | tar -C {SETS} -xf -"], input=sets)
    return move.old.run(["ls", f"{SETS}/{move.site.name}"]).stdout.split()[-1]
