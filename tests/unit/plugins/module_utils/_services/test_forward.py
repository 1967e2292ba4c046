# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sends visitors on: what nginx and systemd are given, that nothing is left of it, and since when nobody came."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._services import config_test, forward, forward_texts
from ansible_collections.relocate.django.plugins.module_utils._services.forward import NGINX, Forwarding, Places
from ansible_collections.relocate.django.plugins.module_utils._services.forward_texts import Port
from ansible_collections.relocate.django.plugins.module_utils._services.maintenance import Block
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._services.played import Played, unit
from tests.unit.records import noted

PLAIN = Block(("shop.example.org", "www.example.org"), (("*", 80, False), ("::", 80, False)))
SECURE = Block(("shop.example.org",), (("*", 443, True), ("10.0.0.1", 8080, False)), ("/etc/c.pem",), ("/etc/k",))
SOCKET, SERVICE = "relocate-forward-shop-443.socket", "relocate-forward-shop-443.service"
PROXY = "/usr/lib/systemd/systemd-socket-proxyd"


# --- the texts


def test_what_nginx_is_given() -> None:
    text = forward_texts.nginx("shop", [PLAIN, SECURE], "192.0.2.7", "/var/lib/relocate/shop.forward/access.log", "/ca")
    head, plain, secure, other = text.split("server {\n")
    tag = re.findall(r"log_format relocate_([0-9a-f]{8}) '\$msec \$status \$relocate_by_\1'", head)[0]
    assert "{ default visitor; relocate.django us; }" in head
    assert plain.startswith("    listen 80;\n    listen [::]:80;\n    server_name shop.example.org www.example.org;\n")
    assert "proxy_pass http://192.0.2.7:80;" in plain and "ssl" not in plain
    assert "listen 443 ssl;" in secure and "listen 10.0.0.1" not in secure
    assert "ssl_certificate /etc/c.pem;\n    ssl_certificate_key /etc/k;\n" in secure
    assert "proxy_pass https://192.0.2.7:443;" in secure and "proxy_ssl_verify on;" in secure
    assert "proxy_ssl_trusted_certificate /ca;" in secure and "proxy_ssl_server_name on;" in secure
    assert "listen 10.0.0.1:8080;" in other and "proxy_pass http://192.0.2.7:8080;" in other and "ssl" not in other
    for block in (plain, secure, other):
        assert f"access_log /var/lib/relocate/shop.forward/access.log relocate_{tag};" in block
        assert "proxy_set_header Host $http_host;" in block
        assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in block
        assert block.count("{") + 1 == block.count("}")


def test_a_certificate_that_nobody_vouches_for_is_not_checked() -> None:
    text = forward_texts.nginx("shop", [SECURE], "2001:db8::7", "/log")
    assert "proxy_ssl_verify" not in text and "proxy_pass https://[2001:db8::7]:443;" in text


def test_two_sites_share_no_name() -> None:
    one, other = (forward_texts.nginx(site, [PLAIN], "192.0.2.7", "/log") for site in ("a.b", "a-b"))
    names = [set(re.findall(r"relocate_\w+", text)) for text in (one, other)]
    assert names[0] and not names[0] & names[1]


def test_what_systemd_is_given() -> None:
    ports = [Port(443, ("*", "10.0.0.1")), Port(8000, ("10.0.0.1", "[2001:db8::1]"))]
    found = forward_texts.units("shop", ports, "2001:db8::7", PROXY)
    assert list(found) == [SOCKET, SERVICE, "relocate-forward-shop-8000.socket", "relocate-forward-shop-8000.service"]
    assert "ListenStream=443\nBindIPv6Only=both\n" in found[SOCKET] and "10.0.0.1" not in found[SOCKET]
    assert "WantedBy=sockets.target" in found[SOCKET]
    given = f"ExecStart={PROXY} --exit-idle-time=60s --connections-max=4096 [2001:db8::7]:443\n"
    assert given in found[SERVICE] and "User=nobody" in found[SERVICE]
    other = found["relocate-forward-shop-8000.socket"]
    assert "ListenStream=10.0.0.1:8000\nListenStream=[2001:db8::1]:8000\n" in other


