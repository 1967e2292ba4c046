# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where servers listen, by their command lines as deployments write them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import listens_of, uwsgi_address


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        # gunicorn
        ("/v/bin/gunicorn --access-logfile - --workers 3 --bind unix:/run/g.sock x.wsgi", ["unix:/run/g.sock"]),
        ("gunicorn x.wsgi -b :8000", ["tcp:*:8000"]),
        ("gunicorn x.wsgi -b127.0.0.1:8001 --bind=[::1]:8001", ["tcp:127.0.0.1:8001", "tcp:[::1]:8001"]),
        ("gunicorn x.wsgi --bind 127.0.0.1", ["tcp:127.0.0.1:8000"]),
        ("gunicorn x.wsgi -b 0.0.0.0:80,unix:///run/a.sock", ["tcp:*:80", "unix:/run/a.sock"]),
        ("gunicorn x.wsgi", ["tcp:127.0.0.1:8000"]),
        ("gunicorn --config /opt/netbox/gunicorn.py netbox.wsgi", []),
        ("gunicorn -c conf.py -b :1 x", ["tcp:*:1"]),
        ("gunicorn -b fd://3 x", []),
        ("gunicorn -b 127.0.0.1:$PORT x", []),
        ("gunicorn -b unix:$SOCKFILE x", []),
        ("gunicorn -b unix:app.sock x", ["unix:/srv/shop/app.sock"]),
        ("gunicorn --chdir src -b unix:app.sock x", ["unix:/srv/shop/src/app.sock"]),
        ("gunicorn --chdir /opt/x -b unix:../app.sock x", ["unix:/opt/app.sock"]),
        ("/v/bin/python /v/bin/gunicorn -b :1 x", ["tcp:*:1"]),
        ("/v/bin/python -m gunicorn -b :1 x", ["tcp:*:1"]),
        ("/v/bin/python3.11 -u -m gunicorn -b :1 x", ["tcp:*:1"]),
        ("/usr/bin/env PATH=/v/bin gunicorn -b :1 x", ["tcp:*:1"]),
        ("poetry run gunicorn -b :1 x", ["tcp:*:1"]),
        ("uv run --frozen gunicorn -b :1 x", ["tcp:*:1"]),
        ("newrelic-admin run-program gunicorn -b :1 x", ["tcp:*:1"]),
        ("sudo -u gunicorn /bin/sleep 1", []),
        ("/bin/pkill gunicorn", []),
        ("pip install gunicorn", []),
        ("/usr/bin/python3 -m pip --version", []),
        ("gunicorn x.wsgi --bind", ["tcp:127.0.0.1:8000"]),
        # through a shell
        ("/bin/bash -lc 'cd /srv/x && exec gunicorn x -b unix:g.sock'", ["unix:/srv/x/g.sock"]),
        ("/bin/sh -c 'PORT=81; exec gunicorn x -b :$PORT 2>&1 | logger'", ["tcp:*:81"]),
        ("/bin/sh -ec 'daphne -p 9000 x:a'", ["tcp:127.0.0.1:9000"]),
        # uvicorn, granian
        ("uvicorn x.asgi:application --uds /run/u.sock", ["unix:/run/u.sock"]),
        ("uvicorn x --host 0.0.0.0 --port=8100", ["tcp:*:8100"]),
        ("uvicorn x --fd 0", []),
        ("uvicorn x", ["tcp:127.0.0.1:8000"]),
        ("granian --interface asginl --port 8000 --host :: paperless.asgi:application", ["tcp:*:8000"]),
        # daphne
        ("daphne -b 0.0.0.0 -p 8001 x:a", ["tcp:*:8001"]),
        ("daphne -u /run/daphne%(process_num)d.sock x:a", ["unix:/run/daphne%(process_num)d.sock"]),
        ("daphne -u /run/d.sock --fd 0 --access-log - --proxy-headers x:a", ["unix:/run/d.sock"]),
        ("daphne -e ssl:443:privateKey=k.pem:certKey=c.pem x:a", ["tcp:*:443"]),
        (r"daphne -e 'tcp:port=8000:interface=\:\:1' x:a", ["tcp:[::1]:8000"]),
        ("daphne --endpoint unix:/run/d.sock x:a", ["unix:/run/d.sock"]),
        ("daphne --fd 0 x:a", []),
        ("daphne x:a", ["tcp:127.0.0.1:8000"]),
        # others
        ("hypercorn x:a -b 0.0.0.0:5000 -b unix:/run/h.sock", ["tcp:*:5000", "unix:/run/h.sock"]),
        ("hypercorn x:a", ["tcp:127.0.0.1:8000"]),
        ("hypercorn -c h.toml x:a", []),
        ("waitress-serve --listen=127.0.0.1:8041 x:a", ["tcp:127.0.0.1:8041"]),
        ("waitress-serve --listen '*:80 [::1]:81' x:a", ["tcp:*:80", "tcp:[::1]:81"]),
        ("waitress-serve --unix-socket=/run/w.sock x:a", ["unix:/run/w.sock"]),
        ("waitress-serve --port 8042 x:a", ["tcp:*:8042"]),
        ("uwsgi --socket 127.0.0.1:3031 --http :8080", ["tcp:127.0.0.1:3031", "tcp:*:8080"]),
        ("uwsgi -s /run/u.sock -d log", ["unix:/run/u.sock"]),
        ("uwsgi_python3 --http-socket=:8080", ["tcp:*:8080"]),
        ("uwsgi --ini /etc/uwsgi/apps/x.ini", []),
        ("python manage.py runserver", ["tcp:127.0.0.1:8000"]),
        ("python manage.py runserver 0.0.0.0:8080 --insecure", ["tcp:*:8080"]),
        ("./manage.py runserver_plus 8001 --settings x.y", ["tcp:127.0.0.1:8001"]),
        ("django-admin runserver [::1]:80", ["tcp:[::1]:80"]),
        ("nice -n10 /srv/zulip/manage.py runtornado 127.0.0.1:9800 --skip-checks", ["tcp:127.0.0.1:9800"]),
        ("echo runserver", []),
        ("celery -A shop flower --port=5556", ["tcp:*:5556"]),
        ("celery -A flower worker", []),
        ("chaussette --fd $(circus.sockets.web) x.wsgi.application", []),
        ("mod_wsgi-express start-server x.py --port 8003 --user w", ["tcp:*:8003"]),
        ("celery -A shop worker -b redis://localhost", []),
        ("", []),
    ],
)
def test_command_lines(command: str, expected: list[str]) -> None:
    found = listens_of([tuple(shlex.split(command))], {}, "/srv/shop")
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("command", "environment", "expected"),
    [
        ("gunicorn x", {"GUNICORN_CMD_ARGS": "--bind=unix:/run/p.sock -w 2"}, ("unix:/run/p.sock",)),
        ("gunicorn x -b :2", {"GUNICORN_CMD_ARGS": "--bind=:1"}, ("tcp:*:2",)),
        ("gunicorn x", {"GUNICORN_CMD_ARGS": "-c 'open"}, ()),
        ("gunicorn x", {"PORT": "5000"}, ("tcp:*:5000",)),
        ("gunicorn x", {"LISTEN_FDS": "1"}, ()),
        ("uvicorn x", {"UVICORN_HOST": "0.0.0.0", "UVICORN_PORT": "7"}, ("tcp:*:7",)),
        ("granian x", {"GRANIAN_UDS": "/run/g.sock"}, ("unix:/run/g.sock",)),
        ("env GUNICORN_CMD_ARGS=-b:9 gunicorn x", {}, ("tcp:127.0.0.1:8000",)),
    ],
)
def test_variables(command: str, environment: dict[str, str], expected: tuple[str, ...]) -> None:
    assert listens_of([tuple(command.split())], environment) == expected


