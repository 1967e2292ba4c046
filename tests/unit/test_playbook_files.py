# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files of the playbooks say, without a run; tests/playbooks runs them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from jinja2 import ChainableUndefined
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.relocate.django.plugins.plugin_utils import _options
from tests.unit import sources


def _tasks(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, list):
        return [task for item in found for task in _tasks(item)]
    keys = ("block", "rescue", "always")
    return [found, *(task for key in keys for task in _tasks(found.get(key) or []))]


def _named(kind: str) -> str:
    """A pattern of the variables of all roles that have a type, and of the keys of a site."""
    found = []
    for path in sources.files("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            options = {name: spec for name, spec in entry.get("options", {}).items() if spec.get("type") == kind}
            # What must be a mapping is refused with the other values of the inventory.
            found += [name for name, spec in options.items() if spec.get("elements") != "dict"]
    found += [name.replace("relocate_", r"relocate_current\.", 1) for name in found if name.startswith("relocate_")]
    return rf"(?<![\w.])(?:{'|'.join(found)})\b"


def test_a_switch_of_the_command_line_is_a_text() -> None:
    """``-e relocate_media=false`` gives a text, which is true: whatever decides by a switch makes a boolean of it."""
    named = re.compile(_named("bool"))
    decides = re.compile(r"\b(?:if|or|and|not|ternary)\b|^\s*(?:when|that):")
    found = []
    for path in sources.files("playbooks/**/*.yml", "roles/*/tasks/*.yml", "roles/*/defaults/*.yml"):
        for line in path.read_text().splitlines():
            code = line if "{{" in line or re.match(r"\s*(?:when|that):", line) else ""
            if named.search(code) and decides.search(code):
                found.append((sources.name_of(path), line.strip()))
    assert len(found) >= 7
    assert [item for item in found if "| bool" not in item[1]] == []


def test_a_list_of_the_command_line_is_a_text() -> None:
    """``-e relocate_packages=a,b`` gives a text: modules make a list of it, but nothing may be added to it here."""
    option = _named("list")
    worked_on = re.compile(
        rf"{option}[^{{}}]* \+ |\+ \(?{option}(?! \| relocate\.django\.words)"
        rf"|{option} \| (?:difference|union|map|select)|loop: .*{option}(?! \| relocate\.django\.words)"
    )
    found = []
    for path in sources.files("playbooks/**/*.yml", "roles/*/tasks/*.yml", "roles/*/defaults/*.yml"):
        found += [(sources.name_of(path), part.group()) for part in worked_on.finditer(path.read_text())]
    # Preflight lets nothing through that is no list of mappings.
    assert [item for item in found if not item[1].startswith("preflight_answers ")] == []


def test_no_variable_is_the_default_of_another_in_yaml() -> None:
    """What is set for a site is found by the lookup of options: in one place, and as the type that it means."""
    found = []
    for path in sources.files("playbooks/**/*.yml", "roles/**/*.yml"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "default(relocate_" in line or re.search(r"relocate_current\.|hostvars\[\w+\]\.relocate_\w+ \|", line):
                found.append(f"{sources.name_of(path)}:{number}")
    assert found == []


def test_what_is_added_to_is_a_list_first() -> None:
    """Of the command line it may be a text with commas."""
    text = (sources.ROOT / "roles/checkout/tasks/host.yml").read_text()
    for option in ("packages", "users", "engines"):
        assert f"checkout_{option} | relocate.django.words" in text
    for value, expected in [("a,b", ["a", "b"]), ("a, b,", ["a", "b"]), (["a", "b"], ["a", "b"]), ("", []), ([], [])]:
        assert _options.words(value) == expected


#: What move.yml runs, but for its preflight.
MOVE = ["move_site", "before_freeze", "prepare_window", "after_cutover", "report_site", "put_back_old_first"]
MOVE += ["put_back_new_first", "put_back_lost", "thaw", "close"]


@pytest.mark.parametrize("name", MOVE)
def test_a_move_validates_what_the_user_set_once(name: str) -> None:
    """Preflight and common do; each module checks its options again. Every role more is a task and copies of specs."""
    tasks = _tasks(yaml.safe_load((sources.ROOT / "playbooks" / "tasks" / f"{name}.yml").read_text()))
    included = [task["ansible.builtin.include_role"] for task in tasks if "ansible.builtin.include_role" in task]
    assert included
    for role in included:
        assert role.get("rolespec_validate", True) is (role["name"] == "relocate.django.preflight"), role


MADE_IN_WINDOW = "{{ window_left.returned.backup.manifest_sha256 }}"


def test_the_window_is_lean() -> None:
    """Each task costs downtime, and each that reaches a host costs more."""
    path = sources.ROOT / "playbooks/tasks/freeze_to_cutover.yml"
    tasks = list(_tasks(yaml.safe_load(path.read_text())))
    remote = [task for task in tasks if "relocate.django.batch" in task]
    hooks = [task for task in tasks if task.get("ansible.builtin.include_tasks") == "hook.yml"]
    assert len(tasks) <= 8 and len(remote) <= 4
    # Without a hook nothing is included, and no host is asked.
    assert [task["when"] for task in hooks] == ["lookup('relocate.django.option', 'before_cutover') | length > 0"]
    assert all("relocate.django.attempt" in task for task in tasks if task not in remote + hooks)
    given = {
        str(task["relocate.django.batch"]["steps"]): task["relocate.django.batch"].get("common") for task in remote
    }
    digest = {"manifest_sha256": MADE_IN_WINDOW}
    assert given["{{ relocate_calls.arrive }}"] == given["{{ relocate_calls.hold }}"] == digest


@pytest.mark.parametrize("role", ["restore", "verify"])
def test_a_set_that_this_run_made_is_held_against_its_own_digest(role: str) -> None:
    """By default it is relocate_manifest_sha256, which the user may have set for a restore from another set."""
    made = []
    for path in sorted((sources.ROOT / "playbooks" / "tasks").glob("*.yml")):
        for task in _tasks(yaml.safe_load(path.read_text())):
            given = task.get("vars") or {}
            if given.get(f"{role}_label") in ("{{ backup_result.label }}", "{{ relocate_attempt.label }}"):
                made.append((path.name, given.get(f"{role}_manifest_sha256")))
    assert len(made) >= 2
    # What is put off gets it in the window, from the batch that it is a part of.
    assert all((digest is None) == (name == "prepare_window.yml") for name, digest in made)
    first_copy = "{{ relocate_attempt.loaded }}"  # no set yet: its own digest, as the backup on old returned it
    known = {None, "{{ backup_result.manifest_sha256 }}", MADE_IN_WINDOW, first_copy}
    assert {digest for _name, digest in made} <= known, made


def _all_tasks() -> list[tuple[str, dict[str, Any]]]:
    paths = sources.files("playbooks/**/*.yml", "roles/*/tasks/*.yml")
    plays = [(sources.name_of(path), item) for path in paths for item in yaml.safe_load(path.read_text())]
    lists = [(name, [item] if "hosts" not in item else item.get("tasks", [])) for name, item in plays]
    return [(name, task) for name, items in lists for task in _tasks(items)]


def test_tasks_give_modules_options_that_they_have() -> None:
    """An option that a module lacks is refused when its task begins, which may be after the freeze."""
    known = {
        f"relocate.django.{path.stem}": {*sources.documentation(path).get("options", {}), *_shared_options(path)}
        for path in sources.modules()
    }
    given = [
        (name, module, set(task[module]) - known[module])
        for name, task in _all_tasks()
        for module in known.keys() & task.keys()
        if isinstance(task[module], dict)
    ]
    assert len(given) > 20
    assert [item for item in given if item[2]] == []


def _shared_options(path: Any) -> set[str]:
    fragments = sources.documentation(path).get("extends_documentation_fragment", [])
    ours = [name.partition("relocate.django.")[2] for name in fragments if name.startswith("relocate.django.")]
    files = [sources.PLUGINS / "doc_fragments" / f"{name.partition('.')[0]}.py" for name in ours]
    return {option for file in files for option in sources.documentation(file).get("options", {})}


def test_includes_give_roles_variables_that_they_have() -> None:
    """A variable that a role does not know is ignored without a word."""
    known = {
        role.name: {
            option
            for entry in yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"].values()
            for option in entry.get("options", {})
        }
        for role in sources.roles()
    }
    given = []
    for name, task in _all_tasks():
        role = (task.get("ansible.builtin.include_role") or {}).get("name", "").rpartition(".")[2]
        if role in known:
            ours = {variable for variable in task.get("vars", {}) if variable.startswith(role + "_")}
            given.append((name, role, ours - known[role]))
    assert len(given) > 20
    assert [item for item in given if item[2]] == []


def test_a_hook_that_fails_once_a_site_was_put_back_is_rescued_by_itself() -> None:
    """Else the rescue around it says that the site was not put back. Without one, nothing else is said."""
    found = {}
    for path in sorted((sources.ROOT / "playbooks" / "tasks").glob("*.yml")):
        if "relocate_moment: after_put_back" not in path.read_text():
            continue
        own = [task for task in _tasks(yaml.safe_load(path.read_text())) if "rescue" in task]
        found[path.stem] = any(
            str(task["block"]).count("after_put_back") == 1 and len(task["block"]) == 1 for task in own
        )
    assert {name for name, rescued in found.items() if not rescued} == {"undo_lost"} and len(found) == 6


def test_a_check_of_a_clone_asks_those_who_hold_the_set() -> None:
    """In check mode nothing was brought, so it is found under the original's name, maybe only in a repository."""
    path = sources.ROOT / "playbooks/tasks/clone_site.yml"
    tasks = _tasks(yaml.safe_load(path.read_text()))
    [given] = [task["vars"] for task in tasks if task.get("ansible.builtin.include_tasks") == "restore_databases.yml"]
    assert "ansible_check_mode" in given["relocate_set_of"] and "clone_of" in given["relocate_set_of"]
    assert "ansible_check_mode" in given["relocate_set_in"]
    [placed] = [task for task in tasks if task.get("register") == "relocate_placed"]
    assert "not (ansible_check_mode and repository_result is changed)" in placed["when"]


#: What refuses in YAML: without a code for callbacks, the rescue and the report.
REFUSES = {"fail", "assert"}


def test_no_refusal_is_written_in_yaml() -> None:
    tasks = _all_tasks()
    assert len(tasks) > 100
    assert [(name, key) for name, task in tasks for key in task if key.rpartition(".")[2] in REFUSES] == []


#: A fact outlives its site, and what is wrong in it is found late: modules return, the lookup of options is asked anew.
MOST_FACTS = 11


def test_facts_are_few_and_each_has_its_reason() -> None:
    found = []
    for path in sources.files("playbooks/**/*.yml", "roles/*/tasks/*.yml"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if "set_fact:" in line:
                found.append(
                    (
                        sources.name_of(path),
                        lines[number - 2].strip().startswith("# A fact")
                        or lines[number - 2].strip().startswith("# Facts"),
                    )
                )
    assert len(found) <= MOST_FACTS
    assert [name for name, reason in found if not reason] == []


def test_only_playbooks_for_users_have_a_name() -> None:
    """ansible-playbook finds every file in playbooks/ as relocate.django.NAME."""
    names = {path.stem for path in sources.files("playbooks/*")}
    users = {"backup", "convert", "discover", "move", "rehearse", "rehearse_move", "restore", "undo", "verify"}
    assert names == users | {"clone", "retire", "rollback", "schedule", "upgrade"}


@pytest.mark.parametrize(("family", "wanted"), [("redhat", "redhat"), ("debian", "debian"), ("../x", "other"), (0, 0)])
def test_a_restored_host_gets_the_packages_of_its_own_family(family: Any, wanted: Any) -> None:
    """Of a restore no move has asked new: what the host answers there names the list, and never a package."""
    playbook = yaml.safe_load((sources.ROOT / "playbooks" / "tasks" / "restore_databases.yml").read_text())
    [rebuilt] = [task for task in _tasks(playbook) if "checkout_label" in task.get("vars", {})]
    tasks = yaml.safe_load((sources.ROOT / "roles" / "checkout" / "tasks" / "host.yml").read_text())
    [install] = [task for task in tasks if "checkout_list" in task.get("vars", {})]
    lists = yaml.safe_load((sources.ROOT / "roles" / "checkout" / "vars" / "main.yml").read_text())["checkout_lists"]
    known = {"relocate_host": {"info": {"host": {"family": family}}}} if family else {"relocate_host": {}}
    environment = NativeEnvironment(undefined=ChainableUndefined)
    found = environment.from_string(rebuilt["vars"]["checkout_family"]).render(known)
    chosen = environment.from_string(install["vars"]["checkout_list"]).render(
        checkout_family=found, checkout_lists=lists
    )
    assert chosen == lists[wanted or "debian"]


def test_what_is_installed_was_chosen_by_us_the_user_or_a_module() -> None:
    """Names out of a set or of another host reach apt by packages_info alone, and nothing is removed for their sake."""
    installs = [
        (path, next(task[kind] for kind in ("ansible.builtin.apt", "ansible.builtin.package") if kind in task))
        for path, task in _all_tasks()
        if {"ansible.builtin.apt", "ansible.builtin.package"} & set(task)
    ]
    names = {str(given["name"]): (path, given) for path, given in installs if "name" in given}
    literal = {name for name in names if "{{" not in name}
    assert literal <= {"age", "restic", "rsync", "rclone", "supervisor"}, literal
    chosen = {name for name in names if "checkout_lacking_now.packages" in name}
    assert len(chosen) == 1 and names[next(iter(chosen))][1]["fail_on_autoremove"] is True
    own = {name for name in names if "checkout_further" in name or "schedule_" in name or "rehearse_" in name}
    assert set(names) == literal | chosen | own


def test_a_look_at_a_bare_host_asks_no_apt() -> None:
    """Without apt's library for Python its module fails in check mode, where a run would install that."""
    tasks = yaml.safe_load((sources.ROOT / "roles" / "repository" / "tasks" / "main.yml").read_text())
    installs = [task for task in tasks if "ansible.builtin.package" in task]
    assert len(installs) == 2 and all("not ansible_check_mode" in str(task["when"]) for task in installs)
    site = yaml.safe_load((sources.ROOT / "playbooks" / "tasks" / "restore_site.yml").read_text())
    [lists] = [task for task in site if task.get("ansible.builtin.include_role", {}).get("tasks_from") == "lists"]
    assert "not ansible_check_mode" in lists["when"]
