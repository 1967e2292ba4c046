# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nights that are good, that fail in each way, and what status, figures, exit code and hooks say of them."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._nightly import main, metrics, plan, status, telling
from ansible_collections.relocate.django.plugins.module_utils._nightly.plan import Call, Plan
from ansible_collections.relocate.django.plugins.module_utils._nightly.status import FAILED, GOOD, RUNNING, Status

DAY = 86400.0
START = 1796090400.0  # 02:00 UTC
SECRET = "https://hooks.example/canary-of-the-hook"


class Host:
    """A host whose nights are run by the program, with modules and hooks that are made up."""

    def __init__(self, base: Path) -> None:
        self.base, self.now, self.fails = base, START, {}  # type: ignore[var-annotated]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[tuple[str, bytes]] = []
        self.said: list[str] = []
        self.proven = 0.0
        (base / "nightly").mkdir()
        calls = (
            Call("backup", "backup", {"site": "shop", "path": "/srv"}),
            Call("push", "repository", {"site": "shop", "state": "pushed"}),
            Call("rehearse", "rehearse", {"site": "shop", "kind": "set", "repository": {"type": "restic"}}),
            Call("check", "repository", {"site": "shop", "state": "checked"}, every=3),
        )
        self.plan = Plan(
            "shop", str(base), calls, str(base / "nightly" / "shop.status.json"), metrics=str(base / "shop.prom"),
            webhook=SECRET, ping=SECRET + "/ping",
        )  # fmt: skip

    def answer(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((module, arguments))
        if self.fails.get(module):
            error = self.fails[module]
            if isinstance(error, BaseException):
                raise error
            return {"failed": True, "msg": f"[{error['code']}] no Next: look", "hint": "look", **error}
        if module == "rehearse":
            self.proven = self.now
        if module == "backup_info":
            made = {"newest_made": self.now, "proven_made": self.proven, "proven_seconds": self.proven}
            return {"age": {"sets": 3, "proven": "L", **made}}
        return {"label": "L{0:.0f}".format((self.now - START) / DAY), "notes": ["a lock"]} if module == "backup" else {}

    def send(self, url: str, data: bytes) -> None:
        self.sent.append((url, data))

    def night(self) -> int:
        """Run one, and what systemd starts when it fails; returns its exit code."""
        self.asked, self.sent, self.said = [], [], []
        code = main.run(self.plan, self.said.append, self.answer, self.send, lambda: self.now)
        if code:
            assert main.tell_failed(self.plan, self.said.append, self.send, lambda: self.now) == 0
        self.now += DAY
        return code

    @property
    def status(self) -> Status:
        return status.read(self.plan.status, "shop")

    def figures(self) -> str:
        return (self.base / "shop.prom").read_text()

    def check(self, later: float = 0.0) -> tuple[int, str]:
        said: list[str] = []
        code = main.check(self.plan.status, "", said.append, self.now - DAY + later)
        return code, said[0]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_three_good_nights(host: Host) -> None:
    """Each step gets the set of the night; the repository is checked in one of three."""
    for number in range(3):
        assert host.night() == 0
        assert (host.status.state, host.status.label, host.status.nights) == (GOOD, f"L{number}", number + 1)
        names = ["backup", "push", "rehearse"] + ["check"] * (number == 2)
        assert [one.name for one in host.status.steps] == names
        assert host.sent == [(SECRET + "/ping", b"")]
        assert host.check() == (0, "OK - shop: the newest set that was found equal is 0.0 hours old | age=0s")
    given = {module: arguments for module, arguments in host.asked if arguments.get("state") != "checked"}
    assert given["repository"]["label"] == given["rehearse"]["label"] == "L2"
    assert "label" not in given["backup"]
    assert [arguments["release"] for module, arguments in host.asked[:-1]] == [False, False, False, True]
    assert len({arguments["run"] for _module, arguments in host.asked[:-1]}) == 1
    assert host.asked[-1] == (
        "backup_info",
        {"site": "shop", "directory": str(host.base), "repository": {"type": "restic"}, "metrics": True},
    )
    assert 'django_night_good{site="shop"} 1\n' in host.figures()
    assert f'django_backup_proven_set_timestamp_seconds{{site="shop"}} {START + 2 * DAY:.0f}\n' in host.figures()
    assert "night_failed" not in host.figures()
    assert host.said[-1].startswith(
        "site shop: set L2 was made, kept and restored beside the live databases\n  backup:"
    )


@pytest.mark.parametrize(
    ("module", "code"),
    [("backup", "disk_full"), ("repository", "repository_unreachable"), ("rehearse", "data_differs")],
)
def test_a_night_that_fails_is_told_in_each_way_and_the_next_one_is_good(host: Host, module: str, code: str) -> None:
    assert host.night() == 0
    host.fails[module] = {"code": code}
    assert host.night() == 2
    found = host.status
    step = {"repository": "push"}.get(module, module)
    assert (found.state, found.step, found.code, found.message, found.hint) == (FAILED, step, code, "no", "look")
    assert found.good == START and found.proven_made == START, "what was known stays so"
    assert [one.good for one in found.steps][-1] is False
    assert f'django_night_failed{{site="shop",step="{step}",code="{code}"}} 1\n' in host.figures()
    assert 'django_night_good{site="shop"} 0\n' in host.figures()
    [(url, data)] = host.sent
    assert url == SECRET and json.loads(data)["code"] == code
    assert SECRET not in "".join(host.said) + host.figures() + Path(host.plan.status).read_text()
    assert host.check()[0] == 1 and f"failed at {step} [{code}]" in host.check()[1]
    code_later, line = host.check(13 * 3600)
    assert code_later == 2 and "is 37.0 hours old, at most 36h is allowed" in line, line
    host.fails.clear()
    assert host.night() == 0
    assert (host.status.state, host.status.code, host.check()[0]) == (GOOD, "", 0)


def test_a_night_that_never_ran_is_seen_by_the_age(host: Host) -> None:
    assert host.night() == 0
    assert host.check(30 * 3600)[0] == 0
    assert host.check(37 * 3600)[0] == 2
    assert metrics.judged(Status("shop"), "36h", START)[0] == 2, "no night has run"
    assert metrics.judged(host.status, "36h", START - 2 * DAY)[1].startswith("CRITICAL - shop: the newest set that was")


def test_a_status_that_cannot_be_read_is_unknown(host: Host) -> None:
    assert main.check(host.plan.status, "", host.said.append, START) == 3
    assert host.said[0].startswith("UNKNOWN - ")


def test_a_module_that_breaks_tells_its_kind_only(host: Host) -> None:
    host.fails["rehearse"] = ValueError("canary in the text")
    assert host.night() == 2
    assert host.status.code == "module_broke" and host.status.message.startswith("rehearse broke: ValueError at test_n")
    assert "canary in the text" not in Path(host.plan.status).read_text() + "".join(host.said)


def test_a_night_that_systemd_stops_says_so(host: Host) -> None:
    def stopped(module: str, _arguments: Any) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGTERM)
        return {}

    assert main.run(host.plan, host.said.append, stopped, host.send, lambda: host.now) == 2
    assert (host.status.state, host.status.step, host.status.code) == (FAILED, "backup", "timed_out")


