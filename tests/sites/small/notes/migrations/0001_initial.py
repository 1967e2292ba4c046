# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of notes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Create Note."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100)),
                ("text", models.TextField(blank=True)),
                ("upload", models.FileField(blank=True, upload_to="uploads")),
                ("written", models.DateTimeField()),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
    ]
