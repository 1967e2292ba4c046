# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site on an old host and the new one that it goes to, both in a directory: complete, until a test plants a lack.

Everything is read by the product's own readers: unit files, nginx's configuration, crontabs, settings in a real
interpreter. What is played is systemctl, the programs that listen, and nginx's test of its own configuration.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    cron,
    listening,
    named,
    nginx,
    opened,
    starters,
    system_files,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.listening import Listener
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._module import Module
from ansible_collections.relocate.django.plugins.module_utils._modules import preflight as preflight_module
from ansible_collections.relocate.django.plugins.module_utils._modules import rehearse as rehearse_module
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    belongings,
    preflight,
    preflight_new,
    readiness,
    rehearse,
)
from tests.unit.fakes import me
from tests.unit.plugins.module_utils._discover.played_units import Played

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
SETTINGS = """
import json, os
from pathlib import Path
BASE = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["shop.example.org"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
                  "django.contrib.staticfiles"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
ROOT_URLCONF = "shop.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [BASE / "templates"],
              "APP_DIRS": True}]
DB_FILE = BASE / "db.sqlite3"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DB_FILE}}
STATIC_URL, STATIC_ROOT = "/static/", BASE / "static"
MEDIA_ROOT = BASE / "media"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
json.loads((BASE / "conf" / "keys.json").read_text())
"""
CODE = {
    "manage.py": MANAGE,
    "shop/__init__.py": "",
    "shop/settings.py": SETTINGS,
    "shop/urls.py": "urlpatterns = []\n",
    "templates/base.html": "<h1>shop</h1>\n",
    ".gitignore": "/.env\n/.venv/\n/conf/\n/media/\n/static/\n/db.sqlite3\n__pycache__/\n",
}
#: Beside the code, as git does not hold them.
BESIDE = {
    ".env": "SECRET_KEY=c4nary-key\n",
    "conf/keys.json": "{}",
    "media/a.txt": "x",
}
WEB = """
[Unit]
Wants=network-online.target
[Service]
{user}WorkingDirectory={app}
EnvironmentFile={etc}/default/shop
ExecStart={app}/.venv/bin/gunicorn --bind 127.0.0.1:8431 shop.wsgi
[Install]
WantedBy=multi-user.target
"""
JOB = "[Service]\nType=oneshot\nWorkingDirectory={app}\nExecStart={app}/.venv/bin/python manage.py clearsessions\n"
TIMER = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"
NGINX = """
events {{ }}
http {{
    include {etc}/nginx/sites-enabled/*;
}}
"""
SERVER = """
server {{
    listen 8480 ssl;
    server_name shop.example.org;
    include {etc}/nginx/snippets/tls.conf;
    location /static/ {{ alias {app}/static/; }}
    location / {{ proxy_pass http://127.0.0.1:8431; }}
}}
"""
TLS = "ssl_certificate {etc}/ssl/shop.crt;\nssl_certificate_key {etc}/ssl/shop.key;\nssl_dhparam {etc}/ssl/dh.pem;\n"
#: Below /etc: what an administrator has put there for this site.
ETC = {
    "systemd/shop.service": WEB,
    "systemd/shop.service.d/more.conf": "[Service]\nNice=5\n",
    "systemd/job.service": JOB,
    "systemd/job.timer": TIMER,
    "default/shop": "WEB_CONCURRENCY=2\n",
    "nginx/nginx.conf": NGINX,
    "nginx/sites-enabled/shop": SERVER,
    "nginx/snippets/tls.conf": TLS,
    "ssl/shop.crt": "certificate",
    "ssl/shop.key": "key",
    "ssl/dh.pem": "dh",
    "logrotate.d/shop": "{app}/shop.log {{ weekly }}\n",
}
#: Files that new brings itself.
_OF_NEW = ("nginx/nginx.conf",)


def defaults(module: Module) -> dict[str, Any]:
    """Return what a task that names no option gives a module."""
    return {name: option.get("default") for name, option in module.arguments["argument_spec"].items()}


