"""Where a statement ends, and which ones PostgreSQL runs in no transaction."""

from __future__ import annotations

import pytest

from engine.files.step import Step
from engine.sql.lexer import split


@pytest.mark.parametrize(
    "parts",
    [
        ["SELECT ';'", "-- ;\nSELECT 1"],
        ['SELECT 1 AS "a;b"', "SELECT $x$ ; $x$", "/* ; */ SELECT 2"],
        ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"],
    ],
)
def test_a_text_is_cut_where_statements_end(parts: list[str]) -> None:
    assert split(";\n".join(parts)) == parts


@pytest.mark.parametrize(
    ("sql", "transactional"),
    [
        ("-- a comment\nCREATE INDEX CONCURRENTLY i ON t (i)", False),
        ("/* DROP */ drop index concurrently if exists i", False),
        ("CREATE INDEX i ON t (i) -- not CONCURRENTLY", True),
        ("SELECT 'VACUUM'", True),
        ("VACUUM (ANALYZE) t", False),
        ("CLUSTER", False),
        ("CLUSTER t USING i", True),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY t", False),
        ("REINDEX TABLE t", True),
        ("CALL p()", False),
        ("DO $$ BEGIN COMMIT; END $$", False),
        ("DO $$ BEGIN /* no COMMIT */ RAISE NOTICE 'no COMMIT'; END $$", True),
        ("DO $a$ BEGIN EXECUTE $$ $$; ROLLBACK; END $a$", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", True),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", False),
        ("", True),
    ],
)
def test_what_postgresql_runs_in_a_transaction_is_known(sql: str, transactional: bool) -> None:
    assert Step(1, sql, "sql", None).transactional is transactional


@pytest.mark.parametrize(
    ("sql", "controls"),
    [
        ("BEGIN", True),
        ("SELECT 1; /* /* */ */ commit", True),
        ("START TRANSACTION READ ONLY", True),
        ("ROLLBACK TO SAVEPOINT a", False),
        (r"SELECT E'it\'s done; commit; \'x'", False),
        ("/* /* */ ; COMMIT; */ SELECT 1", False),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END", False),
    ],
)
def test_what_begins_or_ends_a_transaction_is_known(sql: str, controls: bool) -> None:
    assert Step(1, sql, "sql", None).controls_transaction is controls
