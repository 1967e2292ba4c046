# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user forgets, or what new lacks: each alone, and all at once, is told before anything is stopped.

One row for each omission: how it is planted, at which step it is told, by which code, and in which words.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.listening import Listener
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings
from tests.unit.plugins.module_utils._steps.planted import ETC, NGINX, SERVER, Pair

pytestmark = pytest.mark.slow

OLD, NEW, LATE, REHEARSAL = "old", "new", "late", "rehearsal"
#: Where all that is planted is looked for at once.
TOGETHER = (OLD, NEW, REHEARSAL)
Plant = Callable[[Pair], object]


MODEL = """
from pathlib import Path
from django.core.files.storage import FileSystemStorage
from django.db import models
class Invoice(models.Model):
    file = models.FileField(storage=FileSystemStorage(location=Path(__file__).parents[3] / "invoices"))
"""
MANIFEST = """
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
"""


@dataclass(frozen=True)
class Row:
    """One omission."""

    what: str
    plant: Plant
    step: str
    code: str
    said: tuple[str, ...]
    also: tuple[str, ...] = ()  # other codes that say the same in other words
    root: bool = False  # it needs users and rights that only root can give
    alone: bool = False  # it keeps the project from being opened, or takes the place of another one


def unnamed(*names: str) -> Plant:
    """Take files out of relocate_files."""

    def plant(pair: Pair) -> None:
        paths = [str(pair.old.etc / name) if name in ETC else name for name in names]
        pair.inventory["files"] = [name for name in pair.inventory["files"] if name not in paths]

    return plant


def less(variable: str, *values: str) -> Plant:
    """Take values out of another variable."""

    def plant(pair: Pair) -> None:
        pair.inventory[variable] = [value for value in pair.inventory[variable] if value not in values]

    return plant


def beside(name: str, text: str = "x") -> Plant:
    """Put a file on old that git does not track, although its code needs it."""
    return lambda pair: pair.old.write(pair.old.app / name, text)


def code(name: str, text: str) -> Plant:
    """Let the code of both hosts be another, committed on old."""

    def plant(pair: Pair) -> None:
        for host in (pair.old, pair.new):
            if host.app.is_dir():
                path = host.app / name
                before = path.read_text() if path.exists() and not text.startswith("\n# instead") else ""
                host.write(path, before + text)
        if (pair.old.app / ".git").is_dir():
            subprocess.run([*pair.git, "add", "--", name], check=True)
            subprocess.run([*pair.git, "commit", "-q", "-m", "more"], check=True)

    return plant


def settings(text: str) -> Plant:
    return code("shop/settings.py", text)


def server(text: str, **files: str) -> Plant:
    """Add lines to nginx's site on old."""

    def plant(pair: Pair) -> None:
        path = pair.old.etc / "nginx/sites-enabled/shop"
        path.write_text(path.read_text().replace("server {", "server {\n" + text.format(etc=pair.old.etc), 1))
        for name, content in files.items():
            pair.old.write(pair.old.etc / name.replace("__", "/"), content)

    return plant


def both(*plants: Plant) -> Plant:
    """Plant several things."""

    def plant(pair: Pair) -> None:
        for one in plants:
            one(pair)

    return plant


def unit_says(text: str) -> Plant:
    """Let the site's service say more, on both hosts."""

    def plant(pair: Pair) -> None:
        for host in (pair.old, pair.new):
            path = host.etc / "systemd/shop.service"
            if path.exists():
                lines = text.format(app=host.app, etc=host.etc)
                path.write_text(path.read_text().replace("[Install]", f"{lines}\n[Install]"))

    return plant


def worker(pair: Pair) -> None:
    pair.old.unit("worker.service", "[Service]\nWorkingDirectory={app}\nExecStart={app}/.venv/bin/celery -A shop\n")
    pair.inventory["files"].append(str(pair.old.etc / "systemd/worker.service"))


def gone(name: str) -> Plant:
    """Take away a file of new that the move should have brought."""

    def plant(pair: Pair) -> None:
        path = pair.new.etc / name if name in ETC else pair.new.app / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return plant


def cron_line(name: str, text: str) -> Plant:
    def plant(pair: Pair) -> None:
        pair.old.write(pair.old.etc / name, text)

    return plant


