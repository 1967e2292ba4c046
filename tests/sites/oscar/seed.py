# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the shop as its staff and customers would have: read by `manage.py shell`."""

import io

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from oscar.core.loading import get_model
from PIL import Image

Product, ProductClass = get_model("catalogue", "Product"), get_model("catalogue", "ProductClass")
ProductImage, Category = get_model("catalogue", "ProductImage"), get_model("catalogue", "Category")
Review = get_model("reviews", "ProductReview")
Partner, StockRecord = get_model("partner", "Partner"), get_model("partner", "StockRecord")

User = get_user_model()
staff = User.objects.create_superuser("staff", "staff@example.org", "Frob-1234-secret")
customers = [User.objects.create_user(f"c{n}", f"c{n}@example.org", "Frob-1234-secret") for n in range(5)]
partner, kind = Partner.objects.create(name="Ünited Frobs"), ProductClass.objects.create(name="Book")
category = Category.add_root(name="Bücher & more")
for number in range(40):
    product = Product.objects.create(product_class=kind, title=f"Frob №{number} – “Zürich”", upc=f"frob-{number}")
    product.categories.add(category)
    stock = {"partner_sku": f"sku{number}", "price": number + 1, "num_in_stock": 9}
    StockRecord.objects.create(product=product, partner=partner, **stock)
    stream = io.BytesIO()
    Image.new("RGB", (300, 200), (number * 6, 90, 200 - number)).save(stream, "JPEG")
    ProductImage.objects.create(product=product, original=ContentFile(stream.getvalue(), f"frob {number} ü.jpg"))
    Review.objects.create(product=product, user=customers[number % 5], score=4, title="Good", body="Ä frob.", status=1)
