# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A migration that fails halfway: MySQL, without transactional DDL, keeps the first half."""

from django.db import migrations, models


def fail(apps, schema_editor):
    """Do what a migration does that was never tried on real data."""
    raise RuntimeError("this migration always fails")


class Migration(migrations.Migration):
    """Add a column, then fail."""

    dependencies = [("shop", "0005_invoice_total")]

    operations = [
        migrations.AddField("tag", "colour", models.CharField(max_length=20, default="blue")),
        migrations.RunPython(fail, migrations.RunPython.noop),
    ]
