# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model of django-celery-beat, as far as a table goes."""

from django.db import models


class PeriodicTask(models.Model):
    """A task that runs by itself."""

    name = models.CharField(max_length=200)
    enabled = models.BooleanField(default=True)
