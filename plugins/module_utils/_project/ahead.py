# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a project once for what several steps of one call want to know, since its interpreter starts for each question.

What only code and settings say (:data:`LASTING`) holds as long as the call; what its databases say, until a step has
changed them.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any, Dict, Iterable, Sequence

from ansible_collections.relocate.django.plugins.module_utils._project import answers
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project

#: Topics that no database has a say in.
LASTING = ("databases", "django", "history")


class Ahead:
    """What one project has answered in this call; a question about another one begins anew."""

    def __init__(self) -> None:
        self.shared = False  # whether several steps of one call ask; else each question is one of its own
        self.expected: Sequence[str] = ()  # what later steps will ask, unless this one changes the databases
        self._of = ""
        self._known: Dict[str, Any] = {}

    def ask(self, project: Project, topics: Iterable[str], aliases: Sequence[str]) -> Dict[str, Any]:
        """Return the project's answers, passwords of databases included. Raises what ``answers.ask`` raises."""
        asked = list(topics)
        of = identity(project, aliases)
        if of != self._of or not self.shared:
            self._of, self._known = of, {}
        missing = [topic for topic in asked if topic not in self._known]
        if missing:
            later = [topic for topic in self.expected if topic not in self._known and topic not in missing]
            self._known.update(answers.ask_ahead(project, missing, later, aliases))
        return {topic: copy.deepcopy(self._known[topic]) for topic in asked}

    def changed(self) -> None:
        """Forget what databases said."""
        self._known = {topic: found for topic, found in self._known.items() if topic in LASTING}

    def kept(self) -> Dict[str, Any]:
        """Return what holds beyond this call, for :meth:`use` in another one."""
        return {"of": self._of, "known": {name: found for name, found in self._known.items() if name in LASTING}}

    def use(self, kept: Dict[str, Any]) -> None:
        """Take what an earlier call of the same run was told, if anything was kept of it."""
        if kept:
            self._of, self._known = kept["of"], dict(kept["known"])


def identity(project: Project, aliases: Sequence[str]) -> str:
    """Return what stands for a project, how it is read, and which databases are meant."""
    owner = (project.owner.name, project.owner.uid)
    parts = [project.path, project.interpreter, project.settings, project.manage, owner, sorted(project.env.items())]
    return hashlib.sha256(json.dumps([*parts, sorted(aliases)]).encode("utf-8")).hexdigest()


#: Of this call.
AHEAD = Ahead()
