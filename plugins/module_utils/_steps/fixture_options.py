# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what a fixture is asked to hold, before anything is read, and says what whoever asked should know."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._steps import sanitise

#: The widest indentation: each level of JSON has so many spaces.
_WIDEST = 16


@dataclass(frozen=True)
class Asked(ModuleOptions):
    """Holds which objects are written, and how."""

    alias: str  # the database
    format: str
    indent: Optional[int]  # spaces a level
    follow: bool  # with all that they refer to
    where: Optional[Mapping[str, Any]] = field(repr=False)  # by model, lookups with values of rows
    max_objects: int  # chosen or referred to
    anonymised: bool
    rules: Optional[Mapping[str, Any]] = field(repr=False)  # of the sanitiser
    age_recipients: Sequence[str]  # public keys


def private_of(asked: Asked) -> Dict[str, Any]:
    """Return what no list of processes may show. Raises bad_option."""
    rules = sanitise.rules_of(asked.rules or {}, [asked.alias]) if asked.anonymised else None
    return {"where": asked.where or {}, "anonymise": rules}


def check_indent(asked: Asked) -> None:
    """Refuse to lay out what is written line by line. Raises bad_option."""
    indent, laid_out = asked.indent, ("json", "xml", "yaml")
    if indent is None:
        return
    if asked.format not in laid_out:
        raise RelocateError(
            "bad_option",
            "the format {0} has an object a line, so there is nothing to indent".format(asked.format),
            "leave out indent, or set format to one of: {0}".format(", ".join(laid_out)),
        )
    if not 0 <= indent <= _WIDEST:
        raise RelocateError(
            "bad_option", "indent is {0}, not a number of spaces".format(indent), "write 0 to {0}".format(_WIDEST)
        )


def check_followed(asked: Asked) -> None:
    """Refuse what does not go with the rest. Raises bad_option."""
    needing = [name for name in ("where", "anonymised") if getattr(asked, name)]
    if needing and not asked.follow:
        raise RelocateError(
            "bad_option", "{0} needs follow: true".format(" and ".join(needing)), "add follow: true, or leave it out"
        )
    if asked.follow and asked.format == dump.LINES:
        raise RelocateError(
            "bad_option",
            "what is followed is written in one of Django's formats, and format is {0}".format(dump.LINES),
            "set format to json, jsonl, xml or yaml",
        )
    if asked.max_objects < 1:
        raise RelocateError("bad_option", "max_objects is {0}".format(asked.max_objects), "write 1 or more")
    if asked.rules is not None:
        _check_rules(asked.rules, asked.anonymised)


def _check_rules(rules: Mapping[str, Any], anonymised: bool) -> None:
    if not anonymised:
        raise RelocateError("bad_option", "rules are given, and nothing is masked", "add anonymised: true")
    unfit = [name for name in ("sql", "command") if rules.get(name)]
    if unfit:
        raise RelocateError(
            "bad_option",
            "{0} of rules changes a database, and a fixture's objects are masked on their way".format(unfit[0]),
            "list the columns in columns of rules instead, and leave {0} out".format(" and ".join(unfit)),
        )


def check_encrypted(asked: Asked, path: str) -> None:
    """Refuse a name that says something else than what the file is. Raises bad_option."""
    if bool(asked.age_recipients) == path.endswith(age.SUFFIX):
        return
    if asked.age_recipients:
        raise RelocateError(
            "bad_option",
            "the fixture is encrypted, and the name {0} does not say so".format(os.path.basename(path)),
            "let dest end in {0}".format(age.SUFFIX),
        )
    raise RelocateError(
        "bad_option",
        "the name {0} says that the fixture is encrypted".format(os.path.basename(path)),
        "give age_recipients, or another dest",
    )


def notes_on(result: Dict[str, Any]) -> List[str]:
    """Return what whoever chose models and keys should know."""
    notes = []
    if result.get("missing_keys"):
        notes.append("no object has these keys: {0}".format(", ".join(result["missing_keys"])))
    if result.get("needs"):
        notes.append(
            "what was written can be loaded only where rows of these parents are: {0}".format(
                ", ".join(result["needs"])
            )
        )
    return notes


def notes_on_followed(result: Dict[str, Any]) -> List[str]:
    """Return what whoever had references followed should know."""
    if "selected" not in result:
        return []
    notes = [] if result["objects"] else ["no object was chosen"]
    for name, text in (
        ("cut", "references that are empty in the fixture, since what they refer to is left out"),
        ("loose", "references to no object that the fixture could hold, written as they are"),
    ):
        if result[name]:
            told = ["{0} ({1})".format(field, count) for field, count in sorted(result[name].items())]
            notes.append("{0}: {1}".format(text, ", ".join(told)))
    if result["not_followed"]:
        notes.append("fields of a kind that is not known, and not followed: " + ", ".join(result["not_followed"]))
    if result["unrecognised"]:
        told = ["{table}.{column} ({looks_like}, {rows})".format(**one) for one in result["unrecognised"]]
        notes.append("no rule names these: {0}".format(", ".join(told)))
    return notes
