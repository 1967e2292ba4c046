# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has old send visitors on to new: what is written and started, how it is taken away, and since when nobody came.

All that is made is in the record before it is made, so that whoever comes next can take it away. A web server that goes
on for other sites gets a file of ours, which it reads before the site's own. Ports that nobody else needs are listened
at by sockets of systemd.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass, replace
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, replaced
from ansible_collections.relocate.django.plugins.module_utils._process import Completed, run
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Forward
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._services import config_test, forward_texts
from ansible_collections.relocate.django.plugins.module_utils._services.maintenance import Block
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd

NGINX = "nginx.service"
CONF_D = "/etc/nginx/conf.d"
UNITS = "/etc/systemd/system"
ROTATED = "/etc/logrotate.d"
_DAY = 86400.0
_TAIL = 4 * 1024 * 1024  # bytes of the log that are read
_LARGEST = 4 * 1024 * 1024  # bytes of a file of ours
_FIRST_TIME = 1_000_000_000.0  # no log of ours is older
_UP, _DOWN = "ActiveEnterTimestampMonotonic", "InactiveEnterTimestampMonotonic"


@dataclass(frozen=True)
class Places:
    """Says where files are written; tests put their own in its place."""

    conf_d: str = CONF_D
    units: str = UNITS
    rotated: str = ROTATED


@dataclass(frozen=True)
class Quiet:
    """Holds since when nobody has come by old any more, as far as that is known."""

    since: float = 0.0  # in seconds since 1970: from then on nobody came, and whoever had come would have been seen
    last: float = 0.0  # when the last one came; 0 when nobody is known to have come
    day: int = -1  # visits in the last 24 hours; -1 where they are not counted
    more: bool = False  # there may have been more visits in that time
    broken: str = ""  # why nobody could come, or be seen

    def hours(self, now: float) -> float:
        """Return for how many hours it was quiet; 0 where nobody can know."""
        return 0.0 if self.broken or not self.since else max(0.0, now - self.since) / 3600


