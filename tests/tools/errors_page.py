# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/errors.md out of the catalogue of error codes."""

from __future__ import annotations

import ast

from tests.tools.collection import ROOT

PAGE = ROOT / "docs" / "errors.md"
_SOURCE = ROOT / "plugins" / "module_utils" / "_errors.py"
_HEAD = """# Errors

Every refusal reads `[code] what was refused Next: what to do`. A task that fails returns the code as `code`, the next
step as `hint`, and facts for scripts as `details`. Codes are stable: a script or a rescue block may test them.

This page is written by `make docs` from `plugins/module_utils/_errors.py`.
"""


def groups() -> list[tuple[str, dict[str, str]]]:
    """Give the catalogue's groups, each under the comment that heads it."""
    text = _SOURCE.read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "CODES":
            codes: dict[str, str] = ast.literal_eval(node.value) if node.value else {}
            lines = text.splitlines()[node.lineno : node.end_lineno]
            break
    else:
        raise SystemExit(f"{_SOURCE} defines no CODES")
    found: list[tuple[str, dict[str, str]]] = []
    for line in lines:
        word = line.strip()
        if word.startswith("#"):
            found.append((word.lstrip("# "), {}))
        elif word.startswith('"'):
            code = word.split('"')[1]
            found[-1][1][code] = codes[code]
    return found


def text() -> str:
    """Give the whole page."""
    parts = [_HEAD]
    for title, codes in groups():
        rows = "\n".join(f"| `{code}` | {meaning} |" for code, meaning in codes.items())
        parts.append(f"## {title[0].upper()}{title[1:]}\n\n| code | meaning |\n| --- | --- |\n{rows}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text())
