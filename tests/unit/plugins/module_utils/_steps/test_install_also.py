# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers and packages are installed on a host that has none, and which never are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import here
from ansible_collections.relocate.django.plugins.module_utils._discover.installed import Installed
from ansible_collections.relocate.django.plugins.module_utils._model import Software, as_plain
from ansible_collections.relocate.django.plugins.module_utils._steps import install_also
from ansible_collections.relocate.django.plugins.module_utils._steps.install_also import Here
from tests.unit.fakes import facts
from tests.unit.plugins.module_utils._steps.both_hosts import told_of_old

#: What the archives of trixie hold, as far as it is asked for.
TRIXIE = {
    "postgresql": "17+278",
    "postgresql-17-postgis-3": "3.5.2+dfsg-1",
    "mariadb-server": "1:11.8.3-0+deb13u1",
    "nginx": "1.26.3-3",
    "nginx-light": "1.26.3-3",
    "apache2": "2.4.65-2",
    "libapache2-mod-wsgi-py3": "5.0.0-1",
    "redis-server": "5:8.0.2-3",
    "rabbitmq-server": "4.0.5-8",
    "locales-all": "2.41-12",
    "poppler-utils": "25.03.0-5",
    "libmagic1t64": "1:5.46-5",
    "g++": "4:14.2.0-1",
}


def archives(held: dict[str, str] | None = None) -> Any:
    def candidates(names: Iterable[str]) -> dict[str, str]:
        return {name: (held or TRIXIE)[name] for name in names if name in (held or TRIXIE)}

    return candidates


BARE = Here(
    "debian",
    Installed("dpkg", {"python3": "python3-defaults", "openssh-server": "openssh"}),
    {22},
    {"C", "C.utf8", "POSIX"},
    here.Host(["192.0.2.7"], ["new"]),
    archives(),
    lambda _name: False,
)


def database(engine: str = "postgresql", **changes: Any) -> dict[str, Any]:
    told = {"postgresql": ("15", {}), "mysql": ("10.11", {"product": "MariaDB"}), "sqlite": ("3", {})}
    major, details = told[engine]
    known = replace(facts(), engine=engine, major=major, details=details, collation="en_US.UTF-8", ctype="en_US.UTF-8")
    plain = as_plain(replace(known, **changes.pop("facts", {})))
    return {"engine": engine, "backend": "b", "name": "shop", "user": "shop", "host": "", "port": None, "facts": plain,
            **changes}  # fmt: skip


def old(*databases: dict[str, Any], software: Software | None = None, **changes: Any) -> dict[str, Any]:
    aliases = {f"db{number}": item for number, item in enumerate(databases or (database(),))}
    used = as_plain(software or Software())
    files = {"label": "x", "brings": 0, "files": []}
    return told_of_old(databases=aliases, software=used, **{"set": files, **changes})


def look(
    told: dict[str, Any], *kinds: str, host: Here = BARE, engines: Any = None, **options: Any
) -> install_also.Lacking:
    given: dict[str, Any] = {"units": [], "reload": [], "files": [], **options}
    login = {f"login_{name}": options.get(f"login_{name}") for name in "user password host port unix_socket".split()}
    chosen = {"install_also": list(kinds), "engines": engines or {}, "login_database": None}
    return install_also.look(install_also.Options.of({**login, **given, **chosen}), told, host)


def codes(found: install_also.Lacking) -> list[str]:
    return [item.code for item in found.obstacles]


def test_nothing_is_installed_unasked() -> None:
    used = Software("dpkg", {"nginx": "nginx", "postgresql": "postgresql"}, ("poppler-utils",))
    assert look(old(software=used)) == install_also.Lacking()


def test_a_host_that_has_nothing() -> None:
    used = Software("dpkg", {"nginx": "nginx-light", "redis": "redis-server"}, ("poppler-utils", "libmagic1"))
    found = look(old(software=used), *install_also.CHOICES, reload=["nginx"])
    assert found.packages == {
        "postgresql": "17+278",
        "locales-all": "2.41-12",
        "nginx-light": "1.26.3-3",
        "redis-server": "5:8.0.2-3",
        "poppler-utils": "25.03.0-5",
        "libmagic1t64": "1:5.46-5",
    }
    assert found.units == ["postgresql.service", "nginx.service", "redis-server.service"]
    assert found.welcome == ["/etc/nginx/sites-enabled/default"]
    assert (found.aliases, found.obstacles, found.unknown, found.notes) == (["db0"], [], [], [])
    assert "postgresql 17+278" in found.told()[0] and "db0" in found.told()[1]


