# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came back of requests: which pages are obstacles, and which the rehearsal itself kept from working."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._project.requested import Asked, Page
from ansible_collections.relocate.django.plugins.module_utils._set import pins
from ansible_collections.relocate.django.plugins.module_utils._steps import rehearse_requests
from ansible_collections.relocate.django.plugins.module_utils._steps.old_pages import OldPage
from tests.unit.fakes import LABEL
from tests.unit.plugins.module_utils._set.filled import made

GOOD: dict[str, Any] = {
    "path": "/login/?next=secret", "host": "shop.example", "title": "Sign in", "location": "", "refusal": "",
    "status": 200, "expected": 200, "late": False, "contained": True, "redirects": False, "seconds": 0.1,
    "refused": [], "error": None, "old_title": "", "by_old": False, "known": True,
}  # fmt: skip
REFUSED = "connect to 127.0.0.1:6379"


def raised(kind: str, text: str, *places: str) -> dict[str, Any]:
    """Give an exception as it is told."""
    lines = [*places, *f"{kind}: {text}".splitlines()]
    return {"stage": "request", "types": [f"somewhere.{kind}", "builtins.Exception"], "lines": lines}


def judged(
    *changes: dict[str, Any], parked: tuple[str, ...] = (), fresh: bool = True, **more: Any
) -> tuple[list[Obstacle], list[str]]:
    """Give obstacles and notes for pages with these changes."""
    outcome, found = rehearse_requests.Outcome("label", fresh), []  # type: ignore[var-annotated]
    asked = Asked([{**GOOD, **change} for change in changes], **{"whole": True, **more})
    rehearse_requests.judge(asked, parked, outcome, found)
    assert outcome.pages == asked.pages
    return found, outcome.notes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"error": raised("TemplateDoesNotExist", "login.html")}, "fails on new: TemplateDoesNotExist: login.html"),
        ({"error": raised("ValueError", "two\nlines", "/x/views.py, line 3, in f")}, "fails on new: ValueError: two"),
        ({}, "answers 500 on new"),
        ({"error": raised("ModuleNotFoundError", "x"), "refused": [REFUSED]}, "fails on new: ModuleNotFoundError: x"),
    ],
)
def test_a_page_that_fails_is_an_obstacle(change: dict[str, Any], said: str) -> None:
    [one], notes = judged({"status": 500, **change})
    assert one.code == "request_fails" and notes == []
    assert one.msg.startswith("GET /login/ (Host: shop.example) " + said), one.msg
    assert "secret" not in one.msg
    assert "relocate_" in one.hint or "on old" in one.hint or "commit it" in one.hint
    assert all(line in one.msg for line in (change.get("error") or {"lines": []})["lines"])


@pytest.mark.parametrize(
    ("change", "parked", "said"),
    [
        ({"error": raised("ConnectionError", "x"), "refusal": REFUSED}, (), f"it wants to {REFUSED}, which"),
        ({"error": raised("KeyError", "x"), "refused": ["write /srv/x"]}, (), "it wants to write /srv/x, which"),
        ({"error": raised("OperationalError", "no table v"), }, ("default",), "what its database gets at the swap"),
    ],
)  # fmt: skip
def test_a_page_that_fails_for_the_rehearsal_is_none(
    change: dict[str, Any], parked: tuple[str, ...], said: str
) -> None:
    found, [note] = judged({"status": 500, **change}, parked=parked)
    assert found == [] and said in note and "could not be judged" in note
    if parked:
        assert len(judged({"status": 500, **change})[0]) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"status": 302, "redirects": True}, ""),
        ({"expected": 0, "status": 404}, ""),
        ({"expected": 500, "status": 503}, "answers 503 on new"),
        ({"expected": 503, "status": 503}, ""),
        # Old answers so too: preflight has asked it.
        ({"expected": 500, "status": 500, "error": raised("ValueError", "x")}, ""),
        ({"status": 0, "late": True}, "did not end within its time on new"),
        ({"status": 404}, "answers 404 on new, and 200 is expected"),
        ({"contained": False}, "answers 200 on new without the expected text"),
        ({"contained": False, "expected": 0}, ""),
    ],
)
def test_what_is_not_as_expected_is_a_note(change: dict[str, Any], said: str) -> None:
    found, notes = judged(change)
    assert found == []
    assert notes == ([f"GET /login/ (Host: shop.example) {said}"] if said else [])


OLD: dict[str, Any] = {"by_old": True, "old_title": "Sign in"}


