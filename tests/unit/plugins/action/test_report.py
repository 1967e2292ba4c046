# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report's action returns, apart from its texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import jsonschema
import pytest

from ansible_collections.relocate.django.plugins.action import report
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.plugin_utils import _report
from tests.unit import sources
from tests.unit.plugins.plugin_utils.test_page import tags
from tests.unit.plugins.plugin_utils.test_report import CHECKED, FAILED, MOVED, NOW

AGAIN = "ansible-playbook x -i y"
NEXT = f"  next: fix the cause, then run the same command again: {AGAIN}\n"


@pytest.mark.parametrize(
    ("why", "failures", "more", "code", "text", "msg"),
    [
        (
            {"code": "locked", "msg": "[locked] a Next: b\n| c"},
            [],
            "",
            "locked",
            "[locked] a Next: b\n  | c",
            "[locked] a",
        ),
        ({"code": "x\x1b", "msg": "a\x1b"}, [], "Site s runs.", "x\\x1b", "a\\x1b\n  Site s runs.", "a\\x1b"),
        ({"msg": "a"}, ["s: one\ntwo", "t: two"], "", "sites_failed", "s: one\n  two\n  t: two", "s: one"),
        ({"code": "c", "msg": "a", "invocation": {"refused": {"msg": "a\nb"}}}, [], "", "c", "a\n  b", "a"),
        ("junk", [], "", "", "unknown", "unknown"),
        (None, [], "", "", "unknown", "unknown"),
    ],
)
def test_a_rescue_says_once_what_went_wrong_and_fails(
    why: Any, failures: list[str], more: str, code: str, text: str, msg: str
) -> None:
    said, found = report.failure(why, failures, more, AGAIN, "Site s on h")
    assert said == f"Site s on h: FAILED\n  {text}\n{NEXT}"
    assert found == {"changed": False, "failed": True, "code": code, "msg": msg + " (in full above)"}


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"args": ["relocate.django.move"], "inventory": ["a b", "c"]}, "relocate.django.move -i 'a b' -i c"),
        ({"args": ("x",), "inventory": "h,", "subset": "new1", "check": True}, "x -i h, --limit new1 --check"),
        ({"args": ["x"], "extra_vars": ["p=secret"]}, "x -e ..."),
        ({"args": ["\x1b[2J"]}, "'\\x1b[2J'"),
        ({}, ""),
    ],
)
def test_the_command_is_shown_without_what_may_be_secret(arguments: dict[str, Any], shown: str) -> None:
    assert report.command(arguments) == f"ansible-playbook {shown}".rstrip()


def outcome(site: str, **more: Any) -> dict[str, Any]:
    return _report.enrich({"site": site, "old": "old1", "new": "new1", "run": "r", "begun": 5, **more}, 100.0)


REFUSED = {"failed": True, "task": "Look", "msg": "[x] first\nsecond", "code": "x"}


def test_a_host_fails_without_the_words_of_the_end() -> None:
    assert report.conclude([outcome("a")]) == {"changed": False, "msg": _report.headline(outcome("a"))}
    found = report.conclude([outcome("a"), outcome("b", **REFUSED)])
    assert (found["failed"], found["code"], found["codes"]) == (True, "x", {"b": "x"})
    assert "first" not in found["msg"] and "b" in found["msg"]
    assert report.conclude([outcome("a", **REFUSED), outcome("b", **REFUSED)])["code"] == "sites_failed"


def test_the_end_of_the_run_says_each_refusal_once() -> None:
    """Of every host, those that worked in a line; and nothing where all went well."""
    sites = [outcome("a"), outcome("b", **REFUSED), outcome("other run", run="s", **REFUSED)]
    new1 = {"relocate_run": "r", "report_result": {"outcomes": sites}}
    text = report.endings(["new1", "new2"], {"new1": new1})
    assert text.index("Site a: old1 -> new1: CHECKED") < text.index("Site b: old1 -> new1: FAILED")
    assert text.count("first\n  | second") == 1 and "other run" not in text
    assert report.endings(["new1"], {"new1": {**new1, "report_result": {"outcomes": sites[:1]}}}) == ""


LEFT_OUT = {"failed": True, "code": "enough_failed", "msg": "[enough_failed] why", "command": "again"}


