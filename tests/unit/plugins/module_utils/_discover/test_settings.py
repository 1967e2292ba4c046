# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""With which module and environment a project's settings are imported as its server does."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import settings
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from tests.unit.plugins.module_utils._project.asked import CANARY, add_settings
from tests.unit.plugins.module_utils._project.conftest import give

pytestmark = pytest.mark.slow

GUNICORN = ("/srv/shop/venv/bin/gunicorn", "--bind", "unix:/run/shop.sock", "shop.wsgi:application")


def starter(name: str = "shop.service", **more: Any) -> Starter:
    return Starter(kind="service", name=name, **more)


@pytest.fixture
def tree(home: Path, owner: SystemUser) -> Path:
    """A project whose manage.py and wsgi.py name different settings."""
    for name, text in {
        "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.dev')",
        "shop/wsgi.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.production')",
        "shop/asgi.py": "os.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings.asgi'",
        "src/deep/wsgi.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'deep.settings')",
        "plain.py": "application = 1",
        "etc/prod.env": "DJANGO_SETTINGS_MODULE=shop.settings.env\n",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"import os\n{text}\n" if name.endswith(".py") else text)
    give(home, owner)
    return home


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"commands": [GUNICORN]}, ("shop.settings.production", "shop/wsgi.py, which shop.service runs")),
        (
            {"commands": [("daphne", "-p", "1", "shop.asgi:application")]},
            ("shop.settings.asgi", "shop/asgi.py, which shop.service runs"),
        ),
        (
            {"commands": [("uwsgi", "--wsgi-file", "shop/wsgi.py")]},
            ("shop.settings.production", "shop/wsgi.py, which shop.service runs"),
        ),
        (
            {"commands": [("gunicorn", "--chdir", "src", "deep.wsgi")]},
            ("deep.settings", "src/deep/wsgi.py, which shop.service runs"),
        ),
        (
            {"commands": [("gunicorn", "--pythonpath=src", "deep.wsgi")]},
            ("deep.settings", "src/deep/wsgi.py, which shop.service runs"),
        ),
        (
            {"commands": [("sh", "-c", "cd {top}/src && exec gunicorn deep.wsgi")]},
            ("deep.settings", "src/deep/wsgi.py, which shop.service runs"),
        ),
        (
            {"commands": [("gunicorn", "-e", "DJANGO_SETTINGS_MODULE=x.y", "shop.wsgi")]},
            ("x.y", "command of shop.service"),
        ),
        (
            {"commands": [("gunicorn", "--env=DJANGO_SETTINGS_MODULE=x.y", "shop.wsgi")]},
            ("x.y", "command of shop.service"),
        ),
        (
            {"commands": [("env", "DJANGO_SETTINGS_MODULE=x.y", "gunicorn", "shop.wsgi")]},
            ("x.y", "command of shop.service"),
        ),
        (
            {"commands": [("sh", "-c", "DJANGO_SETTINGS_MODULE=x.y gunicorn shop.wsgi")]},
            ("x.y", "command of shop.service"),
        ),
        ({"commands": [("python", "manage.py", "runserver", "--settings=x.y")]}, ("x.y", "command of shop.service")),
        ({"commands": [("python", "manage.py", "runserver", "--settings", "x.y")]}, ("x.y", "command of shop.service")),
        ({"commands": [("python", "manage.py", "runserver", "--settings")]}, None),
        ({"commands": [("python", "manage.py", "runserver")]}, None),
        ({"commands": [("gunicorn", "plain:application")]}, None),
        ({"commands": [("gunicorn", "absent.wsgi")]}, None),
        ({"commands": [()]}, None),
        (
            {"environment": {"DJANGO_SETTINGS_MODULE": "a.b"}, "commands": [GUNICORN]},
            ("a.b", "Environment of shop.service"),
        ),
        ({"environment": {"DJANGO_SETTINGS_MODULE": "$(id)"}}, None),
        (
            {"environment": {"DJANGO_SETTINGS_MODULE": "a.b"}, "env_files": ["{top}/etc/prod.env", "-/none"]},
            ("shop.settings.env", "{top}/etc/prod.env of shop.service"),
        ),
    ],
)
def test_module(tree: Path, owner: SystemUser, more: dict[str, Any], expected: tuple[str, str] | None) -> None:
    commands = tuple(tuple(word.format(top=tree) for word in words) for words in more.get("commands", ()))
    files = tuple(name.format(top=tree) for name in more.get("env_files", ()))
    one = starter(commands=commands, env_files=files, environment=more.get("environment", {}), directory=str(tree))
    guess = settings.module(str(tree), [one], [], owner)
    assert (guess and (guess.value, guess.why)) == (expected and (expected[0], expected[1].format(top=tree)))


