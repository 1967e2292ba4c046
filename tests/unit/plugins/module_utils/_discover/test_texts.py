# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Odd numbers and names: no text of a configuration breaks its reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    apache,
    listening,
    neighbours,
    nginx,
    packages,
    places,
    sites,
    supervisor,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.apache_syntax import _version_fits
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import listens_of
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import addresses, port_of
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_name, is_number
from ansible_collections.relocate.django.plugins.module_utils._discover.unit_files import Specifiers, define
from tests.unit import sources
from tests.unit.plugins.module_utils._discover.held import HeldFiles

ODD = ["\u00b2", "\u0663", "9" * 5000, "9" * 12, "-1", "1\0", "\udcff", "\ud800", "\0", "1e9", " 1", ""]
#: Pieces that mean something to one of the readers, beside the odd ones.
PIECES = [
    *ODD,
    *"server listen server_name location / { } ; proxy_pass http:// unix: : [ ] ::1 $host return 301 include".split(),
    *"<VirtualHost *: > </VirtualHost> Listen <IfVersion >= </IfVersion> ProxyPass Define ${A}".split(),
    *"[Service] [Socket] ListenStream= ExecStart= Environment= EnvironmentFile= WorkingDirectory=".split(),
    *"% %n \\\\x \\\\u \\\\ \" '".split(),
    *"gunicorn uwsgi daphne runserver manage.py flower -b --bind -p --port --socket= --http= tcp: endpoint".split(),
    "\n",
    "\n",
    " ",
    " ",
    "/srv/a",
    "80",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@pytest.mark.parametrize("text", ODD)
def test_what_is_no_number(text: str) -> None:
    assert not is_number(text)


@pytest.mark.parametrize("text", ["0", "80", "65535", "999999999"])
def test_numbers(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize(
    ("text", "is_it"), [("/srv/a", True), ("/\udcff", True), ("/\ud800", False), ("/a\0b", False), ("", False)]
)
def test_names(text: str, is_it: bool) -> None:
    assert is_name(text) is is_it


def test_nobody_asks_in_another_way() -> None:
    wrong = [
        path.name
        for path in sources.files("plugins/module_utils/_discover/*.py")
        if path.name != "texts.py" and any(word in path.read_text() for word in (".isdigit(", ".isdecimal("))
    ]
    assert wrong == []


@pytest.mark.parametrize("text", ODD)
def test_odd_ports(text: str) -> None:
    assert port_of(text, "redis") == 6379
    list(addresses([f"redis://h:{text}/0", f"h:{text}", ["h", text], {"host": "h", "port": text}], "X", "cache"))
    assert _version_fits([">=", text]) is True
    assert listening.owner_of(f"0::/user.slice/user@{text}.service/a.service\n") is not None
    assert supervisor.expanded(f"%(n){text}d", {"n": "1"}) is not None


@pytest.mark.parametrize("text", ODD)
def test_odd_names(text: str) -> None:
    words = (f"/srv/{text}/bin/python", text, f"--chdir=/srv/{text}", f"{text}/manage.py")
    starter = Starter("service", "a.service", directory=f"/srv/{text}", commands=(words,), env_files=(f"/etc/{text}",))
    places.find([starter], [])
    packages.programs([starter], "/srv/a")
    assert sites.same_address(f"tcp:{text}:{text}", f"unix:{text}") is False


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_no_text_breaks_a_reader(text: str) -> None:
    webs = nginx.sites(HeldFiles({"/etc/nginx/nginx.conf": "http {" + text + "}"}), "/etc/nginx/nginx.conf")
    webs += apache.sites(
        HeldFiles({"/etc/apache2/apache2.conf": text}), "/etc/apache2/apache2.conf", "/etc/apache2", {}
    )
    defined = define([text], Specifiers("a@b.service"))
    listens = listens_of(defined.commands, defined.environment, defined.directory)
    listens_of([tuple(text.split(" "))], {}, "/srv")
    starter = Starter("service", "a.service", commands=defined.commands, directory=defined.directory, listens=listens)
    found = places.find([starter], webs)
    sites.join(sites.complete(found, [starter], webs))
    neighbours.parse({"settings": {"X_URL": text}}, [], [])
