"""Migration files that Hypothesis draws, with what a session can be left with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tests.support.migration_files import BACK, HEAD


@dataclass(frozen=True)
class Drawn:
    """A file. steps: its statements, with {n} for a number that no other file has."""

    steps: tuple[str, ...]
    atomic: bool = True

    def text(self, number: int) -> str:
        """As Python. Its rollback runs the same statements once more: what a statement does to its
        session does not ask which way the file goes."""
        mode = "" if self.atomic else "atomic = False\n\n\n"
        up, down = self._calls(f"{number}"), self._calls(f"{number}_back")
        return f"{mode}{HEAD}    pass\n{up}{BACK}    pass\n{down}"

    def _calls(self, number: str) -> str:
        calls = []
        for place, step in enumerate(self.steps):
            sql = step.replace("{n}", f"{number}_{place}").replace("%", "%%")
            calls.append(f"    migrator.sql({sql!r})\n")
        return "".join(calls)


def write_drawn(folder: Path, files: Sequence[Drawn]) -> None:
    """Make them the files of a folder, numbered from 1."""
    folder.mkdir(exist_ok=True)
    for number, file in enumerate(files, 1):
        path = folder / f"{number:03}_drawn.py"
        path.write_text(file.text(number), encoding="utf-8")


# What a session says of itself, kept as rows.
LOOK = """
    INSERT INTO public.seen (file, what)
    SELECT '{n}', what FROM (
        SELECT format('%s = %s', name, setting) FROM pg_settings
        WHERE source = 'session' AND setting IS DISTINCT FROM reset_val
        AND name NOT IN ('lock_timeout', 'client_min_messages', 'client_connection_check_interval')
        UNION ALL SELECT format('%s = %s', name, coalesce(current_setting(name, true), 'none'))
        FROM (VALUES ('my.tenant'), ('my.other'), ('my.block'), ('search_path'),
             ('engine.roles')) s (name)
        UNION ALL SELECT format('users %s %s', current_user, session_user)
        UNION ALL SELECT format('statement %s', name) FROM pg_prepared_statements
        UNION ALL SELECT format('cursor %s', name) FROM pg_cursors WHERE is_holdable
        UNION ALL SELECT format('channel %s', c) FROM pg_listening_channels() c
        UNION ALL SELECT format('lock %s %s %s', classid, objid, mode) FROM pg_locks
        WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid IN (8, 42)
        UNION ALL SELECT format('temporary %s', relname) FROM pg_class
        WHERE relnamespace = pg_my_temp_schema() AND relkind <> 'i'
        UNION ALL SELECT format('last number %s', public.last_number())
    ) s (what) ORDER BY what