def test_the_server_counts_before_workers_and_jobs(tree: Path, owner: SystemUser) -> None:
    job = starter(
        "job.service", environment={"DJANGO_SETTINGS_MODULE": "job"}, commands=(("python", "manage.py", "x"),)
    )
    server = starter(commands=(GUNICORN,), directory=str(tree), runs=True)
    guess = settings.module(str(tree), [job, server], [], owner)
    assert guess is not None and guess.value == "shop.settings.production"
    guess = settings.module(str(tree), [job], [], owner)
    assert guess is not None and guess.value == "job"


def test_scripts_of_apache(tree: Path, owner: SystemUser) -> None:
    web = WebSite("apache", "apache2.service", scripts=("/nowhere", str(tree / "shop" / "wsgi.py")))
    guess = settings.module(str(tree), [], [web], owner)
    assert guess is not None and guess.value == "shop.settings.production"


def test_environments(home: Path) -> None:
    unit = home / "shop.service"
    unit.write_text("")
    (home / "link.service").symlink_to(unit)
    first = starter(
        files=(str(home / "link.service"), str(unit), str(home / "shop.service.d" / "a.conf"), "/etc/x.socket"),
        environment={"A": "1"},
        env_files=("-/etc/default/shop",),
    )
    second = starter("worker.service", env_files=("/etc/worker.env", "-/etc/default/shop"))
    third = Starter("supervisor", "web", files=("/etc/supervisor/conf.d/web.conf",), environment={"B": "2"})

    def files(*given: Starter) -> list[tuple[str, ...]]:
        return [item.env_files for item in settings.environments(str(home), given)]

    units = (str(home / "link.service"), str(home / "shop.service.d" / "a.conf"))
    both = ("-/etc/default/shop", "/etc/worker.env")
    assert files() == [()]
    assert files(second) == [(), (both[1], both[0])]
    assert files(first, second) == [(), both, (*units, both[1], both[0])]
    assert files(third) == [(), ("/etc/supervisor/conf.d/web.conf",)]
    fourth = Starter("uwsgi", "web", files=("/etc/uwsgi/web.ini", "/etc/uwsgi/web.xml"), environment={"B": "2"})
    assert files(fourth) == [(), ("/etc/uwsgi/web.ini",)]
    (home / ".env").write_text("")
    assert files(first) == [(), both[:1], units, (".env", *units)]
    assert files() == [(), (".env",)]
    assert [item.why for item in settings.environments(str(home), [first, second])] == [
        "nothing",
        "EnvironmentFile of shop.service, worker.service",
        "environment of shop.service",
        "a file beside manage.py",
    ]


NEEDS = "import os\nNEEDED = os.environ['NEEDED']\n"
ASKS = "import os\nASKED = os.environ.get('ASKED', 'a default that means another database')\n"
LOADS = """
import os, pathlib
for line in pathlib.Path('.env').read_text().split():
    os.environ.setdefault(*line.split('='))
"""


