# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Tells which files a site keeps in object storage: by the default storage, and by fields that have one of their own.

The storage of static files is told beside them: nothing of it is moved, and nobody must remove it for MEDIA.

Part of the program that ``probe.py`` sends (see ``venv_probe.py``): Python 3.6 syntax, ASCII only, standard library
only, Django imported inside functions. A storage is known by the classes that it is derived from, and asked for its
attributes: so it does not matter by which settings, options or subclass a project came to it.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, Iterator, List, Tuple

Store = Dict[str, Any]

#: Classes of django-storages, and of others, by what they store in.
_KINDS = {
    "storages.backends.s3.S3Storage": "s3",
    "storages.backends.s3boto3.S3Boto3Storage": "s3",
    "storages.backends.s3boto.S3BotoStorage": "s3",
    "storages.backends.gcloud.GoogleCloudStorage": "gcs",
    "storages.backends.azure_storage.AzureStorage": "azure",
    "minio_storage.storage.MinioStorage": "minio",
}
#: What of a store each attribute tells; the first one that says something counts.
_ATTRIBUTES = {
    "bucket": ("bucket_name", "azure_container"),
    "endpoint": ("endpoint_url", "custom_endpoint", "account_name"),
    "region": ("region_name",),
    "prefix": ("location",),
    "acl": ("default_acl",),
    "addressing": ("addressing_style",),
}
#: What of a store each parameter of its new objects tells.
_PARAMETERS = {"encryption": "ServerSideEncryption", "kms_key": "SSEKMSKeyId"}
_FILES = "django.core.files.storage.filesystem.FileSystemStorage"
_OLD_FILES = "django.core.files.storage.FileSystemStorage"
_DEFAULT, _STATIC = "default", "staticfiles"


def _names(storage: Any) -> List[str]:
    """The classes of a storage, also where Django makes it at first use."""
    return [kind.__module__ + "." + kind.__name__ for kind in storage.__class__.__mro__]


def _text(storage: Any, attributes: Tuple[str, ...]) -> str:
    for name in attributes:
        try:
            value = getattr(storage, name, None)
        except Exception:  # noqa: S112  (a property of the project's own)
            continue
        if isinstance(value, str) and value:
            return value
    return ""


def _kind(names: List[str]) -> str:
    """Name the kind of a storage: "" for a disk, "other" for one that is not known."""
    if _FILES in names or _OLD_FILES in names:
        return ""
    return next((_KINDS[name] for name in names if name in _KINDS), "other")


def _describe(storage: Any) -> Store:
    """Return a storage as plain data without credentials; nothing for one on a disk."""
    names = _names(storage)
    kind = _kind(names)
    if not kind:
        return {}
    found = {key: _text(storage, attributes) for key, attributes in _ATTRIBUTES.items()}
    given = getattr(storage, "object_parameters", None)
    for key, parameter in _PARAMETERS.items():
        value = given.get(parameter) if isinstance(given, dict) else ""
        found[key] = value if isinstance(value, str) else ""
    scheme, mark, rest = found["endpoint"].rpartition("://")
    return dict(
        found,
        kind=kind,
        backend=names[0],
        prefix=found["prefix"].strip("/"),
        endpoint=(scheme + mark + rest.rpartition("@")[2]).rstrip("/"),
    )


def _used() -> Iterator[Tuple[str, Any]]:
    """Each storage with who uses it: the default one first, then the fields of models that have one of their own."""
    from django.apps import apps
    from django.core.files.storage import default_storage
    from django.db.models import FileField

    yield _DEFAULT, default_storage
    if not apps.ready:
        return
    for model in apps.get_models():
        for field in model._meta.local_fields:
            storage = getattr(field, "storage", None) if isinstance(field, FileField) else None
            if storage is not None and storage is not default_storage:
                yield "{0}.{1}".format(model._meta.label, field.name), storage


def media_stores() -> List[Store]:
    """List the places of files that no disk of this host holds, each once, with the fields that use it."""
    found: List[Store] = []
    for user, store, _storage in _stores():
        same = [item for item in found if {key: item[key] for key in store} == store]
        if same:
            same[0]["used_by"].append(user)
        else:
            found.append(dict(store, used_by=[user]))
    return found


def _stores() -> Iterator[Tuple[str, Store, Any]]:
    for user, storage in _used():
        try:
            store = _describe(storage)
        except Exception:  # the project's own code: a storage that cannot be made serves no file either
            store = {}
        if store:
            yield user, store, storage


# --- static files


def static_stores() -> List[Store]:
    """Tell where collectstatic puts files, when that is no disk of this host."""
    try:
        store = _describe(_of_static())
    except Exception:  # the project's own code, as above
        return []
    return [dict(store, used_by=[_STATIC])] if store else []


def _of_static() -> Any:
    """Make the storage of static files; one that keeps a manifest reads it from its server, unless it has none."""
    from django.conf import settings
    from django.utils.module_loading import import_string

    try:
        from django.core.files.storage import storages

        said = storages.backends[_STATIC]
    except ImportError:  # before Django 4.2
        said = {"BACKEND": settings.STATICFILES_STORAGE}
    kind = import_string(said["BACKEND"])
    own = {"__module__": kind.__module__, "read_manifest": lambda self: None}
    return type(kind.__name__, (kind,), own)(**said.get("OPTIONS", {}))


# --- what opens them


def topic_store_logins() -> List[Dict[str, str]]:
    """The credentials of each store of S3, by who uses it. All of it is secret."""
    found = []
    for user, store, storage in _stores():
        if store["kind"] == "s3":
            names = {"key": "access_key", "secret": "secret_key", "token": "security_token"}
            login = {name: _text(storage, (attribute,)) for name, attribute in names.items()}
            found.append(dict(login, user=user))
    return found
