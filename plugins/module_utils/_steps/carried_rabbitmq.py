# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries a virtual host of RabbitMQ: its definitions, and the user with whom the settings log in; no messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any, Dict, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import ctl, definitions
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq.shapes import Definitions, for_import
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import NeighbourEntry
from ansible_collections.relocate.django.plugins.module_utils._steps import carriers, stores
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import VirtualHost

_LARGEST = 64 * 1024 * 1024  # bytes of a file


def _read(plain: Mapping[str, Any], vhost: str) -> Definitions:
    """Raises neighbour_failed for what no server writes, or this version does not know."""
    try:
        return definitions.of_vhost(plain, vhost)
    except (ValueError, TypeError, AttributeError):
        raise RelocateError(
            "neighbour_failed",
            "the definitions of virtual host {0} hold what is not carried".format(printable(vhost[:80])),
            "leave it out of relocate_neighbours_carried, and export and import them yourself",
        ) from None


@dataclass(frozen=True)
class _Old:
    """What old's server holds of a virtual host."""

    kept: Definitions  # what is carried
    notes: List[str]  # what to tell of the rest
    described: Dict[str, Any]


def _looked(store: VirtualHost) -> _Old:
    """Ask old's server. Raises neighbour_failed, above all where the settings do not log in: it is nobody else's."""
    plain = ctl.exported()
    found = _read(plain, store.name)
    if not found["vhosts"]:
        raise RelocateError(
            "neighbour_failed",
            "{0} is no virtual host of the RabbitMQ on this host".format(store.place),
            "see rabbitmqctl list_vhosts, and whom the settings mean",
        )
    kept, notes = definitions.carried(found, store.user)
    if kept["users"] and not ctl.logs_in(store.user, store.password):
        raise RelocateError(
            "neighbour_failed",
            "the settings of old do not log in to {0}: {1} has another password".format(
                store.place, printable(store.user[:80])
            ),
            "see which user they name; nobody else's goes along",
        )
    left = definitions.parameters_left(plain, store.name)
    if left:
        notes.append("parameters stay behind: {0}".format(definitions.names(left)))
    major, minor = ctl.version(plain)
    version = {"major": major, "minor": minor}
    count = definitions.count(kept)
    return _Old(kept, notes, {"keys": count, "server": _server(store), "version": version, "user": store.user})


def _server(store: VirtualHost) -> str:
    return "{0}/{1}".format(facts.machine_id(), store.name)


class RabbitMQ(carriers.Carrier[VirtualHost]):
    """Carries one virtual host."""

    def check_version(self, plain: Mapping[str, int]) -> None:
        """Raises ValueError."""
        if set(plain) != {"major", "minor"}:
            raise ValueError("version")

    def described(self, store: VirtualHost, owner: SystemUser) -> Dict[str, Any]:
        """Ask the server for its version, and what it would give."""
        return _looked(store).described

    def save(self, store: VirtualHost, owner: SystemUser, stream: IO[bytes], notes: List[str]) -> Dict[str, Any]:
        """Write the definitions; what is not carried is named."""
        found = _looked(store)
        notes += ["{0}: {1}".format(store.place, text) for text in found.notes]
        waits = stores.waiting_in(store)
        if waits:
            notes.append(waits + "; relocate_queues_empty_within lets the workers empty them first")
        stream.write(definitions.as_text(found.kept).encode("utf-8"))
        return found.described

    def check(self, entry: NeighbourEntry, store: VirtualHost, owner: SystemUser, is_ours: bool) -> None:
        """Look which host it is, at its version, what the virtual host holds, and who may log in."""
        if entry.server == _server(store):
            hint = "let the settings of new name another virtual host"
            raise carriers.same_host(store.place, "virtual host of rabbitmq", hint)
        plain = ctl.exported()
        major, minor = ctl.version(plain)
        if major < entry.version["major"]:
            wanted = "{major}.{minor}".format(**entry.version)
            raise carriers.older(store.place, "rabbitmq {0}.{1}".format(major, minor), "rabbitmq " + wanted)
        _refuse_foreign(plain, store, is_ours)
        _check_user(plain, store, entry.user)

    def filling(
        self, entry: NeighbourEntry, store: VirtualHost, owner: SystemUser, path: str, is_ours: bool
    ) -> carriers.Filling:
        """Look what is there."""
        plain = ctl.exported()
        found = _refuse_foreign(plain, store, is_ours)
        has_user = definitions.has_user(plain, store.user)  # he may log in, or it would have been refused
        return _Definitions(entry, store, path, found, has_user, ctl.version(plain)[0])


