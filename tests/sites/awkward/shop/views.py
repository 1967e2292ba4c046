# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The front page shows what is in the database, so that a test can tell an empty site from a moved one."""

from pathlib import Path

from django.apps import apps
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from django.utils.html import format_html, format_html_join

from shop.models import Book, Upload

#: Nothing but the front page knows of it, when somebody has made it.
NAME_FILE = Path("/etc/awkward-name")


def name():
    """Give the shop's name."""
    return NAME_FILE.read_text(encoding="ascii").strip() if NAME_FILE.exists() else "Awkward books"


def counts():
    """Count each model's rows, hidden ones too. What cannot be read is None."""
    found = {}
    for label in ("shop", "attic"):
        for model in apps.get_app_config(label).get_models():
            if model._meta.proxy:
                continue
            try:
                found[str(model._meta.verbose_name_plural)] = model._base_manager.count()
            except DatabaseError:
                found[str(model._meta.verbose_name_plural)] = None
    return found


def front(request):
    """Show `<li>books: 500</li>` for each model, a known title, and a link to the first upload."""
    known = Book.everything.order_by("pk").first()
    upload = Upload.objects.order_by("pk").first()
    items = format_html_join(
        "\n", "<li>{}: {}</li>", ((name, "unreachable" if n is None else n) for name, n in counts().items())
    )
    return HttpResponse(
        format_html(
            "<!doctype html>\n<title>{}</title>\n<h1>{}</h1>\n<p>visible books: {}</p>\n<ul>\n{}\n</ul>\n"
            '<a href="{}">first upload</a>\n',
            name(),
            known.title if known else "no books",
            Book.objects.count(),
            items,
            upload.file.url if upload else "",
        )
    )


def health(request):
    """Answer 200 when the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return JsonResponse({"status": "ok", "vendor": connection.vendor})
