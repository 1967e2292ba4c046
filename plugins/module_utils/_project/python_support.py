# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Python runs which Django: pure functions and one table."""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle

Version = Tuple[int, ...]


class Support(NamedTuple):
    """Python versions of one Django series."""

    oldest: Version
    newest: Version  # that Django's release notes name
    breaks: Version  # from here on it is known not to start; () when it is not known


#: From each series' release notes ("Python compatibility") and FAQ. ``breaks`` was seen by importing the last release
#: of each series: Django up to 3.1 needs distutils, gone in Python 3.12; up to 4.0 it needs cgi, gone in 3.13.
DJANGO: Dict[Version, Support] = {
    (1, 11): Support((2, 7), (3, 7), (3, 12)),
    (2, 0): Support((3, 4), (3, 7), (3, 12)),
    (2, 1): Support((3, 5), (3, 7), (3, 12)),
    (2, 2): Support((3, 5), (3, 9), (3, 12)),
    (3, 0): Support((3, 6), (3, 9), (3, 12)),
    (3, 1): Support((3, 6), (3, 9), (3, 12)),
    (3, 2): Support((3, 6), (3, 10), (3, 13)),
    (4, 0): Support((3, 8), (3, 10), (3, 13)),
    (4, 1): Support((3, 8), (3, 11), ()),
    (4, 2): Support((3, 8), (3, 12), ()),
    (5, 0): Support((3, 10), (3, 12), ()),
    (5, 1): Support((3, 10), (3, 13), ()),
    (5, 2): Support((3, 10), (3, 14), ()),
    (6, 0): Support((3, 12), (3, 14), ()),
}
_CLAUSE = re.compile(r"^(===|==|~=|!=|<=|>=|<|>|\^|~|=)?\s*v?(\d+(?:\.\d+)*)(\.\*)?$")


def parse_version(text: str) -> Version:
    """The leading numbers of a version; () when it has none."""
    match = re.match(r"\s*v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def satisfies(version: str, specifier: str) -> Optional[bool]:
    """Whether a Python version meets ``requires-python`` (PEP 440) or Poetry's ``python`` (with ^, ~ and ||).

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


def python_obstacle(requires_python: str, django_version: str, python_version: str) -> Optional[Obstacle]:
    """Why a Python cannot run a project, or None.

    :param requires_python: of the project's pyproject.toml; may be empty
    :param django_version: recorded on old; may be empty; series that the table does not know are let pass
    :param python_version: of the interpreter on new
    """
    if satisfies(python_version, requires_python) is False:
        return Obstacle(
            "python_too_old" if _below(python_version, requires_python) else "interpreter_unusable",
            "the project requires Python {0}, new has {1}".format(requires_python, python_version),
            "install a Python that fits on new and name it as python",
        )
    support = DJANGO.get(_padded(parse_version(django_version), 2)) if django_version else None
    found = _padded(parse_version(python_version), 2)
    if support is None or not parse_version(python_version):
        return None
    series = ".".join(str(part) for part in _padded(parse_version(django_version), 2))
    span = "Python {0} to {1}".format(*(".".join(str(part) for part in item) for item in support[:2]))
    if found < support.oldest:
        return Obstacle(
            "python_too_old",
            "Django {0} runs on {1}, new has {2}".format(series, span, python_version),
            "install a newer Python on new and name it as python",
        )
    if support.breaks and found >= support.breaks:
        return Obstacle(
            "interpreter_unusable",
            "Django {0} runs on {1} and does not start on {2}".format(series, span, python_version),
            "install an older Python on new and name it as python, or upgrade Django on old first",
        )
    return None


def _below(python_version: str, specifier: str) -> bool:
    """True when the specifier fails on its lower bound."""
    lower = re.search(r"(?:>=|>|\^|~=|~|==|=)\s*(\d+(?:\.\d+)*)", specifier)
    return bool(lower) and _padded(parse_version(python_version), 3) < _padded(parse_version(lower.group(1)), 3)  # type: ignore[union-attr]
