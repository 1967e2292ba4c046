# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that a site has and no file names; precise, because every false alarm costs somebody an hour."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import packages
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import refused

pytestmark = pytest.mark.slow


def dist(name: str, *needs: str, version: str = "1.0", **more: Any) -> dict[str, Any]:
    base = {"name": name, "version": version, "line": f"{name}=={version}", "needs": list(needs)}
    return {**base, "system": False, "local": False, **more}


SITE = [
    dist("Django", "asgiref (<4,>=3.6)", "sqlparse>=0.3.1", "argon2-cffi>=19 ; extra == 'argon2'", version="4.2.16"),
    dist("asgiref", 'typing-extensions>=4 ; python_version < "3.11"'),
    dist("sqlparse"),
    dist("typing_extensions"),
    dist("pip"),
    dist("setuptools"),
    dist("pkg_resources", version="0.0.0"),
]


def found(plain: list[dict[str, Any]], roots: Any) -> list[str]:
    return [item.line for item in packages.unnamed(packages.from_plain(plain), roots)]


@pytest.mark.parametrize(
    ("more", "roots", "expected"),
    [
        ([], {"django": ()}, []),
        ([], {}, ["Django==4.2.16"]),
        ([], None, ["Django==4.2.16"]),
        ([dist("gunicorn", "packaging"), dist("packaging")], {"django": ()}, ["gunicorn==1.0"]),
        ([dist("gunicorn", "packaging"), dist("packaging")], {"django": (), "Gunicorn".lower(): ()}, []),
        # What an extra brings is named only where the extra is.
        ([dist("argon2-cffi")], {"django": ()}, ["argon2-cffi==1.0"]),
        ([dist("argon2_cffi")], {"django": {"argon2"}}, []),
        # A dependency asks for an extra of a third one.
        (
            [
                dist("app", "psycopg[binary]"),
                dist("psycopg", "psycopg-binary; extra == 'binary'"),
                dist("psycopg-binary"),
            ],
            {"django": (), "app": ()},
            [],
        ),
        # Two that need each other are told as one; a third one that nothing leads to is told too.
        ([dist("a", "b"), dist("b", "a"), dist("c")], {"django": ()}, ["a==1.0", "c==1.0"]),
        ([dist("python-apt", system=True)], {"django": ()}, []),
        ([dist("lib", line="lib @ file:///srv/lib", local=True)], {"django": ()}, ["lib @ file:///srv/lib"]),
    ],
)
def test_unnamed(more: list[dict[str, Any]], roots: Any, expected: list[str]) -> None:
    assert found(SITE + more, roots) == expected


@pytest.mark.parametrize(
    ("files", "given", "expected"),
    [
        ({"requirements.txt": "Django[argon2]>=4 ; python_version > '3'\n# gunicorn\ngunicorn  # serves\n"}, (),
         {"django": {"argon2"}, "gunicorn": set()}),
        ({"requirements.txt": "-r more/base.txt\n-c limits.txt\n", "more/base.txt": "Foo_Bar==1 \\\n --hash=sha256:x\n",
          "limits.txt": "baz==3\n"}, (), {"foo-bar": set(), "baz": set()}),
        ({"requirements.txt": "-e git+https://example.org/x.git#egg=Own\nlib @ https://example.org/lib-1.tar.gz\n"}, (),
         {"own": set(), "lib": set()}),
        ({"requirements.txt": "--index-url https://example.org/simple\n-e .\n"}, (), {"local": set()}),
        ({"requirements.txt": "https://example.org/local-1.0-py3-none-any.whl\n"}, (), {"local": set()}),
        ({"requirements.txt": "git+https://example.org/x.git\n"}, (), {"local": set()}),
        ({"requirements.txt": "-r https://example.org/r.txt\n"}, (), None),
        ({"deps.in": "Django\n", "requirements.txt": "x\n"}, ("deps.in",), {"django": set()}),
        ({"poetry.lock": '[[package]]\nname = "django"\nversion = "4"\n'}, (), {"django": set()}),
        ({"uv.lock": '[[package]]\nname = "Foo.Bar"\n'}, (), {"foo-bar": set()}),
        ({"Pipfile.lock": '{"default": {"django": {}}, "develop": {"black": {}}}'}, (),
         {"django": set(), "black": set()}),
        ({"setup.py": "setup()\n"}, (), None),
        ({}, (), None),
    ],
)  # fmt: skip
def test_named(tmp_path: Path, files: dict[str, str], given: Any, expected: Any) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    there = packages.from_plain([dist("local", line="local @ file:///srv/x", local=True), dist("other")])
    assert packages.named(str(tmp_path), given, there) == expected


