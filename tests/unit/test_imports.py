# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may import whom: the layers of docs/architecture.md, read from the sources."""

from __future__ import annotations

import ast
import fnmatch
import sys
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from tests.unit import sources

GROUND = {"_broken", "_errors", "_model", "_options", "_printable", "_progress", "_stopwatch"}
SYSTEM = GROUND | {"_users", "_process", "_together"}
DRIVERS = {"psycopg2", "psycopg", "MySQLdb", "pymysql", "mysql", "sqlite3"}
#: Files of module_utils, and which files of module_utils they may import; the first pattern that fits counts.
#: One row for each wing, and for the files that others stand on. ENGINE stands for the engine's own name, so that no
#: engine sees another one.
RULES: list[tuple[str, set[str]]] = [
    # The ground: whoever needs it, nothing above it.
    ("_printable", set()),
    ("_errors", {"_printable"}),
    ("_broken", {"_errors"}),
    ("_model", set()),
    ("_carried", set()),
    ("_options", set()),
    ("_progress", set()),
    ("_stopwatch", {"_progress"}),
    ("_users", GROUND),
    ("_streams", {"_progress"}),
    ("_together", {"_users"}),
    ("_process", GROUND | {"_users", "_streams", "_together"}),
    ("_host.files", GROUND),
    ("_secrets", GROUND | {"_host.files"}),
    # The wings.
    ("_host.*", SYSTEM | {"_host.*"}),
    ("_standby.place", set()),
    ("_standby.*", SYSTEM | {"_host.files", "_standby.place"}),
    ("_age.*", SYSTEM | {"_secrets", "_host.facts", "_host.files", "_host.private", "_age.*"}),
    ("_record.*", GROUND | {"_host.files", "_standby.place", "_record.*"}),
    ("_services.*", SYSTEM | {"_secrets", "_host.*", "_record.*", "_services.*"}),
    ("_project.venv_*", {"_project.venv_*"}),
    ("_project.*", SYSTEM | {"_secrets", "_host.*", "_project.*"}),
    ("_media.*", SYSTEM | {"_host.*", "_record.*", "_project.git", "_project.tracked", "_media.*"}),
    ("_set.*", GROUND | {"_age.*", "_host.*", "_project.env_files", "_project.env_units", "_set.*"}),
    ("_code.*", SYSTEM | {"_host.*", "_project.*", "_media.archive", "_media.terms", "_set.directory", "_code.*"}),
    ("_repository.*", SYSTEM | {"_secrets", "_host.*", "_set.*", "_project.env_files", "_repository.*"}),
    # What runs a site's nights on its host; its program reaches the modules by name, as _window does.
    ("_nightly.*", SYSTEM | {"_host.openat", "_record.lease", "_set.policy", "_nightly.*"}),
    ("_redis.*", SYSTEM | {"_redis.*"}),
    ("_rabbitmq.*", SYSTEM | {"_rabbitmq.*"}),
    ("_transfer.*", SYSTEM | {"_host.*", "_set.*", "_transfer.*"}),
    # What runs in the project's interpreter sees nothing but its own kind.
    ("_fixtures.venv_*", {"_fixtures.venv_*", "_project.venv_*"}),
    ("_engines.*.venv_dialect", {"_fixtures.venv_dialect", "_fixtures.venv_values"}),
    ("_engines.compare", GROUND),
    ("_engines.foreign", GROUND),
    ("_engines.foreign_reader", GROUND | {"_engines.foreign"}),
    ("_engines.base", GROUND | {"_secrets", "_engines.compare", "_engines.foreign"}),
    ("_engines.sql", SYSTEM | {"_engines.base", "_engines.compare"}),
    ("_adopt.*", SYSTEM | {"_host.*", "_engines.foreign", "_adopt.*"}),
    ("_engines.following", SYSTEM | {"_host.files", "_engines.sql"}),
    ("_engines.registry", GROUND | {"_engines.base", "_engines.*.engine"}),
    (
        "_engines.*.*",
        SYSTEM
        | {"_secrets", "_host.*", "_engines.base", "_engines.compare", "_engines.foreign*", "_engines.sql"}
        | {"_engines.following", "_engines.ENGINE.*"},
    ),
    ("_discover.found", set()),
    (
        "_discover.*",
        SYSTEM
        | {
            "_secrets",
            "_host.*",
            "_services.systemd",
            "_services.names",
            "_services.unit",
            "_services.groups",
            "_project.*",
            "_discover.*",
        },
    ),
    # What modules are made of: options, the one exit, a project with its engines, the steps of a move.
    ("_argspec", set()),
    ("_compiled", set()),
    (
        "_module",
        GROUND
        | {
            "_age.opener",
            "_compiled",
            "_secrets",
            "_host.openat",
            "_host.progress_file",
            "_record.lease",
            "_project.venv_secrets",
        },
    ),
    ("_site", GROUND | {"_secrets", "_project.*", "_code.old", "_engines.base", "_engines.registry"}),
    ("_window", {"_broken", "_carried", "_errors", "_module", "_project.answers", "_site", "_standby.*"}),
    (
        "_fixtures.*",
        SYSTEM
        | {"_age.*", "_secrets", "_host.*", "_project.*", "_engines.base", "_engines.registry", "_site", "_fixtures.*"},
    ),
    (
        "_steps.*",
        SYSTEM
        | {
            "_secrets",
            "_site",
            "_age.*",
            "_host.*",
            "_record.*",
            "_services.*",
            "_discover.*",
            "_project.*",
            "_media.*",
            "_set.*",
            "_code.*",
            "_repository.*",
            "_nightly.*",
            "_redis.*",
            "_rabbitmq.*",
        }
        | {"_adopt.*", "_transfer.*", "_engines.base", "_engines.compare", "_engines.foreign", "_engines.registry"}
        | {"_fixtures.[a-z]*", "_steps.*"},
    ),
]
#: What the modules take, and what they do: the modules themselves only document it.
RUN_TOGETHER = {f"_modules.{name}" for name in CARRIED}
RULES.append(
    (
        "_modules.batch",
        {
            "_errors",
            "_progress",
            "_carried",
            "_module",
            "_site",
            "_window",
            "_project.ahead",
            "_record.kept",
            *RUN_TOGETHER,
        },
    )
)
SCHEDULED = {f"_modules.{name}" for name in ("backup", "backup_info", "rehearse", "repository")}
RULES.append(("_modules.schedule", {*dict(RULES)["_steps.*"], "_argspec", "_module", *SCHEDULED}))
RULES.append(("_modules.*", {*dict(RULES)["_steps.*"], "_argspec", "_module"}))
#: What the controller needs of all this: texts and types.
CONTROLLER = GROUND | {"_carried", "_standby.place"}
#: Who sees Ansible: the one exit of every module, and what runs on the controller.
ANSIBLE = {"_module"}