def package(name: str) -> Plant:
    line = {"name": name, "version": "1", "line": f"{name}==1", "needs": [], "system": False, "local": False}
    return lambda pair: pair.distributions.append(line)


def listener(pair: Pair) -> None:
    pair.new.listeners.append(Listener("tcp:127.0.0.1:8431", "other.service"))
    pair.old.listeners.append(Listener("tcp:127.0.0.1:8431", "shop.service"))


def python(version: str) -> Plant:
    return lambda pair: pair.python.write_text(f"#!/bin/sh\necho {version}\n")


def set_(variable: str, value: object) -> Plant:
    return lambda pair: pair.inventory.update({variable: value})


def of_strangers(pair: Pair) -> None:
    """Give a carried file to a user and a group that new has not."""
    pair.unknown |= {"games", "uucp"}
    shutil.chown(pair.old.etc / "default/shop", "games", "uucp")


def server_of(setting: str, host: str = "127.0.0.1", port: int = 6379) -> Plant:
    """Let settings name a server that answers old alone."""

    def plant(pair: Pair) -> None:
        pair.servers["old"].add((host, port))
        settings(setting)(pair)

    return plant


def elsewhere(name: str, text: str) -> Plant:
    """Let settings name what lies beside the project."""

    def plant(pair: Pair) -> None:
        pair.old.write(pair.old.top / name, "x")
        settings(text.format(top=pair.old.top))(pair)

    return plant


def env_file(text: str) -> Plant:
    """Let the project's env file on old say more."""

    def plant(pair: Pair) -> None:
        path = pair.old.app / ".env"
        path.write_text(path.read_text() + text.format(etc=pair.old.etc) + "\n")

    return plant


def google(pair: Pair) -> None:
    pair.old.write(pair.old.etc / "google.json", "x")


def packaged(path: str, package: str) -> Plant:
    """Let a package of old's have brought a file, which new does not have."""

    def plant(pair: Pair) -> None:
        pair.old.write(pair.old.top / path, "x")
        owned = {f"{pair.old.top}/{path}": package}
        pair.monkeypatch.setattr(
            belongings.packaged, "owners_of", lambda paths: {name: owned[name] for name in paths if name in owned}
        )
        settings(f"PROGRAM_CMD = '{pair.old.top}/{path}'\n")(pair)
        pair.of_old.append(pair.old.top / path)

    return plant


