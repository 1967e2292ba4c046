# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sorts differences between two descriptions of a schema into losses and notes."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.catalogue import PASSING
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.whole import (
    COLUMN,
    OWNER,
    RIGHTS,
    SERVER,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.words import alike
from ansible_collections.relocate.django.plugins.module_utils._model import Difference

#: What a set may list that no dump brings, and that new is not expected to have.
_NOBODYS = re.compile(
    PASSING + r"|^schema (public|information_schema)$|^[a-z ]+ (?<!transform for )(pg_catalog|information_schema)\."
    r"|^[a-z ]+ \S.* (on|of) (pg_catalog|information_schema)\."
)
_NAMED = ("comment on ", "security label ", "setting ", "user mapping ", "connection limit")
_SHOWN = 10

#: What everybody may do with a new object of a kind, unless it is taken away.
_EVERYBODYS = {
    **dict.fromkeys(("function", "procedure", "aggregate"), "EXECUTE"),
    **dict.fromkeys(("type", "domain", "language"), "USAGE"),
    "database": "CONNECT, TEMPORARY",
}


class Judgement:
    """Sorts differences between two descriptions."""

    def __init__(self, differences: Sequence[Difference], role: str) -> None:
        self._role = role
        self._differences = differences
        self._others = any(item.what == "schema of" and item.name == SERVER for item in differences)
        self.refused: List[Difference] = []
        self._lost: Dict[str, List[str]] = {}
        self._gained: Dict[str, List[str]] = {}
        self._owners: Dict[str, List[str]] = {}
        self._words: List[str] = []

    def sort(self) -> Tuple[List[Difference], List[str]]:
        """Those for which the data is refused, and sentences about the others."""
        for item in self._differences:
            if item.what != "schema of":
                self.refused.append(item)
            elif item.name != SERVER and not _NOBODYS.search(item.name.partition(OWNER)[2] or item.name):
                self._one(item)
        words = [
            "rights of {0} on old that are not on new: {1}".format(who, _some(rights))
            for who, rights in sorted(self._lost.items())
        ]
        words += [
            "rights of {0} on new that were not on old: {1}".format(who, _some(rights))
            for who, rights in sorted(self._gained.items())
        ]
        words += [
            "{0} belonged to {1} and now to role {2}".format(_some(labels), who, self._role)
            for who, labels in sorted(self._owners.items())
        ]
        return self.refused, words + self._words[:_SHOWN] + (
            ["and {0} more differences of the schema".format(len(self._words) - _SHOWN)]
            if len(self._words) > _SHOWN
            else []
        )

    def _one(self, item: Difference) -> None:
        if item.name.startswith(RIGHTS):
            self._rights(item)
        elif item.name.startswith(OWNER):
            label = item.name[len(OWNER) :]
            if item.found == "absent":
                self._owners.setdefault(item.recorded, []).append(label)
            else:
                self._words.append("{0} belongs to {1}".format(label, item.found))
        elif item.name.startswith(_NAMED) or "absent" in (item.recorded, item.found):
            self._whole(item)
        else:
            self._inside(item)

    def _whole(self, item: Difference) -> None:
        if item.found == "absent":
            if item.name.startswith("index ") and re.search(r"^marks: .*\binvalid$", item.recorded, re.MULTILINE):
                return
            if not item.name.startswith(_NAMED) and not self._others:
                self.refused.append(item)
                return
            self._words.append("{0} is not on new, as far as it describes it".format(item.name))
        elif item.recorded == "absent":
            self._words.append("{0} is on new, and was not on old".format(item.name))
        else:
            self._words.append("{0} is another one on new".format(item.name))

    def _inside(self, item: Difference) -> None:
        """Another type, or an empty value where there was none, is another column; the rest is named."""
        before, after = _by_label(item.recorded), _by_label(item.found)
        changed = [label for label in sorted(set(before) | set(after)) if not _is_alike(before, after, label)]
        columns = _columns(changed)
        for label in columns:
            texts = [side.get(label, "absent") for side in (before, after)]
            self.refused.append(Difference("schema of", "{0}, {1}".format(item.name, label), *texts))
        for label in changed:
            if label not in columns:
                self._words.append(
                    "{0} on new: {1} is {2}, and was {3}".format(
                        item.name, label, _shown(after.get(label)), _shown(before.get(label))
                    )
                )
        if not columns and _columns(before) != _columns(after):
            self._words.append("{0} has its columns in another order on new".format(item.name))

    def _rights(self, item: Difference) -> None:
        label = item.name[len(RIGHTS) :]
        before, after = (_by_role(text, label, self._others) for text in (item.recorded, item.found))
        for who in sorted(set(before) | set(after)):
            lost, gained = (
                before.get(who, set()) - after.get(who, set()),
                after.get(who, set()) - before.get(who, set()),
            )
            if gained and _opens_to_everybody(item, label, who):
                self.refused.append(
                    Difference("schema of", item.name, "nobody else: " + ", ".join(sorted(gained)), "everybody")
                )
            elif gained and not (who == "owner" and item.recorded == "absent"):
                self._gained.setdefault(who, []).append("{0} on {1}".format(", ".join(sorted(gained)), label))
            if lost and who not in ("owner", "the site's role"):
                self._lost.setdefault(who, []).append("{0} on {1}".format(", ".join(sorted(lost)), label))


def _is_alike(before: Mapping[str, str], after: Mapping[str, str], label: str) -> bool:
    one, other = before.get(label), after.get(label)
    return one == other or alike(one or "") == alike(other or "")


def _columns(labels: Iterable[str]) -> List[str]:
    return [label for label in labels if label.startswith(COLUMN)]


def _opens_to_everybody(item: Difference, label: str, who: str) -> bool:
    """Tell whether rights gained are everybody's; those in public are usual where only new has made it."""
    return who == "PUBLIC" and not (label == "schema public" and item.recorded == "absent")


def _by_label(text: str) -> Dict[str, str]:
    return {label: value for label, _colon, value in (line.partition(": ") for line in text.split("\n")) if label}


def _by_role(text: str, label: str, others: bool) -> Dict[str, Set[str]]:
    """Return who may do what; MAINTAIN, which 17 has brought, is left out of a comparison with other majors."""
    if text == "absent":
        default = _EVERYBODYS.get(label.partition(" ")[0])
        return {"PUBLIC": set(default.split(", "))} if default else {}
    found: Dict[str, Set[str]] = {}
    for part in text.split("; "):
        who, _colon, rights = part.rpartition(": ")
        found.setdefault(who, set()).update(set(rights.split(", ")) - ({"MAINTAIN", "MAINTAIN*"} if others else set()))
    return {who: rights for who, rights in found.items() if rights}


def _shown(value: Optional[str]) -> str:
    return "not there" if value is None else value[:200]


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (" and {0} more".format(more) if more > 0 else "")