@pytest.mark.parametrize("kind", install_also.CHOICES)
def test_each_kind_alone(kind: str) -> None:
    used = Software("dpkg", {"nginx": "nginx", "redis": "redis-server", "rabbitmq": "rabbitmq-server"}, ("g++",))
    first = {"database": "postgresql", "web": "nginx", "cache": "redis-server", "queue": "rabbitmq-server"}
    assert next(iter(look(old(software=used), kind).packages)) == first.get(kind, "g++")
    assert len(look(old(software=used), kind).packages) == (2 if kind == "database" else 1)


@pytest.mark.parametrize(
    ("host", "installs"),
    [("", True), ("/run/postgresql", True), ("localhost", True), ("127.0.0.1", True), ("192.0.2.7", True)]
    + [("new", True), ("db.example.org", False), ("192.0.2.8", False)],
)
def test_a_database_on_another_machine_needs_no_server_here(host: str, installs: bool) -> None:
    found = look(old(database(host=host)), "database")
    assert ("postgresql" in found.packages) is installs and found.aliases == ["db0"] * installs
    assert look(old(database()), "database", login_host="db.example.org").packages == {}


def test_a_file_needs_no_server() -> None:
    assert look(old(database("sqlite")), "database") == install_also.Lacking()
    moved = look(old(database("sqlite")), "database", engines={"db0": "mysql"})
    assert list(moved.packages) == ["mariadb-server"] and moved.obstacles == []


@pytest.mark.parametrize(
    "change",
    [
        {"installed": Installed("dpkg", {"postgresql-13": "postgresql-13"})},
        {"has": lambda name: name == "postgres"},
        {"ports": {22, 5432}},
    ],
)
def test_a_server_that_is_there_is_left_alone(change: dict[str, Any]) -> None:
    """Whatever its version is: the check of the databases says what it cannot do."""
    assert look(old(), "database", host=replace(BARE, **change)) == install_also.Lacking()


def test_a_web_server_that_is_there_keeps_its_pages() -> None:
    there = replace(BARE, installed=Installed("dpkg", {"nginx-light": "nginx"}), ports={80})
    assert look(old(), "web", host=there, reload=["nginx"]) == install_also.Lacking()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"reload": ["nginx.service"]}, "nginx"),
        ({"units": ["apache2"]}, "apache2"),
        ({"files": ["/etc/nginx/sites-available/shop"]}, "nginx"),
        ({"files": ["/etc/apache2/sites-available/shop.conf"]}, "apache2"),
        ({"reload": ["~shop/nginx"]}, ""),
    ],
)
def test_sets_of_before_say_which_web_server_by_files_and_units(given: dict[str, Any], expected: str) -> None:
    found = look(old(), "web", **given)
    assert list(found.packages) == ([expected] if expected else [])
    assert bool(found.notes) is not bool(expected)


def test_mod_wsgi_comes_with_its_web_server() -> None:
    found = look(old(software=Software("dpkg", {"apache": "apache2", "mod_wsgi": "libapache2-mod-wsgi-py3"})), "web")
    assert list(found.packages) == ["apache2", "libapache2-mod-wsgi-py3"]
    assert found.units == ["apache2.service"]


def test_an_apache_that_serves_already_is_not_restarted() -> None:
    """It may serve other sites, or be stopped on purpose: mod_wsgi is installed by hand then."""
    told = old(software=Software("dpkg", {"apache": "apache2", "mod_wsgi": "libapache2-mod-wsgi-py3"}))
    found = look(told, "web", host=replace(BARE, has=lambda name: name == "apache2"))
    assert codes(found) == ["program_missing"] and found.units == []
    assert "Apache, which is here already, would be restarted" in found.obstacles[0].msg


def test_a_page_that_is_there_before_its_package_is_somebodys_own() -> None:
    link = "/etc/nginx/sites-enabled/default"
    assert look(old(), "web", reload=["nginx"]).welcome == [link]
    assert look(old(), "web", reload=["nginx"], host=replace(BARE, exists=lambda path: path == link)).welcome == []


def test_a_welcome_page_that_is_the_sites_own() -> None:
    """Some sites are configured in the file that the package brought."""
    for name in ("/etc/nginx/sites-available/default", "/etc/nginx/sites-enabled/default"):
        told = old(set={"label": "x", "brings": 0, "files": [name]})
        assert look(told, "web", reload=["nginx"]).welcome == []
    moved = {key: value for key, value in old().items() if key != "set"}
    assert look(moved, "web", files=["/etc/nginx/sites-*"]).welcome == []
    assert look(moved, "web", files=["/etc/nginx/sites-available/shop", "*", "*/*/*/*"]).welcome


