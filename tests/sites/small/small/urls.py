# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of the small site. MEDIA is served by Django itself: the demo has no web server in front."""

from django.conf import settings
from django.urls import path, re_path
from django.views.static import serve
from notes.views import front

urlpatterns = [
    path("", front),
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
]