# fmt: off
ROWS = [
    # --- files that nobody carries
    Row("a unit's file", unnamed("systemd/shop.service"), OLD, "files_unnamed", ("systemd/shop.service",)),
    Row("a timer's service", unnamed("systemd/job.service"), OLD, "files_unnamed", ("systemd/job.service",)),
    Row("a timer", unnamed("systemd/job.timer"), OLD, "files_unnamed", ("systemd/job.timer",)),
    Row("a drop-in", unnamed("systemd/shop.service.d/more.conf"), OLD, "files_unnamed", ("more.conf",)),
    Row("an EnvironmentFile", unnamed("default/shop"), OLD, "files_unnamed", ("default/shop",)),
    Row("nginx's site", unnamed("nginx/sites-enabled/shop"), OLD, "files_unnamed", ("sites-enabled/shop",)),
    Row("an include of nginx", unnamed("nginx/snippets/tls.conf"), OLD, "files_unnamed", ("snippets/tls.conf",)),
    Row("a certificate", unnamed("ssl/shop.crt"), OLD, "files_unnamed", ("ssl/shop.crt",)),
    Row("its key", unnamed("ssl/shop.key"), OLD, "files_unnamed", ("ssl/shop.key",)),
    Row("parameters of TLS", unnamed("ssl/dh.pem"), OLD, "files_unnamed", ("ssl/dh.pem",)),
    Row("rotation of logs", unnamed("logrotate.d/shop"), OLD, "files_unnamed", ("logrotate.d/shop",)),
    Row("an env file that is read", unnamed(".env"), OLD, "files_unnamed", (".env",), also=("files_untracked",)),
    Row("a file that settings open", unnamed("conf/keys.json"), OLD, "files_unnamed", ("conf/keys.json",)),
    Row("passwords of nginx", server("auth_basic_user_file {etc}/htpasswd;", htpasswd="x"), OLD,
        "files_unnamed", ("htpasswd",)),
    Row("directories below /run", lambda pair: pair.old.write(pair.old.etc / "tmpfiles.d/shop.conf",
        "d /run/shop 0755 root root\nd {app}/run\n"), OLD, "files_unnamed", ("tmpfiles.d/shop.conf",)),
    Row("a script outside of the environment", both(
        lambda pair: pair.old.write(pair.old.top / "bin/start-shop", "#!/bin/sh\nexec gunicorn x\n").chmod(0o755),
        unit_says("ExecStartPre={app}/../../bin/start-shop")), OLD, "files_unnamed", ("bin/start-shop",)),
    Row("a credential of systemd", both(lambda pair: pair.old.write(pair.old.etc / "shop.token", "x"),
        unit_says("LoadCredential=token:{etc}/shop.token")), OLD, "files_unnamed", ("shop.token",)),
    Row("a file named by an env file", both(
        lambda pair: pair.old.write(pair.old.etc / "gcp.json", "x"),
        env_file("GOOGLE_KEY={etc}/gcp.json"),
        settings("GOOGLE_KEY = os.environ.get('GOOGLE_KEY')\n")), OLD, "files_unnamed", ("gcp.json",)),
    Row("a directory that settings name", both(
        lambda pair: pair.old.write(pair.old.top / "data/index/segment", "x"),
        lambda pair: settings(f"INDEX_PATH = Path('{pair.old.top}/data/index')\n")(pair)),
        OLD, "files_unnamed", ("data/index",)),
    Row("an index that settings name", elsewhere("data/whoosh/segment",
        "HAYSTACK_CONNECTIONS = {{'default': {{'PATH': '{top}/data/whoosh'}}}}\n"), OLD, "files_unnamed",
        ("data/whoosh (HAYSTACK_CONNECTIONS names it)",)),
    Row("a directory of templates elsewhere", elsewhere("themes/base.html",
        "TEMPLATES[0]['DIRS'].append('{top}/themes')\n"),
        OLD, "files_unnamed", ("themes (TEMPLATES names it)",)),
    Row("a build of a front end elsewhere", elsewhere("front/dist/app.js",
        "STATICFILES_DIRS = [Path('{top}/front/dist')]\n"),
        OLD, "files_unnamed", ("front/dist (STATICFILES_DIRS names it)",)),
    Row("sessions in files", elsewhere("sessions/s1", "SESSION_FILE_PATH = '{top}/sessions'\n"), OLD, "files_unnamed",
        ("sessions (SESSION_FILE_PATH names it)",)),
    Row("a database of addresses beside the code", both(code(".gitignore", "/geoip/\n"), beside("geoip/City.mmdb"),
        settings("GEOIP_PATH = BASE / 'geoip'\n")), OLD, "files_unnamed", ("geoip (GEOIP_PATH names it)",)),
    Row("a key that only an env file names", both(google,
        env_file("GOOGLE_APPLICATION_CREDENTIALS={etc}/google.json")), OLD, "files_unnamed",
        ("google.json (GOOGLE_APPLICATION_CREDENTIALS names it)",)),
    Row("a key that only a unit names", both(google, unit_says("Environment=GOOGLE_KEY={etc}/google.json")), OLD,
        "files_unnamed", ("google.json",)),
    Row("a key that only a unit's env file names", both(google, lambda pair: pair.old.write(
        pair.old.etc / "default/shop", "GOOGLE_KEY={etc}/google.json\n")), OLD, "files_unnamed", ("google.json",)),
    Row("a configuration of gunicorn", both(
        lambda pair: pair.old.write(pair.old.etc / "gunicorn/shop.py", "workers = 2\n"),
        unit_says("ExecStart=\nExecStart={app}/.venv/bin/gunicorn -c {etc}/gunicorn/shop.py shop.wsgi")), OLD,
        "files_unnamed", ("gunicorn/shop.py",)),
    Row("a certificate that gunicorn serves", both(lambda pair: pair.old.write(pair.old.etc / "gunicorn/tls.pem", "x"),
        unit_says("ExecStartPre={app}/.venv/bin/gunicorn --check-config --certfile={etc}/gunicorn/tls.pem x")), OLD,
        "files_unnamed", ("gunicorn/tls.pem",)),
    Row("an upstream of nginx", both(lambda pair: pair.old.write(pair.old.etc / "nginx/conf.d/upstream.conf",
        "upstream shop {{ server 127.0.0.1:8431; }}\n"), lambda pair: pair.old.write(pair.old.etc / "nginx/nginx.conf",
        NGINX.replace("include", "include {etc}/nginx/conf.d/*.conf; include", 1)), lambda pair: pair.old.write(
        pair.old.etc / "nginx/sites-enabled/shop", SERVER.replace("http://127.0.0.1:8431", "http://shop"))), OLD,
        "files_unnamed", ("conf.d/upstream.conf",), alone=True),
    # --- files beside the code
    Row("a compiled translation", beside("locale/de/LC_MESSAGES/django.mo"), OLD, "files_untracked", ("django.mo",)),
    Row("a template", both(lambda pair: (pair.old.app / ".git/info/exclude").write_text("*.txt\n"),
        beside("templates/mail.txt")), OLD, "files_untracked", ("templates/mail.txt",)),
    Row("a module", beside("shop/extra.py", ""), OLD, "files_untracked", ("shop/extra.py",)),
    Row("local settings", both(lambda pair: (pair.old.app / ".git/info/exclude").write_text("local_settings.py\n"),
        beside("shop/local_settings.py")), OLD, "files_untracked", ("local_settings.py",)),
    Row("files of models outside of MEDIA", both(
        lambda pair: pair.old.write(pair.old.top / "invoices/1.pdf", "x"),
        code("shop/models.py", MODEL), code("shop/migrations/__init__.py", ""),
        settings("INSTALLED_APPS.append('shop')\n")), OLD, "files_outside", ("invoices",)),
    Row("uncommitted changes", lambda pair: (pair.old.app / "shop/urls.py").write_text("urlpatterns = [] # x\n"), OLD,
        "dirty_tree", ("shop/urls.py",)),
    # --- units
    Row("a worker", worker, OLD, "unit_unnamed", ("unit worker.service runs the project",)),
    Row("a timer in relocate_services", less("units", "job.timer"), OLD, "unit_unnamed", ("unit job.timer",)),
    Row("the web server", less("reload", "nginx"), OLD, "unit_unnamed", ("unit nginx.service serves",)),
    Row("a unit that old has not", lambda pair: pair.inventory["units"].append("shop-web"), OLD, "unit_unknown",
        ("shop-web.service",)),
    Row("a socket that starts a service", both(
        lambda pair: pair.old.unit("shop.socket", "[Socket]\nListenStream=127.0.0.1:8431\n", Triggers="shop.service"),
        lambda pair: pair.old.played.shown["shop.service"].update(TriggeredBy="shop.socket")), OLD, "unit_unnamed",
        ("unit shop.socket",), also=("bad_option", "files_unnamed")),
    Row("a line of /etc/cron.d", cron_line("cron.d/shop", "5 * * * * root {app}/.venv/bin/python {app}/manage.py x\n"),
        OLD, "cron_runs", ("cron.d/shop:1 (as root)",)),
    Row("a line of /etc/crontab", cron_line("crontab", "5 * * * * root cd {app} && ./manage.py x\n"), OLD, "cron_runs",
        ("crontab:1 (as root)",)),
    Row("a user's crontab",
        lambda pair: pair.old.write(pair.old.top / "spool/root", f"@daily {pair.old.app}/manage.py x\n"),
        OLD, "cron_runs", ("spool/root:1",)),
    # --- code and packages
    Row("a package in no requirements file", both(package("sentry-sdk"), code("requirements.txt", "Django\n")), OLD,
        "packages_unlisted", ("sentry-sdk",)),
    Row("an environment", lambda pair: shutil.rmtree(pair.old.app / ".venv"), OLD, "interpreter_not_found", (),
        alone=True),
    Row("a variable of the settings", both(set_("env_files", []), unnamed(".env")), OLD, "settings_failed",
        ("SECRET_KEY",), alone=True),
    # --- what new lacks
    Row("a user and a group of a carried file", of_strangers, NEW, "owner_missing", ("user games, group uucp",),
        root=True),
    Row("a server beside the site", server_of(
        "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.redis.RedisCache', "
        "'LOCATION': 'redis://127.0.0.1:6379/1'}}\n"), NEW, "neighbour_missing", ("CACHES['default']", "6379")),
    Row("a broker beside the site", server_of("CELERY_BROKER_URL = 'amqp://127.0.0.1:5672//'\n", port=5672), NEW,
        "neighbour_missing", ("CELERY_BROKER_URL", "5672")),
    Row("a way to a server elsewhere", server_of("ELASTICSEARCH_URL = 'http://es.example.org:9200'\n",
        "es.example.org", 9200), NEW, "neighbour_missing", ("es.example.org:9200",)),
    Row("a relay for mail", server_of("EMAIL_HOST = 'localhost'\n", "localhost", 25), NEW, "neighbour_missing",
        ("EMAIL_HOST", "localhost:25")),
    Row("a program that settings name", packaged("usr/bin/wkhtmltopdf", "wkhtmltopdf"), NEW, "path_missing",
        ("PROGRAM_CMD", "wkhtmltopdf brought on old")),
    # --- what packages might have brought, and did not
    Row("a server that no package brought", both(set_("packages", ["nginx-light"]), lambda pair: pair.more.update(
        installs=True), server_of("CELERY_BROKER_URL = 'redis://127.0.0.1:6379/0'\n")), LATE, "neighbour_missing",
        ("CELERY_BROKER_URL",)),
    Row("a program that no package brought", both(set_("packages", ["nginx-light"]), lambda pair: pair.more.update(
        installs=True), packaged("usr/bin/pdftk", "pdftk-java")), LATE, "path_missing", ("pdftk",)),
    Row("a port that a package took", both(set_("packages", ["apache2"]), lambda pair: pair.more.update(installs=True),
        lambda pair: pair.old.listeners.append(Listener("tcp:127.0.0.1:8431", "shop.service")),
        lambda pair: pair.later.append(lambda: pair.new.listeners.append(Listener("tcp:*:8480", "apache2.service")))),
        LATE, "port_taken", ("apache2.service listens on *:8480",)),
    Row("a port", listener, NEW, "port_taken", ("other.service listens on 127.0.0.1:8431",)),
    Row("nginx", lambda pair: pair.new.played.shown.clear(), NEW, "unit_unknown", ("nginx.service",)),
    Row("a Python new enough", python("3.6.9"), NEW, "python_too_old", ("3.6.9",)),
    Row("a Python", lambda pair: pair.more.update(python="python9.9"), NEW, "interpreter_not_found", (), alone=True),
    Row("an empty place", lambda pair: pair.new.write(pair.new.app / "x", "y"), NEW, "checkout_occupied", ()),
    Row("a path of its own", lambda pair: pair.more.update(env_files=[f"{pair.old.app}/gone.env"]), NEW,
        "bad_option", ("relocate_env_files",)),
    # --- what the rehearsal meets
    Row("a user of a unit", unit_says("User=no-such-x"), REHEARSAL, "unit_incomplete", ("no-such-x",)),
    Row("a group of a unit", unit_says("Group=no-such-x"), REHEARSAL, "unit_incomplete", ("no-such-x",)),
    Row("a directory of a unit", unit_says("WorkingDirectory={app}/no"), REHEARSAL, "unit_incomplete", ("/no,",)),
    Row("an env file of a unit", gone("default/shop"), REHEARSAL, "unit_incomplete", ("default/shop",)),
    Row("a program of a unit", gone(".venv/bin/gunicorn"), REHEARSAL, "unit_incomplete", ("gunicorn",)),
    Row("a unit", lambda pair: pair.new.played.shown.pop("job.timer"), REHEARSAL, "unit_unknown", ("job.timer",)),
    Row("a sound configuration", lambda pair: pair.refuses.update({"nginx.service": "no ssl_dhparam"}), REHEARSAL,
        "config_refused", ("no ssl_dhparam",)),
    Row("a package at request time", code("shop/urls.py", "import not_there_x\n"), REHEARSAL, "request_fails",
        ("not_there_x",)),
    Row("a compressed manifest", settings("COMPRESS_ENABLED = COMPRESS_OFFLINE = True\n"), REHEARSAL, "request_fails",
        ("manifest.json",)),
    Row("a manifest of static files", settings(MANIFEST), REHEARSAL, "request_fails", ("staticfiles.json",)),
    Row("a tag library", settings("TEMPLATES[0]['OPTIONS'] = {'libraries': {'x': 'tags_x'}}\n"), REHEARSAL,
        "request_fails", ("tags_x",)),
    Row("a locale", settings("import locale\nlocale.setlocale(locale.LC_ALL, 'xx_XX.UTF-8')\n"), REHEARSAL,
        "settings_failed", ("locale",), alone=True),
    Row("a file that settings read", gone("conf/keys.json"), REHEARSAL, "settings_failed", ("keys.json",), alone=True),
    Row("a driver", settings("DATABASES['default']['ENGINE'] = 'driver_x'\n"), REHEARSAL, "settings_failed",
        ("driver_x",), alone=True),
]
# fmt: on


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    return Pair(tmp_path, monkeypatch)


