# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``manage.py fill --pages N --images M``: a management command that becomes part of the Wagtail site's app `home`."""

from io import BytesIO

from django.contrib.auth import get_user_model
from django.core.files.images import ImageFile
from django.core.management.base import BaseCommand
from home.models import HomePage
from PIL import Image as Picture
from PIL import ImageDraw
from wagtail.images import get_image_model
from wagtail.models import Collection, Page

TITLES = ["Zürich im Frühling \U0001f338", "日本語のページ", "Quotes \" and ' & <tags>"]


class Command(BaseCommand):
    """Fill an empty site."""

    help = "Create pages and images."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--pages", type=int, default=30)
        parser.add_argument("--images", type=int, default=8)

    def handle(self, *args, pages, images, **options):
        """Create images with renditions, then pages: each with revisions, one in five a draft."""
        user = get_user_model().objects.create_superuser("admin", "admin@example.org", "admin")
        collection = Collection.get_first_root_node().add_child(name="Pictures & Bilder")
        for number in range(images):
            image = get_image_model().objects.create(
                title=f"Picture {number} \U0001f5bc",
                file=ImageFile(draw(number), name=f"picture-{number}.png"),
                collection=collection,
                uploaded_by_user=user,
            )
            image.tags.add(f"tag {number % 3}", "Übersicht")
            image.get_rendition("fill-100x100")
        home = HomePage.objects.get(depth=2)
        parent = home
        for number in range(pages):
            title = TITLES[number] if number < len(TITLES) else f"Page {number}"
            page = parent.add_child(instance=HomePage(title=title, slug=f"page-{number}", live=number % 5 != 4))
            revision = page.save_revision(user=user)
            if page.live:
                revision.publish(user=user)
            # A tree some levels deep: each tenth page becomes the parent of the next ten.
            if number % 10 == 9:
                parent = page
        self.stdout.write(f"pages: {Page.objects.count()}")


def draw(number):
    """Draw one picture."""
    picture = Picture.new("RGB", (400, 300), (40 * number % 256, 90, 160))
    ImageDraw.Draw(picture).ellipse((50 + number * 10, 50, 250, 250), fill=(250, 200, 20 * number % 256))
    out = BytesIO()
    picture.save(out, "PNG")
    return out
