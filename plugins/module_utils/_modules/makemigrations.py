# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``makemigrations`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._project import making
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._steps import development

CHECKED, PLANNED, WRITTEN = "checked", "planned", "written"
_SHOWN = 10


def work_on(module: Call) -> Dict[str, Any]:
    """Tell, refuse or write what the models lack."""
    params = module.params
    project = _site.ProjectOptions.of(params).find()
    apps, name = params["apps"], params["name"] or ""
    check_name(name)
    files = making.made(project, apps, name, False)
    if files and params["state"] == CHECKED:
        refuse(files)
    writes = bool(files) and params["state"] == WRITTEN
    if writes:
        files = write(module, project, name) or files
    return {"changed": writes, "migrations": files, "diff": [diff_of(item) for item in files]}


def write(module: Call, project: Project, name: str) -> List[Dict[str, Any]]:
    """Write the files where that may be, and nothing in check mode. Raises not_development."""
    if not module.params["development"]:
        development.check(project)
    return [] if module.check_mode else making.made(project, module.params["apps"], name, True)


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a module of Python. Raises bad_option."""
    if name and not name.isidentifier():
        raise RelocateError("bad_option", "no migration can be named {0!r}".format(name), "write letters, digits and _")


def diff_of(item: Dict[str, Any]) -> Dict[str, str]:
    """Return a new file as Ansible shows one."""
    headers = {"before_header": "/dev/null", "after_header": item["path"]}
    return {"before": "", "after": item["text"], **headers}


def refuse(files: List[Dict[str, Any]]) -> None:
    """Raise missing_migrations with what the migrations would do."""
    texts = ["{0}: {1}".format(item["app"], text) for item in files for text in item["operations"]]
    raise RelocateError(
        "missing_migrations",
        "models have changes that no migration holds: {0}{1}".format(
            ", ".join(texts[:_SHOWN]), ", ..." if len(texts) > _SHOWN else ""
        ),
        "run it with state: written in a development checkout, and commit the result",
        {"migrations": files},
    )


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            {
                "state": {"type": "str", "choices": [CHECKED, PLANNED, WRITTEN], "default": CHECKED},
                "apps": {"type": "list", "elements": "str", "default": []},
                "name": {"type": "str"},
                "development": {"type": "bool", "default": False},
            },
        ),
    },
    work_on,
)
