# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``verify`` takes, and does it."""

from __future__ import annotations

from typing import Any, ContextManager, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import unused, verify


def work_on(module: Call) -> Dict[str, Any]:
    """Prove the new site, that nobody wrote to the old one, or that nobody used the new one."""
    options = verify.Options.of(module.params)
    source = options.source()
    tell(module, source.backup.unpinned(options.manifest_sha256))
    record = read_record(options.directory, options.site)

    def opened() -> ContextManager[Site]:
        return open_site(SiteOptions.of(module.params), options.topics())

    if options.unused:
        return unused.look(opened, options, source, record, module.check_mode)
    with opened() as site:
        proof = verify.still if options.frozen else verify.prove
        return proof(site, options, source, record)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.backup_set(),
            {
                "fingerprints": {"type": "bool", "default": True},
                "models": {"type": "bool", "default": True},
                "checks": {"type": "bool", "default": True},
                "media": {"type": "bool", "default": True},
                "frozen": {"type": "bool", "default": False},
                "unused": {"type": "bool", "default": False},
            },
        ),
    },
    work_on,
    writes=lambda params: bool(params["unused"]),
    asks=lambda params: verify.Options.of(params).topics(),
)
