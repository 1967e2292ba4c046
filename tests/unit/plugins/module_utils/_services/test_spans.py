# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a unit may take to stop."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import spans
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Action, Request
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit, parse_show
from ansible_collections.relocate.django.plugins.module_utils._services.units import Services


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1min 30s", 90),
        ("5s", 5),
        ("0", None),
        ("1h 500ms", 3600.5),
        ("1month 2w 3d", 2629800 + 2 * 604800 + 3 * 86400),
        ("infinity", None),
        ("", None),
        ("1min x", None),
        ("-1s", None),
        ("9" * 400 + "s", None),
    ],
)
def test_spans(text: str, expected: float | None) -> None:
    assert spans.seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 60), ("1min 30s", 100), ("10s", 60), ("5min", 310), ("infinity", 3600), ("2h", 3600), ("junk", 3600)],
)
def test_how_long_a_stop_may_take(text: str, expected: float) -> None:
    [unit] = parse_show(["worker"], f"Id=worker.service\nTimeoutStopUSec={text}\n").values()
    assert spans.to_stop(unit, 60) == expected


def test_only_a_stop_waits_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that needs 90 s to end its task is no failure; a start has its own limit."""
    waited: list[Any] = []

    class Manager:
        """Notes how long it is waited."""

        def call(self, verb: str, *units: str, timeout: float | None = None, check: bool = True) -> None:
            waited.append((verb, units, timeout))

    host = Services(Manager(), "/nonexistent", "shop")  # type: ignore[arg-type]
    units = {name: Unit(name, stops_within=text) for name, text in (("worker", "10min"), ("web", "5s"))}
    for verb, name in (("stop", "worker"), ("stop", "web"), ("stop", "unknown"), ("start", "worker")):
        host._do(Action(verb, name), Request("frozen", ("worker", "web")), units, None)  # type: ignore[arg-type]
    assert [(verb, *names, seconds) for verb, names, seconds in waited] == [
        ("stop", "worker", 610),
        ("stop", "web", 60),
        ("stop", "unknown", 60),
        ("start", "worker", 60),
    ]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("KillMode=control-group\nSendSIGKILL=yes\nTimeoutStopUSec=1min 30s", []),
        ("KillMode=mixed\nSendSIGKILL=yes\nTimeoutStopUSec=5min", []),
        ("", []),
        ("KillMode=process\nTimeoutStopUSec=1min", ["KillMode=process: only its main process is stopped"]),
        ("KillMode=none", ["KillMode=none: systemd stops none of its processes"]),
        ("KillMode=mixed\nSendSIGKILL=no", ["SendSIGKILL=no: what does not stop in time goes on"]),
        ("TimeoutStopUSec=infinity", ["TimeoutStopSec=infinity: the freeze waits for 3600 s and then fails"]),
        ("TimeoutStopUSec=1h", ["TimeoutStopSec=1h: the freeze waits for 3600 s and then fails"]),
        ("TimeoutStopUSec=10min", ["TimeoutStopSec=10min: the freeze waits as long, and that is downtime"]),
        ("KillMode=none\nSendSIGKILL=no\nTimeoutStopUSec=2h", ["KillMode=none", "SendSIGKILL=no", "TimeoutStopSec=2h"]),
    ],
)
def test_what_may_keep_a_unit_from_stopping(shown: str, said: list[str]) -> None:
    [unit] = parse_show(["web.service"], f"Id=web.service\n{shown}\n").values()
    found = spans.unclean_stop(unit)
    assert len(found) == len(said) and all(line.startswith(begin) for line, begin in zip(found, said, strict=True))
    [timer] = parse_show(["web.timer"], f"Id=web.timer\n{shown}\n").values()
    assert spans.unclean_stop(timer) == []
