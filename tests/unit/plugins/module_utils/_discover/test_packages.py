# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that a site needs: names as Debian 12, Ubuntu 24.04 and Rocky Linux 9 have them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import package_names, packages
from ansible_collections.relocate.django.plugins.module_utils._discover.extensions import Extension
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.installed import Installed
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from tests.unit.plugins.module_utils._project.asked import found as project_at
from tests.unit.plugins.module_utils._project.conftest import give

SOURCES = {
    "bash": "bash",
    "build-essential": "build-essential",
    "coreutils": "coreutils",
    "default-libmysqlclient-dev": "mysql-defaults",
    "ffmpeg": "ffmpeg",
    "gunicorn": "gunicorn",
    "libavcodec-dev": "ffmpeg",
    "libavcodec59": "ffmpeg",
    "libavutil-dev": "ffmpeg",
    "libc6": "glibc",
    "libcairo-script-interpreter2-dev": "cairo",
    "libcairo2": "cairo",
    "libcairo2-dev": "cairo",
    "libgcc-s1": "gcc-12",
    "libgl1": "libglvnd",
    "libicu72": "icu",
    "libjpeg-dev": "libjpeg-turbo",
    "libjpeg62-turbo": "libjpeg-turbo",
    "libjpeg62-turbo-dev": "libjpeg-turbo",
    "libldap-2.5-0": "openldap",
    "libldap-dev": "openldap",
    "libldap2-dev": "openldap",
    "libmariadb-dev": "mariadb",
    "libmariadb-dev-compat": "mariadb",
    "libmariadb3": "mariadb",
    "libmagic1": "file",
    "libpq-dev": "postgresql-15",
    "libpq5": "postgresql-15",
    "libstdc++6": "gcc-12",
    "libxml2": "libxml2",
    "libxml2-dev": "libxml2",
    "mariadb-server-10.6": "mariadb",
    "memcached": "memcached",
    "nginx": "nginx",
    "pkg-config": "pkgconf",
    "postgresql-15": "postgresql-15",
    "postgresql-15-postgis-3": "postgis",
    "postgresql-server-dev-15": "postgresql-15",
    "python3-dev": "python3-defaults",
    "python3.11-minimal": "python3.11",
    "python3.12-minimal": "python3.12",
    "redis-server": "redis",
    "zlib1g": "zlib",
}
DEBIAN = Installed("dpkg", SOURCES, frozenset(["bash", "coreutils"]))
ROCKY = Installed(
    "rpm",
    {
        "libpq": "libpq",
        "libpq-devel": "libpq",
        "gcc": "gcc",
        "python3-devel": "python3.9",
        "valkey": "valkey",
        "httpd": "httpd",
    },
    frozenset(["glibc"]),
)
PLACES = {
    "libpq.so.5": "/lib/x86_64-linux-gnu/libpq.so.5",
    "libc.so.6": "/lib/x86_64-linux-gnu/libc.so.6",
    "libicui18n.so.72": "/lib/x86_64-linux-gnu/libicui18n.so.72",
    "libGL.so.1": "/lib/x86_64-linux-gnu/libGL.so.1",
    "libown.so": "/usr/local/lib/libown.so",
    "libstdc++.so.6": "/lib/x86_64-linux-gnu/libstdc++.so.6",
}
OWNERS = {
    "/lib/x86_64-linux-gnu/libpq.so.5": "libpq5:amd64",
    "/lib/x86_64-linux-gnu/libc.so.6": "libc6:amd64",
    "/lib/x86_64-linux-gnu/libicui18n.so.72": "libicu72:amd64",
    "/lib/x86_64-linux-gnu/libGL.so.1": "libgl1:amd64",
    "/lib/x86_64-linux-gnu/libstdc++.so.6": "libstdc++6:amd64",
    "/usr/bin/ffmpeg": "ffmpeg",
    "/bin/cp": "coreutils",
    "/usr/bin/python3.11": "python3.11-minimal",
    "/usr/bin/python3.12": "python3.12-minimal",
}


