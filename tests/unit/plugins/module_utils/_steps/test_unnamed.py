# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What belongs to a site and the inventory does not name, each alone and all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import sites, system_files
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._services.names import unit_name
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, unnamed
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

pytestmark = pytest.mark.slow

FILES = "web.service drop-in.conf job.service job.timer env nginx.conf cert.pem key.pem".split()


class Bench:
    """A site whose files are in a directory, and an inventory that names all of it."""

    shared: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self, top: Path) -> None:
        self.app = str(top / "app")
        (top / "app").mkdir()
        self.file = {}
        for name in FILES:
            (top / name).write_text("x", encoding="utf-8")
            self.file[name] = str(top / name)
        web = Starter("service", "web.service", "web.service", directory=self.app, runs=True, at_boot=True,
                      listens=("tcp:127.0.0.1:8000",), files=(self.file["web.service"], self.file["drop-in.conf"]),
                      env_files=(self.file["env"], "-/nonexistent/of/web"))  # fmt: skip
        job = Starter("service", "job.service", "job.service", directory=self.app, files=(self.file["job.service"],))
        timer = Starter("timer", "job.timer", "job.timer", starts=("job.service",), runs=True, at_boot=True,
                        files=(self.file["job.timer"],))  # fmt: skip
        nginx = WebSite("nginx", "nginx.service", ("shop.example.org",), targets=("tcp:127.0.0.1:8000",),
                        files=(self.file["nginx.conf"],), certificates=(self.file["cert.pem"],),
                        keys=(self.file["key.pem"],))  # fmt: skip
        self.starters, self.webs = [web, job, timer], [nginx]
        self.strangers: list[Starter] = []
        self.options = unnamed.Options(
            path=self.app,
            directory=str(top / "work"),
            units=("web", "job.timer"),
            services_kept_running=(),
            reload=("nginx",),
            files=tuple(self.file.values()),
            files_ignored=(),
            env_files=(),
            cron="refuse",
        )

    def found(self, **options: Any) -> list[Obstacle]:
        """The obstacles, with other options."""
        files = ConfigFiles()
        host = Host(files, self.starters, self.webs, system_files.SystemFiles(files))
        mine = [one for one in self.starters if one.directory == self.app]
        chosen = replace(self.options, **options)
        kept = [name if name == "*" else unit_name(name) for name in chosen.services_kept_running]
        [place] = sites.complete(
            [Place(self.app, "", starters=tuple(mine), strangers=tuple(self.strangers))], self.starters, self.webs
        )
        found = [replace(site, shared=self.shared) for site in sites.join([belongings._without(place, kept)])]
        return unnamed.obstacles(found[0] if found else None, host, chosen, None, {})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_inventory_that_names_everything(bench: Bench) -> None:
    assert bench.found() == []


@pytest.mark.parametrize("name", FILES)
def test_each_file_alone(bench: Bench, name: str) -> None:
    [one] = bench.found(files=tuple(path for key, path in bench.file.items() if key != name))
    assert one.code == "files_unnamed" and bench.file[name] in one.msg
    assert f'add to relocate_files: ["{bench.file[name]}"]' in one.hint
    assert bench.found(files=tuple(path for key, path in bench.file.items() if key != name),
                       files_ignored=(bench.file[name],)) == []  # fmt: skip


def test_all_files_are_one_obstacle(bench: Bench) -> None:
    [one] = bench.found(files=())
    assert all(path in one.hint for path in bench.file.values())
    assert "/nonexistent/of/web" not in one.msg


def test_patterns_and_directories_name_files(bench: Bench, tmp_path: Path) -> None:
    assert bench.found(files=(str(tmp_path),)) == []
    assert bench.found(files=(str(tmp_path / "*.*"), bench.file["env"])) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"units": ("job.timer",)}, "unit web.service runs the project, and relocate_services does not name it"),
        ({"units": ("web",)}, "unit job.timer runs the project"),
        ({"reload": ()}, "unit nginx.service serves shop.example.org, and relocate_reload does not name it"),
    ],
)
def test_each_unit_alone(bench: Bench, change: dict[str, Any], said: str) -> None:
    [one] = bench.found(**change)
    assert one.code == "unit_unnamed" and said in one.msg
    unit = said.split()[1]
    assert bench.found(**change, services_kept_running=(unit,)) == []
    assert bench.found(**change, services_kept_running=("*",)) == []


def test_what_a_unit_that_is_kept_reads_is_left_behind(bench: Bench) -> None:
    mine = tuple(path for name, path in bench.file.items() if name not in ("nginx.conf", "cert.pem", "key.pem"))
    assert bench.found(reload=(), files=mine, services_kept_running=("nginx",)) == []
    assert bench.found(units=(), reload=(), files=(), services_kept_running=("*",)) == []


