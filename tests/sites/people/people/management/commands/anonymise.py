# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a project does by itself for its clones."""

from django.core.management import BaseCommand, CommandError

from people.models import Note


class Command(BaseCommand):
    """Empty the notes."""

    def add_arguments(self, parser):
        """Take whether to fail half way."""
        parser.add_argument("--fail", action="store_true")

    def handle(self, *_args, **options):
        """Write past the mail that the notes hold."""
        Note.objects.update(text="", raw=b"")
        if options["fail"]:
            raise CommandError("no way on, says note-left@example.com")
