# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs on this host what runs a site's nights, and takes it away again: an archive, a plan, and units.

The archive is the one in which Ansible brought this module: it holds all that the night runs. It is packed anew, so
that the same version is the same file.
"""

from __future__ import annotations

import contextlib
import grp
import io
import os
import re
import sys
import zipfile
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, replaced
from ansible_collections.relocate.django.plugins.module_utils._nightly import status, units
from ansible_collections.relocate.django.plugins.module_utils._nightly.plan import Call, Plan
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, last_lines, run
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._set.policy import is_duration

_MAIN = """\
import sys
from ansible_collections.relocate.django.plugins.module_utils._nightly import main
sys.exit(main.main(sys.argv))
"""
_OURS = ("ansible/", "ansible_collections/")
_WHEN = (1980, 1, 1, 0, 0, 0)  # of every file in the archive
_PLAIN = re.compile(r"^[^\x00-\x1f]*\Z")


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``schedule``."""

    directory: str  # ours
    site: str
    state: str  # present, absent
    calls: Sequence[Mapping[str, Any]] = field(repr=False)  # what a night does: name, module, arguments, every
    check_nights: int  # in one night of so many the repository is checked; 0: never
    calendar: str  # when, as systemd reads it
    delay: int  # seconds, at most, by which the begin is put off
    limit: int  # seconds that a night may take
    max_age: str  # how old the newest proven set may be
    group: str  # who may read the status besides root
    metrics: str  # a directory of the node exporter; "" for none
    mail_to: str
    webhook: str = field(repr=False)
    ping: str = field(repr=False)
    command: str = field(repr=False)


@dataclass(frozen=True)
class Places:
    """Where all lies; tests put another directory before it."""

    root: str = ""

    def archive(self, site: str) -> str:
        """Return the path of a site's program; it holds no secret."""
        return "{0}/usr/local/lib/relocate/{1}/nightly.zip".format(self.root, site)

    def plan(self, site: str) -> str:
        """Return the path of a site's plan, which is root's alone."""
        return "{0}/etc/relocate/nightly/{1}.json".format(self.root, site)

    def units(self) -> str:
        """Return the directory of units."""
        return self.root + "/etc/systemd/system"


@dataclass(frozen=True)
class File:
    """A file that is to be there."""

    path: str
    content: bytes = field(repr=False)
    mode: int
    shown: bool = False  # whether a diff may show it

    @property
    def is_there(self) -> bool:
        """Tell whether it is as it is to be."""
        with contextlib.suppress(OSError):
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as stream:
                return stream.read() == self.content and os.fstat(stream.fileno()).st_mode & 0o777 == self.mode
        return False

    def diff(self) -> Dict[str, str]:
        """Return what a diff shows; of what may hold a secret, that it is another one."""
        before, after = "(not shown)\n" if os.path.lexists(self.path) else "", "(another one, not shown)\n"
        if self.shown:
            after = self.content.decode("utf-8")
            with contextlib.suppress(OSError), open(self.path, encoding="utf-8", errors="replace") as stream:
                before = stream.read()
        return {"before_header": self.path, "after_header": self.path, "before": before, "after": after}


def schedule(
    options: Options, check_mode: bool, places: Places = Places(), systemd: Optional[Systemd] = None
) -> Dict[str, Any]:
    """Bring the nights of a site about, or take them away; returns what changed. Raises bad_option, unit_failed."""
    site = check_site_name(options.site)
    _check(options)
    if options.state == "absent":
        return _remove(options, site, check_mode, places, systemd)
    wanted = _files(options, site, places)
    missing = [one for one in wanted if not one.is_there]
    diff = [one.diff() for one in missing]
    manager = systemd or Systemd()
    timer = units.names_of(site)["timer"]
    starts = bool(missing) or not _is_on(manager, timer)
    if not check_mode and starts:
        _write(missing, os.path.join(options.directory, "nightly"))
        _enable(manager, timer)
    return {**_told(options, site, places), "changed": starts, "diff": diff}


def _told(options: Options, site: str, places: Places) -> Dict[str, Any]:
    names = units.names_of(site)
    return {"timer": names["timer"], "service": names["service"], "status": _status(options, site),
            "check": [sys.executable, "-I", places.archive(site), "check", _status(options, site)]}  # fmt: skip


def _check(options: Options) -> None:
    texts = (options.calendar, options.mail_to, options.webhook, options.ping, options.metrics)
    wrong = [
        what
        for what, is_wrong in (
            ("schedule_max_age is no duration such as 36h", not is_duration(options.max_age)),
            ("a text of the schedule has more than one line", not all(_PLAIN.match(text) for text in texts)),
            ("schedule_webhook or schedule_ping is no http address", not all(map(_is_address, texts[2:4]))),
            ("schedule_metrics is no absolute path", bool(options.metrics) and not options.metrics.startswith("/")),
            ("the schedule would write the text of relocate_age_identity to this host: give a path", _shows(options)),
            ("the schedule has no calls", options.state == "present" and not options.calls),
        )
        if is_wrong
    ]
    if wrong:
        raise RelocateError("bad_option", wrong[0], "correct it in the inventory")
    program = find_program("systemd-analyze")
    if program is not None and options.state == "present":
        done = run(Command([program, "calendar", "--", options.calendar]), timeout=30)
        if done.rc:
            text = "schedule_calendar: {0}".format(last_lines(done.err, 1))
            raise RelocateError("bad_option", text, "give it as systemd reads it, such as *-*-* 02:00:00")


