# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How old sends visitors on by what serves them there, what is refused before the move, and that new's answer comes."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Forward
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Answer, Question
from ansible_collections.relocate.django.plugins.module_utils._services.forward_texts import Port
from ansible_collections.relocate.django.plugins.module_utils._steps import forward
from ansible_collections.relocate.django.plugins.module_utils._steps.forward import Options, Way, Wish
from tests.unit.fakes import refused

NGINX, TO = "nginx.service", "192.0.2.7"
CONF = "/etc/nginx/sites-enabled/shop"
SHOP = WebSite("nginx", NGINX, ("shop.test",), ports=(("*", 80, False),), files=(CONF,))
TLS = replace(SHOP, ports=(("*", 443, True),), certificates=("/etc/c.pem",), keys=("/etc/k.pem",))
BLOG = WebSite("nginx", NGINX, ("blog.test",), ports=(("*", 80, False),), default_for=(("*", 80),))
APACHE = WebSite("apache", "apache2.service", ("shop.test",), ports=(("*", 80, False),))
WEB = Starter("service", "web.service", "web.service", listens=("tcp:*:8000", "tcp:127.0.0.1:8001", "unix:/run/x"))
INCLUDES = "http {\n    include /etc/nginx/conf.d/*.conf;\n}\n"


class Forwarding:
    """Notes what it is asked for."""

    def __init__(self, held: Forward | None = None, running: bool = True, asked: bool = True, page: str = "") -> None:
        self._held, self._running, self._asked, self._page = held, running, asked, page

    def page(self) -> str:
        return self._page

    def held(self) -> Forward | None:
        return self._held

    def is_running(self, unit: str) -> bool:
        assert unit in (NGINX, "relocate-forward-shop-80.service")
        return self._running

    def was_asked(self) -> bool:
        return self._asked

    def by_nginx(self, blocks: Any, to: str, authorities: str) -> Any:
        return SimpleNamespace(server=NGINX, to=to, blocks=blocks, authorities=authorities)

    def by_sockets(self, ports: Any, to: str, program: str) -> Any:
        return SimpleNamespace(server="", to=to, ports=ports, program=program)


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(forward.certificates, "trusted", lambda webs, _files: frozenset())
    monkeypatch.setattr(forward.os.path, "isdir", lambda _path: True)
    monkeypatch.setattr(forward, "find_program", lambda name, _places: "/usr/lib/systemd/" + name)
    monkeypatch.setattr(forward.forward_ports, "ends_when_idle", lambda _program: True)

    def run(
        webs: Any,
        stopped: Any = ("web",),
        others: Any = (BLOG,),
        texts: Any = None,
        starters: Any = (WEB,),
        **more: Any,
    ) -> Any:
        known = {"/etc/nginx/nginx.conf": INCLUDES, **(texts or {})}
        host = SimpleNamespace(webs=[*others, *webs], files=SimpleNamespace(text=known.get))
        place = Place("/srv/shop", "", webs=tuple(webs), starters=tuple(starters))
        served: Any = SimpleNamespace(place=place)
        options = Options("/srv/shop", stopped, TO)
        return forward.decide(Forwarding(**more), served, host, options, TO)  # type: ignore[arg-type]

    return run


# --- by nginx


def test_nginx_that_goes_on_gets_a_file(decide: Any) -> None:
    way = decide([SHOP, TLS])
    assert way.forward.server == NGINX and way.ports == (80, 443) and way.said() == "a file of nginx, ports 80, 443"
    assert [block.names for block in way.forward.blocks] == [("shop.test",)] * 2
    assert "will not check new's certificate" in way.notes[0] and way.forward.authorities == ""


def test_a_certificate_that_is_vouched_for_is_checked(decide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward.certificates, "trusted", lambda webs, _files: frozenset(webs[0].certificates))
    monkeypatch.setattr(forward.os.path, "exists", lambda _path: True)
    way = decide([TLS])
    assert way.forward.authorities == "/etc/ssl/certs/ca-certificates.crt" and way.notes == ()


def test_the_page_in_place_of_the_site_is_in_nobodys_way(decide: Any) -> None:
    """It answers to the same names until visitors are sent on."""
    page = replace(SHOP, files=("/page",), targets=())
    way = decide([SHOP], others=(page, BLOG), page="/page")
    assert way.webs == (SHOP,)
    with pytest.raises(RelocateError, match="another site"):
        decide([SHOP], others=(page, BLOG))


def test_our_own_file_is_no_block_of_the_site(decide: Any) -> None:
    ours = replace(SHOP, files=("/ours",), targets=("tcp:192.0.2.7:80",))
    way = decide([ours, SHOP], held=Forward(TO, 1, NGINX, {"/ours": "x"}))
    assert way.webs == (SHOP,)


