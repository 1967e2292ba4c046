# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is installed for a site's nights: it is there once, holds no secret where others read, and goes again."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Asked
from ansible_collections.relocate.django.plugins.module_utils._modules import schedule as module
from ansible_collections.relocate.django.plugins.module_utils._nightly import plan, units
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from ansible_collections.relocate.django.plugins.module_utils._steps import schedule
from ansible_collections.relocate.django.plugins.module_utils._steps.schedule import Options, Places

SECRET = "canary-of-the-plan"


class Manager:
    """What systemd is asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.on = False

    def states(self, names: list[str]) -> dict[str, Unit]:
        state = ("active", "enabled") if self.on else ("inactive", "")
        return {name: Unit(name, active=state[0], file_state=state[1]) for name in names}

    def call(self, *words: str, check: bool = True) -> None:
        self.calls.append(words)
        self.on = {"restart": True, "stop": False}.get(words[0], self.on)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give options, places and systemd."""
    archive = tmp_path / "came.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("ansible_collections/x.py", "X = 1\n")
        target.writestr("ansible_collections/left.out", "")
        target.writestr("sitecustomize.py", "import sys\nsys.path.insert(0, '/tmp/ansible_payload_1/x.zip')\n")
    monkeypatch.setattr(schedule, "archive", lambda: str(archive))
    calls = [
        {"name": "backup", "module": "backup", "arguments": {"login_password": SECRET}, "every": 1},
        {"name": "push", "module": "repository", "arguments": {"state": "pushed"}, "every": 1},
    ]
    options = Options(
        str(tmp_path / "work"), "shop", "present", calls, 7, "*-*-* 02:00:00", 3600, 21600, "36h", "",
        str(tmp_path / "metrics"), "", "https://x/" + SECRET, "", f"curl {SECRET}",
    )  # fmt: skip
    (tmp_path / "metrics").mkdir()
    (tmp_path / "root/etc/systemd/system").mkdir(parents=True)
    return {"options": options, "places": Places(str(tmp_path / "root")), "systemd": Manager()}


def run(made: dict[str, Any], check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    options = replace(made["options"], **changes)
    return schedule.schedule(options, check_mode, made["places"], made["systemd"])


def files(made: dict[str, Any]) -> dict[str, Path]:
    top = Path(made["places"].root)
    return {str(path.relative_to(top)): path for path in sorted(top.rglob("*")) if path.is_file()}


def test_it_is_installed_once_and_goes_again(made: dict[str, Any], tmp_path: Path) -> None:
    told = run(made, check_mode=True)
    assert told["changed"] and files(made) == {} and made["systemd"].calls == []
    assert {item["after_header"].rpartition("/")[2] for item in told["diff"]} == {
        "nightly.zip", "shop.json", *units.names_of("shop").values(),
    }  # fmt: skip
    assert SECRET not in str(told)
    assert run(made)["changed"]
    found = files(made)
    assert sorted(found) == [
        "etc/relocate/nightly/shop.json",
        "etc/systemd/system/relocate-nightly-shop-failed.service",
        "etc/systemd/system/relocate-nightly-shop.service",
        "etc/systemd/system/relocate-nightly-shop.timer",
        "usr/local/lib/relocate/shop/nightly.zip",
    ]
    assert [name for name, path in found.items() if SECRET.encode() in path.read_bytes()] == [
        "etc/relocate/nightly/shop.json"
    ]
    assert stat.S_IMODE(found["etc/relocate/nightly/shop.json"].stat().st_mode) == 0o600
    assert made["systemd"].calls == [
        ("daemon-reload",),
        ("enable", "relocate-nightly-shop.timer"),
        ("restart", "relocate-nightly-shop.timer"),
    ]
    again = run(made)
    assert not again["changed"] and again["diff"] == []
    assert run(made, check_mode=True, max_age="2d")["changed"]
    made["systemd"].on = False
    assert run(made)["changed"], "somebody stopped the timer"
    found["etc/relocate/nightly/shop.json"].chmod(0o644)
    assert run(made)["changed"]
    assert stat.S_IMODE(found["etc/relocate/nightly/shop.json"].stat().st_mode) == 0o600

    (tmp_path / "metrics/relocate-shop.prom").touch()
    (tmp_path / "work/nightly/shop.status.json").touch()
    assert run(made, check_mode=True, state="absent")["changed"] and len(files(made)) == 5
    assert run(made, state="absent")["changed"]
    assert files(made) == {} and not list((tmp_path / "metrics").iterdir())
    assert sorted(path.name for path in (tmp_path / "root").rglob("*") if "relocate" in str(path.name)) == []
    assert list((tmp_path / "work").iterdir()) == []
    assert not run(made, state="absent")["changed"]


def test_the_plan_of_a_night(made: dict[str, Any]) -> None:
    run(made)
    wanted = plan.read(made["places"].plan("shop"))
    assert [(call.name, call.module, call.every) for call in wanted.calls] == [
        ("backup", "backup", 1),
        ("push", "repository", 1),
        ("check the repository", "repository", 7),
    ]
    assert wanted.calls[2].arguments == {"state": "checked"}
    run(made, check_nights=0)
    assert len(plan.read(made["places"].plan("shop")).calls) == 2


def test_the_same_sources_make_the_same_program(made: dict[str, Any]) -> None:
    run(made)
    program = Path(made["places"].archive("shop"))
    with zipfile.ZipFile(program) as found:
        assert found.namelist() == ["ansible_collections/x.py", "__main__.py"]
    assert schedule.packed(schedule.archive()) == program.read_bytes()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd")
def test_systemd_takes_the_units(made: dict[str, Any]) -> None:
    run(made, site="shop.v2-b")
    names = ["relocate-nightly-shop.v2-b.timer", "relocate-nightly-shop.v2-b.service"]
    paths = [f"{made['places'].units()}/{name}" for name in names]
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert "relocate-nightly" not in done.stderr and done.returncode == 0, done.stderr
    text = Path(paths[1]).read_text()
    assert f"ExecStart={sys.executable} -I {made['places'].archive('shop.v2-b')} run " in text
    with pytest.raises(RelocateError, match="schedule_calendar: "):
        run(made, calendar="sometimes")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_age": "soon"}, "schedule_max_age"),
        ({"ping": "ftp://x"}, "no http address"),
        ({"mail_to": "a\nb"}, "more than one line"),
        ({"metrics": "var"}, "no absolute path"),
        ({"calls": []}, "no calls"),
        ({"group": "nobody-has-it"}, "has no group nobody-has-it"),
    ],
)
def test_what_cannot_be_meant_is_refused(made: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RelocateError, match=said) as raised:
        run(made, **changes)
    assert raised.value.code == "bad_option" and files(made) == {}


def test_arguments_are_looked_at_before_the_first_night() -> None:
    params: dict[str, Any] = {
        **{name: option.get("default") for name, option in module.MODULE.arguments["argument_spec"].items()},
        "site": "shop",
        "calls": [{"name": "rehearse", "module": "rehearse", "arguments": {"kind": "x"}, "every": 1}],
    }
    with pytest.raises(RelocateError, match="rehearse: .*") as raised:
        module.work_on(Asked(params, True))
    assert raised.value.code == "bad_option"


def test_words_of_units_are_quoted() -> None:
    wanted = units.Wanted("shop", "/opt/a b/python", "/x%y", "/p", "daily", 0, 60)
    text = wanted.texts()["relocate-nightly-shop.service"]
    assert 'ExecStart="/opt/a b/python" -I /x%%y run /p\n' in text
