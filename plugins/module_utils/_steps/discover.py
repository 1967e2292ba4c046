# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the Django sites of a host and what an inventory needs of each; nothing is changed.

The readers of ``_discover`` say what the host's configuration holds. Here the project is asked what only it knows, and
all of it becomes values of our variables, each with the reason for it.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    asking,
    certificates,
    installed,
    packaged,
    packages,
    places,
    settings,
    sites,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Guess, Notice
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._discover.settings import Imported
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import held
from ansible_collections.relocate.django.plugins.module_utils._project import project as projects
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._services import answers
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Question
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, software, stores
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host, Values
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_TOPICS = ("databases", "django", *belongings.TOPICS)
#: Project code of root is not run as root: discovery asks for nothing, so nobody can say that it may.
ALLOW_ROOT = False
_SECONDS = 5.0  # for the site to answer one request
_TITLE = re.compile(r"(?is)<title[^>]*>\s*([^<\n]{3,120}?)\s*</title>")


def discover(directory: str, host: Optional[Host] = None) -> Dict[str, Any]:
    """Return ``sites`` and ``notices``, as the module documents them.

    :param directory: ours, which is no file of a site
    """
    host = host or Host.read()
    found = host.sites()
    told = [_told_or_why_not(site, host, directory) for site in found]
    notices = [
        Notice(
            "{0} holds a Django project, and nothing on this host serves it".format(path),
            "add it to the inventory with relocate_allow_unfrozen: true, if it is to be moved",
        )
        for path in places.unserved(site.place.path for site in found)
    ]
    return {"sites": told, "notices": _plain(notices)}


def _plain(notices: Iterable[Notice]) -> List[Dict[str, str]]:
    return [{"what": item.what, "hint": item.hint} for item in notices]


def _told_or_why_not(site: sites.FoundSite, host: Host, directory: str) -> Dict[str, Any]:
    """What is found of one site; what its files hold must not keep others from being found."""
    try:
        return _told(site, host, directory)
    except (OSError, ValueError, RecursionError, RelocateError) as error:
        notice = Notice(
            "{0} could not be looked at: {1}".format(site.place.path, type(error).__name__),
            "look for odd names and values in its units, and describe it by hand",
        )
        path = {"value": site.place.path, "why": site.place.why}
        return {"name": site.name, "values": {"path": [path]}, "notices": _plain([notice])}


def _told(site: sites.FoundSite, host: Host, directory: str) -> Dict[str, Any]:
    place, first = site.place, Values()
    first.add("path", place.path, place.why)
    owner = _owner(place, first)
    imported = _import_settings(place, first) if owner is not None else Imported()
    values = belongings.of_site(site, host, owner, directory, imported.answers)
    if imported.project is not None:
        _name_packages(place, imported.project, imported.answers, host, values)
    _expect_answer(place, host, values)
    notices = [*first.notices, *values.notices]
    if owner is not None:
        notices += stores.notices(imported.answers, belongings.this_host(host.files), owner)
    notices += [Notice(text, "see that it does no harm: each manage.py does it, on new too") for text in held.told()]
    return {"name": site.name, "values": {**first.values, **values.values}, "notices": _plain(notices)}


def _owner(place: Place, values: Values) -> Optional[SystemUser]:
    """The user whom the project's code runs as: manage.py's owner, unless that is root and another one runs it."""
    manage = os.path.join(place.path, "manage.py")
    try:
        other = _runner(place) if os.stat(manage).st_uid == 0 else None
        if other is None:
            return projects.find_owner(manage, None, ALLOW_ROOT)
        values.add("owner", other.name, "runs the project, whose files are root's")
        return other
    except RelocateError as error:
        values.tell(error.msg, error.hint)
    except OSError as error:
        values.tell("{0}: {1}".format(manage, error.strerror), "let root read it")
    return None


