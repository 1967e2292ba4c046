# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model of Django REST framework, as far as a table goes."""

from django.conf import settings
from django.db import models


class Token(models.Model):
    """A token."""

    key = models.CharField(max_length=40, primary_key=True)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
