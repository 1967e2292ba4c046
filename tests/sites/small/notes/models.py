# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One model."""

from django.db import models


class Note(models.Model):
    """A note with a title, a text and an optional upload."""

    title = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    upload = models.FileField(upload_to="uploads", blank=True)
    written = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self):
        return self.title
