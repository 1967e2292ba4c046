# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role's defaults and its argument specification say the same; names begin with the role's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.parsing.convert_bool import boolean
from jinja2 import ChainableUndefined
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.plugin_utils import _options
from tests.tools import role_pages
from tests.unit import sources

ROLES = sources.roles()
#: The role that holds what the user sets once.
COMMON = "common"
PLAYBOOKS = sources.files("playbooks/*.yml")


def load(path: Path) -> Any:
    """Read YAML; an absent file is empty."""
    return yaml.safe_load(path.read_text()) if path.exists() else None


COMMON_DEFAULTS = load(sources.ROOT / "roles" / COMMON / "defaults" / "main.yml") or {}


def options(role: Path) -> dict[str, dict[str, Any]]:
    """Give the options of a role's main entry point."""
    specification = load(role / "meta" / "argument_specs.yml")
    assert specification, f"{role.name} has no argument specification"
    return dict(specification["argument_specs"]["main"].get("options", {}))


def option(_plugin: str, name: str, host: Any = "") -> Any:
    """Give what the lookup ``option`` gives where the user set nothing."""
    known = {**COMMON_DEFAULTS, "inventory_hostname": "here", "relocate_from": "old", "hostvars": {}}
    return _options.value_of(name, "", known, lambda value: value)


def resolved(value: Any) -> Any:
    """Give what a default comes down to where the user set nothing: a documented default is a value, not a template."""
    environment = NativeEnvironment(undefined=ChainableUndefined)
    environment.filters["bool"] = boolean
    environment.globals["lookup"] = option
    while isinstance(value, str) and "{{" in value:  # a default may be a variable that is a template itself
        value = environment.from_string(value).render(COMMON_DEFAULTS)
    return value


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_equal_specification(role: Path) -> None:
    specified = options(role)
    defaults = load(role / "defaults" / "main.yml") or {}
    assert {name for name, option in specified.items() if "default" in option} == set(defaults)
    for name, option in specified.items():
        assert ("default" in option) != bool(option.get("required")), f"{name}: either a default or required"
        if "default" in option:
            assert option["default"] in (defaults[name], resolved(defaults[name])), name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_names_begin_with_the_roles(role: Path) -> None:
    prefix = "relocate_" if role.name == COMMON else role.name + "_"
    assert [name for name in options(role) if not name.startswith(prefix)] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_options_are_described(role: Path) -> None:
    specification = load(role / "meta" / "argument_specs.yml")
    for entry in specification["argument_specs"].values():
        assert entry["short_description"]
        for name, option in entry.get("options", {}).items():
            assert option["description"], name
            assert option["type"], name
            if option["type"] == "list":
                assert option["elements"], name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_options_are_used(role: Path) -> None:
    if role.name == COMMON:
        return
    text = "".join(
        path.read_text() for path in role.rglob("*") if path.is_file() and path.parent.name not in ("defaults", "meta")
    )
    unused = [name for name in options(role) if not re.search(rf"\b{name}\b", text)]
    assert unused == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_page_is_up_to_date(role: Path) -> None:
    assert (role / "README.md").read_text() == role_pages.text(role), "run: make docs"


