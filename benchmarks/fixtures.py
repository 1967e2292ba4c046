# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""fixture_dump and fixture_load against plain dumpdata and loaddata, on database servers of this machine.

``python benchmarks/fixtures.py --rows 40000 --engine postgresql``: both ways in one run, of which only ratios count.
Plain fixtures are given the options without which they lose or refuse rows. Our load includes the migrations, the
constraints and the proof; theirs does not include the migrations.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "build" / "collections"))

from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from tests.engines.fixture_sites import ENGINES, Project, Servers

PLAIN = ("--all", "--natural-foreign", "--natural-primary", "-e", "contenttypes", "-e", "auth.permission")


def timed(what: Callable[[], object]) -> float:
    """Seconds of a call."""
    begun = time.monotonic()
    what()
    return time.monotonic() - begun


def compare(servers: Servers, engine: str, rows: int, directory: Path) -> dict[str, float]:
    """Seconds of each of the four."""
    old = Project(servers, engine, f"bench_{engine}", directory)
    old.fill(rows)
    plain, ours = directory / "plain.json", directory / "ours.jsonl.zst"
    found = {"dumpdata": timed(lambda: old.must("dumpdata", *PLAIN, "-o", str(plain)))}
    with old.opened() as site:
        found["fixture_dump"] = timed(lambda: dump.dump_fixture(site, site.engines["default"], str(ours)))
    new = Project(servers, engine, f"bench_{engine}_plain", directory)
    new.must("migrate", "-v0")
    found["loaddata"] = timed(lambda: new.must("loaddata", str(plain)))
    target = Project(servers, engine, f"bench_{engine}_ours", directory)
    with target.opened() as site:
        found["fixture_load"] = timed(lambda: load.load_fixture(site, site.engines["default"], str(ours)))
        site.engines["default"].drop("incoming")
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    arguments = parser.parse_args()
    servers = Servers()
    servers.start()
    try:
        for engine in arguments.engine or ENGINES:
            with tempfile.TemporaryDirectory() as name:
                found = compare(servers, engine, arguments.rows, Path(name))
            dumped, loaded = found["dumpdata"] / found["fixture_dump"], found["loaddata"] / found["fixture_load"]
            print(f"{engine}, {arguments.rows} rows: dump {dumped:.1f} x, load {loaded:.1f} x", flush=True)
            print("   " + ", ".join(f"{key} {seconds:.1f} s" for key, seconds in found.items()), flush=True)
    finally:
        servers.stop()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"largest child, Django's own commands among them: {peak} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
