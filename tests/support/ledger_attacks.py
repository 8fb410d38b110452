"""Ways to empty, change or unguard the append-only ledger with one connection's own rights."""

from __future__ import annotations

from contextlib import closing

import psycopg2

LEDGER = "SELECT id, seq, amount, balance_after FROM transaction_logs ORDER BY id"
GUARD = """
    SELECT tgname, tgenabled, tgfoid::regprocedure, md5(prosrc) FROM pg_trigger
    JOIN pg_proc p ON p.oid = tgfoid WHERE tgrelid = 'public.transaction_logs'::regclass ORDER BY 1
"""
# {function}, {trigger}: of one that keeps rows from being changed. {owner}: of the table.
ATTACKS = """
GRANT TRUNCATE ON transaction_logs TO CURRENT_USER
UPDATE transaction_logs SET balance_after = 0
DELETE FROM transaction_logs
DELETE FROM ONLY transaction_logs
TRUNCATE transaction_logs
TRUNCATE transaction_logs CASCADE
TRUNCATE customers CASCADE
DROP TABLE transaction_logs
DROP TABLE transaction_logs CASCADE
DROP TABLE customers CASCADE
DROP SCHEMA public CASCADE
DROP OWNED BY {owner} CASCADE
REASSIGN OWNED BY {owner} TO CURRENT_USER
ALTER TABLE transaction_logs DISABLE TRIGGER ALL
ALTER TABLE transaction_logs DISABLE TRIGGER USER
ALTER TABLE transaction_logs DISABLE TRIGGER {trigger}
ALTER TABLE transaction_logs OWNER TO CURRENT_USER
ALTER TABLE transaction_logs RENAME TO gone
ALTER TABLE transaction_logs SET SCHEMA pg_temp
ALTER TABLE transaction_logs ALTER balance_after TYPE bigint USING 0
ALTER TABLE transaction_logs DROP COLUMN balance_after
ALTER TABLE transaction_logs ADD COLUMN planted int
ALTER TABLE transaction_logs ENABLE ROW LEVEL SECURITY
DROP TRIGGER {trigger} ON transaction_logs
ALTER TRIGGER {trigger} ON transaction_logs RENAME TO other
DROP FUNCTION {function} CASCADE
ALTER FUNCTION {function} OWNER TO CURRENT_USER
CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'
CREATE TRIGGER aaa BEFORE DELETE ON transaction_logs FOR EACH ROW EXECUTE FUNCTION {function}
CREATE RULE planted AS ON INSERT TO transaction_logs DO INSTEAD NOTHING
CREATE POLICY planted ON transaction_logs USING (false)
CREATE VIEW transaction_logs_2 AS SELECT 1
CREATE TABLE public.planted (x int)
CREATE SCHEMA planted
SET session_replication_role = replica
SELECT set_config('session_replication_role', 'replica', false)
ALTER ROLE CURRENT_USER SET session_replication_role = replica
ALTER ROLE CURRENT_USER SUPERUSER
ALTER DATABASE {database} SET session_replication_role = replica
ALTER DATABASE {database} OWNER TO CURRENT_USER
ALTER SYSTEM SET session_replication_role = replica
DROP DATABASE {database} WITH (FORCE)
SET ROLE {owner}
SET ROLE postgres
SET SESSION AUTHORIZATION {owner}
SET SESSION AUTHORIZATION postgres
GRANT {owner} TO CURRENT_USER
GRANT pg_write_server_files TO CURRENT_USER
SET allow_system_table_mods = on
DELETE FROM pg_catalog.pg_trigger
UPDATE pg_catalog.pg_class SET relhastriggers = false WHERE relname = 'transaction_logs'
MERGE INTO transaction_logs t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE
WITH gone AS (DELETE FROM transaction_logs RETURNING 1) SELECT count(*) FROM gone
DO 'BEGIN DELETE FROM transaction_logs; END'
COPY (SELECT 1) TO PROGRAM 'true'
COPY transaction_logs TO '/tmp/ledger'
SELECT lo_import('/etc/passwd')
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IS DISTINCT FROM current_user
CREATE EXTENSION dblink
CREATE EVENT TRIGGER planted ON ddl_command_start EXECUTE FUNCTION {function}
LOCK TABLE pg_catalog.pg_class
DELETE FROM migratehistory
UPDATE migratehistory SET checksum = ''
INSERT INTO migratehistory (name, migrated_at) VALUES ('003_security_fix', now())
DELETE FROM migratereading
UPDATE migrateenvironment SET name = 'test'
""".strip().splitlines()
# These may pass: what they leave is seen in the ledger, or by what comes after them.
UNHARMED = ("GRANT TRUNCATE", "SELECT pg_terminate_backend", "LOCK TABLE")


def attack(url: str, names: dict[str, str]) -> list[str]:
    """The attacks that PostgreSQL let pass as the role of that URL, each in a session of its own
    that commits."""
    passed = []
    for text in ATTACKS:
        statement = text.format(**names)
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            try:
                connection.cursor().execute(statement)
            except psycopg2.Error:
                continue
        if not statement.startswith(UNHARMED):
            passed.append(statement)
    return passed


def names(url: str) -> dict[str, str]:
    """What the attacks aim at."""
    query = """
        SELECT current_database(), tgname::text, tgfoid::regprocedure::text,
               c.relowner::regrole::text
        FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
        WHERE tgrelid = 'public.transaction_logs'::regclass AND NOT tgisinternal
          AND pg_get_triggerdef(pg_trigger.oid) ~ 'BEFORE .*(DELETE|UPDATE)' ORDER BY tgname
    """
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        values = cursor.fetchall()[0]
    return dict(zip(("database", "trigger", "function", "owner"), values, strict=True))
