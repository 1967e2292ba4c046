# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup set: one directory, all that a dead server's site needs.

A set is built in its final place without a manifest; the manifest comes last, in one durable step. No manifest, no
backup: what a crash left is recognised by its absence and never taken for a set.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Iterator, List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import (
    make_directory,
    remove_tree,
    sync_directory,
    write_atomically,
)
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser, as_plain
from ansible_collections.relocate.django.plugins.module_utils._set import encrypted, pins, seal
from ansible_collections.relocate.django.plugins.module_utils._set.content import Content
from ansible_collections.relocate.django.plugins.module_utils._set.label import (
    LABEL,
    Made,
    check_label,
    in_order,
    time_in,
)
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    ARCHIVE,
    DATABASES,
    MANIFEST,
    PREPARED,
    Manifest,
    Prepared,
    as_text,
    created_at,
    digest_of,
    from_text,
    prepared_from,
)

BUNDLE, PATCH, ENVIRONMENT, MEDIA = ("code.bundle", "code.patch", "environment.json", ARCHIVE + ".zst")
UNVERSIONED, FIXTURES = "files", "fixtures"


class BackupSet(Content):
    """A set's directory. Made by :meth:`create`, found by :meth:`find`."""

    # --- finding

    @staticmethod
    def home(directory: str, site: str) -> str:
        """Return where a site's sets are: below our work directory or a repository of the user's."""
        return os.path.join(directory, "sets", site)

    @classmethod
    def labels(cls, directory: str, site: str) -> List[str]:
        """The labels of complete sets, oldest first: by what their manifests say, not by their names.

        Of two sets that one host made, the one of the higher sequence is newer, whatever its clock said. So a set
        counts as no younger than those that its host made after it; by that time the sets of several hosts are put in
        order. A set whose manifest cannot be read has its name only, and keeps that place: nobody makes an older set
        the newest by spoiling a manifest.
        """
        home = cls.home(directory, site)
        try:
            names = sorted(os.listdir(home))
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = [name for name in names if LABEL.fullmatch(name) and os.path.isfile(os.path.join(home, name, MANIFEST))]
        return in_order([cls(os.path.join(home, name)).made() for name in found])

    @classmethod
    def next_sequence(cls, directory: str, site: str, noted: int = 0) -> int:
        """The number of the set that is made next: above those of all that are there, and of what the record notes."""
        home = cls.home(directory, site)
        there = [cls(os.path.join(home, label)).made().sequence for label in cls.labels(directory, site)]
        return 1 + max([noted, *there])

    def made(self) -> Made:
        """Return when and where the set was made, as far as its manifest can be read."""
        try:
            manifest = self.read()
            return Made(self.label, str(manifest.host["machine_id"]), manifest.sequence, created_at(manifest))
        except (RelocateError, OSError):
            return Made(self.label, "", 0, time_in(self.label))

    @classmethod
    def find(cls, directory: str, site: str, label: Optional[str] = None, sha256: Optional[str] = None) -> BackupSet:
        """A complete set by its label, else by its manifest's digest, else the newest.

        Raises set_not_found, set_incomplete.
        """
        home = cls.home(directory, site)
        if label:
            found = cls(os.path.join(home, check_label(label)))
            if os.path.isdir(found.path):
                return found._finished()
        else:
            sets = [cls(os.path.join(home, name)) for name in cls.labels(directory, site)]
            sets = [item for item in sets if not sha256 or item.digest() == sha256]
            if sets:
                return sets[-1]
        what = label or "of site {0}{1}".format(site, ", whose manifest has that sha256," if sha256 else "")
        raise RelocateError(
            "set_not_found",
            "there is no backup set {0} below {1}".format(what, home),
            "list the sets with relocate.django.backup_info",
        )

    def _finished(self) -> BackupSet:
        if not os.path.isfile(os.path.join(self.path, MANIFEST)):
            raise RelocateError(
                "set_incomplete",
                "{0} has no manifest: its backup did not finish".format(self.path),
                "use another backup set, or back up again",
            )
        return self

    @classmethod
    def around(cls, path: str) -> Optional[BackupSet]:
        """The complete set that a file lies in; None for any other file."""
        top = os.path.dirname(os.path.abspath(path))
        while top != os.path.dirname(top):
            if LABEL.fullmatch(os.path.basename(top)) and os.path.isfile(os.path.join(top, MANIFEST)):
                return cls(top)
            top = os.path.dirname(top)
        return None

    # --- writing

    @classmethod
    def create(cls, directory: str, site: str, label: str, owner: SystemUser) -> BackupSet:
        """Make (or go on with) the directory of a set that has no manifest yet."""
        home = cls.home(directory, site)
        make_directory(home, 0o711)
        made = cls(os.path.join(home, check_label(label)))
        # 0711, not 0700: the owner's client programs must reach the databases below, and can list nothing.
        make_directory(made.path, 0o711)
        make_directory(os.path.join(made.path, DATABASES), 0o700, owner)
        make_directory(os.path.join(made.path, UNVERSIONED), 0o700)
        return made

    @classmethod
    def prepared(cls, directory: str, site: str, label: str) -> BackupSet:
        """A set of which code and files at least are there. Raises set_not_found."""
        found = cls(os.path.join(cls.home(directory, site), check_label(label)))
        if not os.path.isfile(found.file(PREPARED)):
            raise RelocateError(
                "set_not_found",
                "there is no set {0} below {1}".format(label, os.path.dirname(found.path)),
                "transfer it",
            )
        return found

    def note_prepared(self, prepared: Prepared) -> None:
        """Write down what the checkout on new needs before there is a manifest."""
        write_atomically(self.file(PREPARED), json.dumps(as_plain(prepared), indent=1, sort_keys=True) + "\n")

    def read_prepared(self) -> Prepared:
        """Code, Django facts, owner and unversioned files, from the manifest or what :meth:`note_prepared` wrote."""
        if os.path.isfile(self.file(MANIFEST)):
            manifest = self.read()
            return Prepared(
                manifest.code,
                manifest.django,
                manifest.owner,
                manifest.unversioned,
                manifest.directories,
                manifest.software,
            )
        with self._readable(PREPARED), open(self.file(PREPARED), encoding="ascii") as stream:
            return prepared_from(json.load(stream))

    def read_environment(self) -> Mapping[str, Any]:
        """Python version, Django version and packages, as recorded on old. Raises what :meth:`check_file` raises."""
        path = self.check_file(ENVIRONMENT)
        with self._readable(ENVIRONMENT), open(path, encoding="ascii") as stream:
            data: Mapping[str, Any] = json.load(stream)
            return data

    @contextlib.contextmanager
    def _readable(self, relative: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, RecursionError) as exc:
            raise RelocateError(
                "manifest_invalid", "{0} cannot be read".format(self.file(relative)), "transfer the set again"
            ) from exc

    def discard(self) -> None:
        """Remove the set, its manifest first, so that a half-removed one is no set; its pin last."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file(MANIFEST))
        remove_tree(self.path)
        pins.forget(self.path)

    def discard_unfinished(self) -> None:
        """Remove what there is of a set that has no manifest; a whole one stays, whatever failed after it."""
        if not os.path.lexists(self.file(MANIFEST)):
            self.discard()

    def finish(self, manifest: Manifest, jobs: int = 2) -> str:
        """Hash every file, note the manifest's sha256 beside the sets and write it last; returns that sha256.

        With recipients in the manifest, files are encrypted first.
        Raises path_refused for what is no plain file, file_differs when somebody changed a dump that was ours to write.
        """
        self.take_dumps()  # before they are hashed: what is hashed is what stays
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file(MANIFEST + ".new"))  # of a run that was killed
        if manifest.recipients:
            encrypted.encrypt_all(self.path, sorted(self._walk()), manifest.recipients)
        with seal.leases():
            entries = self._each(self._sealed, sorted(self._walk()), jobs)
        for top, _directories, _names in os.walk(self.path):
            sync_directory(top)
        text = as_text(Manifest(**{**manifest.__dict__, "files": tuple(entries)}))
        from_text(text, self.file(MANIFEST))  # a set that no restore could read is none
        pins.write(self.path, digest_of(text))
        write_atomically(self.file(MANIFEST), text)
        sync_directory(os.path.dirname(self.path))
        return digest_of(text)
