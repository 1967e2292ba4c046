# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two readers of the same lines say the same: of starters, and of what a project's settings are given.

``_project`` reads unit files whenever settings are imported, ``_discover`` to find sites; neither imports the other.
"""

from __future__ import annotations

import socket

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import supervisor, unit_files
from ansible_collections.relocate.django.plugins.module_utils._project import env_units


@pytest.mark.parametrize(
    "text",
    [
        "Environment=A=1 B=2",
        "Environment=\"A=x y\" B='z w'",
        'Environment=A="x y"',
        r"Environment=A=x\ty B=\x41\102C",
        r"Environment='A=it\'s'",
        r"Environment=A=\u00e9",
        "Environment=A= B=b=c",
        "Environment=A=100%% B=%p C=%n D=%H E=%h",
        "Environment=A=1 \\\n# a comment\n  B=2\\\n C=3",
        "Environment=A=$B",
        "Environment=A=1\nEnvironment=\nEnvironment=B=2",
        "Environment=A=1\nEnvironment=A=2 B=3",
        "EnvironmentFile=-/etc/a\nEnvironmentFile=\nEnvironmentFile=/etc/b\nEnvironmentFile=-/etc/c d",
        "Environment=A='#1;2'",
    ],
)
def test_units(text: str) -> None:
    found = env_units.of_unit("shop.service", ["[Service]\n" + text])
    defined = unit_files.define(
        ["[Service]\n" + text], unit_files.Specifiers("shop.service", host=socket.gethostname())
    )
    assert found.variables == defined.environment
    assert tuple(found.files) == defined.env_files


@pytest.mark.parametrize(
    "text",
    [
        'A="1",B="2"',
        "A='x' , B=\"y\"",
        'A="b,c",D=e',
        "URL=redis://h:1/0,B=2",
        'A="http://x/?a=b#c"',
        'A="a%%b"',
        "A=é",
        'A="a""b"',
        ",,,",
        "A=1,B",
    ],
)
def test_programs(text: str) -> None:
    section = f"[program:x]\ncommand=/srv/x/run\nenvironment={text}\n"
    assert env_units.of_programs("/etc/x.conf", section, "/srv/x").variables == supervisor.assignments(
        supervisor.expanded(text, {})
    )
