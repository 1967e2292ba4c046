# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of what the readers of a host tell: who starts programs there, who serves web sites, whom a site talks to.

A reader knows nothing of sites. It reads one kind of configuration, as the program that it belongs to would read it,
and returns all that it holds; ``sites.py`` joins them. Values of variables stay on the host: they may be secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

#: Kinds of starters that systemd knows by themselves.
UNITS = ("service", "socket", "timer", "path")


@dataclass(frozen=True)
class Starter:
    """Something that starts programs: a unit, a program of supervisor, a line of cron."""

    kind: str  # one of UNITS, or supervisor, circus, runit, uwsgi, cron
    name: str  # the unit's; the program's; of a line of cron, FILE:NUMBER
    unit: str = ""  # the unit by which it is stopped and started: itself, supervisor.service; cron: none
    manager: str = ""  # the user whose own systemd runs the unit; "" for the system's
    commands: Tuple[Tuple[str, ...], ...] = field(default=(), repr=False)  # the words of each; may hold secrets
    directory: str = ""  # where they run
    user: str = ""  # whom they run as; "" when nothing says so
    group: str = ""
    files: Tuple[str, ...] = ()  # what defines it, links first and then what they lead to: unit file, drop-ins
    dynamic: bool = False  # systemd makes that user when the unit starts
    made: Tuple[str, ...] = ()  # directories that it makes at its start, or that may be absent
    must: Tuple[str, ...] = ()  # programs, by their paths, that the user must be able to execute for it to start
    env_files: Tuple[str, ...] = ()  # as written; one beginning with "-" may be absent
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # what it sets by itself; may hold secrets
    starts: Tuple[str, ...] = ()  # units that it starts: of a timer, a socket, a path
    needs: Tuple[str, ...] = ()  # units that it requires or wants
    listens: Tuple[str, ...] = ()  # "unix:/run/shop.sock", "tcp:127.0.0.1:8000"; "*" for any address
    runs: bool = False  # now; of a job, whether its timer does
    at_boot: bool = False
    packaged: bool = False  # its file came with a package of the system and is as it came
    by: str = ""  # the user who can say what it does, when that is not root: it says nothing of what is others'


@dataclass(frozen=True)
class WebSite:
    """One server block of nginx, or one virtual host of Apache."""

    server: str  # nginx, apache
    unit: str  # the system unit that serves it: nginx.service, apache2.service, httpd.service
    names: Tuple[str, ...] = ()  # host names that it answers to, the first is its own; no patterns
    default: bool = False  # answers to any name
    default_for: Tuple[Tuple[str, int], ...] = ()  # addresses for which it says so itself
    ports: Tuple[Tuple[str, int, bool], ...] = ()  # address ("*" for any, "::" for any of IPv6), port, whether by TLS
    targets: Tuple[str, ...] = ()  # whom it passes requests on to, as in Starter.listens
    mounts: Tuple[Tuple[str, str], ...] = ()  # path of a URL, and the target or script that answers below it
    redirects: bool = False  # it does nothing but redirect, as from http to https
    directories: Tuple[str, ...] = ()  # root, alias, DocumentRoot
    scripts: Tuple[str, ...] = ()  # of mod_wsgi: what runs within Apache
    python_home: str = ""  # of mod_wsgi: the virtual environment
    python_path: Tuple[str, ...] = ()
    user: str = ""  # of mod_wsgi's daemon
    group: str = ""
    modules: Tuple[str, ...] = ()  # of Apache that it needs, by the names of their links in mods-enabled
    files: Tuple[str, ...] = ()  # its own configuration, links first and then what they lead to
    certificates: Tuple[str, ...] = ()
    keys: Tuple[str, ...] = ()
    logs: Tuple[str, ...] = ()  # files that each request is written to


@dataclass(frozen=True)
class Neighbour:
    """A server that the settings name, besides the databases that are moved."""

    kind: str  # redis, memcached, rabbitmq, elasticsearch, smtp, s3, ...
    setting: str  # CACHES['default'], CELERY_BROKER_URL
    role: str  # cache, sessions, task queue, channel layer, search, mail, storage
    host: str = ""
    port: Optional[int] = None
    path: str = ""  # of a socket
    database: str = ""  # number or name: Redis' 1, RabbitMQ's virtual host


@dataclass(frozen=True)
class Guess:
    """One value for the inventory, and why it is there."""

    value: str
    why: str  # a few words, for a comment: "ExecStart of shop.service"


@dataclass(frozen=True)
class Notice:
    """Tells what a move does not do by itself: what was found, and what to do about it."""

    what: str
    hint: str
