# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The digest of a manifest, noted beside its set."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set import pins
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import LABEL, refused
from tests.unit.plugins.module_utils._set.filled import complete

__all__ = ["complete"]  # fixtures


def test_a_pin_lies_beside_the_sets_and_is_roots(complete: tuple[BackupSet, str], tmp_path: Path) -> None:
    made, digest = complete
    pin = tmp_path / "pins" / "shop" / (LABEL + ".sha256")
    assert pin.read_text() == f"{digest}  manifest.json\n"
    checked = subprocess.run(["sha256sum", "--check", "--quiet", str(pin)], cwd=made.path, check=False)
    assert checked.returncode == 0
    assert [stat.S_IMODE(path.stat().st_mode) for path in (pin, pin.parent, pin.parent.parent)] == [0o600, 0o700, 0o700]
    assert (made.pinned(), made.pinned(digest)) == ("file", "option")
    made.discard()
    assert not pin.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pin: pin.write_text("0" * 63 + "  manifest.json\n"),
        lambda pin: pin.write_text(""),
        lambda pin: pin.write_text(pin.read_text() * 2),
        lambda pin: pin.chmod(0o666),
        lambda pin: (pin.rename(pin.with_suffix(".x")), pin.symlink_to(pin.with_suffix(".x"))),
        lambda pin: (pin.unlink(), os.mkfifo(pin, 0o600)),
    ],
)
def test_what_is_no_pin_is_refused(complete: tuple[BackupSet, str], spoil: Callable[[Path], object]) -> None:
    made, _digest = complete
    spoil(Path(pins.path_of(made.path)))
    with refused("path_refused", "is not a pin.*check what it is, then remove it"):
        made.read()


def test_what_a_transfer_proved_is_pinned(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    pins.forget(made.path)
    assert made.pinned() == "not pinned"
    made.pin(digest)
    assert (made.pinned(), made.read().label) == ("file", LABEL)
