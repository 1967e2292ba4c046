# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main app."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Books and everything that makes a move hard."""

    name = "shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Connect the signal handlers."""
        from shop import signals  # noqa: F401