def test_a_unit_that_runs_another_site_too(bench: Bench) -> None:
    shared = bench.shared = {"web.service": ("/srv/blog",)}
    [one] = bench.found()
    assert one.code == "unit_shared" and "unit web.service" in one.msg and "/srv/blog" in one.msg
    assert bench.found(units=("job.timer",), services_kept_running=("web",)) == [] and shared


def test_an_env_file_that_is_read_and_not_carried(bench: Bench) -> None:
    path = Path(bench.app) / ".env"
    assert bench.found(env_files=(".env",)) == []  # preflight says that it cannot be read
    path.write_text("A=1\n", encoding="utf-8")
    [one] = bench.found(env_files=(".env",))
    assert one.code == "files_unnamed" and ".env (of relocate_env_files)" in one.msg
    assert bench.found(env_files=("-.env",), files=(*bench.options.files, ".env")) == []


def test_cron(bench: Bench) -> None:
    line = Starter("cron", "/etc/cron.d/shop:3", user="shop", directory=bench.app, files=("/etc/cron.d/shop",))
    bench.starters.append(line)
    [one] = bench.found()
    assert one.code == "cron_runs" and "/etc/cron.d/shop:3 (as shop)" in one.msg and "relocate_cron: leave" in one.hint
    assert bench.found(cron="leave") == []


def test_cron_that_cannot_be_carried(bench: Bench) -> None:
    script = Starter("cron", "/etc/cron.daily/shop", user="root", directory=bench.app)
    bench.starters.append(script)
    [one] = bench.found(cron="carry")
    assert one.code == "cron_runs" and "/etc/cron.daily/shop (a script" in one.msg and "comment it out" in one.hint


def test_cron_of_somebody_else_counts_and_nothing_that_he_says_is_carried(bench: Bench) -> None:
    theirs = Starter("cron", "/var/spool/cron/crontabs/eve:1", user="eve", by="eve", files=("/home/eve/x",))
    bench.strangers.append(theirs)
    [one] = bench.found()
    assert one.code == "cron_runs" and "crontabs/eve:1 (as eve)" in one.msg


def test_a_unit_of_a_users_own_systemd(bench: Bench) -> None:
    own = Starter("service", "beat.service", "beat.service", "shop", directory=bench.app, runs=True)
    bench.starters.append(own)
    [one] = bench.found()
    assert one.code == "unit_unnamed" and "unit ~shop/beat.service runs the project" in one.msg
    assert bench.found(units=(*bench.options.units, "~shop/beat")) == []
    for kept in ("~shop/beat", "beat", "user@1000.service"):  # the latter are of inventories that were written before
        assert bench.found(services_kept_running=(kept,)) == []
    [one] = bench.found(services_kept_running=("~eve/beat",))
    assert one.code == "unit_unnamed"


def test_a_unit_of_somebody_elses_own_systemd(bench: Bench) -> None:
    theirs = Starter("service", "x.service", "x.service", "eve", directory=bench.app, runs=True, by="eve")
    bench.strangers.append(theirs)
    [one] = bench.found()
    assert one.code == "unit_unnamed" and "~eve/x.service names the project" in one.msg and "User=eve" in one.hint
    assert bench.found(services_kept_running=("~eve/x",)) == []


def test_a_supervisor_that_runs_the_project(bench: Bench) -> None:
    program = Starter("supervisor", "shop-worker", "supervisor.service", directory=bench.app, runs=True, at_boot=True)
    bench.starters.append(program)
    [one] = bench.found()
    assert one.code == "unit_unnamed" and "unit supervisor.service runs the project" in one.msg


def test_everything_at_once(bench: Bench) -> None:
    bench.starters.append(Starter("cron", "/etc/cron.d/shop:3", user="shop", directory=bench.app))
    found = bench.found(units=(), reload=(), files=())
    assert [item.code for item in found] == ["files_unnamed", *["unit_unnamed"] * 3, "cron_runs"]


def test_a_project_that_nothing_serves(bench: Bench) -> None:
    files = ConfigFiles()
    host = Host(files, [], [], system_files.SystemFiles(files))
    assert unnamed.obstacles(None, host, bench.options, None, {}) == []
    assert unnamed.find(host, bench.app) is None


def test_files_that_lead_out_are_told_elsewhere(bench: Bench) -> None:
    assert bench.found(files=("../x",)) == []


def test_files_of_the_host_and_those_that_a_start_makes_are_nobodys_to_carry(bench: Bench) -> None:
    """An include of a web server may lead anywhere."""
    bench.webs[0] = replace(bench.webs[0], files=("/etc/passwd", "/etc/ssh/sshd_config", "/run/systemd/system"))
    assert bench.found() == []
