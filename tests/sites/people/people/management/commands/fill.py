# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fills the site with people whose names a search finds."""

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sites.models import Site
from django.core.cache import cache
from django.core.management import BaseCommand, call_command
from django.db import connection
from django_celery_beat.models import PeriodicTask
from oauth2_provider.models import OwnToken
from rest_framework.authtoken.models import Token

from people.models import Device, Member, Named, Note, Subscriber


class Command(BaseCommand):
    """Each value that a clone must not hold has ``canary`` in it."""

    def add_arguments(self, parser):
        """Take how many."""
        parser.add_argument("--people", type=int, default=5)

    def handle(self, *_args, **options):
        """Fill."""
        call_command("createcachetable")
        many = range(options["people"])
        for number in many:
            member = Member(
                email="canary{0}@example.com".format(number), second="canary-second{0}@example.com".format(number)
            )
            member.set_password("canary")
            member.save()
            token = Token.objects.create(key="canarytoken{0:029d}".format(number), user=member)
            OwnToken.objects.create(token="canary-oauth-{0}".format(number), user=member)
            Device.objects.create(token=token, name="canary-device")
            Note.objects.create(token=token, text="nothing")
            Subscriber.objects.create(address="canary-reader{0}@example.com".format(number))
        Member.objects.filter(pk=1).update(second=None)
        for login in ("canary-login@example.com", "kept-login"):
            named = Named(login=login)
            named.set_password("canary")
            named.save()
        Note.objects.create(text="write to note-left@example.com", raw=b"\x00 blob-left@example.com \xff", api_key="k")
        session = SessionStore()
        session["who"] = "canary-session"
        session.save()
        cache.set("page", "canary-page")
        PeriodicTask.objects.create(name="send everybody a letter")
        Site.objects.update_or_create(pk=1, defaults={"domain": "www.example.com", "name": "The shop"})
        Site.objects.create(domain="other.example.com", name="Other")
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE old_mail (id integer, contact varchar(80), pass varchar(80))")
            cursor.execute("INSERT INTO old_mail VALUES (1, 'table-left@example.com', 'md5$salt$left')")
