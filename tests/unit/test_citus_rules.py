"""What Citus does not take is named before a cluster refuses it; what it takes is not."""

from __future__ import annotations

import pytest

from engine.check.citus_rules import STATEMENTS, SUBCOMMANDS, SWITCHED, TOGETHER, refused_in
from tests.support.citus_cases import REFUSED, TAKEN


def test_every_rule_has_a_case_and_each_case_one_rule() -> None:
    named = []
    for sql in REFUSED:
        (refused,) = refused_in(f"-- it's a comment\n{sql};")
        named.append(refused)
    assert {*named} == {*SUBCOMMANDS, *STATEMENTS, SWITCHED, TOGETHER}


@pytest.mark.parametrize("sql", TAKEN)
def test_what_it_takes_is_not_named(sql: str) -> None:
    assert list(refused_in(sql)) == []


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE p ADD k int CHECK (k > 0)",
        "ALTER TABLE p ADD i serial",
    ],
)
def test_one_that_is_spelled_otherwise_is_named(sql: str) -> None:
    assert len(list(refused_in(sql))) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE p ADD k int CONSTRAINT positive CHECK (k > 0)",
        "ALTER TABLE p ADD UNIQUE (serial)",
        "CREATE POLICY near ON p USING (place <=> '[1]' < 0.5)",
        "ALTER TABLE p ADD CHECK (serial > 0)",
    ],
)
def test_one_that_only_looks_like_it_is_not(sql: str) -> None:
    assert list(refused_in(sql)) == []
