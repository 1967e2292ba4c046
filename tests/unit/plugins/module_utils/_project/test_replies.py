# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that somebody else prints in the place of our program's."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import CODES, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._project import answers, inside, packages, probe, replies
from tests.unit.fakes import me, refused

#: Settings that know where the answer goes and what it begins with.
HIJACK = """
import json, os
marker = json.loads(open("/proc/self/cmdline").read().split("\\0")[2])["marker"]
for fd in range(3, 16):
    try:
        os.write(fd, marker.encode() + {line!r} + b"\\n")
    except OSError:
        pass
os._exit(0)
"""
ALIAS = {
    **dict.fromkeys("alias backend vendor name user host time_zone test_mirror same_as error".split(), ""),
    "alias": "default",
    "port": None,
    "options": {},
    "has_password": False,
    "password": "",
}


def line(value: Any) -> bytes:
    return base64.b64encode(zlib.compress(json.dumps(value).encode("ascii"), 9))


def answer(databases: Any, **others: Any) -> dict[str, Any]:
    return {"answers": {"databases": databases}, "errors": {}, "failed": None, "secrets": [], **others}


def deep() -> bytes:
    return base64.b64encode(zlib.compress(b"[" * 100_000 + b"]" * 100_000))


def bomb() -> bytes:
    packer = zlib.compressobj(9)
    zeros = b"0" * (1 << 20)
    packed = packer.compress(b'{"a": "') + b"".join(packer.compress(zeros) for _turn in range(2))
    return base64.b64encode(packed + packer.flush())


HOSTILE: list[tuple[str, Callable[[], bytes]]] = [
    ("a list", lambda: line([])),
    ("nothing", lambda: line({})),
    ("no topic", lambda: line({**answer([]), "answers": {}})),
    ("another topic", lambda: line({**answer([]), "answers": {"databases": [], "evil": 1}})),
    ("no aliases", lambda: line(answer({"error": {"code": "x", "evil": 1}}))),
    ("a number for a name", lambda: line(answer([{**ALIAS, "name": 1}]))),
    ("a list for a host", lambda: line(answer([{**ALIAS, "host": ["-x"]}]))),
    ("a name with NUL", lambda: line(answer([{**ALIAS, "name": "a\0b"}]))),
    ("a port that is text", lambda: line(answer([{**ALIAS, "port": "-oProxyCommand=x"}]))),
    ("a port that is none", lambda: line(answer([{**ALIAS, "port": -1}]))),
    ("a truth value for a port", lambda: line(answer([{**ALIAS, "port": True}]))),
    ("OPTIONS that are a list", lambda: line(answer([{**ALIAS, "options": ["x"]}]))),
    ("no alias", lambda: line(answer([{key: value for key, value in ALIAS.items() if key != "alias"}]))),
    ("secrets that are numbers", lambda: line(answer([ALIAS], secrets=[1]))),
    ("an error without words", lambda: line(answer([], failed={"stage": "django", "types": [], "lines": []}))),
    ("an error about nothing", lambda: line(answer([], failed={"stage": "aliases"}))),
    ("an error of another kind", lambda: line(answer([], errors={"databases": "x"}))),
    ("too deep", deep),
    ("a bomb", bomb),
    ("cut short", lambda: base64.b64encode(zlib.compress(b"{}" * 100)[:-5])),
    ("no base64", lambda: b"!!!"),
]


@pytest.mark.parametrize(("what", "made"), HOSTILE, ids=[name for name, _made in HOSTILE])
def test_what_the_project_answers_is_refused_by_name(
    what: str, made: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a traceback, whose text nobody has scrubbed; nor a value of a type that nobody expects."""
    project: Any = SimpleNamespace(
        interpreter="/srv/python", path="/srv", manage_path="/srv/manage.py", settings="s", owner=me(), directory="/",
        manage="manage.py", env={}, environment=dict, env_secrets=list,
    )  # fmt: skip
    monkeypatch.setattr(inside, "new_marker", lambda: "mark:")
    monkeypatch.setattr(replies, "_LIMIT", 1 << 20)
    output = b"mark:" + made() + b"\n"
    monkeypatch.setattr(inside, "run", lambda *_what, **_how: Completed(("python",), 0, output, b""))
    with refused("probe_failed", "/srv/python"):
        answers.databases(project)


def test_settings_that_answer_themselves(site: Path, python: str) -> None:
    """The real thing once: the program runs in the project's interpreter, which is the project's as much as ours."""
    with open(site / "site1" / "settings.py", "a", encoding="utf-8") as stream:
        stream.write(HIJACK.format(line=line(answer([{**ALIAS, "port": "-x"}]))))
    project = probe.find_project(str(site), python)
    with refused("probe_failed", "another form than was asked for, in databases.0..port"):
        answers.databases(project)


FIXTURE = {"answer": None, "failed": None, "refused": None, "secrets": []}
LOADED = {"counts": {"shop.Book": {"objects": 2}}, "migrated": [], "header": {}, "made": {}, "notes": []}


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({**FIXTURE, "answer": LOADED}, None),
        (
            {**FIXTURE, "refused": {"code": "fixture_invalid", "msg": "m", "hint": "h", "details": {}}},
            "fixture_invalid",
        ),
        ({**FIXTURE, "refused": {"code": "evil", "msg": "m", "hint": "h", "details": {}}}, "probe_failed"),
        ({**FIXTURE, "refused": {"code": "fixture_invalid", "msg": 1, "hint": "h", "details": {}}}, "probe_failed"),
        ({**FIXTURE, "failed": {"stage": "load"}}, "probe_failed"),
        ({**FIXTURE, "answer": {**LOADED, "counts": {"shop.Book": {"objects": "2"}}}}, "probe_failed"),
        (FIXTURE, "probe_failed"),
        ([], "probe_failed"),
    ],
)
def test_what_the_program_of_a_fixture_answers(reply: Any, code: str | None) -> None:
    project: Any = SimpleNamespace(interpreter="python", manage_path="m", owner=me(), env_secrets=list, settings="")
    done = [Completed(("python",), 0, b"", b"noise\nmark:" + line(reply) + b"\n")]
    if code is None:
        assert program._judge(project, done, 0, "mark:", "load") == LOADED
        return
    with pytest.raises(RelocateError) as caught:
        program._judge(project, done, 0, "mark:", "load")
    assert caught.value.code == code
    assert caught.value.code in CODES


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"name": 1}]', "[" * 5000, "nonsense"])
def test_what_an_interpreter_tells_of_its_packages(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.inside, "new_marker", lambda: "mark:")
    monkeypatch.setattr(packages, "run", lambda *_w, **_h: Completed(("python",), 0, b"mark:" + text.encode(), b""))
    with refused("probe_failed", "does not tell its packages"):
        packages.installed("python", None, {}, "/")


def test_shapes() -> None:
    shape = {"a": [str], "b": replies.Maybe(int), "c": replies.Each(bool)}
    assert replies.checked({"a": ["x"], "c": {"y": True}, "more": 1}, shape)
    for wrong in ({}, {"a": "x", "c": {}}, {"a": [], "c": {"y": 1}}, {"a": [], "b": True, "c": {}}, {"a": [], "c": []}):
        with pytest.raises(ValueError, match="^answer"):
            replies.checked(wrong, shape)
    assert {"databases", *answers.TOPICS, "lint", "makemigrations", "showmigrations"} == set(replies.TOPICS)
