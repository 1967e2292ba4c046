# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a shop of django-oscar on a server of the lab, as public guides do it: Oscar's own, and the usual one for Ubuntu.

Its layout is another one than that of the other sites: gunicorn behind a socket of systemd, the environment beside the
checkout in the home of a login user, TLS out of snippets of nginx, sessions in Redis, an index of Whoosh, a crontab.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.lab._command import cache_directory, call, locked, timed
from tests.lab.host import Host
from tests.lab.services import psql
from tests.sites.facts import Response

HERE = Path(__file__).resolve().parent
USER = "sammy"
HOME = f"/home/{USER}"
APP = f"{HOME}/frobshop"
ENVIRONMENT = f"{HOME}/frobenv"
PYTHON = f"{ENVIRONMENT}/bin/python"
DOMAIN = "frobshop.example.org"
PASSWORD = "f'8Hd\"Lm Wq%3f:\\t$MAIL#Zb@5kRn"
SECRET_KEY = "kF1'cAnArY\"sEcReT $kEy#4 %3A:\\x7mTgD8uCw5rY"
SECRETS = (PASSWORD, SECRET_KEY)
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

_PUBLISH = """
[ ! -d /srv/git/frobshop.git ] || exit 0
cd /tmp/frobshop
mv gitignore .gitignore
git init --quiet .
git symbolic-ref HEAD refs/heads/main
git add --all
git -c user.name='Frob Team' -c user.email=team@example.org commit --quiet -m 'Start the shop'
git clone --quiet --bare . /srv/git/frobshop.git
git -C /srv/git/frobshop.git remote remove origin
"""
_SOCKET = """[Unit]
Description=gunicorn socket

[Socket]
ListenStream=/run/gunicorn.sock

[Install]
WantedBy=sockets.target
"""
_SERVICE = f"""[Unit]
Description=gunicorn daemon
Requires=gunicorn.socket
After=network.target

[Service]
User={USER}
Group=www-data
WorkingDirectory={APP}
ExecStart={ENVIRONMENT}/bin/gunicorn \\
          --access-logfile - \\
          --workers 3 \\
          --bind unix:/run/gunicorn.sock \\
          frobshop.wsgi:application

[Install]
WantedBy=multi-user.target
"""
_NGINX = f"""server {{
    listen 80;
    listen [::]:80;
    server_name {DOMAIN};
    return 301 https://$server_name$request_uri;
}}
server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name {DOMAIN};
    include snippets/self-signed.conf;
    include snippets/ssl-params.conf;
    client_max_body_size 20m;

    location = /favicon.ico {{ access_log off; log_not_found off; }}
    location /static/ {{ root {APP}; }}
    location /media/ {{ root {APP}; }}
    location / {{
        include proxy_params;
        proxy_pass http://unix:/run/gunicorn.sock;
    }}
}}
"""
_SELF_SIGNED = """ssl_certificate /etc/ssl/certs/nginx-selfsigned.crt;
ssl_certificate_key /etc/ssl/private/nginx-selfsigned.key;
"""
_PARAMETERS = """ssl_protocols TLSv1.2 TLSv1.3;
ssl_prefer_server_ciphers on;
ssl_dhparam /etc/nginx/dhparam.pem;
ssl_session_timeout 10m;
add_header X-Content-Type-Options nosniff;
"""
_CRONTAB = f"""# m h  dom mon dow   command
17 * * * * {PYTHON} {APP}/manage.py oscar_send_alerts >> {HOME}/logs/cron.log 2>&1
30 4 * * * cd {APP} && {PYTHON} manage.py oscar_update_product_ratings >> {HOME}/logs/cron.log 2>&1
"""
_CERTIFICATE = f"""
openssl req -x509 -nodes -days 365 -newkey rsa:2048 -subj /CN={DOMAIN} -addext subjectAltName=DNS:{DOMAIN} \\
    -keyout /etc/ssl/private/nginx-selfsigned.key -out /etc/ssl/certs/nginx-selfsigned.crt 2> /dev/null
openssl dhparam -dsaparam -out /etc/nginx/dhparam.pem 2048 2> /dev/null
"""
#: pip decides "only before Python 3.11.3" by the Python that runs it, not by the one it downloads for.
_HAYSTACK = "django-haystack==3.3.0"
_WHEELS = ("async-timeout", "typing_extensions", "setuptools")


def wheels() -> Path:
    """Download the shop's packages, for the Python of old and of new; once."""
    house = cache_directory() / "wheels-oscar"
    with locked("wheels-oscar"):
        if house.is_dir():
            return house
        partial = house.with_name(house.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        # Published as source only.
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={partial}", _HAYSTACK]
        call(build, timeout=300)
        needed = str(HERE / "project" / "requirements.txt")
        for version in ("3.11", "3.13"):
            platforms = [f"--platform={platform}" for platform in _PLATFORMS]
            target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}", *platforms]
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            with timed(f"downloading the packages of Oscar for Python {version}"):
                places = [f"--dest={partial}", f"--find-links={partial}"]
                call([*pip, *target, *places, "-r", needed, *_WHEELS], timeout=900)
        partial.rename(house)
    return house


