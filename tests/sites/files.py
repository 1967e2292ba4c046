# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of the files that an admin would have put on the server: .env, systemd units, nginx."""

from __future__ import annotations

from .spec import EMAIL_PASSWORD, Site

_DJANGO_ENGINES = {
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "sqlite": "django.db.backends.sqlite3",
}


def quoted(value: str) -> str:
    """Quote a value so that a shell, systemd's EnvironmentFile and django-environ read the same."""
    for character in '\\"$`':
        value = value.replace(character, f"\\{character}")
    return f'"{value}"'


def env_text(site: Site) -> str:
    """Give .env: URLs for two of the settings variants, single values for the third."""
    server = site.engine != "sqlite"
    values = {
        "SECRET_KEY": quoted(site.secret_key),
        "EMAIL_HOST_PASSWORD": quoted(EMAIL_PASSWORD),
        "DATABASE_URL": site.database_url("default"),
        "ARCHIVE_URL": site.database_url("archive"),
        "DB_ENGINE": _DJANGO_ENGINES[site.engine],
        "DB_NAME": quoted(site.databases["default"]),
        "DB_USER": quoted(site.role if server else ""),
        "DB_PASSWORD": quoted(site.password if server else ""),
        "DB_HOST": quoted(site.database_host if server else ""),
        "DB_PORT": quoted(str(site.database_port) if server and site.database_host else ""),
        "ARCHIVE_DB_ENGINE": _DJANGO_ENGINES[site.engine],
        "ARCHIVE_DB_NAME": quoted(site.databases["archive"]),
    }
    return "# Secrets of the site: never in git.\n" + "".join(f"{name}={value}\n" for name, value in values.items())


def unit_texts(site: Site) -> dict[str, str]:
    """Give unit names with their texts."""
    environment = f"Environment=DJANGO_SETTINGS_MODULE={site.settings}\n"
    if site.project == "awkward":
        environment += f"EnvironmentFile={site.env_file}\n"
    common = f"User={site.user}\nGroup={site.user}\nWorkingDirectory={site.app}\n{environment}"
    after = "After=network.target postgresql.service mariadb.service\n"
    install = "\n[Install]\nWantedBy=multi-user.target\n"
    wsgi = "awkward.wsgi" if site.project == "awkward" else "mysite.wsgi"
    gunicorn = f"{site.app}/.venv/bin/gunicorn --workers 2 --bind 127.0.0.1:{site.port} {wsgi}"
    manage = f"{site.python} {site.app}/manage.py"
    units = {
        site.web_unit: f"[Unit]\nDescription=Web server of {site.name}\n{after}\n"
        f"[Service]\n{common}ExecStart={gunicorn}\nRestart=on-failure\n{install}"
    }
    if site.project != "awkward":
        return units
    return {
        **units,
        site.worker_unit: f"[Unit]\nDescription=Worker of {site.name}\n{after}\n"
        f"[Service]\n{common}ExecStart={manage} worker --every 0.2\nRestart=on-failure\n{install}",
        site.cleanup_unit: f"[Unit]\nDescription=Cleanup of {site.name}\n{after}\n"
        f"[Service]\nType=oneshot\n{common}ExecStart={manage} cleanup\n",
        site.timer_unit: f"[Unit]\nDescription=Cleanup of {site.name}, once an hour\n\n"
        "[Timer]\nOnCalendar=hourly\n\n[Install]\nWantedBy=timers.target\n",
    }


def nginx_text(site: Site) -> str:
    """Give nginx's server block."""
    return f"""server {{
    listen {site.public_port} default_server;
    server_name {site.name}.example.org;
    charset utf-8;
    location /static/ {{ alias {site.static}/; }}
    location /media/ {{ alias {site.media}/; }}
    location / {{
        proxy_pass http://127.0.0.1:{site.port};
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
    }}
}}
"""
