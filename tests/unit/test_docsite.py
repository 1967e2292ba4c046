# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each guide is in the contents of Galaxy and of our own site, in one order."""

from __future__ import annotations

import re

import yaml

from tests.unit import sources


def test_every_guide_is_in_both_contents() -> None:
    pages = {path.stem for path in (sources.ROOT / "docs/docsite/rst").glob("*.rst")}
    sections = yaml.safe_load((sources.ROOT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    of_galaxy = [page for section in sections for page in section["toctree"]]
    index = (sources.ROOT / "tests/tools/docsite/index.md").read_text(encoding="utf-8")
    assert re.findall(r"^reference/docsite/(\w+)$", index, re.M) == of_galaxy
    assert set(of_galaxy) == pages and len(of_galaxy) == len(pages)
