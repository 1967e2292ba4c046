# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Python runs which Django: pure functions. Django's own metadata says from which Python on."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle

Version = Tuple[int, ...]
#: What may be done instead of installing a Python on new by hand.
INSTALLS = "; or set relocate_python_from: uv and relocate_python to a version that fits, which is installed then"


class Django(NamedTuple):
    """A Django as it is installed; either may be empty."""

    version: str = ""
    requires_python: str = ""  # of its metadata


#: What no metadata says: this series of Django and those before it do not start from this Python on. It was seen by
#: importing the last release of each: up to 3.1 it needs distutils, gone in Python 3.12; up to 4.0 cgi, gone in 3.13.
_BREAKS: Tuple[Tuple[Version, Version], ...] = (((3, 1), (3, 12)), ((4, 0), (3, 13)))
_CLAUSE = re.compile(r"^(===|==|~=|!=|<=|>=|<|>|\^|~|=)?\s*v?(\d+(?:\.\d+)*)(\.\*)?$")


def parse_version(text: str) -> Version:
    """The leading numbers of a version; () when it has none."""
    match = re.match(r"\s*v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def satisfies(version: str, specifier: str) -> Optional[bool]:
    """Tell whether a Python version meets ``requires-python`` (PEP 440) or Poetry's ``python`` (with ^, ~ and ||).

    None when the specifier is not understood: better no answer than a wrong refusal.
    """
    found = parse_version(version)
    if not found or not specifier.strip():
        return None
    results = [_all_hold(found, part) for part in specifier.split("||")]
    return True if True in results else (None if None in results else False)


def _all_hold(found: Version, part: str) -> Optional[bool]:
    results = [_holds(found, clause.strip()) for clause in part.split(",") if clause.strip()]
    return None if None in results or not results else all(results)


def _holds(found: Version, clause: str) -> Optional[bool]:
    match = _CLAUSE.match(clause)
    if clause == "*":
        return True
    if not match:
        return None
    operator, wanted = match.group(1) or "==", parse_version(match.group(2))
    prefix = bool(match.group(3))
    if operator in ("^", "~", "~="):
        return _compatible(found, operator, wanted)
    size = len(wanted) if prefix else max(len(found), len(wanted))
    left, right = _padded(found, size), _padded(wanted, size)
    return {
        "==": left == right,
        "=": left == right,
        "===": left == right,
        "!=": left != right,
        "<=": left <= right,
        ">=": left >= right,
        "<": left < right,
        ">": left > right,
    }[operator]


def _compatible(found: Version, operator: str, wanted: Version) -> bool:
    """``^3.9``: below 4. ``~3.9``: below 3.10. ``~=3.9``: below 4; ``~=3.9.2``: below 3.10."""
    kept = {"^": 1, "~": min(2, len(wanted)), "~=": max(1, len(wanted) - 1)}[operator]
    return _padded(found, 3) >= _padded(wanted, 3) and _padded(found, kept) == _padded(wanted, kept)


def _padded(version: Version, size: int) -> Version:
    return (version + (0,) * size)[:size]


def python_obstacle(requires_python: str, python_version: str, django: Django) -> Optional[Obstacle]:
    """Return why a Python cannot run a project, or None.

    :param requires_python: of the project's pyproject.toml; may be empty
    :param python_version: of the interpreter on new
    :param django: as it is installed on old
    """
    series = ".".join(str(part) for part in _padded(parse_version(django.version), 2))
    for name, wanted in (("the project", requires_python), ("Django " + series, django.requires_python)):
        if satisfies(python_version, wanted) is False:
            return Obstacle(
                "python_too_old" if _below(python_version, wanted) else "interpreter_unusable",
                "{0} requires Python {1}, new has {2}".format(name, wanted, python_version),
                "install a Python that fits on new and name it as relocate_python" + INSTALLS,
            )
    if _breaks(parse_version(django.version), parse_version(python_version)):
        return Obstacle(
            "interpreter_unusable",
            "Django {0} does not start on Python {1}, which new has".format(series, python_version),
            "install an older Python on new and name it as relocate_python, or upgrade Django on old first" + INSTALLS,
        )
    return None


def _breaks(django: Version, python: Version) -> bool:
    return bool(django) and any(
        _padded(django, 2) <= series and _padded(python, 2) >= first for series, first in _BREAKS
    )


def _below(python_version: str, specifier: str) -> bool:
    """True when the specifier fails on its lower bound."""
    lower = re.search(r"(?:>=|>|\^|~=|~|==|=)\s*(\d+(?:\.\d+)*)", specifier)
    return bool(lower) and _padded(parse_version(python_version), 3) < _padded(parse_version(lower.group(1)), 3)  # type: ignore[union-attr]
