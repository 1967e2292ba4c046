# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a site."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._steps import describe
from tests.unit.fakes import FakeEngine, fake_site, state
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