def _runner(place: Place) -> Optional[SystemUser]:
    """The first user besides root whom a unit or a web server runs the project as."""
    names = [item.user for item in place.starters] + [web.user for web in place.webs]
    users = [lookup_user(name) for name in dict.fromkeys(names) if name and not name.isdigit()]
    return next((user for user in users if user is not None and user.uid != 0), None)


def _import_settings(place: Place, values: Values) -> Imported:
    """Import the settings as the site's server does."""
    interpreter = _interpreter(place, values)
    named = values.named("owner")
    imported = settings.read(
        place.path,
        place.starters,
        place.webs,
        _TOPICS,
        interpreter,
        owner=named[0] if named else None,
        allow_root=ALLOW_ROOT,
    )
    if imported.settings is not None:
        values.add_all("settings", [imported.settings])
    if imported.project is None:
        values.tell(
            "the settings of {0} do not import: {1}".format(place.path, imported.error or "unknown"),
            "set relocate_settings, relocate_environment or relocate_env_files to what the site's server gives them",
        )
        return imported
    if imported.environment is not None:
        values.add_all("env_files", (Guess(name, imported.environment.why) for name in imported.environment.env_files))
    if imported.lacking:
        values.tell(
            "the settings ask for {0}, which a unit sets".format(", ".join(imported.lacking[:8])),
            "add the file that sets them to relocate_env_files",
        )
    return imported


def _name_packages(place: Place, project: Project, told: Mapping[str, Any], host: Host, values: Values) -> None:
    """Packages of Python that no file names, and of the system."""
    extra: List[Guess] = []
    notices: List[Notice] = []
    names: List[str] = []
    try:
        extra, notices, names = packages.python(project)
    except RelocateError as error:
        values.tell(error.msg, error.hint)
    needs = software.needs(place, project, host, told, names)
    found = packages.system(needs, installed.read(), installed.libraries(), packaged.owners_of)
    values.add_all("pip_extra", extra)
    values.add_all("packages", found.packages.values())
    values.notices += [*notices, *found.notices]


def _interpreter(place: Place, values: Values) -> Optional[str]:
    """The environment that the starters use, when it is another than the one that is found beside manage.py."""
    try:
        own = os.path.dirname(os.path.dirname(projects.find_interpreter(place.path)))
    except RelocateError:
        own = ""
    used = [path for path in place.environments if os.path.realpath(path) != os.path.realpath(own or "/")]
    if (own and own in place.environments) or not used:
        return None
    python = os.path.join(used[0], "bin", "python")
    values.add("interpreter", python, "the environment of its programs")
    return python


def _expect_answer(place: Place, host: Host, values: Values) -> None:
    """Ask the site what new will have to answer."""
    request = asking.best(
        place.webs, certificates.trusted(place.webs, host.files), asking.reaching(place.starters, place.webs)
    )
    if request is None:
        if any(item.listens for item in place.starters) or place.webs:
            what = "no request on this host reaches {0} by a name".format(place.path)
            values.tell(what, "set relocate_answers to one that does")
        return
    answer = answers.ask(Question(request.url, request.host, validate_certs=request.validate_certs), _SECONDS)
    if answer.status == 0 or answer.status >= 500:
        what = "{0} (Host: {1}) answers {2} here".format(request.url, request.host, answer.status or answer.why)
        values.tell(what, "set relocate_answers to a request that the site answers")
        return
    values.add("answers", _expected(request, answer), "what old answers now")


def _expected(request: asking.Request, answer: answers.Answer) -> Dict[str, Any]:
    """An item of relocate_answers; what is as by default is left out."""
    title = _TITLE.search(answer.body)
    shown = title.group(1) if title is not None and title.group(1).isprintable() else ""
    found = {
        "url": request.url,
        "host": request.host,
        "status": 0 if answer.status == 200 else answer.status,
        "contains": shown,
    }
    item: Dict[str, Any] = {key: value for key, value in found.items() if value}
    return item if request.validate_certs else {**item, "validate_certs": False}
