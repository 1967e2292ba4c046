# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Five related models with a many-to-many relation, of plain fields as most sites have them."""

from django.db import models


class Publisher(models.Model):
    """One of a hundred objects."""

    name = models.CharField(max_length=100)
    city = models.CharField(max_length=100)


class Author(models.Model):
    """One of ten."""

    name = models.CharField(max_length=100, db_index=True)
    email = models.EmailField()
    born = models.DateField(null=True)


class Tag(models.Model):
    """One of a hundred."""

    slug = models.SlugField(unique=True)


class Book(models.Model):
    """A third of the objects, each with two tags."""

    title = models.CharField(max_length=200)
    isbn = models.CharField(max_length=20, unique=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    published_at = models.DateTimeField()
    description = models.TextField()
    data = models.JSONField(default=dict)


class Review(models.Model):
    """Half of the objects."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    stars = models.PositiveSmallIntegerField()
    text = models.TextField()
    created_at = models.DateTimeField(db_index=True)
    hidden = models.BooleanField(default=False)
