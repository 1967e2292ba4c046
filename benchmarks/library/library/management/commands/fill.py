# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill the benchmark's database: any number of objects, the same on every engine."""

import datetime
from collections.abc import Iterable, Iterator

from django.core.management.base import BaseCommand, CommandParser

from library.models import Author, Book, Publisher, Review, Tag

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
WORDS = "the quick brown fox jumps over the lazy dog and naïve Žofie laughs".split()


def text(number: int, words: int) -> str:
    """Some words."""
    return " ".join(WORDS[(number * 7 + index * 3) % len(WORDS)] for index in range(words))


def at(number: int) -> datetime.datetime:
    """A moment with microseconds."""
    return START + datetime.timedelta(minutes=number, microseconds=number * 7919 % 1000000)


class Command(BaseCommand):
    """``manage.py fill --rows 200000``."""

    def add_arguments(self, parser: CommandParser) -> None:
        """How many objects."""
        parser.add_argument("--rows", type=int, default=20_000)

    def handle(self, *args: object, rows: int, **options: object) -> None:
        """Make them, many by many."""
        few, authors, books = max(rows // 100, 5), max(rows // 10, 5), rows * 34 // 100
        self.make(Publisher, (Publisher(pk=n, name=f"P {n}", city=text(n, 2)) for n in range(1, few + 1)))
        self.make(Tag, (Tag(pk=n, slug=f"tag-{n}") for n in range(1, few + 1)))
        self.make(
            Author,
            (
                Author(pk=n, name=text(n, 2), email=f"a{n}@example.org", born=at(n).date() if n % 3 else None)
                for n in range(1, authors + 1)
            ),
        )
        self.make(Book, (self.book(n, authors, few) for n in range(1, books + 1)))
        through = Book.tags.through
        self.make(
            through,
            (
                through(book_id=n, tag_id=(n * step) % few + 1)
                for n in range(1, books + 1)
                for step in (1, 2)
                if step == 1 or (n * 2) % few != n % few
            ),
        )
        reviews = rows - 2 * few - authors - books
        self.make(
            Review,
            (
                Review(book_id=n % books + 1, stars=n % 5 + 1, text=text(n, 12), created_at=at(n), hidden=n % 9 == 0)
                for n in range(reviews)
            ),
        )

    @staticmethod
    def book(number: int, authors: int, publishers: int) -> Book:
        """One book."""
        return Book(
            pk=number,
            title=text(number, 4),
            isbn=f"978-{number:09d}",
            author_id=number % authors + 1,
            publisher_id=number % publishers + 1,
            price=f"{number % 100}.{number % 97:02d}",
            published_at=at(number),
            description=text(number, 30),
            data={"pages": number % 900, "languages": ["en", "fr"]},
        )

    @staticmethod
    def make(model: type, items: Iterable[object]) -> None:
        """Insert in chunks, so that memory stays flat."""
        chunk: list[object] = []
        source: Iterator[object] = iter(items)
        for item in source:
            chunk.append(item)
            if len(chunk) == 2000:
                model.objects.bulk_create(chunk)  # type: ignore[attr-defined]
                chunk = []
        model.objects.bulk_create(chunk)  # type: ignore[attr-defined]
