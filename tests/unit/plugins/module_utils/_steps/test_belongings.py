# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a site could not be looked at is said."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._steps import belongings

FAILED = {"error": {"code": "probe_failed", "msg": "the project failed:\nKeyError: 'x'", "hint": "fix it"}}


@pytest.mark.parametrize("topic", belongings.TOPICS)
def test_a_topic_that_fails_in_the_interpreter_of_the_project_is_told(topic: str) -> None:
    [notice] = belongings.unseen({**dict.fromkeys(belongings.TOPICS), topic: FAILED})
    assert notice.what.startswith("nobody looked at the ") and notice.what.endswith(": KeyError: 'x'")
    assert "relocate_files" in notice.hint
    assert belongings.topic({topic: FAILED}, topic) is None


@pytest.mark.parametrize("told", [{}, {"opened": {"files": []}, "named": [], "neighbours": {}, "logins": None}])
def test_what_was_looked_at_is_no_news(told: dict[str, Any]) -> None:
    assert belongings.unseen(told) == []
