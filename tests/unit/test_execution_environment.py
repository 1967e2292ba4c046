# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder finds in the collection, which is all that an execution environment gets for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tests.tools.collection import COLLECTIONS


def test_what_an_execution_environment_needs() -> None:
    program = Path(sys.executable).with_name("ansible-builder")
    done = subprocess.run([program, "introspect", COLLECTIONS], capture_output=True, text=True, check=True)
    found = yaml.safe_load(done.stdout)
    assert found["python"] == []
    ours = [line.partition("  #")[0] for line in found["system"] if line.endswith("from collection relocate.django")]
    assert ours == ["openssh-client [platform:dpkg]", "openssh-clients [platform:rpm]"]
