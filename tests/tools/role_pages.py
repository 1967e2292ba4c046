# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write roles/*/README.md, which the registry of collections asks for, out of the argument specifications."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.tools.collection import ROOT

_WORDS = re.compile(r"[A-Z]\(([^()]*)\)")


def roles() -> list[Path]:
    """Give the roles' directories."""
    return sorted(path.parents[1] for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))


def text(role: Path) -> str:
    """Give the whole page of a role."""
    entries = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    parts = [f"# {role.name}\n"]
    for name, entry in entries.items():
        if name != "main":
            parts.append(f"## tasks_from: {name}\n")
        parts.append(f"{entry['short_description']}.\n")
        parts += [f"{_plain(sentence)}\n" for sentence in _listed(entry.get("description", []))]
        rows = [_row(option, value) for option, value in entry.get("options", {}).items()]
        if rows:
            parts.append("| variable | default | meaning |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts) + "\nWritten by `make docs` from `meta/argument_specs.yml`.\n"


def _row(name: str, option: dict[str, Any]) -> str:
    default = "required" if option.get("required") else f"`{json.dumps(option.get('default'))}`"
    meaning = " ".join(_plain(sentence) for sentence in _listed(option["description"]))
    cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in (f"`{name}`", default, meaning))
    return f"| {' | '.join(cells)} |"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _plain(sentence: str) -> str:
    """Turn C(code) and its like into Markdown."""
    return _WORDS.sub(r"`\1`", sentence).strip()


def write() -> None:
    """Write the page of every role."""
    for role in roles():
        (role / "README.md").write_text(text(role))


if __name__ == "__main__":
    write()
