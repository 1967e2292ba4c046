# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one app of the small site."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    """Notes with an optional upload."""

    name = "notes"
    default_auto_field = "django.db.models.BigAutoField"
