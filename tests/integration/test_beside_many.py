"""A schema among very many with the same files: what the engine asks of it is not asked of all."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from engine.check import lint
from engine.drift import beyond, out_of_sight
from engine.manage import status
from engine.run import operator_notices
from engine.schema import access, catalog, own_sql, trust
from engine.schema.catalog_queries import TRIGGERS
from engine.schema.own_tables import HISTORY_TABLE
from engine.tenants import lifecycle
from engine.unmanaged import beside, listing
from tests.support.databases import execute

FUNCTION = "FUNCTION {} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
# What a trigger can be; each with a function of its own name, unless it is about that.
TABLES = """
    CREATE TABLE t (a int, "B b" int, c int); CREATE TABLE "T t" (a int);
    CREATE TABLE pg_depend (a int); CREATE VIEW v AS SELECT a FROM t; CREATE SCHEMA other;
"""
FORMS = (
    "TRIGGER {n} BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    'TRIGGER "G g" AFTER DELETE OR UPDATE OF c, "B b" OR INSERT ON t EXECUTE FUNCTION f()',
    "TRIGGER {n} AFTER TRUNCATE OR UPDATE ON t EXECUTE FUNCTION f()",
    "TRIGGER {n} INSTEAD OF INSERT OR DELETE ON v FOR EACH ROW EXECUTE FUNCTION f()",
    "TRIGGER {n} AFTER INSERT ON \"T t\" FOR EACH ROW EXECUTE FUNCTION f(1, ab, '', 'a''b, c')",
    r"TRIGGER {n} AFTER INSERT ON t EXECUTE FUNCTION f('a\000b', '\', 'ü''\\', 'ü')",
    r"TRIGGER {n} AFTER INSERT ON t EXECUTE FUNCTION f('ü\000', '')",
    "CONSTRAINT TRIGGER {n} AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f('one')",
    "CONSTRAINT TRIGGER {n} AFTER DELETE ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()",
    "CONSTRAINT TRIGGER {n} AFTER DELETE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
    "EXECUTE FUNCTION f()",
    'CONSTRAINT TRIGGER {n} AFTER DELETE ON t FROM "T t" FOR EACH ROW EXECUTE FUNCTION f()',
    "TRIGGER {n} AFTER UPDATE ON t REFERENCING OLD TABLE AS o NEW TABLE AS n EXECUTE FUNCTION f()",
    "TRIGGER {n} BEFORE UPDATE ON t FOR EACH ROW WHEN (old.a <> new.a) EXECUTE FUNCTION f()",
    "TRIGGER {n} BEFORE INSERT ON public.pg_depend FOR EACH ROW EXECUTE FUNCTION f()",
    "TRIGGER {n} BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION "
    "suppress_redundant_updates_trigger()",
    "TRIGGER {n} BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION other.g()",
    "TRIGGER {n} BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION public.version()",
    'TRIGGER {n} BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION "F f"(\'"\')',
    "TRIGGER {n} BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION twice()",
)
FUNCTIONS = ("f()", "other.g()", "public.version()", '"F f"()', "twice()")
PRINTED = "SELECT tgname, pg_get_triggerdef(oid, true) FROM pg_trigger WHERE NOT tgisinternal"
ON = "SELECT array_agg(DISTINCT tgrelid) FROM pg_trigger"


# Tenants have the same files, so their functions have the same names.
FILES = f"""
    CREATE TABLE {HISTORY_TABLE} (); CREATE TABLE t (id serial PRIMARY KEY, a int CHECK (a > 0));
    CREATE TYPE mood AS ENUM ('glad');
    CREATE {FUNCTION.format("f()")}; CREATE {FUNCTION.format("g()")};
    CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
    CREATE CONSTRAINT TRIGGER g AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION g('a', 'b');
"""
MANY = 50
COUNTED = "ANALYZE pg_namespace, pg_depend, pg_proc, pg_class, pg_type, pg_trigger"
TOUCHED = """
    SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_xact_sys_tables
"""


def in_words(connection: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The triggers as the engine has them, and as PostgreSQL prints them."""
    with connection.cursor() as cursor:
        cursor.execute(ON)
        (relations,) = cursor.fetchone()
        cursor.execute(PRINTED)
        printed = dict(cursor.fetchall())
        own_sql.fetch(cursor, TRIGGERS, {"relations": relations}, printing=True)
        return {name: text for _, name, text, *_ in cursor.fetchall()}, printed


def test_triggers_are_put_into_words_as_postgresql_does(empty_url: str) -> None:
    made = [f"CREATE {FUNCTION.format(function)}" for function in FUNCTIONS]
    made += [f"CREATE {form.format(n=f'g{number}')}" for number, form in enumerate(FORMS)]
    # Called without arguments it is not known which one is meant.
    last = "CREATE FUNCTION twice(int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1'"
    execute(empty_url, ";".join([TABLES, *made, last]))
    for conforming in ("on", "off"):
        with closing(psycopg2.connect(empty_url)) as connection:
            connection.cursor().execute(f"SET standard_conforming_strings = {conforming}")
            ours, printed = in_words(connection)
            assert ours == printed
            assert len(printed) == len(FORMS)


def touched(url: str, ask: Callable[[Any], object]) -> dict[str, int]:
    """How many rows of which catalog that reads."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        # However few rows there are, none are read by walking over all.
        cursor.execute("SET enable_seqscan = off; SET enable_hashjoin = off")
        cursor.execute("SET enable_mergejoin = off; SET enable_bitmapscan = off")
        ask(connection)
        cursor.execute(TOUCHED)
        return dict(cursor.fetchall())


ASKED: dict[str, Callable[[Any], object]] = {
    "all": catalog.read,
    "code of others": lambda connection: trust.foreign_code(connection.cursor()),
}


@pytest.mark.only("newest")
def test_what_is_read_of_a_schema_is_not_read_of_all(empty_url: str) -> None:
    execute(empty_url, f"{FILES}; {COUNTED}")
    alone = {what: touched(empty_url, ask) for what, ask in ASKED.items()}
    for number in range(MANY):
        execute(empty_url, f"CREATE SCHEMA n{number}; SET search_path = n{number}; {FILES}")
    execute(empty_url, COUNTED)
    more = {}
    for what, ask in ASKED.items():
        for name, rows in touched(empty_url, ask).items():
            if rows >= alone[what].get(name, 0) + MANY:
                more[what, name] = rows - alone[what].get(name, 0)
    assert more == {}


# An index by name and schema that is asked for the schema alone is walked from end to end.
WALK = re.compile(
    r"Seq Scan on pg_(?:class|proc|type)\b|using pg_(?:class|proc|type)_\w+_nsp_index [^\n]*\n"
    r"(?! *Index Cond: .*\b(?:rel|pro|typ)name = )"
)


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    "question",
    [
        *(
            beyond.OWNERS,
            beyond.OF_OWNERS,
            out_of_sight.HIDDEN,
            access.GRANTEES,
            listing.UNMANAGED,
            beside.BESIDE,
        ),
        *(lifecycle.LOSSES, status.RELATIONS, operator_notices.SHUT_OUT, lint.SIZES),
    ],
)
def test_no_catalog_is_walked_for_one_schema(question: str, empty_url: str) -> None:
    values = {"here": 2200, "only": None, "history": HISTORY_TABLE, "named": []}
    with closing(psycopg2.connect(empty_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {question}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "using pg_depend_reference_index" in plan
        assert not WALK.findall(plan), plan
