# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python that uv or pyenv brings; both are programs of the test, which leave what the real ones leave."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import interpreters, native
from ansible_collections.relocate.django.plugins.module_utils._project.interpreters import Wanted
from tests.unit.fakes import ROOT_ONLY, reachable

PROXY = {"https_proxy": "http://proxy:3128"}  # what stands behind one is not asked
#: Notes its words and environment, and makes what `uv python install` makes.
UV = """#!/bin/sh
echo "uv $* $UV_PYTHON_INSTALL_DIR $UV_NO_CONFIG $UV_PYTHON_INSTALL_BIN $HOME $(umask)" >> {log}
if [ -e {fail} ]; then cat {fail} >&2; exit 2; fi
case "$2" in
list) [ "$4" = cpython@3.99 ] || echo "cpython-3.12.16-linux-x86_64-gnu    <download available>" ;;
install)
    home=$UV_PYTHON_INSTALL_DIR/cpython-3.12.16-linux-x86_64-gnu
    touch $UV_PYTHON_INSTALL_DIR/.lock && chmod 666 $UV_PYTHON_INSTALL_DIR/.lock
    mkdir -p $home/bin && printf '#!/bin/sh\\necho 3.12.16\\n' > $home/bin/python3.12 && chmod 755 $home/bin/python3.12
    ln -s $home $UV_PYTHON_INSTALL_DIR/cpython-3.12-linux-x86_64-gnu ;;
esac
"""
PYENV = """#!/bin/sh
echo "pyenv $* $PYENV_ROOT" >> {log}
home=$PYENV_ROOT/versions/3.12.4
mkdir -p $home/bin && printf '#!/bin/sh\\n' > $home/bin/python3.12 && chmod 755 $home/bin/python3.12
if [ -e {fail} ]; then exit 1; fi
"""


