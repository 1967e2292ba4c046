# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill the awkward site: any number of rows, deterministic, the same on every engine."""

import datetime
import decimal
import hashlib
import os
import uuid
from contextlib import nullcontext
from pathlib import Path

from django.conf import settings
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand, CommandError
from django.core.management.color import no_style
from django.db import connection, connections, transaction

from shop import bulk, models, mysql_only, texts

BIRTH = datetime.datetime(2026, 1, 1, 12, 0, 0, tzinfo=datetime.timezone.utc)
CYCLE = 997  # a prime: values repeat late and never in step with row numbers


def shares(rows):
    """How many rows of each growing table make up about `rows` in all."""
    books = max(20, rows // 10)
    authors = max(10, rows // 100)
    tags = max(8, min(2000, rows // 200))
    notes = max(10, rows // 20)
    sales = max(20, rows - books * 37 // 10 - authors - tags - notes)
    return {"books": books, "authors": authors, "tags": tags, "notes": notes, "sales": sales}


def pick(values, number):
    """One of the values."""
    return values[number % len(values)]


class Command(BaseCommand):
    """``manage.py populate --rows 5000 --seed 1 --media 20``."""

    help = "Fill all tables and MEDIA_ROOT. The databases must be migrated and empty."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--rows", type=int, default=5000, help="rows in all, about; a tenth of them are books")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--media", type=int, default=20, help="small files, besides the oddly named ones")
        parser.add_argument("--media-bytes", type=int, default=2048, help="about the size of each")
        parser.add_argument("--latin1", action="store_true", help="add a file whose name is not UTF-8")
        parser.add_argument("--links", action="store_true", help="add a symbolic link to MEDIA_ROOT")
        parser.add_argument(
            "--hostile", action="store_true", help="SQLite: a NUL, an over-long text, a reference to a missing row"
        )

    def handle(self, *args, rows, seed, hostile, **options):
        """Fill table by table, in the order of their references."""
        if models.Book.everything.exists():
            raise CommandError("the database is populated already")
        self.seed = seed
        self.postgresql = connection.vendor == "postgresql"
        share = shares(rows)
        # MySQL can't put off foreign keys to the end of the transaction.
        unchecked = connection.constraint_checks_disabled() if connection.vendor == "mysql" else nullcontext()
        with transaction.atomic(), transaction.atomic(using="archive"), unchecked:
            self.users()
            self.trees_and_tags(share)
            self.books(share)
            self.around_books(share)
            self.sales(share)
            self.odds_and_ends()
            self.outside_django()
            self.archive(share)
            self.media(**options)
            self.reset_sequences()
        if hostile:
            self.hostile()
        if connection.vendor == "mysql":
            mysql_only.fill_myisam(connection)
        if self.postgresql:
            with connection.cursor() as cursor:
                cursor.execute("REFRESH MATERIALIZED VIEW shop_book_stats")
        self.stdout.write(f"populated: {share}")

    def digest(self, *parts):
        """128 hexadecimal digits that depend on the seed and the parts only."""
        return hashlib.blake2b(repr((self.seed, parts)).encode()).hexdigest()

    def users(self):
        """Users, groups, permissions, sessions, the admin's log: tables of Django itself."""
        password = PBKDF2PasswordHasher().encode("admin", "awkwardsalt", iterations=1000)
        users = [
            User(
                id=number,
                username=f"user{number}" if number > 1 else "admin",
                password=password,
                email=f"user{number}@example.org",
                first_name=pick(["Zo\u00eb", "\u9673", "O'Neill"], number),
                is_staff=number == 1,
                is_superuser=number == 1,
                date_joined=BIRTH + datetime.timedelta(microseconds=number),
            )
            for number in range(1, 21)
        ]
        User.objects.bulk_create(users)
        models.Profile.objects.bulk_create(
            models.Profile(user=user, motto=pick(texts.TEXTS[:12], user.id)) for user in users[::2]
        )
        group = Group.objects.create(name="Staff & \u00c4rzte")
        group.permissions.set(Permission.objects.filter(content_type__app_label="shop").order_by("codename")[:7])
        for user in users[:3]:
            user.groups.add(group)
            user.user_permissions.set(Permission.objects.filter(codename__startswith="view_hidden"))
        Session.objects.bulk_create(
            Session(
                session_key=self.digest("session", number)[:32],
                session_data=self.digest("data", number),
                expire_date=BIRTH.replace(year=2099),
            )
            for number in range(10)
        )
        LogEntry.objects.bulk_create(
            LogEntry(
                user=users[0],
                content_type=ContentType.objects.get_for_model(models.Book),
                object_id=str(number),
                object_repr=f"book {number}",
                action_flag=ADDITION,
                change_message="[]",
            )
            for number in range(1, 11)
        )

    def trees_and_tags(self, share):
        """Categories in a tree (a parent may have a higher key than its child), tags, authors."""
        count = max(12, share["books"] // 100)
        first = 101
        models.Category.objects.bulk_create(
            [
                models.Category(
                    id=first + number,
                    name=f"Category {number}",
                    # Backwards, so that no order of inserting satisfies an undeferred foreign key.
                    parent_id=None if number == count - 1 else first + number + 1 + (count - number - 2) // 2,
                )
                for number in range(count)
            ],
            batch_size=count,
        )
        models.Tag.objects.bulk_create(
            (
                models.Tag(id=uuid.UUID(self.digest("tag", number)[:32], version=4), slug=f"tag-{number}")
                for number in range(share["tags"])
            ),
            batch_size=500,
        )
        bulk.insert(
            connection,
            models.Author._meta.db_table,
            ["id", "name", "email"],
            (
                (number, f"Author {number} {self.digest('author', number)[:8]}", f"Author{number}@Example.org")
                for number in range(1, share["authors"] + 1)
            ),
        )

    def books(self, share):
        """Books: each seventh is hidden from the default manager; half have no JSON, some no cover."""
        categories = list(models.Category.objects.order_by("pk").values_list("pk", flat=True))
        count, authors = share["books"], share["authors"]

        def rows():
            for number in range(1, count + 1):
                digest = self.digest("book", number)
                yield (
                    number,
                    texts.TITLE if number == 1 else f"Book {number} {digest[:12]}",
                    number % authors + 1,
                    pick(categories, number),
                    # The oddly filled ones first: they are in any small data set, and once only in a big one.
                    texts.TEXTS[number - 1] if number <= len(texts.TEXTS) else digest * 4,
                    "" if number % 3 else "\U0001f4d6 subtitle",
                    decimal.Decimal(int(digest[:6], 16)).scaleb(-4),
                    {"n": number, "tags": [digest[:4], None], "\u00e9": 1.5} if number % 2 else None,
                    bytes.fromhex(digest) * 4 if number % 5 else None,
                    BIRTH + datetime.timedelta(seconds=number, microseconds=int(digest[:4], 16)),
                    number % 7 == 0 if connection.vendor != "postgresql" else "ft"[number % 7 == 0],
                )

        bulk.insert(
            connection,
            models.Book._meta.db_table,
            ["id", "title", "author_id", "category_id", "description", "subtitle", "price", "data", "cover"]
            + ["added_at", "hidden"],
            rows(),
        )
        for author in models.Author.objects.order_by("pk")[:50]:
            models.Author.objects.filter(pk=author.pk).update(favourite_id=author.pk % count + 1)

    def around_books(self, share):
        """Many-to-many rows of each kind, and notes on books and tags."""
        count, authors = share["books"], share["authors"]
        tags = list(models.Tag.objects.order_by("slug").values_list("pk", flat=True))
        bulk.insert(
            connection,
            models.Book.tags.through._meta.db_table,
            ["book_id", "tag_id"],
            ((number, tags[(number * 7 + step) % len(tags)]) for number in range(1, count + 1) for step in (0, 3)),
        )
        bulk.insert(
            connection,
            models.Book.similar.through._meta.db_table,
            ["from_book_id", "to_book_id"],
            (pair for number in range(10, count, 10) for pair in ((number, number + 1), (number + 1, number))),
        )
        bulk.insert(
            connection,
            models.Contribution._meta.db_table,
            ["id", "book_id", "author_id", "role", "share"],
            (
                (
                    number,
                    number,
                    number % authors + 1,
                    pick(["editor", "\u00dcbersetzer"], number),
                    decimal.Decimal("12.50"),
                )
                for number in range(1, count + 1, 2)
            ),
        )
        book_type = ContentType.objects.get_for_model(models.Book).pk
        tag_type = ContentType.objects.get_for_model(models.Tag).pk
        bulk.insert(
            connection,
            models.Note._meta.db_table,
            ["content_type_id", "object_id", "text"],
            (
                (book_type, str(number % count + 1), f"note on book {self.digest('note', number)}")
                if number % 4
                else (tag_type, str(pick(tags, number)), f"note on tag {number}")
                for number in range(1, share["notes"] + 1)
            ),
        )

    def sales(self, share):
        """Fill the big table: about 600 bytes in a row."""
        count = share["books"]

        def rows():
            for number in range(1, share["sales"] + 1):
                digest = self.digest("sale", number)
                yield (
                    number,
                    number * CYCLE % count + 1,
                    number % 9 + 1,
                    decimal.Decimal(int(digest[:6], 16)).scaleb(-2),
                    BIRTH + datetime.timedelta(seconds=number * 13, microseconds=int(digest[6:10], 16)),
                    digest * 4,
                )

        columns = ["id", "book_id", "quantity", "amount", "sold_at", "comment"]
        bulk.insert(connection, models.Sale._meta.db_table, columns, rows())

    def odds_and_ends(self):
        """Small tables: inheritance, extreme values, generated columns, odd names."""
        for number in range(1, 31):
            place = {"name": f"Place {number}", "city": pick(["Z\u00fcrich", "\u5317\u4eac", "S\u00e3o Paulo"], number)}
            if number % 3 == 0:
                models.Place.objects.create(**place)
            elif number % 3 == 1:
                models.Bookshop.objects.create(shelves=number, **place)
            else:
                models.Cafe.objects.create(shelves=number, seats=number * 2, **place)
        models.Everything.objects.bulk_create(
            models.Everything(
                text=text,
                short=text[:5],
                number=pick(texts.NUMBERS, number),
                ratio=pick(texts.RATIOS, number),
                exact=pick(texts.EXACTS, number),
                flag=pick([True, False, None], number),
                day=pick(texts.DAYS, number),
                moment=pick(texts.MOMENTS, number),
                clock=pick(texts.CLOCKS, number),
                span=pick(texts.SPANS, number),
                key=pick(texts.KEYS, number),
                address=pick(texts.ADDRESSES, number),
                data=pick(texts.DOCUMENTS, number),
                blob=pick(texts.BLOBS, number),
            )
            for number, text in enumerate(texts.TEXTS * 3)
        )
        for number in range(1, 31):
            models.Invoice.objects.create(number=f"R-{number:05}", net=number * 100, tax=number * 19)
        models.Oddity.objects.bulk_create(models.Oddity(value=text) for text in texts.TEXTS[:15])
        models.LegacyOrder.objects.bulk_create(
            models.LegacyOrder(code=f"L{number}", customer=pick(texts.TEXTS[:12], number)) for number in range(25)
        )
        models.SignalLog.objects.bulk_create(
            models.SignalLog(message=f"created Author {number}") for number in range(1, 11)
        )

    def outside_django(self):
        """Rows where Django has no model, or can't reach: stray tables, another schema, large objects, a sequence."""
        quote = connection.ops.quote_name
        stray = "stray {0}table{0} = 1", "odd {0}column{0} = 'x'"
        mark = '""' if connection.vendor != "mysql" else '"'  # inside the quotes, doubled by hand: Django doesn't
        table, column = (quote(name.format(mark)) for name in stray)
        stock = '"warehouse"."stock"' if self.postgresql else "stock"
        with connection.cursor() as cursor:
            # Each row twice: sums of hashes see that, exclusive ors don't.
            for number in list(range(20)) * 2:
                cursor.execute(f"INSERT INTO {table} ({column}, amount) VALUES (%s, %s)", [f"stray {number}", number])
            for number in range(40):
                cursor.execute(f"INSERT INTO {stock} (sku, pieces) VALUES (%s, %s)", [f"sku-{number}", number])
            if connection.vendor == "mysql":
                mysql_only.fill(connection)
            if not self.postgresql:
                return
            cursor.execute(
                "UPDATE warehouse.stock SET condition = 'lost & found', weight = 1.5, ratio = 0.1, seen = '-infinity',"
                """ raw = '{"b": 1, "a":  2, "a": 3}' WHERE pieces % 2 = 0"""
            )
            cursor.execute(
                "INSERT INTO warehouse.movement SELECT date '2025-07-01' + n * 10, 'sku-' || n FROM"
                " generate_series(0, 39) n"
            )
            for number in range(3):
                content = self.digest("scan", number).encode() * 100
                cursor.execute(
                    "INSERT INTO shop_scan (name, content) VALUES (%s, lo_from_bytea(0, %s))",
                    [f"scan {number}", content],
                )
            cursor.execute("SELECT setval('shop_invoice_number', 1234)")

    def archive(self, share):
        """Fill the second database."""
        count = max(15, share["books"] // 10)
        target = connections["archive"]
        bulk.insert(
            target,
            "attic_archivedorder",
            ["id", "reference", "customer", "total", "ordered_at"],
            (
                (number, f"A/{number:07}", f"K\u00e4ufer {number} \U0001f6d2", decimal.Decimal(number).scaleb(-2))
                + (BIRTH - datetime.timedelta(days=3000, microseconds=number),)
                for number in range(1, count + 1)
            ),
        )
        bulk.insert(
            target,
            "attic_archivedline",
            ["order_id", "text"],
            ((f"A/{number:07}", f"line {line}") for number in range(1, count + 1) for line in range(2)),
        )

    def media(self, media, media_bytes, latin1, links, **options):
        """Files: the oddly named ones, `media` small ones in folders of 100, and a row for each."""
        root = Path(settings.MEDIA_ROOT)
        names = [f"uploads/odd/{name}" for name in texts.MEDIA_NAMES]
        names += [f"uploads/{number // 100:04}/file-{number}.bin" for number in range(media)]
        rows = []
        for number, name in enumerate(names):
            content = bytes.fromhex(self.digest("media", number)) * (media_bytes // 64 + number % 3)
            if name.endswith("empty.bin"):
                content = b""
            self.write_file(os.fsencode(root / name), content)
            rows.append(models.Upload(file=name, sha256=hashlib.sha256(content).hexdigest()))
        models.Upload.objects.bulk_create(rows, batch_size=500)
        (root / "empty-directory").mkdir(exist_ok=True)
        if latin1:
            self.write_file(os.fsencode(root / "uploads") + b"/" + texts.LATIN1_NAME, b"latin1\n")
        if links:
            link = root / "uploads" / "link.txt"
            if not link.is_symlink():
                link.symlink_to("odd/plain.txt")

    @staticmethod
    def write_file(path, content):
        """Write one file and its folders, with a fixed time so that two runs give the same tree."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (BIRTH.timestamp(), BIRTH.timestamp()))

    def reset_sequences(self):
        """Set sequences behind the keys that we chose ourselves."""
        for alias in ("default", "archive"):
            tables = [
                model
                for model in ContentType._meta.apps.get_models(include_auto_created=True)
                if model._meta.managed
                and (model._meta.app_label == "attic") == (alias == "archive")
                # Django (to 5.2 at least) writes broken SQL for a table with a single quote in its name.
                and model is not models.Oddity
            ]
            with connections[alias].cursor() as cursor:
                for statement in connections[alias].ops.sequence_reset_sql(no_style(), tables):
                    cursor.execute(statement)

    def hostile(self):
        """Rows that only SQLite accepts."""
        if connection.vendor != "sqlite":
            raise CommandError("--hostile is for SQLite")
        with connection.constraint_checks_disabled(), connection.cursor() as cursor:
            insert = "INSERT INTO shop_everything (text, short) VALUES (%s, %s)"
            cursor.execute(insert, [texts.HOSTILE_TEXT, "nul"])
            cursor.execute(insert, ["over-long", texts.HOSTILE_SHORT])
            cursor.execute("INSERT INTO shop_note (content_type_id, object_id, text) VALUES (99999, '1', 'lost')")
