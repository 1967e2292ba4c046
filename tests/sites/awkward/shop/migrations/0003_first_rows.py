# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows that a migration makes: a load into a freshly migrated database meets them."""

import uuid

from django.db import migrations

CATEGORIES = {1: "Fiction", 2: "Science"}
TAG = uuid.UUID("00000000-0000-4000-8000-000000000001")


def add(apps, schema_editor):
    """Add two categories and a tag, as the sequence numbers them."""
    category, tag = apps.get_model("shop", "Category"), apps.get_model("shop", "Tag")
    using = schema_editor.connection.alias
    for name in CATEGORIES.values():
        category.objects.using(using).create(name=name)
    tag.objects.using(using).create(id=TAG, slug="new")


class Migration(migrations.Migration):
    """Add rows."""

    dependencies = [("shop", "0002_favourite_and_subtitle")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
