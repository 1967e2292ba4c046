# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``repository`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._repository.opened import lacking
from ansible_collections.relocate.django.plugins.module_utils._steps import repository


def work_on(module: Call) -> Dict[str, Any]:
    """Push, bring, note or check."""
    options = repository.Options.of(module.params)
    if options.state == "checked":
        return repository.check(options)
    missing = lacking(options.access()) if options.installs and module.check_mode else ""
    if missing:
        return _unread(module, options, missing)
    does = {"pushed": repository.push, "pulled": repository.pull, "noted": repository.note}
    return does[options.state](options, module.check_mode)


def _unread(module: Call, options: repository.Options, missing: str) -> Dict[str, Any]:
    """Tell that nothing can be told: a check installs no program, and what the set needs stands in the set."""
    text = (
        "{0} is not on this host, and is installed before the repository is read: so this check tells nothing of the"
        " set and of what it needs here. To have all of it checked, install {0} there, then check again"
    )
    tell(module, [text.format(missing)])
    return {"changed": True, "label": options.label or "", "unread": True}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.backup_set(),
            _argspec.retention(),
            _argspec.repository(),
            {
                "state": {"type": "str", "choices": ["pushed", "pulled", "noted", "checked"], "default": "pushed"},
                "read_parts": {"type": "int", "default": 20},
                "installs": {"type": "bool", "default": False},
            },
        ),
        "required_if": [("state", "noted", ["label"])],
    },
    work_on,
)
