# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many sites on several pairs, of which one cannot be moved: between directories of this machine.

``RELOCATE_FLEET=5x10`` makes five pairs with ten sites each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engines.local_site import PREFIX, LocalSite, play, write_inventory

PAIRS, SITES = (int(number) for number in os.environ.get("RELOCATE_FLEET", "2x2").split("x"))
#: The site that cannot be moved at first: the last one of the first pair.
BROKEN = (1, SITES)


class Fleet:
    """Sites of several pairs, all made of one."""

    def __init__(self, base: Path) -> None:
        """Make them, and the inventory."""
        first = LocalSite(base / "first")
        first.make()
        self.base = base
        self.sites: dict[tuple[int, int], LocalSite] = {}
        for key in self.keys():
            site = self.sites[key] = LocalSite(base / f"{key[0]}-{key[1]}")
            shutil.copytree(first.base, site.base, symlinks=True)
        for key, site in self.sites.items():
            for text in range(key[1]):
                site.manage("shell", "--command", f"from notes.models import Note; Note.objects.create(text='{text}')")
        hosts = range(1, PAIRS + 1)
        groups = {side: {f"{side}{pair}": self.host(side, pair) for pair in hosts} for side in ("old", "new")}
        common = {**first.common(), "relocate_reports": str(base / "reports"), "relocate_rehearse": "none"}
        common.pop("relocate_site")
        self.inventory = write_inventory(base, common, groups)

    @staticmethod
    def keys() -> list[tuple[int, int]]:
        """Return the numbers of each pair and of its sites."""
        return [(pair, site) for pair in range(1, PAIRS + 1) for site in range(1, SITES + 1)]

    def host(self, side: str, pair: int) -> dict[str, Any]:
        """Return the variables of a host."""
        own = {key: site for key, site in self.sites.items() if key[0] == pair}
        return {
            "relocate_directory": str(self.base / f"{side}{pair}"),
            "relocate_sites": [
                {
                    "name": f"s{number}",
                    "path": str(site.new / PREFIX),
                    "old_path": str(site.old / PREFIX),
                }
                for (_pair, number), site in own.items()
            ],
        }

    def moved(self, said: str) -> set[tuple[int, int]]:
        """Return the sites of which a run says that it moved them."""
        found = re.findall(r"(?m)^Site s(\d+): old(\d+) -> new\2: MOVED; proven: rows", said)
        return {(int(pair), int(site)) for site, pair in found}

    def see(self, key: tuple[int, int]) -> None:
        """See that each row of a site is on its own new host."""
        site = self.sites[key]
        rows = site.rows(site.new, "db.sqlite3", "select text from notes_note order by id")
        assert rows == [(str(number),) for number in range(key[1])], key

    def times(self) -> dict[tuple[int, int], tuple[float, float]]:
        """Return when each site that was moved had its turn, as its report says."""
        found = {}
        for path in (self.base / "reports").glob("*.json"):
            told = json.loads(path.read_text())
            if told["status"] == "moved":
                found[int(told["new"][3:]), int(told["site"][1:])] = (told["begun"], told["ended"])
        return found


@pytest.mark.drawn(5, of="local moves")
def test_one_site_of_many_fails_and_the_same_command_moves_it(tmp_path: Path) -> None:
    """Enough is enough where the user says so; no more pairs work at a time than forks; what is left is done later."""
    fleet = Fleet(tmp_path)
    edited = fleet.sites[BROKEN].old / PREFIX / "notes" / "models.py"
    whole = edited.read_text()
    edited.write_text(whole + "# not committed\n")
    everything = set(fleet.keys())

    # One pair at a time, the one with the failure first, so that exactly what comes after it is not begun.
    rc, said = play(fleet.inventory, "move", "--forks", "1", relocate_stop_after=1)
    later = {key for key in everything if key[0] > 1}
    assert rc != 0 and "[dirty_tree]" in said, said
    assert fleet.moved(said) == everything - later - {BROKEN}, said
    last = said.rpartition("TASK [")[2]
    listed = ", ".join(f"s{site} on new{pair}" for pair, site in sorted(later))
    assert f"{len(later)} sites were not begun, since enough had failed (relocate_stop_after): {listed}\n" in last, said
    for key in later:
        assert not fleet.sites[key].new.exists(), key

    # The same without it: the others are moved, the one fails alone, and those of before are left as they are.
    rc, said = play(fleet.inventory, "move", "--forks", "2")
    assert rc != 0 and fleet.moved(said) == later, said
    assert said.count(": was moved before: nothing to do") == 2 * (SITES - 1), said  # in its turn, and at the end
    assert said.count(": NOT BEGUN: there are obstacles") == 2, said
    times = fleet.times()
    begun = sorted(times[key] for key in later)
    for start, _end in begun:
        at_work = {pair for (pair, _site), (since, until) in times.items() if since <= start < until}
        assert len(at_work) <= 2, times

    edited.write_text(whole)
    rc, said = play(fleet.inventory, "move")
    assert rc == 0 and fleet.moved(said) == {BROKEN}, said
    for key in everything:
        fleet.see(key)
