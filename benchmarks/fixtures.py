# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""fixture_dump and fixture_load against plain dumpdata and loaddata, on database servers of this machine.

``python benchmarks/fixtures.py --rows 40000 --engine postgresql``: that many objects of ``library``, both ways in one
run, of which only ratios count.
Plain fixtures are given the options without which they lose or refuse rows. Our load includes the migrations, the
constraints and the proof; theirs does not include the migrations. ``--ours`` leaves out the plain commands, which take
hours for a million rows, and ``--from sqlite`` compares a conversion.
"""

from __future__ import annotations

import argparse
import json
import os
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

#: Five related models: two thirds as many rows of a many-to-many relation as objects come on top.
LIBRARY = Path(__file__).resolve().parent / "library"
PLAIN = ("--all", "--natural-foreign", "--natural-primary", "-e", "contenttypes", "-e", "auth.permission")

Figures = dict[str, tuple[float, int]]  # what -> seconds, and MB of the largest process


def measured(what: Callable[[], object]) -> tuple[float, int]:
    """Seconds of a call, and MB of the largest process that it started; in a process of its own."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            begun = time.monotonic()
            what()
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            os.write(sink, json.dumps([time.monotonic() - begun, peak]).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(sink)
    with os.fdopen(source) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    seconds, peak = json.loads(answer)
    return float(seconds), int(peak)


def dumped(project: Project, path: Path, form: str) -> None:
    """Our dump."""
    with project.opened() as site:
        dump.dump_fixture(site, site.engines["default"], str(path), {"format": form})


def loaded(project: Project, path: Path) -> None:
    """Our load, into a database beside the live one, and away with it."""
    with project.opened() as site:
        load.load_fixture(site, site.engines["default"], str(path))
        site.engines["default"].drop("incoming")


def compare(servers: Servers, source: str, engine: str, arguments: argparse.Namespace, directory: Path) -> Figures:
    """Every figure of one source and one target."""
    old = Project(servers, source, f"bench_{source}_{engine}", directory, LIBRARY)
    old.must("migrate", "-v0")
    old.must("fill", "--rows", str(arguments.rows))
    target = Project(servers, engine, f"bench_{source}_{engine}_ours", directory, LIBRARY)
    ours, own_json = directory / "ours.jsonl.zst", directory / "ours.json.gz"
    found = {"fixture_dump": measured(lambda: dumped(old, ours, "lines"))}
    found["fixture_load"] = measured(lambda: loaded(target, ours))
    if arguments.ours:
        return found
    plain = directory / "plain.json"
    found["dumpdata"] = measured(lambda: old.must("dumpdata", *PLAIN, "-o", str(plain)))
    os.system(f"gzip -1 -c {plain} > {own_json}")
    found["fixture_load of the same file"] = measured(lambda: loaded(target, own_json))
    new = Project(servers, engine, f"bench_{source}_{engine}_plain", directory, LIBRARY)
    new.must("migrate", "-v0")
    found["loaddata"] = measured(lambda: new.must("loaddata", str(plain)))
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--from", dest="source", choices=ENGINES)
    parser.add_argument("--ours", action="store_true")
    arguments = parser.parse_args()
    servers = Servers()
    servers.start()
    try:
        for engine in arguments.engine or ENGINES:
            with tempfile.TemporaryDirectory() as name:
                found = compare(servers, arguments.source or engine, engine, arguments, Path(name))
            print(f"{arguments.source or engine} to {engine}, {arguments.rows} rows", flush=True)
            for key, (seconds, peak) in found.items():
                print(f"   {key:32} {seconds:8.1f} s {peak:6} MB", flush=True)
            if not arguments.ours:
                seconds = {key: value for key, (value, _peak) in found.items()}
                dumps, loads = seconds["dumpdata"], seconds["loaddata"]
                whole = (dumps + loads) / (seconds["fixture_dump"] + seconds["fixture_load"])
                same = loads / seconds["fixture_load of the same file"]
                print(f"   dump {dumps / seconds['fixture_dump']:.1f} x, load {loads / seconds['fixture_load']:.1f} x")
                print(f"   both {whole:.1f} x; load of the same file {same:.1f} x", flush=True)
    finally:
        servers.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
