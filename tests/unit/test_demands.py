"""What a statement demands of the rows that are there, and which rows it may change itself."""

from __future__ import annotations

import pytest

from engine.schema.table_settings import GIVEN, LACKING
from engine.sql.changed_rows import changed
from engine.sql.demands import demands

DEMANDS = {
    "ALTER TABLE t ALTER COLUMN a SET NOT NULL, ALTER b SET NOT NULL": [
        f"a {LACKING}",
        f"b {LACKING}",
    ],
    'ALTER TABLE IF EXISTS ONLY "T t" ALTER "A, b" SET NOT NULL': [f'"A, b" {LACKING}'],
    "ALTER TABLE t ADD CONSTRAINT c CHECK (a IN (1, 2) AND b <> ')')": [
        "NOT (a IN (1, 2) AND b <> ')')"
    ],
    "ALTER TABLE t ADD CHECK (a IS NOT NULL)": [f"a {LACKING}"],
    "ALTER TABLE t ADD UNIQUE (a, b)": [f"(a) {GIVEN} AND ( b) {GIVEN}"],
    "ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a)": [""],
    "ALTER TABLE t ADD PRIMARY KEY (a)": [
        f"(a) {GIVEN}",
        f"a {LACKING}",
    ],
    "ALTER TABLE t ADD PRIMARY KEY USING INDEX i": [],
    "ALTER TABLE s.t ADD FOREIGN KEY (a) REFERENCES r(id) ON DELETE CASCADE": [
        f"t.a {GIVEN} AND NOT EXISTS (SELECT FROM r engine_target WHERE engine_target.id = t.a)"
    ],
    "CREATE UNIQUE INDEX CONCURRENTLY i ON t (lower(a) DESC) WHERE b": [
        f"( b) AND (lower(a)) {GIVEN}"
    ],
    "CREATE UNIQUE INDEX ON t USING btree (a)": [f"(a) {GIVEN}"],
    "CREATE INDEX i ON t (a)": [],
    "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a)": [],
    "ALTER TABLE t ADD a int NOT NULL": ["true"],
    "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0": [],
    "ALTER TABLE t ADD COLUMN a bigserial NOT NULL, ADD b int": [],
    "ALTER TABLE t ALTER a TYPE varchar(5)": ["length(a::text) > 5"],
    "ALTER TABLE t ALTER a TYPE bigint": [],
    "-- ALTER TABLE t ADD CHECK (a)\nSELECT 'ALTER TABLE t ADD CHECK (a)'": [],
}


@pytest.mark.parametrize("statement", DEMANDS)
def test_what_has_to_hold_is_read_from_the_statement(statement: str) -> None:
    assert [demand.where for demand in demands(statement)] == DEMANDS[statement]


def test_a_constraint_that_is_not_valid_demands_nothing_before_it_is_validated() -> None:
    (later,) = demands("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID")
    (now,) = demands("ALTER TABLE t VALIDATE CONSTRAINT c")
    assert (later.constraint, bool(later.need)) == ("c", True)
    assert (now.constraint, bool(now.need)) == ("c", False)


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("UPDATE t SET a = 1", {"update", "t", "set", "a"}),
        ("ALTER TABLE t ADD a int", set()),
        ("ALTER TABLE t RENAME a TO b", {"alter", "table", "t", "rename", "a", "to", "b"}),
        ('DELETE FROM "T"', {"delete", "from", "T"}),
        ("SELECT f()", None),
        ("SELECT setval('s', 1)", set()),
        ("DO $$ BEGIN DELETE FROM t; END $$", {"begin", "delete", "from", "t", "end"}),
        ("DO $$ BEGIN EXECUTE 'x'; END $$", None),
        ("CALL p()", None),
    ],
)
def test_what_may_change_rows_is_told_from_what_does_not(
    statement: str, names: set[str] | None
) -> None:
    assert changed(statement) == names
