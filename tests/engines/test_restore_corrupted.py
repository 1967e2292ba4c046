# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random changes of a real set: each is refused, with nothing changed on new, or harmless, which is proven each time.

``RELOCATE_CORRUPTIONS`` says how many are made of each of the two, with and without a pin (default 500);
``RELOCATE_SEED`` makes others than the usual ones. Harmless can only be what :data:`HARMLESS` lists; the proof is that
the restored database and MEDIA equal what was backed up, and, where the manifest was forged, that the result says that
nothing pins it.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._media import inventory
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig
from ansible_collections.relocate.django.plugins.module_utils._modules import restore as restore_module
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import UnversionedFile, from_text, text_of
from ansible_collections.relocate.django.plugins.module_utils._steps import dumps, store_media
from tests.unit.fakes import LABEL, NEWER, fake_site, manifest, me

MANY = int(os.environ.get("RELOCATE_CORRUPTIONS", "500"))
SEED = os.environ.get("RELOCATE_SEED", "sets")
ROWS = """
CREATE TABLE author (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
CREATE TABLE book (
    id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES author (id), title TEXT, price REAL, cover BLOB
);
CREATE INDEX book_title ON book (title);
CREATE VIEW cheap AS SELECT * FROM book WHERE price < 5;
"""
#: What a restore may take, each with the reason why that does no harm.
HARMLESS = {
    "mode or time of a file": "neither is recorded: content is what counts",
    "empty directory": "holds nothing, and nothing reads it",
    "second name of the same file": "the content is what was hashed; nobody but root reaches a set",
    "spaces of a manifest that is not pinned": "every value is what was written, by its checksum",
    "forged manifest that is not pinned": "the data was proven equal; the result says that nothing pins the set",
    "pin removed": "every file agrees with the manifest; the result says that nothing pins it",
}


def state_and_files(engine: SqliteEngine, media: Path) -> tuple[Any, Any]:
    with engine.snapshot(LIVE) as snapshot:
        return snapshot.state(), inventory.inventory(str(media))["digest"] if media.is_dir() else ""


def tree(top: Path) -> dict[str, bytes]:
    """Give all that is on new but the sets: relative path and content."""
    found = {}
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if not name.startswith(("sets", "pins")):
            found[name] = path.read_bytes() if path.is_file() else b"directory"
    return found