def written(site: Path, unit: str = "", env: str = "", own: str = "") -> Starter:
    """Give the unit of a site, out of the files that it would have."""
    variables = dict(line.split("=", 1) for line in unit.split())
    lines = [f"Environment={key}={value}" for key, value in variables.items()]
    files = []
    if env:
        (site.parent / "shop.env").write_text(env)
        files = [str(site.parent / "shop.env")]
        lines.append(f"EnvironmentFile={files[0]}")
    if own:
        (site / ".env").write_text(own)
    path = site.parent / "shop.service"
    path.write_text("[Service]\n" + "\n".join(lines) + "\n")
    return starter(files=(str(path),), environment=variables, env_files=tuple(files))


@pytest.mark.parametrize(
    ("text", "given", "why", "lacking"),
    [
        ("", {}, "nothing", ()),
        ("", {"unit": "A=1"}, "nothing", ()),  # nobody asks for it
        (NEEDS, {"unit": "NEEDED=1"}, "environment of shop.service", ()),
        (NEEDS, {"env": "NEEDED=1"}, "EnvironmentFile of shop.service", ()),
        (NEEDS, {"unit": "A=1", "env": "NEEDED=1"}, "EnvironmentFile of shop.service", ()),
        (NEEDS, {"own": "NEEDED=1"}, "a file beside manage.py", ()),
        # They import with nothing, and then are not those of the server.
        (ASKS, {"unit": "ASKED=1"}, "environment of shop.service", ()),
        (ASKS, {"env": "ASKED=1"}, "EnvironmentFile of shop.service", ()),
        (ASKS, {"own": "ASKED=1"}, "a file beside manage.py", ()),
        (ASKS, {"unit": "OTHER=1"}, "nothing", ()),
        (ASKS + NEEDS, {"unit": "ASKED=1", "env": "NEEDED=1"}, "environment of shop.service", ()),
        (
            "import os\nos.environ.setdefault('ASKED', 'dev')\n",
            {"unit": "ASKED=prod"},
            "environment of shop.service",
            (),
        ),
        # Read by the project itself: not given a second time.
        (LOADS + NEEDS, {"own": "NEEDED=1"}, "nothing", ()),
        ("import os\nALL = dict(os.environ)\n", {"unit": "ANY=1 PATH=/usr/bin"}, "environment of shop.service", ()),
        ("import os\nALL = dict(os.environ)\n", {"unit": "PATH=/usr/bin LANG=C"}, "nothing", ()),
    ],
)
def test_the_least_environment_that_is_enough(
    site: Path, python: str, owner: SystemUser, text: str, given: dict[str, str], why: str, lacking: tuple[str, ...]
) -> None:
    with open(site / "site1" / "settings.py", "r+", encoding="utf-8") as stream:
        before = stream.read()
        stream.seek(0)
        stream.write(text + before)
    unit = written(site, **given)
    give(site.parent, owner)
    found = settings.read(str(site), [unit], topics=["neighbours"], interpreter=python)
    assert found.error == "" and found.environment is not None and found.project is not None
    assert (found.environment.why, found.lacking) == (why, lacking)
    assert set(found.answers) == {"opened", "neighbours"} and found.settings is None


def test_a_variable_that_no_file_gives(site: Path, python: str, owner: SystemUser) -> None:
    """A file of XML for uWSGI, and others, are not read: the user is told which variable is meant."""
    add_settings(site, ASKS)
    give(site, owner)
    one = Starter("uwsgi", "shop", files=("/etc/uwsgi/shop.xml",), environment={"ASKED": CANARY})
    found = settings.read(str(site), [one], interpreter=python)
    assert found.lacking == ("ASKED",) and found.project is not None
    assert CANARY not in repr(found)


def test_settings_that_no_environment_heals(site: Path, python: str, owner: SystemUser) -> None:
    add_settings(site, f"SECRET_KEY = {CANARY!r}\nraise ValueError('not with ' + SECRET_KEY)\n")
    unit = written(site, unit="A=1", env="B=2", own="C=3")
    give(site.parent, owner)
    found = settings.read(str(site), [unit], interpreter=python)
    assert found.project is None and found.error == "ValueError: not with ********"


