"""Pairs of schemas through the door that a user takes: what generate writes leads there and back on
a database with rows, and a second generate finds nothing; for an owner that is no superuser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from engine.errors import GenerateError
from engine.testing import GenerateLaw, schema_pairs
from tests.support import pairs
from tests.support.drawn import BOUNDED, Drawn, held
from tests.support.owned import owned_law
from tests.support.pairs import Pair
from tests.support.postgres import PostgresServer

SUPERUSERS = ("LEAKPROOF", "LANGUAGE internal")
PAIRS = [
    pair
    for pair in pairs.read()
    if pair.oldest <= 14 and not pair.refused and not any(word in pair.new for word in SUPERUSERS)
]
SOME = 16
"""One in so many runs each time, all as a campaign."""


@pytest.fixture
def law(server: PostgresServer, tmp_path: Path) -> Iterator[GenerateLaw]:
    with owned_law(server, tmp_path) as law:
        yield law


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(pair, marks=[pytest.mark.campaign] if number % SOME else [], id=str(pair))
        for number, pair in enumerate(PAIRS)
    ],
)
def test_what_generate_writes_leads_there_and_back(pair: Pair, law: GenerateLaw) -> None:
    partitions = "PARTITION OF" in pair.old  # which no file makes, so rows have no place
    assert law.holds(pair.old, pair.new, "" if partitions else pair.rows)


FORCED = "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY"
HIDDEN = {
    "a type": ("a int, b int", "a bigint, b int"),
    "a default and NOT NULL": ("a int, b int", "a int DEFAULT 1, b int NOT NULL"),
    "a column that is filled": (
        "a int, b int",
        "a int, b int, c timestamptz NOT NULL DEFAULT clock_timestamp()",
    ),
}


@pytest.mark.parametrize("title", HIDDEN)
def test_rows_that_policies_hide_from_their_owner_stay(title: str, law: GenerateLaw) -> None:
    """Without a policy their owner sees none of them."""
    old, new = (f"CREATE TABLE t ({columns}); {FORCED}" for columns in HIDDEN[title])
    law.holds(old, new, "INSERT INTO t VALUES (1, 2), (3, 4)")


@settings(BOUNDED, max_examples=4)
@given(pair=schema_pairs())
def test_what_is_drawn_leads_there_and_back(
    server: PostgresServer, tmp_path: Path, pair: Drawn
) -> None:
    with owned_law(server, tmp_path) as law:
        held(law.holds, pair)


KEYS = {
    "a key that a foreign key refers to": (
        "CREATE TABLE p (id int, CONSTRAINT p_id UNIQUE (id));"
        "CREATE TABLE c (p int REFERENCES p (id))",
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p (id))",
        "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)",
    ),
    "a column leaves the key": (
        "CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))",
        "CREATE TABLE t (a int, b int, PRIMARY KEY (a))",
        "INSERT INTO t VALUES (1, 2)",
    ),
    "a table goes and the column that referred to it stays": (
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a)",
        "CREATE TABLE b (a int)",
        "INSERT INTO b VALUES (NULL)",
    ),
    "a name passes from what the second file drops": (
        "CREATE TABLE a (i int, CONSTRAINT x UNIQUE (i)); CREATE VIEW v AS SELECT i FROM a",
        "CREATE TABLE a (i int); CREATE TABLE x (j int); CREATE VIEW v AS SELECT i, j FROM a, x",
        "INSERT INTO a VALUES (1)",
    ),
}


@pytest.mark.parametrize("title", KEYS)
def test_keys_are_replaced_on_a_table_in_use(title: str, law: GenerateLaw) -> None:
    law.holds(*KEYS[title])


PRINTED = """
    CREATE FUNCTION f(k varchar) RETURNS boolean LANGUAGE sql BEGIN ATOMIC
        SELECT k IN ('a', 'b'); END;
    CREATE TABLE parts (kind varchar) PARTITION BY LIST ((kind IN ('a', 'b')))
"""


TYPES = {
    "one in another goes on being in it, on a table in use": (
        "CREATE TYPE mood AS ENUM ('calm', 'cross'); CREATE TYPE pair AS (mood mood, n int);"
        "CREATE TABLE t (n int)",
        "CREATE TYPE mood AS ENUM ('calm'); CREATE TYPE pair AS (mood mood, n int);"
        "CREATE TABLE t (n int NOT NULL)",
        "INSERT INTO t VALUES (1)",
    ),
}


@pytest.mark.parametrize("title", TYPES)
def test_types_are_made_again(title: str, law: GenerateLaw) -> None:
    law.holds(*TYPES[title])


def test_what_postgresql_prints_otherwise_after_a_rebuild_is_settled(law: GenerateLaw) -> None:
    table = "CREATE TABLE t (kind varchar)"
    law.holds(table, f"{table};{PRINTED}", "INSERT INTO t VALUES ('a')")


def test_a_function_does_not_mix_up_the_columns_of_its_rows(law: GenerateLaw) -> None:
    """Its body names them in the order in which the domains have them."""
    function = """CREATE FUNCTION q() RETURNS SETOF t LANGUAGE sql
        BEGIN ATOMIC SELECT * FROM t; END"""
    old = f"CREATE TABLE t (id int, a text, z text); {function}"
    with pytest.raises(GenerateError, match="after the others: id, a, z, b") as refused:
        law.holds(old, f"CREATE TABLE t (id int, a text, b text, z text); {function}")
    assert "a new one last" in refused.value.fix


def test_a_function_gets_columns_that_come_last(law: GenerateLaw) -> None:
    function = """CREATE FUNCTION q() RETURNS SETOF t LANGUAGE sql
        BEGIN ATOMIC SELECT * FROM t; END"""
    old = f"CREATE TABLE t (id int, a text); {function}"
    law.holds(old, f"CREATE TABLE t (id int, a text, z int DEFAULT 4, b text); {function}")
