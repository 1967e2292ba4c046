# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every model in the admin, without decoration."""

from django.apps import apps
from django.contrib import admin

for model in apps.get_app_config("shop").get_models():
    admin.site.register(model)
