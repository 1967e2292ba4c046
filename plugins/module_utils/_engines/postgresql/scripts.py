# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schema as SQL: out of a dump, and out of a database, both in pg_dump's words."""

from __future__ import annotations

import codecs
import re
from typing import Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.programs import (
    Client,
    failed,
    list_file,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.queries import MARK
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, run
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


def schema_of_dump(server: Server, client: Client, path: str, lines: Sequence[str], encoding: str) -> str:
    """The SQL by which a dump makes its schema.

    :param lines: its table of contents
    Raises dump_truncated.
    """
    calls = [["--schema-only", "--create"]]
    objects = [line for line in lines if re.match(r"^\d+; \d+ \d+ ACL - LARGE OBJECT", line)]
    if objects:  # for pg_restore they are no part of a schema
        calls.append(["--use-list=" + list_file(server, objects)])
    found = []
    for words in calls:
        command = Command([client.path, "--file=-", path, *words], user=server.context.owner)
        done, text = _script(server, command, encoding)
        if done.rc != 0:
            raise failed(server, "dump_truncated", "the schema cannot be read", done, "take the set from another copy")
        found.append(text)
    return "".join(found)


def schema_of_database(server: Server, client: Client, database: str) -> str:
    """The same of a database, asked as the settings' role. Raises load_failed."""
    argv = [client.path, "--schema-only", "--create", "--no-password", "--encoding=UTF8"]
    argv += ["--exclude-schema={0}*".format(MARK)] if server.in_place else []
    command = Command(argv, user=server.context.owner, env=server.environment(database))
    done, text = _script(server, command, "UTF8")
    if done.rc != 0:
        raise failed(server, "load_failed", "what was loaded cannot be compared", done, "fix what the message names")
    return text


def _script(server: Server, command: Command, encoding: str) -> Tuple[Completed, str]:
    target = server.context.secrets.write("schema", "")
    with acting_as(server.context.owner), open(target, "wb") as stream:
        done = run(command, stdout=stream)
    with acting_as(server.context.owner), open(target, encoding=codec(encoding), errors="backslashreplace") as lines:
        return done, lines.read()


def codec(encoding: str) -> str:
    """Python's name of a server's encoding; SQL_ASCII and those that Python does not know are read as UTF-8."""
    name = re.sub(r"^WIN", "cp", encoding or "UTF8")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"


def dumped_by(script: str) -> str:
    """The major version of the pg_dump whose words a script is in."""
    match = re.search(r"^-- Dumped by pg_dump version (\d+)", script[:2000], re.MULTILINE)
    return match.group(1) if match else ""
