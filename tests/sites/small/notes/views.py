# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The front page."""

from django.http import HttpResponse
from django.utils.html import format_html, format_html_join

from .models import Note


def front(request):
    """List the titles of all notes, as they are in the database."""
    notes = Note.objects.all()
    items = format_html_join(
        "\n",
        "<li>{}{}</li>",
        (
            (note.title, format_html(' <a href="{}">upload</a>', note.upload.url) if note.upload else "")
            for note in notes
        ),
    )
    return HttpResponse(
        format_html("<!doctype html>\n<title>Notes</title>\n<h1>notes: {}</h1>\n<ul>\n{}\n</ul>\n", len(notes), items)
    )
