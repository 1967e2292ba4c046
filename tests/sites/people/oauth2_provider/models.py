# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The models of django-oauth-toolkit, as far as a table goes; projects derive their own."""

from django.conf import settings
from django.db import models


class AbstractAccessToken(models.Model):
    """What access tokens of a project are derived from."""

    token = models.CharField(max_length=255, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)

    class Meta:
        """No table."""

        abstract = True


class OwnToken(AbstractAccessToken):
    """One that a project derived."""

    class Meta:
        """Of the app."""

        app_label = "oauth2_provider"
