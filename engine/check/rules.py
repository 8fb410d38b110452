"""What is dangerous about a statement on a table that has rows and clients: what PostgreSQL did,
why that hurts, and the safe statements with the names of the file."""

from __future__ import annotations

from dataclasses import dataclass

from engine.check.finding import Level, RuleName
from engine.check.table_changes import Happened

LATER = "and in a file after it:"
OUTSIDE = "in a file of its own that says `atomic = False` above migrate():"


@dataclass(frozen=True)
class Rule:
    """sized: whether it only matters on a table that is not small. manual: the page of PostgreSQL's
    manual from which it comes. what, why, fix: texts with {table}, {name}, {new}, {lock} and what
    engine.check.lint makes of these."""

    name: RuleName
    level: Level
    sized: bool
    manual: str
    what: str
    why: str
    fix: str


BY_EVENT = {
    Happened.INDEX: Rule(
        RuleName.INDEX_BLOCKS_WRITES,
        Level.ERROR,
        True,
        "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
        "CREATE INDEX {name} lets nobody write to {table} while it is built.",
        "It holds a {lock} lock for as long as every row is read.",
        f"Write {OUTSIDE}\n{{concurrently}};",
    ),
    Happened.CONSTRAINT_INDEX: Rule(
        RuleName.CONSTRAINT_BUILDS_INDEX,
        Level.ERROR,
        True,
        "sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX",
        "the constraint {name} builds its index while nobody can read or write {table}.",
        "ADD CONSTRAINT holds an {lock} lock while every row is read.",
        f"Make the index first, {OUTSIDE}\nCREATE UNIQUE INDEX CONCURRENTLY {{name}} ON {{table}} "
        "{columns};\nand after it: ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX "
        "{name};",
    ),
    Happened.FOREIGN_KEY: Rule(
        RuleName.FOREIGN_KEY_SCAN,
        Level.ERROR,
        True,
        "sql-altertable.html#SQL-ALTERTABLE-NOTES",
        "the foreign key {name} is checked for every row of {table} at once.",
        "Nobody can write to either of the two tables meanwhile ({lock} lock).",
        f"Write:\nALTER TABLE {{table}} ADD CONSTRAINT {{name}} {{new}} NOT VALID;\n{LATER}\n"
        "ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
    ),
    Happened.CHECK: Rule(
        RuleName.CHECK_SCAN,
        Level.ERROR,
        True,
        "sql-altertable.html#SQL-ALTERTABLE-NOTES",
        "the check {name} is tried on every row of {table} at once.",
        "Nobody can read or write the table meanwhile ({lock} lock).",
        f"Write:\nALTER TABLE {{table}} ADD CONSTRAINT {{name}} {{new}} NOT VALID;\n{LATER}\n"
        "ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
    ),
    Happened.VALIDATED_AT_ONCE: Rule(
        RuleName.VALIDATE_AT_ONCE,
        Level.ERROR,
        True,
        "sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT",
        "{name} is validated in the transaction that adds it to {table}.",
        "The lock of ADD CONSTRAINT is held while every row is read: NOT VALID has won nothing.",
        "Move this into the next file:\nALTER TABLE {table} VALIDATE CONSTRAINT {name};",
    ),
    Happened.NOT_NULL: Rule(
        RuleName.NOT_NULL_SCAN,
        Level.ERROR,
        True,
        "sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL",
        "SET NOT NULL on {table}.{name} reads every row while nobody can read or write the table.",
        "PostgreSQL spares that where a valid CHECK says the same.",
        "Write:\nALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} {new}) NOT VALID;\n"
        f"{LATER}\nALTER TABLE {{table}} VALIDATE CONSTRAINT {{check}};\n"
        "ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL;\n"
        "ALTER TABLE {table} DROP CONSTRAINT {check};",
    ),
    Happened.UNFILLED_COLUMN_ADDED: Rule(
        RuleName.COLUMN_WITHOUT_VALUE,
        Level.ERROR,
        False,
        "ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN",
        "the new column {table}.{name} is NOT NULL and has no default.",
        "It fails as soon as the table has a row, and old clients insert rows without it.",
        "Give it a constant default:\nALTER TABLE {table} ADD COLUMN {name} {new} NOT NULL "
        "DEFAULT …;",
    ),
    Happened.COLUMN_ADDED_WITH_REWRITE: Rule(
        RuleName.VOLATILE_DEFAULT,
        Level.ERROR,
        True,
        "sql-altertable.html#SQL-ALTERTABLE-NOTES",
        "the new column {table}.{name} makes PostgreSQL rewrite the whole table.",
        "Its value differs from row to row; nobody can read or write the table meanwhile.",
        "Write:\nALTER TABLE {table} ADD COLUMN {name} {new};\nALTER TABLE {table} ALTER COLUMN "
        "{name} SET DEFAULT …;\nthen fill the rows that are there in parts, with `atomic = False`.",
    ),
    Happened.TYPE_CHANGED_WITH_REWRITE: Rule(
        RuleName.TYPE_REWRITE,
        Level.ERROR,
        True,
        "sql-altertable.html#SQL-ALTERTABLE-NOTES",
        "the type of {table}.{name} becomes {new}, for which the whole table is rewritten.",
        "Nobody can read or write the table meanwhile.",
        "Add a column of the new type, keep both filled by a trigger, fill the rows in parts, then "
        "let clients use the new one; drop the old one in a later release.",
    ),
    Happened.REWRITTEN: Rule(
        RuleName.TABLE_REWRITE,
        Level.ERROR,
        True,
        "explicit-locking.html#LOCKING-TABLES",
        "PostgreSQL rewrites the whole table {table}.",
        "Nobody can read or write it meanwhile.",
        "Do it when nobody works, or without (pg_repack does it beside the clients).",
    ),
    Happened.COLUMN_DROPPED: Rule(
        RuleName.DROP_COLUMN,
        Level.WARNING,
        False,
        "ddl-alter.html#DDL-ALTER-REMOVING-A-COLUMN",
        "the column {table}.{name} goes with its values.",
        "Clients that still name it fail from then on.",
        "Release clients that do not name it first.",
    ),
    Happened.TABLE_DROPPED: Rule(
        RuleName.DROP_TABLE,
        Level.WARNING,
        False,
        "sql-droptable.html",
        "the table {table} goes with its rows.",
        "Clients that still name it fail from then on.",
        "Release clients that do not name it first.",
    ),
    Happened.COLUMN_RENAMED: Rule(
        RuleName.RENAME_COLUMN,
        Level.ERROR,
        False,
        "ddl-alter.html#DDL-ALTER-RENAMING-COLUMN",
        "the column {table}.{name} is called {new} from then on.",
        "Clients that know it as {name} fail until they are replaced.",
        "Add {new}, keep both filled by a trigger, and drop {name} in a later release.",
    ),
    Happened.TABLE_RENAMED: Rule(
        RuleName.RENAME_TABLE,
        Level.ERROR,
        False,
        "ddl-alter.html#DDL-ALTER-RENAMING-TABLE",
        "the table {table} is called {new} from then on.",
        "Clients that know it as {table} fail until they are replaced.",
        "Leave a view behind until then: CREATE VIEW {table} AS SELECT * FROM {new};",
    ),
    Happened.TRUNCATED: Rule(
        RuleName.TRUNCATE,
        Level.ERROR,
        False,
        "sql-truncate.html",
        "TRUNCATE takes all rows of {table}, and nobody can read or write it meanwhile.",
        "No rollback brings the rows back once the file is committed.",
        "Delete what has to go, in parts: DELETE FROM {table} WHERE …",
    ),
    Happened.FOREIGN_KEYS_OFF: Rule(
        RuleName.FOREIGN_KEYS_OFF,
        Level.ERROR,
        False,
        "sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER",
        "DISABLE TRIGGER ALL on {table} switches off its foreign keys, too.",
        "Rows that break them get in, and ENABLE TRIGGER ALL looks at none of these.",
        "Switch off the triggers that are yours: ALTER TABLE {table} DISABLE TRIGGER USER;",
    ),
}
# What a statement says.
# Why a file stops when it is run on an empty database, by SQLSTATE.
BY_STATE = {
    "25001": RuleName.CONCURRENTLY_IN_TRANSACTION,
    "55P04": RuleName.ENUM_VALUE_USED_AT_ONCE,
}
