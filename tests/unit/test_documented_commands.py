# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a page tells somebody to type is there: playbooks, options, variables, targets, files and modules."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.doc import DocCLI
from ansible.cli.galaxy import GalaxyCLI
from ansible.cli.playbook import PlaybookCLI
from ansible.cli.vault import VaultCLI
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.relocate.django.plugins.module_utils import _errors
from tests.unit import documented, sources

PLAYBOOKS = {path.stem for path in sources.files("playbooks/*.yml")}
MODULES = {path.stem: path for path in sources.modules()}
TARGETS = set(re.findall(r"(?m)^([a-z]+):", (sources.ROOT / "Makefile").read_text()))
#: What users give a file of their own for; elsewhere a playbook is ours or one of an example.
OWN = {path.name for path in sources.files("examples/*/*.yml")}


def _role_options() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sources.files("roles/*/meta/argument_specs.yml"):
        for point in yaml.safe_load(path.read_text())["argument_specs"].values():
            found.update(point.get("options") or {})
    return found


OPTIONS = _role_options()


def parsed(kind: type[Any], arguments: list[str]) -> Any:
    """Give what a program of Ansible makes of a command line; raises ValueError with its complaint."""
    program = kind(arguments)
    program.init_parser()
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return program.parser.parse_args(arguments[1:])
    except SystemExit as error:
        raise ValueError(complaint.getvalue().strip().splitlines()[-1]) from error


def given_badly(name: str, value: str) -> list[str]:
    """Give what is wrong with `-e NAME=VALUE`; a value in capitals stands for one of the user's."""
    if name not in OPTIONS:
        return [f"no variable {name}"]
    if not value or value.isupper() or value == "...":
        return []
    return list(ArgumentSpecValidator({name: OPTIONS[name]}).validate({name: value}).error_messages)


def playbook(arguments: list[str]) -> Iterator[str]:
    found = parsed(PlaybookCLI, arguments)
    for name in found.args:
        short = name.removeprefix("relocate.django.")
        if short not in PLAYBOOKS if short != name else name not in OWN:
            yield f"no playbook {name}"
    for pair in found.extra_vars or []:
        name, _is, value = pair.partition("=")
        yield from given_badly(name, value)


def doc(arguments: list[str]) -> Iterator[str]:
    for name in parsed(DocCLI, arguments).args:
        if name.removeprefix("relocate.django.") not in MODULES:
            yield f"no module {name}"


def make(arguments: list[str]) -> Iterator[str]:
    yield from (f"no target {word}" for word in arguments[1:] if "=" not in word and word not in TARGETS)
    for word in arguments[1:]:
        if word.startswith("T=tests"):
            yield from (f"no {path}" for path in [word[2:].split()[0]] if not (sources.ROOT / path).exists())


def python(arguments: list[str]) -> Iterator[str]:
    path = arguments[1]
    if path == "-m" and arguments[2].startswith("tests"):
        path = arguments[2].replace(".", "/") + (
            "" if (sources.ROOT / arguments[2].replace(".", "/")).is_dir() else ".py"
        )
    if path.startswith(("tests", "benchmarks")) and not (sources.ROOT / path).exists():
        yield f"no file {path}"
    if path == "-I":
        yield from _of_the_night(arguments)


def _of_the_night(arguments: list[str]) -> Iterator[str]:
    """Give what is wrong with the program that a night leaves on its host, by what installs it."""
    text = "".join(path.read_text() for path in sources.files("plugins/module_utils/_steps/schedule.py"))
    program = arguments[2].replace("/shop/", "/{1}/").replace("/SITE/", "/{1}/")
    if program not in text.replace("{0}", ""):
        yield f"nothing installs {arguments[2]}"
    usage = (sources.UTILS / "_nightly" / "main.py").read_text()
    if f"``{arguments[3]} " not in usage:
        yield f"the program has no {arguments[3]}"


def units(arguments: list[str]) -> Iterator[str]:
    named = [word for word in arguments if word.startswith("relocate-")]
    text = (sources.UTILS / "_nightly" / "units.py").read_text() + (
        sources.UTILS / "_steps" / "schedule.py"
    ).read_text()
    yield from (
        f"no unit {word}"
        for word in named
        if not word.startswith("relocate-nightly-") or "relocate-nightly-" not in text
    )


def nothing(_arguments: list[str]) -> Iterator[str]:
    """Programs of others, whose options are theirs."""
    yield from ()


def parses(kind: type[Any]) -> Callable[[list[str]], Iterator[str]]:
    """Give a check that only has a command line parsed."""

    def check(arguments: list[str]) -> Iterator[str]:
        parsed(kind, arguments)
        yield from ()

    return check


CHECKS: dict[str, Callable[[list[str]], Iterator[str]]] = {
    "ansible": parses(AdHocCLI),
    "ansible-doc": doc,
    "ansible-galaxy": parses(GalaxyCLI),
    "ansible-playbook": playbook,
    "ansible-vault": parses(VaultCLI),
    "make": make,
    "python": python,
    "python3": python,
    "/usr/bin/python3": python,
    "systemctl": units,
    "journalctl": units,
    **dict.fromkeys((".", "curl", "dig", "git", "openssl", "pip", "rsync", "ssh", "sudo"), nothing),
}


def wrong(command: str) -> list[str]:
    """Give what is wrong with a command line of a page."""
    try:
        arguments = [word for word in shlex.split(command, comments=True) if word not in ("[36h]", "[-e")]
        while re.match(r"[A-Z_]+=", arguments[0]):
            arguments.pop(0)
        if arguments[0] not in CHECKS:
            return [f"nothing is known of {arguments[0]}"]
        return list(CHECKS[arguments[0]](arguments))
    except ValueError as error:
        return [str(error)]