def utils_name(path: Path) -> str:
    """Give a file of module_utils as dotted name relative to it."""
    return ".".join(path.relative_to(sources.UTILS).with_suffix("").parts)


def local(path: Path) -> list[tuple[str, int]]:
    """Give the files of module_utils that a file imports."""
    prefix = sources.PREFIX + "module_utils."
    return [(name[len(prefix) :], line) for name, line in sources.imports(path) if name.startswith(prefix)]


def engine_of(name: str) -> str:
    """Give the engine that a file of _engines belongs to: postgresql for _engines.postgresql.programs."""
    return name.split(".")[1] if name.startswith("_engines.") else ""


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
def test_only_the_exit_of_modules_knows_ansible(path: Path) -> None:
    found = [name for name, _line in sources.imports(path) if name.split(".")[0] == "ansible"]
    assert not found or utils_name(path) in ANSIBLE


#: What runs on the controller only.
CONTROLLERS = sources.files(*(f"plugins/{name}/*.py" for name in ("action", "filter", "lookup", "plugin_utils")))


@pytest.mark.parametrize("path", CONTROLLERS, ids=sources.name_of)
def test_the_controllers_side_sees_no_database(path: Path) -> None:
    """Texts and lists only: whatever touches a site is a module on its host."""
    assert {name for name, _line in local(path)} <= CONTROLLER


@pytest.mark.parametrize("path", ALL, ids=sources.name_of)
def test_nothing_private_or_vanishing_is_imported(path: Path) -> None:
    for name, line in sources.imports(path):
        where = f"{sources.name_of(path)}:{line}"
        assert not name.startswith("."), f"{where}: relative imports do not reach a host"
        assert not name.startswith("ansible_collections.") or name.startswith(sources.PREFIX), f"{where}: {name}"
        assert name.split(".")[0] != "six", f"{where}: {name}"
        assert not name.startswith(("ansible.module_utils.six", "ansible.module_utils._text")), f"{where}: {name}"


