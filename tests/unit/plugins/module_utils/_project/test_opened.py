# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that the settings read, and variables that they ask for, traced in the project's interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import inside, probe, venv_opened
from tests.unit.plugins.module_utils._project.asked import CANARY, add_settings, found

from .conftest import give

pytestmark = pytest.mark.slow

READS = """
import io, json, os, pathlib, mimetypes, configparser, tempfile
from pathlib import Path
here = Path(__file__).resolve().parent.parent
SECRET_KEY = (here / "key.txt").read_text()
with open(here / "conf.json") as stream:
    CONF = json.load(stream)
with io.open("relative.toml", "rb"):
    pass
os.close(os.open(str(here / "low.yml"), os.O_RDONLY))
open(os.fsencode(here / "bytes.cfg")).close()
configparser.ConfigParser().read([here / "found.ini", here / "missing.ini"])
for name in ("missing.env", "/etc/mime.types", "/proc/self/status", "/etc/hostname", json.__file__):
    try:
        open(name).close()
    except OSError:
        pass
open(here / "written.log", "a").close()
open(here / "code.py").close()
open(here / "data.sqlite3").close()
"""
ASKS = """
import os
A = os.environ.get("A_GET")
B = os.getenv("B_SET")
C = "C_IN" in os.environ
try:
    os.environ["D_ITEM"]
except KeyError:
    pass
os.environ.setdefault("E_DEFAULT", "1")
F = os.environ["B_SET"], os.environ.get("PATH"), os.environ.get("DJANGO_SETTINGS_MODULE")
"""
FILES = "key.txt conf.json relative.toml low.yml bytes.cfg found.ini code.py data.sqlite3".split()


def test_files(site: Path, python: str, owner: SystemUser) -> None:
    for name in FILES:
        (site / name).write_text("[a]\n" if name == "found.ini" else "{}")
    add_settings(site, READS)
    give(site, owner)
    opened = probe.ask(found(site, python), ["opened"])["opened"]
    assert opened["files"] == sorted(str(site / name) for name in FILES[:6])


def test_variables(site: Path, python: str) -> None:
    add_settings(site, ASKS)
    opened = probe.ask(found(site, python, env={"B_SET": CANARY}), ["opened", "databases"])["opened"]
    assert opened["variables"] == {
        "A_GET": False,
        "B_SET": True,
        "C_IN": False,
        "D_ITEM": False,
        "E_DEFAULT": False,
        "SECRET_KEY": False,  # of the fixture's settings
    }
    assert opened["whole"] is False and CANARY not in json.dumps(opened)


@pytest.mark.parametrize(
    "text",
    [
        "dict(os.environ)",
        "os.environ.copy()",
        "[key for key in os.environ if os.environ[key]]",
        "{k: v for k, v in os.environ.items()}",
        "list(os.environ.values())",
    ],
)
def test_the_whole_environment(site: Path, python: str, text: str) -> None:
    add_settings(site, f"import os\nALL = {text}\nX = os.environ.get('X_LATER')\n")
    opened = probe.ask(found(site, python), ["opened"])["opened"]
    assert opened["whole"] is True
    assert opened["variables"] == {"SECRET_KEY": False, "X_LATER": False}


DOTENV = """
import os, sys, types
main = types.ModuleType("dotenv.main")
text = "import os\\ndef resolve():\\n    return dict(os.environ)\\n"
exec(compile(text, "/x/site-packages/dotenv/main.py", "exec"), main.__dict__)
main.resolve()
"""


def test_a_library_that_fills_in_references(site: Path, python: str) -> None:
    """python-dotenv looks at all variables on behalf of nobody."""
    add_settings(site, DOTENV)
    opened = probe.ask(found(site, python), ["opened"])["opened"]
    assert opened["whole"] is False


def test_a_start_that_fails_says_so_all_the_same(site: Path, python: str) -> None:
    add_settings(site, "open('key.txt')\n")
    with pytest.raises(Exception, match="settings_failed"):
        probe.ask(found(site, python), ["opened"])


PROGRAM = """
import builtins, io, json, os, sys
if {old}:
    del sys.addaudithook
sys.argv = ["", ""]
exec({program!r})
"""
TRACED = """
import io, json, os, sys
def main():
    from ansible_collections.relocate.django.plugins.module_utils._project import venv_opened
    venv_opened.watch()
    open("a.json").close()
    open("b.json", mode="r").close()
    io.open("c.json", "rb").close()
    os.close(os.open("d.json", os.O_RDONLY))
    os.close(os.open("e.json", flags=os.O_RDONLY))
    os.close(os.open("f.json", os.O_WRONLY))
    open("g.json", "r+").close()
    open("h.json", "w").close()
    class Accessor:  # as pathlib of Python 3.7 has it
        open = os.open
    os.close(Accessor().open("j.json", os.O_RDONLY, 0o666))
    open(os.dup(0)).close()
    venv_opened.stop()
    open("i.json").close()
    print(json.dumps([os.path.basename(path) for path in venv_opened.topic_opened()["files"]]))
main()
"""


@pytest.mark.parametrize("old", [False, True])
def test_with_and_without_audit_hooks(tmp_path: Path, old: bool) -> None:
    """Python 3.6 and 3.7 have none: there open itself is wrapped."""
    for name in "abcdefghij":
        (tmp_path / f"{name}.json").write_text("{}")
    program = inside.program((venv_opened,)).decode().replace("module.main()", "")
    text = PROGRAM.format(old=old, program=program) + TRACED
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=True)
    # What is opened for both is read too.
    assert json.loads(done.stdout) == [f"{name}.json" for name in "abcdegj"]
