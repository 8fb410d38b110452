"""What domain.sql takes is carried whole by a file, or refused by name."""

from __future__ import annotations

import pytest

from kernel.domain import Domain
from tests.support.databases import query
from tests.support.workshop import Workshop

F = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$"


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        ([f"{F} ;\n REVOKE ALL ON FUNCTION f() FROM PUBLIC"], "REVOKE ALL ON FUNCTION f() FROM"),
        ([f"{F};;CREATE TABLE hidden (a int)"], "CREATE TABLE hidden (a int)"),
        (["CREATE VIEW v AS SELECT ';' AS a; -- why\nDROP VIEW v;"], "DROP VIEW v"),
        (
            ["CREATE DOMAIN d AS int CONSTRAINT c CHECK (VALUE > 0)",
             "COMMENT ON CONSTRAINT c ON DOMAIN d IS 'why'"],
            "constraint c",
        ),
        (["CREATE TYPE c AS (a int)", "COMMENT ON COLUMN c.a IS 'why'"], "column a of composite"),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_refused(texts: list[str], named: str, workshop: Workshop) -> None:
    def register(domain: Domain) -> None:
        domain.sql(*texts)

    assert named in str(workshop.refuses(register))


def test_functions_get_a_path_but_where_they_state_one(workshop: Workshop) -> None:
    def register(domain: Domain) -> None:
        domain.sql(
            F + ";",
            "CREATE FUNCTION g() RETURNS int LANGUAGE sql SET search_path = pg_catalog, pg_temp"
            " AS 'SELECT 1'",
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$",
            "CREATE PROCEDURE q() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$",
        )

    workshop.first(register)
    assert workshop.generate(register) == []
    rows = query(
        workshop.url,
        "SELECT proname::text, array_to_string(proconfig, ' ') FROM pg_proc"
        " WHERE proname IN ('f', 'g', 'p', 'q') ORDER BY 1",
    )
    assert rows == [
        ("f", "search_path=public, pg_temp"),
        ("g", "search_path=pg_catalog, pg_temp"),
        ("p", "search_path=public, pg_temp"),
        ("q", None),
    ]