"""
GROUND = Drawn(
    (
        "CREATE SCHEMA other",
        "CREATE TABLE seen (id serial, file text, what text)",
        "CREATE TABLE moments (at timestamptz, day date, number text DEFAULT '1')",
        "CREATE TABLE owners (id int PRIMARY KEY)",
        "CREATE TABLE things (owner int REFERENCES owners DEFERRABLE)",
        "CREATE SEQUENCE numbers",
        "CREATE FUNCTION last_number() RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT "
        "AS $$ BEGIN RETURN currval('numbers'); EXCEPTION WHEN OTHERS THEN RETURN 'none'; END $$",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC",
    )
)
STATES = (
    "SET work_mem = '7MB'",
    "SET LOCAL work_mem = '8MB'",
    "SELECT set_config('my.tenant', 'x', false)",
    "SELECT set_config('my.tenant', 'y', true)",
    "SET my.other = 'y'",
    "DO $$ BEGIN PERFORM set_config('my.block', '1', false); END $$",
    "UPDATE pg_settings SET setting = '9MB' WHERE name = 'work_mem'",
    "CREATE TEMP TABLE seen (i int)",
    "CREATE TEMP TABLE notes ON COMMIT DROP AS SELECT 1 AS i",
    "CREATE TEMP VIEW glance AS SELECT 1 AS i",
    "CREATE FUNCTION pg_temp.half(i int) RETURNS int RETURN i / 2",
    "PREPARE plan AS SELECT 1",
    "LISTEN news",
    "SELECT pg_advisory_lock(42)",
    "SELECT pg_advisory_lock_shared(7, 8)",
    "SET CONSTRAINTS ALL DEFERRED",
    "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
    "SELECT nextval('numbers')",
    "SELECT setseed(0.5)",
    "SET search_path = other, public",
    "SET search_path = other",
    "SELECT set_config('search_path', '', false)",
    "SET default_transaction_isolation = 'repeatable read'",
    "SET default_transaction_deferrable = on",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET session_replication_role = replica",
    "SET TimeZone = 'America/Lima'",
    "SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE",
    "SET DateStyle = 'German'",
    "SET IntervalStyle = 'sql_standard'",
    "SET standard_conforming_strings = off",
    "SET transform_null_equals = on",
    "SET check_function_bodies = off",
    "SET client_encoding = LATIN1",
    "SET row_security = off",
    "SET statement_timeout = '1h'",
    "SET lock_timeout = '9s'",
    "SET default_table_access_method = 'heap'",
    "SET temp_tablespaces = 'pg_default'",
    "SET plpgsql.variable_conflict = 'use_column'",
    "LOAD 'plpgsql'",
)
TAKEN_BACK = ("DISCARD TEMP", "RESET ALL", "DEALLOCATE ALL", "UNLISTEN *", "CLOSE ALL")
# What lets no later statement of its file write.
LAST = (
    "SET ROLE pg_monitor",
    "SET SESSION AUTHORIZATION pg_monitor",
    "SET default_transaction_read_only = on",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET LOCAL ROLE pg_monitor",
)
USES = (
    "CREATE TABLE t_{n} (i int, at timestamptz DEFAULT '2026-02-03 04:05')",
    "INSERT INTO public.moments VALUES ('2026-02-03 04:05', '03.02.2026')",
    "INSERT INTO public.moments (day) SELECT '2026-02-03' WHERE NULL = NULL",
    "INSERT INTO public.moments (number) VALUES ('a\\nb'), (E'it\\'s 5 %')",
    "INSERT INTO public.moments (number) VALUES ('é€')",
    "CREATE FUNCTION f_{n}() RETURNS text LANGUAGE sql SET search_path FROM CURRENT "
    "AS $$ SELECT 'x'::text $$",
    "CREATE VIEW v_{n} AS SELECT at::date AS day FROM public.moments",
    "CREATE INDEX ON public.moments (day)",
)


# The first one may pass where session_replication_role is replica.
FAILING = ("INSERT INTO public.things VALUES (7)", "SELECT 1 / 0")
# What psql could read otherwise than PostgreSQL does.
TEXTS = (
    "INSERT INTO public.moments (number) VALUES ('a') -- it's the end; really",
    "CREATE TABLE c_{n} (i int) /* -- ' */",
    "CREATE TABLE d_{n} (i int); -- first ;\nCREATE TABLE e_{n} (i int); /* no ; */ -- $$",
    "CREATE TABLE g_{n} (i int);; ; ",
    "INSERT INTO public.moments (number) VALUES ('5 % %s %(x)s %%')",
    "INSERT INTO public.moments (number) VALUES (E'it\\'s; \\\\')",
    "INSERT INTO public.moments (number) VALUES (E'a'  -- ' ;\n '\\';b' \n\n 'c')",
    "INSERT INTO public.moments (number) VALUES (U&'d\\0061t;' || U&'!0061\\' UESCAPE '!')",
    "INSERT INTO public.moments (number) VALUES ('x\n\\.\n\\q\nCOPY a FROM stdin;\n1\t2\nexit')",
    "INSERT INTO public.moments (number) VALUES ('a\r\nb\tc\n\n  d :PORT :''USER'' ')",
    "INSERT INTO public.moments (number) SELECT (ARRAY['a', 'b'])[1:PORT] FROM (SELECT 2 port) s",
    "INSERT INTO public.moments (number) SELECT (ARRAY['a','b'])['1':\"USER\"] FROM "
    '(SELECT 2 AS "USER") s',
    "DO $x$ BEGIN EXECUTE 'CREATE TABLE h_{n} (i int) -- ;'; END $x$",
    "CREATE FUNCTION k_{n}(i int = 1) RETURNS int BEGIN ATOMIC SELECT 1; "
    "SELECT CASE i WHEN 1 THEN 2 END; END",
    "CREATE PROCEDURE p_{n}() LANGUAGE plpgsql AS $p$\nBEGIN\n    COMMIT; -- $$ it's\nEND $p$",
    "CREATE RULE r_{n} AS ON DELETE TO public.owners DO ALSO "
    "(INSERT INTO public.things VALUES (1); DELETE FROM public.things)",
    'CREATE TABLE "q;{n} \' :PORT $$ " ("--" int); COMMENT ON TABLE "q;{n} \' :PORT $$ " IS \'/*\'',
    "CREATE SCHEMA s_{n} CREATE TABLE x (i int) CREATE VIEW y AS SELECT i FROM x",
    "LOCK TABLE public.owners",
    "SAVEPOINT s; INSERT INTO public.owners VALUES (99); ROLLBACK TO s",
    "DECLARE c_{n} CURSOR FOR SELECT 1",
    "CREATE TEMP TABLE x_{n} ON COMMIT DROP AS SELECT 'x' AS i; "
    "INSERT INTO public.moments (number) SELECT i FROM x_{n}",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '5MB'); "
    "END $$",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pg_monitor",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC",
    "CREATE TABLE other.x_{n} (at timestamptz DEFAULT '2026-01-01 00:00')",
    "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA other",
    "DROP TABLE public.seen; CREATE TABLE public.seen (id serial, file text, what text)",
)
OUTSIDE = (
    "CREATE INDEX CONCURRENTLY i_{n} ON public.moments (day) -- it's",
    "VACUUM public.moments",
    "DO $$ BEGIN INSERT INTO public.owners VALUES (5) ON CONFLICT DO NOTHING; COMMIT; END $$",
    "REINDEX TABLE CONCURRENTLY public.owners",
)


def files_of(*pools: tuple[str, ...], last: tuple[str, ...] = ()) -> st.SearchStrategy[list[Drawn]]:
    """Two to four files after the ground that they stand on; each looks at its session first and
    in the end."""
    steps = st.lists(st.one_of(*map(st.sampled_from, pools)), min_size=1, max_size=6)
    end = st.lists(st.sampled_from(last), max_size=1) if last else st.just([])
    file = st.tuples(steps, end, st.booleans()).map(
        lambda drawn: Drawn((LOOK, *drawn[0], LOOK, *drawn[1]), drawn[2])
    )
    return st.lists(file, min_size=2, max_size=4).map(lambda files: [GROUND, *files])
