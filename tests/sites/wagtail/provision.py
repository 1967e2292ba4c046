# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a Wagtail site on a server of the lab: `wagtail start`, pages and pictures, passwords in settings/local.py."""

from __future__ import annotations

from pathlib import Path

from tests.lab.host import Host

from ..databases import create_databases
from ..provision import checkout, make_user, manage, serve
from ..spec import WAGTAIL, Site

HERE = Path(__file__).resolve().parent
#: The template asks for the newest Django, which old servers' Python can't run.
_REQUIREMENTS = "Django>=5.2,<5.3\nwagtail>=7,<8\npsycopg2-binary\ngunicorn\n"
_IGNORE = "/media/\n/static/\n/.venv/\n/db.sqlite3*\n/mysite/settings/local.py\n__pycache__/\n"
_START = """
[ ! -d /srv/git/wagtail.git ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check 'wagtail>=7,<8' 'Django>=5.2,<5.3'
mkdir "$work/site"
"$work/venv/bin/wagtail" start mysite "$work/site" > /dev/null
cp -rT /tmp/wagtail-files "$work/site"
cd "$work/site"
sed -i 's/mysite.settings.dev/mysite.settings.production/' mysite/wsgi.py
git init --quiet .
git symbolic-ref HEAD refs/heads/main
git add --all
git -c user.name='Wagtail Team' -c user.email=team@example.org commit --quiet -m 'Start the site'
git clone --quiet --bare . /srv/git/wagtail.git
git -C /srv/git/wagtail.git remote remove origin
"""


def publish_wagtail(git: Host) -> str:
    """Make the site's repository on the git host, unless it is there; give the revision.

    The template holds a random SECRET_KEY (for development), so the revision differs from one lab to the next.
    """
    parts = {
        "requirements.txt": _REQUIREMENTS,
        ".gitignore": _IGNORE,
        "home/templates/home/home_page.html": (HERE / "home_page.html").read_text("utf-8"),
        "home/templatetags/__init__.py": "",
        "home/templatetags/site_counts.py": (HERE / "site_counts.py").read_text("utf-8"),
        "home/management/__init__.py": "",
        "home/management/commands/__init__.py": "",
        "home/management/commands/fill.py": (HERE / "fill.py").read_text("utf-8"),
    }
    git.run(["rm", "-rf", "/tmp/wagtail-files"])
    for name, text in parts.items():
        git.write(f"/tmp/wagtail-files/{name}", text)
    git.run("find /tmp/wagtail-files -type d -exec chmod 0755 '{}' +")
    git.run(_START, user="git", cwd="/srv/git", env={"HOME": "/srv/git"}, timeout=600)
    return git.run(["git", "-C", "/srv/git/wagtail.git", "rev-parse", "HEAD"], user="git").stdout.strip()


def local_settings(site: Site) -> str:
    """Give settings/local.py: the secrets as Python literals, as Wagtail's template has it."""
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": site.databases["default"]}
    if site.engine != "sqlite":
        config = {
            "ENGINE": f"django.db.backends.{site.engine}",
            "NAME": site.databases["default"],
            "USER": site.role,
            "PASSWORD": site.password,
            "HOST": site.database_host,
        }
    return (
        f"SECRET_KEY = {site.secret_key!r}\nDATABASES = {{'default': {config!r}}}\n"
        'ALLOWED_HOSTS = ["*"]\nWAGTAILADMIN_BASE_URL = "http://wagtail.example.org"\n'
    )


def provision_wagtail(
    host: Host,
    site: Site = WAGTAIL,
    *,
    git: Host,
    database: Host | None = None,
    pages: int = 30,
    images: int = 8,
    start: bool = True,
) -> str:
    """Make the whole site on a host that has none of it; give the revision. Wagtail needs Python 3.10: no bullseye."""
    revision = publish_wagtail(git)
    create_databases(database or host, site, remote=database is not None and database is not host)
    make_user(host, site)
    checkout(host, site)
    owner = f"{site.user}:{site.user}"
    host.write(site.env_file, local_settings(site), owner=owner, mode="0600")
    manage(host, site, "migrate", "--verbosity=0")
    manage(host, site, "fill", f"--pages={pages}", f"--images={images}")
    manage(host, site, "collectstatic", "--no-input", "--verbosity=0")
    serve(host, site, start=start)
    return revision
