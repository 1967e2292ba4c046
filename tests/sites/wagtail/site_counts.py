# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template tag that becomes part of the Wagtail site: the front page shows what is in the database."""

from django import template
from wagtail.images import get_image_model
from wagtail.models import Page, Revision

register = template.Library()


@register.simple_tag
def counts():
    """Count pages, images and revisions."""
    images = get_image_model().objects.order_by("pk")
    return {
        "pages": Page.objects.count(),
        "images": images.count(),
        "revisions": Revision.objects.count(),
        "pictures": images[:3],
    }
