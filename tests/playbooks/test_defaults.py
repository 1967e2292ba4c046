# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``module_defaults`` of our action groups, in a playbook as users write it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.tools.collection import COPY


def test_what_the_groups_give_is_taken(tmp_path: Path) -> None:
    """Each group gives options, which a module of all three takes: it refuses what the groups name."""
    defaults = {
        "group/relocate.django.project": {"path": str(tmp_path / "absent"), "interpreter": sys.executable},
        "group/relocate.django.work": {"directory": str(tmp_path / "work"), "site": "shop"},
        "group/relocate.django.login": {"login_user": "root"},
    }
    task = {"name": "Ask", "relocate.django.project_info": {}}
    own = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    play = {"hosts": "localhost", "gather_facts": False, "vars": own, "module_defaults": defaults, "tasks": [task]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "play.yml"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COPY.parents[2]), "ANSIBLE_NOCOLOR": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "bad_option" not in done.stdout
    assert f"{tmp_path / 'absent'}" in done.stdout