@pytest.mark.parametrize("page", documented.PAGES, ids=sources.name_of)
def test_what_a_page_tells_to_type_is_there(page: Path) -> None:
    found = {command: wrong(command) for command in documented.commands(page)}
    assert {command: faults for command, faults in found.items() if faults} == {}


def test_pages_tell_to_type_something() -> None:
    shown = {path.stem: len(documented.commands(path)) for path in documented.GUIDES}
    assert len(shown) >= 9 and [name for name, count in shown.items() if not count] == []
    assert sum(len(documented.commands(path)) for path in documented.PAGES) > 70


def test_each_playbook_is_shown_with_its_command() -> None:
    shown = " ".join(command for path in documented.PAGES for command in documented.commands(path))
    assert [name for name in sorted(PLAYBOOKS) if not re.search(rf"relocate\.django\.{name}\b", shown)] == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("ansible-playbook relocate.django.remove -i inventory.yml", "no playbook relocate.django.remove"),
        ("ansible-playbook other.yml", "no playbook other.yml"),
        ("ansible-playbook relocate.django.move --chek", "unrecognized arguments: --chek"),
        ("ansible-playbook relocate.django.move -e relocate_revison=COMMIT", "no variable relocate_revison"),
        ("ansible-playbook relocate.django.move -e relocate_media=perhaps", "relocate_media"),
        ("ansible-playbook relocate.django.move -e relocate_proof=half", "relocate_proof"),
        ("ansible-doc relocate.django.backups", "no module relocate.django.backups"),
        ("ansible-galaxy collection instal relocate.django", "instal"),
        ("ansible-vault encript x", "encript"),
        ("make tests", "no target tests"),
        ("make unit T=tests/unit/test_no.py", "no tests/unit/test_no.py"),
        ("python3 -m tests.labs --help", "no file tests/labs.py"),
        ("python benchmarks/none.py", "no file benchmarks/none.py"),
        ("/usr/bin/python3 -I /usr/lib/relocate/shop/nightly.zip check X", "nothing installs"),
        ("/usr/bin/python3 -I /usr/local/lib/relocate/shop/nightly.zip look X", "has no look"),
        ("systemctl start relocate-shop.service", "no unit relocate-shop.service"),
        ("rm -rf /", "nothing is known of rm"),
        ("ssh 'root", "No closing quotation"),
    ],
)
def test_what_is_not_there_is_seen(command: str, fault: str) -> None:
    assert fault in " ".join(wrong(command))


def tasks(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the tasks with a module of ours in YAML, at whatever depth."""
    for item in value if isinstance(value, list) else []:
        for name, options in item.items() if isinstance(item, dict) else []:
            if name.startswith("relocate.django.") and isinstance(options, dict):
                yield name.removeprefix("relocate.django."), options
            yield from tasks(options)


def documented_options(module: str) -> dict[str, Any]:
    """Give the options of a module, those of its fragments among them."""
    found = sources.documentation(MODULES[module])
    for name in found.get("extends_documentation_fragment", []):
        if name.startswith("relocate.django.") and not name.startswith("relocate.django.attributes"):
            fragment = sources.PLUGINS / "doc_fragments" / f"{name.rpartition('.')[2]}.py"
            found["options"] = {**sources.documentation(fragment)["options"], **(found.get("options") or {})}
    return found["options"]


def defaults_of(page: Path) -> dict[str, dict[str, Any]]:
    """Give the options that a play of the page sets for groups of modules, by module."""
    groups = yaml.safe_load((sources.ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    found: dict[str, dict[str, Any]] = {}
    plays = [play for snippet in documented.snippets(page) if isinstance(snippet, list) for play in snippet]
    for play in plays:
        for group, options in play.get("module_defaults", {}).items():
            for module in groups[group.removeprefix("group/relocate.django.")]:
                found.setdefault(module, {}).update(options)
    return found


@pytest.mark.parametrize("page", documented.PAGES, ids=sources.name_of)
def test_tasks_of_a_page_give_modules_what_they_take(page: Path) -> None:
    defaults = defaults_of(page)
    for module, shown in (task for snippet in documented.snippets(page) for task in tasks(snippet)):
        whole = {**defaults.get(module, {}), **shown}
        given = {name: value for name, value in whole.items() if "{{" not in str(value)}
        spec = {
            name: {k: v for k, v in option.items() if k in ("type", "elements", "choices", "required")}
            for name, option in documented_options(module).items()
        }
        assert ArgumentSpecValidator(spec).validate(given).error_messages == [], module


def test_tasks_are_shown() -> None:
    shown = [task for path in documented.PAGES for item in documented.snippets(path) for task in tasks(item)]
    assert {name for name, _options in shown} >= {"backup_info", "backup_adopt", "fixture_load", "conversion_scan"}


PROGRAMS_OF_OTHERS = {"pg_dump"}


def names(options: dict[str, Any]) -> set[str]:
    """Give the names of options, and those of their keys."""
    inner = [names(option.get("suboptions") or {}) for option in options.values()]
    return set(options).union(*inner)


NAMES = {*_errors.CODES, *OPTIONS, *MODULES, *PLAYBOOKS, *PROGRAMS_OF_OTHERS}.union(
    *(names(documented_options(module)) for module in MODULES)
)


@pytest.mark.parametrize("guide", documented.GUIDES, ids=sources.name_of)
def test_words_in_code_are_codes_or_options(guide: Path) -> None:
    assert documented.words(guide) - NAMES == set()
