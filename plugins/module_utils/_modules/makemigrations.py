# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``makemigrations`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._project import making
from ansible_collections.relocate.django.plugins.module_utils._steps import development

CHECKED, PLANNED, WRITTEN = "checked", "planned", "written"
_SHOWN = 10


def work_on(module: Call) -> Dict[str, Any]:
    """Tell, refuse or write what the models lack."""
    params = module.params
    project = _site.ProjectOptions.of(params).find()
    apps, name = params["apps"], params["name"] or ""
    if name and not name.isidentifier():
        raise RelocateError(
            "bad_option", "name is {0!r}, no name of Python".format(name), "write letters, digits and _"
        )
    files = making.made(project, apps, name, False)
    if files and params["state"] == CHECKED:
        refuse(files)
    if files and params["state"] == WRITTEN:
        if not params["development"]:
            development.check(project)
        if not module.check_mode:
            files = making.made(project, apps, name, True)
    return {
        "changed": bool(files) and params["state"] == WRITTEN,
        "migrations": files,
        "diff": [
            {"before": "", "after": item["text"], "before_header": "/dev/null", "after_header": item["path"]}
            for item in files
        ],
    }


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
