# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only MySQL and MariaDB have, or only they get wrong: tables of every age, made and filled by plain SQL."""

from shop import texts

# Zero dates and zero keys are the heritage of servers that were not strict.
LOOSE = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"
STRICT = "SET SESSION sql_mode = DEFAULT"

TABLES = [
    LOOSE,
    """CREATE TABLE shop_ledger (
        id integer NOT NULL AUTO_INCREMENT PRIMARY KEY,
        booked date NOT NULL DEFAULT '0000-00-00', paid datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
        touched timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        amount decimal(12, 2) NOT NULL, gross decimal(14, 4) GENERATED ALWAYS AS (amount * 1.19) VIRTUAL,
        KEY shop_ledger_gross (gross)) ENGINE=InnoDB AUTO_INCREMENT=5000""",
    STRICT,
    # Its collation is the charset's default, which is another one on a newer server.
    """CREATE TABLE shop_default_collation (word varchar(50) NOT NULL PRIMARY KEY)
        ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4""",
    "CREATE TABLE shop_old_text (id integer PRIMARY KEY, body varchar(200), UNIQUE (body)) CHARACTER SET utf8mb3",
    "CREATE TABLE shop_older_text (id integer PRIMARY KEY, body varchar(200) NOT NULL) CHARACTER SET latin1",
    """CREATE TABLE shop_search (id integer NOT NULL AUTO_INCREMENT PRIMARY KEY, body text NOT NULL,
        FULLTEXT KEY shop_search_body (body)) ENGINE=MyISAM CHARACTER SET utf8mb4""",
    """CREATE TABLE `back``tick 'quoted' 100% of; it` (`it's ``a`` "column"` varchar(50) PRIMARY KEY, `key` integer)
        COMMENT='it''s a \\\\ "comment"; -- really'""",
    """CREATE TABLE shop_types (
        id integer NOT NULL PRIMARY KEY, bits bit(10), kind enum('new', 'it''s, used', 'größer'), kinds set('a', 'b'),
        made year, span time(6), big bigint unsigned, exact decimal(65, 30), ratio float, fine double, fixed binary(8),
        loose varbinary(300), blob_ longblob, text_ longtext, moment timestamp(6) NULL, at_ datetime(6),
        place point, data json) ENGINE=InnoDB""",
    """CREATE TABLE shop_visit (day date NOT NULL, page varchar(50) NOT NULL, PRIMARY KEY (day, page))
        PARTITION BY RANGE (year(day))
        (PARTITION p2025 VALUES LESS THAN (2026), PARTITION rest VALUES LESS THAN MAXVALUE)""",
]

PROGRAMS = [
    """CREATE TRIGGER shop_place_audit AFTER INSERT ON shop_place FOR EACH ROW
        INSERT INTO shop_auditentry (message) VALUES (concat('new place: ', NEW.name))""",
    # Two of the same time and table: their order counts.
    """CREATE TRIGGER shop_search_first BEFORE INSERT ON shop_search FOR EACH ROW SET NEW.body = trim(NEW.body)""",
    """CREATE TRIGGER shop_search_then BEFORE INSERT ON shop_search FOR EACH ROW FOLLOWS shop_search_first
    BEGIN
        /* a comment; inside */
        IF NEW.body = '' THEN SET NEW.body = 'it''s empty; // DELIMITER $$'; END IF;
    END""",
    "CREATE FUNCTION shop_gross(net decimal(12, 4)) RETURNS decimal(12, 4) DETERMINISTIC RETURN net * 1.19",
    "CREATE PROCEDURE shop_count_books() SELECT count(*) FROM shop_book",
    """CREATE PROCEDURE shop_close_month(IN the_month date, OUT closed integer) COMMENT 'it''s "quoted"'
    BEGIN
        DECLARE word varchar(20) CHARACTER SET utf8mb4 DEFAULT 'Zürich 🐳';
        /* a comment; with a semicolon */
        SELECT count(*) INTO closed FROM shop_ledger WHERE booked < the_month;
        SET @shop_word = word;
    END""",
    """CREATE EVENT shop_forget ON SCHEDULE EVERY 1 DAY
        DO DELETE FROM django_session WHERE expire_date < now()""",
    # Should a move switch this one on, the heartbeats are gone.
    "CREATE EVENT shop_never ON SCHEDULE EVERY 1 SECOND DISABLE DO DELETE FROM shop_heartbeat",
]


