# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storages of a real project, by the real django-storages: known by the classes that they are derived from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import probe
from tests.unit.plugins.module_utils._project.asked import add_settings, found

pytestmark = pytest.mark.slow
CANARY = "Canary-of-the-bucket"
OWN = """
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage
from storages.backends.s3boto3 import S3Boto3Storage
class Public(S3Storage):
    bucket_name, location, default_acl = "public", "media/", "public-read"
    object_parameters = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k", "CacheControl": "x"}
class Older(S3Boto3Storage):
    location = "older"
class Tape:
    def url(self, name): return name
class Broken(S3Storage):
    def __init__(self, **more): raise RuntimeError("not today")
class Disk(FileSystemStorage): pass
"""
MODELS = """
from shop import stores
class Paper(models.Model):
    a = models.FileField()
    b = models.FileField(storage=stores.Public())
    c = models.FileField(storage=stores.Public)
    d = models.FileField(storage=stores.Disk())
    e = models.FileField(storage=stores.S3Storage(bucket_name="by-options", location="up/"))
    f = models.FileField(storage=stores.Older())
    g = models.FileField(storage=stores.Tape())
"""
SETTINGS = f"""
AWS_STORAGE_BUCKET_NAME = "by-settings"
AWS_S3_ENDPOINT_URL = "http://user:{CANARY}@127.0.0.1:9"
AWS_S3_ACCESS_KEY_ID, AWS_S3_SECRET_ACCESS_KEY = "shop", {CANARY!r}
"""


def by(backend: str) -> str:
    """Write the setting of a default storage."""
    return f"STORAGES = {{'default': {{'BACKEND': {backend!r}}}}}\n"


def places(plain: dict[str, Any]) -> list[Any]:
    """Return where a project keeps files that lie on no disk."""
    keys = ("kind", "bucket", "endpoint", "prefix")
    return [(*(item[key] for key in keys), item["used_by"]) for item in plain["media_stores"]]


def test_where_static_files_are_collected(site: Path, python: str) -> None:
    """A storage with a manifest reads it from its server when it is made: nobody is asked here."""
    assert probe.ask(found(site, python), ["django"])["django"]["static_stores"] == []
    backend = {"BACKEND": "storages.backends.s3.S3ManifestStaticStorage", "OPTIONS": {"location": "static"}}
    add_settings(site, SETTINGS + f"STORAGES = {{'default': {{'BACKEND': 'x.Y'}}, 'staticfiles': {backend!r}}}\n")
    (told,) = probe.ask(found(site, python), ["django"])["django"]["static_stores"]
    place = ("s3", "by-settings", "http://127.0.0.1:9", "static", ["staticfiles"])
    assert (*(told[key] for key in ("kind", "bucket", "endpoint", "prefix")), told["used_by"]) == place
    assert told["backend"] == backend["BACKEND"] and CANARY not in str(told)


def test_where_a_project_keeps_its_files(site: Path, python: str) -> None:
    """By settings, by options or in a subclass, for all files or those of a field; a disk is no such place.

    What opens them is told only where it is asked for.
    """
    (site / "shop" / "stores.py").write_text(OWN)
    models = site / "shop" / "models.py"
    models.write_text(models.read_text() + MODELS)
    add_settings(site, SETTINGS)
    project = found(site, python)
    own = [
        ("s3", "public", "http://127.0.0.1:9", "media", ["shop.Paper.b", "shop.Paper.c"]),
        ("s3", "by-options", "http://127.0.0.1:9", "up", ["shop.Paper.e"]),
        ("s3", "by-settings", "http://127.0.0.1:9", "older", ["shop.Paper.f"]),
        ("other", "", "", "", ["shop.Paper.g"]),
    ]
    told = probe.ask(project, ["django"])["django"]
    assert places(told) == own
    assert [(item["encryption"], item["kms_key"]) for item in told["media_stores"]] == [
        ("aws:kms", "k"),
        *[("", "")] * 3,
    ]
    add_settings(site, by("storages.backends.s3.S3Storage"))
    answer = probe.ask(project, ["django", "store_logins"])
    assert places(answer["django"]) == [("s3", "by-settings", "http://127.0.0.1:9", "", ["default"]), *own]
    assert CANARY not in str(answer["django"])
    users = ["default", *(f"shop.Paper.{field}" for field in "bcef")]
    assert answer["store_logins"] == [{"user": user, "key": "shop", "secret": CANARY, "token": ""} for user in users]
    add_settings(site, SETTINGS + by("shop.stores.Broken"))
    assert places(probe.ask(project, ["django"])["django"]) == own, "it serves no file"