def offer_wheels(host: Host) -> None:
    """Let pip find the shop's packages on a host, as an index of packages would."""
    host.put(wheels(), "/srv/wheels-oscar")
    host.run(["sed", "-i", "s,^find-links = .*,find-links = /wheels /srv/wheels-oscar,", "/etc/pip.conf"])


def provision_oscar(host: Host, *, git: Host) -> None:
    """Make the whole shop on a host that has none of it."""
    _publish(git)
    offer_wheels(host)
    host.run("apt-get -qq update && apt-get -qq install -y --no-install-recommends redis-server cron", timeout=300)
    host.run(["systemctl", "enable", "--quiet", "--now", "redis-server", "cron"])
    _checkout(host)
    quoted = PASSWORD.replace("'", "''")
    psql(host, f"CREATE ROLE frobuser LOGIN PASSWORD '{quoted}'")
    psql(host, "CREATE DATABASE frobshop OWNER frobuser")
    for command in ("migrate", "oscar_populate_countries", "collectstatic --no-input"):
        manage(host, *command.split(), "--verbosity=0")
    seed = (HERE / "seed.py").read_text("utf-8")
    host.run([PYTHON, "manage.py", "shell"], user=USER, cwd=APP, env={"HOME": HOME}, input=seed)
    manage(host, "rebuild_index", "--noinput", "--verbosity=0")
    _serve(host)


def manage(host: Host, *argv: str) -> str:
    """Run manage.py as the user; give its output."""
    return host.run([PYTHON, "manage.py", *argv], user=USER, cwd=APP, env={"HOME": HOME}, timeout=600).stdout


def ask(host: Host, path: str = "/catalogue/") -> Response:
    """Ask the shop on a host, past its redirect to TLS."""
    script = 'curl -sS -k -o /tmp/body -w "%{http_code}\\n" --resolve "$1:443:127.0.0.1" "https://$1$2"; cat /tmp/body'
    told = host.run(["sh", "-euc", script, "sh", DOMAIN, path]).stdout
    status, _, body = told.partition("\n")
    return Response(int(status), body)


def _publish(git: Host) -> None:
    git.run(["rm", "-rf", "/tmp/frobshop"])
    git.put(HERE / "project", "/tmp/frobshop", owner="git:git")
    git.run(_PUBLISH, user="git", cwd="/srv/git", env={"HOME": "/srv/git"})


def _checkout(host: Host) -> None:
    host.run(["useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", USER])
    host.run(["chmod", "0755", HOME])  # else nginx cannot read static files
    host.run(["git", "clone", "--quiet", "git://db/frobshop.git", APP], user=USER)
    host.run(["python3", "-m", "venv", ENVIRONMENT], user=USER)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--no-cache-dir", "-r", f"{APP}/requirements.txt"]
    host.run(pip, user=USER, env={"HOME": HOME}, timeout=600)
    host.run(["mkdir", f"{HOME}/logs"], user=USER)
    host.write(f"{APP}/.env", env_text(), owner=f"{USER}:{USER}", mode="0600")


def env_text() -> str:
    """Give .env, as django-environ reads it."""
    from urllib.parse import quote

    quoted = SECRET_KEY.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'SECRET_KEY="{quoted}"\nALLOWED_HOSTS={DOMAIN},localhost\nCSRF_TRUSTED_ORIGINS=https://{DOMAIN}\n'
        f"DATABASE_URL=postgres://frobuser:{quote(PASSWORD, safe='')}@localhost:5432/frobshop\n"
        f"CACHE_URL=rediscache://127.0.0.1:6379/1\nLOG_FILE={HOME}/logs/frobshop.log\n"
    )


def _serve(host: Host) -> None:
    host.write("/etc/systemd/system/gunicorn.socket", _SOCKET)
    host.write("/etc/systemd/system/gunicorn.service", _SERVICE)
    host.run(_CERTIFICATE)
    host.write("/etc/nginx/snippets/self-signed.conf", _SELF_SIGNED)
    host.write("/etc/nginx/snippets/ssl-params.conf", _PARAMETERS)
    host.write("/etc/nginx/sites-available/frobshop", _NGINX)
    host.run("ln -s /etc/nginx/sites-available/frobshop /etc/nginx/sites-enabled/; nginx -t -q")
    host.run(["crontab", "-"], user=USER, input=_CRONTAB)
    host.run("systemctl daemon-reload; systemctl enable --quiet --now gunicorn.socket; systemctl enable --quiet nginx")
    host.run("systemctl reload-or-restart nginx")
    answer = ask(host)
    if answer.status != 200 or "Frob" not in answer.body:
        logs = host.run(["journalctl", "--no-pager", "-n", "40", "-u", "gunicorn.service"], check=False).stdout
        raise RuntimeError(f"the shop answers {answer.status}\n{logs}")
