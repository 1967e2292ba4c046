# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may import whom: the layers of docs/architecture.md, read from the sources."""

from __future__ import annotations

import ast
import fnmatch
import sys
from pathlib import Path

import pytest

from tests.unit import sources

GROUND = {"_errors", "_model", "_printable", "_stopwatch"}
BASE = GROUND | {"_process", "_secrets", "_host", "_lease", "_systemd", "_openat", "_parents"}
DRIVERS = {"psycopg2", "psycopg", "MySQLdb", "pymysql", "mysql", "sqlite3"}
#: Files of module_utils, and which files of module_utils they may import; the first pattern that fits counts.
#: ENGINE stands for the engine's own name, so that no engine sees another one.
RULES: list[tuple[str, set[str]]] = [
    ("_printable", set()),
    ("_errors", {"_printable"}),
    ("_model", set()),
    ("_stopwatch", set()),
    ("_secrets", GROUND),
    ("_process", GROUND),
    ("_host", GROUND | {"_secrets"}),
    ("_lease", GROUND | {"_secrets", "_host"}),
    ("_systemd", GROUND | {"_process"}),
    ("_openat", GROUND | {"_process"}),
    ("_parents", GROUND | {"_openat"}),
    ("_manifest", GROUND),
    ("_seal", GROUND),
    ("_pins", GROUND | {"_secrets", "_host"}),
    ("_backup_set", GROUND | {"_secrets", "_host", "_manifest", "_pins", "_seal"}),
    ("_project.venv_*", {"_project.venv_*"}),
    ("_project.*", BASE | {"_project.*"}),
    ("_fixtures.venv_*", {"_fixtures.venv_*", "_project.venv_*"}),
    ("_fixtures.*", BASE | {"_fixtures.*", "_project.*", "_engines.base", "_site"}),
    ("_engines.base", GROUND | {"_secrets"}),
    ("_engines.registry", GROUND | {"_engines.base", "_engines.[a-z]*"}),
    ("_engines._sql", GROUND | {"_process"}),
    (
        "_engines.*",
        GROUND
        | {"_engines.base", "_engines._sql", "_process", "_secrets", "_openat", "_parents", "_engines._ENGINE_*"},
    ),
    ("_argspec", BASE | {"_engines.base", "_engines.registry", "_project.*"}),
    # What modules share: everything but engines by name.
    ("_*", {"_[a-z]*", "_engines.base", "_engines.registry", "_project.*", "_fixtures.[a-z]*"}),
]
#: Who sees Ansible: the option groups, and what runs on the controller.
ANSIBLE = {"_argspec"}


def utils_name(path: Path) -> str:
    """Give a file of module_utils as dotted name relative to it."""
    return ".".join(path.relative_to(sources.UTILS).with_suffix("").parts)


def local(path: Path) -> list[tuple[str, int]]:
    """Give the files of module_utils that a file imports."""
    prefix = sources.PREFIX + "module_utils."
    return [(name[len(prefix) :], line) for name, line in sources.imports(path) if name.startswith(prefix)]


def engine_of(name: str) -> str:
    """Give the engine that a file of _engines belongs to: postgresql for _engines._postgresql_dump."""
    engines = [path.stem for path in sources.UTILS.glob("_engines/[a-z]*.py") if path.stem not in ("base", "registry")]
    stem = name.rsplit(".", 1)[-1]
    found = [engine for engine in engines if stem == engine or stem.startswith(f"_{engine}_")]
    return max(found, key=len) if found else stem.split("_")[1] if stem.startswith("_") else stem


def fits(name: str, patterns: set[str], engine: str = "") -> bool:
    """Tell whether a dotted name is one of the allowed; a pattern's * does not cross a dot."""
    for pattern in patterns:
        chosen = pattern.replace("ENGINE", engine)
        if name.count(".") == chosen.count(".") and fnmatch.fnmatchcase(name, chosen):
            return True
    return False


UTILS = [path for path in sources.files("plugins/module_utils/**/*.py") if path.name != "__init__.py"]
ALL = sources.files("plugins/**/*.py")


