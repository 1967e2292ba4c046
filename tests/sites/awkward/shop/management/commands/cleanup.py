# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the site's timer runs: delete sessions that have expired."""

from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand
from django.utils import timezone


class Command(BaseCommand):
    """``manage.py cleanup``."""

    help = "Delete expired sessions."

    def handle(self, *args, **options):
        """Delete and say how many."""
        deleted, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
        self.stdout.write(f"{deleted} sessions deleted")
