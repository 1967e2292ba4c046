# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract of what carries one kind of server beside the site: ``carried_redis``, ``carried_rabbitmq``."""

from __future__ import annotations

import abc
from typing import IO, Any, Dict, Generic, List, Mapping, TypeVar

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import NeighbourEntry

#: What the settings name, as ``stores`` finds it.
S = TypeVar("S")


class Filling(abc.ABC):
    """Fills one server of new out of a file of the set, or takes that back. Making one writes nothing."""

    @abc.abstractmethod
    def fill(self, notes: List[str]) -> None:
        """Fill and compare. Raises neighbour_failed, data_differs, file_differs."""

    @abc.abstractmethod
    def remove(self) -> None:
        """Take back what was filled, or begun to be. Raises neighbour_failed."""


class Carrier(abc.ABC, Generic[S]):
    """Carries what one kind of server holds."""

    @abc.abstractmethod
    def check_version(self, plain: Mapping[str, int]) -> None:
        """Check the form in which :meth:`described` tells a version. Raises ValueError."""

    @abc.abstractmethod
    def described(self, store: S, owner: SystemUser) -> Dict[str, Any]:
        """Return the fields of the manifest's entry, but for where it is stored. Raises neighbour_failed."""

    @abc.abstractmethod
    def save(self, store: S, owner: SystemUser, stream: IO[bytes], notes: List[str]) -> Dict[str, Any]:
        """Write what is carried into a file of the set; returns what describes it. Raises neighbour_failed."""

    @abc.abstractmethod
    def check(self, entry: NeighbourEntry, store: S, owner: SystemUser, is_ours: bool) -> None:
        """Refuse a server of new that would not take an entry.

        :param is_ours: what it holds came out of a set, and nothing has served with it since
        Raises same_host, neighbour_older, neighbour_not_blank, neighbour_failed.
        """

    @abc.abstractmethod
    def filling(self, entry: NeighbourEntry, store: S, owner: SystemUser, path: str, is_ours: bool) -> Filling:
        """Look once more at what the server holds, and return what fills it.

        :param path: the file of the set
        Raises neighbour_not_blank, neighbour_failed.
        """


def same_host(place: str, what: str, hint: str) -> RelocateError:
    """Return the error for a server of new that is old's own."""
    return RelocateError("same_host", "refusing: {0} is the {1} that old uses".format(place, what), hint)


def not_blank(place: str, what: str, hint: str) -> RelocateError:
    """Return the error for a server of new that holds something of somebody's."""
    msg = "{0} holds {1} that did not come from old in this move".format(place, what)
    return RelocateError("neighbour_not_blank", msg, hint)


def older(place: str, there: Any, wanted: Any) -> RelocateError:
    """Return the error for a server of new that cannot read what old's writes."""
    return RelocateError(
        "neighbour_older",
        "{0} is {1}, and old has {2}: it cannot read what that holds".format(place, there, wanted),
        "install a later version on new, or back up without relocate_neighbours_carried",
    )
