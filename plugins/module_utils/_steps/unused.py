# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that was started on this host and stopped again: whether anybody gave it data meanwhile.

What a site took in is never replaced without being asked to: a worker may have done jobs of a queue before the web
server failed. Mostly nothing was taken in. Then the same command goes on as after any other failure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, ContextManager, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, update_record
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import measured, verify
from ansible_collections.relocate.django.plugins.module_utils._steps.chosen_set import Source
from ansible_collections.relocate.django.plugins.module_utils._steps.restore import check_aliases

_SHOWN = 10  # findings


def look(
    opened: Callable[[], ContextManager[Site]],
    options: verify.Options,
    source: Source,
    record: Record,
    check_mode: bool,
) -> Dict[str, Any]:
    """Compare a site that served from this set and was stopped with what it held before; any other is not opened.

    What cannot be compared is a finding: nobody may call such a site unused. One that took nothing in is noted as never
    started, so that what is here may be replaced.

    :param opened: opens the site
    :param check_mode: note nothing
    """
    served = record.served_and_stopped(source.backup.label)
    found: List[str] = []
    result: Dict[str, Any] = {"notes": [], "seconds": {}}
    if served:
        try:
            with opened() as site:
                with site.stopwatch.step("count"):
                    found = taken_in(site, options, source, record)
                result = {"notes": site.notes, "seconds": site.stopwatch.seconds()}
        except RelocateError as error:
            found = ["what is here cannot be compared: {0}".format(error.msg)]
    nothing = served and not found
    if nothing and not check_mode:
        update_record(options.directory, options.site, lambda latest: replace(latest, served=None))
    return {
        **result,
        "changed": nothing,
        "label": source.backup.label,
        "pinned": source.backup.pinned(options.manifest_sha256),
        "tables": {},
        "warnings_of_check": [],
        "proven": False,
        "measured": {},
        "unused": nothing,
        "taken_in": found[:_SHOWN],
    }


def taken_in(site: Site, options: verify.Options, source: Source, record: Record) -> List[str]:
    """Return how databases and MEDIA differ from what they held before the site was started.

    A table that can only be counted may hold other rows, so it is a finding too. Raises RelocateError when something
    cannot be compared.
    """
    check_aliases(source.manifest, site.engines, options.aliases)
    findings: List[str] = []
    for alias, engine in site.engines.items():
        expected = verify.expected_state(source.manifest, record, alias)
        found, _rows = verify.compare(engine, expected, True, findings)
        counted = measured.database(expected, found)["counted"]
        if counted:
            findings.append("database {0}: only the rows of {1} can be counted".format(alias, ", ".join(counted[:5])))
    if options.media:
        findings += verify.media(source.manifest.media, site.facts["django"], site.project.owner)
    return findings