def _identity(call: Mapping[str, Any]) -> str:
    """Return what opens encrypted sets, by what a call is given."""
    return str(call["arguments"].get("age_identity") or "")


def _shows(options: Options) -> bool:
    """Tell whether the plan would hold the text of an identity, which is to lie on no disk."""
    return any(_identity(one)[:1] not in ("", "/") for one in options.calls)


def _runs(options: Options) -> List[Mapping[str, Any]]:
    """Return the calls of a night: where sets are encrypted, and nothing here opens them, none is rehearsed."""
    closed = any(one["arguments"].get("age_recipients") for one in options.calls)
    return [one for one in options.calls if not (closed and one["module"] == "rehearse" and not _identity(one))]


def _is_address(text: str) -> bool:
    return not text or text.startswith(("https://", "http://"))


def _status(options: Options, site: str) -> str:
    return os.path.join(options.directory, "nightly", site + ".status.json")


def _metrics(options: Options, site: str) -> str:
    return os.path.join(options.metrics, "relocate-{0}.prom".format(site)) if options.metrics else ""


def _plan(options: Options, site: str) -> Plan:
    calls = tuple(Call(one["name"], one["module"], one["arguments"], one["every"]) for one in _runs(options))
    pushes = [one for one in calls if one.module == "repository"]
    if pushes and options.check_nights > 0:
        given = {**pushes[0].arguments, "state": "checked"}
        calls += (Call("check the repository", "repository", given, options.check_nights),)
    return Plan(
        site=site,
        directory=options.directory,
        calls=calls,
        status=_status(options, site),
        group=_group(options.group),
        metrics=_metrics(options, site),
        max_age=options.max_age,
        mail_to=options.mail_to,
        webhook=options.webhook,
        ping=options.ping,
        command=options.command,
    )


def _group(name: str) -> int:
    if not name:
        return -1
    try:
        return grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        text = "schedule_group: this host has no group {0}".format(name)
        raise RelocateError("bad_option", text, "correct schedule_group, or leave it empty") from None


def _files(options: Options, site: str, places: Places) -> List[File]:
    wanted = units.Wanted(
        site, sys.executable, places.archive(site), places.plan(site), options.calendar, options.delay, options.limit
    )
    found = [
        File(places.archive(site), packed(archive()), 0o644),
        File(places.plan(site), _plan(options, site).as_text().encode("utf-8"), 0o600),
    ]
    for name, text in wanted.texts().items():
        found.append(File(os.path.join(places.units(), name), text.encode("utf-8"), 0o644, shown=True))
    return found


def archive() -> str:
    """Return the archive that this module came in. Raises program_failed where it came in none."""
    path = __file__.partition("/ansible_collections/")[0]
    if not os.path.isfile(path):
        raise RelocateError(
            "program_failed", "the module came in no archive", "let Ansible send it, without ANSIBLE_KEEP_REMOTE_FILES"
        )
    return path


def packed(path: str) -> bytes:
    """Return the program: the archive with a way in. The same sources give the same bytes.

    What Ansible adds for one run is left out: it leads to a directory in /tmp, where somebody else may be next.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        names = sorted({name for name in source.namelist() if name.startswith(_OURS) and name.endswith(".py")})
        for name, text in [*((name, source.read(name)) for name in names), ("__main__.py", _MAIN.encode("ascii"))]:
            target.writestr(zipfile.ZipInfo(name, _WHEN), text, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _write(missing: Sequence[File], own: str) -> None:
    make_directory(own, 0o711)
    for one in missing:
        parent = os.path.dirname(one.path)
        if not os.path.isdir(parent):
            os.makedirs(parent, 0o755, exist_ok=True)
        with replaced(one.path) as stream:
            os.fchmod(stream.fileno(), one.mode)
            stream.write(one.content)


def _is_on(manager: Systemd, timer: str) -> bool:
    unit = manager.states([timer])[timer]
    return unit.up and unit.enabled


def _enable(manager: Systemd, timer: str) -> None:
    manager.call("daemon-reload")
    manager.call("enable", timer)
    manager.call("restart", timer)


def _remove(
    options: Options, site: str, check_mode: bool, places: Places, systemd: Optional[Systemd]
) -> Dict[str, Any]:
    """Take away all that was written for a site; its sets stay."""
    names = units.names_of(site)
    paths = [os.path.join(places.units(), name) for name in names.values()]
    paths += [places.archive(site), places.plan(site), _status(options, site)]
    there = [path for path in paths if os.path.lexists(path)]
    if there and not check_mode:
        manager = systemd or Systemd()
        manager.call("disable", names["timer"], check=False)
        manager.call("stop", *names.values(), check=False)
        if options.metrics:
            status.remove(_metrics(options, site))
        _unlink(there, _parents(options, site, places))
        manager.call("daemon-reload")
        manager.call("reset-failed", *names.values(), check=False)
    return {"changed": bool(there), "diff": []}


def _unlink(paths: Sequence[str], parents: Sequence[str]) -> None:
    for path in paths:
        os.unlink(path)
    for path in parents:
        with contextlib.suppress(OSError):  # somebody else's file is in it
            os.rmdir(path)


def _parents(options: Options, site: str, places: Places) -> Tuple[str, ...]:
    program, plan = os.path.dirname(places.archive(site)), os.path.dirname(places.plan(site))
    return program, os.path.dirname(program), plan, os.path.dirname(plan), os.path.join(options.directory, "nightly")
