"""A dump in which somebody has written other texts than pg_dump did: none runs unasked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.backup.restore import restore
from engine.report import Report
from engine.run.options import RunOptions
from tests.support.console import call
from tests.support.databases import execute, query
from tests.support.postgres import PostgresServer
from tests.support.runners import at

LONG = "x" * 200
TABLES = f"""
    CREATE TABLE t (i int); INSERT INTO t VALUES (1); COMMENT ON TABLE t IS '{LONG}';
    CREATE TABLE {LONG[:60]} ({LONG[:55]}_1 int, {LONG[:55]}_2 int); GRANT SELECT ON t TO PUBLIC;
    CREATE INDEX {LONG[:60]}_ ON t ((i + 1000000000), (i + 1000000001), (i + 1000000002));
    SELECT lo_from_bytea(0, 'x'); CREATE TABLE none (); INSERT INTO none DEFAULT VALUES;
    CREATE TABLE "a""b 'c'" ("x, ""y)" text DEFAULT E'\\\\'); CREATE SEQUENCE "q's";
    INSERT INTO "a""b 'c'" VALUES (E'a\\tb\\nc'), (E'\\\\.'), (NULL)
"""
COMMENT = f"COMMENT ON TABLE public.t IS '{LONG}';\n"
COPY = f"COPY public.{LONG[:60]} ({LONG[:55]}_1, {LONG[:55]}_2) FROM stdin;\n"
INDEX = (
    f"CREATE INDEX {LONG[:60]}_ ON public.t USING btree (((i + 1000000000)), ((i + 1000000001)),"
    " ((i + 1000000002)));\n"
)
PATH = "SELECT pg_catalog.set_config('search_path', '', false);\n"
GRANT = "GRANT SELECT ON TABLE public.t TO PUBLIC;\n"
ROLE = "CREATE ROLE forged;"
# What stands there, what somebody writes instead, and what is told.
FORGED = [
    (COMMENT, f"COMMENT ON TABLE public.t IS 'x'; {ROLE}", ROLE[:-1]),
    (COMMENT, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "CREATE FUNCTION f"),
    (COMMENT, r"COMMENT ON TABLE public.t IS E'\'; '; " + ROLE, ROLE[:-1]),
    (COMMENT, f"/* COMMENT ON */ {ROLE}", ROLE[:-1]),
    (COPY, "COPY public.t FROM PROGRAM 'echo 7'; --", "COPY public.t FROM PROGRAM"),
    (COPY, f"COPY public.t FROM stdin; {ROLE}", "COPY public.t FROM stdin; CREATE"),
    (COPY, f"COPY public.t (i, (a)) FROM stdin; {ROLE}", "COPY public.t (i, (a))"),
    (PATH, ROLE, ROLE[:-1]),
    (GRANT, ROLE, ROLE[:-1]),
    (INDEX, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "FUNCTION f()"),
    (INDEX, "CREATE FUNCTION f(OUT x int) LANGUAGE sql AS 'SELECT 1';", "FUNCTION f(OUT x int)"),
    (INDEX, "CREATE CAST (text AS int) WITH INOUT; -- TRIGGER t", "no entry says"),
    (INDEX, "create function f() returns int language sql as 'select 1';", "create function"),
    (INDEX, "CREATE RULE r AS ON DELETE TO public.t DO INSTEAD NOTHING;", "no entry says"),
    (INDEX, f"DO $$ BEGIN {ROLE} END $$;", "DO $$ BEGIN"),
    (INDEX, "SET standard_conforming_strings = off;", "SET standard_conforming"),
    (INDEX, "ALTER ROLE postgres SET search_path = x;", "ALTER ROLE"),
]


@pytest.mark.only("newest")
def test_a_forged_dump_is_asked_about(
    server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    execute(empty_url, TABLES)
    assert call(empty_url, "backup", "--path", str(tmp_path / "true")).code == 0
    (path,) = (tmp_path / "true").glob("*.dump")
    content = path.read_bytes()
    with server.database() as other:
        for old, new, told in FORGED:
            assert content.count(old.encode()) == 1, old
            forged = content.replace(old.encode(), new.ljust(len(old) - 1).encode() + b"\n")
            other_path = tmp_path / "forged.dump"
            other_path.write_bytes(forged)
            digest = hashlib.sha256(forged).hexdigest()
            Path(f"{other_path}.sha256").write_text(f"{digest}  forged.dump\n")
            refused = call(other, "restore", str(other_path))
            assert refused.code == 1 and told in refused.err, (new, refused.err)
        assert query(other, "SELECT FROM pg_roles WHERE rolname = 'forged'") == []
        restored = call(other, "restore", str(path))
        assert restored.code == 0, restored.err
        assert query(other, "SELECT i FROM t") == [(1,)]


@pytest.mark.only("newest")
@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_what_runs_is_what_was_looked_at(
    mode: int, server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    """The file becomes another one while somebody is asked: another one in its place, and, where
    others may write into it, the same one with another content."""
    execute(empty_url, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert call(empty_url, "backup", "--path", str(tmp_path)).code == 0
    (path,) = tmp_path.glob("*.dump")
    path.chmod(mode)
    seen = path.read_bytes()
    forged = seen.replace(b"SELECT 1", b"SELECT 2")
    assert forged != seen

    def meanwhile(foreign: list[str]) -> bool:
        (tmp_path / "forged").write_bytes(forged)
        if mode == 0o600:
            (tmp_path / "forged").replace(path)
        else:
            path.write_bytes(forged)
        return True

    with server.database() as other:
        restore(at(other), path, RunOptions(), Report(), meanwhile)
        assert query(other, "SELECT f()") == [(1,)]
