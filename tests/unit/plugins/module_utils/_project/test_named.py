# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths that settings and variables name, in a real interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._project import probe
from tests.unit.plugins.module_utils._project.test_serving import MANAGE, SETTINGS

MORE = """
class Odd:
    def __str__(self):
        raise ValueError
DEEP = [[[[[[{top!r} + "/deep"]]]]]]
KEY_PATH = {top!r} + "/key"
NESTED = {{"a": [{{"DIRS": (BASE / "themes",)}}], "CACHE_DIR": {top!r} + "/cache"}}
MEDIA_ROOT, LOG_FILE, LOGIN_URL, ODD = {top!r} + "/media", {top!r} + "/log", {top!r}, Odd()
ALLOWED_HOSTS = ["x"]  # a variable of the environment is called so too, as django-environ reads it
GONE, RELATIVE, NUL = "/nonexistent", "key", "/a" + chr(0)
"""


def test_paths_of_settings_and_variables(tmp_path: Path) -> None:
    top = str(tmp_path)
    for name in ("key", "cache", "deep", "media", "log", "token", "app/themes/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    files = {"manage.py": MANAGE, "shop/__init__.py": "", "shop/settings.py": SETTINGS + MORE.format(top=top)}
    for name, text in files.items():
        (tmp_path / "app" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "app" / name).write_text(text)
    env = {"ALLOWED_HOSTS": "x", "TOKEN_FILE": f"{top}/token", "TMPDIR": top, "PIDFILE": f"{top}/log"}
    project = probe.find_project(f"{top}/app", interpreter=sys.executable, allow_root=True, env=env)
    found = {item["path"]: item["setting"] for item in probe.ask(project, ["named"])["named"]}
    assert {path: name for path, name in found.items() if path != f"{top}/app"} == {
        f"{top}/key": "KEY_PATH",
        f"{top}/app/themes": "NESTED",
        f"{top}/token": "TOKEN_FILE",
    }
