# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Django doesn't know about: schemas, views, triggers, extensions, tables without a model. By vendor."""

from django.db import migrations

from shop import mysql_only

COMMON = [
    # No primary key, so the same row may be there twice; names that only proper quoting survives.
    """CREATE TABLE "stray ""table"" = 1" ("odd ""column"" = 'x'" varchar(100), amount integer)""",
    """CREATE TABLE "legacy orders" (code varchar(20) PRIMARY KEY, customer text NOT NULL)""",
    "CREATE VIEW shop_visible_books AS SELECT id, title FROM shop_book WHERE NOT hidden",
    "CREATE INDEX shop_author_name_lower ON shop_author (lower(name))",
]

POSTGRESQL = [
    *COMMON,
    "CREATE EXTENSION IF NOT EXISTS citext",
    "ALTER TABLE shop_author ALTER COLUMN email TYPE citext",
    "CREATE UNIQUE INDEX shop_author_email ON shop_author (email)",
    "CREATE SCHEMA warehouse",
    "CREATE TYPE warehouse.condition AS ENUM ('new', 'used', 'lost & found')",
    "CREATE DOMAIN warehouse.weight AS numeric(10, 3) CHECK (VALUE >= 0)",
    """CREATE TABLE warehouse.stock (
        sku varchar(20) PRIMARY KEY, pieces integer NOT NULL CHECK (pieces >= 0),
        condition warehouse.condition NOT NULL DEFAULT 'new', weight warehouse.weight,
        raw json, seen timestamptz DEFAULT 'infinity', ratio float8 DEFAULT 'NaN')""",
    "COMMENT ON TABLE warehouse.stock IS 'what''s on the shelves'",
    # Rows of a partitioned table must be counted once, not twice.
    "CREATE TABLE warehouse.movement (moved_on date NOT NULL, sku varchar(20)) PARTITION BY RANGE (moved_on)",
    """CREATE TABLE warehouse.movement_2025 PARTITION OF warehouse.movement
        FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')""",
    """CREATE TABLE warehouse.movement_2026 PARTITION OF warehouse.movement
        FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')""",
    "CREATE TABLE shop_scan (name varchar(40) PRIMARY KEY, content oid NOT NULL)",
    "CREATE SEQUENCE shop_invoice_number START 1000",  # owned by no column
    """CREATE MATERIALIZED VIEW shop_book_stats AS
        SELECT author_id, count(*) AS books, sum(price) AS value FROM shop_book GROUP BY author_id""",
    "CREATE UNIQUE INDEX shop_book_stats_author ON shop_book_stats (author_id)",
    "CREATE MATERIALIZED VIEW shop_never_filled AS SELECT count(*) AS tags FROM shop_tag WITH NO DATA",
    """CREATE FUNCTION shop_audit_place() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        INSERT INTO shop_auditentry (message) VALUES ('new place: ' || NEW.name);
        RETURN NEW;
    END
    $body$""",
    "CREATE TRIGGER shop_place_audit AFTER INSERT ON shop_place FOR EACH ROW EXECUTE FUNCTION shop_audit_place()",
    "CREATE FUNCTION shop_gross(net numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT net * 1.19'",
    "CREATE INDEX shop_book_gross ON shop_book (shop_gross(price)) WHERE NOT hidden",
    "CREATE INDEX shop_book_data ON shop_book USING gin (data)",
]

SQLITE = [
    *COMMON,
    "CREATE TABLE stock (sku varchar(20) PRIMARY KEY, pieces integer NOT NULL CHECK (pieces >= 0))",
    "CREATE UNIQUE INDEX shop_author_email ON shop_author (email COLLATE NOCASE)",
    """CREATE TRIGGER shop_place_audit AFTER INSERT ON shop_place BEGIN
        INSERT INTO shop_auditentry (message) VALUES ('new place: ' || NEW.name);
    END""",
]

MYSQL = [
    """CREATE TABLE `stray "table" = 1` (`odd "column" = 'x'` varchar(100), amount integer)""",
    "CREATE TABLE `legacy orders` (code varchar(20) PRIMARY KEY, customer text NOT NULL)",
    "CREATE VIEW shop_visible_books AS SELECT id, title FROM shop_book WHERE NOT hidden",
    "CREATE TABLE stock (sku varchar(20) PRIMARY KEY, pieces integer NOT NULL)",
    *mysql_only.TABLES,
    # A view of a view, which a dump by name has in the wrong order.
    "CREATE VIEW shop_a_title AS SELECT title FROM shop_visible_books",
    *mysql_only.PROGRAMS,
]

STATEMENTS = {"postgresql": POSTGRESQL, "sqlite": SQLITE, "mysql": MYSQL}


def run(apps, schema_editor):
    """Run the statements of the vendor at hand."""
    for statement in STATEMENTS[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    """Make them."""

    dependencies = [("shop", "0003_first_rows")]

    # Not atomic by itself, else MySQL takes no DDL here; elsewhere the whole migration is one transaction anyway.
    operations = [migrations.RunPython(run, migrations.RunPython.noop, atomic=False)]
