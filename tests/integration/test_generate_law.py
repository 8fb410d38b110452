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
from tests.support.usual import usually_first

# What generate writes of these differs from another kind in its statements alone, which
# test_pairs.py holds to the same law.
ALIKE = {"enums_everywhere", "materialized_views", "names", "numbers", "settings", "tables"}
ALIKE |= {"triggers"}
SUPERUSERS = ("LEAKPROOF", "LANGUAGE internal")
PAIRS = [
    pair
    for pair in pairs.read()
    if pair.oldest <= 14 and not pair.refused and not any(word in pair.new for word in SUPERUSERS)
]


@pytest.fixture
def law(
    server: PostgresServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[GenerateLaw]:
    """A file that runs step by step is also stopped and undone from there: after its second
    statement; as a campaign, after each."""
    with owned_law(server, tmp_path) as law:
        law.stops = range(1, 100) if request.node.get_closest_marker("campaign") else [2]
        yield law


@pairs.parametrized(PAIRS, alike=ALIKE)
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


@pytest.mark.parametrize("title", usually_first(HIDDEN))
def test_rows_that_policies_hide_from_their_owner_stay(title: str, law: GenerateLaw) -> None:
    """Without a policy their owner sees none of them."""
    old, new = (f"CREATE TABLE t ({columns}); {FORCED}" for columns in HIDDEN[title])
    law.holds(old, new, "INSERT INTO t VALUES (1, 2), (3, 4)")


@settings(BOUNDED, max_examples=2)
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
    "both ends of a foreign key are logged no more": (
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a)",
        "CREATE UNLOGGED TABLE a (id int PRIMARY KEY);CREATE UNLOGGED TABLE b (a int REFERENCES a)",
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)",
    ),
    "a column gets NOT NULL and a comment, and names look like words of the online form": (
        """CREATE TABLE "t INDEX " (a int, b int);
        CREATE INDEX "x INDEX CONCURRENTLY" ON "t INDEX " (a)""",
        """CREATE TABLE "t INDEX " (a int NOT NULL, b int, CONSTRAINT "COMMIT;" UNIQUE (b));
        CREATE INDEX "x INDEX CONCURRENTLY" ON "t INDEX " (b);
        COMMENT ON COLUMN "t INDEX ".a IS 'first'""",
        'INSERT INTO "t INDEX " VALUES (1, 2)',
    ),
    "a view that groups by a key to come, with what is said of it": (
        "CREATE TABLE t (a int NOT NULL, b text)",
        "CREATE TABLE t (a int PRIMARY KEY, b text);"
        "CREATE VIEW v AS SELECT a, b FROM t GROUP BY a; COMMENT ON VIEW v IS 'all';"
        "COMMENT ON COLUMN v.b IS 'one'; GRANT SELECT ON v TO pg_monitor",
        "INSERT INTO t VALUES (1, 'x')",
    ),
    "a name passes from what the second file drops": (
        "CREATE TABLE a (i int, CONSTRAINT x UNIQUE (i)); CREATE VIEW v AS SELECT i FROM a",
        "CREATE TABLE a (i int); CREATE TABLE x (j int); CREATE VIEW v AS SELECT i, j FROM a, x",
        "INSERT INTO a VALUES (1)",
    ),
}


@pytest.mark.parametrize("title", usually_first(KEYS, 2))
def test_keys_are_replaced_on_a_table_in_use(title: str, law: GenerateLaw) -> None:
    texts = law.holds(*KEYS[title])
    online = [text for text in texts if "atomic = False" in text]
    assert all("migrator.undo(migrate)" in text for text in online)


def test_a_key_of_another_nature_comes_without_its_values(law: GenerateLaw) -> None:
    """There is no cast from uuid to bigint; what refers to it is as empty."""
    old = """CREATE TABLE a (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), j int);
        CREATE TABLE b (a uuid REFERENCES a, j int); CREATE VIEW v AS SELECT id, j FROM a"""
    new = """CREATE TABLE a (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, j int);
        CREATE TABLE b (a bigint REFERENCES a, j int); CREATE VIEW v AS SELECT id, j FROM a"""
    law.holds(old, new, "INSERT INTO a (j) VALUES (3); INSERT INTO b SELECT id, 4 FROM a")


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
