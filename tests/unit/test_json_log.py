"""What a collector is told of a statement: its first words, and no value."""

from __future__ import annotations

import pytest

from commands.json_log import first_words

SECRET = "sup3r-s3cret"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (f"-- {SECRET}\n/* {SECRET} */ CREATE  TABLE\n t (i int)", "CREATE TABLE t"),
        (f"SET app.key TO {SECRET}", "SET"),
        (f"ALTER ROLE app PASSWORD '{SECRET}'", "ALTER ROLE app PASSWORD"),
        (f"ALTER ROLE app PASSWORD E'{SECRET}'", "ALTER ROLE app PASSWORD"),
        (f"UPDATE \"my t\".x SET a = '{SECRET}'", 'UPDATE "my t".x SET'),
        (f"SELECT set_config('a', '{SECRET}', true)", "SELECT"),
        (f"DO $${SECRET}$$", "DO"),
        ("DELETE FROM t WHERE secret", "DELETE FROM t WHERE"),
        ("INSERT INTO t (a) VALUES (12345)", "INSERT INTO t"),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "CREATE UNIQUE INDEX CONCURRENTLY i ON"),
        ("", "function"),
        (f"${SECRET}$", "function"),
    ],
)
def test_of_a_statement_only_its_first_words_are_told(sql: str, words: str) -> None:
    assert first_words(sql) == words
