# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the end of a move: what failed, what serves now, for how long nothing did, what is left, what to do next.

Pure functions of an outcome.
"""

from __future__ import annotations

import datetime
from typing import Any, List, Mapping

from ansible_collections.relocate.django.plugins.plugin_utils import _promises

#: Statuses after which there is something to do.
FAILING = ("failed", "obstacles", "unfinished", "not_begun")
_AGAIN = "then run the same command again"


def lines(outcome: Mapping[str, Any]) -> List[str]:
    """Return the end of a site's move, line by line."""
    if outcome["status"] == "not_begun":
        return []  # nothing was asked, and the end of the run has one line for all of them
    parts = (_what_failed, _serving, _down, left_behind, next_steps)
    return [line for part in parts for line in part(outcome)]


def what_became_of_old(outcome: Mapping[str, Any]) -> str:
    """Say how a failed move left both hosts."""
    if not outcome["frozen_at"]:
        return " before the freeze; the old site was not stopped"
    if outcome.get("old_serves"):
        started = outcome.get("old_units") or []
        does = (
            "the old site serves again ({0})".format(", ".join(started))
            if started
            else "no unit had to be started on old"
        )
        return "; " + does + (", but CHECK BOTH HOSTS" if outcome.get("put_back") else "")
    if outcome.get("old_rests"):
        return "; the old site is retired, as it was before"
    return "; CHECK BOTH HOSTS" if outcome.get("starting") else "; CHECK THE OLD SITE"


def next_steps(outcome: Mapping[str, Any]) -> List[str]:
    """Say what to do now, and how to undo."""
    if outcome["status"] == "moved":
        return [
            "next: point DNS at {0}; {1}".format(outcome["new"], _old_now(outcome)),
            *_forwarding(outcome),
            "undo: ansible-playbook relocate.django.undo -i INVENTORY (old serves; new keeps what it received)",
        ]
    if outcome["status"] == "rehearsed":
        return ["next: ansible-playbook relocate.django.move -i INVENTORY"]
    if outcome["status"] == "obstacles":
        return ["next: fix the obstacles, " + _again(outcome)]
    if outcome["status"] == "unfinished":
        return [_unfinished(outcome)]
    return _after_a_failure(outcome) if outcome["status"] == "failed" else []


def _unfinished(outcome: Mapping[str, Any]) -> str:
    """Say what is to be done for a move that served, but left something."""
    if outcome.get("hook_left"):
        return "next: do what the hook was to do; nothing else is left of the move"
    if outcome.get("forward_left"):
        text = "next: fix the cause, {0}; it only sends visitors on. Until then point DNS at {1}"
        return text.format(_again(outcome), outcome["new"])
    return "next: fix the cause, {0}; it only retires the old site".format(_again(outcome))


def left_behind(outcome: Mapping[str, Any]) -> List[str]:
    """Say which secrets of this run are still on the hosts."""
    told = {
        "set_left": "the set of this attempt, which holds passwords, is still there: {0}",
        "key_left": "the one-time key may still be in authorized_keys on old: {0}; the next run takes it back",
        "forward_left": "old does not send visitors on to new: {0}",
        "hook_left": "a hook failed, and does not run again by itself: {0}",
    }
    return [text.format(outcome[key]) for key, text in told.items() if outcome.get(key)]


def _after_a_failure(outcome: Mapping[str, Any]) -> List[str]:
    if outcome.get("starting") and outcome["frozen_at"] and not outcome.get("old_serves"):
        text = "next: make sure that the site does not serve on {0}, then run relocate.django.undo"
        return [text.format(outcome["new"])]
    if not outcome.get("taken_in"):
        return ["next: fix the cause, " + _again(outcome)]
    return [
        "new was started, and differs from what it got: " + "; ".join(outcome["taken_in"]),
        "next: fix the cause, " + _again(outcome, " with relocate_replace: true, which keeps what new took in aside"),
    ]


def _again(outcome: Mapping[str, Any], how: str = "") -> str:
    return _AGAIN + how + (": " + outcome["command"] if outcome.get("command") else "")


def _what_failed(outcome: Mapping[str, Any]) -> List[str]:
    found = []
    if outcome.get("msg"):
        found += ["failed at: {0}".format(outcome.get("task", "")), _continued(outcome["msg"])]
    if outcome.get("put_back"):
        found.append("putting it back: " + _continued(outcome["put_back"]))
    return found


def _continued(message: Any) -> str:
    """Indent the lines of a message after its first one."""
    return str(message).replace("\n", "\n  ")


def _serving(outcome: Mapping[str, Any]) -> List[str]:
    """Say which host serves the site now, as far as this run knows."""
    return ["serves now: " + _server(outcome)] if outcome["status"] in FAILING else []


def _server(outcome: Mapping[str, Any]) -> str:
    if outcome["status"] == "unfinished":
        return "new ({0})".format(", ".join(outcome.get("running") or ["as an earlier run left it"]))
    if not outcome["frozen_at"]:
        return "what served before, since this run stopped nothing"
    if outcome.get("put_back"):
        return "nobody knows: CHECK BOTH HOSTS"
    if outcome.get("old_serves"):
        units = ", ".join(outcome.get("old_units") or [])
        return "old again ({0})".format(units) if units else "old, where no unit had to be started"
    if outcome.get("old_rests"):
        return "what served before: old is retired, as it was"
    return "nobody knows: CHECK " + ("BOTH HOSTS" if outcome.get("starting") else "THE OLD SITE")


def _down(outcome: Mapping[str, Any]) -> List[str]:
    return ["downtime: " + _downtime(outcome)] if outcome["status"] in FAILING else []


def _downtime(outcome: Mapping[str, Any]) -> str:
    """Say for how long nothing served: from the freeze until new, or old again, was up."""
    since, until = outcome["frozen_at"], outcome["thawed_at"]
    if outcome["status"] == "unfinished":
        until = outcome["served_at"]
    if not since:
        return "none"
    if until and not (outcome.get("stopped") or outcome.get("old_units")):
        return "none, since this run stopped no unit on old"
    if until and not outcome.get("put_back"):
        return "{0:.1f} s (from {1} to {2})".format(until - since, clock(since), clock(until))
    return "since {0}, and perhaps still".format(clock(since))


def clock(epoch: float) -> str:
    """Return a time of day as the report shows it."""
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%H:%M:%SZ")


def _forwarding(outcome: Mapping[str, Any]) -> List[str]:
    """Say who sends visitors on, and how that ends."""
    if not outcome.get("forward"):
        return []
    text = "old sends visitors on to {0}; when DNS has moved: ansible-playbook relocate.django.retire -i INVENTORY"
    return [text.format(outcome["forward"])]


def _old_now(outcome: Mapping[str, Any]) -> str:
    """Say in which state this run left old."""
    status = {item["promise"]: item["status"] for item in outcome["promises"]}
    held = ", its databases as they were dumped" if status.get("still") == _promises.MEASURED else ""
    if not outcome.get("stopped"):
        return "old was not stopped by this run: stop it yourself" + held
    return "old is stopped and disabled" + held
