# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the second database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the tables."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ArchivedOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(max_length=40, unique=True)),
                ("customer", models.CharField(max_length=200)),
                ("total", models.DecimalField(decimal_places=2, max_digits=14)),
                ("ordered_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ArchivedLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="attic.archivedorder",
                        to_field="reference",
                    ),
                ),
            ],
        ),
    ]
