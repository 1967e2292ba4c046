# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One model per thing that is known to get lost or to break when a site moves."""

import uuid

import django
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Category(models.Model):
    """A tree: a foreign key to the own table."""

    name = models.CharField(max_length=100)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self):
        return self.name


class Tag(models.Model):
    """A UUID as the key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    slug = models.SlugField(max_length=80, unique=True)

    def __str__(self):
        return self.slug


class Author(models.Model):
    """A cycle: authors have a favourite book, books have an author. The e-mail is citext on PostgreSQL."""

    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254)
    favourite = models.ForeignKey("Book", null=True, blank=True, on_delete=models.SET_NULL, related_name="admirers")

    def __str__(self):
        return self.name


class VisibleManager(models.Manager):
    """The manager that `dumpdata` and careless counts use: it hides rows."""

    def get_queryset(self):
        """Leave out hidden rows."""
        return super().get_queryset().filter(hidden=False)


class Book(models.Model):
    """Rows that the default manager hides, every kind of relation, JSON, binary, microseconds."""

    title = models.CharField(max_length=200, db_index=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    category = models.ForeignKey(Category, null=True, on_delete=models.PROTECT)
    tags = models.ManyToManyField(Tag, blank=True)
    contributors = models.ManyToManyField(Author, through="Contribution", related_name="contributions")
    similar = models.ManyToManyField("self", blank=True)
    notes = GenericRelation("Note")
    description = models.TextField()
    subtitle = models.CharField(max_length=200, blank=True, default="")
    price = models.DecimalField(max_digits=12, decimal_places=4)
    data = models.JSONField(null=True)
    cover = models.BinaryField(null=True)
    added_at = models.DateTimeField()
    hidden = models.BooleanField(default=False)

    objects = VisibleManager()
    everything = models.Manager()

    def __str__(self):
        return self.title


class HiddenBook(Book):
    """A proxy: a content type and permissions, but no table."""

    class Meta:
        proxy = True


class Contribution(models.Model):
    """Many-to-many with a model of its own."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    role = models.CharField(max_length=40)
    share = models.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        unique_together = [("book", "author", "role")]

    def __str__(self):
        return self.role


class Note(models.Model):
    """A generic relation: to books (integer keys) and to tags (UUIDs)."""

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.CharField(max_length=36)
    target = GenericForeignKey("content_type", "object_id")
    text = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["content_type", "object_id"], name="shop_note_target")]

    def __str__(self):
        return self.text[:40]


class Sale(models.Model):
    """The big table."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    quantity = models.PositiveSmallIntegerField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    sold_at = models.DateTimeField(db_index=True)
    comment = models.TextField()

    def __str__(self):
        return f"{self.quantity} x {self.book_id}"


class Place(models.Model):
    """The top of a multi-table inheritance. A trigger writes an AuditEntry for each new row."""

    name = models.CharField(max_length=100)
    city = models.CharField(max_length=100)

    def __str__(self):
        return self.name


class Bookshop(Place):
    """Its child: a second table, joined by the key."""

    shelves = models.IntegerField()


class Cafe(Bookshop):
    """Its grandchild: a third table."""

    seats = models.IntegerField()


class Profile(models.Model):
    """A one-to-one relation as the primary key."""

    user = models.OneToOneField(get_user_model(), primary_key=True, on_delete=models.CASCADE)
    motto = models.TextField(blank=True)

    def __str__(self):
        return self.motto


class Everything(models.Model):
    """One column of each other kind, with extreme values."""

    text = models.TextField()
    short = models.CharField(max_length=5)
    number = models.BigIntegerField(null=True)
    ratio = models.FloatField(null=True)
    exact = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    flag = models.BooleanField(null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    key = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    data = models.JSONField(null=True)
    blob = models.BinaryField(null=True)

    class Meta:
        verbose_name_plural = "everything"

    def __str__(self):
        return self.short


class Invoice(models.Model):
    """A generated column, `total`, made by SQL: so it is there on Django 4.2 too, which knows no such field."""

    number = models.CharField(max_length=20, unique=True)
    net = models.IntegerField()
    tax = models.IntegerField()
    if django.VERSION >= (5, 0):
        total = models.GeneratedField(
            expression=models.F("net") + models.F("tax"), output_field=models.IntegerField(), db_persist=True
        )

    def __str__(self):
        return self.number


class Oddity(models.Model):
    """Names that must be quoted: a space, a single quote and an equals sign."""

    value = models.TextField(db_column="odd column's = x")

    class Meta:
        db_table = "odd table's = name"
        verbose_name_plural = "oddities"

    def __str__(self):
        return self.value


class LegacyOrder(models.Model):
    """An unmanaged table: a migration made it by SQL."""

    code = models.CharField(max_length=20, primary_key=True)
    customer = models.TextField()

    class Meta:
        managed = False
        db_table = "legacy orders"

    def __str__(self):
        return self.code


class Stock(models.Model):
    """An unmanaged table in another schema. On PostgreSQL only the database's search_path leads to it."""

    sku = models.CharField(max_length=20, primary_key=True)
    pieces = models.IntegerField()

    class Meta:
        managed = False
        db_table = "stock"

    def __str__(self):
        return self.sku


class AuditEntry(models.Model):
    """Rows that only a trigger writes. A load that fires the trigger makes too many."""

    message = models.TextField()

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self):
        return self.message


class SignalLog(models.Model):
    """Rows that a signal handler writes."""

    message = models.TextField()

    def __str__(self):
        return self.message


class Upload(models.Model):
    """A file under MEDIA_ROOT."""

    file = models.FileField(upload_to="uploads", max_length=255)
    sha256 = models.CharField(max_length=64)

    def __str__(self):
        return self.file.name


class Heartbeat(models.Model):
    """What the worker writes while the site is live."""

    host = models.CharField(max_length=100)
    beat_at = models.DateTimeField()

    def __str__(self):
        return f"{self.host} {self.beat_at:%H:%M:%S}"