@pytest.mark.parametrize(
    ("change", "fresh", "said"),
    [
        ({"status": 404}, True, "answers 404 on new, and 200 on old"),
        ({"status": 403}, False, "answers 403 on new, and 200 on old"),
        ({"status": 400}, False, "answers 400 on new, and 200 on old"),
        ({"status": 503}, False, "answers 503 on new, and 200 on old"),
        ({"status": 302, "location": "https://elsewhere.example/"}, False, "answers 302 on new, and 200 on old"),
        ({"title": "Welcome"}, True, "has the title 'Welcome' on new, and 'Sign in' on old"),
        ({"title": ""}, True, "has the title '' on new, and 'Sign in' on old"),
        # What the user names is compared too.
        ({"title": "Welcome", "by_old": False}, True, "has the title 'Welcome' on new, and 'Sign in' on old"),
    ],
)
def test_another_answer_than_olds_is_an_obstacle(change: dict[str, Any], fresh: bool, said: str) -> None:
    [one], notes = judged({**OLD, **change}, fresh=fresh)
    assert (one.code, one.msg, notes) == ("answer_differs", f"GET /login/ (Host: shop.example) {said}", [])
    assert "relocate_rehearse_pages" in one.hint


@pytest.mark.parametrize(
    ("change", "more", "said"),
    [
        ({}, {}, ""),
        ({"status": 302, "redirects": True, "title": ""}, {}, ""),
        ({"old_title": "", "title": "x"}, {}, ""),
        # Newer rows than those at hand may make the difference.
        ({"status": 404}, {"fresh": False}, "on old: the data was as of label"),
        ({"title": "x"}, {"fresh": False}, "on old: the data was as of label"),
        ({"status": 404, "known": False}, {}, "on old: the code has no page of that path, so it is the web server"),
        ({"title": "x", "refused": [REFUSED]}, {}, f"it could not be judged: it wants to {REFUSED}"),
        ({"title": "x"}, {"parked": ("default",)}, "it could not be judged: it wants to read what its database gets"),
        ({"status": 0, "late": True}, {}, "did not end within its time on new"),
    ],
)  # fmt: skip
def test_what_may_have_another_reason_is_a_note(change: dict[str, Any], more: dict[str, Any], said: str) -> None:
    found, notes = judged({**OLD, **change}, **more)
    assert found == [] and len(notes) == bool(said) and said in "".join(notes)


def test_what_old_answers_is_asked_for_beside_what_the_user_names() -> None:
    named = [Page("/", "shop.example", status=200, contains="x"), Page("/go/", "shop.example", status=302)]
    old = [
        OldPage("/", "shop.example", "http", 200, "Shop"),
        OldPage("/go/", "shop.example", "http", 200, "There"),  # followed to its end
        OldPage("/a/", "", "https", 200, "A"),
    ]
    assert rehearse_requests.with_old(named, old) == [
        Page("/", "shop.example", status=200, contains="x", title="Shop"),
        Page("/go/", "shop.example", status=302),
        Page("/a/", "", "https", 200, title="A", by_old=True),
    ]


def test_what_was_not_asked_is_a_note() -> None:
    assert judged(failed="RefusedError: x")[1] == ["no request was made: the project does not start: RefusedError: x"]
    assert judged({}, whole=False)[1] == ["the time was over before all was asked: 1 requests were made"]
    assert judged({}, notes=["database x is not part of the set"])[1] == ["database x is not part of the set"]


def test_requests_of_the_inventory_become_those_to_the_application() -> None:
    answers = [
        {
            "url": "http://127.0.0.1/a?b=c",
            "host": "shop.example",
            "status": 301,
            "contains": "x",
            "headers": {"X-A": 1},
        },
        {"url": "https://user:pass@shop.example:8443"},
    ]
    assert rehearse_requests.pages_of(answers) == [
        Page("/a?b=c", "shop.example", "http", 301, "x", {"X-A": "1"}),
        Page("/", "shop.example:8443", "https", 200),
    ]


@pytest.mark.parametrize("pinned", [True, False])
def test_a_set_that_nothing_pins_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: bool) -> None:
    backup = made(tmp_path, LABEL)
    if not pinned:
        pins.forget(backup.path)
    monkeypatch.setattr(rehearse_requests, "_pending", lambda *_words: ["shop.0002"])
    wanted = SimpleNamespace(directory=str(tmp_path), site="shop", label=LABEL, manifest_sha256=None)
    options: Any = SimpleNamespace(restoring=lambda: wanted, proves=False, is_made_for_this=False, where="on new")
    old: Any = SimpleNamespace(notes=["of old"])
    outcome = rehearse_requests._with_data(SimpleNamespace(), options, old, [])  # type: ignore[arg-type]
    assert any("is not pinned" in note for note in outcome.notes) == (not pinned)
    assert outcome.notes[0] == "of old" and old.notes == ["of old"]
