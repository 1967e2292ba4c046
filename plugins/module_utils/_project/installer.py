# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs installers of packages as the project's owner, and turns their failures into one error that says what helps."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, run
from ansible_collections.relocate.django.plugins.module_utils._progress import PACKAGES, Amount
from ansible_collections.relocate.django.plugins.module_utils._project import build_failures, native
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import mask_urls
from ansible_collections.relocate.django.plugins.module_utils._project.python_support import INSTALLS
from ansible_collections.relocate.django.plugins.module_utils._project.venv_secrets import collect_secrets
from ansible_collections.relocate.django.plugins.module_utils._secrets import scrub
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOO_OLD = re.compile(r"(?i)requires a different python|requires-python|requires python|not supported on this python")
#: How pip tells of each package that it has found.
_FOUND = re.compile(rb"^(?:Collecting|Processing|Obtaining) ", re.MULTILINE)
_LATER = "; they are installed before packages are built when the same command is run again"


@dataclass(frozen=True)
class Setting:
    """The environment that an installer works for."""

    path: str  # the project's directory
    owner: Optional[SystemUser]
    venv: str  # absolute
    python: str  # the program that makes it
    python_version: str
    old_version: str  # of Python, on old
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # for installers, some of it secret


class Installer:
    """Runs installers with one environment."""

    def __init__(self, setting: Setting, on_line: Optional[Callable[[str], None]], timeout: float) -> None:
        self.setting, self._on_line, self._timeout = setting, on_line, timeout
        found: "set[str]" = set()
        collect_secrets("", dict(setting.env), found)
        self._secrets = sorted(found)

    def env(self) -> Dict[str, str]:
        """Return the variables that installers get."""
        venv = self.setting.venv
        env = {
            "PATH": "{0}/bin:{1}".format(venv, _PATH),
            "VIRTUAL_ENV": venv,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_PROGRESS_BAR": "off",
            "UV_PROJECT_ENVIRONMENT": venv,
            "UV_PYTHON": self.setting.python,
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "POETRY_VIRTUALENVS_IN_PROJECT": "true",
            "PIPENV_NOSPIN": "1",
            "PIPENV_YES": "1",
        }
        env.update(self.setting.env)
        return env

    def run(self, argv: Sequence[str]) -> Completed:
        """Run one. Raises environment_failed, python_too_old, build_tools_missing, timed_out."""
        result = self.ask(argv, self._timeout)
        if result.rc != 0:
            raise self._failed(argv, result)
        return result

    def ask(self, argv: Sequence[str], timeout: float) -> Completed:
        """Run one that may fail. Raises timed_out."""
        command = Command(argv, self.setting.owner, self.env(), self.setting.path, umask=0o022, family=True)
        on_line = self._show if self._on_line else None
        return run(command, timeout=timeout, on_line=on_line, measure=(PACKAGES, packages_of))

    def write(self, path: str, text: str) -> str:
        """Write a new file as the owner."""
        return write_as(self.setting.owner, path, text)

    def _show(self, line: str) -> None:
        if self._on_line is not None:
            self._on_line(self.scrubbed(line))

    def scrubbed(self, text: str) -> str:
        """Return what a program printed, without what is secret."""
        return mask_urls(scrub(text, self._secrets))

    def _failed(self, argv: Sequence[str], result: Completed) -> RelocateError:
        if _TOO_OLD.search(result.err) is None:
            explained = build_failures.explain(result.out + "\n" + result.err)
            if explained:
                return build_refusal(explained, series_of(self.setting))
        text = self.scrubbed(build_failures.telling(result.err or result.out))
        msg = "{0} exited {1}: {2}".format(_short(argv), result.rc, text)
        recorded, new = self.setting.old_version, self.setting.python_version
        if recorded and series(recorded) != series(new):
            msg += "\nold has Python {0}, new has {1}".format(recorded, new)
        if _TOO_OLD.search(result.err):
            hint = "install a Python on new that the packages support, and set relocate_python to it" + INSTALLS
            return RelocateError("python_too_old", msg, hint)
        hint = "look at these lines; credentials of a package index may be missing on new, or programs, which"
        return RelocateError("environment_failed", msg, hint + " relocate_packages installs")


def packages_of(output: bytes) -> Amount:
    """Return how many packages pip has found by now, and whether it installs them."""
    installs = b"\nInstalling collected packages" in output
    return Amount(len(_FOUND.findall(output)), 0, "installing" if installs else "collecting")


def write_as(owner: Optional[SystemUser], path: str, text: str) -> str:
    """Write a new file as the owner, so that no link that is planted there leads root astray."""
    with acting_as(owner), files.created(path) as stream:
        stream.write(text.encode("utf-8"))
    return path


def series(version: str) -> str:
    """Return a version's first two parts."""
    return ".".join(version.split(".")[:2])


def series_of(setting: Setting) -> str:
    """Return the series of a Python that is not the system's own by its name; "" for python3."""
    return "" if os.path.basename(setting.python) in ("python3", "python") else series(setting.python_version)


def build_refusal(explained: build_failures.Explained, python: str = "") -> RelocateError:
    """Return the error for what a build on new did not find.

    :param python: the series of the Python that builds, where that is not the system's own
    """
    lacking = [native.words(explained.things)] if explained.things else []
    lacking += list(explained.others)
    names = native.packages(explained.things, python)
    return lacking_refusal(explained.packages, lacking, names, explained.others)


def lacking_refusal(
    built: Sequence[str], lacking: Sequence[str], names: Sequence[str], others: Sequence[str] = ()
) -> RelocateError:
    """Return the error for what new lacks to build packages with.

    :param built: Python packages that are built from source
    :param names: packages of Debian that bring it
    :param others: programs and headers whose packages are not known
    """
    what = ", ".join(built[:8]) or "a package"
    msg = "{0} {1} built from source on new, which lacks {2}".format(
        what, "are" if len(built) > 1 else "is", "; ".join(lacking)
    )
    hints: List[str] = []
    if names:
        hints.append("add to relocate_packages: [{0}] (by their names in Debian)".format(", ".join(names)))
    if others:
        hints.append(
            "name in relocate_packages what brings {0} (apt-file search finds it)".format(", ".join(others[:4]))
        )
    details = {"built": list(built), "packages": list(names)}
    return RelocateError("build_tools_missing", msg, "; ".join(hints) + _LATER, details)


def _short(argv: Sequence[str]) -> str:
    words = [os.path.basename(argv[0])] + [word for word in argv[1:] if "/" not in word and "://" not in word]
    return " ".join(words[:5])
