# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers in rabbitmqctl's place."""

from __future__ import annotations

from typing import IO, Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import ctl


class Played:
    """Gives an answer to each command, and notes what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Completed | Exception) -> None:
        self.answers, self.asked, self.given = answers, list[Command](), list[Any]()
        monkeypatch.setattr(ctl, "find_program", lambda name: "/usr/sbin/" + name)
        monkeypatch.setattr(ctl, "run", self.run)

    def run(
        self, command: Command, stdin: bytes | None = None, stdout: IO[bytes] | None = None, **_more: Any
    ) -> Completed:
        """Take the place of a program."""
        self.asked.append(command)
        self.given.append(stdin)
        answer = self.answers[command.argv[2]]
        if isinstance(answer, Exception):
            raise answer
        if stdout is not None:
            stdout.write(answer.stdout)
        return answer
