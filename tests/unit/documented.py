# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pages show for somebody to type or to copy: command lines, YAML, and words in code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.unit import sources

GUIDES = sources.files("docs/docsite/rst/*.rst")
PAGES = sources.files("*.md", "docs/*.md", "examples/*/README.md") + GUIDES
PAGES.remove(sources.ROOT / "CHANGELOG.md")  # what was so once
#: What begins a line that is typed; a sentence does not.
PROGRAMS = frozenset(
    "ansible ansible-doc ansible-galaxy ansible-playbook ansible-vault curl dig git journalctl make openssl pip psql"
    " python python3 rsync ssh sudo systemctl . /usr/bin/python3 RELOCATE_DRAWN=all RELOCATE_REAL_APPS=1".split()
)


def blocks(path: Path) -> Iterator[tuple[str, str]]:
    """Give each block of code with its language, which is empty for one that is only indented."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".rst":
        pattern = r"(?m)^([ ]*)\.\. code-block:: (\w+)\n\n((?:\1   .*\n|\n)+)"
        yield from ((language, textwrap.dedent(body)) for _indent, language, body in re.findall(pattern, text + "\n"))
        return
    fenced = r"(?ms)^```(\w*)\n(.*?)^```"
    yield from re.findall(fenced, text)
    rest = re.sub(fenced, "", text)
    yield from (("", textwrap.dedent(body)) for body in re.findall(r"(?m)(?<=\n\n)((?: {4,}\S.*\n|\n(?= {4}))+)", rest))


def commands(path: Path) -> list[str]:
    """Give the command lines of a page: those in blocks, and those of Ansible in a sentence."""
    found = []
    for language, body in blocks(path):
        lines = body.replace("\\\n", " ").splitlines()
        typed = [line.strip() for line in lines if language == "shell" or line.split(" ")[0] in PROGRAMS]
        found += [line for line in typed if line and (language in ("", "shell"))]
    text = path.read_text(encoding="utf-8")
    return found + [" ".join(item.split()) for item in re.findall(r"`(ansible-playbook [^`]+)`", text)]


def snippets(path: Path) -> Iterator[Any]:
    """Give the YAML that a page shows."""
    for language, body in blocks(path):
        if language == "yaml" or (not language and re.match(r"(?:- )?(?:relocate|schedule)[._]\w+", body)):
            yield yaml.safe_load(body.replace(": https://...", ": https://x"))


def words(path: Path) -> set[str]:
    """Give the words in code of a guide that are names: with an underscore, and no variable of the user's."""
    found = re.findall(r"``([a-z]+(?:_[a-z]+)+)``", path.read_text(encoding="utf-8"))
    return {word for word in found if not word.startswith(("relocate_", "schedule_"))}
