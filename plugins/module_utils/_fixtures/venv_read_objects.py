# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads Django's own fixture formats, JSON, JSONL, XML and YAML, object by object in flat memory.

Each object is what Django's Python serializer has: ``{"model": ..., "pk": ..., "fields": {...}}``; in XML every value
is a text. Django's own readers hold a whole JSON or YAML file in memory.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import BinaryIO, Callable, Dict, Iterator

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_read_json,
    venv_read_xml,
    venv_read_yaml,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Item

READERS: Dict[str, Callable[[BinaryIO], Iterator[Item]]] = {
    "json": venv_read_json.items,
    "jsonl": venv_read_json.lines,
    "xml": venv_read_xml.items,
    "yaml": venv_read_yaml.items,
}