def _refuse_foreign(plain: Mapping[str, Any], store: VirtualHost, is_ours: bool) -> Definitions:
    """Return what is there. Raises neighbour_not_blank unless it is blank, or an earlier attempt brought it."""
    found = _read(plain, store.name)
    held = [*definitions.content(found), *definitions.parameters_left(plain, store.name)]
    if held and not is_ours:
        hint = "remove it when nobody needs it (rabbitmqctl delete_vhost), or let the settings of new name another one"
        raise carriers.not_blank(store.place, definitions.names(held), hint)
    return found


def _check_user(plain: Mapping[str, Any], store: VirtualHost, on_old: str) -> None:
    """Refuse new's user. Raises neighbour_not_blank where he is there, and the settings do not log in as him."""
    user = printable(store.user[:80])
    there = definitions.has_user(plain, store.user)
    if there and not ctl.logs_in(store.user, store.password):
        hint = "rabbitmqctl change_password, or delete_user when nobody needs him"
        what = "a user {0} with another password than the settings have,".format(user)
        raise carriers.not_blank(store.place, what, hint)
    if not there and store.user != on_old:
        raise RelocateError(
            "neighbour_missing",
            "the settings of new log in to {0} as {1}, who is not there".format(store.place, user),
            "rabbitmqctl add_user on new, or let the settings log in as on old, whose user goes along",
        )


class _Definitions(carriers.Filling):
    """Fills a virtual host.

    :param found: what is there
    :param has_user: the user is there, and stays as he is
    """

    def __init__(
        self, entry: NeighbourEntry, store: VirtualHost, path: str, found: Definitions, has_user: bool, major: int
    ) -> None:
        self._entry, self._store, self._path = entry, store, path
        self._has_user, self._major = has_user, major
        self._is_blank = not definitions.content(found)
        self._before = definitions.blank(found) if found["vhosts"] else None

    def fill(self, notes: List[str]) -> None:
        saved = self._saved()
        moved = definitions.addressed(saved, self._store.name, self._store.user)
        wanted, changed = definitions.fitted(moved, self._major)
        given = dict(wanted, users=[] if self._has_user else wanted["users"])
        if self._before is not None:
            given = definitions.together(self._before, given)
            if not self._is_blank:  # an earlier attempt filled it
                ctl.delete_vhost(self._store.name)
        ctl.load(for_import(given))
        self._compare(wanted)
        text = "{0}: {1} definitions were carried over from {2} and compared"
        notes.append(text.format(self._store.place, definitions.count(wanted), self._entry.place))
        if changed:
            lost = "{0}: RabbitMQ {1} mirrors no queues, so these policies lost that: {2}"
            notes.append(lost.format(self._store.place, self._major, definitions.names(changed)))

    def _saved(self) -> Definitions:
        """Read the file of the set. Raises file_differs."""
        with open(self._path, "rb") as stream:
            data = stream.read(_LARGEST + 1)
        try:
            found = definitions.from_text(data) if len(data) <= _LARGEST else None
        except (ValueError, TypeError, AttributeError):
            found = None
        if found is None or definitions.count(found) != self._entry.keys:
            raise RelocateError(
                "file_differs",
                "{0} does not hold the definitions of rabbitmq that a backup wrote".format(self._entry.stored),
                "transfer the set again, or use another one",
            )
        return found

    def _compare(self, wanted: Definitions) -> None:
        there, _notes = definitions.carried(_read(ctl.exported(), self._store.name), self._store.user)
        kept = {kind: entries for kind, entries in wanted.items() if kind != "users" or not self._has_user}
        wrong = definitions.differences(kept, there)
        if wrong:
            raise RelocateError(
                "data_differs",
                "{0} does not hold the definitions of the set as they were: {1}".format(
                    self._store.place, "; ".join(wrong)
                ),
                "see the log of RabbitMQ on new, then run the same command again",
            )
        if kept.get("users") and not ctl.logs_in(self._store.user, self._store.password):
            raise RelocateError(
                "data_differs",
                "the settings of new do not log in to {0}: they have another password than on old".format(
                    self._store.place
                ),
                "let the settings of new have the password that old's have",
            )

    def remove(self) -> None:
        plain = ctl.exported()
        if _read(plain, self._store.name)["vhosts"]:
            ctl.delete_vhost(self._store.name)
        if not self._has_user and definitions.has_user(plain, self._store.user):
            ctl.delete_user(self._store.user)
        if self._before is not None:
            ctl.load(for_import(self._before))
