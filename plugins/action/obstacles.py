# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins what preflight found on both hosts; on the controller, since only it has both lists.

What the hosts said is given types first: an answer that has not the form of ours is an obstacle itself.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from ansible.plugins.action import ActionBase

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.plugin_utils import _inventory_checks, _received, _told
from ansible_collections.relocate.django.plugins.plugin_utils._report import obstacles_text

_USER = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")


def next_step(on_new: Mapping[str, Any], on_old: Mapping[str, Any]) -> str:
    """Give what is left of an earlier move: nothing (done), only to retire old (retire), or a whole move (move)."""
    label = _received.name(on_new.get("serves_from"))
    if not label:
        return "move"
    if label == on_old.get("retired_by"):
        return "done"
    # New serves and old has been still since: moving once more would replace what new has taken in.
    return "retire" if label == on_old.get("held_for") else "move"


def obstacle(code: str, side: Mapping[str, Any], msg: str, hint: str) -> Dict[str, Any]:
    """One obstacle of the kind that preflight lists."""
    return {"code": code, "host": _received.text(_host(side).get("name")), "msg": msg, "hint": hint, "alias": ""}


def _host(side: Mapping[str, Any]) -> Mapping[str, Any]:
    return _received.mapping(_received.mapping(side.get("info")).get("host"))


