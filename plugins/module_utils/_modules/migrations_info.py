# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``migrations_info`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._project import making

_SHOWN = 10
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
    chosen = set(params["apps"])
    listed = {
        alias: [item for item in items if not chosen or item["app"] in chosen]
        for alias, items in found["listed"].items()
    }
    lists = {
        name: {alias: _of_apps(item[name], chosen) for alias, item in found["aliases"].items()}
        for name in ("unapplied", "unknown")
    }
    told = {
        "migrations": listed,
        **lists,
        "inconsistent": {alias: item["inconsistent"] for alias, item in found["aliases"].items()},
        "conflicts": {label: names for label, names in found["conflicts"].items() if not chosen or label in chosen},
        "missing": [text for text in found["missing"] if not chosen or text.partition(":")[0] in chosen],
        "text": {alias: as_lines(items) for alias, items in listed.items()},
    }
    for kind in (one for one in _REFUSALS if one in params["fail_on"]):
        refuse(kind, told)
    return {"changed": False, **told}


def _of_apps(names: List[str], chosen: "set[str]") -> List[str]:
    return [name for name in names if not chosen or name.partition(".")[0] in chosen]


def refuse(kind: str, told: Mapping[str, Any]) -> None:
    """Raise the error of a kind when there is something of it."""
    value, code = told[kind], _REFUSALS[kind]
    if kind == "missing":
        texts = list(value)
    elif kind == "conflicts":
        texts = ["{0} ({1})".format(label, ", ".join(names)) for label, names in sorted(value.items())]
    elif kind == "inconsistent":
        texts = ["{0}: {1}".format(alias, text) for alias, text in sorted(value.items()) if text]
    else:
        texts = ["{0} on {1}".format(name, alias) for alias, names in sorted(value.items()) for name in names]
    if texts:
        shown = ", ".join(texts[:_SHOWN]) + (", ..." if len(texts) > _SHOWN else "")
        raise RelocateError(code[0], code[1].format(shown), code[2], dict(told))


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