@pytest.mark.parametrize(("limit", "refused"), [(0, False), (1, True), (2, True), (3, False), (-1, False)])
def test_no_more_sites_are_begun_once_enough_failed(limit: int, refused: bool) -> None:
    """On all hosts together, in this run; those that were left out themselves, and those that serve, do not count."""
    one = [outcome("a", **REFUSED), outcome("b"), outcome("old run", run="s", **REFUSED), outcome("c", **LEFT_OUT)]
    two = [outcome("d", **REFUSED), outcome("e", **LEFT_OUT)]
    run_of = {"new1": run_with(*one), "new2": run_with(*two)}
    if not refused:
        report.refuse_more(limit, ["new1", "new2", "new3"], run_of)
        return
    with pytest.raises(RelocateError) as caught:
        report.refuse_more(limit, ["new1", "new2", "new3"], run_of)
    assert caught.value.code == "enough_failed"
    assert (
        f"2 sites of this run failed, or were not finished (a on new1, d on new1), and relocate_stop_after is {limit}"
        in str(caught.value)
    )


def run_with(*outcomes: dict[str, Any]) -> dict[str, Any]:
    return {"relocate_run": "r", "report_result": {"outcomes": list(outcomes)}}


def test_the_sites_that_were_not_begun_share_one_paragraph() -> None:
    found = run_with(outcome("a", **REFUSED), outcome("b", **LEFT_OUT), outcome("c", **LEFT_OUT))
    text = report.endings(["new1"], {"new1": found})
    assert "2 sites were not begun, since enough had failed (relocate_stop_after): b on new1, c on new1\n" in text
    assert text.index("Site a: ") < text.index("2 sites were") and "Site b" not in text
    assert "run the same command again: again\n" in text
    assert report.conclude(found["report_result"]["outcomes"][1:2])["code"] == "enough_failed"


@pytest.mark.parametrize("junk", [None, 1, "x", [], {"relocate_attempt": 1, "report_result": {"outcomes": {}}}])
def test_the_end_of_the_run_reads_whatever_is_there(junk: Any) -> None:
    assert report.endings(["new1"], {"new1": junk}) == ""


def test_what_failed_before_new_was_lost_is_said_too() -> None:
    attempt = {"begun": 7.0, "outcome": {"msg": "[x] why\x1b\nmore"}, "frozen": {"site": "shop"}}
    known = {"relocate_run": "r", "relocate_attempt": attempt, "report_result": {"outcomes": [outcome("a")]}}
    text = report.endings(["new1"], {"new1": known})
    assert "Site shop: FAILED, and new1 was lost before the report\n  [x] why\\x1b\n  | more\n" in text
    assert report.endings(["new1"], {"new1": {**known, "relocate_attempt": {**attempt, "begun": 5.0}}}) == ""


def moved(**more: Any) -> dict[str, Any]:
    return _report.enrich({**MOVED, **more}, NOW)


def test_reports_are_for_their_user_alone_and_the_index_lists_them(tmp_path: Path) -> None:
    """The latest first; what is no report of ours is passed over."""
    directory = tmp_path / "reports"
    first = report.write(str(directory), moved())
    second = report.write(str(directory), moved(site="../other", served_at="1000060"))
    (directory / "note.json").write_text("{")
    (directory / "broken-20200101T000000Z.json").write_text("{")
    later = report.write(str(directory), {**moved(site="last"), "ended": NOW + 60})
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {item.stat().st_mode & 0o777 for item in directory.iterdir() if item.name[0] not in "nb"} == {0o600}
    assert json.loads(Path(first["json"]).read_text())["format"] == 1
    assert Path(second["html"]).name == ".._other-new1-19700112T134820Z.html"
    pages = tags((directory / "index.html").read_text()).addresses
    assert pages[0] == Path(later["html"]).name
    assert sorted(pages) == sorted(Path(found["html"]).name for found in (first, second, later))


def test_a_template_that_fails_leaves_no_half_report(tmp_path: Path) -> None:
    own = tmp_path / "own.html"
    own.write_text("{{ nothing }}")
    with pytest.raises(jinja2.TemplateError, match="nothing"):
        report.write(str(tmp_path / "reports"), moved(), str(own))
    assert not (tmp_path / "reports").exists()


def test_what_awx_gets() -> None:
    found = report.figures({**moved(), "report": {"html": "a.html"}})
    assert (found["per_host"], found["aggregate"]) == (False, True)
    told = {"status": "moved", "old": "old1", "new": "new1", "downtime": 30.5, "total": 100.0}
    assert found["data"] == {"relocate_sites": {"shop on new1": {**told, "report": {"html": "a.html"}}}}


def test_a_report_is_as_its_schema_says() -> None:
    schema = json.loads((sources.ROOT / "docs" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for given in (MOVED, FAILED, CHECKED, {**CHECKED, "done": True}, {**MOVED, "unfinished": True}):
        found = json.loads(json.dumps(_report.enrich(given, NOW)))
        jsonschema.validate(found, schema)
        assert set(schema["required"]) <= set(found)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**found, "status": "fine"}, schema)