class Host:
    """A host with uv and pyenv in a directory of root's."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top, self.log, self.fail = place / "opt", place / "log", place / "fail"
        self.programs = place / "programs"
        self.programs.mkdir()
        for name, text in (("uv", UV), ("pyenv", PYENV)):
            path = self.programs / name
            path.write_text(text.format(log=self.log, fail=self.fail))
            path.chmod(0o755)
        monkeypatch.setattr(interpreters, "find_program", self._find)
        monkeypatch.setattr(interpreters, "_is_roots", lambda path: "owners" not in path)
        monkeypatch.setattr(native, "_is_here", lambda _thing: True)
        monkeypatch.setitem(interpreters._PLACES, "pyenv", ())

    def _find(self, name: str, extra: Any = ()) -> str | None:
        for place in (*extra, str(self.programs)):
            if os.access(f"{place}/{name}", os.X_OK):
                return f"{place}/{name}"
        return None

    def wanted(self, python: str = "3.12", source: str = "uv", **env: str) -> Wanted:
        return Wanted(python, source, {**PROXY, **env}, str(self.top))

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    tmp_path.chmod(0o755)
    return Host(tmp_path, monkeypatch)


def test_uv_brings_a_python_that_anybody_can_run(host: Host) -> None:
    wanted = host.wanted()
    assert interpreters.obstacles(wanted) == [] and interpreters.find(wanted) == ""
    assert not host.top.exists()  # nothing is changed by asking
    with pytest.raises(RelocateError, match="interpreter_not_found"):
        interpreters.program(wanted)
    assert interpreters.install(wanted)
    path = f"{host.top}/python/cpython-3.12.16-linux-x86_64-gnu/bin/python3.12"
    assert interpreters.find(wanted) == interpreters.program(wanted) == path
    assert f"uv python install cpython@3.12 {host.top}/python 1 0 /nonexistent 0022" in host.said()
    for place in (host.top, host.top / "python", Path(path)):
        assert place.stat().st_mode & 0o055 == 0o055
    assert (host.top / "python" / ".lock").stat().st_mode & 0o777 == 0o600, "nobody else may hold it"
    assert not interpreters.install(wanted)
    assert host.said().count("install") == 1
    assert interpreters.find(host.wanted("3.12.16")) == path
    for other in ("3.1", "3.12.1", "3.13"):
        assert interpreters.find(Wanted(other, "uv", {}, str(host.top))) == ""


def test_the_newest_counts(host: Host) -> None:
    interpreters.install(host.wanted())
    for version in ("3.12.9", "3.12.100", "3.12.99"):
        program = host.top / "python" / f"cpython-{version}-linux-x86_64-gnu" / "bin" / "python3.12"
        program.parent.mkdir(parents=True)
        program.touch(0o755)
    assert "cpython-3.12.100-" in interpreters.find(host.wanted())
    (host.top / "python" / "cpython-3.12.200-linux-x86_64-gnu").mkdir()  # without a program
    assert "cpython-3.12.100-" in interpreters.find(host.wanted())


def test_a_failure_is_scrubbed_and_says_what_else_to_do(host: Host) -> None:
    host.fail.write_text("error: https://me:s3cret@mirror/ refuses hunter2-hunter2\n")
    with pytest.raises(RelocateError) as caught:
        interpreters.install(
            host.wanted(UV_PYTHON_INSTALL_MIRROR="https://me:s3cret@mirror/", MIRROR_TOKEN="hunter2-hunter2")
        )
    assert caught.value.code == "python_unavailable" and "relocate_python_from: system" in caught.value.hint
    assert "s3cret" not in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_version_that_uv_does_not_know(host: Host) -> None:
    [found] = interpreters.obstacles(host.wanted("3.99"))
    assert found.code == "python_unavailable" and "knows no Python 3.99" in found.msg
    with pytest.raises(RelocateError, match="knows no Python"):
        interpreters.install(host.wanted("3.99"))
    assert not host.top.exists()


@pytest.mark.parametrize(
    ("python", "said"),
    [("python3", "in quotes"), ("", "in quotes"), ("3", "in quotes"), ("3.12; id", "in quotes"),
     ("../3.12", "in quotes"), ("3.1", "3.10"), ("3.12\n", "in quotes"), ("2.7", "in quotes")],
)  # fmt: skip
@pytest.mark.parametrize("source", ["uv", "pyenv"])
def test_what_is_no_version(host: Host, python: str, source: str, said: str) -> None:
    for ask in (interpreters.obstacles, interpreters.install, interpreters.program):
        with pytest.raises(RelocateError, match="bad_option") as caught:
            ask(host.wanted(python, source))
        assert said in caught.value.hint
    assert not host.said()


def test_the_systems_own_is_a_program(host: Host) -> None:
    wanted = Wanted("/opt/python/bin/python3")
    assert interpreters.program(wanted) == wanted.python
    assert interpreters.obstacles(wanted) == [] and not interpreters.install(wanted) and not host.said()


# --- whether it can be had


@pytest.fixture
def address() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/releases"
    server.shutdown()
    thread.join()
    server.server_close()


def test_addresses_that_new_reaches(host: Host, address: str, tmp_path: Path) -> None:
    closed = "http://127.0.0.1:1/releases"
    for env, count in (
        ({"UV_PYTHON_INSTALL_MIRROR": address}, 0),
        ({"UV_PYTHON_INSTALL_MIRROR": closed}, 1),
        ({"UV_PYTHON_INSTALL_MIRROR": closed, **PROXY}, 0),
        ({"UV_PYTHON_INSTALL_MIRROR": f"file://{tmp_path}"}, 0),
        ({"UV_PYTHON_INSTALL_MIRROR": f"file://{tmp_path}/gone"}, 1),
        ({"UV_PYTHON_INSTALL_MIRROR": "http://[bad/"}, 1),
    ):
        found = interpreters.obstacles(Wanted("3.12", "uv", env, str(host.top)))
        assert [item.code for item in found] == ["python_unavailable"] * count
        assert all("UV_PYTHON_INSTALL_MIRROR" in item.hint for item in found)
    (host.programs / "uv").unlink()
    env = {"UV_PYTHON_INSTALL_MIRROR": address, "PIP_INDEX_URL": closed}
    [found_index] = interpreters.obstacles(Wanted("3.12", "uv", env, str(host.top)))
    assert "127.0.0.1, which uv needs" in found_index.msg


def test_uv_itself_comes_from_the_index(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = (host.programs / "uv").read_text()
    (host.programs / "uv").unlink()
    python = host.programs / "python3"
    python.write_text(f"""#!/bin/sh
