# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``forward`` takes, and does it."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Forward
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._services.forward import Forwarding, Quiet
from ansible_collections.relocate.django.plugins.module_utils._services.maintenance import Page
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._steps import forward

_STATES = ("present", "absent", "told")


def work_on(module: Call) -> Dict[str, Any]:
    """Send visitors on, or no longer; tell since when nobody came."""
    params = module.params
    site = check_site_name(params["site"])
    held = read_record(params["directory"], site).forward
    if params["state"] != "present" and held is None:
        return _result(False, None, Quiet(), time.time())
    forwarding = Forwarding(params["directory"], site, Systemd())
    if params["state"] == "present":
        return put_up(module, forwarding)
    return take_down(module, forwarding, held)


def put_up(module: Call, forwarding: Forwarding) -> Dict[str, Any]:
    """Send visitors on, and see that they get new's answers; else what was made for it is taken away again."""
    params = module.params
    # Of a site without units nothing was stopped, so nothing is noted before it is retired.
    if params["units"] and not read_record(params["directory"], params["site"]).serves_elsewhere():
        raise RelocateError(
            "forward_impossible", "this host serves the site itself", "move it first; the move sends visitors on"
        )
    way = forward.found(forwarding, forward.Options.of(params))
    changed = not forwarding.is_up(way.forward)
    told: Dict[str, Any] = {}
    if not module.check_mode:
        if changed:
            forwarding.put_up(way.forward)
        try:
            told = forward.see(way, forwarding)
        except RelocateError:
            if changed:  # else it was there before: new may be down for a moment, and old has nothing else to show
                forwarding.take_down()
            raise
        _hide_page(module, params)
    return {**_result(changed, way.forward, Quiet(), 0), "answers": told, "by": way.said(), "notes": list(way.notes)}


def _hide_page(module: Call, params: Mapping[str, Any]) -> None:
    """Take the maintenance page away, which nobody sees any more."""
    try:
        Page(params["directory"], params["site"], Systemd()).hide()
    except RelocateError as error:
        tell(module, ["the maintenance page stays: {0}".format(error.msg)])


def take_down(module: Call, forwarding: Forwarding, held: Optional[Forward]) -> Dict[str, Any]:
    """Tell since when nobody came; send nobody on any more where that is asked for, and has been long enough."""
    wanted, now = module.params["quiet_hours"], time.time()
    quiet = forwarding.quiet(now)
    goes = module.params["state"] == "absent" and (not wanted or quiet.hours(now) >= wanted)
    if goes and not module.check_mode:
        forwarding.take_down()
    return {**_result(goes, held, quiet, now), "removed": goes}


def _result(changed: bool, held: Optional[Forward], quiet: Quiet, now: float) -> Dict[str, Any]:
    found: Dict[str, Any] = {"changed": changed, "forwards": held is not None, "removed": False}
    if held is None:
        return found
    paths: List[str] = sorted(held.files)
    return {
        **found,
        "to": held.to,
        "at": int(held.at),
        "by": "a file of nginx" if held.server else "sockets of systemd",
        "files": [os.path.normpath(path) for path in paths],
        "quiet_hours": round(quiet.hours(now), 2) if now else 0.0,
        "quiet_since": int(quiet.since),
        "last_visit": int(quiet.last),
        "visits": quiet.day,
        "visits_more": quiet.more,
        "broken": quiet.broken,
    }


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            {
                "state": {"type": "str", "choices": list(_STATES), "default": "told"},
                "path": {"type": "path"},
                "units": {"type": "list", "elements": "str", "default": []},
                "to": {"type": "str"},
                "quiet_hours": {"type": "int", "default": 0},
            },
        ),
        "required_if": [("state", "present", ("path", "to"))],
    },
    work_on,
    writes=lambda params: params["state"] != "told",
)