@pytest.mark.parametrize("path", [*sources.modules(), *sources.works()], ids=sources.name_of)
def test_modules_see_neither_drivers_nor_engines(path: Path) -> None:
    names = {name for name, _line in sources.imports(path)}
    assert not {name.split(".")[0] for name in names} & (DRIVERS | {"subprocess"})
    engines = {name for name, _line in local(path) if name.startswith("_engines.")}
    assert engines <= {"_engines.base", "_engines.registry"}
    outside = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert all(name.startswith((sources.PREFIX + "module_utils.", "ansible.module_utils.")) for name in outside)


@pytest.mark.parametrize("path", sources.files("plugins/module_utils/**/venv_*.py"), ids=sources.name_of)
def test_what_runs_in_a_project_imports_django_inside_functions(path: Path) -> None:
    for node in sources.tree(path).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith(sources.PREFIX), name


FORKING = ("_standby.serve", "_engines.following")


def test_one_place_starts_programs() -> None:
    starting = {"subprocess", "pty", "multiprocessing", "asyncio.subprocess"}
    found = {utils_name(path) for path in UTILS for name, _line in sources.imports(path) if name in starting}
    # The probe cannot import the port: it runs in the project's interpreter.
    assert {name for name in found if not name.startswith(("_project.venv_", "_fixtures.venv_"))} == {"_process"}
    calls = {"system", "popen", "execv", "execve", "execvp", "posix_spawn", "spawnv", "fork"}
    for path in ALL:
        for node in sources.nodes(path):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                # What waits for calls answers each in a child, and what follows changes is one: no program is started.
                answers = path in UTILS and utils_name(path) in FORKING and node.attr == "fork"
                assert answers or node.attr not in calls, f"{sources.name_of(path)}:{node.lineno}: os.{node.attr}"


def test_one_place_ends_a_module() -> None:
    for path in ALL:
        for node in sources.nodes(path):
            if isinstance(node, ast.Attribute) and node.attr in ("exit_json", "fail_json", "run_command"):
                where = f"{sources.name_of(path)}:{node.lineno}: {node.attr}"
                assert path.parent.name == "modules" or path.name == "_module.py", where


def test_the_rules_refuse() -> None:
    allowed = dict(RULES)["_engines.*.*"]
    assert fits("_engines.sqlite.content", allowed, "sqlite")
    assert not fits("_engines.postgresql.state", allowed, "sqlite")
    assert not fits("_engines.postgresql.engine", allowed, "sqlite")
    assert not fits("_set.directory", allowed, "sqlite")
    assert not fits("_engines.sqlite.engine", dict(RULES)["_steps.*"])
    assert not fits("_steps.swap", dict(RULES)["_site"])


def test_every_wing_has_a_rule() -> None:
    wings = {name.rsplit(".", 1)[0] if name.count(".") else name for name in map(utils_name, UTILS)}
    ruled = {pattern.rsplit(".", 1)[0] if pattern.count(".") else pattern for pattern, _allowed in RULES}
    assert {wing for wing in wings if not fits(wing, ruled)} == set()


def test_no_wing_stands_on_one_above_it() -> None:
    """The rules themselves hold no circle: each wing imports such as are listed before it, and itself."""
    for number, (pattern, allowed) in enumerate(RULES):
        before = {earlier for earlier, _allowed in RULES[: number + 1]}
        later = {earlier for earlier, _allowed in RULES[number + 1 :]} - before
        assert not {name for name in allowed if name in later}, pattern


#: Files longer than that are two subjects.
LINES = 400


@pytest.mark.parametrize("path", UTILS, ids=utils_name)
def test_a_file_is_about_one_thing(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("path", sources.files("plugins/module_utils/_fixtures/*.py"), ids=sources.name_of)
def test_fixtures_know_no_engine_by_name(path: Path) -> None:
    """What an engine does in its own way says its dialect, so that a new one is a folder and a line."""
    known = {"postgresql", "mysql", "mariadb", "sqlite", "sqlite3"}
    for node in sources.nodes(path):
        where = f"{sources.name_of(path)}:{getattr(node, 'lineno', 0)}"
        assert not (isinstance(node, ast.Attribute) and node.attr == "vendor"), where
        assert not (isinstance(node, ast.Constant) and node.value in known), where


def test_the_map_names_every_wing() -> None:
    text = (sources.ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    names = {f"{path.name}/" if path.is_dir() else path.name for path in sources.UTILS.glob("_*")} - {"__pycache__/"}
    assert {name for name in names if f"    {name} " not in text} == set()
