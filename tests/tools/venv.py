# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a virtual environment below build/ and install requirements at the versions in constraints.txt.

python3 tests/tools/venv.py build/venv dev
python3 tests/tools/venv.py --controllers
"""

import os
import shutil
import subprocess
import sys
from typing import List, Optional

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REQUIREMENTS = os.path.join(ROOT, "tests", "requirements")
OLDEST = (3, 11)
#: ansible-core's versions that users have, and the Pythons that each runs on, the best known first
CONTROLLERS = {
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}


def make(path: str, python: str = sys.executable) -> None:
    """Make the environment unless it is there and works."""
    pip = os.path.join(path, "bin", "python")
    if os.path.exists(pip) and subprocess.call([pip, "-m", "pip", "--version"], stdout=subprocess.DEVNULL) == 0:
        return
    print("setup: making " + os.path.relpath(path, ROOT), flush=True)
    if subprocess.call([python, "-m", "venv", "--clear", path]) != 0:
        sys.exit("setup: {0} cannot make virtual environments; on Debian install python3-venv".format(python))


def install(path: str, name: str) -> None:
    """Install one requirements file; raises SystemExit with pip's own words shown."""
    print("setup: installing {0}.txt into {1}".format(name, os.path.relpath(path, ROOT)), flush=True)
    options = ["-r", os.path.join(REQUIREMENTS, name + ".txt")]
    if not name.startswith("controller-"):  # they name their version, and what that one needs follows
        options += ["-c", os.path.join(REQUIREMENTS, "constraints.txt")]
    command = [os.path.join(path, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    environment = dict(os.environ, PIP_ROOT_USER_ACTION="ignore")
    if subprocess.call([*command, *options], env=environment) != 0:
        sys.exit("setup: pip could not install {0}".format(options[1]))


def runs(python: str, version: str) -> bool:
    """Whether a program is a Python of this version with the venv module."""
    code = "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '" + version + "')"
    return subprocess.call([python, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def find_python(version: str) -> Optional[str]:
    """The path of a Python X.Y with the venv module, or None: on PATH, or one that pyenv keeps."""
    found = [shutil.which("python" + version)]
    versions = os.path.join(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"), "versions")
    if os.path.isdir(versions):
        names = sorted(name for name in os.listdir(versions) if name.startswith(version + "."))
        found += [os.path.join(versions, name, "bin", "python" + version) for name in names]
    return next((path for path in found if path and os.path.exists(path) and runs(path, version)), None)


def controllers() -> None:
    """Make build/venv-2.x for every version of ansible-core that a Python is here for."""
    for core, pythons in CONTROLLERS.items():
        python = next(filter(None, map(find_python, pythons)), None)
        path = os.path.join(ROOT, "build", "venv-" + core)
        if python is None:
            print("setup: ansible-core {0} left out: no Python {1}".format(core, ", ".join(pythons)))
        elif not os.path.exists(os.path.join(path, "bin", "ansible-playbook")):
            make(path, python)
            install(path, "controller-" + core)


def main(arguments: List[str]) -> None:
    """Run one command line."""
    if sys.version_info[:2] < OLDEST:
        sys.exit("setup: this is Python {0}.{1}; give a later one: make PYTHON=python3.11".format(*sys.version_info))
    if arguments == ["--controllers"]:
        controllers()
        return
    path, name = arguments
    make(os.path.abspath(path))
    install(os.path.abspath(path), name)


if __name__ == "__main__":
    main(sys.argv[1:])
