# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the paths that settings and units name a checkout on new would lack."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import named
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.named import Named
from tests.unit.plugins.module_utils._discover.held import HeldFiles


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/etc/shop/key.json", True),
        ("/srv/geoip", True),
        ("/srv/shop/app/geoip", True),
        ("/srv/shop/app", False),
        ("/srv/shop", False),  # it holds the project
        ("/srv", False),
        ("/", False),
        ("/media", False),  # as MEDIA_URL may be written
        ("/run/shop.sock", False),
        ("/var/log/shop.log", False),
        ("/tmp/x", False),
        ("/etc/passwd", False),
        ("/srv/shop/media", False),
        ("/srv/shop/media/a", False),
        ("/srv/shop/venv/bin/python", False),
    ],
)
def test_paths_that_are_worth_a_word(path: str, kept: bool) -> None:
    apart = ["/srv/shop/media", "/srv/shop/venv", ""]
    assert bool(named.worth("/srv/shop/app", [Named(path, "X")], apart)) is kept


def test_what_git_holds_travels_already(tmp_path: Path) -> None:
    for name in ("app/kept/a", "app/ignored/a", "outside/deep/a", "key"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    (tmp_path / "app" / ".gitignore").write_text("/ignored/\n")
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(tmp_path / "app"), *words], check=True)
    paths = ["app/kept", "app/kept/a", "app/ignored", "outside", "key", "empty"]
    found = named.guesses(str(tmp_path / "app"), None, [Named(str(tmp_path / name), "DATA") for name in paths])
    assert [item.value for item in found] == ["ignored", f"{tmp_path}/outside", f"{tmp_path}/key"]
    assert found[0].why == "DATA names it"


def test_what_units_name(tmp_path: Path) -> None:
    for name in ("key.json", "conf.py", "tls.pem", "app.log", "state"):
        (tmp_path / name).write_text("x")
    top = str(tmp_path)
    command = ("/v/bin/gunicorn", "-c", f"{top}/conf.py", f"--certfile={top}/tls.pem", "--error-logfile",
               f"{top}/app.log", f"--statefile={top}/state", "--chdir", top, "/nonexistent", "\0")  # fmt: skip
    unit = Starter("service", "web.service", "web.service", commands=(command,), environment={"PATH": f"{top}/state"},
                   env_files=("/etc/env", "-/etc/none"))  # fmt: skip
    files = HeldFiles({"/etc/env": f"KEY={top}/key.json\nWORD=x\n"})
    found = named.of_starters([unit], files)
    assert {item.path.rsplit("/", 1)[1] for item in found} == {"key.json", "conf.py", "tls.pem"}
    assert {item.setting for item in found} == {"web.service"}


@pytest.mark.parametrize("change", [{"by": "eve"}, {"manager": "eve"}, {"kind": "cron"}])
def test_what_others_can_write_names_nothing(tmp_path: Path, change: dict[str, str]) -> None:
    """Else root would carry whatever file they name."""
    plain = {"kind": "service", "name": "x.service", "environment": {"KEY": str(tmp_path)}}
    assert named.of_starters([Starter(**{**plain, **change})], HeldFiles({})) == []  # type: ignore[arg-type]
    assert len(named.of_starters([Starter(**plain)], HeldFiles({}))) == 1  # type: ignore[arg-type]
