# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts that starters run."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.scripts import followed
from tests.unit.plugins.module_utils._discover.held import HeldFiles

PATH = "/opt/shop-tools/start"
SCRIPT = """\
#!/usr/bin/env bash
set -e
cd "$(dirname "${BASH_SOURCE[0]}")/../shop"
export DJANGO_SETTINGS_MODULE=shop.settings
[ -f .env ] && . ./.env
exec ./venv/bin/gunicorn shop.wsgi -b unix:run/shop.sock
"""


def test_a_script_tells_where_the_site_is() -> None:
    starter = Starter("supervisor", "shop", commands=((PATH,),), files=("/etc/x.conf",))
    found = followed(starter, HeldFiles({PATH: SCRIPT}))
    assert found.directory == "/opt/shop"
    assert found.commands[0] == (PATH,)
    assert (".", "/opt/shop/.env") in found.commands
    assert found.commands[-1] == ("/opt/shop/venv/bin/gunicorn", "shop.wsgi", "-b", "unix:run/shop.sock")
    assert found.environment == {"DJANGO_SETTINGS_MODULE": "shop.settings"}
    assert found.files == ("/etc/x.conf", PATH)
    assert found.listens == ("unix:/opt/shop/run/shop.sock",)


@pytest.mark.parametrize(
    ("words", "directory"),
    [
        ((PATH,), ""),
        (("/bin/bash", PATH), ""),
        (("/bin/bash", "-lc", "exec " + PATH), ""),
        (("flock", "-n", "/run/x", "sudo", "-u", "shop", PATH), ""),
        (("./start",), "/opt/shop-tools"),
        (("/opt/outer",), ""),
    ],
)
def test_ways_to_a_script(words: tuple[str, ...], directory: str) -> None:
    files = HeldFiles({PATH: SCRIPT, "/opt/outer": f"#!/bin/sh\nexec {PATH}\n"})
    found = followed(Starter("service", "x", commands=(words,), directory=directory), files)
    assert found.commands[-1][1] == "shop.wsgi"
    assert PATH in found.files


@pytest.mark.parametrize(
    "starter",
    [
        Starter("service", "x", commands=((PATH,),), packaged=True),
        Starter("service", "x", commands=(("/usr/bin/start",),)),
        Starter("service", "x", commands=(("/opt/binary",), ("/opt/python",), ("/opt/absent",), ("start",))),
        Starter("timer", "x"),
    ],
)
def test_what_is_no_script_of_a_site_stays(starter: Starter) -> None:
    files = {PATH: SCRIPT, "/usr/bin/start": SCRIPT, "/opt/binary": "\x7fELF", "/opt/python": "#!/usr/bin/python3\n"}
    assert followed(starter, HeldFiles(files)) is starter


def test_scripts_that_run_each_other_end() -> None:
    files = HeldFiles({"/opt/a": "#!/bin/sh\n/opt/b\n/opt/b\n", "/opt/b": "#!/bin/sh\n/opt/a\n/opt/a x\n"})
    found = followed(Starter("service", "x", commands=(("/opt/a",),)), files)
    assert set(found.commands) == {("/opt/a",), ("/opt/b",), ("/opt/a", "x")}
    assert found.files == ("/opt/a", "/opt/b")


def test_odd_names_of_directories() -> None:
    path = r"/opt/a\1b/run"
    found = followed(Starter("service", "x", commands=((path,),)), HeldFiles({path: "#!/bin/sh\ncd $(dirname $0)\nx"}))
    assert found.commands[-1] == ("x",)