def test_defaults_refer_to_variables_that_exist() -> None:
    known = set(options(sources.ROOT / "roles" / COMMON))
    for role in ROLES:
        text = (role / "defaults" / "main.yml").read_text() if (role / "defaults" / "main.yml").exists() else ""
        assert set(re.findall(r"\brelocate_[a-z0-9_]+", text)) <= known, role.name


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_playbooks_are_short(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(lines) <= 30


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_key_of_a_login_is_given_to_the_module(role: Path) -> None:
    """A key that the documentation names and no task passes on would do nothing, and nobody would say so."""
    keys = {name[len("login_") :] for name in _argspec.login()}
    for path in sorted((role / "tasks").glob("*.yml")):
        for task in load(path):
            used = re.findall(r"\b(\w+_login)\.(\w+)", str(task))
            for login in {name for name, _key in used}:
                assert {key for name, key in used if name == login} == keys, (path.name, task["name"])


#: A role's variable that names the host its task works on, where that may be old.
ELSEWHERE = re.compile(r"\{\{ (\w+_(?:host|from)) \}\}")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_each_server_is_asked_by_its_own_administrator(role: Path) -> None:
    """relocate_login is for the server of new. A task that may work on old must not use it."""
    defaults = load(role / "defaults" / "main.yml") or {}
    for path in sorted((role / "tasks").glob("*.yml")):
        for task in load(path):
            logins = {re.sub(r"\W.*", "", used) for used in re.findall(r"(\w+)\.unix_socket", str(task))}
            wanted = "relocate_old_login" if ELSEWHERE.search(str(task.get("delegate_to", ""))) else "relocate_login"
            assert {defaults[name] for name in logins} <= {"{{ " + wanted + " }}"}, (path.name, task["name"])


def _tasks_below(path: Path) -> list[dict[str, Any]]:
    """Give the tasks of a file, or of the plays in it, with those in their blocks."""
    found: list[dict[str, Any]] = []
    waiting = list(load(path) or [])
    while waiting:
        task = waiting.pop()
        found.append(task)
        for key in ("block", "rescue", "always", "tasks", "pre_tasks"):
            waiting += task.get(key) or []
    return found


def _includes(path: Path, seen: set[Path]) -> list[tuple[str, str, dict[str, Any]]]:
    """Give the roles that a file of tasks brings in, wherever: the file, the role and the task."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    if path in seen:
        return found
    seen.add(path)
    for task in _tasks_below(path):
        other = task.get("ansible.builtin.include_tasks") or task.get("ansible.builtin.import_tasks")
        if isinstance(other, str) and "{{" not in other:
            found += _includes((path.parent / other).resolve(), seen)
        role = str((task.get("ansible.builtin.include_role") or {}).get("name", "")).rpartition(".")[2]
        if (sources.ROOT / "roles" / role / "tasks").is_dir() and role:
            found.append((path.name, role, task.get("vars") or {}))
            found += _includes(sources.ROOT / "roles" / role / "tasks" / "main.yml", seen)
    return found


ON_OLD = [
    path
    for path in PLAYBOOKS
    if {play["hosts"] for play in load(path) if "hosts" in play} == {"old"}
    and path.name not in ("discover.yml", "retire.yml")
]


@pytest.mark.parametrize("path", ON_OLD, ids=lambda path: path.name)
def test_a_role_that_works_on_old_gets_its_administrator(path: Path) -> None:
    """By default most roles take relocate_login, which is for the server of new."""
    includes = _includes(path, set())
    assert includes
    for name, role, given in includes:
        defaults = load(sources.ROOT / "roles" / role / "defaults" / "main.yml") or {}
        for option_name in [key for key, value in defaults.items() if value == "{{ relocate_login }}"]:
            assert given.get(option_name) == "{{ relocate_old_login or relocate_login }}", (name, role)


def test_there_are_playbooks_for_old_alone() -> None:
    assert {path.name for path in ON_OLD} == {"backup.yml", "rehearse.yml", "schedule.yml"}


def test_what_runs_with_check_too_installs_nothing() -> None:
    """A role that is included so that its modules say what they are given must not run its other tasks."""
    found = []
    for path in sources.files("playbooks/**/*.yml", "roles/*/tasks/*.yml"):
        for task in _tasks_below(path):
            include = task.get("ansible.builtin.include_role") or {}
            if (include.get("apply") or {}).get("check_mode") is False:
                role = include["name"].rpartition(".")[2]
                installs = [key for key in options(sources.ROOT / "roles" / role) if key == role + "_install"]
                found.append((path.parent.parent.name, role, [task["vars"].get(key) for key in installs]))
    assert [item for item in found if item[2] not in ([], [False])] == [] and len(found) >= 3


@pytest.mark.parametrize(("identity", "sent"), [("", ""), ("AGE-SECRET-KEY-1X", ""), ("# x\n/y", ""), ("/i", "/i")])
def test_no_text_of_an_identity_goes_into_a_schedule(identity: str, sent: str) -> None:
    (given,) = [
        task["vars"]["rehearse_age_identity"]
        for task in _tasks_below(sources.ROOT / "roles/schedule/tasks/main.yml")
        if "rehearse_age_identity" in task.get("vars", {})
    ]
    environment = NativeEnvironment(undefined=ChainableUndefined)
    environment.tests["match"] = lambda value, pattern: bool(re.match(pattern, value))
    environment.globals["lookup"] = lambda _plugin, _name: identity
    assert environment.from_string(given).render() == sent


def test_packages_of_a_night_are_those_of_its_steps() -> None:
    """The roles that a schedule takes its calls from install nothing for it, so it does."""
    key, roles = "ansible.builtin.package", sources.ROOT / "roles"
    installed = {
        role: {task[key]["name"] for task in load(roles / role / "tasks/main.yml") if key in task}
        for role in ("schedule", "backup", "repository", "rehearse")
    }
    assert installed["schedule"] == {"restic", "rsync", "age"} == installed["rehearse"]
    assert installed["backup"] | installed["repository"] == installed["schedule"]


def test_verify_takes_the_set_that_is_named() -> None:
    includes = _includes(sources.ROOT / "playbooks/verify.yml", set())
    assert [given["verify_label"] for _name, role, given in includes if role == "verify"] == ["{{ relocate_label }}"]


def test_an_identity_is_tried_before_a_site_is_rebuilt() -> None:
    """Also with check mode: no condition of that task, and of no block around it, asks for it."""
    tasks = load(sources.ROOT / "playbooks/tasks/restore_databases.yml")
    names = ["opens" in (task.get("relocate.django.backup_info") or {}) for task in tasks]
    one = tasks[names.index(True)]
    assert "age_identity" in one["relocate.django.backup_info"] and "check_mode" not in str(one["when"])
    assert names.index(True) < next(number for number, task in enumerate(tasks) if "block" in task)