def found_by(side: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Obstacles that one host told, as texts; what is none of our answers is one itself."""
    found = [_typed(item) for item in _received.items(side.get("obstacles"))]
    kinds: Dict[str, Any] = {"info": Mapping, "past": Mapping, "obstacles": (list, tuple)}
    strange = sorted(name for name, kind in kinds.items() if not isinstance(side.get(name), kind))
    if strange or any(item is None for item in found):
        msg = "preflight answered in an unknown form: {0}".format(", ".join(strange) or "an obstacle")
        found.append(
            obstacle("answer_refused", side, msg, "find what answers on that host in place of relocate.django")
        )
    return [item for item in found if item is not None]


def _typed(item: Any) -> Optional[Dict[str, Any]]:
    if not isinstance(item, Mapping):
        return None
    texts = {key: _received.text(item.get(key)) for key in ("code", "host", "hint", "alias")}
    return dict(texts, msg=_received.message(item.get("msg")))


def what_happened_before(on_old: Mapping[str, Any], on_new: Mapping[str, Any], wish: Mapping[str, Any]) -> List[Any]:
    """List obstacles to a whole move that lie in what earlier runs made of the site, and in the wish itself."""
    found = []
    old, new = _past(on_old), _past(on_new)
    if _received.name(new.get("serves_from")):
        msg = "the site was moved here before (set {0}) and may have taken in data since".format(new["serves_from"])
        hint = "run relocate.django.undo, which stops it here, then move again"
        found.append(obstacle("target_not_blank", on_new, msg, hint))
    elif _received.yes(new.get("served")) and not wish.get("replace"):
        msg = "the site served here after it was moved (set {0}): a move puts what it took in since aside".format(
            _received.text(new.get("served_from"))
        )
        hint = "save what you need of it, then set relocate_replace: true to keep it as previous"
        found.append(obstacle("target_not_blank", on_new, msg, hint))
    if _received.yes(old.get("retired")) and not wish.get("allow_retired"):
        msg = "the site was retired here by set {0}: its data is as old as that, and the host that took over may have "
        msg += "taken in data since"
        hint = "run relocate.django.undo to that host first, or set relocate_allow_retired: true to move the old data"
        found.append(obstacle("old_retired", on_old, msg.format(_received.text(old.get("retired_by"))), hint))
    if not wish.get("units", True) and not wish.get("allow_unfrozen"):
        msg = "relocate_services is empty: nothing would stop the old site, and what it writes during the move is lost"
        hint = "add its units to relocate_services, or set relocate_allow_unfrozen: true when something else stops its "
        found.append(obstacle("no_services", on_old, msg, hint + "writes"))
    return found


def _past(side: Mapping[str, Any]) -> Mapping[str, Any]:
    return _received.mapping(side.get("past"))


def user_names(value: Any) -> List[str]:
    """Return the users that are to be made, out of what a host said; whatever is no plain name is left out."""
    names = value if isinstance(value, (list, tuple)) else []
    return [str(name) for name in names if isinstance(name, str) and _USER.match(name)]


def join(
    on_old: Mapping[str, Any], on_new: Mapping[str, Any], wish: Mapping[str, Any] = MappingProxyType({})
) -> Dict[str, Any]:
    """Return the facts that the playbooks need, and every obstacle. A site that was moved before has none.

    :param wish: ``units``, and whether the user wants ``replace``, ``allow_retired`` or ``allow_unfrozen``
    """
    info = _received.mapping(on_old.get("info"))
    step = next_step(_past(on_new), _past(on_old))
    machines = [_received.name(_host(side).get("machine_id")) for side in (on_old, on_new)]
    return {
        "changed": False,
        "next": step,
        "done": step == "done",
        "label": _received.name(_past(on_new).get("serves_from")) if step != "move" else "",
        "obstacles": _all(on_old, on_new, wish) if step == "move" else [],
        "same_machine": bool(machines[0]) and machines[0] == machines[1],
        "old_path": _received.name(_received.mapping(info.get("project")).get("path")),
        "owner": dict(_received.mapping(info.get("owner"))),
        "users": user_names(_received.mapping(on_new.get("info")).get("users_missing")),
        "media_root": _media_root(info),
        "media_stores": _stores(info),
        "machine": machines[0],
        "engines": _engines(info, _received.mapping(wish.get("engines"))),
    }


def _stores(info: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return where old keeps files in object storage."""
    found = _received.items(_received.mapping(info.get("django")).get("media_stores"))
    return [_received.data(item) for item in found if isinstance(item, Mapping)]


def _media_root(info: Mapping[str, Any]) -> str:
    """Return old's MEDIA_ROOT; nothing where its files go to object storage and none is there."""
    root = _received.name(_received.mapping(info.get("django")).get("media_root"))
    elsewhere = any("default" in _received.items(store.get("used_by")) for store in _stores(info))
    held = _received.mapping(info.get("media"))
    return "" if elsewhere and not held.get("files") and "error" not in held else root


def restore_of(on_new: Mapping[str, Any], sets: Sequence[Any], replace: bool) -> Dict[str, Any]:
    """Return what the restore of a site goes by: whether it has served from this very set, and every obstacle.

    Raises set_not_found, and target_not_blank for a site that serves or has served from another set.
    """
    if not sets:
        raise RelocateError(
            "set_not_found", "there is no backup set on this host", "copy one below relocate_directory, to sets/SITE/"
        )
    newest = _received.name(_received.mapping(sets[-1]).get("label"))
    served = [_received.name(_past(on_new).get(key)) for key in ("serves_from", "served_from")]
    labels = [] if replace else [label for label in served if label]
    done = newest in labels
    # Before code and files change: a site that serves is left alone, whatever has been deployed since.
    if labels and not done:
        raise RelocateError(
            "target_not_blank",
            "the site has served on this host from another set; nothing was changed",
            "save what you need of it, then set relocate_replace to put its databases aside as previous",
        )
    return {"changed": False, "done": done, "obstacles": [] if done else found_by(on_new)}


def conversion_of(on_new: Mapping[str, Any], scans: Sequence[Any], engines: Mapping[str, Any]) -> Dict[str, Any]:
    """The databases that have another engine so far.

    Raises conversion_unfinished when there is none, because a run was cut short.
    """
    needed = [_received.yes(_received.mapping(item).get("needed")) for item in scans]  # in the order of the engines
    aliases = [alias for alias, another in zip(engines, needed) if another]
    # The settings name the new databases from before these are loaded: that they do is no proof of a whole conversion.
    if not aliases and _received.yes(_past(on_new).get("cut_short")):
        raise RelocateError(
            "conversion_unfinished",
            "a run was cut short while the site was frozen: its settings name the new databases, which may be empty; "
            "the old ones are as they were",
            "see what the new ones hold, then go on with them or put the env files back as docs/fixtures.md says",
        )
    return {"changed": False, "aliases": aliases, "obstacles": []}


def _all(on_old: Mapping[str, Any], on_new: Mapping[str, Any], wish: Mapping[str, Any]) -> List[Dict[str, Any]]:
    return found_by(on_old) + found_by(on_new) + what_happened_before(on_old, on_new, wish)


def _engines(info: Mapping[str, Any], wanted: Mapping[str, Any]) -> List[str]:
    """The engines that new needs."""
    found: Set[str] = set()
    for alias, item in _received.mapping(info.get("databases")).items():
        engine = wanted.get(alias, _received.mapping(item).get("engine"))
        found.update({engine} if isinstance(engine, str) else ())
    return sorted(found)


class ActionModule(ActionBase):
    """Fail with all obstacles at once, or tell the playbook how to go on."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={
                "site": {"type": "str", "required": True},
                "work": {"type": "str", "choices": ["move", "restore", "convert"], "default": "move"},
                "sets": {"type": "list", "elements": "raw", "default": []},
                "scans": {"type": "list", "elements": "raw", "default": []},
                "on_old": {"type": "dict"},
                "on_new": {"type": "dict", "default": {}},
                "units": {"type": "list", "elements": "str", "default": []},
                "engines": {"type": "dict", "default": {}},
                "allow_unfrozen": {"type": "bool", "default": False},
                "allow_retired": {"type": "bool", "default": False},
                "replace": {"type": "bool", "default": False},
                "from": {"type": "str"},
                "answers": {"type": "raw", "default": []},
                "warm": {"type": "raw", "default": []},
            }
        )
        try:
            result.update(self._found(args, task_vars or {}))
        except RelocateError as error:
            result.update(failed=True, changed=False, obstacles=[], **error.as_result())
        if result["obstacles"]:
            result.update(failed=True, code="obstacles", msg=obstacles_text(result["obstacles"]))
        return _told.shortened(result, task_vars or {})

    def _found(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        if args["work"] == "restore":
            return restore_of(args["on_new"], args["sets"], args["replace"])
        if args["work"] == "convert":
            return conversion_of(args["on_new"], args["scans"], args["engines"])
        found = join(_received.mapping(args["on_old"]), args["on_new"], args)
        # A site that was moved before is left alone, whatever the inventory says now.
        if found["next"] == "move":
            found["obstacles"] = self._inventory(args, task_vars) + found["obstacles"]
        return found

    def _inventory(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Find values in both hosts' variables that cannot have been meant."""
        names = set(task_vars)
        others = task_vars.get("hostvars") or {}
        if args["from"] and args["from"] in others:
            names |= set(others[args["from"]])
        return _inventory_checks.obstacles(
            names, self._templar.template(task_vars.get("relocate_sites")), args["answers"], args["warm"]
        )
