# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Lists what is installed for an interpreter, and what each distribution needs; runs in that interpreter.

``packages.py`` sends this file to ``PYTHON -`` with a marker as the only argument. Neither Django nor the project is
imported, so that it works before the settings do. Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import json
import os
import sys
import urllib.parse
from typing import Any, Dict, Iterable, List

Found = Dict[str, Any]


def _line(name: str, version: str, direct: Dict[str, Any]) -> str:
    """Return what pip freeze would say, as far as a move needs it."""
    parts = urllib.parse.urlsplit(str(direct.get("url", "")))
    url = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))  # without credentials
    if "vcs_info" in direct:
        info = direct["vcs_info"]
        return "{0} @ {1}+{2}@{3}".format(name, info.get("vcs", "git"), url, info.get("commit_id", ""))
    return "{0} @ {1}".format(name, url) if url else "{0}=={1}".format(name, version)


def topic_packages() -> List[str]:
    """The installed distributions as ``pip freeze`` writes them, out of their metadata."""
    lines: Dict[str, str] = {}
    try:
        from importlib import metadata
    except ImportError:  # before Python 3.8
        import pkg_resources

        return sorted("{0}=={1}".format(item.project_name, item.version) for item in pkg_resources.working_set)
    for item in metadata.distributions():
        name = item.metadata["Name"]
        if name and name.lower() not in ("pip", "setuptools", "wheel"):
            lines.setdefault(name.lower(), _freeze_line(name, item))
    return [lines[name] for name in sorted(lines)]


def _freeze_line(name: str, item: Any) -> str:
    try:
        direct = json.loads(item.read_text("direct_url.json") or "{}")
    except ValueError:
        direct = {}
    url = direct.get("url", "")
    if "vcs_info" in direct:
        url = "{0}+{1}@{2}".format(direct["vcs_info"].get("vcs", "git"), url, direct["vcs_info"].get("commit_id", ""))
        if direct.get("dir_info", {}).get("editable"):
            return "-e {0}#egg={1}".format(url, name)
    elif direct.get("dir_info", {}).get("editable"):
        return "-e {0}".format(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
    return "{0} @ {1}".format(name, url) if url else "{0}=={1}".format(name, item.version)


def _is_system(location: str) -> bool:
    """Tell whether the operating system's packages brought it: new gets those by other means, if at all."""
    base, prefix = (os.path.realpath(getattr(sys, "base_prefix", sys.prefix)), os.path.realpath(sys.prefix))
    place = os.path.realpath(location or prefix) + os.sep
    if place.startswith(prefix + os.sep) and prefix != base:
        return False
    return place.startswith(base + os.sep) and (prefix != base or "dist-packages" in place.split(os.sep))


def _is_compiled(item: Any) -> bool:
    """Tell whether some of a distribution is not Python, by the tags of its wheel, or else by its files."""
    lines = (item.read_text("WHEEL") or "").splitlines()
    tags = [line.strip() for line in lines if line.startswith("Tag:")]
    if tags:
        return not all(tag.endswith("-any") for tag in tags)
    return any(str(path).endswith(".so") for path in item.files or ())


def _entry(name: str, version: str, needs: Iterable[str], location: str, direct: Dict[str, Any]) -> Found:
    parts = os.path.realpath(location).split(os.sep)
    if location and not direct and "site-packages" not in parts and "dist-packages" not in parts:
        direct = {"url": "file://" + location}  # an old kind of editable install
    return {
        "name": name,
        "version": version,
        "line": _line(name, version, direct),
        "needs": list(needs),
        "system": _is_system(location),
        "local": str(direct.get("url", "")).startswith("file:"),
    }


def _by_metadata(metadata: Any) -> List[Found]:
    found = []
    for item in metadata.distributions():
        name = item.metadata["Name"]
        if not name:
            continue
        try:
            direct = json.loads(item.read_text("direct_url.json") or "{}")
        except ValueError:
            direct = {}
        location = str(item.locate_file(""))
        found.append(_entry(name, str(item.version), item.requires or [], location, direct))
        found[-1]["compiled"] = _is_compiled(item)
    return found


def _by_setuptools() -> List[Found]:
    """Before Python 3.8."""
    import pkg_resources

    found = []
    for item in pkg_resources.working_set:
        needs = [str(need) for need in item.requires()]
        found.append(_entry(item.project_name, item.version, needs, item.location or "", {}))
    return found


def distributions() -> List[Found]:
    """Every installed distribution, the first one on the path where two have one name."""
    try:
        from importlib import metadata
    except ImportError:
        return _by_setuptools()
    return _by_metadata(metadata)


def main() -> None:
    """Answer on the original standard output; what .pth files print goes before it."""
    sys.stdout.write(sys.argv[1] + json.dumps(distributions(), ensure_ascii=True) + "\n")
    sys.stdout.flush()