@pytest.mark.parametrize(
    ("extra", "left", "expected"),
    [
        ((), (), ["gunicorn", "lib", "ipython"]),
        (("gunicorn==21.2.0", "."), (), ["ipython"]),
        (("Gunicorn[gevent]>=20",), ("IPython", "lib"), []),
        ((), ("*",), []),
    ],
)
def test_unaccounted(extra: Any, left: Any, expected: list[str]) -> None:
    plain = [dist("gunicorn"), dist("lib", local=True), dist("ipython")]
    there = [next(item for item in packages.from_plain(plain) if item.name == name["name"]) for name in plain]
    assert [item.name for item in packages.unaccounted(there, extra, left)] == expected


def test_the_refusal_names_the_line_to_add() -> None:
    error = packages.refusal(packages.from_plain([dist("gunicorn", version="21.2.0")]), "the project")
    assert error.code == "packages_unlisted" and "gunicorn==21.2.0" in error.msg
    assert 'relocate_pip_extra: ["gunicorn==21.2.0"]' in error.hint and "relocate_pip_ignored" in error.hint


def test_versions_and_what_is_lacking() -> None:
    before = packages.from_plain([*SITE, dist("gunicorn")])
    after = packages.from_plain([dist("django", version="5.2"), dist("pip", version="25"), dist("asgiref")])
    assert packages.changed_versions(before, after) == ["django 4.2.16 -> 5.2"]
    assert [item.key for item in packages.lacking(before, after)][:2] == ["gunicorn", "pkg-resources"]


def test_a_real_interpreter(tmp_path: Path, python: str, owner: SystemUser) -> None:
    """Credentials in an address stay where they are; the first of two of one name holds."""
    plain = packages.installed(python, owner, {}, "/")
    assert "django" in {item.key for item in packages.from_plain(plain)}
    place = tmp_path / "site-packages" / "secret-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: secret\nVersion: 1.0\nRequires-Dist: Django[argon2]>3\n"
    )
    url = "https://user:canary-token@example.org/secret.git"
    (place / "direct_url.json").write_text(json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}))
    env = {"PYTHONPATH": str(place.parent)}
    plain = packages.installed(sys.executable, current_user(), env, "/")
    (secret,) = [item for item in packages.from_plain(plain) if item.name == "secret"]
    assert "canary" not in json.dumps(plain) and secret.line.endswith("secret.git@c0ffee")
    assert secret.needs == (packages.Need("django", frozenset({"argon2"})),) and not secret.system and not secret.local


@pytest.mark.parametrize(
    ("file", "text", "compiled"),
    [
        ("WHEEL", "Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n", False),
        ("WHEEL", "Tag: cp311-cp311-manylinux_2_17_x86_64\nTag: cp311-cp311-manylinux2014_x86_64\n", True),
        ("WHEEL", "Tag: cp311-cp311-linux_x86_64\n", True),
        ("RECORD", "odd/_odd.cpython-311-x86_64-linux-gnu.so,,\nodd/__init__.py,,\n", True),
        ("RECORD", "odd/__init__.py,,\n", False),
    ],
)
def test_whether_some_of_a_package_is_compiled(tmp_path: Path, file: str, text: str, compiled: bool) -> None:
    place = tmp_path / "site-packages" / "odd-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (place / file).write_text(text)
    plain = packages.installed(sys.executable, current_user(), {"PYTHONPATH": str(place.parent)}, "/")
    (odd,) = [item for item in packages.from_plain(plain) if item.name == "odd"]
    assert odd.compiled is compiled


def test_an_interpreter_that_does_not_tell(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no\nexit 3\n")
    broken.chmod(0o755)
    with refused("probe_failed", r"does not tell its packages \(exit 3\).*pip list"):
        packages.installed(str(broken), current_user(), {}, "/")