@pytest.mark.parametrize(
    ("webs", "more", "why"),
    [
        ([APACHE], {}, "apache2.service serves it, and goes on for other sites"),
        ([replace(SHOP, names=())], {}, "no plain name, address or certificate"),
        ([replace(SHOP, names=("a;b",))], {}, "no plain name, address or certificate"),
        ([replace(SHOP, names=("a\nb",))], {}, "no plain name, address or certificate"),
        ([replace(SHOP, names=("a{",))], {}, "no plain name, address or certificate"),
        ([replace(TLS, certificates=("/etc/c;d",))], {}, "no plain name, address or certificate"),
        (
            [SHOP],
            {"others": (replace(BLOG, default_for=()),)},
            "another site answers unknown names at .*default_server",
        ),
        (
            [SHOP],
            {"others": (replace(BLOG, names=("shop.test",)),)},
            "a server block of another site answers to shop.test",
        ),
        ([SHOP], {"texts": {"/etc/nginx/nginx.conf": "http {}"}}, "nginx.conf does not include /etc/nginx/conf.d"),
        ([SHOP], {"texts": {"/etc/nginx/nginx.conf": "# include /etc/nginx/conf.d/*.conf;"}}, "does not include"),
        ([SHOP], {"running": False}, "nginx does not run"),
        ([SHOP], {"texts": {CONF: "allow 10.0.0.0/8;\ndeny all;"}}, "lets visitors in by their addresses"),
        ([SHOP], {"texts": {CONF: "location / {\n  deny 203.0.113.9;\n}"}}, "lets visitors in by their addresses"),
        ([SHOP, APACHE], {"stopped": ("apache2",)}, "one? .*|a web server that is stopped serves it, and another"),
    ],
)
def test_what_nginx_cannot_do_right(decide: Any, webs: Any, more: Any, why: str) -> None:
    with refused("forward_impossible", why):
        decide(webs, **more)


@pytest.mark.parametrize("text", ["deny all;", "set_real_ip_from 192.0.2.1;\nallow 10.0.0.0/8;", "# allow 10.0.0.1;"])
def test_rules_that_stay_right(decide: Any, text: str) -> None:
    assert decide([SHOP], texts={CONF: text}).forward.server == NGINX


# --- by systemd


def test_a_web_server_that_is_stopped_leaves_its_ports(decide: Any) -> None:
    webs = [SHOP, replace(TLS, ports=(("*", 443, True), ("::", 443, True), ("127.0.0.1", 8443, True)))]
    way = decide(webs, stopped=("web", "nginx"))
    assert way.forward.ports == [Port(80, ("*",)), Port(443, ("*", "::"))] and way.forward.server == ""
    assert way.forward.program.endswith("systemd-socket-proxyd") and "old's address" in way.notes[0]
    assert way.said() == "sockets of systemd, ports 80, 443"


def test_a_name_is_no_matter_where_bytes_are_passed_on(decide: Any) -> None:
    assert decide([replace(SHOP, names=())], stopped=("nginx.service",)).ports == (80,)


def test_units_that_serve_by_themselves(decide: Any) -> None:
    assert decide([]).forward.ports == [Port(8000, ("*",))]


@pytest.mark.parametrize(
    ("webs", "more", "why"),
    [
        ([], {"stopped": ("other",)}, "nothing that can be read here leads visitors to it"),
        ([], {"starters": (replace(WEB, listens=("unix:/run/x", "tcp:127.0.0.1:8000")),)}, "nothing that can be read"),
        ([replace(SHOP, ports=(("shop.test", 80, False),))], {"stopped": ("nginx",)}, "is no IP address"),
        (
            [SHOP],
            {"stopped": ("nginx",), "texts": {CONF: "set_real_ip_from x;\nallow 10.0.0.1;"}},
            "by their addresses",
        ),
    ],
)
def test_what_systemd_cannot_do_right(decide: Any, webs: Any, more: Any, why: str) -> None:
    with refused("forward_impossible", why):
        decide(webs, **more)


def test_a_host_without_the_proxy(decide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "find_program", lambda _name, _places: None)
    with refused("forward_impossible", "systemd-socket-proxyd is not on this host"):
        decide([])


