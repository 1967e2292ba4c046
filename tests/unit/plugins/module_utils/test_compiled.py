# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import inspect
import marshal
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _compiled
from tests.tools.collection import ROOT

pytestmark = pytest.mark.slow

SOURCE = b"import math\nfound = math.pi\n"


@pytest.fixture(name="kept")
def _kept(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "ours" / "code"
    handle = _compiled.opened(str(place.parent), str(place))
    assert handle is not None
    os.close(handle)
    yield place


def find(place: Path, source: bytes = SOURCE) -> dict[str, object]:
    handle = _compiled.opened(str(place.parent), str(place))
    assert handle is not None
    try:
        names: dict[str, object] = {}
        exec(_compiled.Kept(handle).find(source, "x.py"), names)
        return names
    finally:
        os.close(handle)


def test_what_was_compiled_is_kept_and_found_again(kept: Path) -> None:
    assert find(kept)["found"] == pytest.approx(3.14159, abs=1e-4)
    [path] = kept.iterdir()
    assert path.name == _compiled.Kept.name_of(SOURCE) and path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(marshal.dumps(compile("found = 'what was kept'", "x.py", "exec")))
    assert find(kept)["found"] == "what was kept"
    assert find(kept, SOURCE + b"#")["found"] != "what was kept"


@pytest.mark.parametrize("content", [b"", b"\x00", b"not marshalled", marshal.dumps("no code")])
def test_what_cannot_be_read_is_compiled_anew(kept: Path, content: bytes) -> None:
    (kept / _compiled.Kept.name_of(SOURCE)).write_bytes(content)
    assert "math" in find(kept)
    assert "math" in find(kept)


def test_a_link_is_not_followed(kept: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(marshal.dumps(compile("found = 'of the link'", "x.py", "exec")))
    (kept / _compiled.Kept.name_of(SOURCE)).symlink_to(other)
    assert find(kept)["found"] != "of the link"


def test_a_directory_that_others_can_read_or_write_is_not_used(kept: Path) -> None:
    kept.chmod(0o711)
    assert _compiled.opened(str(kept.parent), str(kept)) is None
    kept.rmdir()
    kept.symlink_to(kept.parent)
    assert _compiled.opened(str(kept.parent), str(kept)) is None
    assert _compiled.opened("/proc/none", "/proc/none/code") is None


def test_a_directory_that_has_grown_is_emptied(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find(kept)
    find(kept, b"other = 1")
    monkeypatch.setattr(_compiled, "_MOST", 1)
    handle = _compiled.opened(str(kept.parent), str(kept))
    assert handle is not None and list(kept.iterdir()) == []
    os.close(handle)


def test_only_code_is_taken_out_of_the_archive(tmp_path: Path) -> None:
    """A module knows its source, its file and its package; others and packages are left to Python."""
    top = "ansible_collections/relocate/django/plugins/module_utils"
    archive = tmp_path / "sent.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr(top + "/_thing.py", "def said():\n    return 'é'\n")
        content.writestr(top + "/_wing/__init__.py", "")
    finder = _compiled._Finder(_compiled.Kept(None))
    package = top.replace("/", ".")
    where = ["{0}/{1}".format(archive, top)]
    spec = finder.find_spec(package + "._thing", [str(tmp_path), *where])
    assert spec is not None and spec.loader is not None and spec.origin == where[0] + "/_thing.py"
    module = ModuleType(spec.name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    spec.loader.exec_module(module)
    assert module.said() == "é" and inspect.getsource(module) == "def said():\n    return 'é'\n"
    assert finder.find_spec(package + "._wing", where) is None
    assert finder.find_spec(package + "._other", where) is None
    assert finder.find_spec("other._thing", where) is None


def test_modules_use_it_before_they_import_anything_else_of_ours(tmp_path: Path) -> None:
    """As Ansible does: the whole collection in an archive, one module imported out of it."""
    archive, base = tmp_path / "sent.zip", tmp_path / "run"
    with zipfile.ZipFile(archive, "w") as content:
        for path in sorted((ROOT / "plugins").rglob("*.py")):
            inside = "ansible_collections/relocate/django/{0}".format(path.relative_to(ROOT))
            text = path.read_text(encoding="utf-8").replace('"/run/relocate"', repr(str(base)))
            content.writestr(inside, text)
        names = [info.filename for info in content.infolist()]
        packages = {part for name in names for part in parents(name)}
        for part in sorted(packages - {name.rpartition("/")[0] for name in names if name.endswith("/__init__.py")}):
            content.writestr(part + "/__init__.py", "")
    program = "import sys; sys.path.insert(0, sys.argv[1]); import ansible_collections.relocate.django.plugins.{0}"
    module = program.format("modules.restore")
    subprocess.run([sys.executable, "-c", module, str(archive)], check=True, cwd=tmp_path)
    kept = len(list((base / "code").iterdir())) if os.geteuid() == 0 else 0
    assert kept > 100 or os.geteuid() != 0


def parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