@pytest.mark.parametrize(
    ("port", "plain"),
    [
        (Port(80, ("*",)), True),
        (Port(80, ("[::1]", "::", "10.0.0.1")), True),
        (Port(0, ("*",)), False),
        (Port(65536, ("*",)), False),
        (Port(80, ()), False),
        (Port(80, ("shop.example.org",)), False),
        (Port(80, ("10.0.0.1\nExecStart=/bin/sh",)), False),
        (Port(80, ("fe80::1%eth0\n",)), False),
    ],
    ids=repr,
)
def test_which_ports_can_be_written_as_they_are(port: Port, plain: bool) -> None:
    assert port.is_plain() is plain


# --- making it, and taking it away


class Host(Played):
    """A systemd with nginx, nginx' own test of its directory, and times of units."""

    def __init__(self, top: Path, up: bool = True) -> None:
        super().__init__({NGINX: unit(NGINX, up)})
        self.top, self.bad = top, ""
        self.times: dict[str, dict[str, str]] = {}

    def states(self, names: Any) -> Any:
        found = super().states(names)
        for name in names:
            if name not in self.units and (self.top / "system" / name).exists():
                found[name] = unit(name, False, False)
        return found

    def shown(self, names: Any, properties: Any) -> Any:
        return {name: self.times.get(name, {}) for name in names}

    def test(self, command: Command, timeout: float = 0) -> Completed:
        bad = self.bad and any(self.bad in path.read_text() for path in (self.top / "conf.d").iterdir())
        return Completed(tuple(command.argv), int(bool(bad)), b"", b"nginx: [emerg] no\n" if bad else b"")

    def came(self, name: str, ago: float, went: float = 0) -> None:
        """Let a unit have come up, and gone down, so many seconds ago."""
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.times[name] = {
            forward._UP: str(int((now - ago) * 1e6)),
            forward._DOWN: str(int((now - went) * 1e6)) if went else "0",
        }


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    for name in ("conf.d", "system", "rotated"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(config_test, "find_program", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(config_test.os, "geteuid", lambda: 0)
    # The machine of the test may have been started minutes ago, and so before the units of a test came up.
    clock = time.clock_gettime
    monkeypatch.setattr(forward.time, "clock_gettime", lambda which: clock(which) + 1e6)
    return Host(tmp_path)


def of(host: Host) -> Forwarding:
    places = Places(*(str(host.top / name) for name in ("conf.d", "system", "rotated")))
    return Forwarding(str(host.top / "work"), "shop", host, places, host.test)


def left(host: Host) -> list[str]:
    names = [path.name for name in ("conf.d", "rotated", "system") for path in (host.top / name).iterdir()]
    work = [path.name for path in (host.top / "work").iterdir()] if (host.top / "work").exists() else []
    return names + [name for name in work if name != "shop.json"]


def test_a_file_of_nginx_comes_and_goes(host: Host) -> None:
    forwarding = of(host)
    wanted = forwarding.by_nginx([PLAIN], "192.0.2.7", "")
    assert not forwarding.is_up(wanted) and forwarding.take_down() is None and host.calls == []
    forwarding.put_up(wanted)
    assert host.calls == ["reload nginx.service"] and forwarding.is_up(wanted)
    assert left(host) == ["000-forward-shop.conf", "relocate-forward-shop", "shop.forward"]
    rotation = (host.top / "rotated" / "relocate-forward-shop").read_text()
    assert f'"{forwarding.log}" {{\n    size 4M\n    rotate 1\n' in rotation
    assert forwarding.take_down() == wanted and left(host) == [] and noted(host.top / "work") == {}
    assert host.calls == ["reload nginx.service"] * 2


def test_sockets_come_and_go(host: Host) -> None:
    forwarding = of(host)
    wanted = forwarding.by_sockets([Port(443, ("*",))], "192.0.2.7", PROXY)
    forwarding.put_up(wanted)
    assert host.calls == ["daemon-reload", f"enable {SOCKET}", f"start {SOCKET}"] and forwarding.is_up(wanted)
    assert left(host) == [SERVICE, SOCKET, "shop.forward"] or left(host) == [SOCKET, SERVICE, "shop.forward"]
    forwarding.take_down()
    assert host.calls[3:] == [f"stop {SOCKET} {SERVICE}", f"disable {SOCKET}", "daemon-reload"]
    assert left(host) == [] and noted(host.top / "work") == {}


def test_what_nginx_refuses_is_taken_away(host: Host) -> None:
    host.bad = "proxy_pass"
    with refused("config_refused", "refuses what sends visitors on: .*emerg"):
        of(host).put_up(of(host).by_nginx([PLAIN], "192.0.2.7", ""))
    assert left(host) == [] and noted(host.top / "work") == {}


def test_a_broken_configuration_is_not_touched(host: Host) -> None:
    (host.top / "conf.d" / "other.conf").write_text("broken")
    host.bad = "broken"
    with refused("config_refused", "refuses its configuration as it is"):
        of(host).put_up(of(host).by_nginx([PLAIN], "192.0.2.7", ""))
    assert left(host) == ["other.conf"] and host.calls == []


def test_nginx_that_cannot_be_told_goes_on_as_it_was(host: Host) -> None:
    """Its file is there again, so that a restart of nginx finds what it runs with."""
    forwarding = of(host)
    wanted = forwarding.by_nginx([PLAIN], "192.0.2.7", "")
    forwarding.put_up(wanted)
    (host.top / "conf.d" / "other.conf").write_text("broken")
    host.bad = "broken"
    with refused("config_refused", "what sends visitors on stays"):
        forwarding.take_down()
    assert forwarding.is_up(wanted)


def test_a_port_that_is_taken(host: Host) -> None:
    host.broken = (f"start {SOCKET}",)
    with refused("unit_failed", SOCKET):
        of(host).put_up(of(host).by_sockets([Port(443, ("*",))], "192.0.2.7", PROXY))
    assert left(host) == [] and noted(host.top / "work") == {} and not host.units[SOCKET].enabled


def test_nginx_that_does_not_run_is_not_started(host: Host) -> None:
    forwarding = of(host)
    forwarding.put_up(forwarding.by_nginx([PLAIN], "192.0.2.7", ""))
    host.units[NGINX] = unit(NGINX, False)
    forwarding.take_down()
    assert host.calls == ["reload nginx.service"] and left(host) == []
    with refused("config_refused", "does not run"):
        forwarding.put_up(forwarding.by_nginx([PLAIN], "192.0.2.7", ""))


# --- who came


def hours(quiet: forward.Quiet, now: float) -> float:
    return round(quiet.hours(now), 1)


@pytest.fixture
def sent_on(host: Host) -> Forwarding:
    """Have nginx send visitors on since ten hours, and run since 100."""
    forwarding = of(host)
    wanted = forwarding.by_nginx([PLAIN], "192.0.2.7", "")
    forwarding.put_up(forward.replace(wanted, at=time.time() - 36000))
    host.came(NGINX, 360000)
    return forwarding


def log(forwarding: Forwarding, *lines: tuple[float, str]) -> None:
    rows = [f"{time.time() - ago:.3f} 200 {who}\n" for ago, who in lines]
    Path(forwarding.log).write_text("".join(rows))


def test_nobody_came_since_it_began(sent_on: Forwarding) -> None:
    now = time.time()
    quiet = sent_on.quiet(now)
    assert hours(quiet, now) == 10.0 and (quiet.last, quiet.day) == (0.0, 0)


def test_the_last_visitor_counts_and_we_do_not(sent_on: Forwarding) -> None:
    log(sent_on, (100000, "visitor"), (20000, "visitor"), (7200, "visitor"), (60, "us"))
    now = time.time()
    quiet = sent_on.quiet(now)
    assert hours(quiet, now) == 2.0 and quiet.day == 2 and abs(now - 7200 - quiet.last) < 5
    assert sent_on.was_asked()


def test_what_nginx_was_down_for_is_not_quiet(host: Host, sent_on: Forwarding) -> None:
    host.came(NGINX, 3600)
    now = time.time()
    assert hours(sent_on.quiet(now), now) == 1.0


def test_what_was_put_aside_is_read_too(sent_on: Forwarding) -> None:
    """The log is empty after logrotate's work: the last visitor is in the other file, and he did come."""
    log(sent_on, (90000, "visitor"), (7200, "visitor"))
    Path(sent_on.log).rename(sent_on.log + ".1")
    Path(sent_on.log).touch()
    now = time.time()
    quiet = sent_on.quiet(now)
    assert hours(quiet, now) == 2.0 and (quiet.day, quiet.more) == (1, False)
    log(sent_on, (60, "visitor"))
    quiet = sent_on.quiet(now)
    assert now - quiet.last < 65 and (quiet.day, quiet.more) == (2, False)


@pytest.mark.parametrize("aside", [False, True])
def test_a_busy_day_is_told_as_far_as_it_is_known(
    sent_on: Forwarding, monkeypatch: pytest.MonkeyPatch, aside: bool
) -> None:
    """What is read begins within the day, so there were more."""
    monkeypatch.setattr(forward, "_TAIL", 10 * len(f"{time.time():.3f} 200 visitor\n"))
    log(sent_on, *((ago, "visitor") for ago in range(5 if aside else 12, 0, -1)))
    if aside:
        Path(sent_on.log + ".1").write_bytes(Path(sent_on.log).read_bytes())
    quiet = sent_on.quiet(time.time())
    assert (quiet.day, quiet.more) == (10, True)


def test_a_log_that_is_read_to_its_first_line_has_no_more(sent_on: Forwarding) -> None:
    log(sent_on, (7200, "visitor"))
    assert (sent_on.quiet(time.time()).day, sent_on.quiet(time.time()).more) == (1, False)


def test_lines_that_are_none(sent_on: Forwarding) -> None:
    Path(sent_on.log).write_bytes(b"x 200 visitor\n\xff\xfe\n1 200 visitor\nnan 2 visitor\n5 5\n")
    now = time.time()
    assert hours(sent_on.quiet(now), now) == 10.0 and not sent_on.was_asked()


@pytest.mark.parametrize("text", ["another's\n", None])
def test_how_its_log_is_rotated_is_the_hosts_affair(text: str | None, host: Host, sent_on: Forwarding) -> None:
    """A file that is purged or edited there takes nothing from the visitors, and keeps no site from being retired."""
    path = host.top / "rotated" / "relocate-forward-shop"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    assert sent_on.quiet(time.time()).broken == ""


def test_what_was_changed_or_is_down_is_never_quiet(host: Host, sent_on: Forwarding) -> None:
    conf = host.top / "conf.d" / "000-forward-shop.conf"
    text = conf.read_text()
    conf.write_text(text + "#")
    assert "is not as it was written" in sent_on.quiet(time.time()).broken
    conf.unlink()
    assert "is not as it was written" in sent_on.quiet(time.time()).broken
    conf.write_text(text)
    host.units[NGINX] = unit(NGINX, False)
    quiet = sent_on.quiet(time.time())
    assert quiet.broken == "nginx.service does not run" and quiet.hours(time.time()) == 0.0


@pytest.fixture
def listening(host: Host) -> Forwarding:
    """Have systemd listen since ten hours."""
    forwarding = of(host)
    wanted = forwarding.by_sockets([Port(443, ("*",))], "192.0.2.7", PROXY)
    forwarding.put_up(forward.replace(wanted, at=time.time() - 36000))
    host.came(SOCKET, 36000)
    return forwarding


def test_nobody_was_connected(listening: Forwarding) -> None:
    now = time.time()
    assert hours(listening.quiet(now), now) == 10.0 and listening.quiet(now).day == -1


def test_the_last_connection_ended_a_minute_before_the_proxy(host: Host, listening: Forwarding) -> None:
    host.came(SERVICE, 9000, went=7140)
    now = time.time()
    quiet = listening.quiet(now)
    assert hours(quiet, now) == 2.0 and abs(now - 7200 - quiet.last) < 5


def test_somebody_is_connected(host: Host, listening: Forwarding) -> None:
    host.units[SERVICE] = unit(SERVICE)
    assert listening.quiet(time.time()).hours(time.time()) < 0.1


def test_a_host_that_was_started_anew_saw_nobody_before(host: Host, listening: Forwarding) -> None:
    host.came(SOCKET, 1800)
    now = time.time()
    assert hours(listening.quiet(now), now) == 0.5


def test_a_socket_that_is_down(host: Host, listening: Forwarding) -> None:
    host.units[SOCKET] = unit(SOCKET, False)
    assert listening.quiet(time.time()).broken == f"{SOCKET} does not run"


def test_a_service_that_failed_is_no_visit(host: Host, listening: Forwarding) -> None:
    """It ended by itself: whoever came was reset, and whoever comes may be."""
    host.came(SERVICE, 9000, went=7140)
    host.units[SERVICE] = unit(SERVICE, False, active="failed")
    quiet = listening.quiet(time.time())
    assert quiet.broken == f"{SERVICE} failed" and quiet.hours(time.time()) == 0.0


def test_nothing_is_sent_on(host: Host) -> None:
    assert of(host).quiet(time.time()) == forward.Quiet()
