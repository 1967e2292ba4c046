# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import subprocess

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import env_files

PARSED = [
    ("A=1\nB=two words\n", {"A": "1", "B": "two words"}),
    ("# A=1\n; B=2\n\nC=3", {"C": "3"}),
    ("export A=1\n  export\tB = 2  \n", {"A": "1", "B": "2"}),
    ("A='x # y'\nB=\"x # y\"\nC=x # y\nD=x#y\n", {"A": "x # y", "B": "x # y", "C": "x", "D": "x#y"}),
    ("A=''\nB=\nC= # like systemd\nD=1", {"A": "", "B": "", "C": "# like systemd", "D": "1"}),
    ("A=1\r\nB='2'\r\n", {"A": "1", "B": "2"}),
    ("A=1\nA=2\n", {"A": "2"}),
    ("A='it\\'s'\nB='a\\'\n", {"A": "it's", "B": "a\\"}),
    ('A="say \\"hi\\" \\\\ \\$x"\n', {"A": 'say "hi" \\ $x'}),
    ('A="line one\nB=no variable"\nC=3\n', {"A": "line one\nB=no variable", "C": "3"}),
    ("A=one \\\n  two\nB=2\n", {"A": "one   two", "B": "2"}),
    ('A={"json": "# 1"}\n', {"A": '{"json": "# 1"}'}),
    ("A=postgres://u:p%40ss@db/x?a=b\n", {"A": "postgres://u:p%40ss@db/x?a=b"}),
    ("\ufeffA=1\n", {"A": "1"}),
    ("no assignment\n1A=2\n-X=3\nB=1", {"B": "1"}),
    ("A=don't\nB=it's\n", {"A": "don't", "B": "it's"}),
]


@pytest.mark.parametrize(("text", "expected"), PARSED)
def test_parse(text: str, expected: dict[str, str]) -> None:
    assert env_files.parse(text) == expected


CANARIES = [
    "plain", "", "two words", "it's", 'say "hi"', "a\\b", "a\\\\b", "end\\", "#start", "in # side", "in#side", "p%q",
    "é€😀", "a=b=c", "`x`", "a$b",
    "tab\there", " lead", "trail ", "mixed '\" \\ é % : #", "*?[x]", "~/x", "a;b&c|d", "!x",
]  # fmt: skip


@pytest.mark.parametrize("value", CANARIES)
def test_round_trip(value: str) -> None:
    text = env_files.override("A=old\nB=2\n", {"A": value})
    assert env_files.parse(text) == {"A": value, "B": "2"}
    assert env_files.override(text, {"A": value}) == text


@pytest.mark.parametrize("value", [value for value in CANARIES if "$" not in value and "`" not in value])
def test_shell_reads_the_same(value: str) -> None:
    script = env_files.override("", {"A": value}) + 'printf %s "$A"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert shown.stdout.decode() == value


@pytest.mark.parametrize("value", CANARIES)
def test_python_dotenv_reads_the_same(value: str) -> None:
    dotenv = pytest.importorskip("dotenv")
    assert dotenv.dotenv_values(stream=io.StringIO(env_files.override("", {"A": value})))["A"] == value


@pytest.mark.parametrize("value", CANARIES)
def test_django_environ_reads_the_same(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = pytest.importorskip("environ")
    monkeypatch.setattr(environ.Env, "ENVIRON", {})
    environ.Env.read_env(io.StringIO(env_files.override("", {"A": value})))
    assert environ.Env()("A") == value


OVERRIDDEN = [
    ("A=1\nB=2", {"A": "3"}, "A=3\nB=2"),
    ("# head\r\nexport A = 1 # why\r\nB=2\r\n", {"A": "x"}, "# head\r\nexport A = x # why\r\nB=2\r\n"),
    ("A=1\nA=2\n", {"A": "3"}, "A=3\nA=3\n"),
    ("A='1'\n", {"A": "1"}, "A='1'\n"),
    ("A=1", {"B": "2"}, "A=1\nB=2\n"),
    ("A=1\r\n", {"B": "2"}, "A=1\r\nB=2\r\n"),
    ("", {"B": "x y"}, "B='x y'\n"),
    ("A=\nB=2\n", {"A": "1"}, "A=1\nB=2\n"),
    ('A="x\ny"\nB=2\n', {"A": "1"}, "A=1\nB=2\n"),
]


@pytest.mark.parametrize(("text", "values", "expected"), OVERRIDDEN)
def test_override(text: str, values: dict[str, str], expected: str) -> None:
    assert env_files.override(text, values) == expected


@pytest.mark.parametrize(("key", "value"), [("A", "x\ny"), ("A", "x\0"), ("1A", "x"), ("A B", "x"), ("A", "x\r")])
def test_refused(key: str, value: str) -> None:
    with pytest.raises(RelocateError) as caught:
        env_files.override("", {key: value})
    assert caught.value.code == "bad_option"
    assert "x\n" not in str(caught.value)


def test_masked_diff() -> None:
    before = (
        "DEBUG=0\nDB_PASSWORD='hunter2 now'\nSECRET_KEY=same-as-before\nURL=postgres://u:pässwörd@db/x\n"
        "# OLD_PASSWORD=hunter1\nHOST=a\n"
    )
    after = env_files.override(before, {"DB_PASSWORD": "changed!", "HOST": "b", "URL": "postgres://u:other@db/x"})
    old, new = env_files.masked_diff(before, after)
    for secret in ("hunter", "same-as", "pässwörd", "other", "changed!"):
        assert secret not in old + new
    assert "DB_PASSWORD=******** (changed)" in new and "SECRET_KEY=********\n" in new
    assert "HOST=a" in old and "HOST=b" in new and "DEBUG=0" in new
    assert "postgres://********@db/x (changed)" in new
    assert env_files.masked_diff(before, before)[0] == env_files.masked_diff(before, before)[1]


def test_mask_urls() -> None:
    masked = env_files.mask_urls(
        "fatal: https://me:s3:cr@t@host/x and ssh://git@host/y, https://abcdefghijklmnopqrstu@h"
    )
    assert "cr@t" not in masked and "abcdefghij" not in masked
    assert "ssh://git@host/y" in masked