def owners(paths: Sequence[str]) -> Mapping[str, str]:
    return {path: OWNERS[path] for path in paths if path in OWNERS}


def names(needs: packages.Needs, here: Installed = DEBIAN) -> tuple[list[str], list[str]]:
    found = packages.system(needs, here, PLACES, owners)
    return list(found.packages), [item.what for item in found.notices]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("postgresql-15", ("postgresql", True)),
        ("postgresql-client-15", ("postgresql-client", True)),
        ("postgresql", ("postgresql", True)),
        ("mariadb-server-10.6", ("mariadb-server", True)),
        ("python3.11-minimal", ("python3", True)),
        ("python3.11-venv", ("python3.11-venv", True)),
        ("gcc-12", ("gcc", True)),
        ("libmagic1t64", ("libmagic1", True)),
        ("libglib2.0-0t64", ("libglib2.0-0", True)),
        ("libpq5", ("libpq5", True)),
        ("libicu72", ("libicu72", False)),
        ("libjpeg62-turbo", ("libjpeg62-turbo", False)),
        ("libxml2-dev", ("libxml2-dev", True)),
        ("libpq", ("libpq", True)),
        ("nginx", ("nginx", True)),
        ("libreoffice", ("libreoffice", True)),
        ("libapache2-mod-wsgi-py3", ("libapache2-mod-wsgi-py3", True)),
    ],
)
def test_names_that_last(name: str, expected: tuple[str, bool]) -> None:
    assert package_names.lasting(name) == expected


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("libpq5", "libpq-dev"),
        ("libjpeg62-turbo", "libjpeg-dev"),
        ("libcairo2", "libcairo2-dev"),
        ("libavcodec59", "libavcodec-dev"),
        ("libldap-2.5-0", "libldap-dev"),
        ("libxml2", "libxml2-dev"),
        ("libmariadb3", "default-libmysqlclient-dev"),
        ("libicu72", ""),
        ("absent", ""),
    ],
)
def test_headers(package: str, expected: str) -> None:
    assert package_names.headers(package, DEBIAN) == expected


def test_headers_of_red_hat() -> None:
    assert package_names.headers("libpq", ROCKY) == "libpq-devel"


@pytest.mark.parametrize(
    ("kind", "here", "expected"),
    [
        ("redis", DEBIAN, "redis-server"),
        ("redis", ROCKY, "valkey"),
        ("postgresql", DEBIAN, "postgresql"),
        ("mysql", DEBIAN, "mariadb-server"),
        ("apache", ROCKY, "httpd"),
        ("rabbitmq", DEBIAN, ""),
        ("s3", DEBIAN, ""),
    ],
)
def test_servers(kind: str, here: Installed, expected: str) -> None:
    assert package_names.server(kind, here) == expected


