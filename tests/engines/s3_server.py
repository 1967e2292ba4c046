# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that speaks as much of S3 as clients need to list, read, write, copy and delete objects; in memory.

Each access key opens some buckets. Signatures are not computed; who has no key for a bucket is refused.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import hashlib
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import escape

_PAGE = 1000  # keys of an answer, as on the real servers
_WHEN = "2026-11-20T19:30:00.000Z"


@dataclass
class Stored:
    """One object."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    parts: int = 0  # that it was uploaded in: its ETag is then no MD5
    kms: bool = False  # nor is it then, though it looks like one, and is another one for each upload
    when: str = _WHEN

    @property
    def etag(self) -> str:
        """Return its MD5, in the quotes of a header."""
        return (
            '"'
            + hashlib.md5(self.body + str(id(self)).encode() * self.kms, usedforsecurity=False).hexdigest()
            + f"-{self.parts}" * bool(self.parts)
            + '"'
        )


@dataclass
class S3:
    """The buckets of a running server."""

    address: str = ""
    buckets: dict[str, dict[str, Stored]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)  # access key -> buckets
    kms: set[str] = field(default_factory=set)  # buckets that encrypt by SSE-KMS by default
    encrypted: set[tuple[str, str]] = field(default_factory=set)  # what clients asked for, by and with what key
    written: int = 0
    fails_after: int = -1  # writes until the server gives up; -1 for never
    seen: list[str] = field(default_factory=list)  # methods of all requests

    def put(self, bucket: str, names: dict[str, bytes], **more: Any) -> None:
        """Store objects from within."""
        self.buckets.setdefault(bucket, {}).update({name: Stored(body, **more) for name, body in names.items()})

    def held(self, bucket: str) -> dict[str, bytes]:
        """Return what a bucket holds."""
        return {name: item.body for name, item in self.buckets[bucket].items()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: S3

    def log_message(self, *_words: object) -> None:
        """Print nothing."""

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        sent = {"Content-Length": str(len(body)), **(headers or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _work(self) -> None:
        self.s3.seen.append(self.command)
        url = urllib.parse.urlsplit(self.path)
        bucket, _slash, name = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = query.get("X-Amz-Credential") or self.headers.get("Authorization", "").partition("Credential=")[2]
        if bucket not in self.s3.keys.get(said.partition("/")[0], set()):
            self._refuse(403, "AccessDenied")
        elif bucket not in self.s3.buckets:
            self._refuse(404, "NoSuchBucket")
        elif not name:
            self._list(bucket, query)
        else:
            self._object(bucket, name, body)

    do_GET = do_HEAD = do_PUT = do_DELETE = _work  # noqa: N815  (names that the base class calls)

    def _object(self, bucket: str, name: str, body: bytes) -> None:
        there = self.s3.buckets[bucket]
        if self.command == "PUT":
            self._put(there, name, body, bucket in self.s3.kms)
        elif self.command == "DELETE":
            there.pop(name, None)
            self._answer(204)
        elif name in there:
            item = there[name]
            written = email.utils.format_datetime(datetime.datetime.fromisoformat(item.when), usegmt=True)
            shown = {"ETag": item.etag, "Last-Modified": written, **item.headers}
            shown["Content-Length"] = str(len(item.body))
            self._answer(200, item.body, shown)
        else:
            self._refuse(404, "NoSuchKey")

    def _put(self, there: dict[str, Stored], name: str, body: bytes, kms: bool) -> None:
        if self.s3.fails_after == 0:
            self._refuse(403, "AccessDenied")
            return
        self.s3.fails_after -= self.s3.fails_after > 0
        kept = {
            key: value for key, value in self.headers.items() if key.lower().startswith(("x-amz-meta", "content-t"))
        }
        source = self.headers.get("x-amz-copy-source", "")
        if source:
            origin, _slash, key = urllib.parse.unquote(source).lstrip("/").partition("/")
            copied = self.s3.buckets[origin][key]
            body, kept = copied.body, {**copied.headers, **kept}
        self.s3.written += 1
        asked = "x-amz-server-side-encryption"
        self.s3.encrypted.add((self.headers.get(asked, ""), self.headers.get(asked + "-aws-kms-key-id", "")))
        there[name] = Stored(body, kept, kms=kms)
        text = (
            f"<CopyObjectResult><ETag>{there[name].etag}</ETag><LastModified>{_WHEN}</LastModified></CopyObjectResult>"
        )
        self._answer(200, text.encode() if source else b"", {"ETag": there[name].etag})

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        after = query.get("continuation-token") or query.get("marker") or ""
        prefix, mark = query.get("prefix", ""), query.get("delimiter", "")
        names = sorted(name for name in self.s3.buckets[bucket] if name.startswith(prefix) and name > after)
        below = sorted({_first(name, prefix, mark) for name in names} - {""})
        page = [name for name in names if not _first(name, prefix, mark)]
        more, page = page[_PAGE:], page[:_PAGE]
        parts = [f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>", f"<Name>{bucket}</Name>"]
        if more:
            last = _shown(page[-1], query)
            parts.append(f"<NextMarker>{last}</NextMarker><NextContinuationToken>{last}</NextContinuationToken>")
        for name in page:
            item = self.s3.buckets[bucket][name]
            parts.append(
                f"<Contents><Key>{_shown(name, query)}</Key><LastModified>{item.when}</LastModified><ETag>"
                f"{escape(item.etag)}</ETag><Size>{len(item.body)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        parts += [f"<CommonPrefixes><Prefix>{_shown(one, query)}</Prefix></CommonPrefixes>" for one in below]
        if query.get("encoding-type"):
            parts.append("<EncodingType>url</EncodingType>")
        self._answer(200, f"<ListBucketResult>{''.join(parts)}</ListBucketResult>".encode())


def _shown(name: str, query: dict[str, str]) -> str:
    return urllib.parse.quote(name) if query.get("encoding-type") else escape(name)


def _first(name: str, prefix: str, mark: str) -> str:
    rest = name[len(prefix) :]
    return prefix + rest.partition(mark)[0] + mark if mark and mark in rest else ""


@contextlib.contextmanager
def served() -> Iterator[S3]:
    """Run a server of this machine until the block ends."""
    found = S3()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"s3": found}))
    server.daemon_threads = True
    found.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
