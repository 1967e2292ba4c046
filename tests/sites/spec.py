# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site is called, where it lives and which secrets it has: everything that tests need to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Engine = Literal["postgresql", "mysql", "sqlite"]

#: A password may hold any of these; any eight characters of a canary in an output are a leak.
CANARIES = {
    "shop": "q'7Kx\"Zr wé%25:v\\n$HOME#J@9tLm",
    "blog": "B\"4yW'u é%41 Q:\\t$PATH#Xg@6hRp",
    "wagtail": "w'3Nf\"Dk Té%7e:c\\r$USER#Vz@8sMq",
}
SECRET_KEYS = {
    "shop": "kE7'cAnArY\"sEcReT $kEy#1 é%3A:\\x4vPzQ9wLd2mT",
    "blog": "kE8'cAnArY\"sEcReT $kEy#2 é%3A:\\x5hRbY3nKs6gU",
    "wagtail": "kE9'cAnArY\"sEcReT $kEy#3 é%3A:\\x6jWfC7tBv4pX",
}
EMAIL_PASSWORD = "m4iL'CaNaRy\" é%20:\\$3nVkT8xH#@"

#: settings.py appends the id of the user that runs it to this file, once watch_uids() has made it; root fails then.
UID_LOG = "/tmp/awkward-uids.log"
#: The worker writes here all the time: counts of it are never equal on a live site.
LIVE_TABLES = frozenset({"public.shop_heartbeat", "shop_heartbeat"})
#: The title of book 1, as the front page shows it.
KNOWN_TITLE = "Moby-Dick \U0001f433 &amp; the \u201cZ\u00fcrich\u201d edition"
#: What the awkward site does with `awkward_names`: legal names that must be quoted everywhere.
AWKWARD_NAME = '{} "=1'


@dataclass(frozen=True)
class Site:
    """One site on a server. The defaults are the site `shop` with a local PostgreSQL."""

    name: str = "shop"
    engine: Engine = "postgresql"
    #: Name or address of the database server; empty is the Unix socket (and peer authentication).
    database_host: str = "127.0.0.1"
    settings: str = "awkward.settings"
    #: gunicorn's port on 127.0.0.1, and nginx's.
    port: int = 8000
    public_port: int = 80
    shell: str = "/usr/sbin/nologin"
    awkward_names: bool = False
    #: LC_COLLATE and LC_CTYPE of the databases; empty is the server's default.
    locale: str = "de_DE.UTF-8"
    #: A role of which the settings know nothing and that may read all tables.
    report_role: bool = False
    project: str = "awkward"

    @property
    def user(self) -> str:
        """System user, and owner of all files."""
        return self.name

    @property
    def home(self) -> str:
        """Home directory of the user."""
        return f"/srv/{self.name}"

    @property
    def app(self) -> str:
        """The checkout: the directory of manage.py."""
        return f"{self.home}/app"

    @property
    def python(self) -> str:
        """Interpreter of the virtual environment."""
        return f"{self.app}/.venv/bin/python"

    @property
    def env_file(self) -> str:
        """The unversioned file with the passwords, 0600. Wagtail's is Python code."""
        return f"{self.app}/.env" if self.project == "awkward" else f"{self.app}/mysite/settings/local.py"

    @property
    def var(self) -> str:
        """The directory of what the site writes: MEDIA, collected static files, SQLite files."""
        return f"{self.app}/var" if self.project == "awkward" else self.app

    @property
    def media(self) -> str:
        """MEDIA_ROOT."""
        return f"{self.var}/media"

    @property
    def static(self) -> str:
        """STATIC_ROOT."""
        return f"{self.var}/static"

    @property
    def heartbeats(self) -> str:
        """The worker's list of keys that the database has acknowledged, one in a line."""
        return f"{self.var}/heartbeats.log"

    @property
    def repository(self) -> str:
        """URL of the git remote."""
        return f"git://db/{self.project}.git"

    @property
    def role(self) -> str:
        """Database user in the settings."""
        return AWKWARD_NAME.format(self.name) if self.awkward_names else self.name

    @property
    def databases(self) -> dict[str, str]:
        """Database name, or path of the SQLite file, per alias. The alias `replica` is `default` once more."""
        if self.engine == "sqlite":
            names = {"default": f"{self.var}/db.sqlite3", "archive": f"{self.var}/archive.sqlite3"}
        else:
            names = {"default": self.role, "archive": f"{self.name}_archive"}
        return names if self.project == "awkward" else {"default": names["default"]}

    @property
    def password(self) -> str:
        """The database password. ASCII on MySQL: PyMySQL sends passwords in Latin-1, all other clients in UTF-8."""
        return CANARIES[self.name].replace("é", "e") if self.engine == "mysql" else CANARIES[self.name]

    @property
    def secret_key(self) -> str:
        """Django's SECRET_KEY."""
        return SECRET_KEYS[self.name]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that no output may show."""
        return (self.password, self.secret_key, EMAIL_PASSWORD)

    @property
    def web_unit(self) -> str:
        """Unit of gunicorn."""
        return f"{self.name}-web.service"

    @property
    def worker_unit(self) -> str:
        """Unit of the live writer."""
        return f"{self.name}-worker.service"

    @property
    def cleanup_unit(self) -> str:
        """Unit that the timer starts."""
        return f"{self.name}-cleanup.service"

    @property
    def timer_unit(self) -> str:
        """The timer."""
        return f"{self.name}-cleanup.timer"

    @property
    def units(self) -> tuple[str, ...]:
        """What a move stops on old and starts on new, in this order."""
        return (self.web_unit, self.worker_unit, self.timer_unit) if self.project == "awkward" else (self.web_unit,)

    @property
    def unit_files(self) -> tuple[str, ...]:
        """Files under /etc/systemd/system."""
        extra = (self.cleanup_unit,) if self.project == "awkward" else ()
        return tuple(f"/etc/systemd/system/{unit}" for unit in (*self.units, *extra))

    @property
    def nginx_file(self) -> str:
        """The site for nginx; a link of the same name is in sites-enabled."""
        return f"/etc/nginx/sites-available/{self.name}.conf"

    @property
    def database_port(self) -> int:
        """TCP port of the database server."""
        return 3306 if self.engine == "mysql" else 5432

    def database_url(self, alias: str) -> str:
        """Give DATABASE_URL or ARCHIVE_URL, every part quoted."""
        if self.engine == "sqlite":
            return f"sqlite:///{self.databases[alias]}"
        role, password, name = (quote(part, safe="") for part in (self.role, self.password, self.databases[alias]))
        place = f"{self.database_host}:{self.database_port}" if self.database_host else ""
        scheme = "mysql" if self.engine == "mysql" else "postgres"
        # Django 4.2 still asks MySQL for three-byte characters unless told otherwise.
        options = "?charset=utf8mb4" if self.engine == "mysql" else ""
        return f"{scheme}://{role}:{password}@{place}/{name}{options}"


SHOP = Site()
BLOG = Site(name="blog", port=8001, public_port=8080)
SQLITE_SHOP = Site(engine="sqlite")
MYSQL_SHOP = Site(engine="mysql")
REMOTE_SHOP = Site(database_host="db")
#: Its server is the lab's `db` of suite sid: MySQL 9.
REMOTE_MYSQL_SHOP = Site(engine="mysql", database_host="db")
AWKWARD_SHOP = Site(awkward_names=True)
WAGTAIL = Site(name="wagtail", project="wagtail", settings="mysite.settings.production", port=8002, public_port=8081)
