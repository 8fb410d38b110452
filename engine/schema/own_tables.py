"""The tables of ours in a database that is migrated. Apart, as whatever asks for a state needs no
more of schemas than these names."""

from __future__ import annotations

HISTORY_TABLE = "migratehistory"
JOURNAL_TABLE = "migratejournal"
READING_TABLE = "migratereading"
ENVIRONMENT_TABLE = "migrateenvironment"
ROLES_TABLE = "migrateroles"
KEYS_TABLE = "migratekeys"
OWN_TABLES = (
    *(HISTORY_TABLE, JOURNAL_TABLE, READING_TABLE, ENVIRONMENT_TABLE, ROLES_TABLE),
    KEYS_TABLE,
)
# What a database is for it is for when empty, too: `fresh` would take its protection away. And the
# roles of the cluster stay who they are, and so do the keys that applications have.
STAYING_TABLES = (ENVIRONMENT_TABLE, ROLES_TABLE, KEYS_TABLE)
