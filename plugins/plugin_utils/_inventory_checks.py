# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds values in the inventory that the user cannot have meant. Pure functions, for the controller."""

from __future__ import annotations

import difflib
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.plugin_utils import _options, _values

#: The parts of an item of relocate_answers; a unit test keeps them equal to the services module's.
ANSWER = frozenset({"url", "host", "status", "contains", "headers", "validate_certs", "old"})
#: And those of an item of relocate_warm.
WARM = frozenset({"url", "host", "headers", "validate_certs"})
_PREFIX = "relocate_"


#: Variables that the playbooks set for themselves, besides those of the role common; a unit test keeps them equal.
INTERNAL = frozenset(
    (_PREFIX + name)
    for name in (
        "attempt became before built calls clones conversion digest engine everywhere found goes_on gone hook "
        "host item kept known left loaded lost made media_file moment needed none pair pin placed planned pushed "
        "puts_off quiet rebuild released removed scans serves set_in set_of spares_old step still stored to "
        "told_later up way_back when who"
    ).split()
)


def known_names() -> FrozenSet[str]:
    """Return every variable of ours."""
    return INTERNAL | frozenset(_values.options())


def unknown_variables(names: Iterable[str]) -> List[str]:
    """A sentence for each variable that looks like ours and is none."""
    known = known_names()
    wrong = sorted(name for name in set(names) if name.startswith(_PREFIX) and name not in known)
    return ["variable {0} is unknown{1}".format(name, _meant(name, known)) for name in wrong]


def unknown_site_keys(sites: Any) -> List[str]:
    """A sentence for each key of relocate_sites that means nothing."""
    known = set(_options.site_keys())
    keys = {str(key) for item in sites or [] if isinstance(item, Mapping) for key in item}
    return ["relocate_sites: {0}".format(_no_key(key, known)) for key in sorted(keys - known)]


def _no_key(key: str, known: Iterable[str]) -> str:
    if _PREFIX + key in known_names():
        return "{0} is one for all sites: set {1}{0} beside it".format(key, _PREFIX)
    return "{0} is unknown{1}".format(key, _meant(key, known))


def bad_requests(name: str, items: Any, parts: FrozenSet[str]) -> List[str]:
    """Say for each item of a list of requests why it could not be asked.

    :param name: the variable
    :param parts: what an item may hold
    """
    if not isinstance(items, Sequence) or isinstance(items, str):
        return ["{0} is no list".format(name)]
    found = []
    for item in items:
        if not isinstance(item, Mapping):
            found.append("{0}: an item is no mapping".format(name))
            continue
        wrong = sorted(set(map(str, item)) - parts)
        found += ["{0}: {1} is unknown{2}".format(name, key, _meant(key, parts)) for key in wrong]
        if not item.get("url"):
            found.append("{0}: an item has no url".format(name))
    return found


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), 1)
    return ": did you mean {0}?".format(close[0]) if close else ""


def obstacles(names: Iterable[str], sites: Any, answers: Any, warm: Any) -> List[Dict[str, Any]]:
    """Everything of the above as obstacles of the inventory."""
    texts = unknown_variables(names) + unknown_site_keys(sites)
    texts += bad_requests("relocate_answers", answers, ANSWER) + bad_requests("relocate_warm", warm, WARM)
    return [
        {"code": "bad_option", "host": "the controller", "msg": text, "hint": "correct the inventory", "alias": ""}
        for text in texts
    ]