echo "python $* $PIP_INDEX_URL $PYTHONPATH" >> {host.log}
case "$3" in
venv) mkdir -p $4/bin; cp "$0" $4/bin/python ;;
pip) cat > {host.top}/uv/bin/uv <<'EOT'
{uv}EOT
    chmod 755 {host.top}/uv/bin/uv ;;
esac
""")
    python.chmod(0o755)
    monkeypatch.setattr(interpreters, "require_program", lambda name, _hint: str(host.programs / name))
    wanted = host.wanted(PIP_INDEX_URL="https://index/simple", PYTHONPATH="/srv/shop", PIP_TARGET="/srv/shop")
    assert interpreters.install(wanted) and interpreters.find(wanted)
    assert f"python -I -m venv {host.top}/uv https://index/simple \n" in host.said()
    assert "python -I -m pip install --quiet uv https://index/simple \n" in host.said()
    assert interpreters._tool(wanted) == f"{host.top}/uv/bin/uv"


@pytest.mark.parametrize("name", ["PIP_FIND_LINKS", "PIP_INDEX_URL", "UV_PYTHON_INSTALL_MIRROR", "SSL_CERT_FILE"])
@pytest.mark.parametrize(
    "value", ["/srv/owners/x", "file:///srv/owners/x", "https://a/ /srv/owners/x", "relative/owners"]
)
def test_root_installs_nothing_that_another_user_wrote(host: Host, name: str, value: str) -> None:
    with pytest.raises(RelocateError, match=r"bad_option.*users other than root"):
        interpreters.install(host.wanted(**{name: value}))
    assert not host.said()


@ROOT_ONLY
def test_whose_a_directory_is(tmp_path: Path) -> None:
    place = reachable(tmp_path) / "x"
    place.mkdir()
    os.chown(place, 1, 1)
    assert not interpreters._is_roots(str(place)) and not interpreters._is_roots(str(place / "y"))
    assert interpreters._is_roots("/usr/local/bin") and not interpreters._is_roots("relative")


def test_a_program_that_another_user_can_exchange_is_not_started(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_is_roots", lambda _path: False)
    assert interpreters._tool(host.wanted()) is None
    [found] = interpreters.obstacles(Wanted("3.12", "pyenv", {}, str(host.top)))
    assert found.code == "python_unavailable" and "pyenv is not on new" in found.msg


# --- pyenv


def test_pyenv_compiles_one(host: Host) -> None:
    wanted = host.wanted(source="pyenv")
    host.fail.touch()
    with pytest.raises(RelocateError, match="python_unavailable"):
        interpreters.install(wanted)
    assert interpreters.find(wanted) == ""  # half of one is not one
    host.fail.unlink()
    assert interpreters.install(wanted) and not interpreters.install(wanted)
    assert interpreters.program(wanted) == f"{host.top}/pyenv/versions/3.12.4/bin/python3.12"
    assert host.said().count(f"pyenv install --force 3.12 {host.top}/pyenv") == 2


def test_what_pyenv_needs(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_is_here", lambda thing: "gcc" in thing.signs)
    env = {"PYTHON_BUILD_MIRROR_URL": "http://127.0.0.1:1/"}
    found = interpreters.obstacles(Wanted("3.12", "pyenv", env, str(host.top)))
    assert [item.code for item in found] == ["build_tools_missing", "python_unavailable"]
    assert "zlib1g-dev, libssl-dev, libffi-dev" in found[0].hint and "PYTHON_BUILD_MIRROR_URL" in found[1].hint
