# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-playbook against the lab as a user would, and keep all that it said."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools import packed

from ._command import LabError


@dataclass(frozen=True)
class PlaybookResult:
    """Exit code, text and wall clock seconds of one run; ``directory`` holds the texts as files."""

    rc: int
    stdout: str
    stderr: str
    log: str
    seconds: float
    directory: Path


def run_playbook(
    args: Sequence[str],
    *,
    venv: Path,
    collections_path: Path,
    directory: Path,
    env: Mapping[str, str] | None = None,
    check: bool = False,
    timeout: float = 1800,
) -> PlaybookResult:
    """Run ``ansible-playbook`` of the virtual environment ``venv`` in ``directory`` with these arguments.

    ``collections_path`` is the directory that holds ``ansible_collections``. With ``check`` a non-zero exit code
    raises LabError, and so does a run of more than ``timeout`` seconds.
    """
    directory.mkdir(parents=True, exist_ok=True)
    stdout, stderr, log = (directory / name for name in ("stdout.txt", "stderr.txt", "ansible.log"))
    log.unlink(missing_ok=True)
    start = time.monotonic()
    # Connections that outlive a run must not serve the next lab's host at the same address; /tmp because a socket's
    # path is 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="lab", dir="/tmp") as sockets:
        # Files, not pipes: ssh's connection master inherits them and would keep a pipe open after the end.
        with stdout.open("wb") as out, stderr.open("wb") as err:
            command = [str(venv / "bin" / "ansible-playbook"), *args]
            variables = _environment(venv, collections_path, log, sockets, env or {})
            with subprocess.Popen(
                command, cwd=directory, env=variables, stdout=out, stderr=err, stdin=subprocess.DEVNULL
            ) as process:
                try:
                    rc = process.wait(timeout)
                except subprocess.TimeoutExpired as error:
                    process.kill()
                    raise LabError(f"ansible-playbook took over {timeout} s; see {directory}") from error
        _close_connections(Path(sockets))
    texts = [path.read_text(errors="replace") if path.exists() else "" for path in (stdout, stderr, log)]
    if check and rc:
        raise LabError(f"ansible-playbook exited {rc}; see {directory}\n{texts[0][-3000:]}\n{texts[1][-2000:]}")
    return PlaybookResult(rc, texts[0], texts[1], texts[2], time.monotonic() - start, directory)


def _environment(
    venv: Path, collections_path: Path, log: Path, sockets: str, extra: Mapping[str, str]
) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    own = {
        "PATH": f"{venv / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path),
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
        "LC_ALL": "C.UTF-8",
        **packed.environment(venv, collections_path),
    }
    return {**inherited, **own, **extra}


def _close_connections(sockets: Path) -> None:
    for socket in sockets.iterdir():
        if socket.is_socket():
            # The host's name is not used: the socket says which connection is meant.
            argv = ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "lab"]
            subprocess.run(argv, capture_output=True, timeout=10, check=False)
