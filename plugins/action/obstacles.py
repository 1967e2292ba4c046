# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins what preflight found on both hosts; on the controller, since only it has both lists."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.relocate.django.plugins.plugin_utils._report import obstacles_text


def next_step(moved: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """What is left of an earlier move: nothing (done), only to retire old (retire), or a whole move (move)."""
    label = moved.get("label")
    if not label:
        return "move"
    if label == (old.get("retired") or {}).get("label"):
        return "done"
    freeze = old.get("freeze") or {}
    # New serves and old has been still since: moving once more would replace what new has taken in.
    return "retire" if freeze.get("held") and freeze.get("label") == label else "move"


def join(on_old: Mapping[str, Any], on_new: Mapping[str, Any]) -> Dict[str, Any]:
    """What the playbooks go by, and every obstacle. A site that was moved before has none."""
    info = on_old.get("info") or {}
    moved = on_new["record"].get("moved") or {}
    step = next_step(moved, on_old["record"])
    obstacles = list(on_old["obstacles"]) + list(on_new["obstacles"])
    if step == "move" and moved.get("label"):
        obstacles.append(
            {
                "code": "target_not_blank",
                "host": on_new["info"]["host"]["name"],
                "msg": "the site was moved here before (set {0}) and may have taken in data since".format(
                    moved["label"]
                ),
                "hint": "run relocate.django.undo, which stops it here, then move again",
                "alias": "",
            }
        )
    databases = info.get("databases") or {}
    return {
        "changed": False,
        "next": step,
        "done": step == "done",
        "label": moved.get("label", "") if step != "move" else "",
        "obstacles": obstacles if step == "move" else [],
        "same_machine": info["host"]["machine_id"] == on_new["info"]["host"]["machine_id"],
        "old_path": (info.get("project") or {}).get("path", ""),
        "owner": info.get("owner") or {},
        "media_root": str((info.get("django") or {}).get("media_root") or ""),
        "engines": sorted({item["engine"] for item in databases.values()}),
    }


class ActionModule(ActionBase):
    """Fail with all obstacles at once, or tell the playbook how to go on."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={
                "site": {"type": "str", "required": True},
                "on_old": {"type": "dict", "required": True},
                "on_new": {"type": "dict", "required": True},
            }
        )
        result.update(join(args["on_old"], args["on_new"]))
        if result["obstacles"]:
            result.update(failed=True, code="obstacles", msg=obstacles_text(result["obstacles"]))
        return result
