# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our program in the project's interpreter: as whom it runs, what fails there, and no secret of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from tests.unit.plugins.module_utils._project.asked import CANARY, add_settings, found

pytestmark = pytest.mark.slow


def test_secrets_are_not_on_the_command_line(site: Path, python: str) -> None:
    add_settings(site, "open('cmdline', 'wb').write(open('/proc/self/cmdline', 'rb').read())")
    probe.databases(found(site, python, env={"DB_PASSWORD": "hunter2-hunter2"}))
    assert b"hunter2" not in (site / "cmdline").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
def test_code_runs_as_the_owner(site: Path, python: str, owner: SystemUser) -> None:
    add_settings(site, "open('ids', 'w').write(repr((os.getresuid(), os.getresgid(), 0 in os.getgroups())))")
    project = found(site, python)
    for act in (lambda: probe.ask(project, ["django"]), lambda: probe.run_manage(project, ["check"])):
        act()
        assert (site / "ids").read_text() == repr(((owner.uid,) * 3, (owner.gid,) * 3, False))
        (site / "ids").unlink()


FAILURES = [
    ("import absent_module", "ModuleNotFoundError: No module named 'absent_module'"),
    (f"PASSWORD = {CANARY!r}\nraise ValueError('bad ' + PASSWORD)", "ValueError: bad ********"),
    (f"d = {{'PASSWORD': {CANARY!r} + None}}", "TypeError"),
    ("raise ValueError('see ' + os.environ['DATABASE_URL'])", "ValueError: see postgres://********@h/db"),
    ("import urllib.parse\nurllib.parse.urlsplit(os.environ['DATABASE_URL']).port", "ValueError: Port could not"),
    ("os.environ['ABSENT_SECRET_KEY']", "KeyError: 'ABSENT_SECRET_KEY'"),
    (f"def f(token): raise ValueError(token)\nf({CANARY!r})", "ValueError: ********"),
    ("this is no python", "SyntaxError"),
    ("import sys; sys.exit('leave me')", "SystemExit: leave me"),
    ("DATABASES = {'default': {'ENGINE': 'x', 'PASSWORD': 'very-secret'}}\nraise ValueError(DATABASES)", "ValueError"),
]


@pytest.mark.parametrize(("code", "expected"), FAILURES)
def test_settings_that_fail(site: Path, python: str, code: str, expected: str) -> None:
    add_settings(site, code)
    project = found(site, python, env={"DATABASE_URL": "postgres://u:s3cr#t/w@h/db", "API_TOKEN": CANARY})
    with pytest.raises(RelocateError) as caught:
        probe.ask(project, ["databases"])
    told = str(caught.value)
    assert caught.value.code == "settings_failed" and expected in told
    for secret in (CANARY, "s3cr", "t/w", "very-secret"):
        assert secret not in told and repr(secret)[1:-1] not in told


def test_apps_that_fail_and_settings_nobody_names(site: Path, python: str) -> None:
    add_settings(site, "INSTALLED_APPS.append('absent_app')\nSECRET_KEY = ''")
    project = found(site, python)
    assert probe.databases(project)  # the settings alone are enough
    with pytest.raises(RelocateError, match=r"settings_failed.*apps of settings"):
        probe.ask(project, ["models"])
    (site / "manage.py").write_text("from django.core.management import execute_from_command_line as e\ne()\n")
    with pytest.raises(RelocateError, match="settings_unknown"):
        probe.ask(found(site, python), ["databases"])


def test_manage_py_may_set_the_environment_itself(site: Path, python: str) -> None:
    (site / "manage.py").write_text(
        "import os\nos.environ['DJANGO_' + 'SETTINGS_MODULE'] = 'site1.settings'\nos.environ['NAME'] = 'x.db'\n"
        "from django.core.management import execute_from_command_line\nexecute_from_command_line(['x', 'flush'])\n"
    )
    add_settings(site, "DATABASES['default']['NAME'] = os.environ['NAME']")
    assert probe.databases(found(site, python))[0]["name"] == str(site / "x.db")


def test_interpreter_without_django(site: Path, python: str) -> None:
    (site / "django").mkdir()
    (site / "django" / "__init__.py").write_text("raise ImportError('no module named django')")
    with pytest.raises(RelocateError, match=r"interpreter_unusable.*cannot import Django"):
        probe.ask(found(site, python), ["databases"])


def test_no_answer_and_time_out(site: Path, python: str) -> None:
    add_settings(site, "import time\nif 'SLOW' in os.environ: time.sleep(20)\nelse: os._exit(7)")
    with pytest.raises(RelocateError, match=r"probe_failed.*exited 7"):
        probe.ask(found(site, python), ["databases"])
    with pytest.raises(RelocateError, match="timed_out"):
        probe.ask(found(site, python, env={"SLOW": "1"}), ["databases"], timeout=0.5)


def test_threads_and_noise_do_not_keep_or_confuse(site: Path, python: str) -> None:
    add_settings(
        site,
        "import threading, time, sys\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
        "print('x' * 3000000)\nsys.stdout = None",
    )
    assert probe.ask(found(site, python), ["databases"], timeout=20)["databases"]
