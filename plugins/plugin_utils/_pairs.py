# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which old host each new host takes its sites from. Pure functions.

The wrong pair is the wrong site on the wrong host, so whatever is not clear is refused. Pairs follow from the whole
inventory: --limit chooses among them, and names both hosts of each; it may only name the one old host of a run.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable, Collection, Dict, Hashable, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

BY_VARIABLE, BY_ONE, BY_NAME, BY_ORDER = (
    "relocate_from",
    "the only old host",
    "their names",
    "their order in the groups",
)
#: What tells old from new in names such as shop-old, new3 or old.example.org.
_SIDE = re.compile(r"(?<![a-z])(?:old|new|alt|neu|source|target|src|dst|from|to)(?![a-z])")


@dataclass(frozen=True)
class SiteWish:
    """A site as the inventory of a new host names it."""

    name: str
    path: str = ""  # on old; empty when it is relocate_path of the old host


@dataclass(frozen=True)
class Inventory:
    """The parts of the inventory that decide pairs."""

    old: Sequence[str]  # the group's hosts, in the inventory's order
    new: Sequence[str]
    run: Collection[str]  # the hosts that --limit left
    named: Mapping[str, str] = field(default_factory=dict)  # new host -> its relocate_from
    sites: Mapping[str, Sequence[SiteWish]] = field(default_factory=dict)  # new host -> its sites
    paths: Mapping[str, str] = field(default_factory=dict)  # old host -> its relocate_path


@dataclass(frozen=True)
class Pair:
    """A new host with its old one, and what says so."""

    new: str
    old: str
    why: str


def pair(inventory: Inventory) -> List[Pair]:
    """Return a pair for each new host of the run. Raises pairs_unclear where nothing says which."""
    new = [host for host in inventory.new if host in inventory.run]
    if not new:
        raise _unclear(
            "no host of the group new is in this run", "name one in --limit, or correct the inventory's groups"
        )
    both = sorted(set(new) & set(inventory.old))
    if both:
        raise _unclear("{0} is in both groups, old and new".format(_some(both)), "leave it in one of them")
    _check_named(inventory)
    pairs = [_pair_of(host, inventory) for host in new]
    _check_whole(pairs, inventory)
    _check_unique(pairs, inventory)
    return pairs


def to_look_at(inventory: Inventory, ungrouped: Sequence[str]) -> List[Tuple[str, str]]:
    """Return the old hosts whose sites are looked for, each with the new host that they go to; "" for none yet.

    Without the groups, a single host is old; of two, the first is. Raises pairs_unclear where nothing says more.
    """
    if inventory.old:
        pairs = {item.old: item.new for item in pair(inventory)} if inventory.new else {}
        return [(host, pairs.get(host, "")) for host in inventory.old]
    if inventory.new or not 1 <= len(ungrouped) <= 2:
        raise _unclear(
            "nothing says which hosts are old: the group old has none, and {0} are in no group".format(len(ungrouped)),
            "name the old host and the new one, in this order: -i old.example.org,new.example.org; or put more of them "
            "into the groups old and new",
        )
    return [(ungrouped[0], ungrouped[1] if len(ungrouped) == 2 else "")]


def plan_lines(pairs: Sequence[Pair], sites: Mapping[str, Sequence[SiteWish]]) -> List[str]:
    """Return a line for each pair: what goes where, and what says so."""
    lines = []
    for item in pairs:
        names = ", ".join(site.name for site in sites.get(item.new, ()))
        lines.append("{0} -> {1}: {2} (paired by {3})".format(item.old, item.new, names, item.why))
    return lines


def _pair_of(host: str, inventory: Inventory) -> Pair:
    if host in inventory.named:
        return Pair(host, inventory.named[host], BY_VARIABLE)
    if len(inventory.old) == 1:
        return Pair(host, inventory.old[0], BY_ONE)
    by_inventory = _by_inventory(inventory)
    in_run = [name for name in inventory.old if name in inventory.run]
    if len(in_run) == 1:
        said = by_inventory.get(host)
        if said is not None and said.old != in_run[0]:
            text = "--limit leaves {0} only, and by {1} {2} takes its sites from {3}".format(
                in_run[0], said.why, host, said.old
            )
            raise _unclear(text, _hint([host]))
        return Pair(host, in_run[0], BY_ONE)
    if host in by_inventory:
        return by_inventory[host]
    raise _nothing_says(host, inventory)


