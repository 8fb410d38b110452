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
