# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models of the alias `archive`."""

from django.db import models


class ArchivedOrder(models.Model):
    """An order of long ago."""

    reference = models.CharField(max_length=40, unique=True)
    customer = models.CharField(max_length=200)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    ordered_at = models.DateTimeField()

    def __str__(self):
        return self.reference


class ArchivedLine(models.Model):
    """One line of it. Orders are referred to by their reference, not by their key."""

    order = models.ForeignKey(ArchivedOrder, on_delete=models.CASCADE, to_field="reference", related_name="lines")
    text = models.TextField()

    def __str__(self):
        return self.text
