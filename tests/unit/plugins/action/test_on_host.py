# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that is lost while a task is at work there."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.relocate.django.plugins.action import on_host


def run(monkeypatch: pytest.MonkeyPatch, delegate_to: str | None) -> dict[str, Any]:
    def lost(*_args: Any, **_more: Any) -> None:
        raise AnsibleConnectionFailure("no route\x1b to it")

    monkeypatch.setattr(NormalAction, "run", lost)
    task = MagicMock(delegate_to=delegate_to, async_val=0, args={})
    plugin = on_host.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    found: dict[str, Any] = plugin.run(None, {"inventory_hostname": "new1"})
    return found


def test_a_delegated_task_fails_where_a_rescue_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, "old1")
    assert (found["failed"], found["code"], "unreachable" in found) == (True, "host_unreachable", False)
    assert found["msg"].startswith("[host_unreachable] old1 cannot be reached: ") and "\x1b" not in found["msg"]


@pytest.mark.parametrize("delegate_to", [None, "new1"])
def test_the_host_of_the_play_is_unreachable_as_ever(monkeypatch: pytest.MonkeyPatch, delegate_to: str | None) -> None:
    with pytest.raises(AnsibleConnectionFailure):
        run(monkeypatch, delegate_to)
