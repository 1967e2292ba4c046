# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import places
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite
from tests.unit.fakes import ROOT_ONLY, reachable

MANAGE = "#!/usr/bin/env python\nimport os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"


def project(path: Path, text: str = MANAGE) -> Path:
    """Make a directory with a manage.py."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "manage.py").write_text(text, encoding="utf-8")
    return path


def environment(path: Path) -> Path:
    """Make what a virtual environment is known by."""
    (path / "bin").mkdir(parents=True)
    (path / "pyvenv.cfg").write_text("home = /usr/bin\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("layout", "starter"),
    [
        ("app", {"directory": "{top}/app"}),
        ("app", {"directory": "{top}/app/shop"}),
        ("app", {"directory": "{top}"}),  # the only project right below
        ("app", {"commands": (("{top}/app/venv/bin/gunicorn", "shop.wsgi"),)}),
        ("app", {"commands": (("/usr/bin/uwsgi", "--chdir={top}/app"),)}),
        ("app", {"commands": (("/usr/bin/gunicorn", "--chdir", "{top}/app", "shop.wsgi"),)}),
        ("app", {"commands": (("/usr/bin/python3", "{top}/app/manage.py", "runworker"),)}),
        ("app", {"commands": (("python3", "app/manage.py", "sendmail"),), "directory": "{top}"}),
        ("app", {"env_files": ("-{top}/app/.env",)}),
        ("src", {"commands": (("{top}/venv/bin/celery", "-A", "shop", "worker"),)}),  # beside its environment
    ],
)
def test_what_points_to_a_project(tmp_path: Path, layout: str, starter: dict[str, object]) -> None:
    path = project(tmp_path / layout)
    environment(tmp_path / "venv")
    environment(tmp_path / "app" / "venv")

    def filled(value: object) -> object:
        if isinstance(value, str):
            return value.replace("{top}", str(tmp_path))
        return tuple(map(filled, value)) if isinstance(value, tuple) else value

    one = Starter(kind="service", name="shop.service", **{key: filled(item) for key, item in starter.items()})  # type: ignore[arg-type]
    [place] = places.find([one], [])
    assert (place.path, place.starters) == (str(path), (one,))
    assert place.why == "shop.service leads there"


def test_a_process_points_to_where_it_runs(tmp_path: Path) -> None:
    path = project(tmp_path / "app")
    one = Starter(kind="service", name="shop.service", unit="shop.service", commands=(("/usr/local/bin/start",),))
    assert places.find([one], []) == []
    [place] = places.find([one], [], {("shop.service", ""): {str(path / "shop")}})
    assert place.starters == (one,)


def test_processes_of_supervisor_are_those_of_all_its_programs(tmp_path: Path) -> None:
    shop, blog = project(tmp_path / "shop"), project(tmp_path / "blog")
    programs = [
        Starter(kind="supervisor", name=path.name, unit="supervisor.service", directory=str(path))
        for path in (shop, blog)
    ]
    found = places.find(programs, [], {("supervisor.service", ""): {str(shop), str(blog)}})
    assert [(place.path, [one.name for one in place.starters]) for place in found] == [
        (str(blog), ["blog"]),
        (str(shop), ["shop"]),
    ]


def test_a_project_that_is_named_wins_over_one_beside_the_environment(tmp_path: Path) -> None:
    shop, blog = project(tmp_path / "shop"), project(tmp_path / "blog")
    environment(tmp_path / "shop" / "venv")
    command = (str(shop / "venv/bin/gunicorn"), "blog.wsgi")
    [place] = places.find([Starter(kind="service", name="blog.service", directory=str(blog), commands=(command,))], [])
    assert (place.path, place.environments) == (str(blog), (str(shop / "venv"),))


@pytest.mark.parametrize("text", ["from flask_script import Manager\n", ""])
def test_flasks_manage_is_no_project(tmp_path: Path, text: str) -> None:
    path = project(tmp_path / "app", text)
    assert places.find([Starter(kind="service", name="x.service", directory=str(path))], []) == []


def test_several_projects_below_a_directory_belong_to_nobody(tmp_path: Path) -> None:
    project(tmp_path / "one")
    project(tmp_path / "two")
    assert places.find([Starter(kind="service", name="x.service", directory=str(tmp_path))], []) == []


def test_mod_wsgi_points_to_a_project_and_its_environment(tmp_path: Path) -> None:
    path, home = project(tmp_path / "app"), environment(tmp_path / "env")
    web = WebSite("apache", "apache2.service", ("shop.example.org",), scripts=(str(path / "shop/wsgi.py"),),
                  python_home=str(home))  # fmt: skip
    [place] = places.find([], [web])
    assert (place.path, place.environments, place.webs) == (str(path), (str(home),), (web,))


@pytest.mark.parametrize("path", ["/", "/usr/bin/python3", "/etc/nginx", "/srv", "/var/www", "/run/x.sock", "/home"])
def test_the_system_s_directories_point_nowhere(path: str) -> None:
    assert places.pointers(Starter(kind="service", name="x", directory=path)) == []


def test_a_manage_of_another_user_is_not_read_through_a_link(tmp_path: Path) -> None:
    """A link is followed as its owner could: what he cannot read tells nothing."""
    directory = tmp_path / "app"
    directory.mkdir()
    (directory / "manage.py").symlink_to("/nonexistent/manage.py")
    assert places.find([Starter(kind="service", name="x", directory=str(directory))], []) == []


@ROOT_ONLY
@pytest.mark.parametrize(
    ("uid", "by", "taken"), [(65534, "nobody", True), (65534, "", True), (65534, "daemon", False), (0, "nobody", False)]
)
def test_what_a_user_says_of_a_project_counts_when_it_is_his(tmp_path: Path, uid: int, by: str, taken: bool) -> None:
    path = project(reachable(tmp_path) / "app")
    os.chown(path / "manage.py", uid, uid)
    home = environment(tmp_path / "env")
    for item in (home, home / "bin"):
        os.chown(item, uid, uid)
    command = (str(home / "bin/python"), str(path / "manage.py"))
    one = Starter(kind="service", name="x.service", commands=(command,), by=by, user="postgres")
    [place] = places.find([one], [])
    assert (place.starters, place.strangers) == (((one,), ()) if taken else ((), (one,)))
    assert (place.environments, place.why != "") == (((str(home),), True) if taken else ((), False))
    assert place.pointing == (one,)
    assert place.owner == ("nobody" if uid else "")


@ROOT_ONLY
@pytest.mark.parametrize(("whose", "kept"), [(0, True), (65534, True), (1, False)])
@pytest.mark.parametrize("below", [".", "bin"])
def test_an_environment_of_another_user_is_not_the_projects(tmp_path: Path, whose: int, kept: bool, below: str) -> None:
    """A script of his, or a process, leads to it, though the unit is root's."""
    path = project(reachable(tmp_path) / "app")
    os.chown(path / "manage.py", 65534, 65534)
    home = environment(tmp_path / "env")
    os.chown(home / below, whose, whose)
    one = Starter(kind="service", name="x.service", commands=((str(home / "bin/python"), str(path / "manage.py")),))
    [place] = places.find([one], [])
    assert place.environments == ((str(home),) if kept else ())


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000])
def test_names_that_no_file_has_lead_nowhere(name: str) -> None:
    assert places.find([Starter("service", "x.service", directory="/srv/" + name)], []) == []


def test_a_linked_release_is_one_project_by_the_name_that_its_unit_gives(tmp_path: Path) -> None:
    """Its processes run in the directory that the link leads to."""
    release = project(tmp_path / "releases" / "42")
    link = tmp_path / "current"
    link.symlink_to(release)
    one = Starter("service", "shop.service", "shop.service", directory=str(link))
    web = WebSite("nginx", "nginx.service", directories=(str(release / "static"),))
    [place] = places.find([one], [web], {("shop.service", ""): {str(release)}})
    assert (place.path, place.starters, place.webs) == (str(link), (one,), (web,))
