# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an inventory out of what old hosts say of their sites. Pure functions.

What a host says is data: a value that Ansible would take for a template, or that is not printable, is told in a comment
and not written. Each value has a comment that says where it comes from, so that a reader can judge it.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import yaml

from ansible_collections.relocate.django.plugins.plugin_utils import _received

#: The variables that discovery knows, in the order in which they are written, and whether each is a list.
VARIABLES: Tuple[Tuple[str, bool], ...] = (
    ("path", False),
    ("owner", False),
    ("interpreter", False),
    ("settings", False),
    ("env_files", True),
    ("files", True),
    ("files_ignored", True),
    ("services", True),
    ("services_kept_running", True),
    ("reload", True),
    ("answers", True),
    ("packages", True),
    ("requirements", True),
    ("pip_extra", True),
)
#: How Ansible reaches a host, as the inventory at hand says; passwords are not among them.
CONNECTION = (
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_connection",
    "ansible_python_interpreter",
    "ansible_ssh_private_key_file",
    "ansible_ssh_common_args",
    "ansible_become",
    "ansible_become_method",
)
_LINE = 108  # letters in a line, before it is indented
_MOST = 1000  # items of a list
_PLAIN = re.compile(r"^[A-Za-z0-9/_.][A-Za-z0-9/_.@+=~-]*$")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$")
_TEMPLATE = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class Item:
    """One value, and why it is there."""

    value: Any  # text, or a mapping of texts and numbers
    why: str = ""


@dataclass(frozen=True)
class Site:
    """One site as an old host tells it."""

    name: str
    values: Mapping[str, Sequence[Item]] = field(default_factory=dict)  # variable without its prefix -> values
    notices: Sequence[Tuple[str, str]] = ()  # what was found, and what to do about it


@dataclass(frozen=True)
class Pair:
    """An old host with its sites, and the new host that they go to; "" when it is not known yet."""

    old: str
    new: str
    sites: Sequence[Site] = ()
    notices: Sequence[Tuple[str, str]] = ()


def sites_of(answer: Mapping[str, Any]) -> List[Site]:
    """Return the sites in the answer of a host, in types; what has another form is left out."""
    return [_site(item) for item in _received.items(answer.get("sites"))[:_MOST] if isinstance(item, Mapping)]


def notices_of(answer: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Return what a host says besides, in printable text."""
    found = [item for item in _received.items(answer.get("notices"))[:_MOST] if isinstance(item, Mapping)]
    return [(_received.text(item.get("what")), _received.text(item.get("hint"))) for item in found]


def _site(plain: Mapping[str, Any]) -> Site:
    name, values = _received.name(plain.get("name")), _received.mapping(plain.get("values"))
    return Site(
        name=name if is_writable(name) and _NAME.match(name) else "site",
        values={name: [_item(one) for one in _received.items(values.get(name))[:_MOST]] for name, _list in VARIABLES},
        notices=notices_of(plain),
    )


def _item(plain: Any) -> Item:
    found = _received.mapping(plain)
    value = found.get("value")
    kept = {str(key): one for key, one in value.items()} if isinstance(value, Mapping) else _received.name(value)
    return Item(kept, _received.text(found.get("why")))


# --- YAML


def is_writable(value: Any) -> bool:
    """Tell whether a value can stand in an inventory: printable, and nothing that Ansible would take for a template."""
    if isinstance(value, Mapping):
        return all(is_writable(key) and is_writable(item) for key, item in value.items())
    if isinstance(value, (bool, int)):
        return True
    return isinstance(value, str) and bool(value) and value.isprintable() and not _TEMPLATE.search(value)


def scalar(value: Any) -> str:
    """Return a value as YAML, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join("{0}: {1}".format(scalar(key), scalar(item)) for key, item in value.items()) + "}"
    if not isinstance(value, str):
        return json.dumps(value)
    return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)


def _is_plain(value: str) -> bool:
    """Tell whether YAML reads a text as that text: it makes numbers and dates of some, and fails at others."""
    try:
        return bool(_PLAIN.match(value)) and yaml.safe_load(value) == value
    except (ValueError, yaml.YAMLError):
        return False


def inventory_text(pairs: Sequence[Pair], hosts: Mapping[str, Mapping[str, Any]], path: str) -> str:
    """Return the whole file.

    :param hosts: host -> how it is reached, of :data:`CONNECTION`
    :param path: where the file is to lie, for the commands in its head
    """
    lines = [*_head(pairs, path), "---", "all:", "  children:"]
    alone = len(pairs) == 1
    for group in ("old", "new"):
        names = [getattr(pair, group) for pair in pairs if getattr(pair, group)]
        lines += ["    {0}:".format(group), "      hosts:" if names else "      hosts: {}  # name the new host here"]
        for pair in pairs:
            lines += _host(group, pair, hosts, alone)
    if alone:
        lines += ["  vars:", *_indented(_sites(pairs[0].sites), 4)]
    return "\n".join(lines) + "\n"


