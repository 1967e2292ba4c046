# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A generated column. Django 4.2 doesn't know it, 5.0 and later do: the table is the same."""

import django
from django.db import migrations, models

TYPES = {
    "postgresql": "integer GENERATED ALWAYS AS (net + tax) STORED",
    "sqlite": "integer GENERATED ALWAYS AS (net + tax) VIRTUAL",  # ALTER TABLE can add no stored one
    "mysql": "integer GENERATED ALWAYS AS (net + tax) STORED",
}


def add(apps, schema_editor):
    """Add the column."""
    schema_editor.execute(f"ALTER TABLE shop_invoice ADD COLUMN total {TYPES[schema_editor.connection.vendor]}", None)


class Migration(migrations.Migration):
    """Add the column, and the field where there is such a field."""

    dependencies = [("shop", "0004_outside_django")]

    # Not atomic by itself, else MySQL takes no DDL here; elsewhere the whole migration is one transaction anyway.
    operations = [migrations.RunPython(add, migrations.RunPython.noop, atomic=False)]
    if django.VERSION >= (5, 0):
        operations += [
            migrations.SeparateDatabaseAndState(
                state_operations=[
                    migrations.AddField(
                        "invoice",
                        "total",
                        models.GeneratedField(
                            expression=models.F("net") + models.F("tax"),
                            output_field=models.IntegerField(),
                            db_persist=True,
                        ),
                    )
                ]
            )
        ]
