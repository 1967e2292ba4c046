# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``migrations_info`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._project import making

_SHOWN = 10
_BY_ALIAS = ("unapplied", "unknown", "inconsistent")
#: What may be refused -> code, what is said of it, and the next step.
_REFUSALS: Mapping[str, Tuple[str, str, str]] = {
    "conflicts": (
        "migration_conflict",
        "apps have several last migrations: {0}",
        "merge them with manage.py makemigrations --merge",
    ),
    "unknown": (
        "unknown_migration",
        "the code lacks migrations that are applied: {0}",
        "check out a revision that has them",
    ),
    "inconsistent": (
        "migration_conflict",
        "migrations are applied before those that they depend on: {0}",
        "apply the missing one, or mark it with relocate.django.migrate (fake: true) when its change is there",
    ),
    "partly": (
        "unapplied_migrations",
        "of squashed migrations some are applied and others are not: {0}",
        "apply the rest of them with code that has their files, before those go",
    ),
    "missing": (
        "missing_migrations",
        "models have changes that no migration holds: {0}",
        "run relocate.django.makemigrations, and commit what it writes",
    ),
    "unapplied": (
        "unapplied_migrations",
        "migrations are not applied: {0}",
        "apply them with relocate.django.migrate",
    ),
}


def work_on(module: Call) -> Dict[str, Any]:
    """List, then fail for the first kind that is fatal."""
    params = module.params
    found = making.listed(_site.ProjectOptions.of(params).find(), params["aliases"])
    if params["apps"]:
        found = of_apps(found, set(params["apps"]))
    by_alias = found["aliases"]
    told = {
        "migrations": found["listed"],
        **{name: {alias: item[name] for alias, item in by_alias.items()} for name in _BY_ALIAS},
        "partly": found["partly"],
        "conflicts": found["conflicts"],
        "missing": found["missing"],
        "text": {alias: as_lines(items) for alias, items in found["listed"].items()},
    }
    for kind in (one for one in _REFUSALS if one in params["fail_on"]):
        refuse(kind, told)
    return {"changed": False, **told}


def of_apps(found: Mapping[str, Any], apps: Set[str]) -> Dict[str, Any]:
    """Return what is said of some apps."""

    def own(names: List[str]) -> List[str]:
        return [name for name in names if name.partition(".")[0].partition(":")[0] in apps]

    return {
        "listed": {alias: [item for item in items if item["app"] in apps] for alias, items in found["listed"].items()},
        "aliases": {
            alias: dict(item, unapplied=own(item["unapplied"]), unknown=own(item["unknown"]))
            for alias, item in found["aliases"].items()
        },
        "partly": {alias: own(texts) for alias, texts in found["partly"].items()},
        "conflicts": {label: names for label, names in found["conflicts"].items() if label in apps},
        "missing": own(found["missing"]),
    }


def refuse(kind: str, told: Mapping[str, Any]) -> None:
    """Raise the error of a kind when there is something of it."""
    texts = _texts(kind, told[kind])
    if texts:
        code, text, hint = _REFUSALS[kind]
        shown = ", ".join(texts[:_SHOWN]) + (", ..." if len(texts) > _SHOWN else "")
        raise RelocateError(code, text.format(shown), hint, dict(told))


def _texts(kind: str, value: Any) -> List[str]:
    """Put what there is of a kind into words."""
    if kind == "missing":
        return list(value)
    if kind == "conflicts":
        return ["{0} ({1})".format(label, ", ".join(names)) for label, names in sorted(value.items())]
    if kind == "inconsistent":
        return ["{0}: {1}".format(alias, text) for alias, text in sorted(value.items()) if text]
    return ["{0} on {1}".format(name, alias) for alias, names in sorted(value.items()) for name in names]


def as_lines(items: List[Dict[str, Any]]) -> List[str]:
    """The list as showmigrations prints it."""
    lines: List[str] = []
    app = None
    for item in items:
        if item["app"] != app:
            app = item["app"]
            lines.append(str(app))
        squashed = " ({0} squashed migrations)".format(len(item["replaces"])) if item["replaces"] else ""
        lines.append(" [{0}] {1}{2}".format("X" if item["applied"] else " ", item["name"], squashed))
    return lines


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.aliases(),
            {
                "apps": {"type": "list", "elements": "str", "default": []},
                "fail_on": {"type": "list", "elements": "str", "choices": list(_REFUSALS), "default": []},
            },
        ),
    },
    work_on,
    writes=never,
)
