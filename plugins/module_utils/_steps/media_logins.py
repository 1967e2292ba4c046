# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what opens the buckets of a site: out of the project's settings, and out of a file of root's for old's."""

from __future__ import annotations

from typing import Dict, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.private import read_private
from ansible_collections.relocate.django.plugins.module_utils._media.objects import Login
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._project import answers, env_files
from ansible_collections.relocate.django.plugins.module_utils._site import Site

_FILE = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


def read(site: Site, credentials_file: Optional[str]) -> Dict[str, Login]:
    """Return what opens new's buckets, by user of the storage; under ``old``, what opens old's where it is given.

    :param credentials_file: for old's, on this host
    """
    plain = answers.ask(site.project, ["store_logins"], secrets=True)["store_logins"]
    found = {item["user"]: Login(item["key"], item["secret"], item["token"]) for item in plain}
    if credentials_file:
        found["old"] = given(credentials_file)
    for login in found.values():
        site.secrets.remember(*login.secrets)
    return found


def given(path: str) -> Login:
    """Return the credentials in a file of this host that root alone can read. Raises bad_option."""
    said = env_files.parse(read_private(path, "bad_option"))
    unknown = sorted(set(said) - set(_FILE))
    if unknown or "AWS_SECRET_ACCESS_KEY" not in said or "AWS_ACCESS_KEY_ID" not in said:
        raise RelocateError(
            "bad_option",
            "relocate_media_credentials_file: {0} {1}".format(
                path, "sets {0}".format(printable(", ".join(unknown))) if unknown else "lacks a key"
            ),
            "write AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where there is one, into it",
        )
    return Login(**{_FILE[name]: value for name, value in said.items()})