Told = dict[str, list[dict[str, str]]]


def told(pair: Pair, rows: Iterable[Row]) -> Told:
    """Plant what belongs to each step, and return what each tells."""
    rows = list(rows)
    found: Told = {}
    for row in rows:
        if row.step != REHEARSAL:
            row.plant(pair)
    if any(row.step != REHEARSAL for row in rows):
        found[OLD] = found[NEW] = pair.check()
    if any(row.step in (LATE, REHEARSAL) for row in rows):
        pair.bring()
        for row in rows:
            if row.step == REHEARSAL:
                row.plant(pair)
        found[LATE] = found[REHEARSAL] = pair.rehearse()
    return found


def tells(found: Iterable[dict[str, str]], row: Row) -> bool:
    return any(item["code"] == row.code and all(word in item["msg"] for word in row.said) for item in found)


def names(found: Iterable[dict[str, str]], row: Row) -> bool:
    """Tell whether a list of many things names one: the hint has the paths of all, the message a dozen."""
    words = [word.partition(" (")[0] for word in row.said] if row.code == "files_unnamed" else row.said
    return any(item["code"] == row.code and all(word in item["msg"] + item["hint"] for word in words) for item in found)


def test_a_site_that_lacks_nothing(pair: Pair) -> None:
    assert pair.check() == []
    pair.bring()
    assert pair.rehearse() == []


