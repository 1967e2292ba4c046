# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A SCRAM-SHA-256 verifier (RFC 5802, RFC 7677), so that the server and its log never see a password in clear."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stringprep
import unicodedata
from typing import Optional

_ITERATIONS = 4096  # PostgreSQL's own
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def scram_verifier(password: str, salt: Optional[bytes] = None) -> str:
    """What PostgreSQL stores for a password: ``SCRAM-SHA-256$4096:SALT$STORED:SERVER``."""
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", prepare(password), salt, _ITERATIONS)
    client_key = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    server_key = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    stored_key = hashlib.sha256(client_key).digest()
    parts = [base64.b64encode(part).decode("ascii") for part in (salt, stored_key, server_key)]
    return "SCRAM-SHA-256${0}:{1}${2}:{3}".format(_ITERATIONS, *parts)


def prepare(password: str) -> bytes:
    """SASLprep (RFC 4013) as libpq does it: a password that the profile refuses is used as it is."""
    raw = password.encode("utf-8", "surrogateescape")
    if password.isascii():
        return raw
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in password if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    if not prepared or any(test(char) for char in prepared for test in _PROHIBITED) or not _directions_agree(prepared):
        return raw
    return prepared.encode("utf-8")


def _directions_agree(text: str) -> bool:
    """Right-to-left text must not hold left-to-right letters, and must begin and end right-to-left."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(stringprep.in_table_d2(char) for char in text)