def test_a_relative_socket_without_a_directory_is_not_guessed() -> None:
    assert listens_of([("gunicorn", "-b", "unix:x.sock")], {}) == ()


def test_each_address_is_said_once() -> None:
    assert listens_of([("gunicorn", "-b", ":1"), ("gunicorn", "-b", ":1", "-b", ":2")], {}) == ("tcp:*:1", "tcp:*:2")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (":8000", "tcp:*:8000"),
        ("*:8000", "tcp:*:8000"),
        ("127.0.0.1:8000", "tcp:127.0.0.1:8000"),
        ("/run/u.sock", "unix:/run/u.sock"),
        ("u.sock", "unix:u.sock"),
        ("@abstract", "unix:@abstract"),
        ("0.0.0.0:443,/etc/c.pem,/etc/k.pem", "tcp:*:443"),
        ("/run/a:b.sock", "unix:/run/a:b.sock"),
    ],
)
def test_uwsgi(value: str, expected: str) -> None:
    assert uwsgi_address(value) == expected


@given(st.lists(st.text(max_size=12), max_size=6), st.sampled_from(["gunicorn", "daphne", "uwsgi", "waitress-serve"]))
def test_no_arguments_break_it(arguments: list[str], program: str) -> None:
    assert all(item.startswith(("tcp:", "unix:")) for item in listens_of([(program, *arguments)], {}, "/srv"))
