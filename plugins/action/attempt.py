# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes how far the attempt at a site has come."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.relocate.django.plugins.plugin_utils import _attempt


class ActionModule(ActionBase):
    """The state is what the task registers, which no cache of facts keeps."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={"step": {"type": "str", "choices": list(_attempt.STEPS), "required": True}}
        )
        state = _attempt.advance(args["step"], task_vars or {}, self._templar.template, time.time())
        return dict(result, changed=False, **state)
