# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA in object storage: where old and new keep it, and whether that is one place. Pure.

The facts come from the project's interpreter on either host (``_project/venv_storages.py``), or out of a backup set.
They are data that anybody may have written: what has another shape than expected is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._printable import printable

#: Who uses the storage that a project has by default; every other user is a field of a model.
DEFAULT = "default"
#: How the places of old and new relate.
SAME, OTHER, OVERLAP = "same", "other", "overlap"
_LOOPBACK = re.compile(r"^(localhost|127\.[0-9.]+|0\.0\.0\.0|\[?::1\]?)(:[0-9]+)?\Z")
_AMAZON = re.compile(r"^s3[a-z0-9.-]*\.amazonaws\.com(\.cn)?\Z")
_USUAL_PORT = re.compile(r"^(?:(https://.*):443|(http://.*):80)\Z")
_KINDS = ("s3", "gcs", "azure", "minio", "other")
_LONGEST = 300  # characters of a text


@dataclass(frozen=True)
class Store:
    """A place in object storage that holds files of a site."""

    kind: str  # s3, gcs, azure, minio, other
    bucket: str
    endpoint: str  # the server's address; of Azure the account; "" for the provider's own
    region: str
    prefix: str  # what all names in the bucket begin with, without slashes at its ends
    backend: str  # the class of the storage
    used_by: Tuple[str, ...]  # DEFAULT, and fields of models
    acl: str = ""  # that new objects get
    addressing: str = ""  # path, virtual, auto
    encryption: str = ""  # what the settings have the server do to new objects: AES256, aws:kms
    kms_key: str = ""

    @property
    def server(self) -> str:
        """Return the server as one is told from another: "" for the provider's own."""
        name = _USUAL_PORT.sub(r"\1\2", self.endpoint.rstrip("/").lower()).rpartition("://")[2]
        return "" if self.kind == "s3" and _AMAZON.match(name) else name

    @property
    def is_here(self) -> bool:
        """Tell whether its address means the host that it is read on."""
        return bool(_LOOPBACK.match(self.server))

    @property
    def shown(self) -> str:
        """Return where it is, for people."""
        if self.kind == "other" and not self.bucket:
            return "the storage {0}".format(printable(self.backend))
        place = "/".join(filter(None, (self.bucket, self.prefix)))
        own = {"s3": "Amazon S3", "gcs": "Google Cloud Storage", "azure": "Azure"}.get(self.kind, self.backend)
        where = "{0} {1}".format(own, self.endpoint) if self.kind == "azure" else self.endpoint or own
        return printable("{0} {1} of {2}".format("container" if self.kind == "azure" else "bucket", place, where))

    def relation(self, other: Store, one_machine: bool) -> str:
        """Tell how another host's place relates to this one.

        :param one_machine: whether both hosts are one, so that a loopback address means the same server
        """
        if self._holder() != other._holder() or (self.is_here and not one_machine):
            return OTHER
        if self.prefix == other.prefix:
            return SAME
        return OVERLAP if self._covers(other) or other._covers(self) else OTHER

    def below(self, other: Store) -> Optional[str]:
        """Return what another place of the same host's names begin with, within this one; None for elsewhere."""
        if self._holder() != other._holder() or not (self.prefix == other.prefix or self._covers(other)):
            return None
        return other.prefix[len(self.prefix) :].strip("/")

    def _holder(self) -> Tuple[str, ...]:
        """Return what the prefix is one of: a bucket of a server, or a storage that is not known."""
        unknown = self.kind == "other" and not self.bucket
        return (self.kind, self.backend) if unknown else (self.kind, self.server, self.bucket)

    def _covers(self, other: Store) -> bool:
        """Tell whether the other's names begin as this one's do."""
        return not self.prefix or other.prefix.startswith(self.prefix + "/")


@dataclass(frozen=True)
class Pair:
    """Where old and new keep the files of some users; None for a disk."""

    users: Tuple[str, ...]
    old: Optional[Store]
    new: Optional[Store]
    relation: str

    @property
    def who(self) -> str:
        """Return whose files they are, for people."""
        if DEFAULT in self.users:
            return "MEDIA"
        return "files of {0}".format(printable(", ".join(self.users[:3])) + (", ..." if len(self.users) > 3 else ""))

    def side(self, store: Optional[Store]) -> str:
        """Return where one of the hosts keeps them, for people."""
        return store.shown if store else "MEDIA_ROOT" if DEFAULT in self.users else "a directory"


