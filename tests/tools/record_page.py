# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/record.md out of the keys of a site's record."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields

from tests.tools.collection import COPY, ROOT

PAGE = ROOT / "docs" / "record.md"
_HEAD = """# The record of a site

Each host keeps `SITE.json` below `relocate_directory`: what earlier runs did to the site there. The file is readable by
root alone, holds no secret, and is replaced in one step. A key that is absent says nothing; a key of another version is
kept as it is. Playbooks get answers made of the record (`past`, returned by the module `preflight`), and never a key.

This page is written by `make docs` from `plugins/module_utils/_record/`, the only place that knows the keys.
"""


def keys() -> Iterator[tuple[str, str]]:
    """Give every key with its meaning, and after it those of the objects that it holds."""
    if str(COPY.parents[2]) not in sys.path:
        sys.path.insert(0, str(COPY.parents[2]))
    from ansible_collections.relocate.django.plugins.module_utils._record.record import Record

    for one in fields(Record):
        if one.metadata["meaning"]:
            yield one.name, one.metadata["meaning"]
        for item in fields(one.metadata["of"]) if one.metadata["of"] else ():
            yield f"{one.name}.{item.name}", item.metadata["meaning"]


def text() -> str:
    """Give the whole page."""
    rows = "\n".join(f"| `{key}` | {meaning} |" for key, meaning in keys())
    return f"{_HEAD}\n| key | what it says |\n| --- | --- |\n{rows}\n"


if __name__ == "__main__":
    PAGE.write_text(text())
