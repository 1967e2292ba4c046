# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill the small site: deterministic notes, and one upload under MEDIA_ROOT."""

import datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from notes.models import Note

FIRST = datetime.datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc)
TITLES = ["Buy milk", "Zürich in spring \U0001f338", "Move the server", "Quotes \" and ' and <tags>", "日本語のメモ"]


class Command(BaseCommand):
    """``manage.py seed [--notes N]``: leaves exactly N notes, whatever was there before."""

    help = "Fill the site with notes."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--notes", type=int, default=5, help="how many notes (default: 5)")

    def handle(self, *args, notes, **options):
        """Replace all notes."""
        Note.objects.all().delete()
        Note.objects.bulk_create(
            (
                Note(
                    id=number + 1,
                    title=TITLES[number] if number < len(TITLES) else f"Note {number + 1}",
                    text=f"The text of note {number + 1}.\n",
                    upload="uploads/hello.txt" if number == 0 else "",
                    written=FIRST + datetime.timedelta(minutes=number, microseconds=number),
                )
                for number in range(notes)
            ),
            batch_size=500,
        )
        upload = Path(settings.MEDIA_ROOT, "uploads", "hello.txt")
        upload.parent.mkdir(parents=True, exist_ok=True)
        upload.write_text("Hello from the small site.\n", encoding="utf-8")
        self.stdout.write(f"{notes} notes")
