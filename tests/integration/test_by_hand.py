"""Nothing of a schema can be changed by hand unseen: for each column of each catalog that describes
it there is a statement that changes it, and `check --live` says so, or a reason why none has to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.drift import comparison as live
from tests.support import by_hand
from tests.support.by_hand import ByHand
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on
from tests.support.usual import usually_first

INTERNAL = """
    SELECT format('ALTER TABLE ONLY %s {} TRIGGER %I', t.tgrelid::regclass, t.tgname)
    FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
    WHERE t.tgrelid = '{}'::regclass AND t.tgfoid = '"{}"'::regproc AND starts_with(k.conname, '{}')
"""


def typed(url: str, done: ByHand) -> str:
    """The statement; a trigger of PostgreSQL's own has a name that only the database knows."""
    if match := re.fullmatch(r"\{internal:(.*),(.*),(.*),(.*)\}", done.statement):
        table, constraint, function, state = match.groups()
        return str(query(url, INTERNAL.format(state, table, function, constraint))[0][0])
    return done.statement


@pytest.mark.parametrize("number", usually_first(range(len(by_hand.COMPARED)), 1))
def test_what_is_compared_is_told_and_led_back(
    number: int, server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_made", by_hand.SCHEMA.strip())
    runner_on(empty_url, tmp_path).migrate()
    expected = set()
    for done in by_hand.COMPARED[number]:
        if int(server.name) >= done.since:
            execute(empty_url, typed(empty_url, done))
            expected |= set(done.told.split("; "))
    comparison = live.compare(at(empty_url, tmp_path))
    assert {drift.name for drift in comparison.drifts} == expected
    assert not comparison.way_back.failing and not comparison.way_back.untried
    for text in comparison.back:
        execute(empty_url, text)
    assert "Unchanged" in live.compare(at(empty_url, tmp_path)).as_text()
