"""What is dangerous about a statement on a table that has rows and clients: what PostgreSQL did,
why that hurts, and the safe statements with the names of the file."""

from __future__ import annotations

from dataclasses import dataclass

from engine.check.finding import ERROR, WARNING

LATER = "and in a file after it:"
OUTSIDE = "in a file of its own that says `atomic = False` above migrate():"


@dataclass(frozen=True)
class Rule:
    """level: how bad it is. sized: whether it only matters on a table that is not small. what, why,
    fix: texts with {table}, {name}, {new}, {lock} and what lint.py makes of these."""

    name: str
    level: str
    sized: bool
    what: str
    why: str
    fix: str


# What happened to a table that was there, as engine.check.table_changes calls it.
BY_EVENT = {
    "index": Rule(
        "index-blocks-writes",
        ERROR,
        True,
        "CREATE INDEX {name} lets nobody write to {table} while it is built.",
        "It holds a {lock} lock for as long as every row is read.",
        f"Write {OUTSIDE}\n{{concurrently}};",
    ),
    "constraint index": Rule(
        "constraint-builds-index",
        ERROR,
        True,
        "the constraint {name} builds its index while nobody can read or write {table}.",
        "ADD CONSTRAINT holds an {lock} lock while every row is read.",
        f"Make the index first, {OUTSIDE}\nCREATE UNIQUE INDEX CONCURRENTLY {{name}} ON {{table}} "
        "{columns};\nand after it: ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX "
        "{name};",
    ),
    "foreign key": Rule(
        "foreign-key-scan",
        ERROR,
        True,
        "the foreign key {name} is checked for every row of {table} at once.",
        "Nobody can write to either of the two tables meanwhile ({lock} lock).",
        f"Write:\nALTER TABLE {{table}} ADD CONSTRAINT {{name}} {{new}} NOT VALID;\n{LATER}\n"
        "ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
    ),
    "check": Rule(
        "check-scan",
        ERROR,
        True,
        "the check {name} is tried on every row of {table} at once.",
        "Nobody can read or write the table meanwhile ({lock} lock).",
        f"Write:\nALTER TABLE {{table}} ADD CONSTRAINT {{name}} {{new}} NOT VALID;\n{LATER}\n"
        "ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
    ),
    "validated at once": Rule(
        "validate-at-once",
        ERROR,
        True,
        "{name} is validated in the transaction that adds it to {table}.",
        "The lock of ADD CONSTRAINT is held while every row is read: NOT VALID has won nothing.",
        "Move this into the next file:\nALTER TABLE {table} VALIDATE CONSTRAINT {name};",
    ),
    "not null": Rule(
        "not-null-scan",
        ERROR,
        True,
        "SET NOT NULL on {table}.{name} reads every row while nobody can read or write the table.",
        "PostgreSQL spares that where a valid CHECK says the same.",
        "Write:\nALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID;\n"
        f"{LATER}\nALTER TABLE {{table}} VALIDATE CONSTRAINT {{check}};\n"
        "ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL;\n"
        "ALTER TABLE {table} DROP CONSTRAINT {check};",
    ),
    "unfilled column added": Rule(
        "column-without-value",
        ERROR,
        False,
        "the new column {table}.{name} is NOT NULL and has no default.",
        "It fails as soon as the table has a row, and old clients insert rows without it.",
        "Give it a constant default:\nALTER TABLE {table} ADD COLUMN {name} {new} NOT NULL "
        "DEFAULT …;",
    ),
    "column added with a rewrite": Rule(
        "volatile-default",
        ERROR,
        True,
        "the new column {table}.{name} makes PostgreSQL write the whole table anew.",
        "Its value differs from row to row; nobody can read or write the table meanwhile.",
        "Write:\nALTER TABLE {table} ADD COLUMN {name} {new};\nALTER TABLE {table} ALTER COLUMN "
        "{name} SET DEFAULT …;\nthen fill the rows that are there in parts, with `atomic = False`.",
    ),
    "type changed with a rewrite": Rule(
        "type-rewrite",
        ERROR,
        True,
        "the type of {table}.{name} becomes {new}, for which the whole table is written anew.",
        "Nobody can read or write the table meanwhile.",
        "Add a column of the new type, keep both filled by a trigger, fill the rows in parts, then "
        "let clients use the new one; drop the old one in a later release.",
    ),
    "rewritten": Rule(
        "table-rewrite",
        ERROR,
        True,
        "PostgreSQL writes the whole table {table} anew.",
        "Nobody can read or write it meanwhile.",
        "Do it when nobody works, or without (pg_repack does it beside the clients).",
    ),
    "column dropped": Rule(
        "drop-column",
        WARNING,
        False,
        "the column {table}.{name} goes with its values.",
        "Clients that still name it fail from then on.",
        "Release clients that do not name it first.",
    ),
    "table dropped": Rule(
        "drop-table",
        WARNING,
        False,
        "the table {table} goes with its rows.",
        "Clients that still name it fail from then on.",
        "Release clients that do not name it first.",
    ),
    "column renamed": Rule(
        "rename-column",
        ERROR,
        False,
        "the column {table}.{name} is called {new} from then on.",
        "Clients that know it as {name} fail until they are replaced.",
        "Add {new}, keep both filled by a trigger, and drop {name} in a later release.",
    ),
    "table renamed": Rule(
        "rename-table",
        ERROR,
        False,
        "the table {table} is called {new} from then on.",
        "Clients that know it as {table} fail until they are replaced.",
        "Leave a view behind until then: CREATE VIEW {table} AS SELECT * FROM {new};",
    ),
    "truncated": Rule(
        "truncate",
        ERROR,
        False,
        "TRUNCATE takes all rows of {table}, and nobody can read or write it meanwhile.",
        "No rollback brings the rows back once the file is committed.",
        "Delete what has to go, in parts: DELETE FROM {table} WHERE …",
    ),
}
# What a statement says.
BY_TEXT = {
    "LOCK TABLE": Rule(
        "lock-table",
        ERROR,
        False,
        "LOCK TABLE keeps others from {table} until the file is committed ({lock} lock).",
        "All that comes after it in the file adds to their wait.",
        "Leave it out: each statement takes the lock that it needs.",
    ),
    "all rows": Rule(
        "all-rows-at-once",
        ERROR,
        True,
        "{name} without WHERE takes every row of {table} in one transaction.",
        "Each row stays locked until the end, and the table grows by all of them.",
        "Do it in parts, in a file that says `atomic = False`:\n{name} … WHERE id BETWEEN 1 AND "
        "10000;",
    ),
    "set": Rule(
        "set-without-local",
        ERROR,
        False,
        "SET {name} outlives the file: what runs after it has it, too.",
        "Behind a pooler that is somebody else's session.",
        "Write SET LOCAL {name} …, which ends with the transaction.",
    ),
    "if not exists": Rule(
        "if-not-exists",
        ERROR,
        False,
        "IF NOT EXISTS passes over {name} where something of that name is there, whatever it is.",
        "The file then counts as applied, and the database has another definition.",
        "Leave IF NOT EXISTS out; where the database has it already, invoke adopt compares first.",
    ),
}
# Why a file stops when it is run on an empty database, by SQLSTATE.
BY_STATE = {"25001": "concurrently-in-transaction", "55P04": "enum-value-used-at-once"}
# What engine.check.lint finds about its own comments, and what other checks find.
OTHERS = (
    *("ignore-without-reason", "ignore-unknown", "ignore-unused"),
    *("fails", "irreversible", "files", "history", "models", "scratch"),
)
NAMES = frozenset(
    [rule.name for rule in (*BY_EVENT.values(), *BY_TEXT.values())] + [*BY_STATE.values(), *OTHERS]
)
