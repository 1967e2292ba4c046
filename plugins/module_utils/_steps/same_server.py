# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whether two databases are the same one, by every sign that can be read without writing.

An identity alone does not tell: a cloned machine or a restored snapshot of a server bears the one of its original. So a
server's own port, data directory and host name are compared too, and the machine where it is reached locally. What
cannot be told apart is taken for the same, since the step that asks is a destructive one. Of a SQLite database the file
itself is compared, since two names may lead to it.

There is no nonce: what one host's task writes for the other's to read must outlive the task, on a server on which we
write nothing; and a lock, which leaves no trace, ends with the session that holds it, which is the task's. The moment
in which a server started, told by itself to the microsecond where it can, stands for one.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DatabaseEntry, Manifest

#: The key of a database's details with what its server says of itself; an older set holds none.
SIGNS = "server"
#: Never another value on the same server, unless somebody set it up anew.
_LASTING = ("hostname", "data_directory", "port")
_RECENT = 6 * 3600  # seconds
_START = 2.0  # seconds by which a time of start that was computed from whole seconds may be off
_EXACT = 0.001  # the same, of one that the server itself tells to the microsecond


@dataclass(frozen=True)
class Place:
    """The place of a database.

    :param machine: of the host that asked, which is the server's own when it is reached locally
    :param identity: what the server calls itself, "" when it does not tell
    :param signs: what else it says: hostname, data_directory, port, started (seconds since 1970)
    """

    name: str
    host: str = ""
    port: Optional[int] = None
    machine: str = ""
    identity: str = ""
    signs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Tell whether the server runs on the machine that asked."""
        return self.host in ("", "localhost", "127.0.0.1", "::1") or self.host.startswith("/")


def place_of(config: Mapping[str, Any], facts: DatabaseFacts, machine: str) -> Place:
    """A database by its public settings and facts, as a manifest or preflight hold them."""
    signs = facts.details.get(SIGNS)
    return Place(
        str(config["name"]),
        str(config.get("host") or ""),
        config.get("port"),
        machine,
        facts.system_id,
        signs if isinstance(signs, Mapping) else {},
    )


def place_here(engine: Engine, machine: str) -> Place:
    """The database that the settings name on this host. Raises what :meth:`Engine.describe` raises."""
    return place_of(engine.config.public(), engine.describe(), machine)


def same_database(old: Place, new: Place, recent: bool = True) -> bool:
    """Tell whether both are one database.

    :param recent: whether both were looked at lately, so that times of start can be compared
    """
    files = [str(place.signs.get("file") or "") for place in (old, new)]
    if recent and old.machine == new.machine and all(files) and files[0] == files[1]:
        return True
    return old.name == new.name and same_server(old, new, recent)


def same_server(old: Place, new: Place, recent: bool = True) -> bool:
    """Tell whether both are on one server, as far as that can be told; see the top of this file."""
    if _differ_for_good(old, new):
        return False
    known = "" not in (old.identity, new.identity)
    apart = _seconds_apart(old, new) if recent else None
    if known and _is_one_start(apart, old, new):
        return True  # whatever the ways to it: no clone has started in the same moment
    both_local = _both_local(old, new)
    if both_local and old.machine != new.machine:
        return False
    if not known:
        return _same_address(old, new)
    # A clone of a server elsewhere: another address, and started at another time.
    return both_local or _same_host(old, new) or apart is None


def _both_local(old: Place, new: Place) -> bool:
    return old.local and new.local


def _same_host(old: Place, new: Place) -> bool:
    return old.host.lower() == new.host.lower()


def _same_address(old: Place, new: Place) -> bool:
    if _both_local(old, new):
        return True
    ports = (old.port, new.port)
    return _same_host(old, new) and (not all(ports) or ports[0] == ports[1])


def _differ_for_good(old: Place, new: Place) -> bool:
    return _differ(old.identity, new.identity) or any(
        _differ(old.signs.get(name), new.signs.get(name)) for name in _LASTING
    )


def _differ(here: Any, there: Any) -> bool:
    """Tell whether both servers say what it is, and not the same."""
    return bool(here and there) and str(here) != str(there)


def _seconds_apart(old: Place, new: Place) -> Optional[float]:
    """Between the starts of both servers; None when one of them does not tell."""
    try:
        first, second = (float(str(place.signs.get("started"))) for place in (old, new))
    except ValueError:
        return None
    return abs(first - second)


def _is_one_start(apart: Optional[float], old: Place, new: Place) -> bool:
    """Tell whether both servers started in the same moment, as exactly as both tell it."""
    if apart is None:
        return False
    return apart <= (_EXACT if all("." in str(place.signs.get("started")) for place in (old, new)) else _START)


def refuse_old_host(
    manifest: Manifest, engines: Mapping[str, Engine], allow_same_host: bool, allow_same_database: bool = False
) -> None:
    """Destructive steps run only where old's databases are not. Raises same_host.

    :param allow_same_host: the machine may be old's; its databases still may not
    :param allow_same_database: nor does it matter which databases these are
    """
    same_machine = manifest.host["machine_id"] == host_facts.machine_id()
    if same_machine and not allow_same_host:
        raise RelocateError(
            "same_host",
            "refusing: this is the OLD host, {0}".format(manifest.host["name"]),
            "correct the inventory; relocate_allow_same_host: true accepts two sites on one machine",
        )
    for alias, engine in engines.items():
        entry = manifest.databases.get(alias)
        if entry is not None and not allow_same_database and _is_same_database(engine, manifest, entry):
            raise RelocateError(
                "same_host",
                "refusing: database {0} is the OLD one, on the same server".format(alias),
                "give the new site another database (relocate_env_overrides), or leave the alias out of"
                " relocate_aliases;"
                " allow_same_database restores in place on purpose",
            )


def _is_same_database(engine: Engine, manifest: Manifest, entry: DatabaseEntry) -> bool:
    old = place_of(entry.config, entry.facts, str(manifest.host["machine_id"]))
    if engine.config.name != old.name and not engine.is_file:
        return False
    return same_database(old, place_here(engine, host_facts.machine_id()), _is_recent(manifest.created))


def _is_recent(created: str) -> bool:
    """Tell whether the run that restores a set also made it, so that the recorded start of its server still holds."""
    try:
        made = datetime.datetime.fromisoformat(created)
    except ValueError:
        return False
    age = (datetime.datetime.now(datetime.timezone.utc) - made).total_seconds() if made.tzinfo else _RECENT + 1
    return 0 <= age <= _RECENT
