# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of runit: scripts as deployments write them."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import runit
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from tests.unit.plugins.module_utils._discover.held import HeldFiles

UNIT = Starter("service", "runit.service", "runit.service", runs=True, at_boot=True)
RUN = """\
#!/bin/sh
exec 2>&1
cd /srv/shop/app
. /srv/shop/env
exec chpst -u shop:www-data -e /etc/sv/shop/env /srv/shop/venv/bin/gunicorn -b unix:/run/shop.sock shop.wsgi
"""


def test_a_service_that_is_watched() -> None:
    files = HeldFiles(
        {
            "/etc/sv/shop/run": RUN,
            "/etc/sv/shop/env/KEY": "canary\nmore\n",
            "/etc/sv/idle/run": "#!/bin/sh\nexec setuidgid idle ./server\n",
            "/etc/service/down/run": "#!/bin/sh\nexec server",
            "/etc/service/down/down": "",
            "/etc/service/shop/run": RUN,
            "/etc/service/none/log": "",
        }
    )
    found = {one.name: one for one in runit.read([UNIT], files) if one.files[0].startswith("/etc/service")}
    shop = found["shop"]
    assert (shop.kind, shop.unit, shop.user, shop.group) == ("runit", "runit.service", "shop", "www-data")
    assert shop.commands[-1][0] == "/srv/shop/venv/bin/gunicorn"
    assert shop.directory == "/srv/shop/app"
    assert shop.environment == {"KEY": "canary"}
    assert shop.listens == ("unix:/run/shop.sock",)
    assert shop.files == ("/etc/service/shop/run", "/etc/sv/shop/env/KEY")
    assert (shop.runs, shop.at_boot) == (True, True)
    assert "canary" not in repr(shop)
    assert (found["down"].runs, found["down"].at_boot) == (False, False)
    kept = {one.name: one for one in runit.read([UNIT], files)}["idle"]
    assert (kept.at_boot, kept.user, kept.commands) == (False, "idle", (("/etc/sv/idle/server",),))


def test_what_the_supervisor_notes() -> None:
    text = {"/srv/sv/a/run": "exec a", "/srv/sv/a/supervise/stat": "run\n"}
    text.update({"/srv/sv/b/run": "exec b", "/srv/sv/b/supervise/stat": "down\n"})
    own = Starter("service", "own.service", "own.service", commands=(("/usr/bin/runsvdir", "-P", "/srv/sv"),))
    found = runit.read([own], HeldFiles(text))
    assert [(one.name, one.unit, one.runs) for one in found] == [
        ("a", "own.service", True),
        ("b", "own.service", False),
    ]


@pytest.mark.parametrize(
    ("command", "words", "user", "directories"),
    [
        ("gunicorn x", "gunicorn x", "", []),
        ("chpst -u shop gunicorn", "gunicorn", "shop", []),
        ("chpst -ushop:www:adm -e env -v gunicorn -b :1", "gunicorn -b :1", "shop", ["env"]),
        ("chpst -u :1000:1000 gunicorn", "gunicorn", "1000", []),
        ("/usr/bin/chpst -m 1000 -n 5 gunicorn", "gunicorn", "", []),
        ("envdir ./env setuidgid shop nice -n 5 gunicorn -u x", "gunicorn -u x", "shop", ["./env"]),
        ("s6-setuidgid shop env A=1 -u B gunicorn", "gunicorn", "shop", []),
        ("chpst -u", "", "", []),
        ("setuidgid", "", "", []),
        ("envdir", "", "", []),
    ],
)
def test_wrappers(command: str, words: str, user: str, directories: list[str]) -> None:
    found = runit.unwrapped(tuple(command.split()))
    assert (list(found.words), found.user, found.env_directories) == (words.split(), user, directories)


def test_nothing() -> None:
    assert runit.read([], HeldFiles({})) == []
