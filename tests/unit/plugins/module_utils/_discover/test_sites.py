# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import sites
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place

APP = "/srv/shop/app"
WEB = Starter("service", "shop-web.service", "shop-web.service", directory=APP, runs=True, at_boot=True,
              listens=("unix:/run/shop.sock",), files=("/etc/systemd/system/shop-web.service",),
              env_files=("-/etc/default/shop",))  # fmt: skip
JOB = Starter("service", "shop-job.service", "shop-job.service", directory=APP,
              files=("/etc/systemd/system/shop-job.service",))  # fmt: skip
TIMER = Starter("timer", "shop-job.timer", "shop-job.timer", starts=("shop-job.service",), runs=True, at_boot=True,
                files=("/etc/systemd/system/shop-job.timer",))  # fmt: skip
OTHER = Starter("timer", "logrotate.timer", "logrotate.timer", starts=("logrotate.service",), runs=True, at_boot=True)
NGINX = WebSite("nginx", "nginx.service", ("shop.example.org",), targets=("unix:/var/run/shop.sock",),
                files=("/etc/nginx/sites-enabled/shop", "/etc/nginx/sites-available/shop"))  # fmt: skip
PLACE = Place(APP, "WorkingDirectory of shop-web.service", starters=(WEB, JOB))


def whole(place: Place, *more: Starter, webs: tuple[WebSite, ...] = ()) -> sites.FoundSite:
    """The site of a place, on a host with these starters and webs besides."""
    starters = [*place.starters, *more]
    [found] = sites.join(sites.complete([place], starters, [*place.webs, *webs]))
    return found


def values(guesses: tuple[object, ...]) -> list[str]:
    """What would be written."""
    return [guess.value for guess in guesses]  # type: ignore[attr-defined]


def test_a_timer_that_names_no_path_belongs_to_its_service() -> None:
    found = whole(PLACE, TIMER, OTHER)
    assert values(found.services) == ["shop-job.timer", "shop-web.service"]
    assert "/etc/systemd/system/shop-job.timer" in values(found.files)
    assert "/etc/systemd/system/shop-job.service" in values(found.files)
    assert found.notices == ()


def test_a_service_that_a_timer_of_the_site_starts_belongs_to_it() -> None:
    timer = replace(TIMER, directory=APP)
    found = whole(Place(APP, "", starters=(WEB, timer)), replace(JOB, directory=""))
    assert "/etc/systemd/system/shop-job.service" in values(found.files)


def test_a_socket_brings_its_service() -> None:
    socket = Starter("socket", "shop-web.socket", "shop-web.socket", starts=("shop-web.service",), runs=True)
    started = replace(WEB, at_boot=False)
    assert values(whole(Place(APP, "", starters=(started,)), socket).services) == ["shop-web.socket"]
    assert values(whole(Place(APP, "", starters=(WEB,)), socket).services) == ["shop-web.socket", "shop-web.service"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("unix:/run/shop.sock", "unix:/var/run/shop.sock", True),
        ("unix:/run/shop.sock", "unix:/run/blog.sock", False),
        ("tcp:127.0.0.1:8000", "tcp:localhost:8000", True),
        ("tcp:0.0.0.0:8000", "tcp:127.0.0.1:8000", True),
        ("tcp:*:8000", "tcp:[::1]:8000", True),
        ("tcp:127.0.0.1:8000", "tcp:127.0.0.1:8001", False),
        ("tcp:10.0.0.5:8000", "tcp:127.0.0.1:8000", False),
        ("tcp:127.0.0.1:8000", "unix:/run/shop.sock", False),
    ],
)
def test_same_address(one: str, other: str, same: bool) -> None:
    assert sites.same_address(one, other) is same
    assert sites.same_address(other, one) is same


def test_nginx_belongs_by_its_target_and_is_only_reloaded() -> None:
    stranger = replace(NGINX, names=("blog.example.org",), targets=("tcp:127.0.0.1:9",), files=("/etc/nginx/blog",))
    redirect = replace(NGINX, targets=(), redirects=True, files=("/etc/nginx/conf.d/redirect.conf",))
    found = whole(PLACE, webs=(NGINX, stranger, redirect))
    assert values(found.reload) == ["nginx.service"]
    assert values(found.files)[-3:] == [*NGINX.files, *redirect.files]
    assert "/etc/nginx/blog" not in values(found.files)


def test_apache_that_runs_the_project_is_stopped() -> None:
    apache = WebSite("apache", "apache2.service", ("shop.example.org",), scripts=(f"{APP}/shop/wsgi.py",))
    found = whole(Place(APP, "", webs=(apache,)))
    assert (values(found.services), found.reload) == (["apache2.service"], ())


