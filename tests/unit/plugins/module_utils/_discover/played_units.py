# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A systemd for tests: units whose files lie below a directory, and what systemctl says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd


@dataclass
class Played:
    """Answers systemctl's three questions, and counts them."""

    top: Path
    shown: dict[str, dict[str, str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)  # of templates and others that nobody loaded
    asked: list[list[str]] = field(default_factory=list)

    def add(self, name: str, text: str, fragment: str = "", **properties: str) -> Path:
        """Make a unit with its file."""
        path = self.top / (fragment or name)
        path.write_text(text)
        found = {"Id": name, "LoadState": "loaded", "ActiveState": "inactive", "FragmentPath": str(path)}
        self.shown[name] = {**found, **properties}
        return path

    def __call__(self, command: Command, **_options: Any) -> Completed:
        argv = list(command.argv)
        self.asked.append(argv)
        if "list-unit-files" in argv:
            text = "".join(f"{name} enabled enabled\n" for name in [*self.shown, *self.files])
        elif "list-units" in argv:
            text = "".join(f"  {name} loaded active running Some words\n" for name in self.shown)
        else:
            names = argv[argv.index("--") + 1 :] if "--" in argv else []  # daemon-reload names none
            blocks = [self.shown.get(name, {"Id": name, "LoadState": "not-found"}) for name in names]
            text = "\n\n".join("\n".join(f"{key}={value}" for key, value in block.items()) for block in blocks)
        return Completed(tuple(argv), 0, text.encode())

    @property
    def systemd(self) -> Systemd:
        return Systemd(self, str(self.top))