def test_what_needs_no_second_try(site: Path, owner: SystemUser, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = written(site, unit="A=1", env="B=2", own="C=3")
    give(site.parent, owner)
    tried = []
    real = settings.find_project
    monkeypatch.setattr(settings, "find_project", lambda *a, **k: tried.append(1) or real(*a, **k))
    found = settings.read(str(site), [unit], interpreter="/nowhere/python")
    assert (found.error, len(tried)) == ("/nowhere/python is not a program", 1)
    assert "not a user" in settings.read(str(site), [], owner="no-such-user").error
    assert "No such file" in settings.read(str(site / "shop"), []).error


@pytest.mark.parametrize(("named", "expected"), [("site1.settings", False), ("site1.production", True)])
def test_when_the_module_has_to_be_set(site: Path, python: str, owner: SystemUser, named: str, expected: bool) -> None:
    (site / "site1" / "production.py").write_text("from site1.settings import *\n")
    (site / "site1" / "wsgi.py").write_text(f"import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', {named!r})\n")
    give(site, owner)
    one = starter(commands=(("gunicorn", "site1.wsgi"),), directory=str(site))
    found = settings.read(str(site), [one], interpreter=python)
    assert found.error == "" and found.project is not None and found.project.settings == named
    assert (found.settings is not None and found.settings.value == named) is expected
    unit = written(site, unit=f"DJANGO_SETTINGS_MODULE={named}")
    found = settings.read(str(site), [unit], interpreter=python)
    assert found.project is not None and found.project.settings == named
    assert os.path.exists(site / "manage.py")


def test_a_users_unit_is_defined_by_his_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """He may name a unit of root's as a script of his: its own files of variables would be read with root's rights."""
    monkeypatch.setattr(ConfigFiles, "writer", lambda _self, path: "shop" if path.startswith("/home/shop/") else "")
    own, of_root = "/home/shop/.config/systemd/user/x.service", "/etc/systemd/system/mysql.service"
    for_all = "/etc/systemd/user/x.service"
    unit = starter("x.service", files=(own, for_all, of_root), environment={"A": "1"})
    line = Starter("cron", "x:1", files=("/var/spool/cron/shop", of_root), environment={"A": "1"}, by="shop")
    for one, expected in (
        (dataclasses.replace(unit, by="shop"), (own, for_all)),
        (unit, (own, for_all, of_root)),
        (line, ()),
        (dataclasses.replace(line, by=""), ()),
    ):
        found = settings.environments("/srv/shop", [one])
        assert found[-1].env_files == expected


def test_nothing_runs_as_another_than_who_wrote_the_starter(
    tree: Path, owner: SystemUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding a project and looking into it, its owner may have put another one in its place."""
    monkeypatch.setattr(settings, "module", lambda *_args: pytest.fail("went on"))
    found = settings.read(str(tree), [starter(by="eve")], owner=owner.name)
    assert (found.project, "owner" in found.error) == (None, True)


def test_nothing_that_somebody_else_can_write_gives_variables(
    tree: Path, owner: SystemUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit of root's runs a script of its user's, and that one leads to the project of another."""
    monkeypatch.setattr(ConfigFiles, "writer", lambda _self, path: "eve" if path.startswith("/home/eve/") else "")
    tried: list[str] = []

    def attempt(_self: object, environment: settings.Environment) -> settings.Imported:
        tried.extend(environment.env_files)
        return settings.Imported(environment=environment)

    monkeypatch.setattr(settings._Run, "attempt", attempt)
    one = starter(
        files=("/etc/systemd/system/shop.service", "/home/eve/fake.service"),
        env_files=("-/home/eve/.env", "/etc/shop.env"),
        environment={"A": "1"},
    )
    settings.read(str(tree), [one], owner=owner.name)
    assert set(tried) == {"/etc/systemd/system/shop.service", "/etc/shop.env"}
