"""Policies that look something up let every row pass on Citus where they hold nobody back before
something is turned on; all others stay as they are, so that Citus refuses them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import registry
from engine.check.citus_rules import refused_in
from engine.citus.open_policies import opened
from engine.drift.baseline import Reading
from engine.drift.schema_json import FORMAT, encode
from engine.manage.sql_script import script
from engine.schema.model import Policy, Schema, Table
from engine.sql.lexer import split
from project import PROJECT

OPEN = "USING (true)"
OPENED = [
    (
        "CREATE POLICY a_branch ON a USING (b = ANY ((SELECT f())::bigint[]))",
        "CREATE POLICY a_branch ON a USING (true)",
    ),
    (
        'create policy "a b_branch" on s."a b" as restrictive for update to app using(x in\n'
        "(select 1)) with check (y > 1); SELECT 1",
        'create policy "a b_branch" on s."a b" as restrictive for update to app using(true)'
        " with check (y > 1); SELECT 1",
    ),
    (
        'ALTER POLICY A_Branch ON a USING (";" = \')\' AND "(" = (SELECT 1)) WITH CHECK '
        "(EXISTS (TABLE b) OR (SELECT true))",
        "ALTER POLICY A_Branch ON a USING (true) WITH CHECK (true)",
    ),
]


@pytest.mark.parametrize(("sql", "expected"), OPENED)
def test_they_let_every_row_pass(sql: str, expected: str) -> None:
    assert opened(sql, "_branch") == expected
    assert opened(expected, "_branch") == expected
    assert opened(sql, "") == sql


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE POLICY b_branch ON a USING (EXISTS (SELECT 1))",
        "CREATE POLICY _branch ON a USING (EXISTS (SELECT 1))",
        'CREATE POLICY "A_branch" ON a USING (EXISTS (SELECT 1))',
        "CREATE POLICY a_branch ON a USING (selects > 1 AND 'SELECT' = x /* SELECT */)",
        "COMMENT ON POLICY a_branch ON a IS 'CREATE POLICY a_branch ON a USING (SELECT 1)'",
        "DO $$ BEGIN CREATE POLICY a_branch ON a USING (EXISTS (SELECT 1)); END $$",
    ],
)
def test_others_stay(sql: str) -> None:
    assert opened(sql, "_branch") == sql


def test_those_of_branches_are_meant_and_no_others() -> None:
    """What the domains state, and what the files make of it."""
    stated = [text for domain in registry.load() for text in domain.statements if "POLICY" in text]
    branches = [text for text in stated if opened(text, PROJECT.opened_on_citus) != text]
    assert len(branches) == sum(len(domain.branches) for domain in registry.load()) > 20
    assert not any(list(refused_in(text)) for text in stated if text not in branches)


def test_the_files_hold_nothing_then_that_citus_does_not_take() -> None:
    ending = PROJECT.opened_on_citus
    statements = split(script(PROJECT))
    policies = [sql for sql in statements if re.match(r"\s*CREATE POLICY", sql)]
    assert [sql for sql in policies if list(refused_in(sql))]
    assert [sql for sql in statements if list(refused_in(opened(sql, ending)))] == []


def test_a_reading_that_came_from_elsewhere_says_nothing_here() -> None:
    """In a dump, or with the schema: both kinds of server would find what is there changed."""

    def taken(definition: str) -> Reading:
        policies = {"t_branch": Policy("t_branch", definition), "t_read": Policy("t_read", OPEN)}
        schema = Schema(tables={"t": Table("t", policies=policies)})
        return Reading(encode(schema), [], FORMAT, 15, "")

    here, there = PROJECT, replace(PROJECT, on_citus=True)
    on_citus, alone = taken(OPEN), taken("USING (a = ANY (( SELECT f() AS f)))")
    assert "taken on Citus" in on_citus.elsewhere(here)
    assert "taken on PostgreSQL alone" in alone.elsewhere(there)
    assert on_citus.elsewhere(there) == alone.elsewhere(here) == ""
    plain = taken("USING (a > 0)")
    assert plain.elsewhere(there) == plain.elsewhere(here) == ""
