# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host returned is data: it is no file name, no host, no task and no template of ours.

The YAML is read: nothing that decides what runs, or where, is made of an answer. test_on_host.py has hosts that try.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from ansible_collections.relocate.django.plugins.action import report
from ansible_collections.relocate.django.plugins.plugin_utils import _values
from tests.unit import sources

FILES = sources.files("playbooks/**/*.yml", "roles/*/tasks/*.yml", "roles/*/defaults/*.yml", "roles/*/vars/*.yml")
#: Tasks that read or run something that their argument names.
INCLUDES = {"include_vars", "include_tasks", "import_tasks", "include_role", "import_role", "import_playbook", "script"}
#: Keywords that say where a task runs, as whom, and what is read.
KEYWORDS = {
    "delegate_to",
    "vars_files",
    "become_user",
    "remote_user",
    "connection",
    "environment",
    "hosts",
    "module_defaults",
}
#: Answers that the controller gives, with the reason why they may be used.
OURS = {
    "relocate_pair": "relocate.django.inventory connects to no host: the pair is a name out of the group old",
}
#: The lookup of a variable of the inventory: the name is a constant, and the host one that was looked at as all are.
OPTION = re.compile(r"lookup\('relocate\.django\.option', '(\w+)'(?:, host=(\w+))?\)")
#: Every other lookup there is, with the reason why it may be made.
LOOKUPS = {
    "lookup('ansible.builtin.pipe', 'echo $(id -un)@$(uname -n)')": "a constant: who runs this",
    "lookup('relocate.django.hook', relocate_moment)": "a task file that the inventory names; each include says when",
}


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Give every mapping in a YAML document."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from mappings(item)
    elif isinstance(value, list):
        for item in value:
            yield from mappings(item)


def names_in(value: Any) -> set[str]:
    """Give the words of all templates in a value."""
    text = json.dumps(value, default=str)
    found = re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text, re.DOTALL)
    # What is set for a site comes out of its entry and of the variables of the inventory.
    options = {f"relocate_{name}" for part in found for name, _on in OPTION.findall(part)}
    return {word for part in found for word in re.findall(r"\w+", part)} | options


DOCUMENTS = {path: yaml.safe_load(path.read_text()) for path in FILES}
ALL = [(path, item) for path, document in DOCUMENTS.items() for item in mappings(document)]


def answers() -> set[str]:
    """Give every variable that holds, or is made of, what a host returned."""
    found = {str(item["register"]) for _path, item in ALL if isinstance(item.get("register"), str)}
    found |= {"ansible_failed_result", "ansible_facts", "ansible_local", "services_result"}
    found -= set(OURS)
    made = [(str(name), names_in(value)) for _path, item in ALL for name, value in item.items() if names_in(value)]
    while True:
        more = {name for name, words in made if words & found and re.fullmatch(r"[a-z]+_\w+", name)} - found
        if not more:
            return found
        found |= more


ANSWERS = answers()


def sinks() -> Iterator[tuple[str, str, Any]]:
    """Give what decides which file is read, which role runs, and where."""
    for path, item in ALL:
        for key, value in item.items():
            short = str(key).rpartition(".")[2]
            if short in INCLUDES and not isinstance(value, dict):
                yield sources.name_of(path), str(key), value
            elif short in INCLUDES:
                parts = {part: text for part, text in value.items() if part != "apply"}
                yield sources.name_of(path), str(key), parts
            elif key in KEYWORDS or (str(key).startswith("ansible_") and path.parts[-2] != "defaults"):
                yield sources.name_of(path), str(key), value


def test_the_answers_are_known() -> None:
    expected = {
        "preflight_result",
        "preflight_on_new",
        "checkout_family",
        "checkout_owner",
        "backup_result",
        "relocate_attempt",
    }
    assert expected <= ANSWERS
    assert not ANSWERS & {
        "relocate_from",
        "services_host",
        "transfer_from",
        "relocate_step",
        "relocate_sites",
    }


def test_no_answer_decides_what_is_read_or_where_a_task_runs() -> None:
    assert len(list(sinks())) > 60
    assert [(where, key, value) for where, key, value in sinks() if names_in(value) & ANSWERS] == []


def test_no_answer_says_alone_which_units_start() -> None:
    found = [item for _path, item in ALL if names_in(item.get("services_units", "")) & ANSWERS]
    # The second is what new itself said before it was stopped, the third what the inventory says for a lost new host.
    assert len(found) == 3
    others = [item for item in found if not re.search(r"relocate_attempt\.(?:before|undo)\b", str(item))]
    assert ["services_named" in item for item in others] == [True]
    batches = [item for _path, item in ALL if "units" in (item.get("common") or {})]
    assert [item["steps"] for item in batches] == ["{{ relocate_calls.start }}"]
    [start] = [item for _path, item in ALL if item.get("relocate_puts_off") == "start"]
    assert start["services_named"] == "{{ lookup('relocate.django.option', 'services') }}"
    for item in found:
        named = names_in(item.get("services_named", ""))
        assert not named & ANSWERS
        assert not named or "relocate_services" in named


def test_no_template_is_made_of_a_template() -> None:
    for path, item in ALL:
        for key in ("when", "that", "failed_when", "changed_when", "until"):
            assert "{{" not in json.dumps(item.get(key, ""), default=str), f"{sources.name_of(path)}: {key}"


def test_every_lookup_is_known() -> None:
    found = set()
    for path in FILES:
        for option, host in OPTION.findall(path.read_text()):
            assert f"relocate_{option}" in _values.options() and host not in ANSWERS, (path, option, host)
        found |= {
            text.strip()
            for text in re.findall(
                r"\b(?:lookup|query|q)\([^)]*\)(?:@\$\([^)]*\)'\))?", OPTION.sub("", path.read_text())
            )
        }
    assert found == set(LOOKUPS)


def test_no_name_of_ours_is_that_of_a_file_by_an_answer() -> None:
    """A report's name is made of the inventory's names only, and of nothing that leaves its directory."""
    assert report.stem({"site": "../../x", "new": "a/b\n", "ended": 0.0}) == ".._.._x-a_b_-19700101T000000Z"
