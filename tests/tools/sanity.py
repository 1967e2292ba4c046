# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test sanity on the copy of the collection, with all that it writes below build/.

ansible-test makes environments of its own and downloads pip's installer for them; the one it is given here uses the
pip that comes with Python, so that the package index is the only thing that has to be reachable.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path

from tests.tools.collection import COPY, ROOT

HOME = ROOT / "build" / "ansible-test"
#: What tests/tools/lint.py asks for more strictly, with the same programs or with ruff and its format.
LINTED = ("changelog", "pep8", "shellcheck")
#: The test that imports each file alone. What modules are made of is imported with them: alone, file by file, it takes
#: six times as long and finds nothing else.
IMPORT = "import"
IMPORTED = [f"plugins/{name}/" for name in ("modules", "action", "filter", "lookup", "plugin_utils", "doc_fragments")]
#: With what ansible-test is run, one after the other.
WHOLE = (
    [word for name in (*LINTED, IMPORT) for word in ("--skip-test", name)],
    ["--test", IMPORT, *IMPORTED],
)
BOOTSTRAP = Path(__file__).with_name("bootstrap_pip.py")


def pip_versions() -> set[str]:
    """Give the versions of pip that this ansible-test asks for."""
    found = util.find_spec("ansible_test")
    package = Path(next(iter(found.submodule_search_locations or []))) if found else Path()
    text = (package / "_internal" / "python_requirements.py").read_text()
    return set(re.findall(r"""\bpip['"]?\s*[:=]\s*['"](\d+(?:\.\d+)+)['"]""", text))


def prepare() -> dict[str, str]:
    """Make a home directory for ansible-test; returns the environment that it runs in."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in pip_versions():
        shutil.copyfile(BOOTSTRAP, cache / f"get_pip_{version.replace('.', '_')}.py")
    for name in (".config/pip", ".pip"):
        # How this machine reaches a package index, when its user said so.
        theirs, ours = Path.home() / name, HOME / name
        if theirs.is_dir() and not ours.exists():
            ours.parent.mkdir(exist_ok=True)
            ours.symlink_to(theirs)
    return {**os.environ, "HOME": str(HOME)}


def main(options: list[str]) -> int:
    """Run the sanity tests; further arguments go to ansible-test, instead of leaving out what lint looks at."""
    return ansible_test(*options) if options else max(ansible_test(*arguments) for arguments in WHOLE)


def ansible_test(*options: str) -> int:
    """Run ansible-test sanity; gives its exit code."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    program = [str(Path(sys.executable).with_name("ansible-test")), "sanity", "--color", "no", "--requirements"]
    return subprocess.run([*program, "--python", python, *options], cwd=COPY, env=prepare(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
