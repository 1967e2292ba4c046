# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the code for pages with the data of a backup set in databases beside the live ones.

That is done on new while old serves, before a move; and to prove a set, on whatever host: then the copies are migrated
too, where the code has migrations that they lack. The set is loaded and proven as a restore does it, asked, and
dropped. Nothing else is written, and nobody is told: see ``_project/venv_quiet.py``. A page that fails is an obstacle;
one that fails for what a rehearsal refuses is not, and is named.
"""

from __future__ import annotations

import contextlib
import urllib.parse
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._project import history, migrations, requested
from ansible_collections.relocate.django.plugins.module_utils._project.requested import Asked, Database, Limits, Page
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, check_code, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info, rehearse_set, restore
from ansible_collections.relocate.django.plugins.module_utils._steps.chosen_set import Source
from ansible_collections.relocate.django.plugins.module_utils._steps.old_pages import OldPage, OldPages, shown_title

NONE, FULL = "none", "full"
MOVE, SET = "move", "set"
_PORTS = {"postgresql": 5432, "mysql": 3306}
#: Errors that no refusal brings about.
_CERTAIN = (
    "TemplateDoesNotExist: TemplateSyntaxError: ModuleNotFoundError: ImportError: NoReverseMatch: SyntaxError:"
    " NameError: ProgrammingError: OfflineGenerationError:"
).split()
_ERRORS_OF_DATABASES = ("ProgrammingError:", "OperationalError:")
_HINTS = {
    "ModuleNotFoundError:": "add its package to relocate_pip_extra, or to the project's requirements",
    "TemplateDoesNotExist:": "carry the template by relocate_files, or commit it",
    "FileNotFoundError:": "make it by a command in relocate_build, or carry it by relocate_files",
    "OfflineGenerationError:": "add manage.py compress to relocate_build",
    "ValueError: Missing staticfiles": "see that collectstatic finds the file on new, or commit it",
}
_HINT_OF_SET = "fix the code, or what it needs on this host; the site itself was left alone"
_HINT = "fix it on old, where it may work for a reason that new lacks; relocate_rehearse: none moves without requests"


_GONE = (404, 410)
_HINT_OF_OLD = (
    "see what new lacks: a setting or file of old, a service, a domain; where the difference is meant,"
    " relocate_rehearse_pages: -1 compares nothing, and relocate_rehearse: none moves without requests"
)


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of requests in a rehearsal."""

    access: SiteOptions
    directory: str  # ours
    site: str
    requests: str  # full: the set of the label was made for this; requests: it is older; none
    label: Optional[str]  # of a set; else the newest one that is here
    manifest_sha256: Optional[str]
    answers: Sequence[Mapping[str, Any]] = field(repr=False)  # what the site must answer after the cutover
    allow_same_host: bool  # the machine may be old's
    old_pages: Mapping[str, Any] = field(default_factory=dict)  # what old answers, as preflight told of it
    without: str = ""  # why no set was brought here
    kind: str = MOVE  # move; set: that it can be restored is to be proven
    migrate_limit: int = 3600  # seconds that migrations of the copies may take

    @property
    def is_made_for_this(self) -> bool:
        """Tell whether the set was made in this run."""
        return self.requests == FULL and bool(self.label)

    @property
    def proves(self) -> bool:
        """Tell whether the set itself is rehearsed."""
        return self.kind == SET

    @property
    def where(self) -> str:
        """Return the words for this host."""
        return "here" if self.proves else "on new"

    def restoring(self) -> restore.Options:
        """Return the options of a restore that leaves everything as it is."""
        return restore.Options(
            directory=self.directory,
            site=self.site,
            label=self.label,
            manifest_sha256=self.manifest_sha256,
            state="rehearsed",
            sequences=self.access.sequences,
            aliases=self.access.aliases,
            replace=False,
            verified=False,
            media=False,
            services_kept_running=(),
            allow_same_host=self.allow_same_host or self.proves,
            allow_same_database=self.proves,
            jobs=self.access.jobs,
        )


