# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every engine is registered: a module reaches a host with only what is imported statically."""

from __future__ import annotations

import ast

from ansible_collections.relocate.django.plugins.module_utils._engines import base, registry
from tests.unit import sources

ENGINES = sources.UTILS / "_engines"


PRESENT = {path.parent.name for path in ENGINES.glob("*/engine.py")}


def test_registry_imports_every_engine() -> None:
    package = sources.PREFIX + "module_utils._engines."
    imported = {
        name[len(package) :] for name, _line in sources.imports(ENGINES / "registry.py") if name.startswith(package)
    }
    assert imported - {"base"} == {f"{name}.engine" for name in PRESENT}
    assert {path.name for path in ENGINES.iterdir() if path.is_dir() and path.name != "__pycache__"} == PRESENT


def test_registry_lists_every_engine_once() -> None:
    words = [word for served in registry.ENGINES.values() for word in served]
    assert sorted(set(words)) == sorted(words)
    names = [engine.name for engine in registry.ENGINES]
    assert sorted(set(names)) == sorted(names)
    assert {engine.__module__.rsplit(".", 2)[-2] for engine in registry.ENGINES} == PRESENT


def test_engines_fill_the_contract() -> None:
    for engine in registry.ENGINES:
        assert issubclass(engine, base.Engine)
        assert engine.__abstractmethods__ == frozenset()
        assert engine.name


def test_backends_are_not_named_elsewhere() -> None:
    """The engine follows from the settings: no module or role decides by a backend's name."""
    backends = {word for served in registry.ENGINES.values() for word in served}
    for path in sources.modules():
        for node in sources.nodes(path):
            if isinstance(node, ast.Compare):
                constants = {item.value for item in ast.walk(node) if isinstance(item, ast.Constant)}
                assert not constants & backends, f"{sources.name_of(path)}:{node.lineno}"
