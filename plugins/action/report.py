# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report of a move on the controller, and prints a screenful."""

from __future__ import annotations

import datetime
import json
import os
import re
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.plugin_utils import _attempt, _received, _report, _sentences

_DISPLAY = Display()


def stem(outcome: Mapping[str, Any]) -> str:
    """Return a report's name without its suffix: one component of a path, whatever the names in it."""
    stamp = datetime.datetime.fromtimestamp(outcome["ended"], datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return "-".join([*(re.sub(r"[^\w.@:+-]", "_", str(outcome[key])) for key in ("site", "new")), stamp])


def write(directory: str, outcome: Mapping[str, Any]) -> Dict[str, str]:
    """Write the JSON and the HTML report, 0600; returns their paths."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    path = os.path.join(directory, stem(outcome))
    texts = {".json": json.dumps(outcome, indent=1, sort_keys=True) + "\n", ".html": _report.as_html(outcome)}
    for suffix, text in texts.items():
        handle = os.open(path + suffix, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
    return {"json": path + ".json", "html": path + ".html"}


def outcomes(known: Mapping[str, Any]) -> List[Any]:
    """Return the outcomes of the sites that this run has reported so far."""
    found = _received.items(_received.mapping(known.get("report_result")).get("outcomes"))
    return [item for item in found if item.get("run") == known.get("relocate_run")]


def conclude(outcomes: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """The end of a run: every site in one line, failed when one of them was not moved."""
    lines = [_report.headline(item) for item in outcomes]
    bad = [item for item in outcomes if item["status"] in ("failed", "obstacles", "unfinished")]
    result: Dict[str, Any] = {"changed": False, "msg": "\n".join(lines)}
    if bad:
        code = str(bad[0].get("code") or "sites_failed") if len(bad) == 1 else "sites_failed"
        result.update(failed=True, code=code, codes={item["site"]: item.get("code", "") for item in bad})
    return result


def failure(why: Any, failures: Sequence[Any], more: str) -> Dict[str, Any]:
    """The end of a run that failed, with the code of what went wrong.

    :param why: the result of the task that failed
    :param failures: what went wrong with each site instead, where several had their turn
    :param more: how the site was left; may be empty
    """
    found = _received.mapping(why)
    told = "; ".join(map(str, failures)) or str(found.get("msg") or "unknown")
    code = "sites_failed" if failures else _received.text(found.get("code"))
    words = "\n".join(printable(line) for line in told.split("\n"))
    return {"changed": False, "failed": True, "code": code, "msg": words.rstrip(".") + ". " + more if more else words}


class ActionModule(ActionBase):
    """One report a site, one conclusion a run."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "choices": ["written", "concluded", "told", "failed"], "default": "written"},
                "what": {"type": "str", "choices": list(_sentences.KINDS)},
                "site": {"type": "str"},
                "failures": {"type": "list", "elements": "str", "default": []},
                "directory": {"type": "path", "default": "relocate-reports"},
                "outcome": {"type": "dict", "default": {}},
            }
        )
        known = task_vars or {}
        if args["state"] == "concluded":
            result.update(conclude(outcomes(known)))
            return result
        text = _sentences.sentence(args["what"], args["site"], args["outcome"]) if args["what"] else ""
        if args["state"] == "failed":
            why = known.get("ansible_failed_result")
            result.update(failure(why, args["failures"], text))
            return result
        if args["state"] == "told":
            _DISPLAY.display(text)
            result.update(changed=False, msg=text)
            return result
        found = _attempt.outcome_of(known, self._templar.template)
        outcome = _report.enrich(dict(found, site=args["site"]), time.time())
        text = _report.as_text(outcome)
        if outcome["status"] in ("moved", "failed", "unfinished"):
            outcome["report"] = write(args["directory"], outcome)
            text += "  report: {0}\n".format(outcome["report"]["html"])
        _DISPLAY.display(text)
        result.update(changed=False, outcome=outcome, outcomes=[*outcomes(known), outcome])
        return result