def test_another_program_at_the_port_of_the_web() -> None:
    assert codes(look(old(), "web", host=replace(BARE, ports={80}), reload=["nginx"])) == ["port_taken"]


@pytest.mark.parametrize(
    ("item", "held", "refused"),
    [
        (database(facts={"major": "17"}), "17+278", False),
        (database(facts={"major": "18"}), "17+278", True),
        (database("mysql"), "1:11.8.3-0", False),
        (database("mysql"), "1:10.11.14-0", False),
        (database("mysql"), "1:10.5.29-0", True),
        (database("mysql", facts={"major": "11.8"}), "1:11.8", False),
        (database("mysql", facts={"details": {"product": "MySQL"}, "major": "12.0"}), "1:11.8.3", False),
    ],
)
def test_archives_with_an_older_server(item: dict[str, Any], held: str, refused: bool) -> None:
    """A MariaDB in place of MySQL counts its versions in its own way: the server itself is asked later."""
    host = replace(BARE, candidates=archives({"postgresql": held, "mariadb-server": held}))
    found = look(old(item), "database", host=host)
    assert codes(found) == (["server_too_old"] if refused else [])


def test_an_odd_port_is_told_beforehand() -> None:
    found = look(old(database(port=6432)), "database")
    assert codes(found) == ["server_unreachable"] and "6432" in found.obstacles[0].msg
    assert codes(look(old(database(port=5432)), "database")) == []


def test_archives_without_the_server() -> None:
    found = look(old(), "database", host=replace(BARE, candidates=archives({"nginx": "1"})))
    assert codes(found) == ["program_missing"] and found.packages == {}


def test_locales_that_are_there() -> None:
    host = replace(BARE, locales={"C", "en_US.utf8"})
    assert "locales-all" not in look(old(), "database", host=host).packages
    plain = old(database(facts={"collation": "C.UTF-8", "ctype": "C"}))
    assert list(look(plain, "database").packages) == ["postgresql"]


def test_what_extends_postgresql_comes_for_the_new_version() -> None:
    used = Software("dpkg", {"postgresql": "postgresql"}, ("postgresql-15-postgis-3", "postgresql-15-cron"))
    assert "postgresql-17-postgis-3" in look(old(software=used), "database").packages
    # As a package it would bring a server that nobody asked for.
    assert look(old(software=used), "packages").packages == {}


def test_before_apt_has_read_its_lists() -> None:
    used = Software("dpkg", {}, ("poppler-utils",))
    host = replace(BARE, candidates=lambda _names: None)
    found = look(old(software=used), "database", "packages", host=host)
    assert found.packages == {"postgresql": "", "locales-all": ""} and found.unknown == ["poppler-utils"]
    assert "shows once it has" in found.notes[0] and found.obstacles == []


@pytest.mark.parametrize("name", ["nginx-", "--force-yes", "a;b", "nginx=1.0", "ng*"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    host = replace(BARE, candidates=archives({name: "1", "g++": "1"}))
    found = look(old(software=Software("dpkg", {}, (name, "g++"))), "packages", host=host)
    assert codes(found) == ["answer_refused"] and list(found.packages) == ["g++"]


def test_packages_that_no_archive_knows_are_told() -> None:
    found = look(old(software=Software("dpkg", {}, ("g++", "elasticsearch"))), "packages")
    assert list(found.packages) == ["g++"] and found.unknown == ["elasticsearch"]
    assert "elasticsearch" in found.notes[0] and "relocate_packages" in found.notes[0]


@pytest.mark.parametrize(("manager", "words"), [("", "does not say"), ("rpm", "not those of a Debian")])
def test_a_set_that_names_no_packages_of_debian(manager: str, words: str) -> None:
    found = look(old(software=Software(manager, {}, ("g++",))), "packages")
    assert found.packages == {} and words in found.notes[0]


def test_servers_that_old_names_and_we_do_not_know() -> None:
    """A set chooses among our names; it cannot bring another one in as a server."""
    used = Software("dpkg", {"nginx": "telnetd", "shell": "telnetd"})
    assert list(look(old(software=used), *install_also.CHOICES, host=replace(BARE, ports={5432})).packages) == ["nginx"]


def test_other_distributions() -> None:
    assert codes(look(old(), "web", host=replace(BARE, family="redhat"))) == ["bad_option"]


def test_this_host_is_read() -> None:
    found = Here.read()
    assert found.family in ("debian", "redhat", "other") and all(0 < port < 65536 for port in found.ports)
