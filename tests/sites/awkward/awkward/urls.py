# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of the awkward site."""

from django.contrib import admin
from django.urls import path
from shop import views

urlpatterns = [
    path("", views.front),
    path("health", views.health),
    path("admin/", admin.site.urls),
]