@pytest.mark.parametrize("path", UTILS, ids=utils_name)
def test_layers(path: Path) -> None:
    name = utils_name(path)
    allowed = next(allowed for pattern, allowed in RULES if fits(name, {pattern}))
    engine = engine_of(name)
    refused = [f"{path.name}:{line}: {other}" for other, line in local(path) if not fits(other, allowed, engine)]
    assert refused == []


@pytest.mark.parametrize("path", UTILS, ids=utils_name)
def test_only_the_option_groups_know_ansible(path: Path) -> None:
    found = [name for name, _line in sources.imports(path) if name.split(".")[0] == "ansible"]
    assert not found or utils_name(path) in ANSIBLE


@pytest.mark.parametrize("path", sources.files("plugins/plugin_utils/*.py", "plugins/action/*.py"), ids=sources.name_of)
def test_the_controllers_side_sees_no_database(path: Path) -> None:
    """Texts and lists only: whatever touches a site is a module on its host."""
    assert {name for name, _line in local(path)} <= BASE | {"_backup_set", "_model"}


@pytest.mark.parametrize("path", ALL, ids=sources.name_of)
def test_nothing_private_or_vanishing_is_imported(path: Path) -> None:
    for name, line in sources.imports(path):
        where = f"{sources.name_of(path)}:{line}"
        assert not name.startswith("."), f"{where}: relative imports do not reach a host"
        assert not name.startswith("ansible_collections.") or name.startswith(sources.PREFIX), f"{where}: {name}"
        assert name.split(".")[0] != "six", f"{where}: {name}"
        assert not name.startswith(("ansible.module_utils.six", "ansible.module_utils._text")), f"{where}: {name}"


@pytest.mark.parametrize("path", sources.modules(), ids=sources.name_of)
def test_modules_see_neither_drivers_nor_engines(path: Path) -> None:
    names = {name for name, _line in sources.imports(path)}
    assert not {name.split(".")[0] for name in names} & (DRIVERS | {"subprocess"})
    engines = {name for name, _line in local(path) if name.startswith("_engines.")}
    assert engines <= {"_engines.base", "_engines.registry"}
    outside = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert all(name.startswith((sources.PREFIX + "module_utils.", "ansible.module_utils.")) for name in outside)


@pytest.mark.parametrize("path", sources.files("plugins/module_utils/_*/venv_*.py"), ids=sources.name_of)
def test_what_runs_in_a_project_imports_django_inside_functions(path: Path) -> None:
    for node in sources.tree(path).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith(sources.PREFIX), name


def test_one_place_starts_programs() -> None:
    starting = {"subprocess", "pty", "multiprocessing", "asyncio.subprocess"}
    found = {utils_name(path) for path in UTILS for name, _line in sources.imports(path) if name in starting}
    # The probe cannot import the port: it runs in the project's interpreter.
    assert {name for name in found if not name.startswith(("_project.venv_", "_fixtures.venv_"))} == {"_process"}
    calls = {"system", "popen", "execv", "execve", "execvp", "posix_spawn", "spawnv", "fork"}
    for path in ALL:
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                assert node.attr not in calls, f"{sources.name_of(path)}:{node.lineno}: os.{node.attr}"


def test_one_place_ends_a_module() -> None:
    for path in ALL:
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("exit_json", "fail_json", "run_command"):
                where = f"{sources.name_of(path)}:{node.lineno}: {node.attr}"
                assert path.parent.name == "modules" or path.name == "_argspec.py", where


def test_the_rules_refuse() -> None:
    allowed = dict(RULES)["_engines.*"]
    assert fits("_engines._sqlite_hash", allowed, "sqlite")
    assert not fits("_engines._postgresql_state", allowed, "sqlite")
    assert not fits("_engines.postgresql", allowed, "sqlite")
    assert not fits("_backup_set", allowed, "sqlite")
    assert not fits("_engines.sqlite", dict(RULES)["_*"])