def test_a_proxy_that_cannot_tell_who_came(decide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the option, it would end at once, and reset every visitor."""
    monkeypatch.setattr(forward.forward_ports, "ends_when_idle", lambda _program: False)
    with refused("forward_impossible", "does not know --exit-idle-time.*systemd 246"):
        decide([])


# --- where to


@pytest.mark.parametrize(
    ("to", "code", "why"),
    [
        ("127.0.0.1", "forward_impossible", "is this host itself"),
        ("::1", "forward_impossible", "is this host itself"),
        ("198.51.100.1", "forward_impossible", "is this host itself"),
        ("fe80::1", "forward_impossible", "leads to one host"),
        ("a;b", "bad_option", "is no host"),
        ("a\nb", "bad_option", "is no host"),
        ("new {", "bad_option", "is no host"),
        ("new.invalid", "forward_impossible", "does not know new.invalid"),
        ("localhost", "forward_impossible", "is this host itself"),
    ],
)
def test_addresses_that_are_not_new(to: str, code: str, why: str) -> None:
    with refused(code, why):
        forward.address(to, lambda: ["198.51.100.1", "fe80::1%eth0"])


def test_addresses_that_are() -> None:
    assert forward.address("[2001:DB8::0007]", list) == "2001:db8::7" and forward.address(" 192.0.2.7 ", list) == TO


@pytest.mark.parametrize(
    ("code", "why"), [(errno.ECONNREFUSED, ""), (errno.EHOSTUNREACH, "old does not reach"), (0, "")]
)
def test_whether_old_reaches_new(code: int, why: str) -> None:
    def knock(_place: Any, _timeout: float) -> Any:
        if code:
            raise OSError(code, "so")
        return SimpleNamespace(close=lambda: None)

    told = forward.unreachable(TO, [80], knock)
    assert told.startswith(why) and bool(told) == bool(why)


def test_a_time_out_has_no_number() -> None:
    def knock(_place: Any, _timeout: float) -> Any:
        raise TimeoutError("timed out")

    assert forward.unreachable(TO, [80], knock) == "old does not reach 192.0.2.7:80: no answer"


def test_nothing_is_looked_at_without_the_option() -> None:
    host: Any = None
    assert forward.look_ahead(Wish("/w", "shop", "/srv/shop", ("web",)), None, host) == []


# --- what comes


def see(monkeypatch: pytest.MonkeyPatch, of_new: Answer, of_old: Answer, way: Any = None, **more: Any) -> Any:
    monkeypatch.setattr(forward, "_SECONDS", 0.0)
    asked: list[str] = []

    def ask(question: Question, _timeout: float) -> Answer:
        asked.append(question.url)
        return of_new if TO in question.url else of_old

    way = way or Way(Forward(TO, 1, NGINX), (TLS,), (443,))
    told = forward.see(way, Forwarding(**more), ask)  # type: ignore[arg-type]
    assert asked == ["https://192.0.2.7/", "https://127.0.0.1/"]
    return told


def test_the_answer_is_new_s(monkeypatch: pytest.MonkeyPatch) -> None:
    told = see(monkeypatch, Answer(404), Answer(404))
    assert told == {"url": "https://127.0.0.1/", "host": "shop.test", "status": 404}


@pytest.mark.parametrize(
    ("of_new", "of_old", "asked", "why"),
    [
        (Answer(0, why="Connection refused"), Answer(502), True, "new does not answer old .*Connection refused"),
        (Answer(503), Answer(503), True, "new does not answer old .*503"),
        (Answer(200), Answer(502), True, "answers 502 on old, and 200 on new"),
        (Answer(200), Answer(0, why="Connection refused"), True, "answers Connection refused on old"),
        (Answer(200), Answer(200), False, "another server block than ours answered"),
    ],
)
def test_another_answer(monkeypatch: pytest.MonkeyPatch, of_new: Any, of_old: Any, asked: bool, why: str) -> None:
    with refused("forward_failed", why):
        see(monkeypatch, of_new, of_old, asked=asked)


def test_each_port_is_tried_before_a_web_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One good answer at one port says nothing of the others; they get some seconds too."""
    tried: list[int] = []
    answers = iter(["closes", "", "", "closes", "closes"])

    def dead(port: Port, _sockets: Any, _forwarding: Any) -> str:
        tried.append(port.number)
        return next(answers)

    monkeypatch.setattr(forward.forward_ports, "dead", dead)
    monkeypatch.setattr(forward.forward_ports, "shut", lambda _to, number: "shut" if number == 443 else "")
    monkeypatch.setattr(forward, "_PAUSE", 0.0)
    listened = (Port(80, ("*",)), Port(8080, ("*",)))
    way = Way(Forward(TO, 1), (TLS,), (80, 8080), (), listened)
    told = forward.see(way, Forwarding(), lambda *_asked: Answer(204))  # type: ignore[arg-type]
    assert tried == [80, 80, 8080] and told["status"] == 204
    monkeypatch.setattr(forward, "_SECONDS", 0.0)
    with refused("forward_failed", "closes.*what the service said"):
        forward.see(way, Forwarding())  # type: ignore[arg-type]
    with refused("forward_failed", "shut.*let old reach it"):
        forward.see(replace(way, listened=(Port(443, ("*",)),)), Forwarding())  # type: ignore[arg-type]


def test_ports_without_a_web_server_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward.forward_ports, "dead", lambda *_what: "")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        way = Way(Forward("127.0.0.1"), (), (port,), (), (Port(port, ("*",)),))
        assert forward.see(way, Forwarding())["status"] == 0  # type: ignore[arg-type]
    monkeypatch.setattr(forward, "_SECONDS", 0.0)
    with refused("forward_failed", f"does not listen for old at port {port}"):
        forward.see(way, Forwarding())  # type: ignore[arg-type]