class Forwarding:
    """Sends the visitors of one site on.

    :param directory: our work directory, which holds the site's record
    :param systemd: how to reach systemd
    :param runner: starts programs; tests put their own in its place
    """

    def __init__(
        self,
        directory: str,
        site: str,
        systemd: Systemd,
        places: Places = Places(),
        runner: Callable[..., Completed] = run,
    ) -> None:
        self._directory, self._site, self._systemd = directory, site, systemd
        self._places, self._run = places, runner
        self._root = os.path.join(directory, site + ".forward")
        self.log = os.path.join(self._root, "access.log")

    def held(self) -> Optional[Forward]:
        """Return what the record says."""
        return read_record(self._directory, self._site).forward

    def page(self) -> str:
        """Return the file by which nginx shows a page in place of the site; "" for none."""
        return read_record(self._directory, self._site).maintenance

    # --- what is to be

    def by_nginx(self, blocks: Sequence[Block], to: str, authorities: str) -> Forward:
        """Return what a file of nginx does it by."""
        path = os.path.join(self._places.conf_d, "000-forward-{0}.conf".format(self._site))
        text = forward_texts.nginx(self._site, blocks, to, self.log, authorities)
        files = {path: text}
        if os.path.isdir(self._places.rotated):
            name = "relocate-forward-{0}".format(self._site)
            files[os.path.join(self._places.rotated, name)] = forward_texts.rotation(self.log)
        return Forward(to, time.time(), NGINX, files)

    def by_sockets(self, ports: Sequence[forward_texts.Port], to: str, program: str) -> Forward:
        """Return what sockets of systemd do it by."""
        units = forward_texts.units(self._site, ports, to, program)
        files = {os.path.join(self._places.units, name): text for name, text in units.items()}
        return Forward(to, time.time(), "", files, tuple(name for name in units if name.endswith(".socket")))

    def is_up(self, wanted: Forward) -> bool:
        """Tell whether exactly this is there and at work."""
        held = self.held()
        same = held is not None and replace(held, at=0) == replace(wanted, at=0)
        return same and not self._broken(wanted)

    # --- making it, and taking it away

    def put_up(self, wanted: Forward) -> None:
        """Write and start it; what fails is taken away again. Raises config_refused, unit_failed."""
        if wanted.server:
            if not self.is_running(wanted.server):
                raise _refused("{0} does not run here".format(wanted.server))
            self._test(wanted.server, "it refuses its configuration as it is")
        self.take_down()
        self._note(wanted)
        try:
            self._make(wanted)
        except (RelocateError, OSError):
            with contextlib.suppress(RelocateError):  # what failed first is what is told
                self.take_down()
            raise

    def _make(self, wanted: Forward) -> None:
        make_directory(self._root, 0o711)  # nginx opens its log again as a user of its own
        for path, text in wanted.files.items():
            with replaced(path) as stream:
                os.fchmod(stream.fileno(), 0o644)
                stream.write(text.encode("utf-8"))
        if wanted.server:
            self._test(wanted.server, "it refuses what sends visitors on")
            self._systemd.call("reload", wanted.server)
            return
        self._systemd.call("daemon-reload")
        for name in wanted.sockets:
            self._systemd.call("enable", name)
            self._systemd.call("start", name)

    def take_down(self) -> Optional[Forward]:
        """Take it away, and return what was there; it stays whole where the web server cannot be told of it.

        Raises config_refused, unit_failed.
        """
        held = self.held()
        if held is None:
            return None
        if held.server:
            self._unwrite(held)
            try:
                self._tell(held.server)
            except RelocateError:
                with contextlib.suppress(OSError):
                    self._write_again(held)
                raise
        else:
            self._stop(held)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._root)
        self._note(None)
        return held

    def _unwrite(self, held: Forward) -> None:
        for path in held.files:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _write_again(self, held: Forward) -> None:
        for path, text in held.files.items():
            with replaced(path) as stream:
                os.fchmod(stream.fileno(), 0o644)
                stream.write(text.encode("utf-8"))

    def _stop(self, held: Forward) -> None:
        for name in held.sockets:
            there = self._systemd.states([name])[name].load != "not-found"
            if there:
                self._systemd.call("stop", name, service_of(name))
                self._systemd.call("disable", name)
        self._unwrite(held)
        self._systemd.call("daemon-reload")

    def _tell(self, server: str) -> None:
        if self.is_running(server):  # else it would be started
            self._test(server, "what sends visitors on stays, since it refuses its configuration")
            self._systemd.call("reload", server)

    def is_running(self, unit: str) -> bool:
        """Tell whether a unit is up."""
        return self._systemd.states([unit])[unit].up

    def _test(self, server: str, what: str) -> None:
        why = config_test.refused(server, self._run)
        if why:
            raise _refused("{0}: {1}: {2}".format(server, what, why))

    def _note(self, forward: Optional[Forward]) -> None:
        update_record(self._directory, self._site, lambda latest: replace(latest, forward=forward))

    def was_asked(self) -> bool:
        """Tell whether a request of ours came by our own file of the web server."""
        return any(line.split()[2:] == ["us"] for line in _tail(self.log)[0])

    # --- who came

    def quiet(self, now: float) -> Quiet:
        """Tell since when nobody came by this host, as exactly as it is known.

        Of nginx it is the last line of our log that is no request of ours. Of systemd it is when systemd-socket-proxyd
        last ended, which it does once a minute has passed without a connection. What was down saw nobody, so the time
        begins anew when it came up.
        """
        held = self.held()
        if held is None:
            return Quiet()
        broken = self._broken(held)
        if broken:
            return Quiet(broken=broken)
        return self._by_log(held, now) if held.server else self._by_units(held, now)

    def _broken(self, held: Forward) -> str:
        for path, text in held.files.items():
            # How its log is rotated is the host's affair: it sends visitors on without.
            if os.path.dirname(path) != self._places.rotated and _read(path) != text:
                return "{0} is not as it was written".format(path)
        down = [name for name in ([held.server] if held.server else held.sockets) if not self.is_running(name)]
        if down:
            return "{0} does not run".format(", ".join(down))
        failed = self._failed(held)
        return "{0} failed".format(", ".join(failed)) if failed else ""

    def _failed(self, held: Forward) -> List[str]:
        states = self._systemd.states([service_of(name) for name in held.sockets])
        return [name for name, unit in states.items() if unit.active == "failed"]

    def _by_log(self, held: Forward, now: float) -> Quiet:
        up = self._moments([held.server], now)[held.server][0]
        lines, cut = _tail(self.log)
        if not cut:
            older = _tail(forward_texts.aside(self.log))[0]
            lines, cut = [*older, *lines], bool(older)
        visits = list(visits_of(lines))
        last = max(visits, default=0.0)
        day = sum(1 for moment in visits if moment > now - _DAY)
        return Quiet(max(held.at, up, last), last, day, cut and 0 < day == len(visits))

    def _by_units(self, held: Forward, now: float) -> Quiet:
        services = [service_of(name) for name in held.sockets]
        moments = self._moments([*held.sockets, *services], now)
        if any(self.is_running(name) for name in services):
            return Quiet(now, now)  # somebody is connected, or was a minute ago
        since = max([held.at, *(moments[name][0] for name in held.sockets)])
        last = max((moments[name][1] for name in services), default=0.0)
        last = max(0.0, last - forward_texts.IDLE) if last else 0.0
        return Quiet(max(since, last), last)

    def _moments(self, names: Sequence[str], now: float) -> Dict[str, Tuple[float, float]]:
        """Return when each unit last came up and went down, in seconds since 1970; 0: never since the host's start."""
        shown = self._systemd.shown(names, ("Id", _UP, _DOWN))
        began = now - time.clock_gettime(time.CLOCK_MONOTONIC)
        return {name: (_moment(shown[name], _UP, began), _moment(shown[name], _DOWN, began)) for name in names}


def _moment(shown: Mapping[str, str], name: str, began: float) -> float:
    text = shown.get(name, "")
    return began + int(text) / 1e6 if text.isdigit() and int(text) else 0.0


def service_of(socket: str) -> str:
    """Return the service that a socket of ours starts."""
    return socket[: -len(".socket")] + ".service"


def visits_of(lines: Sequence[str]) -> Iterator[float]:
    """Give the times of the requests in a log of ours that others made."""
    for line in lines:
        words = line.split()
        if len(words) == 3 and words[2] == "visitor":
            with contextlib.suppress(ValueError):
                if float(words[0]) > _FIRST_TIME:
                    yield float(words[0])


def _tail(path: str) -> Tuple[List[str], bool]:
    """Return the last lines of a log, which nginx may have given to a user of its own, and whether there are more.

    There are none where there is no log.
    """
    try:
        with openat.open_file(path, None) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL))
            return stream.read(_TAIL).decode("ascii", "replace").splitlines(), size > _TAIL
    except FileNotFoundError:
        return [], False


def _read(path: str) -> Optional[str]:
    try:
        with openat.open_file(path, None) as stream:
            return stream.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return None


def _refused(why: str) -> RelocateError:
    return RelocateError(
        "config_refused", why, "fix the configuration of the web server, then run the same command again"
    )
