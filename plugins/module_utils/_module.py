# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exit of every module."""

from __future__ import annotations

import contextlib
import errno
import time
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.openat import check_work
from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease

Answer = Tuple[bool, Dict[str, Any]]


def answer(module: AnsibleModule, work_on: Callable[[AnsibleModule], Dict[str, Any]], writes: bool = True) -> None:
    """Run a module's work and turn its one kind of error into fail_json: the only exit of every module.

    :param writes: whether the module ever writes; one that only looks does not take the site's lease
    """
    began = time.monotonic()
    try:
        if module.params.get("directory"):
            check_work(module.params["directory"])
        with _lease_of(module) if writes else contextlib.nullcontext():
            result = work_on(module)
    except RelocateError as error:
        module.fail_json(elapsed=round(time.monotonic() - began, 2), **error.as_result())
    except OSError as exc:
        module.fail_json(elapsed=round(time.monotonic() - began, 2), **_named(exc).as_result())
    module.exit_json(elapsed=round(time.monotonic() - began, 2), **result)


def _named(exc: OSError) -> RelocateError:
    """The error for what this host refused, in words that hold no secret."""
    text = "{0}: {1}".format(exc.filename or "this host", exc.strerror or type(exc).__name__)
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return RelocateError("disk_full", text, "free space there, then run again")
    if isinstance(exc, PermissionError):
        return RelocateError("right_missing", text, AS_ROOT)
    return RelocateError("program_failed", text, "see what is wrong there, then run again")


@contextlib.contextmanager
def _lease_of(module: AnsibleModule) -> Iterator[Optional[Lease]]:
    """Hold the site's lease while a module writes: two runs at once must not share a site."""
    params = module.params
    if module.check_mode or not params.get("run"):
        yield None
        return
    with Lease(params["directory"], params["site"], params["run"]) as lease:
        yield lease
        if params["release"]:
            lease.release()
