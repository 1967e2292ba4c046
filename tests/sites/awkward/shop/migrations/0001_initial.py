# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables as they were at first."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the tables."""

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.CreateModel(
            name="LegacyOrder",
            fields=[
                ("code", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("customer", models.TextField()),
            ],
            options={
                "db_table": "legacy orders",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Stock",
            fields=[
                ("sku", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("pieces", models.IntegerField()),
            ],
            options={
                "db_table": "stock",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message", models.TextField()),
            ],
            options={
                "verbose_name_plural": "audit entries",
            },
        ),
        migrations.CreateModel(
            name="Author",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("email", models.CharField(max_length=254)),
            ],
        ),
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(db_index=True, max_length=200)),
                ("description", models.TextField()),
                ("price", models.DecimalField(decimal_places=4, max_digits=12)),
                ("data", models.JSONField(null=True)),
                ("cover", models.BinaryField(null=True)),
                ("added_at", models.DateTimeField()),
                ("hidden", models.BooleanField(default=False)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="books", to="shop.author"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Everything",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("short", models.CharField(max_length=5)),
                ("number", models.BigIntegerField(null=True)),
                ("ratio", models.FloatField(null=True)),
                ("exact", models.DecimalField(decimal_places=10, max_digits=30, null=True)),
                ("flag", models.BooleanField(null=True)),
                ("day", models.DateField(null=True)),
                ("moment", models.DateTimeField(null=True)),
                ("clock", models.TimeField(null=True)),
                ("span", models.DurationField(null=True)),
                ("key", models.UUIDField(null=True)),
                ("address", models.GenericIPAddressField(null=True)),
                ("data", models.JSONField(null=True)),
                ("blob", models.BinaryField(null=True)),
            ],
            options={
                "verbose_name_plural": "everything",
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=100)),
                ("beat_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=20, unique=True)),
                ("net", models.IntegerField()),
                ("tax", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Oddity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.TextField(db_column="odd column's = x")),
            ],
            options={
                "verbose_name_plural": "oddities",
                "db_table": "odd table's = name",
            },
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("city", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("motto", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="SignalLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=80, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file", models.FileField(max_length=255, upload_to="uploads")),
                ("sha256", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Bookshop",
            fields=[
                (
                    "place_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="shop.place",
                    ),
                ),
                ("shelves", models.IntegerField()),
            ],
            bases=("shop.place",),
        ),
        migrations.CreateModel(
            name="Sale",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.PositiveSmallIntegerField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("sold_at", models.DateTimeField(db_index=True)),
                ("comment", models.TextField()),
                ("book", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="shop.book")),
            ],
        ),
        migrations.CreateModel(
            name="Contribution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(max_length=40)),
                ("share", models.DecimalField(decimal_places=2, max_digits=5)),
                ("author", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="shop.author")),
                ("book", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="shop.book")),
            ],
            options={
                "unique_together": {("book", "author", "role")},
            },
        ),
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="shop.category",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "categories",
            },
        ),
        migrations.AddField(
            model_name="book",
            name="category",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="shop.category"),
        ),
        migrations.AddField(
            model_name="book",
            name="contributors",
            field=models.ManyToManyField(related_name="contributions", through="shop.Contribution", to="shop.author"),
        ),
        migrations.AddField(
            model_name="book",
            name="similar",
            field=models.ManyToManyField(blank=True, to="shop.book"),
        ),
        migrations.AddField(
            model_name="book",
            name="tags",
            field=models.ManyToManyField(blank=True, to="shop.tag"),
        ),
        migrations.CreateModel(
            name="HiddenBook",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("shop.book",),
        ),
        migrations.CreateModel(
            name="Cafe",
            fields=[
                (
                    "bookshop_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="shop.bookshop",
                    ),
                ),
                ("seats", models.IntegerField()),
            ],
            bases=("shop.bookshop",),
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_id", models.CharField(max_length=36)),
                ("text", models.TextField()),
                (
                    "content_type",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="contenttypes.contenttype"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["content_type", "object_id"], name="shop_note_target")],
            },
        ),
    ]
