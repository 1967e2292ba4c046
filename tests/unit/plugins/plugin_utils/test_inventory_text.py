# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory that old hosts' answers make."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.plugin_utils import _inventory_text as text

SHOP = {
    "name": "shop",
    "values": {
        "path": [{"value": "/srv/shop/app", "why": "WorkingDirectory of shop-web.service"}],
        "files": [{"value": ".env", "why": "EnvironmentFile of shop-web.service"}, {"value": "/etc/a b", "why": ""}],
        "services": [{"value": "shop-web.service", "why": "listens on unix:/run/shop.sock"}],
        "answers": [
            {
                "value": {
                    "url": "http://127.0.0.1/",
                    "host": "shop.example.org",
                    "status": 200,
                    "contains": "<title>x",
                },
                "why": "server_name of /etc/nginx/sites-enabled/shop",
            }
        ],
    },
    "notices": [{"what": "/etc/cron.d/shop:3 runs the project by cron", "hint": "comment the line out"}],
}


def written(*answers: dict[str, Any], new: str = "new1") -> tuple[str, Any]:
    """The file for hosts that answer this, old1 and so on; as text, and as Ansible reads it."""
    pairs = [
        text.Pair(f"old{number}", new and f"new{number}", text.sites_of(answer), text.notices_of(answer))
        for number, answer in enumerate(answers, 1)
    ]
    made = text.inventory_text(pairs, {"old1": {"ansible_user": "admin"}}, "inventory.yml")
    return made, yaml.safe_load(made)


def test_one_site() -> None:
    made, read = written({"sites": [SHOP], "notices": []})
    children = read["all"]["children"]
    assert children == {"old": {"hosts": {"old1": {"ansible_user": "admin"}}}, "new": {"hosts": {"new1": None}}}
    assert read["all"]["vars"] == {
        "relocate_site": "shop",
        "relocate_path": "/srv/shop/app",
        "relocate_files": [".env", "/etc/a b"],
        "relocate_services": ["shop-web.service"],
        "relocate_answers": [
            {"url": "http://127.0.0.1/", "host": "shop.example.org", "status": 200, "contains": "<title>x"}
        ],
    }
    assert "    relocate_path: /srv/shop/app  # WorkingDirectory of shop-web.service\n" in made
    assert "Not moved: /etc/cron.d/shop:3 runs the project by cron. Next: comment the line out" in made
    assert max(map(len, made.splitlines())) <= 121


def test_several_sites_are_a_list() -> None:
    _made, read = written({"sites": [SHOP, {**SHOP, "name": "blog"}]})
    [shop, blog] = read["all"]["vars"]["relocate_sites"]
    assert (shop["name"], blog["name"], shop["path"], shop["files"]) == (
        "shop",
        "blog",
        "/srv/shop/app",
        [".env", "/etc/a b"],
    )


def test_several_hosts_have_variables_of_their_own() -> None:
    _made, read = written({"sites": [SHOP]}, {"sites": [{**SHOP, "name": "blog"}]})
    assert "vars" not in read["all"]
    new = read["all"]["children"]["new"]["hosts"]
    assert (new["new1"]["relocate_from"], new["new1"]["relocate_site"]) == ("old1", "shop")
    assert (new["new2"]["relocate_from"], new["new2"]["relocate_site"]) == ("old2", "blog")


def test_a_new_host_that_nobody_named() -> None:
    made, read = written({"sites": [SHOP]}, new="")
    assert read["all"]["children"]["new"] == {"hosts": {}} and "name the new host here" in made
    assert read["all"]["vars"]["relocate_site"] == "shop"


def test_no_site() -> None:
    made, read = written({"sites": []})
    assert read["all"]["vars"] is None and "No site was found" in made


HOSTILE = [
    "{{ lookup('pipe', 'id') }}",
    "{% for x in y %}",
    "{# x #}",
    "x\n  relocate_command: [id]",
    "x\r",
    "\x1b[2J",
    "a\u2028b",
    "\udc80",
    "",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_a_host_says_is_no_template_and_no_line_of_ours(value: str) -> None:
    assert not text.is_writable(value)
    values = {
        "path": [{"value": value, "why": value}],
        "files": [{"value": "/a", "why": value}],
        "answers": [{"value": {"url": value}, "why": ""}],
    }
    site = {"name": value, "values": values, "notices": [{"what": value, "hint": value}]}
    made, read = written({"sites": [site], "notices": [{"what": value, "hint": value}]})
    found = read["all"]["vars"]
    assert found.pop("relocate_files") == ["/a"]
    assert set(found) == {"relocate_site"}
    made.encode("utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in made)


@pytest.mark.parametrize("name", ["{{ x }}", "{% x %}"])
def test_a_sites_name_is_no_template(name: str) -> None:
    _made, read = written({"sites": [{"name": name, "values": {}}]})
    assert read["all"]["vars"] == {"relocate_site": "site"}


ODD = {"path": [None, 3, {"value": ["x"]}, {"value": {1: 2}}]}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"sites": None},
        {"sites": "x"},
        {"sites": [None, 3, "x"]},
        {"sites": [{"values": [], "notices": "x"}]},
        {"sites": [{"values": ODD}]},
    ],
)
def test_an_answer_of_another_form(answer: dict[str, Any]) -> None:
    _made, read = written(answer)
    assert set(read["all"]["children"]) == {"old", "new"}


WORDS = "yes no null ~ 1 1e3 0x1f 12:30:00 2026-01-01 *a &a !a 'a \"a a\\b [a] é = << a:".split()


@pytest.mark.parametrize("value", [*WORDS, "a: b", "a #b", "- a", "/a b", "0x_", "0b_", "2001-99-99"])
def test_text_stays_text(value: str) -> None:
    assert yaml.safe_load(text.scalar(value)) == value
    assert yaml.safe_load(f"x: {text.scalar(value)}  # why")["x"] == value


@given(st.text())
def test_every_writable_text_is_read_back(value: str) -> None:
    if text.is_writable(value):
        assert yaml.safe_load(f"x: {text.scalar(value)}  # why")["x"] == value
        assert "\n" not in text.scalar(value)


def test_ansible_reads_it(tmp_path: Any) -> None:
    path = tmp_path / "inventory.yml"
    path.write_text(written({"sites": [SHOP]})[0], encoding="utf-8")
    assert DataLoader().load_from_file(str(path))["all"]["vars"]["relocate_site"] == "shop"


def test_what_a_file_lacks() -> None:
    made, _read = written({"sites": [SHOP]})
    assert text.missing_in(made, made) == []
    there = made.replace('- "/etc/a b"', '- "/etc/other"').replace("  # EnvironmentFile of shop-web.service", "")
    assert text.missing_in(there, made) == ['- "/etc/a b"']
    assert "password" not in "".join(text.missing_in("relocate_login: {password: x}", made))


def test_summary() -> None:
    pairs = [text.Pair("a", "b", text.sites_of({"sites": [SHOP]}), [("x", "y")])]
    assert text.summary(pairs) == {"sites": ["shop"], "values": 5, "notices": 2}
