# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what nginx and systemd are given so that visitors who still come to old reach new. Pure.

nginx reads requests and sends them on, with the visitor's address in ``X-Forwarded-For``. ``systemd-socket-proxyd``
passes bytes through, TLS and all, and the visitor's address is lost: new sees that of old.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._services.maintenance import Block, listen_address

_HEAD = "# By relocate.django: this site has moved, and visitors who still come here are sent on to new.\n"
#: Seconds without a connection after which systemd-socket-proxyd ends: its end tells when the last one was.
IDLE = 60
_MOST = 4096  # connections at once; each takes six descriptors
_HOST = re.compile(r"[0-9A-Fa-f:.]+\Z")


@dataclass(frozen=True)
class Port:
    """A port of this host that is free once the site has stopped, and the addresses that it was served at."""

    number: int
    addresses: Tuple[str, ...]  # "*" for any, "::" for any of IPv6, else one of IPv4, or of IPv6 in brackets

    def is_plain(self) -> bool:
        """Tell whether all of it can be written as it is."""
        return 0 < self.number < 65536 and bool(self.addresses) and all(map(_is_address, self.addresses))


def _is_address(text: str) -> bool:
    if text in ("*", "::"):
        return True
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return _HOST.match(text.strip("[]")) is not None


def bracketed(address: str) -> str:
    """Return an IP address as it stands before a port."""
    return "[{0}]".format(address) if ":" in address and not address.startswith("[") else address


def nginx(site: str, blocks: Sequence[Block], to: str, log: str, authorities: str = "") -> str:
    """Return the file for nginx that sends a site's visitors on.

    :param to: new's IP address
    :param log: the file that tells who came
    :param authorities: the certificates that new's own is checked by; "" does not check it
    """
    tag = hashlib.sha256(site.encode("utf-8")).hexdigest()[:8]  # a site's name may hold what a variable's must not
    lines = [
        "map $http_user_agent $relocate_by_{0} {{ default visitor; relocate.django us; }}".format(tag),
        "map $http_upgrade $relocate_upgrade_{0} {{ default upgrade; '' close; }}".format(tag),
        "log_format relocate_{0} '$msec $status $relocate_by_{0}';".format(tag),
    ]
    servers = [_server(block, place, to, tag, log, authorities) for block in blocks for place in _by_port(block)]
    return _HEAD + "".join(line + "\n" for line in lines) + "".join(servers)


def rotation(log: str) -> str:
    """Return the file for logrotate that keeps the log small; what it puts aside is read too (``aside``)."""
    lines = [
        "size 4M",
        "rotate 1",
        "nocompress",
        "nodateext",  # else its name is another one where the host's own settings say so
        "noolddir",
        "missingok",
        "copytruncate",  # nginx goes on to write where it did, so nobody has to tell it
    ]
    return _HEAD + '"{0}" {{\n'.format(log) + "".join("    {0}\n".format(line) for line in lines) + "}\n"


def aside(log: str) -> str:
    """Return the file that logrotate puts the older lines into."""
    return log + ".1"


def _by_port(block: Block) -> List[Tuple[int, bool]]:
    return list(dict.fromkeys((port, tls) for _address, port, tls in block.ports))


def _server(block: Block, place: Tuple[int, bool], to: str, tag: str, log: str, authorities: str) -> str:
    """Return what sends one port on: to the same port of new, so that redirects and answers are those of new."""
    port, tls = place
    addresses = [address for address, number, secure in block.ports if (number, secure) == place]
    lines = ["listen {0}{1};".format(listen_address(address, port), " ssl" * tls) for address in addresses]
    lines.append("server_name {0};".format(" ".join(block.names)))
    if tls:
        lines += ["ssl_certificate {0};".format(path) for path in block.certificates]
        lines += ["ssl_certificate_key {0};".format(path) for path in block.keys]
    lines += [
        "access_log {0} relocate_{1};".format(log, tag),
        "client_max_body_size 0;",
        "location / {",
        "    proxy_pass http{0}://{1}:{2};".format("s" * tls, bracketed(to), port),
        "    proxy_http_version 1.1;",
        "    proxy_set_header Host $http_host;",
        "    proxy_set_header X-Real-IP $remote_addr;",
        "    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "    proxy_set_header X-Forwarded-Proto $scheme;",
        "    proxy_set_header Upgrade $http_upgrade;",
        "    proxy_set_header Connection $relocate_upgrade_{0};".format(tag),
        "    proxy_redirect off;",
        "    proxy_buffering off;",
        "    proxy_request_buffering off;",
        "    proxy_connect_timeout 10s;",
        "    proxy_read_timeout 1h;",  # new says by itself when a request takes too long
        "    proxy_send_timeout 1h;",
        *(_checked(authorities) if tls else []),
        "}",
    ]
    return "server {\n" + "".join("    {0}\n".format(line) for line in lines) + "}\n"


def _checked(authorities: str) -> List[str]:
    lines = ["    proxy_ssl_server_name on;", "    proxy_ssl_name $host;"]
    if authorities:
        lines += ["    proxy_ssl_verify on;", "    proxy_ssl_verify_depth 5;"]
        lines.append("    proxy_ssl_trusted_certificate {0};".format(authorities))
    return lines


def name_of(site: str, port: int) -> str:
    """Return the name of the units that send one port on, without its ending."""
    return "relocate-forward-{0}-{1}".format(site, port)


def units(site: str, ports: Sequence[Port], to: str, program: str) -> Dict[str, str]:
    """Return the unit files that send ports on, by their names.

    :param to: new's IP address
    :param program: systemd-socket-proxyd, by its path
    """
    found: Dict[str, str] = {}
    for port in ports:
        name = name_of(site, port.number)
        what = "port {0} of site {1}, which has moved, sent on to {2}".format(port.number, site, to)
        found[name + ".socket"] = _unit(
            "By relocate.django: {0}".format(what),
            "Socket",
            [*_streams(port), "FreeBind=yes"],
            "WantedBy=sockets.target",
        )
        found[name + ".service"] = _unit(
            "By relocate.django: {0}".format(what),
            "Service",
            [
                "ExecStart={0} --exit-idle-time={1}s --connections-max={2} {3}:{4}".format(
                    program, IDLE, _MOST, bracketed(to), port.number
                ),
                "User=nobody",  # a dynamic user needs namespaces, which containers lack
                "NoNewPrivileges=yes",
                "LimitNOFILE={0}".format(_MOST * 8),
            ],
        )
    return found


def _streams(port: Port) -> List[str]:
    """Return where a port is listened at: any address takes in those of both kinds."""
    if {"*", "::"} & set(port.addresses):
        return ["ListenStream={0}".format(port.number), "BindIPv6Only=both"]
    return ["ListenStream={0}:{1}".format(bracketed(address), port.number) for address in port.addresses]


def _unit(description: str, kind: str, lines: Sequence[str], install: str = "") -> str:
    parts = ["[Unit]", "Description=" + description, "", "[{0}]".format(kind), *lines]
    return "\n".join([*parts, *(["", "[Install]", install] if install else [])]) + "\n"
