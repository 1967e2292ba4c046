# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files that a test holds in memory, links too."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser


class HeldFiles(ConfigFiles):
    """Files by path.

    :param texts: content by path
    :param links: target by path of a link, as it is written there
    :param writers: who can write a file, when that is not root
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        links: Mapping[str, str] | None = None,
        writers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.held = dict(texts)
        self.links = dict(links or {})
        self.writers = dict(writers or {})

    def as_user(self, user: SystemUser) -> HeldFiles:
        return self

    def writer(self, path: str) -> str:
        return self.writers.get(path, "")

    def text(self, path: str) -> str | None:
        return self.held.get(self.chain(path)[-1])

    def names(self, path: str) -> list[str]:
        top = path.rstrip("/") + "/"
        known = [*self.held, *self.links]
        return sorted({name[len(top) :].partition("/")[0] for name in known if name.startswith(top)})

    def exists(self, path: str) -> bool:
        top = path.rstrip("/") + "/"
        return any(name == path or name.startswith(top) for name in (*self.held, *self.links))

    def chain(self, path: str) -> tuple[str, ...]:
        found = [path]
        while found[-1] in self.links:
            found.append(posixpath.normpath(posixpath.join(posixpath.dirname(found[-1]), self.links[found[-1]])))
        return tuple(found)
