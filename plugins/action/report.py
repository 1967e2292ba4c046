# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report of a move on the controller, and prints a screenful."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import shlex
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import jinja2
from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.plugin_utils import (
    _attempt,
    _ending,
    _notify,
    _options,
    _received,
    _report,
    _sentences,
    _told,
    _view,
)

_DISPLAY = Display()


def stem(outcome: Mapping[str, Any]) -> str:
    """Return a report's name without its suffix: one component of a path, whatever the names in it."""
    stamp = datetime.datetime.fromtimestamp(outcome["ended"], datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return "-".join([*(re.sub(r"[^\w.@:+-]", "_", str(outcome[key])) for key in ("site", "new")), stamp])


def write(directory: str, outcome: Mapping[str, Any], template: str = "") -> Dict[str, str]:
    """Write the JSON and the HTML report, 0600, and the index of all; returns their paths.

    :param template: of the page, in place of ours
    Raises OSError, and leaves no half report then; jinja2.TemplateError.
    """
    page = _view.page(outcome, template)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    path = os.path.join(directory, stem(outcome))
    _put(path + ".json", json.dumps(outcome, indent=1, sort_keys=True) + "\n")
    _put(path + ".html", page)
    _put(os.path.join(directory, INDEX), _view.index(*_listed_in(directory)))
    return {"json": path + ".json", "html": path + ".html"}


def _put(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError:
        os.unlink(path)
        raise


#: The page that lists the reports of a directory, and how many of them: each is read.
INDEX, _INDEXED = "index.html", 200
_MOST_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"^.+-\d{8}T\d{6}Z\.json\Z")


def _listed_in(directory: str) -> Tuple[List[Tuple[str, Any]], bool]:
    """The latest reports of a directory, each with the name of its page, and whether there are more."""
    names = sorted(filter(_NAME.match, os.listdir(directory)), key=lambda name: name[-21:], reverse=True)
    found = []
    for name in names[:_INDEXED]:
        path = os.path.join(directory, name)
        # Another run may be writing it, or it is none of ours.
        with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as stream:
            found.append((name[: -len("json")] + "html", json.loads(stream.read(_MOST_BYTES))))
    return found, len(names) > _INDEXED


def figures(outcome: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a run hands on to AWX about a site, as set_stats does it."""
    known = ("status", "code", "old", "new", "downtime", "total", "report")
    told = {key: outcome[key] for key in known if outcome.get(key)}
    name = "{0} on {1}".format(outcome["site"], outcome["new"])
    return {"data": {"relocate_sites": {name: told}}, "per_host": False, "aggregate": True}


def outcomes(known: Mapping[str, Any]) -> List[Any]:
    """Return the outcomes of the sites that this run has reported so far."""
    found = _received.items(_received.mapping(known.get("report_result")).get("outcomes"))
    return [item for item in found if item.get("run") == known.get("relocate_run")]


def bad(outcomes: Sequence[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """Return the sites after which there is something to do."""
    return [item for item in outcomes if item["status"] in _ending.FAILING]


def conclude(outcomes: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """The end of a host's sites, failed when one of them was not moved; what was wrong the end of the run says."""
    failing = bad(outcomes)
    if not failing:
        return {"changed": False, "msg": "\n".join(_report.headline(item) for item in outcomes)}
    code = str(failing[0].get("code") or "sites_failed") if len(failing) == 1 else "sites_failed"
    codes = {item["site"]: item.get("code", "") for item in failing}
    return {
        "changed": False,
        "failed": True,
        "code": code,
        "codes": codes,
        "msg": "not done: {0} (the end of this run says why)".format(", ".join(codes)),
    }


def refuse_more(limit: int, hosts: Sequence[Any], run_of: Mapping[str, Any]) -> None:
    """Raise enough_failed when so many sites of this run failed that no more shall be begun.

    :param limit: relocate_stop_after; 0 for none
    :param hosts: the new hosts
    :param run_of: the variables of every host
    """
    found = [item for host in hosts for item in bad(outcomes(_received.mapping(run_of.get(host))))]
    failed = ["{0} on {1}".format(item["site"], item["new"]) for item in found if item["status"] != "not_begun"]
    if 0 < limit <= len(failed):
        text = "{0} sites of this run failed, or were not finished ({1}), and relocate_stop_after is {2}: no more begin"
        raise RelocateError(
            "enough_failed", text.format(len(failed), ", ".join(failed), limit), "fix what failed, then run again"
        )


def endings(hosts: Sequence[Any], run_of: Mapping[str, Any]) -> str:
    """The end of the run: a paragraph for each site after which there is something to do, and a line for the others.

    :param hosts: the new hosts
    :param run_of: the variables of every host
    """
    found = [item for host in hosts for item in outcomes(_received.mapping(run_of.get(host)))]
    paragraphs = _of_each(bad(found))
    paragraphs += [text for host in hosts for text in _report.cut_short(host, _received.mapping(run_of.get(host)))]
    others = [_report.headline(item) + "\n" for item in found if item["status"] not in _ending.FAILING]
    return "".join([*others, *paragraphs]) if paragraphs else ""


def _of_each(found: Sequence[Mapping[str, Any]]) -> List[str]:
    """Return the paragraphs about sites after which there is something to do."""
    left_out = [item for item in found if item["status"] == "not_begun"]
    return [_report.as_ending(item) for item in found if item not in left_out] + _not_begun(left_out)


def _not_begun(found: Sequence[Mapping[str, Any]]) -> List[str]:
    """Return the one paragraph about the sites whose turn did not come."""
    if not found:
        return []
    names = ", ".join("{0} on {1}".format(item["site"], item["new"]) for item in found)
    text = "\n{0} sites were not begun, since enough had failed (relocate_stop_after): {1}\n"
    text += "  this run did nothing to them\n  next: fix what failed above, then run the same command again: {2}\n"
    return [text.format(len(found), names, found[0].get("command", ""))]


def notified(hosts: Sequence[Any], run_of: Mapping[str, Any], text: str) -> List[str]:
    """Tell people how the run ended, where relocate_notify says so; returns what could not be told.

    :param hosts: the new hosts
    :param run_of: the variables of every host
    :param text: what the end of the run printed; empty when there is nothing to do
    """
    variables = [_received.mapping(run_of.get(host)) for host in hosts]
    wanted = next((found["relocate_notify"] for found in variables if found.get("relocate_notify")), None)
    if not wanted:
        return []
    found = [item for known in variables for item in outcomes(known)]
    said = text or "\n".join(map(_report.headline, found)) or "No site was reported"
    return _notify.sent(wanted, _notify.document(found, said))


def failure(why: Any, failures: Sequence[Any], more: str, again: str, where: str) -> Tuple[str, Dict[str, Any]]:
    """The end of a run that failed: its paragraph, and the result with the code of what went wrong.

    :param why: the result of the task that failed
    :param failures: what went wrong with each site instead, where several had their turn
    :param more: how the site was left; may be empty
    :param again: the command of this run
    :param where: the site, and its host
    """
    found = _told.whole(why)
    told = [_received.text(found.get("msg") or "unknown", _lines)] if not failures else map(str, failures)
    lines = [where + ": FAILED", *told, more, "next: fix the cause, then run the same command again: " + again]
    code = "sites_failed" if failures else _received.text(found.get("code"))
    text = "\n".join(["", *("  " + line.replace("\n", "\n  ") for line in lines if line)])[3:] + "\n"
    msg = "{0} (in full above)".format(_told.first_line("; ".join(map(str, failures)) or found.get("msg") or "unknown"))
    return text, {"changed": False, "failed": True, "code": code, "msg": msg}


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def command(arguments: Mapping[str, Any]) -> str:
    """Return the command of this run as one can type it again; what is set by -e may be secret, and is not shown.

    :param arguments: of the command line, as Ansible read them
    """
    words = ["ansible-playbook", *map(str, arguments.get("args") or [])]
    for option, name in (("-i", "inventory"), ("--limit", "subset")):
        words += [word for value in _listed(arguments.get(name)) for word in (option, value)]
    words += ["--check"] if arguments.get("check") else []
    shown = " ".join(shlex.quote(word) for word in words)
    return printable(shown + (" -e ..." if arguments.get("extra_vars") else ""))


def _listed(value: Any) -> List[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value or ()]


class ActionModule(ActionBase):
    """One report a site, one conclusion a run."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={
                "state": {
                    "type": "str",
                    "choices": list(_STATES),
                    "default": "written",
                },
                "what": {"type": "str", "choices": list(_sentences.KINDS)},
                "site": {"type": "str"},
                "stop_after": {"type": "int", "default": 0},
                "failures": {"type": "list", "elements": "str", "default": []},
                "directory": {"type": "path", "default": "relocate-reports"},
                "template": {"type": "path", "default": ""},
                "outcome": {"type": "dict", "default": {}},
            }
        )
        known = task_vars or {}
        return {**result, **_STATES[args["state"]](self, args, known)}

    def _written(self, args: Mapping[str, Any], known: Mapping[str, Any]) -> Dict[str, Any]:
        found = _attempt.outcome_of(known, self._templar.template)
        again = command(context.CLIARGS)
        outcome = _report.enrich(dict(found, site=args["site"], command=again), time.time())
        text = _report.as_shown(outcome)
        if outcome["status"] in ("moved", "failed", "unfinished"):
            text += self._file(args["directory"], outcome, args["template"])
        _DISPLAY.display(text)
        found = {"outcome": outcome, "outcomes": [*outcomes(known), outcome]}
        return {"changed": False, "ansible_stats": figures(outcome), **found}

    def _file(self, directory: str, outcome: Dict[str, Any], template: str) -> str:
        """Write the report, note where it is, and return the line about it. What became of the site is said anyway."""
        try:
            outcome["report"] = write(directory, outcome, template)
        except jinja2.TemplateError as exc:
            why = printable("{0}: {1}".format(template, exc))
            return "  NO REPORT WAS WRITTEN: {0}. Next: correct the template of relocate_report_template\n".format(why)
        except OSError as exc:  # the controller's disk is full, say
            why = printable("{0}: {1}".format(directory, exc.strerror or type(exc).__name__))
            return "  NO REPORT WAS WRITTEN: {0}. Next: free space there, or set relocate_reports\n".format(why)
        return "  report: {0}\n".format(outcome["report"]["html"])

    def _turn(self, args: Mapping[str, Any], known: Mapping[str, Any]) -> Dict[str, Any]:
        hosts = _received.items(_received.mapping(known.get("groups")).get("new"))
        try:
            refuse_more(args["stop_after"], hosts, _received.mapping(known.get("hostvars")))
        except RelocateError as error:
            return _told.shortened({"changed": False, "failed": True, **error.as_result()}, known)
        return {"changed": False}

    def _concluded(self, _args: Mapping[str, Any], known: Mapping[str, Any]) -> Dict[str, Any]:
        return conclude(outcomes(known))

    def _ended(self, _args: Mapping[str, Any], known: Mapping[str, Any]) -> Dict[str, Any]:
        hosts = _received.items(_received.mapping(known.get("groups")).get("new"))
        run_of = _received.mapping(known.get("hostvars"))
        text = endings(hosts, run_of)
        if text:
            _DISPLAY.display("\n" + text)
        for line in [] if self._task.check_mode else notified(hosts, run_of, text):
            _DISPLAY.display(printable("NOT NOTIFIED: {0}".format(line)))
        return {"changed": False}

    def _said(self, args: Mapping[str, Any], _known: Mapping[str, Any]) -> Dict[str, Any]:
        text = self._sentence(args)
        _DISPLAY.display(text)
        return {"changed": False, "msg": text}

    def _failed(self, args: Mapping[str, Any], known: Mapping[str, Any]) -> Dict[str, Any]:
        why = known.get("ansible_failed_result")
        host = _received.text(known.get("inventory_hostname"))
        site = "Site {0} on ".format(_options.value_of("site", "", known, self._templar.template))
        where = printable((site if not args["failures"] else "") + host)
        text, result = failure(why, args["failures"], self._sentence(args), command(context.CLIARGS), where)
        _DISPLAY.display("\n" + text)
        return result

    def _sentence(self, args: Mapping[str, Any]) -> str:
        return _sentences.sentence(args["what"], args["site"], args["outcome"]) if args["what"] else ""


_STATES = {
    "turn": ActionModule._turn,
    "written": ActionModule._written,
    "concluded": ActionModule._concluded,
    "ended": ActionModule._ended,
    "told": ActionModule._said,
    "failed": ActionModule._failed,
}
