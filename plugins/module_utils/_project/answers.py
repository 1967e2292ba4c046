# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a project what only it knows, by running ``venv_probe`` inside its own interpreter as its owner."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._project import (
    held,
    inside,
    replies,
    venv_held,
    venv_logins,
    venv_models,
    venv_named,
    venv_neighbours,
    venv_opened,
    venv_packages,
    venv_pages,
    venv_probe,
    venv_quiet,
    venv_secrets,
    venv_serving,
    venv_storages,
)
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import mask_urls
from ansible_collections.relocate.django.plugins.module_utils._project.inside import (
    run_inside,
    scrubbed,
    start_error,
    strange,
    unknown_alias,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project

TOPICS = tuple(venv_probe.TOPICS)
#: In the order in which they import each other; the last one's main is run.
PARTS = (
    venv_secrets,
    venv_models,
    venv_opened,
    venv_packages,
    venv_pages,
    venv_named,
    venv_neighbours,
    venv_logins,
    venv_serving,
    venv_storages,
    venv_quiet,
    venv_held,
    venv_probe,
)
#: How drivers say that they could not get in; anything else of a database is query_failed.
_DATABASE_ERRORS = (
    (
        "login_failed",
        re.compile(r"(?i)authentication failed|access denied|role .* does not exist|no password supplied"),
    ),
    (
        "server_unreachable",
        re.compile(
            r"(?i)connection refused|can't connect|could not connect|could not translate|no such file|timed out"
            r"|timeout expired"
        ),
    ),
    ("database_missing", re.compile(r"(?i)database .* does not exist|unknown database|unable to open database")),
)


def ask(
    project: Project,
    what: Sequence[str],
    secrets: bool = False,
    aliases: Iterable[str] = (),
    timeout: float = 120,
    partial: bool = False,
) -> Dict[str, Any]:
    """The project's answers, by topic. The ``topic_*`` functions of ``venv_probe`` and ``venv_models`` make the shapes.

    :param what: topics, of :data:`TOPICS`
    :param secrets: include the passwords of databases, and secret-looking OPTIONS
    :param aliases: for topics about databases; by default each database once
    :param timeout: seconds for the whole answer
    :param partial: a topic that fails becomes ``{"error": {"code", "msg", "hint"}}`` instead of raising

    Raises RelocateError: interpreter_unusable, settings_unknown, settings_failed, unknown_alias, probe_failed,
    login_failed, server_unreachable, database_missing, query_failed, timed_out.
    """
    answers, errors, _secrets = ask_all(project, what, secrets, aliases, timeout)
    if errors and not partial:
        raise next(iter(errors.values()))
    for topic, error in errors.items():
        answers[topic] = {"error": {"code": error.code, "msg": error.msg, "hint": error.hint}}
    return answers


def ask_ahead(
    project: Project, what: Sequence[str], later: Sequence[str], aliases: Sequence[str], timeout: float = 120
) -> Dict[str, Any]:
    """Answer as :func:`ask` does, with secrets; and what later steps will ask where that can be told by now.

    :param later: topics that are answered when no migration is to be applied, and left out when they fail
    """
    answers, errors, _secrets = ask_all(project, what, True, aliases, timeout, more={"later": list(later)})
    for topic in what:
        if topic in errors:
            raise errors[topic]
    return answers


def get_ready(project: Project) -> bool:
    """Have the project loaded before it is asked; False when it cannot be, and is loaded when it is asked."""
    return inside.get_ready(project, PARTS)


def ask_all(
    project: Project,
    what: Sequence[str],
    secrets: bool,
    aliases: Iterable[str],
    timeout: float,
    parts: Sequence[ModuleType] = PARTS,
    more: Optional[Mapping[str, Any]] = None,
) -> Tuple[Dict[str, Any], Dict[str, RelocateError], List[str]]:
    """Answers, the errors of topics that failed, and the project's secrets for scrubbing other output.

    :param parts: a program with topics of its own
    :param more: what those topics want to know, no secrets
    """
    unknown = sorted(set(what) - set(TOPICS)) if parts is PARTS else []
    if unknown:
        raise RelocateError("bad_option", "unknown topic: " + ", ".join(unknown), "known: " + ", ".join(TOPICS))
    request = dict(more or {}, what=list(what), secrets=secrets, aliases=list(aliases))
    reply = run_inside(project, request, parts, timeout)
    try:
        replies.check_topics(reply["answers"], reply["errors"], () if reply["failed"] else what)
        if reply["failed"]:
            replies.check_failure(reply["failed"])
    except ValueError as exc:
        raise strange(project, exc) from None
    known = sorted(set(reply["secrets"]) | set(project.env_secrets()))
    held.note(project, reply, known)
    if reply["failed"]:
        raise start_error(project, reply["failed"], known)
    errors = {topic: _topic_error(topic, error, known) for topic, error in reply["errors"].items()}
    answers: Dict[str, Any] = reply["answers"]
    _scrub(answers, known)
    if "packages" in answers:
        answers["packages"] = _packages(project, answers["packages"], timeout)
    return answers, errors, known


def _scrub(answers: Mapping[str, Any], known: Sequence[str]) -> None:
    """Take secrets out of the texts that project code wrote."""
    for check in answers.get("checks", ()):
        check.update(msg=scrubbed(check["msg"], known), hint=scrubbed(check["hint"], known))
    for failure in answers.get("serving", ()):
        failure.update(msg=scrubbed(failure["msg"], known))
    for raw in answers.get("databases", ()):
        raw["error"] = scrubbed(raw["error"], known)


def secrets_of(project: Project, timeout: float = 120) -> List[str]:
    """Everything secret-looking in settings and environment, for scrubbing what the project's programs print."""
    return ask_all(project, [], False, (), timeout)[2]


def _topic_error(topic: str, error: Mapping[str, Any], secrets: Iterable[str]) -> RelocateError:
    text = scrubbed("\n".join(error["lines"]), secrets)
    if "django.db.utils.Error" in error["types"]:
        code = next((code for code, pattern in _DATABASE_ERRORS if pattern.search(text)), "query_failed")
        message = text[text.find(error["types"][0].rsplit(".", 1)[-1] + ":") :] if error["types"] else text
        return RelocateError(
            code,
            "the project cannot ask its database for {0}: {1}".format(topic, message),
            "check that the database server runs",
        )
    return RelocateError(
        "probe_failed", "the project failed to report its {0}:\n{1}".format(topic, text), "fix what the last line names"
    )


def _packages(project: Project, recorded: List[str], timeout: float) -> Dict[str, Any]:
    """``pip freeze``, which knows every kind of editable install; metadata where pip is absent (uv leaves it out)."""
    env = dict(project.environment(), PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_NO_CACHE_DIR="1")
    argv = [project.interpreter, "-m", "pip", "freeze"]
    result = run(Command(argv, project.owner, env, project.directory), timeout=timeout)
    lines = [line.strip() for line in result.out.splitlines() if line.strip()] if result.rc == 0 else recorded
    return {"method": "pip" if result.rc == 0 else "metadata", "lines": [mask_urls(line) for line in lines]}


# --- databases ---


def databases(project: Project, timeout: float = 120) -> List[Dict[str, Any]]:
    """Every alias with its password, as plain dicts.

    The keys: alias, backend, vendor, name, user, password, has_password, host, port, options, time_zone, test_mirror,
    same_as, error. Raises what :func:`ask` raises.
    """
    found: List[Dict[str, Any]] = ask(project, ["databases"], secrets=True, timeout=timeout)["databases"]
    return found


def select_aliases(raw: Sequence[Mapping[str, Any]], wanted: Iterable[str] = ()) -> List[Mapping[str, Any]]:
    """The databases to move, each once.

    An alias that is wanted but is another one's database gives way to that one. Raises unknown_alias.
    """
    by_alias = {item["alias"]: item for item in raw}
    names = list(wanted) or list(by_alias)
    unknown = set(names) - set(by_alias)
    if unknown:
        raise unknown_alias(unknown, by_alias)
    chosen: Set[str] = {by_alias[name].get("same_as") or name for name in names}
    return [item for item in raw if item["alias"] in chosen]


def to_config(raw: Mapping[str, Any], engine: str) -> DatabaseConfig:
    """One answer of :func:`databases` as the dataclass that engines take."""
    return DatabaseConfig(
        alias=raw["alias"],
        engine=engine,
        backend=raw["backend"],
        name=raw["name"],
        user=raw["user"],
        host=raw["host"],
        port=raw["port"],
        options=raw["options"],
        time_zone=raw["time_zone"],
        password=raw.get("password", ""),
    )
