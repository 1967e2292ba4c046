# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have galaxy-importer, which the registry of collections runs, read the archive that was built."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.tools.collection import ROOT

DIST = ROOT / "build" / "dist"
#: ansible-lint and ansible-test have run on the sources already, with their own settings.
_CONFIGURATION = """[galaxy-importer]
run_ansible_lint = False
run_ansible_test = False
check_required_tags = True
"""


def main() -> int:
    """Import the newest archive; a warning fails as an error does."""
    archive = max(DIST.glob("relocate-django-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    with tempfile.TemporaryDirectory() as directory:
        configuration = Path(directory, "galaxy-importer.cfg")
        configuration.write_text(_CONFIGURATION)
        environment = {**os.environ, "GALAXY_IMPORTER_CONFIG": str(configuration)}
        command = [sys.executable, "-m", "galaxy_importer.main", str(archive)]
        result = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    complained = re.search(r"(?m)^(WARNING|ERROR)", result.stdout)
    if result.returncode or complained:
        print(result.stdout)
        return 1
    print(f"galaxy-importer: {archive.relative_to(ROOT)} is good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