def test_what_packages_brought_is_not_carried() -> None:
    packaged = replace(WEB, packaged=True, env_files=())
    place = Place(APP, "", starters=(packaged,), webs=(NGINX,))
    [found] = sites.join([place], {"/etc/nginx/sites-available/shop"})
    assert values(found.files) == ["/etc/nginx/sites-enabled/shop"]


def test_env_files_are_carried() -> None:
    assert "/etc/default/shop" in values(whole(PLACE).files)


def test_cron_is_told_and_not_carried() -> None:
    cron = Starter("cron", "/etc/cron.d/shop:3", user="shop", files=("/etc/cron.d/shop",), directory=APP)
    found = whole(Place(APP, "", starters=(WEB, cron)))
    assert "/etc/cron.d/shop" not in values(found.files)
    [notice] = found.notices
    assert "/etc/cron.d/shop:3" in notice.what and "relocate_cron: carry" in notice.hint


def test_what_neither_runs_nor_starts_is_told() -> None:
    idle = replace(WEB, name="shop-beat.service", unit="shop-beat.service", runs=False, at_boot=False)
    found = whole(Place(APP, "", starters=(WEB, idle)))
    assert values(found.services) == ["shop-web.service"]
    assert [notice.what for notice in found.notices] == ["shop-beat.service neither runs nor starts with the host"]


def test_supervisor_that_runs_two_sites_is_named_for_both_and_told() -> None:
    places = [
        Place(path, "", starters=(Starter("supervisor", path[-4:], "supervisor.service", directory=path, runs=True),))
        for path in ("/srv/shop", "/srv/blog")
    ]
    one, other = sites.join(places)
    assert values(one.services) == values(other.services) == ["supervisor.service"]
    assert [notice.what for notice in one.notices] == ["supervisor.service also runs /srv/blog"]


def test_units_of_the_owners_own_systemd_are_named_as_his() -> None:
    mine = replace(WEB, manager="deploy")
    other = replace(TIMER, manager="deploy", starts=("job.service",))
    job = Starter("service", "job.service", "job.service", directory=APP, runs=True)  # of the system: not that one
    found = whole(Place(APP, "", starters=(mine, other, job)))
    assert values(found.services) == [f"~deploy/{TIMER.name}", f"~deploy/{WEB.name}", "job.service"]
    assert set(WEB.files) <= set(values(found.files))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/srv/shop/app", "shop"),
        ("/home/deploy/apps/blog/current/src", "blog"),
        ("/var/www/shop.example.org/htdocs", "shop.example.org"),
        ("/opt/my site", "my-site"),
        ("/srv/app", "site"),
    ],
)
def test_site_name(path: str, name: str) -> None:
    assert sites.site_name(path) == name


def test_names_differ() -> None:
    places = [Place(path, "", starters=(WEB,)) for path in ("/srv/shop/app", "/opt/shop", "/home/shop")]
    assert [site.name for site in sites.join(places)] == ["shop", "shop-2", "shop-3"]


@pytest.mark.parametrize("path", ["/etc/shadow", "/root/.env", "/etc/ssh/ssh_host_rsa_key"])
def test_files_of_the_host_are_not_a_sites(path: str) -> None:
    unit = replace(WEB, files=(*WEB.files, path), env_files=(path, "-" + path))
    assert values(whole(Place(APP, "", starters=(unit,))).files) == list(WEB.files)


def test_strangers_are_told_of_and_nothing_else() -> None:
    line = Starter("cron", "/var/spool/cron/crontabs/eve:1", user="eve", by="eve")
    unit = Starter("service", "eve.service", manager="eve", user="eve", by="eve", runs=True, files=("/home/eve/x",))
    program = Starter(
        "supervisor", "eve", "supervisor.service", user="eve", by="eve", runs=True, files=("/home/eve/y",)
    )
    found = whole(replace(PLACE, owner="shop", strangers=(line, unit, program)))
    without = whole(replace(PLACE, owner="shop"))
    assert (found.services, found.files, found.reload) == (without.services, without.files, without.reload)
    told = [notice.what for notice in found.notices if notice not in without.notices]
    assert len(told) == 3
    assert all("eve" in what for what in told)


@pytest.mark.parametrize(("by", "taken"), [("", True), ("shop", True), ("eve", False)])
def test_a_trigger_of_a_stranger_is_one_too(by: str, taken: bool) -> None:
    timer = replace(TIMER, by=by)
    [place] = sites.complete([replace(PLACE, owner="shop")], [WEB, JOB, timer], [])
    assert (timer in place.starters, timer in place.strangers) == (taken, not taken)


def test_strangers_alone_make_no_site() -> None:
    assert sites.join([Place(APP, "", strangers=(WEB,))]) == []