def fill(connection):
    """Fill the tables of TABLES, but for the MyISAM one."""
    with connection.cursor() as cursor:
        cursor.execute(LOOSE)
        dates = ["0000-00-00", "2024-00-00", "2024-02-00", "2024-02-29", "9999-12-31"]
        for number, date in enumerate(dates):
            row = [number * 7, date, f"{date} 00:00:00" if number < 2 else "1000-01-01 23:59:59", number * 1000 + 0.25]
            stamp = "2038-01-19 03:14:07" if number % 2 else "0000-00-00 00:00:00"
            cursor.execute(
                "INSERT INTO shop_ledger (id, booked, paid, amount, touched) VALUES (%s, %s, %s, %s, %s)", [*row, stamp]
            )
        cursor.execute(STRICT)
        # The first two differ in general_ci of old servers, but not in the defaults of new ones, which ignore one here.
        for word in ("straße", "strasse", "Zürich", "🐳", "日本語"):
            cursor.execute("INSERT IGNORE INTO shop_default_collation VALUES (%s)", [word])
        for number, body in enumerate(["naïve café", "日本語", "Łódź", None, None]):
            cursor.execute("INSERT INTO shop_old_text VALUES (%s, %s)", [number, body])
        for number, body in enumerate(["naïve café", "ÄÖÜß ÿ", "5 € “quoted”", ""]):
            cursor.execute("INSERT INTO shop_older_text VALUES (%s, %s)", [number, body])
        for number in range(10):
            cursor.execute(
                "INSERT INTO `back``tick 'quoted' 100%% of; it` VALUES (%s, %s)", [f"tick ` {number}", number]
            )
            cursor.execute("INSERT INTO shop_visit VALUES (%s, %s)", [f"{2024 + number % 4}-06-01", f"/page/{number}"])
        for number, row in enumerate(_rows_of_types()):
            marks = ", ".join(["%s"] * 16)
            cursor.execute(f"INSERT INTO shop_types VALUES (%s, {marks[:-4]}, ST_GeomFromText(%s), %s)", [number, *row])


def fill_myisam(connection):
    """Fill the MyISAM table, outside of any transaction: MySQL 9, whose GTIDs are on, takes no such mixture."""
    with connection.cursor() as cursor:
        for body in ("  search me  ", "", "größer 🐳"):
            cursor.execute("INSERT INTO shop_search (body) VALUES (%s)", [body])


def _rows_of_types():
    """Extremes of each type, in the order of shop_types, without the key."""
    every = bytes(range(256))
    return [
        (0b1000000001, "it's, used", "a,b", 1901, "-838:59:59.000000", 2**64 - 1, "9" * 35 + "." + "9" * 30, 1.5e-38,
         1.7976931348623157e308, b"12345678", every, every * 40, "nul \0 inside \x1a end", "1970-01-01 00:00:01",
         "9999-12-31 23:59:59.999999", "POINT(1.5 -2.25)", '{"b": 1, "a": [null, 1.5, "\\u00e9 🐳"]}'),
        (0, "größer", "", 2155, "838:59:58.000001", 0, "-0." + "0" * 29 + "1", -3.5, 5e-324, b"\0\0x\0\0\0\0\0", b"",
         b"\0", "\\0 \\N " + texts.TEXTS[3], "2038-01-19 03:14:07.999999", "1000-01-01 00:00:00.000001", "POINT(0 0)",
         "[]"),
        (None,) * 17,
    ]  # fmt: skip
