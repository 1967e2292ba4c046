# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads a fixture into an incoming database, whatever its engine; the swap is restore's."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program
from ansible_collections.relocate.django.plugins.module_utils._site import Site


def load_fixture(site: Site, engine: Engine, path: str, forward: bool = True) -> Dict[str, Any]:
    """Make incoming, fill it out of the fixture and prove it; what goes wrong drops it.

    :param path: the fixture; it is compressed when its name ends in .zst
    :param forward: whether migrations that the code has beyond the fixture's are applied to the rows

    Returns ``counts`` (by model: objects, fingerprint, as read back from the database), ``migrated`` and ``header``.
    Raises what ``program.run`` and :meth:`Engine.incoming` raise.
    """
    with engine.context.stopwatch.step("load"), engine.incoming() as config, open(path, "rb") as stream:
        request = {"work": "load", "alias": engine.config.alias, "name": config.name, "forward": forward}
        return program.run(
            site.project,
            site.secrets,
            request,
            stdin=stream,
            compression=compression_of(path),
            progress=_told(engine.context.progress, engine.config.alias),
        )


def compression_of(path: str) -> str:
    """By the file's name."""
    return program.ZSTD if os.path.basename(path).endswith(".zst") else program.NONE


def _told(progress: Callable[[str], None], alias: str) -> Callable[[str], None]:
    return lambda line: progress("{0}: {1}".format(alias, line))
