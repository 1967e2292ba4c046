# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page that old's nginx shows in place of the site while that is frozen: a file of ours, read before the site's own.

Of two server blocks with one name on one address nginx takes the first. So a file that sorts before the others in
``conf.d`` takes the site's names, and nothing of the site's own configuration changes. Its path is written down first,
and a timer of systemd's own takes it away when nobody comes back.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass, replace
from typing import Callable, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, replaced
from ansible_collections.relocate.django.plugins.module_utils._process import Completed, require_program, run
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._services import config_test
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd

UNIT = "nginx.service"
DIRECTORY = "/etc/nginx/conf.d"
RETRY_AFTER = 120  # seconds
_FILE = "page.html"
_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
_PATH = re.compile(r"/[A-Za-z0-9_./@+:-]+\Z")
_ADDRESS = re.compile(r"(?:\*|::|[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])\Z")


@dataclass(frozen=True)
class Block:
    """One server block of the site."""

    names: Tuple[str, ...]
    ports: Tuple[Tuple[str, int, bool], ...]  # address ("*" for any, "::" for any of IPv6), port, whether by TLS
    certificates: Tuple[str, ...] = ()
    keys: Tuple[str, ...] = ()

    def is_plain(self) -> bool:
        """Tell whether all of it can be written as it is: it comes out of files that others may have written."""
        paths = (*self.certificates, *self.keys)
        complete = bool(self.certificates) and len(self.certificates) == len(self.keys)
        return (
            bool(self.names and self.ports)
            and all(map(_NAME.match, self.names))
            and all(map(_PATH.match, paths))
            and all(_ADDRESS.match(address) for address, _port, _tls in self.ports)
            and (complete or not any(tls for _address, _port, tls in self.ports))
        )


def config(blocks: Sequence[Block], root: str) -> str:
    """Return the file for nginx that answers 503 with the page, by the names and addresses of the site."""
    return "# By relocate.django, while the site is moved.\n" + "".join(_server(block, root) for block in blocks)


def _server(block: Block, root: str) -> str:
    lines = ["listen {0}{1};".format(listen_address(address, port), " ssl" * tls) for address, port, tls in block.ports]
    lines.append("server_name {0};".format(" ".join(block.names)))
    if any(tls for _address, _port, tls in block.ports):
        lines += ["ssl_certificate {0};".format(path) for path in block.certificates]
        lines += ["ssl_certificate_key {0};".format(path) for path in block.keys]
    lines += [
        "root {0};".format(root),
        "charset utf-8;",
        "error_page 503 /{0};".format(_FILE),
        "add_header Retry-After {0} always;".format(RETRY_AFTER),
        "add_header Cache-Control no-store always;",
        "location / { return 503; }",
        "location = /" + _FILE + " { internal; types { } default_type text/html; }",
    ]
    return "server {\n" + "".join("    {0}\n".format(line) for line in lines) + "}\n"


def listen_address(address: str, port: int) -> str:
    """Return an address and a port as nginx has them in a listen directive."""
    return str(port) if address == "*" else "{0}:{1}".format("[::]" if address == "::" else address, port)


class Page:
    """The page of one site on this host.

    :param directory: our work directory, which holds the site's record
    :param systemd: how to reach systemd
    :param place: where nginx reads files that come before the site's
    :param runner: starts programs; tests put their own in its place
    """

    def __init__(
        self,
        directory: str,
        site: str,
        systemd: Systemd,
        place: str = DIRECTORY,
        runner: Callable[..., Completed] = run,
    ) -> None:
        self._directory, self._site, self._systemd, self._run = directory, site, systemd, runner
        self._place = place
        self._root = os.path.join(directory, site + ".maintenance")
        self._switch = "relocate-page-" + site

    def shown(self) -> str:
        """Return the file that shows the page, as the record has it; "" when none does."""
        return read_record(self._directory, self._site).maintenance

    def show(self, blocks: Sequence[Block], page: bytes, seconds: int) -> None:
        """Let nginx show the page; what it refuses is taken back. Raises config_refused, unit_failed.

        :param seconds: after which it is taken away by itself; 0: never
        """
        if not os.path.isdir(self._place):
            raise _refused("there is no directory {0}".format(self._place))
        if not self._runs():
            raise _refused("nginx does not run here")
        self._test("nginx refuses its configuration as it is")
        self._note(os.path.join(self._place, "000-relocate-{0}.conf".format(self._site)))
        try:
            self._arm(seconds)
            self._write(blocks, page)
            self._test("nginx refuses it with the page")
            self._reload()
        except (RelocateError, OSError):
            with contextlib.suppress(RelocateError):  # what was refused first is what is told
                self.hide()
            raise

    def hide(self) -> None:
        """Take the page away. Raises config_refused where nginx goes on with it, since it cannot be reloaded."""
        path = self.shown()
        if not path:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._test("the page {0} is removed, and nginx shows it until it is reloaded".format(path))
        self._reload()
        self.disarm()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._root)
        self._note("")

    def disarm(self) -> None:
        """Let the page stay until it is taken away."""
        for name in self._timers():
            self._systemd.disarm(name)

    def _write(self, blocks: Sequence[Block], page: bytes) -> None:
        make_directory(self._root, 0o711)
        for path, content in (
            (os.path.join(self._root, _FILE), page),
            (self.shown(), config(blocks, self._root).encode("utf-8")),
        ):
            with replaced(path) as stream:
                os.fchmod(stream.fileno(), 0o644)  # nginx reads the page as a user of its own
                stream.write(content)

    def _arm(self, seconds: int) -> None:
        """Let systemd remove the file, and a moment later tell nginx."""
        self.disarm()
        if not seconds:
            return
        why = "Take away the maintenance page of site {0}".format(self._site)
        remove, tell = self._timers()
        self._systemd.arm(remove, seconds, (), why, [require_program("rm"), "-f", self.shown()])
        self._systemd.arm(tell, seconds + 2, (), why, [require_program("systemctl"), "reload", UNIT])

    def _timers(self) -> List[str]:
        return [self._switch + "-0", self._switch + "-1"]

    def _runs(self) -> bool:
        return self._systemd.states([UNIT])[UNIT].up

    def _reload(self) -> None:
        if self._runs():  # else it would be started
            self._systemd.call("reload", UNIT)

    def _test(self, what: str) -> None:
        why = config_test.refused(UNIT, self._run)
        if why:
            raise _refused("{0}: {1}".format(what, why))

    def _note(self, path: str) -> None:
        update_record(self._directory, self._site, lambda latest: replace(latest, maintenance=path))


def _refused(why: str) -> RelocateError:
    return RelocateError("config_refused", why, "fix the configuration of nginx (nginx -t), then reload it")


def unfit(blocks: Sequence[Block], first: Optional[str]) -> str:
    """Return why the page cannot be shown; "" when it can.

    :param first: an address where another site answers names that nobody has, just since it is read first
    """
    if not blocks:
        return "no server block of nginx serves the site by a name"
    if first:
        return (
            "another site answers unknown names at {0} only because it is read first, and the page would take its "
            "place: write default_server into its listen line".format(first)
        )
    return ""