def _head(pairs: Sequence[Pair], path: str) -> List[str]:
    told = ", ".join(pair.old for pair in pairs)
    head = "What {0} told of its sites. Each value says where it comes from: read them, list every obstacle, then move:"
    lines = [
        *_comment(head.format(told)),
        "#   ansible-playbook relocate.django.move -i {0} --check".format(path),
        "#   ansible-playbook relocate.django.move -i {0}".format(path),
    ]
    for pair in pairs:
        for what, hint in pair.notices:
            lines += ["#", *_comment("{0}: {1}. Next: {2}".format(pair.old, what, hint))]
    return lines


def _host(group: str, pair: Pair, hosts: Mapping[str, Mapping[str, Any]], alone: bool) -> List[str]:
    name = getattr(pair, group)
    if not name:
        return []
    known = [(key, hosts.get(name, {}).get(key)) for key in CONNECTION]
    lines = [
        "  {0}: {1}".format(key, scalar(value)) for key, value in known if value is not None and is_writable(value)
    ]
    if group == "new" and not alone:
        lines += ["  relocate_from: " + scalar(pair.old), *_indented(_sites(pair.sites), 2)]
    return _indented([scalar(name) + ":", *lines], 8)


def _sites(sites: Sequence[Site]) -> List[str]:
    if not sites:
        return ["# No site was found: set relocate_path to the directory that holds manage.py, and see README.md."]
    if len(sites) == 1:
        return [*_notices(sites[0]), "relocate_site: " + scalar(sites[0].name), *_values(sites[0], "relocate_")]
    lines = ["relocate_sites:"]
    for site in sites:
        body = [*_values(site, "")]
        lines += [*_indented(_notices(site), 2), "  - name: " + scalar(site.name), *_indented(body, 4)]
    return lines


def _notices(site: Site) -> Iterator[str]:
    for what, hint in site.notices:
        yield from _comment("Not moved: {0}. Next: {1}".format(what, hint) if hint else what)


def _values(site: Site, prefix: str) -> Iterator[str]:
    for name, is_list in VARIABLES:
        items = [item for item in site.values.get(name, ()) if is_writable(item.value)]
        for item in site.values.get(name, ()):
            if not is_writable(item.value):
                yield from _comment(
                    "Not written, since it is not printable or could be a template: {0}{1} {2}".format(
                        prefix, name, _received.text(item.value)
                    )
                )
        if items and is_list:
            yield "{0}{1}:".format(prefix, name)
            for item in items:
                yield from _with_why("  - " + scalar(item.value), item.why)
        elif items:
            yield from _with_why("{0}{1}: {2}".format(prefix, name, scalar(items[0].value)), items[0].why)


def _with_why(line: str, why: str) -> List[str]:
    """The line with its comment; above it, when both are too long for one line."""
    whole = "{0}  # {1}".format(line, why) if why else line
    if len(whole) <= _LINE or not why:
        return [whole]
    blanks = " " * (len(line) - len(line.lstrip()))
    return [*_indented(_comment(why), len(blanks)), line]


def _comment(text: str) -> List[str]:
    return ["# " + line for line in textwrap.wrap(text, _LINE - 2, break_on_hyphens=False) or [""]]


def _indented(lines: Any, by: int) -> List[str]:
    return [" " * by + line for line in lines]


# --- what a file lacks


def missing_in(there: str, proposed: str) -> List[str]:
    """Return the lines of a proposed inventory that a file lacks, without their comments; heads of lists are left out.

    Only what was found is shown: the file may hold passwords.
    """
    known = {_bare(line) for line in there.splitlines()}
    found = [_bare(line) for line in proposed.splitlines()]
    return list(dict.fromkeys(line for line in found if line and not line.endswith(":") and line not in known))


def _bare(line: str) -> str:
    text = line.strip()
    return "" if text.startswith("#") else text.partition("  # ")[0].strip()


def summary(pairs: Sequence[Pair]) -> Dict[str, Any]:
    """Return how many values were found and what is left to the reader, for the last line of a run."""
    sites = [site for pair in pairs for site in pair.sites]
    count = sum(len(items) for site in sites for items in site.values.values())
    told = sum(len(site.notices) for site in sites) + sum(len(pair.notices) for pair in pairs)
    return {"sites": [site.name for site in sites], "values": count, "notices": told}
