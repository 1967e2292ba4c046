# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drives age: the program that encrypts files to public keys, and decrypts them. Nothing of that is ours.

Contents pass by files or pipes, so memory stays flat whatever their size. An identity, which is what decrypts, reaches
age by its standard input, or by a pipe: it is in no command line, no environment and no file of ours.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import IO, Iterator, List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import replaced
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    require_program,
    run,
)

SUFFIX = ".age"
_RECIPIENT = re.compile(r"age1[a-z0-9]{20,4000}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( [^\x00-\x1f]*)?")
_WRONG = re.compile(r"no identity matched|incorrect identity", re.IGNORECASE)
_STDIN = "/dev/stdin"
_ROOM = 65536  # bytes that a pipe takes without a reader (Linux, pipe(7))


def check_recipients(recipients: Sequence[str]) -> None:
    """Refuse what nothing can be encrypted to. Raises bad_option, program_missing; without recipients nothing."""
    if not recipients:
        return
    for number, one in enumerate(recipients, 1):
        if not _RECIPIENT.fullmatch(one):  # which may be a private key: it is not shown
            raise RelocateError(
                "bad_option",
                "entry {0} of relocate_age_recipients is no public key".format(number),
                "list what age-keygen -y prints (age1...), or public keys of SSH (ssh-ed25519 ...)",
            )
    done = run(Command(_encrypting(recipients)), stdin=b"")
    if done.rc:
        raise RelocateError(
            "bad_option",
            "age does not take relocate_age_recipients: {0}".format(_said(done)),
            "list what age-keygen -y prints (age1...), or public keys of SSH (ssh-ed25519 ...)",
        )


def encrypt(source: str, target: str, recipients: Sequence[str]) -> None:
    """Write a file encrypted, durably and in one step. Raises encryption_failed."""
    with open(source, "rb", opener=_no_link) as stream, replaced(target) as out:
        done = run(Command(_encrypting(recipients)), stdin=stream, stdout=out)
        if done.rc:
            raise _failed(source, done)


def decrypt(source: str, out: IO[bytes], identity: str) -> None:
    """Write a file decrypted. Raises identity_wrong, encryption_failed: what was written is of no use then.

    :param identity: the text of it
    """
    argv = [_program(), "--decrypt", "-i", _STDIN, source]
    done = run(Command(argv), stdin=identity.encode("utf-8", "surrogateescape"), stdout=out)
    if done.rc == 0:
        return
    if _WRONG.search(done.err):
        raise RelocateError(
            "identity_wrong",
            "relocate_age_identity does not open the set: it was encrypted to other recipients",
            "give the identity of one of the recipients that relocate.django.backup_info lists for the set",
        )
    raise _failed(source, done)


def encrypting(recipients: Sequence[str]) -> Command:
    """Return the program that encrypts its input to its output."""
    return Command(_encrypting(recipients))


@contextlib.contextmanager
def decrypting(identity: str) -> Iterator[Command]:
    """Give the program that decrypts its input to its output, once. Raises identity_unusable.

    :param identity: the text of it
    """
    content = identity.encode("utf-8", "surrogateescape")
    if len(content) > _ROOM:
        raise RelocateError(
            "identity_unusable", "age_identity is too long for an identity", "give what age-keygen wrote"
        )
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as sink:
            sink.write(content)
        yield Command([_program(), "--decrypt", "-i", "/dev/fd/{0}".format(reader)], pass_fds=(reader,))
    finally:
        os.close(reader)


def is_age(done: Completed) -> bool:
    """Tell whether a program that ended was age."""
    return os.path.basename(done.argv[0]) == "age"


def failed_at(name: str, done: Completed) -> RelocateError:
    """Return why a file that is no set's could not be encrypted or decrypted.

    :param name: of the file
    """
    if _WRONG.search(done.err):
        return RelocateError(
            "identity_wrong",
            "age_identity does not open {0}: it was encrypted to other recipients".format(name),
            "give the identity of one of the recipients that it was encrypted to",
        )
    return _failed(name, done)


def check_opens(source: str, identity: str) -> None:
    """Decrypt a file to nowhere. Raises what :func:`decrypt` raises."""
    with open(os.devnull, "wb") as nowhere:
        decrypt(source, nowhere, identity)


def _program() -> str:
    return require_program("age", "install the package age")


def _encrypting(recipients: Sequence[str]) -> List[str]:
    return [_program(), "--encrypt", *(word for one in recipients for word in ("-r", one))]


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _said(done: Completed) -> str:
    lines = [line for line in done.err.splitlines() if "AGE-SECRET" not in line and "report unexpected" not in line]
    return last_lines("\n".join(lines), 2)


def _failed(path: str, done: Completed) -> RelocateError:
    if "no space left on device" in done.err.lower():
        return RelocateError("disk_full", "the disk is full", "free space there, then run again")
    if any(word in done.err for word in ("malformed", "identity file", "identity type", "passphrase")):
        return RelocateError(
            "identity_unusable",
            "age cannot use relocate_age_identity: {0}".format(_said(done)),
            "give what age-keygen wrote, or a private key of SSH, without a passphrase",
        )
    return RelocateError(
        "encryption_failed",
        "age exited {0} at {1}: {2}".format(done.rc, os.path.basename(path), _said(done)),
        "see what it names; a set that cannot be decrypted is to be brought again, or another one used",
    )