@dataclass
class Outcome:
    """Holds what was asked, of whose data; ``notes`` says what could not be, and why."""

    label: str = ""
    fresh: bool = True  # the data was copied in this run
    where: str = "on new"
    hint: str = _HINT
    pages: List[Dict[str, Any]] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    migrations: List[Dict[str, Any]] = field(default_factory=list)  # those that the copies got, with their seconds
    measured: Dict[str, Any] = field(default_factory=dict)  # what was compared with the set, by alias
    seconds: Dict[str, float] = field(default_factory=dict)

    def shown(self) -> List[Dict[str, Any]]:
        """Return what a result tells of each request."""
        keys = ("path", "host", "status", "title", "seconds")
        return [{key: page[key] for key in keys} for page in self.pages]


@dataclass(frozen=True)
class Copies:
    """The databases that were loaded, by alias, and the ports that lead to them."""

    databases: Mapping[str, Database]
    ports: Tuple[int, ...]


def ask(options: Options, found: List[Obstacle]) -> Outcome:
    """Load, ask and drop; adds what fails to the obstacles.

    Raises what opening the site raises and, of a set that was made for this or is to be proven, what loading it raises.
    """
    if options.requests == NONE and not options.proves:
        return Outcome()
    if not (options.label or options.proves or BackupSet.labels(options.directory, options.site)):
        why = options.without or "no backup set of the site is at hand"
        return Outcome(notes=["no request was made: {0}; relocate_rehearse: full makes one".format(why)])
    old = old_info.pages_of_old(options.old_pages)
    with open_site(options.access, ("django", "history")) as site:
        try:
            return _with_data(site, options, old, found)
        except RelocateError as error:
            if options.is_made_for_this or options.proves:
                raise
            # Of a set that happens to be there: the move brings another.
            return Outcome(notes=["no request was made: the newest set cannot be loaded: {0}".format(error.msg)])


def _with_data(site: Site, options: Options, old: OldPages, found: List[Obstacle]) -> Outcome:
    """Have the databases of the set beside the live ones for as long as is asked."""
    wanted = options.restoring()
    source = Source.find(wanted.directory, wanted.site, wanted.label, wanted.manifest_sha256)
    hint = _HINT_OF_SET if options.proves else _HINT
    outcome = Outcome(source.backup.label, options.is_made_for_this, options.where, hint, notes=list(old.notes))
    outcome.notes += source.backup.unpinned(wanted.manifest_sha256)
    pending = _pending(site, source)
    if pending and not options.proves:
        text = "no request was made: the code has migrations that the data of {0} lacks: {1}"
        outcome.notes.append(text.format(outcome.label, ", ".join(pending[:3])))
        return outcome
    check_code(site, source.manifest.code)
    kept = RecordFile.read(wanted.directory, wanted.site)
    if options.proves:
        rehearse_set.refuse(site, source.manifest, kept.record)
    planned = restore.plan(site, wanted, source, kept.record)
    parked = [alias for alias, entry in source.manifest.databases.items() if _parks(site, alias, entry.state.objects)]
    pages = with_old(pages_of(options.answers), old.pages)

    def look() -> None:
        with _copies(site) as copies:
            if pending and not _migrate(site, copies, options.migrate_limit, parked, outcome, found):
                return
            if options.requests != NONE:
                judge(_asked(site, pages, copies), parked, outcome, found)

    result = restore.apply(site, wanted, source, kept, planned, look)
    outcome.measured, outcome.seconds = result.measured, site.stopwatch.seconds()
    return outcome


def _pending(site: Site, source: Source) -> List[str]:
    """List migrations of the code that are applied to no database of the set."""
    return history.pending(source.manifest.code.get("migrations") or {}, site.facts["history"])