def _nothing_says(host: str, inventory: Inventory) -> RelocateError:
    free = [name for name in inventory.new if name not in inventory.named]
    return _unclear(
        "nothing says which old host {0} takes its sites from: there are {1} old hosts ({2}) and {3} new ones".format(
            host, len(inventory.old), _some(inventory.old), len(inventory.new)
        ),
        _hint(free),
    )


def _by_inventory(inventory: Inventory) -> Dict[str, Pair]:
    """The pairs that names or order make of those that relocate_from leaves; none when there are not as many."""
    old, new = _unnamed(inventory)
    if not old or len(old) != len(new) or set(old) & set(new):
        return {}
    for key in (_stem, _numbers):
        olds, news = _by(key, old), _by(key, new)
        common = set(olds) & set(news) - {"", ()}
        if len(common) == len(old):
            return {news[stem]: Pair(news[stem], olds[stem], BY_NAME) for stem in news}
        if common and len(old) > 1:
            # Some names say it and others do not: order would pair hosts whose names belong to others.
            return {}
    return {name: Pair(name, other, BY_ORDER) for other, name in zip(old, new)}


def _unnamed(inventory: Inventory) -> Tuple[List[str], List[str]]:
    """The hosts of old and of new that no relocate_from is about."""
    taken = set(inventory.named.values())
    old = [name for name in inventory.old if name not in taken]
    return old, [name for name in inventory.new if name not in inventory.named]


def _by(key: Callable[[str], Hashable], names: Sequence[str]) -> Dict[Hashable, str]:
    """Hosts by what their names say."""
    return {key(name): name for name in names}


def _stem(name: str) -> str:
    """Return what is left of a name without the word that says which side it is."""
    return re.sub(r"[^a-z0-9]+", " ", _SIDE.sub("", name.lower())).strip()


def _numbers(name: str) -> Tuple[int, ...]:
    """The numbers in a host's name; none of an address, whose numbers say nothing."""
    if re.fullmatch(r"[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*", name):
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", name.split(".", 1)[0]))


def _check_named(inventory: Inventory) -> None:
    for host, old in sorted(inventory.named.items()):
        if host in inventory.run and old not in inventory.old:
            raise _unclear(
                "relocate_from of {0} is {1}, which is no host of the group old ({2})".format(
                    host, old, _some(inventory.old)
                ),
                "set it to one of them, or put {0} into the group".format(old),
            )


def _check_whole(pairs: Sequence[Pair], inventory: Inventory) -> None:
    """Both hosts of a pair are in the run: the play that puts old back, when new is lost, is old's."""
    halves = [item for item in pairs if item.old not in inventory.run]
    if halves:
        raise _unclear(
            "--limit leaves out {0}, where {1} takes its sites from: nobody would put the site back there if {1} were "
            "lost".format(halves[0].old, halves[0].new),
            "name both hosts of each pair: --limit {0}".format(_both(pairs)),
        )


def _both(pairs: Sequence[Pair]) -> str:
    hosts = dict.fromkeys(host for item in pairs for host in (item.old, item.new))
    return ",".join(hosts)


def _check_unique(pairs: Sequence[Pair], inventory: Inventory) -> None:
    """One site goes to one new host. The first one would serve it, and the others take in what is retired."""
    for what in ("name", "path"):
        claimed = Counter(_claims(what, pairs, inventory))
        twice = sorted(key for key, number in claimed.items() if number > 1 and key[1])
        if twice:
            old, value = twice[0]
            hosts = sorted({item.new for item in pairs if item.old == old})
            raise _unclear(
                "the site with the {0} {1} on {2} would be moved {3} times (new: {4})".format(
                    what, value, old, claimed[twice[0]], _some(hosts)
                ),
                "name other sites in relocate_sites of each, other hosts in relocate_from, or one of them in --limit",
            )


def _claims(what: str, pairs: Sequence[Pair], inventory: Inventory) -> List[Tuple[str, str]]:
    """The old host and the name, or path, of each site that a new host takes."""
    default = inventory.paths if what == "path" else {}
    return [
        (item.old, str(getattr(site, what) or default.get(item.old, "")))
        for item in pairs
        for site in inventory.sites.get(item.new, ())
    ]


def _hint(hosts: Sequence[str]) -> str:
    return "set relocate_from for {0}: the host of the group old that its sites are on".format(_some(hosts))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _unclear(text: str, hint: str) -> RelocateError:
    return RelocateError("pairs_unclear", text, hint)
