# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says of a night what monitoring reads: figures for Prometheus' node exporter, and one line for Icinga. Pure."""

from __future__ import annotations

import datetime
from typing import Any, Dict, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._nightly.status import (
    FAILED,
    GOOD,
    NEVER,
    RUNNING,
    Status,
)
from ansible_collections.relocate.django.plugins.module_utils._set.policy import before

#: The exit codes that Icinga and Nagios go by.
OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_AHEAD = 3600.0  # seconds by which a clock may be ahead
_LONG = 24 * 3600.0  # seconds after which a night that has not ended is taken for a broken one

Values = Mapping[Tuple[Tuple[str, str], ...], float]


def figure(name: str, meaning: str, values: Values) -> str:
    """Return one figure in the form of Prometheus.

    :param values: labels, as pairs, -> the value
    """
    full = "django_" + name
    lines = ["# HELP {0} {1}".format(full, meaning), "# TYPE {0} gauge".format(full)]
    for labels, value in values.items():
        named = ",".join('{0}="{1}"'.format(key, _escaped(str(text))) for key, text in labels)
        lines.append("{0}{{{1}}} {2}".format(full, named, _number(value)))
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    text = "{0:.3f}".format(value)
    return text.rstrip("0").rstrip(".")


def of_sets(site: str, sets: int, newest: float, proven_made: float, proven_at: float) -> str:
    """Return the figures of a site's sets; a time that is not known is 0."""
    figures: Dict[str, Tuple[str, float]] = {
        "sets": ("Backup sets of the site that are kept.", sets),
        "newest_timestamp_seconds": ("When the newest set was made; 0 when there is none.", newest),
        "proven_set_timestamp_seconds": (
            "When the newest set was made that was found equal; 0 when there is none.",
            proven_made,
        ),
        "proof_timestamp_seconds": ("When that set was found equal; 0 when none was.", proven_at),
    }
    labels = (("site", site),)
    return "".join(figure("backup_" + name, meaning, {labels: value}) for name, (meaning, value) in figures.items())


def of_night(status: Status) -> str:
    """Return the figures of a night that has ended, and of the site's sets."""
    site = (("site", status.site),)
    steps: Dict[Any, float] = {(*site, ("step", one.name)): one.seconds for one in status.steps}
    text = of_sets(status.site, status.sets, status.newest, status.proven_made, status.proven_at)
    text += figure("night_good", "Whether the last night ended well.", {site: float(status.state == GOOD)})
    text += figure("night_timestamp_seconds", "When the last night ended.", {site: status.ended})
    text += figure("night_good_timestamp_seconds", "When the last good night ended; 0 for never.", {site: status.good})
    if status.state == FAILED:
        failed = (*site, ("step", status.step), ("code", status.code))
        text += figure("night_failed", "The step that failed, and its code.", {failed: 1.0})
    if steps:
        text += figure("night_step_seconds", "What each step of the last night took.", steps)
    return text


def judged(status: Status, max_age: str, now: float) -> Tuple[int, str]:
    """Return the exit code, and the line that says why.

    A site is critical when its newest proven set is too old, whatever the last night did; a night that failed before
    that is a warning. So a night that never ran is told too.
    """
    code, why = _judged(status, max_age, now)
    figures = "age={0:.0f}s".format(max(0.0, now - status.proven_made)) if status.proven_made else "age=U"
    return code, "{0} - {1}: {2} | {3}".format(_WORDS[code], status.site, why, figures)


def _judged(status: Status, max_age: str, now: float) -> Tuple[int, str]:
    if status.state == NEVER and not status.proven_made:
        return CRITICAL, "no night has run, and no set is known to be restorable"
    if not status.proven_made:
        return CRITICAL, "no set was found equal by a restore; last night: {0}".format(_ended(status))
    if status.proven_made > now + _AHEAD:
        return CRITICAL, "the newest set that was found equal is of the future: compare the clocks"
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    age = (now - status.proven_made) / 3600
    found = "the newest set that was found equal is {0:.1f} hours old".format(age)
    if datetime.datetime.fromtimestamp(status.proven_made, datetime.timezone.utc) <= before(moment, max_age):
        return CRITICAL, "{0}, at most {1} is allowed; last night: {2}".format(found, max_age, _ended(status))
    if status.state == FAILED or (status.state == RUNNING and now - status.begun > _LONG):
        return WARNING, "last night {0}; {1}".format(_ended(status), found)
    return OK, found


def _ended(status: Status) -> str:
    if status.state == FAILED:
        return "failed at {0} [{1}]".format(status.step or "its beginning", status.code)
    if status.state == RUNNING:
        return "did not end"
    return "was good" if status.state == GOOD else "never ran"