def _parks(site: Site, alias: str, objects: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether a database has views and routines that its engine makes at the swap only."""
    engine = site.engines.get(alias)
    return engine is not None and engine.name == "mysql" and any(objects.values())


@contextlib.contextmanager
def _copies(site: Site) -> Iterator[Copies]:
    """Let the project's user into what was loaded."""
    databases: Dict[str, Database] = {}
    with contextlib.ExitStack() as stack:
        for alias, engine in site.engines.items():
            config = stack.enter_context(engine.reachable(INCOMING))
            databases[alias] = Database(engine.name, config.name)
        ports = [engine.config.port or _PORTS.get(engine.name, 0) for engine in site.engines.values()]
        yield Copies(databases, tuple(sorted({port for port in ports if port})))


def _migrate(
    site: Site, copies: Copies, limit: float, parked: Sequence[str], outcome: Outcome, found: List[Obstacle]
) -> bool:
    """Migrate the copies; returns whether all is applied."""
    with site.stopwatch.step("migrate"):
        tried = migrations.migrate_copies(site.project, site.secrets, copies.databases, copies.ports, limit)
    outcome.migrations = [vars(one) for one in tried.applied]
    outcome.notes += tried.notes
    obstacles, notes = rehearse_set.judge_migrations(tried, parked, limit)
    found += obstacles
    outcome.notes += notes
    return tried.whole


def _asked(site: Site, pages: Sequence[Page], copies: Copies) -> Asked:
    with site.stopwatch.step("requests"):
        limits = Limits(ports=copies.ports)
        return requested.ask(site.project, site.secrets, copies.databases, pages, limits)


def pages_of(answers: Sequence[Mapping[str, Any]]) -> List[Page]:
    """Turn what the site must answer into requests to the application itself."""
    found = []
    for item in answers:
        parts = urllib.parse.urlsplit(str(item["url"]))
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        host = str(item.get("host") or parts.netloc.rpartition("@")[2])
        found.append(
            Page(
                path,
                host,
                parts.scheme or "http",
                int(item.get("status") or 200),
                str(item.get("contains") or ""),
                {str(key): str(value) for key, value in (item.get("headers") or {}).items()},
            )
        )
    return found


def with_old(pages: Sequence[Page], old: Sequence[OldPage]) -> List[Page]:
    """Add what old answers to the requests of the user, and old's other pages to them."""
    known = {(page.path, page.host): page for page in old}
    found = []
    for page in pages:
        same = known.pop((page.path, page.host), None)
        # What a redirect leads to has another title than old's answer, when the user expects the redirect.
        follows = same is not None and page.status == same.status and not page.headers
        found.append(replace(page, title=same.title) if same and follows else page)
    return found + [
        Page(page.path, page.host, page.scheme, page.status, title=page.title, by_old=True) for page in known.values()
    ]


def judge(asked: Asked, parked: Sequence[str], outcome: Outcome, found: List[Obstacle]) -> None:
    """Sort what came back into obstacles and notes.

    :param parked: databases whose views are not there yet
    """
    outcome.pages = asked.pages
    outcome.notes += asked.notes
    if asked.failed:
        outcome.notes.append("no request was made: the project does not start: {0}".format(asked.failed))
    elif not asked.whole:
        outcome.notes.append("the time was over before all was asked: {0} requests were made".format(len(asked.pages)))
    for page in asked.pages:
        error = page["error"]
        if page["status"] == page["expected"] or (error is None and page["status"] != 500):
            _compare(page, parked, outcome, found)
        elif _is_own_doing(page, parked):
            outcome.notes.append(_not_judged(page))
        else:
            found.append(_failing(page, outcome))


def _compare(page: Mapping[str, Any], parked: Sequence[str], outcome: Outcome, found: List[Obstacle]) -> None:
    """Hold a page that does not fail against what old answers; where nothing is known of that, against the user."""
    odd, differs = _odd(page, outcome.where), _unlike_old(page)
    if page["late"] or not differs:
        outcome.notes += odd
    elif page["refused"] or parked:
        outcome.notes.append("{0}, and it could not be judged: {1}".format(differs, _why_unjudged(page)))
    elif page["status"] == 404 and not page["known"]:
        text = "{0}: the code has no page of that path, so it is the web server that answers it on old"
        outcome.notes.append(text.format(differs))
    elif not outcome.fresh and (page["status"] in _GONE or page["status"] == page["expected"]):
        outcome.notes.append("{0}: the data was as of {1}".format(differs, outcome.label))
    else:
        found.append(Obstacle("answer_differs", differs, _HINT_OF_OLD))


def _unlike_old(page: Mapping[str, Any]) -> str:
    """Say how an answer differs from old's; "" for the same."""
    if page["redirects"]:
        return ""  # what it leads to is compared
    if page["by_old"] and page["status"] != page["expected"]:
        return "{0} answers {1} on new, and {2} on old".format(_shown(page), page["status"], page["expected"])
    title = shown_title(page["title"])
    if page["old_title"] and page["status"] == page["expected"] and title != page["old_title"]:
        text = "{0} has the title {1!r} on new, and {2!r} on old"
        return text.format(_shown(page), title, page["old_title"])
    return ""


def _last(page: Mapping[str, Any]) -> str:
    """Return the line of the exception: it begins with the name of its type."""
    kinds = [name.rpartition(".")[2] + ":" for name in page["error"]["types"][:1]] if page["error"] else []
    lines = [line for line in page["error"]["lines"] if kinds and line.startswith(kinds[0])] if page["error"] else []
    return lines[0] if lines else (page["error"]["lines"][-1] if page["error"] and page["error"]["lines"] else "")


def _is_own_doing(page: Mapping[str, Any], parked: Sequence[str]) -> bool:
    """Tell whether a page may fail for the rehearsal alone."""
    last = _last(page)
    if page["refusal"] or (parked and last.startswith(_ERRORS_OF_DATABASES)):
        return True
    return bool(page["refused"]) and not last.startswith(tuple(_CERTAIN))


def _shown(page: Mapping[str, Any]) -> str:
    return "GET {0} (Host: {1})".format(page["path"].partition("?")[0], page["host"])


def _not_judged(page: Mapping[str, Any]) -> str:
    return "{0} could not be judged: {1}".format(_shown(page), _why_unjudged(page))


def _why_unjudged(page: Mapping[str, Any]) -> str:
    why = page["refusal"] or (page["refused"] or ["read what its database gets at the swap only"])[0]
    return "it wants to {0}, which a rehearsal does not let it".format(why)


def _odd(page: Mapping[str, Any], where: str) -> List[str]:
    """Say what is not as expected, which the server in front of the application may well change."""
    status, expected = page["status"], page["expected"]
    if page["late"]:
        return ["{0} did not end within its time {1}".format(_shown(page), where)]
    if status >= 500 and status != expected:
        return ["{0} answers {1} {2}".format(_shown(page), status, where)]
    if expected and status != expected and not page["redirects"]:
        return ["{0} answers {1} {2}, and {3} is expected".format(_shown(page), status, where, expected)]
    if expected and status == expected and not page["contained"]:
        return ["{0} answers {1} {2} without the expected text".format(_shown(page), status, where)]
    return []


def _failing(page: Mapping[str, Any], outcome: Outcome) -> Obstacle:
    """One obstacle, with the last lines of the traceback."""
    last, where = _last(page), outcome.where
    hint = next((hint for begins, hint in _HINTS.items() if last.startswith(begins)), outcome.hint)
    if page["error"] is None:
        return Obstacle("request_fails", "{0} answers 500 {1}".format(_shown(page), where), outcome.hint)
    lines = "\n      ".join(page["error"]["lines"][-6:])
    return Obstacle("request_fails", "{0} fails {1}: {2}\n      {3}".format(_shown(page), where, last, lines), hint)
