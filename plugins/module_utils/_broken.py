# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports a fault of ours."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: Places of a fault that are kept, the last ones.
_FRAMES = 12


def broken(error: BaseException, what: str = "a module") -> RelocateError:
    """Return the error for a fault of ours. Its own text may hold anything, a password too, so only places are told.

    :param what: broke
    """
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append("{0}:{1} in {2}".format(code.co_filename.rpartition("/")[2], trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    where = places[-1].partition(" ")[0] if places else "?"
    return RelocateError(
        "module_broke",
        "{0} broke: {1} at {2}".format(what, type(error).__name__, where),
        "report it, with the places in details; what was done before it is as the steps before it left it",
        {"error": type(error).__name__, "places": places[-_FRAMES:]},
    )
