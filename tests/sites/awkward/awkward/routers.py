# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which model lives in which database."""


class AtticRouter:
    """The app `attic` lives in the alias `archive`, all else in `default`; `replica` is `default` by another name."""

    def db_for_read(self, model, **hints):
        """Read from the alias that holds the model."""
        return "archive" if model._meta.app_label == "attic" else None

    db_for_write = db_for_read

    def allow_relation(self, obj1, obj2, **hints):
        """Allow relations inside one database only."""
        return (obj1._meta.app_label == "attic") == (obj2._meta.app_label == "attic")

    def allow_migrate(self, db, app_label, **hints):
        """Create each table once."""
        return db == ("archive" if app_label == "attic" else "default")