class Host:
    """One of both: a directory with an /etc and the project, and a systemd that is played."""

    def __init__(self, top: Path) -> None:
        self.top, self.etc, self.app = top, top / "etc", top / "srv" / "app"
        (self.etc / "systemd").mkdir(parents=True)
        self.played = Played(self.etc / "systemd")
        self.listeners: list[Listener] = []

    def write(self, path: Path, text: str) -> Path:
        """Write a file, in whose text {app}, {etc} and {user} stand for this host's."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(app=self.app, etc=self.etc, user="") if path.is_relative_to(self.etc) else text)
        return path

    def unit(self, name: str, text: str, **properties: str) -> str:
        """Put a unit there, which runs and starts at boot."""
        shown = {"ActiveState": "active", "UnitFileState": "enabled", **properties}
        path = self.played.add(name, text.format(app=self.app, etc=self.etc, user=""), **shown)
        return str(path)

    def environment(self) -> None:
        """Make an environment with the Django of these tests."""
        bin_, real = self.app / ".venv" / "bin", Path(sys.executable).resolve()
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = self.app / ".venv" / "lib" / version / "site-packages"
        for directory in (bin_, packages):
            directory.mkdir(parents=True)
        (bin_ / "python").symlink_to(real)
        (bin_ / "gunicorn").write_text(f"#!{bin_}/python\n")
        (bin_ / "gunicorn").chmod(0o755)
        (bin_.parent / "pyvenv.cfg").write_text(f"home = {real.parent}\n")
        spec = importlib.util.find_spec("django")
        assert spec is not None and spec.origin is not None
        (packages / "django.pth").write_text(f"{Path(spec.origin).parent.parent}\n")


class Pair:
    """A site that an inventory names whole, on old; new has what the move will have brought when it is rehearsed."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.old, self.new = Host(top / "old"), Host(top / "new")
        self.at = self.old
        self.distributions: list[dict[str, Any]] = []
        self.refuses: dict[str, str] = {}  # unit -> what a server says of its configuration on new
        self.more: dict[str, Any] = {}  # for new alone
        self.needs: dict[str, Any] = {}  # what old said, once it was looked at
        self.of_old: list[Path] = []  # what is there on old alone, by the same name
        self.later: list[Callable[[], object]] = []  # what happens on new between preflight and rehearsal
        self.unknown: set[str] = set()  # users and groups that new has not
        self.servers: dict[str, set[tuple[str, int]]] = {"old": set(), "new": set()}  # who answers whom
        for name, text in {**CODE, **BESIDE}.items():
            self.old.write(self.old.app / name, text)
        for name, text in ETC.items():
            self.old.write(self.old.etc / name, text)
        self._certificate(self.old)
        self.old.environment()
        with contextlib.closing(sqlite3.connect(self.old.app / "db.sqlite3")) as made:
            made.execute("CREATE TABLE t (a)")
        self._units(self.old)
        self.new.unit("nginx.service", "[Service]\nExecStart=/usr/sbin/nginx\n")
        git = ["git", "-C", str(self.old.app), "-c", "user.name=t", "-c", "user.email=t@example.org"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
            subprocess.run([*git, *words], check=True)
        self.git = git
        self.python = self.new.write(top / "python3", "#!/bin/sh\necho 3.13.5\n")
        self.python.chmod(0o755)
        self.inventory: dict[str, Any] = {
            "units": ["shop.service", "job.timer"],
            "reload": ["nginx"],
            "files": [".env", "conf/keys.json", *(str(self.old.etc / name) for name in ETC if name not in _OF_NEW)],
            "env_files": [".env"],
        }
        self._play()

    def _certificate(self, host: Host) -> None:
        for name, text in zip(("crt", "key"), certificate(), strict=True):
            (host.etc / f"ssl/shop.{name}").write_text(text)

    def _units(self, host: Host) -> None:
        drop_in = str(host.etc / "systemd/shop.service.d/more.conf")
        host.unit("shop.service", WEB, DropInPaths=drop_in, WantedBy="multi-user.target")
        host.unit("job.service", JOB, TriggeredBy="job.timer", ActiveState="inactive", UnitFileState="static")
        host.unit("job.timer", TIMER, Triggers="job.service")
        host.unit("nginx.service", "[Service]\nExecStart=/usr/sbin/nginx\n")

    def _play(self) -> None:
        """Let the readers read the host at hand instead of this machine."""
        play = self.monkeypatch.setattr
        places = {name: getattr(system_files, name) for name in ("_PLACES", "_SHARED")}
        for name, table in places.items():
            play(system_files, name, {str(self.old.top) + pattern: item for pattern, item in table.items()})
        for name in ("_TABLE", "_MORE_TABLES", "_ANACRON"):
            play(cron, name, str(self.old.top) + getattr(cron, name))
        play(cron, "_SPOOLS", [str(self.old.top / "spool")])
        play(cron, "_SCRIPTS", [])
        play(starters.user_units, "read", lambda files: [])
        for module in (opened, named):
            play(module, "_PASSING", re.compile("^/run/"))
        play(nginx, "find", lambda: nginx.sites(ConfigFiles(), str(self.at.etc / "nginx" / "nginx.conf")))
        play(belongings.apache, "find", list)
        read = starters.read
        play(belongings.starters, "read", lambda files: read(files, self.at.played.systemd, "/nonexistent", _nothing))
        play(belongings.packaged, "untouched", lambda paths: set())
        play(belongings.processes, "places", dict)
        play(checks, "Systemd", lambda: self.at.played.systemd)
        play(checks, "RUNNING", str(self.old.top))
        play(preflight_new.os.path, "isdir", _isdir(preflight_new.os.path.isdir))
        play(listening, "read", lambda proc="": self.at.listeners)
        play(preflight.packages, "installed", lambda *_args: self.distributions)
        play(host_facts, "machine_id", lambda: "0ld" if self.at is self.old else "n3w")
        known = readiness._is_known
        play(readiness, "_is_known", lambda look, name: name not in self.unknown and known(look, name))
        # Only of readiness: whoever else connects on old meets this machine.
        play(readiness, "socket", SimpleNamespace(**{**vars(socket), "create_connection": self._connect}))
        play(rehearse.config_test, "refused", lambda unit: self.refuses.get(unit, ""))
        play(rehearse.config_test, "verified", lambda paths, user="": [])

    def _connect(self, address: tuple[str, int], _timeout: float) -> Any:
        if address in self.servers["old" if self.at is self.old else "new"]:
            return SimpleNamespace(close=lambda: None)
        raise ConnectionRefusedError

    def _params(self, module: Module, host: Host, **more: Any) -> dict[str, Any]:
        given = {**defaults(module), "site": "shop", "directory": str(host.top / "work"), "path": str(host.app)}
        given.update(owner=me().name, allow_root=True, compression="none")
        given.update(self.inventory)
        given.update(more)
        return {name: value for name, value in given.items() if name in defaults(module)}

    def check(self) -> list[dict[str, str]]:
        """What ``--check`` lists: old, and then new."""
        self.at = self.old
        old = self._look("old")
        self.at = self.new
        for path in self.of_old:
            path.unlink()
        info = old["info"] if "databases" in old["info"] else None
        self.needs = old["info"].get("needs") or {}
        new = self._look("new", old=info, **{"python": str(self.python), **self.more})
        return [*old["obstacles"], *new["obstacles"]]

    def _look(self, side: str, **more: Any) -> dict[str, Any]:
        params = self._params(preflight_module.MODULE, self.at, side=side, **more)
        module: Any = SimpleNamespace(params=params, check_mode=True, warn=[].append)
        found: dict[str, Any] = preflight_module.look(module)
        return found

    def bring(self) -> None:
        """Put on new what the move has brought there before it rehearses."""
        for name, text in {**CODE, **BESIDE}.items():
            self.new.write(self.new.app / name, text)
        for name, text in ETC.items():
            self.new.write(self.new.etc / name, text)
        self._certificate(self.new)
        self.new.environment()
        (self.new.app / "static").mkdir()
        self._units(self.new)
        for happens in self.later:
            happens()

    def rehearse(self) -> list[dict[str, str]]:
        """What the rehearsal lists, once :meth:`bring` was called and something taken away again."""
        self.at = self.new
        params = self._params(rehearse_module.MODULE, self.new, needs=self.needs)
        try:
            kept = {"repository": {}, "state": "pulled", "keep": 0, "retention": {}, "read_parts": 0}
            rehearse.rehearse(rehearse.Options.of({**params, **kept}), self.new.played.systemd)
        except RelocateError as error:
            alone = [{"code": error.code, "msg": error.msg, "hint": error.hint}]
            listed: list[dict[str, str]] = error.details.get("obstacles") or alone
            return listed
        return []


@functools.cache
def certificate(name: str = "shop.example.org") -> tuple[str, str]:
    """Make a certificate for a host's name; returns it and its key."""
    with tempfile.TemporaryDirectory() as top:
        argv = "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -keyout key -out crt"
        more = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        subprocess.run([*argv.split(), *more], cwd=top, check=True, capture_output=True)
        return Path(top, "crt").read_text(), Path(top, "key").read_text()


def _nothing(command: Any, **_options: Any) -> Completed:
    return Completed(tuple(command.argv), 1)


def _isdir(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda path: path == "/run/systemd/system" or original(path)


__all__ = ["Host", "Pair", "readiness"]