def test_programs(tmp_path: Path) -> None:
    for name in ("venv/bin/gunicorn", "bin/mine", "outside/tool"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    top, outside = str(tmp_path), str(tmp_path / "outside" / "tool")
    starters = [
        Starter("service", "a.service", commands=((f"{top}/venv/bin/gunicorn", "shop.wsgi"), ("cp", "a", "b"))),
        Starter(
            "cron", "/etc/cron.d/x:3", commands=(("sh", "-c", f"cd {top}/bin && X=1 {outside} y | {top}/bin/mine"),)
        ),
        Starter("service", "b.service", commands=(("/usr/bin/env", "ls", "/etc/passwd", "/nowhere/x", top), ())),
    ]
    found = packages.programs(starters, f"{top}/bin", [f"{top}/venv"])
    assert found.pop(outside) == "command of /etc/cron.d/x:3"
    assert {os.path.basename(path): why for path, why in found.items()} == {
        "cp": "command of a.service",
        "ls": "command of b.service",
    }


def test_what_units_run() -> None:
    programs = {"/usr/bin/ffmpeg": "command of a", "/bin/cp": "command of a", "/opt/own": "command of b"}
    assert names(packages.Needs(programs=programs)) == (
        ["ffmpeg"],
        ["the program /opt/own came with no package: command of b"],
    )


def test_libraries_and_what_compiles() -> None:
    plain = [
        Extension("cv2", False, ("libGL.so.1", "libc.so.6", "libstdc++.so.6", "libbundled-1a2b.so")),
        Extension("icu", False, ("libicui18n.so.72",)),
    ]
    assert names(packages.Needs(extensions=plain)) == (
        ["libgl1", "libicu72"],
        ["the package libicu72 bears a version in its name: icu links to libicui18n.so.72"],
    )
    built = [Extension("psycopg2", True, ("libpq.so.5", "libc.so.6")), Extension("x", True, ("libown.so",))]
    assert names(packages.Needs(extensions=built)) == (["libpq-dev", "build-essential", "pkg-config"], [])
    found = packages.system(packages.Needs(extensions=built), DEBIAN, PLACES, owners)
    assert found.packages["libpq-dev"].why == "psycopg2 links to libpq.so.5, and is compiled"
    assert found.packages["build-essential"].why == "compiles psycopg2, x"


def test_the_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.path.realpath
    targets = {
        "/v/bin/python": "/usr/bin/python3.11",
        "/w/bin/python": "/usr/bin/python3.12",
        "/usr/bin/python3": "/usr/bin/python3.11",
        "/x/bin/python": "/opt/python3.13/bin/python3.13",
    }
    monkeypatch.setattr(packages.os.path, "realpath", lambda path: targets.get(path, real(path)))
    built = [Extension("x", True, ())]
    assert names(packages.Needs("/v/bin/python", extensions=built)) == (
        ["python3-venv", "build-essential", "python3-dev", "pkg-config"],
        [],
    )
    found, notices = names(packages.Needs("/w/bin/python", extensions=built))
    assert found == ["python3.12-venv", "build-essential", "pkg-config"]
    assert notices == ["the site runs with Python 3.12, which is not this host's own"]
    found, notices = names(packages.Needs("/x/bin/python", extensions=built))
    assert (found, notices) == (
        ["build-essential", "pkg-config"],
        ["the site's Python, /opt/python3.13/bin/python3.13, came with no package"],
    )


def test_servers_beside_the_site() -> None:
    servers = {"redis": "CACHES", "postgresql": "DATABASES", "rabbitmq": "CELERY_BROKER_URL", "s3": "STORAGES"}
    assert names(packages.Needs(servers=servers)) == (
        ["redis-server", "postgresql"],
        [
            "the package postgresql-15-postgis-3 extends one version of PostgreSQL",
            "no package of this host is known to be rabbitmq, which the site looks for here: CELERY_BROKER_URL",
        ],
    )


@pytest.mark.parametrize(
    ("distributions", "expected"),
    [
        (["python-magic", "django"], ["libmagic1"]),
        (["psycopg"], ["libpq5"]),
        (["psycopg", "psycopg-binary"], []),
        (["cairosvg", "weasyprint"], ["libcairo2"]),
    ],
)
def test_what_is_loaded_without_a_link(distributions: list[str], expected: list[str]) -> None:
    assert names(packages.Needs(distributions=distributions))[0] == expected


def test_a_host_without_package_manager() -> None:
    needs = packages.Needs(
        "/usr/bin/python3", {"/opt/own": "x"}, [Extension("x", True, ("libown.so",))], ["gis"], {"redis": "x"}
    )
    assert packages.system(needs, Installed(), {}, lambda paths: {}) == packages.Found()


def test_python_packages_in_no_file(site: Path, python: str, owner: SystemUser) -> None:
    (site / "requirements.txt").write_text("Django\n")
    give(site, owner)
    extra, notices, known = packages.python(project_at(site, python))
    assert "django" in known and not any(item.value.lower().startswith("django==") for item in extra)
    (site / "requirements.txt").write_text("unrelated\n")
    give(site, owner)
    extra, notices, _known = packages.python(project_at(site, python))
    lines = [item.value for item in extra] + [item.what for item in notices]
    assert any("django" in line.lower() for line in lines)
