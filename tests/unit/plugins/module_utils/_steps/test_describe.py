# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a site."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._steps import backup, describe
from tests.unit.fakes import FakeEngine, fake_site, me, state
from tests.unit.plugins.module_utils._steps.both_hosts import project

__all__ = ["project"]  # fixtures


def test_describe_site_is_plain_and_holds_no_secret(project: Path) -> None:
    import json

    media = project / "media"
    media.mkdir()
    (media / "a").write_text("abc")
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.facts["django"]["media_root"] = str(media)
    found = describe.describe_site(site)
    text = json.dumps(found)
    assert "s3cret-Canary" not in text
    assert found["databases"]["default"]["facts"]["tables"] == 2
    assert found["databases"]["default"]["has_password"] is True
    assert found["media"]["bytes"] == 3
    assert found["project"]["interpreter"] == "venv/bin/python"
    assert len(found["revision"]["commit"]) == 40
    assert found["packages"] == {"lines": ["Django==5.2"]}


def test_where_the_settings_log_to_and_whose_that_is(project: Path, tmp_path: Path) -> None:
    (project / "logs").mkdir(mode=0o750)
    current = tmp_path / "current"
    current.symlink_to(project)
    site = fake_site(current, FakeEngine(databases={LIVE: state()}))
    site.facts["django"]["log_files"] = [f"{os.path.realpath(project)}/logs/site.log", "/no-such-place/x.log"]
    found = describe.describe_site(site)
    assert found["django"]["log_files"] == [f"{current}/logs/site.log", "/no-such-place/x.log"]
    assert found["log_directories"][-1] == {
        "path": f"{current}/logs", "mode": 0o750, "owner": me().name, "group": (project / "logs").group()
    }  # fmt: skip
    assert backup.django_of(site)["log_files"] == found["django"]["log_files"]