def test_a_night_that_was_killed_is_told_by_the_next_unit(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.night()
    status.write(host.plan.status, host.status.but(state=RUNNING, step="rehearse"))
    monkeypatch.setenv("MONITOR_SERVICE_RESULT", "signal")
    host.sent = []
    assert main.tell_failed(host.plan, host.said.append, host.send, lambda: host.now) == 0
    assert (host.status.state, host.status.step, host.status.code) == (FAILED, "rehearse", "killed")
    assert "without a word (signal)" in host.status.message and len(host.sent) == 1
    assert 'code="killed"' in host.figures()


def test_a_full_disk_does_not_hide_itself(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status is written over where no file can be made; its size is always the same."""
    host.night()
    size = os.path.getsize(host.plan.status)

    def full(_place: Any, _name: str) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(openat.Place, "created", full)
    host.fails["backup"] = {"code": "disk_full"}
    assert host.night() == 2
    assert (host.status.code, os.path.getsize(host.plan.status)) == ("disk_full", size)
    assert 'code="disk_full"' in host.figures()
    long = host.status.but(message="x" * 9999, notes=("y" * 9999, "z" * 9999))
    status.write(host.plan.status, long)
    assert os.path.getsize(host.plan.status) == size and host.status.message == "x" * 4000


def test_who_may_read_what(host: Host) -> None:
    host.plan = replace(host.plan, group=os.getegid())
    host.night()
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (host.plan.status, host.plan.metrics)]
    assert modes == [0o640, 0o644]
    path = host.base / "plan.json"
    path.write_text(host.plan.as_text())
    path.chmod(0o640)
    with pytest.raises(RelocateError, match="is not this user's alone"):
        plan.read(str(path))
    path.chmod(0o600)
    assert plan.read(str(path)) == host.plan
    assert SECRET not in repr(host.plan)
    path.write_text("{}")
    with pytest.raises(RelocateError, match="is not as the role schedule writes it"):
        plan.read(str(path))


def test_hooks_that_fail_tell_no_address(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_PAUSE", 0)
    errors = [
        TimeoutError(SECRET),
        ValueError(SECRET),
        telling.AnswerError(404),
    ]

    def send(_url: str, _data: bytes) -> None:
        raise errors[0]

    for known in ("TimeoutError", "ValueError", "HTTP 404"):
        assert telling.good(host.plan, send) == [f"the ping could not be sent: {known}"]
        errors.pop(0)
    with pytest.raises(ValueError, match="no http"):
        telling.post("file:///etc/passwd", b"")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", ""),
        (b"HTTP/1.0 204 None\r\n\r\n", ""),
        (b"HTTP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", "HTTP 302"),
        (b"HTTP/1.0 500 No\r\n\r\n", "HTTP 500"),
        (b"SSH-2.0-x\r\n", "no answer of HTTP came"),
        (b"", "no answer of HTTP came|reset"),
    ],
)
def test_what_is_posted(answer: bytes, error: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        got: list[bytes] = []

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                while not got or not got[-1].endswith(b'{"a": 1}'):
                    got.append((got[-1] if got else b"") + connection.recv(9999))
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with contextlib.nullcontext() if not error else pytest.raises(OSError, match=error):
            telling.post(f"http://127.0.0.1:{server.getsockname()[1]}/ping/x?y=1#z", b'{"a": 1}')
        thread.join(9)
    assert got[-1].startswith(b"POST /ping/x?y=1 HTTP/1.1\r\n") and b"application/json" in got[-1]


def test_the_command_and_the_mail(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Status("shop", "web1", FAILED, step="push", code="repository_locked", message="a\nb", hint="wait")
    told = host.base / "told"
    mailer = host.base / "sendmail"
    mailer.write_text(f"#!/bin/sh\ncat > {host.base}/mail\n")
    mailer.chmod(0o755)
    monkeypatch.setattr(telling, "_LISTED", (str(host.base),))
    wanted = replace(
        host.plan,
        webhook="",
        mail_to="ops@example.org\nBcc: x",
        command=f'echo "$RELOCATE_SITE $RELOCATE_CODE" >{told}',
    )
    assert telling.failed(wanted, found, host.send) == []
    assert told.read_text() == "shop repository_locked\n"
    mail = (host.base / "mail").read_text()
    assert "To: ops@example.org Bcc: x\n" in mail
    assert "Subject: shop on web1: the nightly backup failed [repository_locked]\n" in mail
    assert telling.failed(replace(wanted, command="exit 3", mail_to=""), found, host.send) == [
        "the command of schedule_on_failure exited 3"
    ]
