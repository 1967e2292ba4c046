# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies MEDIA from one place to another by rclone: object storage on one side, or on both.

rclone runs as the project's owner, to whom files and settings belong. What opens a bucket reaches it by its
environment, which the owner and root alone can read; never by its command line, nor by a file. What is to be copied is
found by lists of both places, with size and checksum, and so is what has arrived: rclone's own word is not taken.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass, field
from typing import IO, Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media.stores import Store
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS

#: Told to rclone by its environment: a version that does not know one of them passes it over.
_ALWAYS = {
    "RCLONE_CONFIG": "/dev/null",
    "RCLONE_S3_NO_CHECK_BUCKET": "true",  # else it tries to make the bucket
    "RCLONE_S3_NO_HEAD": "true",  # what has arrived is listed afterwards
    "RCLONE_RETRIES": "3",
    "RCLONE_LOW_LEVEL_RETRIES": "10",
    "RCLONE_CONTIMEOUT": "20s",
    "RCLONE_TIMEOUT": "2m",
    "RCLONE_TRANSFERS": "8",
    "RCLONE_CHECKERS": "16",
    "RCLONE_LOG_LEVEL": "NOTICE",
}
_LINKS = re.compile(r"NOTICE: (.*): Can't follow symlink")
_MAKES_FILES = 0o022  # what the web server reads, as FILE_UPLOAD_PERMISSIONS has it
_SHOWN = 3
_NO_MD5 = re.compile(r"corrupted on transfer: md5")
#: What to do where ETags look like checksums and are none.
ENCRYPTED = (
    "where a bucket is encrypted by SSE-KMS, say so in the settings of its host, old or new: "
    'AWS_S3_OBJECT_PARAMETERS = {"ServerSideEncryption": "aws:kms"}; then run again'
)
_LOG = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (ERROR|NOTICE|CRITICAL|Failed)\s*:?\s*")
_NO_ACCESS = re.compile(r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|NoCredentialProviders|\b40[13]\b")
_NO_BUCKET = re.compile(r"NoSuchBucket|directory not found|\b404\b")
_NO_SERVER = re.compile(r"connection refused|no such host|i/o timeout|network is unreachable|RequestError")


class Found(NamedTuple):
    """One file or object: its size, its MD5 where that is known, and when it was written, of what is copied."""

    size: int
    md5: str
    time: str = ""  # as the source tells it, by its own clock


@dataclass(frozen=True)
class Login:
    """Opens a bucket. Without a key, rclone looks for itself: the role of the machine, ~/.aws."""

    key: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def secrets(self) -> List[str]:
        """Return what must never be shown."""
        return [value for value in (self.secret, self.token) if value]


@dataclass(frozen=True)
class Place:
    """One side of a copy: a bucket with what opens it, or a directory."""

    store: Optional[Store] = None
    login: Login = Login()
    path: str = ""

    @property
    def shown(self) -> str:
        """Return it for people."""
        return self.store.shown if self.store else self.path

    def remote(self, name: str) -> str:
        """Return it as rclone takes it."""
        if self.store is None:
            return self.path
        return "{0}:{1}".format(name, "/".join(filter(None, (self.store.bucket, self.store.prefix))))

    def environment(self, name: str) -> Dict[str, str]:
        """Return the variables that describe a bucket to rclone."""
        store, login = self.store, self.login
        if store is None:
            return {}
        said = {
            "TYPE": "s3",
            "PROVIDER": "Other" if store.server else "AWS",
            "ENDPOINT": store.endpoint,
            "REGION": store.region,
            "ACL": store.acl,
            # By it rclone also knows which objects have an ETag that is no MD5, and brings that itself.
            "SERVER_SIDE_ENCRYPTION": store.encryption,
            "SSE_KMS_KEY_ID": store.kms_key,
            "FORCE_PATH_STYLE": "false" if store.addressing == "virtual" else "true" if store.server else "",
            "ACCESS_KEY_ID": login.key,
            "SECRET_ACCESS_KEY": login.secret,
            "SESSION_TOKEN": login.token,
            "ENV_AUTH": "" if login.key else "true",
        }
        return {"RCLONE_CONFIG_{0}_{1}".format(name, key): value for key, value in said.items() if value}


@dataclass(frozen=True)
class Difference:
    """Names what a copy has to do."""

    lacking: Sequence[str]  # there is none of it, or another one
    gone: Sequence[str]  # only the target has it
    by_size: int  # names whose checksum one of the places does not know

    @property
    def is_none(self) -> bool:
        """Tell whether both places hold the same."""
        return not self.lacking and not self.gone


def difference(
    source: Dict[str, Found], target: Dict[str, Found], seen: Optional[Mapping[str, Optional[str]]] = None
) -> Difference:
    """Compare two lists by name, size and checksum; without a checksum, by what was copied then.

    :param seen: when each object of the source was written that the target has a copy of; "" where checksums told
        that; None where it is not known
    """
    known = seen or {}
    lacking, by_size = [], 0
    for name, meant in source.items():
        there = target.get(name)
        if there is None or not _is_same(meant, there, known.get(name)):
            lacking.append(name)
        elif not (meant.md5 and there.md5):
            by_size += 1
    return Difference(sorted(lacking), sorted(set(target) - set(source)), by_size)


def _is_same(meant: Found, there: Found, copied: Optional[str]) -> bool:
    if meant.size != there.size:
        return False
    return meant.md5 == there.md5 if meant.md5 and there.md5 else copied in (None, meant.time)


class Copy:
    """A copy from one place to another, by rclone.

    :param write: writes a file that the owner alone can read, and that is gone with this process; returns its path
    :param scrub: takes secrets out of a text
    """

    def __init__(
        self,
        source: Place,
        target: Place,
        owner: Optional[SystemUser],
        write: Callable[[str, str], str],
        scrub: Callable[[str], str],
        runner: Callable[..., Completed] = run,
    ) -> None:
        self.source, self.target = source, target
        #: Symbolic links on the disk that is copied from: no bucket holds such, and rclone passes them over.
        self.links: List[str] = []
        self._owner, self._write, self._scrub, self._run = owner, write, scrub, runner
        self._program = require_program("rclone", "install the package rclone on this host")
        # One name for both where they are opened alike: then the server copies by itself.
        self._alike = _opened_alike(source, target)
        self._environment = {**_ALWAYS, **source.environment("OLD"), **target.environment("NEW")}

    # --- lists

    def of_source(self) -> Dict[str, Found]:
        """List what is to be there."""
        return self._listed(self.source, "OLD")

    def of_target(self) -> Dict[str, Found]:
        """List what is there."""
        return self._listed(self.target, "OLD" if self._alike else "NEW")

    def _listed(self, place: Place, name: str) -> Dict[str, Found]:
        argv = ["lsjson", "--recursive", "--files-only", "--hash", "--no-mimetype"]
        # The time of the list itself: any other one is a request for each object.
        argv.append("--use-server-modtime" if place is self.source else "--no-modtime")
        argv += [] if place.store else ["--hash-type", "md5"]
        with tempfile.TemporaryFile() as stream:
            done = self._call([*argv, place.remote(name)], stdout=stream)
            if done.rc:
                if place is self.target and place.store is None and _NO_BUCKET.search(done.err):
                    return {}  # a directory that nothing was copied to yet
                raise self._failure("rclone cannot list {0}".format(place.shown), done)
            stream.seek(0)
            found = listed(stream)
        if place is self.source and place.store is None:
            self.links = _LINKS.findall(done.err)
        return found

    # --- changes

    def all(self, size: int) -> None:
        """Copy all that is not there yet.

        :param size: bytes of the source, for who watches
        """
        self._copy([], size)

    def some(self, names: Sequence[str], size: int) -> None:
        """Copy these."""
        if names:
            self._copy(["--files-from-raw", self._names("copied", names), "--no-traverse", "--ignore-times"], size)

    def remove(self, names: Sequence[str]) -> None:
        """Delete these from the target."""
        if names:
            name = "OLD" if self._alike else "NEW"
            argv = ["delete", "--files-from-raw", self._names("removed", names), self.target.remote(name)]
            self._must(argv, "rclone cannot delete in {0}".format(self.target.shown))

    def _copy(self, argv: Sequence[str], size: int) -> None:
        target = self.target.remote("OLD" if self._alike else "NEW")
        words = ["copy", "--checksum", *argv, "--stats", "1s", "--stats-log-level", "NOTICE", "--stats-one-line"]
        with PROGRESS.part("objects") as part:
            part.expect(BYTES, size)
            seen = _Seen(part.add)
            said = "rclone cannot copy from {0} to {1}".format(self.source.shown, self.target.shown)
            self._must([*words, self.source.remote("OLD"), target], said, seen.line)

    def _must(self, argv: Sequence[str], what: str, on_line: Optional[Callable[[str], None]] = None) -> None:
        done = self._call(argv, on_line=on_line)
        if done.rc:
            raise self._failure(what, done)

    def _names(self, name: str, names: Iterable[str]) -> str:
        return self._write(name, "".join(one + "\n" for one in names))

    # --- calls

    def _call(self, argv: Sequence[str], **more: Any) -> Completed:
        # Metadata, such as content types, go along from bucket to bucket.
        kept = {"RCLONE_METADATA": "true"} if argv[0] == "copy" and self.source.store and self.target.store else {}
        command = Command(
            [self._program, *argv], self._owner, {**self._environment, **kept}, umask=_MAKES_FILES, family=True
        )
        return self._run(command, **more)

    def _failure(self, what: str, done: Completed) -> RelocateError:
        """Name what failed, by what rclone said; nothing that is secret is in it."""
        text = self._scrub(done.err)
        lines = [_LOG.sub("", line) for line in text.splitlines() if "Failed" in line or "ERROR" in line]
        said = "; ".join(dict.fromkeys(printable(line)[:300] for line in lines[-_SHOWN:])) or "no reason given"
        hint = "see what is wrong there, then run again: what has arrived is not sent again"
        for pattern, better in (
            (_NO_MD5, ENCRYPTED),
            (_NO_SERVER, "see that this host reaches it, then run again"),
            (_NO_ACCESS, "name keys that may read and write there: relocate_media_credentials_file for old's"),
            (_NO_BUCKET, "make the bucket, or correct the settings"),
        ):
            if pattern.search(text):
                hint = better
                break
        return RelocateError("media_not_copied", "{0}: {1}".format(what, said), hint)


class _Seen:
    """Adds up what rclone says that it has copied."""

    _AMOUNT = re.compile(r"([\d.]+) ?([KMGTP]?)i?B? / [\d.]+ ?[KMGTP]?i?B?, ")
    _UNITS = " KMGTP"

    def __init__(self, add: Callable[[int], None]) -> None:
        self._add, self._done = add, 0

    def line(self, text: str) -> None:
        """Take one line of its log."""
        found = self._AMOUNT.search(text)
        if found:
            now = int(float(found.group(1)) * (1 << 10 * self._UNITS.index(found.group(2) or " ")))
            if now > self._done:
                self._add(now - self._done)
                self._done = now


def _opened_alike(source: Place, target: Place) -> bool:
    if source.store is None or target.store is None or source.login != target.login:
        return False
    before, after = source.environment("X"), target.environment("X")
    return before == after


def listed(stream: IO[bytes]) -> Dict[str, Found]:
    """Read a list of rclone, one line an entry, so that a million of them fit into memory. Raises media_not_copied."""
    found: Dict[str, Found] = {}
    whole = False
    for line in stream:
        text = line.strip().rstrip(b",")
        whole = text in (b"]", b"[]")
        if not text or text in (b"[", b"]", b"[]"):
            continue
        try:
            item = json.loads(text)
            name, size = str(item["Path"]), int(item["Size"])
            md5 = str((item.get("Hashes") or {}).get("md5") or "")
            written = str(item.get("ModTime") or "")
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise RelocateError("media_not_copied", "a list of rclone cannot be read", "see its version") from exc
        found[name] = Found(size, md5, written)
    if not whole:
        raise RelocateError("media_not_copied", "a list of rclone ended too early", "run again")
    _refuse_names(found)
    return found


def _refuse_names(found: Dict[str, Found]) -> None:
    """Refuse names that a list with one a line cannot hold. Raises media_skipped."""
    odd = [name for name in found if "\n" in name or "\r" in name]
    if odd:
        shown = ", ".join(printable(name) for name in odd[:_SHOWN])
        raise RelocateError(
            "media_skipped",
            "{0} names hold line breaks: {1}".format(len(odd), shown),
            "rename them on old, or set relocate_media_objects: leave and copy them yourself",
        )


def total(found: Dict[str, Found], names: Optional[Iterable[str]] = None) -> int:
    """Return the bytes of all, or of those that are named."""
    return sum(found[name].size for name in (found if names is None else names))


def only(found: Dict[str, Found], skip: Sequence[str]) -> Dict[str, Found]:
    """Leave out names that stay behind, with all below them."""
    left: Set[str] = set(skip)
    if not left:
        return found

    def stays(name: str) -> bool:
        parts = name.split("/")
        return any("/".join(parts[:count]) in left for count in range(1, len(parts) + 1))

    return {name: item for name, item in found.items() if not stays(name)}
