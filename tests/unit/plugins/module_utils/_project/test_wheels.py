# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""pip is asked for real, with an index in a directory: what it says of a package without a wheel is its own."""

from __future__ import annotations

import io
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._project import native, packages, wheels
from ansible_collections.relocate.django.plugins.module_utils._project.installer import Installer, Setting
from ansible_collections.relocate.django.plugins.module_utils._users import current_user

pytestmark = pytest.mark.slow


def package(name: str, version: str = "1.0", needs: tuple[str, ...] = (), **more: Any) -> packages.Package:
    item = {"name": name, "version": version, "line": f"{name}=={version}", "needs": list(needs), "system": False,
            "local": False, **more}  # fmt: skip
    return packages.from_plain([item])[0]


class Index:
    """A package index in a directory."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.wheel("pip", "99.0")

    def wheel(self, name: str, version: str = "1.0", tag: str = "py3-none-any") -> None:
        info, files = f"{name}-{version}.dist-info", io.BytesIO()
        with zipfile.ZipFile(files, "w") as archive:
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            archive.writestr(f"{info}/RECORD", "")
        self._add(name, f"{name}-{version}-{tag}.whl", files.getvalue())

    def source(self, name: str, version: str = "1.0") -> None:
        """A source whose setup.py must not be run to learn that it is one."""
        files, text = io.BytesIO(), b"raise SystemExit('it was run')"
        with tarfile.open(fileobj=files, mode="w:gz") as archive:
            member = tarfile.TarInfo(f"{name}-{version}/setup.py")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
        self._add(name, f"{name}-{version}.tar.gz", files.getvalue())

    def _add(self, name: str, file: str, content: bytes) -> None:
        place = self.top / name.replace("_", "-")
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(content)
        links = "".join(f'<a href="{item.name}">{item.name}</a>' for item in place.iterdir() if item.suffix != ".html")
        (place / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index")


def installer(tmp_path: Path, index: Index | None, **env: str) -> Installer:
    address = f"file://{index.top}" if index else f"file://{tmp_path}/none"
    given = {"PIP_INDEX_URL": address, "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1", **env}
    setting = Setting(str(tmp_path), current_user(), str(tmp_path / "venv"), "python3", "3.11.2", "", given)
    return Installer(setting, None, 60)


def wanted(
    tmp_path: Path, before: list[packages.Package], text: str = "", method: str = "requirements"
) -> wheels.Wanted:
    place = tempfile.mkdtemp(dir=tmp_path)
    texts = {"requirements.txt": text} if method == "requirements" else {}
    return wheels.Wanted(sys.executable, method, texts, before, place)


def test_packages_without_a_wheel(tmp_path: Path, index: Index) -> None:
    for name in ("alpha", "beta", "delta"):
        index.wheel(name)
    index.source("beta")
    index.source("gamma")
    index.wheel("epsilon", tag="cp27-cp27m-win_amd64")
    index.source("epsilon")
    before = [package(name) for name in ("alpha", "beta", "gamma", "delta", "epsilon")]
    text = "alpha\nbeta\ngamma\ndelta\nepsilon\n"
    asked = wheels.ask(wanted(tmp_path, before, text), installer(tmp_path, index))
    assert asked == wheels.Asked(("epsilon", "gamma"))


@pytest.mark.parametrize("text", ["", "--no-binary beta\n"])
def test_those_that_the_project_wants_built(tmp_path: Path, index: Index, text: str) -> None:
    index.wheel("alpha")
    index.wheel("beta")
    asked = wheels.ask(
        wanted(tmp_path, [package("alpha"), package("beta")], text + "alpha\nbeta\n"), installer(tmp_path, index)
    )
    assert asked == wheels.Asked(("beta",) if text else ())


def test_an_index_that_is_silent_is_no_package_without_a_wheel(tmp_path: Path) -> None:
    asked = wheels.ask(wanted(tmp_path, [package("alpha")], "alpha\n"), installer(tmp_path, None))
    assert asked == wheels.Asked((), "no package index answers new")


@pytest.mark.parametrize(
    ("method", "before", "why"),
    [
        ("requirements", [], "the set does not list them"),
        ("command", ["alpha"], "the versions are not known before they are installed"),
        ("uv", ["alpha"], "the versions are not known before they are installed"),
    ],
)
def test_what_pip_is_not_asked(tmp_path: Path, method: str, before: list[str], why: str) -> None:
    asked = wheels.ask(wanted(tmp_path, [package(name) for name in before], "alpha", method), installer(tmp_path, None))
    assert asked == wheels.Asked((), why)


class Told(Installer):
    """An installer whose pip says so."""

    def __init__(self, tmp_path: Path, rc: int = 1, err: str = "", late: bool = False) -> None:
        super().__init__(installer(tmp_path, None).setting, None, 60)
        self.done, self.late = Completed(("pip",), rc, b"", err.encode()), late

    def ask(self, argv: Any, timeout: float) -> Completed:
        if self.late:
            raise RelocateError("timed_out", "it took too long")
        return self.done


@pytest.mark.parametrize(
    ("err", "late", "why"),
    [
        ("Usage: pip install\n\nno such option: --dry-run\n", False, "it is older than 22.2"),
        ("ERROR: the moon is full\n", False, "it exited 1"),
        ("ERROR: No matching distribution found for pip\n", False, "no package index answers new"),
        ("", True, "its answer took too long"),
    ],
)
def test_why_pip_could_not_be_asked(tmp_path: Path, err: str, late: bool, why: str) -> None:
    question = wanted(tmp_path, [package("alpha")], "alpha\n")
    assert wheels.ask(question, Told(tmp_path, err=err, late=late)) == wheels.Asked((), why)
    question = wanted(tmp_path, [package("alpha")], "alpha\n")
    assert wheels.refuse_lacking(question, Told(tmp_path, err=err, late=late)).endswith(why)


DJANGO = (
    "asgiref (>=3.6)",
    "sqlparse",
    "tzdata ; sys_platform == 'win32'",
    "argon ; extra == 'argon2'",
    'backports.zoneinfo ; python_version < "3.9"',
)
SITE = [
    package("Django", "4.2", DJANGO),
    package("backports.zoneinfo", "0.2.1"),
    *(package(name) for name in ("asgiref", "sqlparse", "tzdata", "argon", "unnamed", "pip")),
    package("local", local=True),
    package("packaged", system=True),
    package("shop", line="shop @ git+https://example.org/shop@abc"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("django\n", ["asgiref==1.0", "backports-zoneinfo==0.2.1 ; python_version < \"3.9\"", "django==4.2",
                      "sqlparse==1.0", "tzdata==1.0 ; sys_platform == 'win32'"]),
        ("Django[argon2]==5.0 # ours\n", ["argon==1.0", "asgiref==1.0",
                                          "backports-zoneinfo==0.2.1 ; python_version < \"3.9\"", "django==5.0",
                                          "sqlparse==1.0", "tzdata==1.0 ; sys_platform == 'win32'"]),
        ("tzdata\nsqlparse==0.4 ; python_version < '4' --hash=sha256:00 \\\n  --hash=sha256:11\n",
         ["sqlparse==0.4 ; python_version < '4'", "tzdata==1.0"]),
        ("shop @ git+https://example.org/shop@abc\nlocal\npackaged\npip\nabsent\n", ["local==1.0"]),
    ],
)  # fmt: skip
def test_what_is_asked_for(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert [line for _key, line in wheels.pins(wanted(tmp_path, SITE, text))] == expected


def test_what_is_asked_for_without_a_requirements_file(tmp_path: Path) -> None:
    lines = dict(wheels.pins(wanted(tmp_path, SITE, method="project")))
    assert lines["backports-zoneinfo"].endswith(' ; python_version < "3.9"') and lines["unnamed"] == "unnamed==1.0"
    assert (
        dict(wheels.pins(wanted(tmp_path, SITE, method="freeze")))["backports-zoneinfo"] == "backports-zoneinfo==0.2.1"
    )


def test_a_set_adds_no_lines_of_its_own(tmp_path: Path) -> None:
    before = [package("a", "1\n-r /etc/passwd"), package("b", needs=("c ; x\n--index-url http://evil",)), package("c"),
              package("-r"), package("d", needs=("e ; python_version > '3' --index-url=x",)), package("e")]  # fmt: skip
    question = wanted(tmp_path, before, method="project")
    assert all("\n" not in line and "--" not in line for _key, line in wheels.pins(question))
    assert {key for key, _line in wheels.pins(question)} == {"b", "d", "e"}


def test_where_packages_come_from(tmp_path: Path) -> None:
    texts = {"requirements/prod.txt": "--extra-index-url https://me:pw@example.org/simple\n-f ../wheels\n--pre\n-i=https://a\n"
                                      "--find-links https://b/\n-r base.txt\n"}  # fmt: skip
    assert wheels._options(texts, "/srv/shop") == [
        "--extra-index-url https://me:pw@example.org/simple",
        "-f /srv/shop/requirements/../wheels",
        "--pre",
        "-i https://a",
        "--find-links https://b/",
    ]


def test_what_new_lacks_is_refused(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.wheel("django", "4.2")
    for name in ("psycopg2", "odd", "plain"):
        index.source(name)
    before = [package("django", "4.2"), package("psycopg2"), package("odd", compiled=True), package("plain")]
    text = "django\npsycopg2\nodd\nplain\n"
    monkeypatch.setattr(native, "_is_here", lambda _thing: True)
    monkeypatch.setattr(wheels, "_has_header", lambda *_args: True)
    assert wheels.refuse_lacking(wanted(tmp_path, before, text), installer(tmp_path, index)) == ""
    monkeypatch.setattr(native, "_is_here", lambda _thing: False)
    with pytest.raises(RelocateError) as caught:
        wheels.refuse_lacking(wanted(tmp_path, before, text), installer(tmp_path, index))
    error = caught.value
    assert error.code == "build_tools_missing"
    assert error.msg == ("odd, psycopg2 are built from source on new, which lacks a compiler (gcc);"
                         " pg_config and libpq-fe.h, of PostgreSQL's client library")  # fmt: skip
    assert "relocate_packages: [build-essential, libpq-dev]" in error.hint
    assert error.details == {"built": ["odd", "psycopg2"], "packages": ["build-essential", "libpq-dev"]}


def test_the_header_of_the_python_itself(tmp_path: Path) -> None:
    told = Told(tmp_path, 0)
    told.done = Completed((), 0, b"False\n")
    assert not wheels._has_header(wanted(tmp_path, []), told)
    assert wheels._has_header(wanted(tmp_path, []), Told(tmp_path, late=True))  # pip will say