def of_facts(django: Mapping[str, Any], key: str = "media_stores") -> List[Store]:
    """Return the places that a host's facts name.

    :param django: the probe's topic ``django``
    :param key: ``static_stores`` for where static files are collected
    """
    plain = django.get(key)
    items = [item for item in plain if isinstance(item, Mapping)] if isinstance(plain, (list, tuple)) else []
    return [_store(item) for item in items[:50] if item.get("kind") in _KINDS]


def _store(plain: Mapping[str, Any]) -> Store:
    def text(key: str) -> str:
        value = plain.get(key)
        return value[:_LONGEST] if isinstance(value, str) else ""

    users = plain.get("used_by")
    names = [item for item in users if isinstance(item, str)] if isinstance(users, (list, tuple)) else []
    return Store(
        kind=text("kind"),
        bucket=text("bucket"),
        endpoint=text("endpoint"),
        region=text("region"),
        prefix=text("prefix").strip("/"),
        backend=text("backend"),
        used_by=tuple(names[:200]),
        acl=text("acl"),
        addressing=text("addressing"),
        encryption=text("encryption"),
        kms_key=text("kms_key"),
    )


def pairs(old: Sequence[Store], new: Sequence[Store], one_machine: bool) -> List[Pair]:
    """Return where each user's files are on both hosts, those of one pair of places together.

    Users whose files lie on disks of both are left out.
    """
    places: Dict[str, List[Optional[Store]]] = {}
    for side, stores in enumerate((old, new)):
        for store in stores:
            for user in store.used_by:
                places.setdefault(user, [None, None])[side] = store
    found: Dict[Tuple[Any, ...], List[str]] = {}
    for user, (before, after) in places.items():
        found.setdefault((before, after), []).append(user)
    return [
        Pair(tuple(users), before, after, _relation(before, after, one_machine))
        for (before, after), users in found.items()
    ]


def _relation(before: Optional[Store], after: Optional[Store], one_machine: bool) -> str:
    return before.relation(after, one_machine) if before and after else OTHER


def on_disk(recorded: Mapping[str, Any], found: Sequence[Pair]) -> Mapping[str, Any]:
    """Return what a set recorded of MEDIA_ROOT; nothing for an empty one, where MEDIA went to object storage."""
    elsewhere = any(pair.old is not None and DEFAULT in pair.users for pair in found)
    return {} if elsewhere and not recorded.get("files") and not recorded.get("unread") else recorded


# --- sentences


def of_old(stores: Sequence[Store]) -> List[str]:
    """Say on old where files lie that no copy of a disk brings."""
    found = []
    for store in stores:
        who = Pair(store.used_by, store, None, OTHER).who
        verb = "lies" if who == "MEDIA" else "lie"
        found.append(
            "{0} {1} in {2}: nothing of it is copied where new's settings name the same place. Next: see that new "
            "reaches it; for another place on new, set relocate_media_objects".format(who, verb, store.shown)
        )
    return found


def measured(pair: Pair) -> Dict[str, str]:
    """Return what the report reads of a pair."""
    return {"who": pair.who, "old": pair.side(pair.old), "new": pair.side(pair.new), "relation": pair.relation}


def of_both(pair: Pair) -> str:
    """Say of one place that both sites use that nothing was copied, and what follows from that."""
    return (
        "{0}: both sites use {1}, so nothing was copied; what new writes and deletes there is so for old too, to which "
        "an undo goes back".format(pair.who, pair.side(pair.new))
    )


def of_a_set(stores: Sequence[Store]) -> List[str]:
    """Say of a backup set what it does not hold."""
    return [
        "{0}: not in the set, it is in {1}. Next: back that up by its provider's means (versions, replication)".format(
            Pair(store.used_by, store, None, OTHER).who, store.shown
        )
        for store in stores
    ]


def of_a_restore(found: Sequence[Pair]) -> List[str]:
    """Say what a set without objects means for the host that it is restored on."""
    lines = []
    for pair in found:
        if pair.old is None:
            continue
        if pair.relation == SAME:
            text = "{0}: the set holds none of it; the site uses {1} here as it did where it was backed up"
            lines.append(text.format(pair.who, pair.side(pair.new)))
        else:
            text = "{0}: the set holds none of it; it was in {1}, and the settings here name {2}. Next: copy it there"
            lines.append(text.format(pair.who, pair.side(pair.old), pair.side(pair.new)))
    return lines