def chosen() -> list[Row]:
    """Give the rows that are told apart from all others: RELOCATE_OMISSIONS=all does so for each, in three minutes."""
    together = [row for row in ROWS if row.step in TOGETHER and not row.alone and not row.root]
    if os.environ.get("RELOCATE_OMISSIONS") == "all":
        return ROWS
    drawn = random.Random(os.environ.get("RELOCATE_SEED", "omissions")).sample(together, 5)
    return [row for row in ROWS if row not in together or row in drawn]


@pytest.mark.parametrize("row", chosen(), ids=lambda row: row.what)
def test_each_alone(pair: Pair, row: Row) -> None:
    if row.root and os.geteuid() != 0:
        pytest.skip("files are given to another user")
    found = told(pair, [row])
    assert tells(found[row.step], row), found
    assert {item["code"] for item in found[row.step]} <= {row.code, *row.also}, found
    assert row.step != LATE or found[NEW] == []


@pytest.mark.parametrize("step", TOGETHER)
def test_all_at_once(pair: Pair, step: str) -> None:
    """One refusal hides no other."""
    rows = [row for row in ROWS if row.step == step and not row.alone and not row.root]
    found = told(pair, rows)[step]
    assert len(rows) > 9 and [row.what for row in rows if not names(found, row)] == []


#: What cannot be told before the freeze, and why; those that nothing in a tree can stand for are in docs/limits.md.
#: Each is planted, so that its row moves up once it is told.
GAPS: list[tuple[str, Plant]] = [
    # Nothing names its place, and no code of the project is read for what it starts.
    ("a program that is found by PATH", code("shop/views.py", "import subprocess\nRUN = ['ffmpeg-x', '-h']\n")),
    # It is opened at a request, and no setting, variable or unit names it.
    (
        "a key that code names",
        both(google, lambda pair: code("shop/views.py", f"KEY = '{pair.old.etc}/google.json'\n")(pair)),
    ),
]


@pytest.mark.parametrize("plant", [plant for _name, plant in GAPS], ids=[name for name, _plant in GAPS])
def test_what_is_not_told(pair: Pair, plant: Plant) -> None:
    plant(pair)
    assert pair.check() == []


def test_the_list_is_long() -> None:
    assert len(ROWS) >= 40 and len({row.what for row in ROWS}) == len(ROWS)
