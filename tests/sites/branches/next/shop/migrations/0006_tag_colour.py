# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A column that the next release of the site brings."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the column."""

    dependencies = [("shop", "0005_invoice_total")]

    operations = [migrations.AddField("tag", "colour", models.CharField(max_length=20, default="blue"))]
