# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signal handler as they are in the wild: it ignores `raw`, so `loaddata` makes it write rows of its own."""

from django.db.models.signals import post_save
from django.dispatch import receiver

from shop.models import Author, SignalLog


@receiver(post_save, sender=Author)
def log_author(sender, instance, created, **kwargs):
    """Write one row for each saved author."""
    SignalLog.objects.create(message=f"{'created' if created else 'saved'} {instance.name}")
