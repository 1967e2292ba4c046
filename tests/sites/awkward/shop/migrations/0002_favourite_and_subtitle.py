# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cycle between authors and books, and a column that came later."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add two columns."""

    dependencies = [("shop", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="author",
            name="favourite",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="admirers",
                to="shop.book",
            ),
        ),
        migrations.AddField(
            model_name="book",
            name="subtitle",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
    ]