class Hosts:
    """Old with a set of a real database and MEDIA, and a new host to restore it on."""

    def __init__(self, path: Path, context: EngineContext, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.context = path, context
        monkeypatch.setattr(checks, "running", lambda *_args: [])
        monkeypatch.setattr(facts, "machine_id", lambda: "0ld")
        media = path / "old" / "media"
        media.mkdir(parents=True)
        (media / "a.jpg").write_bytes(b"picture" * 99)
        (media / "b.jpg").write_bytes(b"other" * 99)
        engine = self.engine(path / "old" / "db.sqlite3")
        with contextlib.closing(sqlite3.connect(engine.config.name)) as connection:
            connection.executescript(ROWS)
            connection.execute("INSERT INTO author VALUES (1, 'Astrid')")
            connection.executemany(
                "INSERT INTO book (author_id, title, price, cover) VALUES (1, ?, ?, ?)",
                ((f"title {number}", number / 7, b"\0\xff" * number) for number in range(40)),
            )
            connection.commit()
        self.expected = state_and_files(engine, media)
        for label in (NEWER, LABEL):
            self.back_up(label, engine, media)
        monkeypatch.setattr(facts, "machine_id", lambda: "n3w")
        self.original = BackupSet.find(str(path / "old"), "shop", LABEL)

    def engine(self, path: Path) -> SqliteEngine:
        config = DatabaseConfig("default", "sqlite", "django.db.backends.sqlite3", str(path))
        return SqliteEngine(config, self.context)

    def back_up(self, label: str, engine: SqliteEngine, media: Path) -> None:
        made = BackupSet.create(str(self.path / "old"), "shop", label, me())
        site = fake_site(self.path / "old", engine, django={"version": "5.2", "python": "3", "media_root": str(media)})
        for name, content in (("code.bundle", b"# v2 git bundle\n" * 9), ("environment.json", b'{"freeze": []}')):
            Path(made.file(name)).write_bytes(content)
        Path(made.file("files/0000")).write_text("SECRET_KEY=x\n")
        entries, _tokens = dumps.dump_all(site, made, frozen=False)
        made.finish(
            manifest(
                label,
                databases=entries,
                media=store_media.media_of(site, made, True, "none"),
                unversioned=(UnversionedFile("/srv/shop/.env", "files/0000", 0o600, "shop", "shop"),),
                sequence=1 if label == LABEL else 2,
            )
        )

    def fresh(self) -> None:
        """Make new as it is before a restore."""
        shutil.rmtree(self.path / "new", ignore_errors=True)
        (self.path / "new").mkdir()

    def copy(self, pinned: bool) -> Path:
        """Bring the set to new, as a user does."""
        target = self.path / "new" / "sets" / "shop" / LABEL
        shutil.rmtree(self.path / "new" / "sets", ignore_errors=True)
        shutil.rmtree(self.path / "new" / "pins", ignore_errors=True)
        shutil.copytree(self.original.path, target)
        if pinned:
            pin = self.path / "new" / "pins" / "shop"
            pin.mkdir(parents=True, mode=0o700)
            shutil.copy(self.path / "old" / "pins" / "shop" / (LABEL + ".sha256"), pin)
        return target

    def restore(self) -> dict[str, Any]:
        params = {"directory": str(self.path / "new"), "site": "shop", "label": LABEL, "manifest_sha256": None}
        params.update(
            state="present",
            sequences="keep",
            allow_same_host=False,
            allow_same_database=False,
            replace=False,
            aliases=[],
        )
        params.update(media=True, services_kept_running=[], verified=False, jobs=1)
        module: Any = SimpleNamespace(params=params, check_mode=False, warn=lambda _line: None)
        django = {"version": "5.2", "python": "3", "media_root": str(self.path / "new" / "media")}
        engine = self.engine(self.path / "new" / "db.sqlite3")
        return restore_module.restore(module, fake_site(self.path / "new", engine, django=django))

    def found(self) -> tuple[Any, Any]:
        return state_and_files(self.engine(self.path / "new" / "db.sqlite3"), self.path / "new" / "media")


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    with SecretStore(str(tmp_path / "secrets")) as secrets:
        yield Hosts(tmp_path, EngineContext(secrets=secrets, compression="none"), monkeypatch)


# --- what is changed; each gives the name by which it may be harmless, or ""

Change = Callable[[random.Random, Path, Hosts], str]


def files_of(path: Path) -> list[Path]:
    return sorted(item for item in path.rglob("*") if item.is_file() and item.name != "manifest.json")


def flip(dice: random.Random, target: Path) -> None:
    content = bytearray(target.read_bytes())
    for _turn in range(dice.choice((1, 1, 3))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    target.write_bytes(content)


def flipped(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    target = dice.choice(files_of(path))
    before = target.read_bytes()
    while target.read_bytes() == before:
        flip(dice, target)
    return ""


def resized(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    target = dice.choice(files_of(path))
    content = target.read_bytes()
    longer = content + dice.randbytes(dice.choice((1, 512, 4096)))
    target.write_bytes(dice.choice((b"", content[: dice.randrange(len(content))], content[1:], longer)))
    return ""


def missing(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    dice.choice(files_of(path)).unlink()
    return ""


def swapped(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    one, other = dice.sample(files_of(path), 2)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return ""


def renamed(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    target = dice.choice(files_of(path))
    target.rename(target.with_name(dice.choice((target.name.upper() + "x", "manifest.json.new", "." + target.name))))
    return ""


def added(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    top = dice.choice((path, path / "databases", path / "files"))
    if dice.random() < 0.4:
        (top / "directory").mkdir()
        return "empty directory"
    (top / dice.choice(("new", ".hidden", "manifest.json.new", "caf\udce9"))).write_bytes(dice.randbytes(9))
    return ""


def linked(dice: random.Random, path: Path, hosts: Hosts) -> str:
    target = dice.choice([*files_of(path), path / "manifest.json"])
    elsewhere = hosts.path / "new" / "sets" / "elsewhere"
    shutil.copy(target, elsewhere)
    target.unlink()
    kind = dice.randrange(4)
    if kind == 0:
        target.symlink_to(elsewhere)
    elif kind == 1:
        os.link(elsewhere, target)
        return "second name of the same file"
    elif kind == 2:
        os.mkfifo(target)
    else:
        target.mkdir()
    return ""


def modes_and_times(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    target = dice.choice(files_of(path))
    target.chmod(dice.choice((0o400, 0o644, 0o777)))
    os.utime(target, (dice.randrange(2**31), dice.randrange(2**31)))
    return "mode or time of a file"


def leaves(plain: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain):
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from leaves(value, (*path, key))


#: What a value of a manifest becomes.
OTHERS: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "../../etc/passwd",
    "/etc/passwd",
    "\0",
    "\udcff",
    [],
    {},
]


def edited(dice: random.Random, path: Path) -> dict[str, Any]:
    """Give the manifest with one value changed, gone, doubled or out of place."""
    text = (path / "manifest.json").read_text()
    plain: dict[str, Any] = json.loads(text)
    while text_of(plain) == text:
        edit(dice, plain)
    return plain


def edit(dice: random.Random, plain: dict[str, Any]) -> None:
    where = dice.choice(list(leaves(plain)))
    holder: Any = plain
    for key in where[:-1]:
        holder = holder[key]
    last, kind = where[-1], dice.randrange(5)
    if kind == 0:
        del holder[last]
    elif kind == 1 and isinstance(holder, list):
        holder.append(holder[last])
    elif kind == 2 and isinstance(holder, list):
        holder.reverse()
    elif kind == 3 and isinstance(holder[last], int):
        holder[last] += dice.choice((-1, 1, 1000))
    elif kind == 4 and isinstance(holder, dict):
        holder[last] = holder[dice.choice(sorted(holder))]
    else:
        holder[last] = dice.choice(OTHERS)


def manifest_edited(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    """An accident, or somebody who does not know of the checksum."""
    plain = edited(dice, path)
    (path / "manifest.json").write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n")
    return ""


def manifest_forged(dice: random.Random, path: Path, _hosts: Hosts) -> str:
    """Somebody who does: only a pin tells."""
    (path / "manifest.json").write_text(text_of(edited(dice, path)))
    return "forged manifest that is not pinned"


def manifest_spoilt(dice: random.Random, path: Path, hosts: Hosts) -> str:
    target, kind = path / "manifest.json", dice.randrange(6)
    text = target.read_text()
    if kind == 0:
        flip(dice, target)
    elif kind == 1:
        target.write_text(text[: dice.randrange(len(text))])
    elif kind == 2:
        target.unlink()
    elif kind == 3:
        shutil.copy(os.path.join(os.path.dirname(hosts.original.path), NEWER, "manifest.json"), target)
    elif kind == 4:
        target.write_bytes(dice.randbytes(99))
    else:
        target.write_text(json.dumps(json.loads(text), indent=dice.choice((None, 2))))
    return "spaces of a manifest that is not pinned"


def pin_changed(dice: random.Random, _path: Path, hosts: Hosts) -> str:
    pin = hosts.path / "new" / "pins" / "shop" / (LABEL + ".sha256")
    pin.parent.mkdir(parents=True, exist_ok=True)
    kind = dice.randrange(4)
    if kind == 0:
        shutil.rmtree(pin.parent)
        return "pin removed"
    with contextlib.suppress(FileNotFoundError):
        pin.unlink()
    if kind == 1:
        pin.write_text("0" * 64 + "  manifest.json\n")
    elif kind == 2:
        pin.write_bytes(dice.randbytes(70))
    else:
        pin.symlink_to(hosts.path / "old" / "pins" / "shop" / (LABEL + ".sha256"))
    return ""


CHANGES: list[Change] = [
    *(flipped, resized, missing, swapped, renamed, added, linked, modes_and_times),
    *(manifest_edited, manifest_forged, manifest_spoilt, manifest_forged, pin_changed),
]


def attempt(hosts: Hosts, change: Change, dice: random.Random, pinned: bool) -> str:
    """Make one change and restore; give how it ended."""
    harmless = change(dice, hosts.copy(pinned), hosts)
    before = tree(hosts.path / "new")
    try:
        result = hosts.restore()
    except RelocateError as error:
        assert tree(hosts.path / "new") == before, "something was changed on new"
        return "refused: " + error.code
    assert harmless in HARMLESS, "a set that was changed was restored"
    assert hosts.found() == hosts.expected, "what was restored is not what was backed up"
    if harmless.startswith("forged"):
        assert result["pinned"] == "not pinned"
    if harmless.startswith("spaces"):
        there = (hosts.path / "new" / "sets" / "shop" / LABEL / "manifest.json").read_text()
        assert from_text(there) == hosts.original.read()
    assert result["pinned"] == ("file" if pinned and harmless != "pin removed" else "not pinned")
    hosts.fresh()
    return "harmless: " + harmless


def test_a_set_that_nobody_changed_is_restored(hosts: Hosts) -> None:
    for pinned in (True, False):
        hosts.fresh()
        hosts.copy(pinned)
        assert hosts.restore()["pinned"] == ("file" if pinned else "not pinned")
        assert hosts.found() == hosts.expected


@pytest.mark.parametrize("pinned", [True, False])
def test_random_changes_of_a_set_are_refused_or_harmless(hosts: Hosts, pinned: bool) -> None:
    hosts.fresh()
    ended: collections.Counter[str] = collections.Counter()
    for number in range(MANY):
        dice = random.Random(f"{SEED} {pinned} {number}")
        change = CHANGES[number % len(CHANGES)]
        try:
            ended[attempt(hosts, change, dice, pinned)] += 1
        except Exception as exc:
            raise AssertionError(f"RELOCATE_SEED={SEED}: change {number}, {change.__name__}") from exc
    assert sum(ended.values()) == MANY
    print("\n" + "\n".join(f"{times:5} {how}" for how, times in sorted(ended.items())))
    assert any(how.startswith("refused: file_") for how in ended)
    if pinned:
        assert not [how for how in ended if "not pinned" in how], "a pin lets no change of the manifest pass"
