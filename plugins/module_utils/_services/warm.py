# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a site that has just started for pages, so that its caches are warm before its first visitor comes.

What comes back is told and decides nothing: whether the site is right is asked by its answers, afterwards.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._services import answers
from ansible_collections.relocate.django.plugins.module_utils._services.answers import HEALING, Answer, Question

#: Pages that are asked for at a time: a site that has just started has few processes, and its visitors wait for them.
_AT_ONCE = 4
_LAST = 1.0  # seconds that a page gets at least


@dataclass(frozen=True)
class Warmed:
    """What a page answered; status 0 when nothing came."""

    url: str
    host: str
    status: int
    seconds: float  # that the last request took
    why: str = ""

    def result(self) -> Dict[str, Any]:
        """Return the page as the module does."""
        return {"url": self.url, "host": self.host, "status": self.status, "seconds": self.seconds}

    def told(self) -> Optional[str]:
        """Return what the user should know of it."""
        if 0 < self.status < 400:
            return None
        said = "answers {0}".format(self.status) if self.status else "does not answer: {0}".format(self.why)
        return "relocate_warm: {0} {1}; it was left as cold as it is".format(self.url, said)


def warm(questions: Sequence[Question], timeout: float, given_up: Callable[[], bool] = lambda: False) -> List[Warmed]:
    """Ask for each page once, some at a time, as soon as the site has come up. No failure is raised.

    :param timeout: seconds for all of them
    :param given_up: tells that nobody waits for it any more
    """
    deadline = time.monotonic() + timeout
    found: Dict[int, Warmed] = {}
    left = list(enumerate(questions))
    taking = threading.Lock()

    def work() -> None:
        while True:
            with taking:
                if not left or given_up():
                    return
                number, question = left.pop(0)
            found[number] = _one(question, deadline, given_up)

    threads = [threading.Thread(target=work, daemon=True) for _number in range(min(_AT_ONCE, len(questions)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in sorted(found)]


def _one(question: Question, deadline: float, given_up: Callable[[], bool]) -> Warmed:
    while True:
        begun = time.monotonic()
        answer = answers.ask(question, max(_LAST, deadline - begun))
        took = time.monotonic() - begun
        if not _comes_up(answer) or given_up() or time.monotonic() + answers.PAUSE > deadline:
            return Warmed(question.url, question.host, answer.status, round(took, 2), answer.why)
        time.sleep(answers.PAUSE)


def _comes_up(answer: Answer) -> bool:
    """Tell whether nothing answers yet, or a proxy in place of what it waits for."""
    return answer.status in HEALING or (not answer.status and answer.patience > answers.GRACE)
