# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restic is given, and what is made of its end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.restic import Restic
from tests.unit.fakes import refused

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDummy"


def test_why_ssh_ended_is_known_where_restic_did_not_wait_for_it(tmp_path: Path) -> None:
    """Restic says that a pipe was closed; SSH has written down why."""
    for name in ("key", "password"):
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(0o600)
    written = []

    def ends(command: Command, **_more: Any) -> Completed:
        found = re.search(r" -E (\S+) ", " ".join(command.argv))
        assert found is not None
        Path(found.group(1)).write_text("Host key verification failed.\r\n")
        written.append(found.group(1))
        return Completed(tuple(command.argv), 1, b"", b"Fatal: unable to start the sftp session: file already closed")

    access = Access(
        "restic",
        "sftp:backup@vault.example.org:/srv/sets",
        password_file=str(tmp_path / "password"),
        key_file=str(tmp_path / "key"),
        host_keys=(KEY,),
    )
    with refused("host_key_differs", ""):
        Restic(access, str(tmp_path / "work"), "/usr/bin/restic", ends).locks()
    assert len(written) == 1 and not Path(written[0]).exists()
