# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipes of real programs: what is put in, and how much of what comes out is kept."""

from __future__ import annotations

import sys
import time

import pytest

from ansible_collections.relocate.django.plugins.module_utils._process import Command, pipeline, run
from tests.unit.plugins.module_utils.programs import MIB


def python(code: str, **options: object) -> Command:
    return Command(["/usr/bin/env", sys.executable, "-c", code], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("stdin", [b"", b"few", b"x" * (3 * MIB)], ids=len)
def test_input(stdin: bytes) -> None:
    assert run(Command(["wc", "-c"]), stdin=stdin).out.strip() == str(len(stdin))


def test_a_program_that_does_not_read_its_input() -> None:
    assert run(Command(["true"]), stdin=b"x" * MIB).rc == 0


def test_output_is_bounded_and_its_end_kept() -> None:
    code = "import sys\nfor s in (sys.stdout, sys.stderr):\n s.write('x' * (20 << 20) + 'END')"
    done = run(python(code))
    for text in (done.stdout, done.stderr):
        assert len(text) == MIB
        assert text.endswith(b"xEND")


def test_lines_as_they_come() -> None:
    lines: list[str] = []
    code = "import sys; sys.stderr.write('one\\ntwo\\n\\xe9'); sys.stderr.write('y' * 300000)"
    done = run(python(code), on_line=lines.append)
    assert lines[:2] == ["one", "two"]
    assert max(map(len, lines)) <= 65536  # a line without end is cut
    assert "".join(lines[2:]).endswith("y" * 300000)
    assert len(done.err) > 300000


def test_many_lines_are_fast() -> None:
    seen: list[int] = []
    code = "import sys; sys.stderr.write(('z' * 99 + '\\n') * 60000)"
    began = time.monotonic()
    run(python(code), on_line=lambda line: seen.append(len(line)))
    assert len(seen) == 60000
    assert time.monotonic() - began < 30  # minutes, if each line cost what the whole does


def test_a_pipeline_moves_much() -> None:
    done = pipeline([Command(["head", "-c", str(50 * MIB), "/dev/zero"]), Command(["wc", "-c"])])
    assert done[1].out.strip() == str(50 * MIB)
