# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One function per option group; the documentation fragment of the same name describes it."""

from __future__ import annotations

from typing import Any, Dict, Mapping

Spec = Dict[str, Dict[str, Any]]


def project() -> Spec:
    """Options: where the project is, and how its settings are read."""
    return {
        "path": {"type": "path", "required": True},
        "interpreter": {"type": "path"},
        "settings": {"type": "str"},
        "environment": {"type": "dict", "default": {}, "no_log": True},
        "env_files": {"type": "list", "elements": "path", "default": []},
        "owner": {"type": "str"},
        "allow_root": {"type": "bool", "default": False},
    }


def code() -> Spec:
    """Options: what holds the project's code."""
    return {"vcs": {"type": "str", "choices": ["git", "hg", "svn", "none"], "default": "git"}}


def login() -> Spec:
    """Options: how to reach the database server as its administrator."""
    return {
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "login_host": {"type": "str"},
        "login_port": {"type": "int"},
        "login_unix_socket": {"type": "path"},
        "login_database": {"type": "str"},
    }


def work() -> Spec:
    """Our own directory on the host, and which run the task belongs to."""
    return {
        "directory": {"type": "path", "default": "/var/lib/relocate"},
        "site": {"type": "str", "required": True},
        "run": {"type": "str", "default": ""},
        "release": {"type": "bool", "default": False},
    }


def aliases() -> Spec:
    """Options: the databases that take part, and how many jobs run at a time."""
    return {
        "aliases": {"type": "list", "elements": "str", "default": []},
        "jobs": {"type": "int"},
        "compression": {"type": "str", "choices": ["zstd", "none"], "default": "zstd"},
    }


def backup_set() -> Spec:
    """Options: the backup set, and the digest that proves its manifest."""
    return {
        "label": {"type": "str"},
        "manifest_sha256": {"type": "str"},
    }


def identity() -> Spec:
    """Options: what opens a backup set that is encrypted."""
    return {"age_identity": {"type": "str", "no_log": True}}


def sanitise_rules() -> Dict[str, Any]:
    """Return the option that says how rows are sanitised."""
    return {
        "type": "dict",
        "options": {
            "builtin": {"type": "bool", "default": True},
            "domain": {"type": "str", "default": ""},
            "columns": {"type": "dict", "default": {}},
            "sql": {"type": "dict", "default": {}},
            "command": {"type": "list", "elements": "str", "default": []},
            "mail_backends": {"type": "list", "elements": "str", "default": []},
            "others": {"type": "list", "elements": "str", "default": []},
            "unrecognised": {"type": "str", "choices": ["report", "refuse"], "default": "report"},
        },
    }


def _request() -> Dict[str, Any]:
    return {
        "url": {"type": "str", "required": True},
        "host": {"type": "str", "default": ""},
        "headers": {"type": "dict", "default": {}, "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
    }


def warm() -> Spec:
    """Options: the pages that the site is asked for before its answers are judged."""
    return {"warm": {"type": "list", "elements": "dict", "default": [], "options": _request()}}


def answers() -> Spec:
    """Options: the answers that the site must give, and the time it has for them."""
    options = {
        **_request(),
        "status": {"type": "int", "default": 200},
        "contains": {"type": "str", "default": ""},
        "old": {"type": "bool", "default": True},
    }
    return {
        "answers": {"type": "list", "elements": "dict", "default": [], "options": options},
        "answers_timeout": {"type": "int", "default": 60},
    }


def sequences() -> Spec:
    """Options: how to treat sequences that are behind the ids in their columns."""
    return {"sequences": {"type": "str", "choices": ["keep", "advance"], "default": "keep"}}


def retention() -> Spec:
    """Options: which sets of a site stay."""
    counts = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
    words = {**{word: {"type": "int"} for word in counts}, "within": {"type": "str"}}
    return {
        "keep": {"type": "int", "default": 0},
        "retention": {"type": "dict", "default": {}, "options": words},
    }


def proof() -> Spec:
    """Options: what is compared in the downtime after a first copy."""
    return {"proof": {"type": "str", "choices": ["full", "changed"], "default": "full"}}


def repository() -> Spec:
    """Options: where sets are kept, and what opens it."""
    inner: Spec = {
        "type": {"type": "str", "choices": ["directory", "restic"], "default": "directory"},
        "address": {"type": "str"},
        "password_file": {"type": "path", "no_log": False},
        "password_command": {"type": "str", "no_log": False},
        "credentials_file": {"type": "path"},
        "credentials_command": {"type": "str"},
        "options": {"type": "list", "elements": "str", "default": []},
        "create": {"type": "bool", "default": False},
        "key_file": {"type": "path", "no_log": False},
        "host_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "port": {"type": "int", "default": 22},
    }
    return {"repository": {"type": "dict", "default": {}, "options": inner}}


def definers() -> Spec:
    """Options: the definers that views, triggers, routines and events of MySQL and MariaDB get."""
    return {"definers": {"type": "dict", "default": {}}}


def merged(*groups: Mapping[str, Any]) -> Spec:
    """Option groups as one argument specification; an option may be in one group only."""
    spec: Spec = {}
    for group in groups:
        twice = set(spec) & set(group)
        if twice:
            raise ValueError("options in two groups: " + ", ".join(sorted(twice)))
        spec.update(group)
    return spec
