# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The app whose models live in the second database."""

from django.apps import AppConfig


class AtticConfig(AppConfig):
    """Old orders."""

    name = "attic"
    default_auto_field = "django.db.models.BigAutoField"
