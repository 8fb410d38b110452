"""Nothing of a schema can be changed by hand unseen: for each column of each catalog that describes
it there is a statement that changes it, and `check --live` says so, or a reason why none has to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.drift import beyond, differences, partitions
from engine.drift import comparison as live
from engine.errors import Refused
from engine.unmanaged.listing import unmanaged
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


def test_what_became_a_part_of_something_else_is_not_made_again(
    empty_url: str, tmp_path: Path
) -> None:
    """It would fail ("already exists"), and what is there has the rows."""
    write(tmp_path, "001_made", by_hand.SCHEMA.strip())
    runner_on(empty_url, tmp_path).migrate()
    execute(empty_url, "INSERT INTO heap VALUES (1); INSERT INTO labels VALUES (1)")
    hidden = [
        done for done in by_hand.TOLD if re.search("EXTENSION|ATTACH|INHERIT", done.statement)
    ]
    for done in hidden[1:]:
        execute(empty_url, done.statement)
    write(tmp_path, "002_more", "ALTER TABLE labels ADD more int")
    project = at(empty_url, tmp_path)
    with pytest.raises(Refused, match="ALTER EXTENSION pg_trgm DROP TABLE labels"):
        runner_on(empty_url, tmp_path).migrate()
    (tmp_path / "002_more.py").unlink()
    comparison = live.compare(project)
    assert {*(done.told for done in hidden), "table whole"} == {
        drift.name for drift in comparison.drifts
    }
    told = comparison.as_text()
    assert "table labels is a part of extension pg_trgm now" in told
    assert "then run `invoke check --live` again" in told
    execute(empty_url, "; ".join(comparison.back))
    execute(empty_url, hidden[0].statement)  # a child of another table
    comparison = live.compare(project)
    assert comparison.back == ("ALTER TABLE labels NO INHERIT heap",)
    for _ in range(2):
        execute(empty_url, "; ".join(live.compare(project).back))
    assert "Unchanged" in live.compare(project).as_text()
    assert query(empty_url, "SELECT heap.id, labels.id FROM heap, labels") == [(1, 1)]


def test_what_is_set_on_a_partition_goes_with_it(empty_url: str, tmp_path: Path) -> None:
    """Also where a file has set it; and the whole table may be set apart from its partitions."""
    off = (
        "ALTER TABLE ONLY events_1 DISABLE TRIGGER noted; ALTER TABLE events_3 DISABLE TRIGGER ALL"
    )
    write(tmp_path, "001_made", f"{by_hand.SCHEMA.strip()}; {off}")
    runner_on(empty_url, tmp_path).migrate()
    project = at(empty_url, tmp_path)
    for statement in (
        "ALTER TABLE ONLY events ENABLE ALWAYS TRIGGER noted",
        "ALTER TABLE events ENABLE REPLICA TRIGGER noted",
        "ALTER TABLE events_1 ENABLE TRIGGER noted; ALTER TABLE events_3 ENABLE TRIGGER ALL",
    ):
        execute(empty_url, statement)
        comparison = live.compare(project)
        assert comparison.drifts and not comparison.way_back.untried, statement
        execute(empty_url, "; ".join(comparison.back))
        assert "Unchanged" in live.compare(project).as_text(), statement
    execute(empty_url, "UPDATE migratereading SET format = 0")  # the files are run for it
    assert live.compare(project).drifts == ()
    execute(
        empty_url,
        "ALTER TABLE events DETACH PARTITION events_1; ALTER TABLE events_2 DETACH PARTITION"
        " events_3; DROP TABLE events_1, events_3",
    )
    assert live.compare(project).drifts == ()
    execute(
        empty_url,
        "CREATE TABLE later PARTITION OF events DEFAULT; ALTER TABLE later DISABLE TRIGGER noted",
    )
    comparison = live.compare(project)
    assert comparison.back == ("ALTER TABLE ONLY later ENABLE TRIGGER noted",)
    assert 'relation "later" does not exist' in comparison.way_back.untried
    execute(empty_url, "; ".join(comparison.back))
    assert live.compare(project).drifts == ()


# Their rows by their names, so that what is made anew is the same row; those of PostgreSQL itself
# are left out.
KEYS = {
    "pg_class": "r.relname",
    "pg_attribute": "r.attrelid::regclass || ' ' || r.attnum",
    "pg_attrdef": "r.adrelid::regclass || ' ' || r.adnum",
    "pg_constraint": "r.conrelid::regclass || ' ' || r.contypid || ' ' || r.conname",
    "pg_trigger": "r.tgrelid::regclass || ' ' || r.tgname",
    "pg_type": "r.typname",
    "pg_enum": "r.enumtypid::regtype || r.enumlabel",
    "pg_proc": "r.proname",
    "pg_policy": "r.polname",
    "pg_rewrite": "r.ev_class::regclass || ' ' || r.rulename",
    "pg_extension": "r.extname",
    "pg_namespace": "r.nspname",
    "pg_index": "r.indexrelid::regclass",
    "pg_sequence": "r.seqrelid::regclass",
    "pg_inherits": "r.inhrelid::regclass",
    "pg_partitioned_table": "r.partrelid::regclass",
    "pg_description": "concat_ws(' ', r.objoid, r.classoid, r.objsubid)",
    "pg_default_acl": "r.oid",
}
# Of these a row that comes says by itself what is so.
COME_AND_GO = ("pg_description", "pg_default_acl", "pg_enum", "pg_inherits", "pg_attrdef")
OWN = {
    "pg_attribute": "r.attrelid",
    "pg_index": "r.indexrelid",
    "pg_sequence": "r.seqrelid",
    "pg_inherits": "r.inhrelid",
    "pg_partitioned_table": "r.partrelid",
    "pg_description": "r.objoid",
    "pg_namespace": "r.oid::bigint + 16384 - 2200",
}
ROWS = " UNION ALL ".join(
    f"SELECT '{name}', ({key})::text, to_jsonb(r) FROM {name} r "
    f"WHERE {OWN.get(name, 'r.oid')} >= 16384"
    for name, key in KEYS.items()
)
DEPENDENCIES = """
    SELECT DISTINCT deptype::text, classid, objid, refclassid, refobjid FROM pg_depend
    WHERE objid >= 16384
"""
COLUMNS = """
    SELECT c.relname::text, a.attname::text
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relname = ANY (%s) AND c.relnamespace = 'pg_catalog'::regnamespace AND a.attnum > 0
"""
Row = tuple[str, str]


def rows_of(cursor: Any) -> dict[Row, dict[str, Any]]:
    cursor.execute(ROWS)
    return {(name, key): row for name, key, row in cursor.fetchall()}


def dependencies(cursor: Any) -> set[tuple[Any, ...]]:
    cursor.execute(DEPENDENCIES)
    return set(cursor.fetchall())


def changed(
    before: dict[Row, dict[str, Any]], after: dict[Row, dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    """The columns that are not the same, of rows that are still there."""
    for key in before.keys() | after.keys():
        was, now = before.get(key), after.get(key)
        if was and now:
            yield from ((key[0], name) for name in now if was[name] != now[name])
        elif key[0] in COME_AND_GO:
            yield from ((key[0], name) for name in (was or now or {}))


# What has no statement of its own, and why.
EXCUSED = {
    "which row it is, and of what": """
        pg_class.relname pg_attribute.attnum pg_constraint.conname pg_constraint.conrelid
        pg_constraint.contypid pg_proc.proname pg_type.typname pg_trigger.tgrelid pg_trigger.tgname
        pg_policy.polname pg_policy.polrelid pg_sequence.seqrelid pg_extension.oid
        pg_extension.extname pg_namespace.oid pg_namespace.nspname pg_rewrite.oid
        pg_rewrite.rulename pg_rewrite.ev_class
    """,
    "PostgreSQL keeps it beside what says the same": """
        pg_class.relhasrules pg_attribute.attcacheoff pg_attribute.attalign
        pg_attribute.atthasmissing pg_attribute.attmissingval pg_trigger.tgconstrindid
        pg_type.typalign pg_type.typisdefined pg_type.typtype pg_class.relkind
        pg_constraint.connamespace pg_trigger.tgisinternal
    """,
    "VACUUM and the like write it": """
        pg_class.relallvisible pg_class.relallfrozen pg_class.relminmxid
    """,
    "no statement changes it for what is there": """
        pg_class.relisshared pg_class.relrewrite pg_index.indcheckxmin pg_index.indisready
        pg_index.indislive
    """,
    "int[] and int[][] are one type": "pg_attribute.attndims pg_type.typndims",
    "of base types, foreign tables and rules, each of which is named by itself": """
        pg_type.typispreferred pg_type.typdelim pg_type.typsubscript pg_type.typreceive
        pg_type.typmodin pg_type.typmodout pg_type.typanalyze pg_attribute.attfdwoptions
        pg_rewrite.ev_type pg_rewrite.ev_enabled pg_rewrite.is_instead pg_rewrite.ev_qual
    """,
    "printed with what has it; a transform, a library, btree_gist would have to be there": """
        pg_proc.protrftypes pg_proc.probin pg_constraint.conperiod
    """,
    "which version of an extension there is, and whose it is, is the server's": """
        pg_extension.extowner pg_extension.extrelocatable pg_extension.extversion
        pg_extension.extconfig pg_extension.extcondition
    """,
    "partitions come and go": "pg_partitioned_table.partdefid",
}
# What may change with a statement, where other sessions of the server have done something before.
# The newest server has no attcacheoff.
SOMETIMES = {
    *("pg_class.relallvisible", "pg_class.relallfrozen", "pg_class.relminmxid"),
    *("pg_index.indcheckxmin", "pg_attribute.attcacheoff"),
}
# With a partition that is detached its triggers go there, and a tablespace needs a folder.
ON_14 = {"pg_trigger.tgparentid", "pg_class.reltablespace"}
DEPENDENCE = {"n", "a", "i", "P", "S", "e", "x"}


@pytest.fixture
def tablespace(server: PostgresServer) -> Iterator[None]:
    """One of the name by_hand, from PostgreSQL 15 on, which asks for no folder."""
    if server.name != "14":
        server.execute("SET allow_in_place_tablespaces = on")
        server.execute("CREATE TABLESPACE by_hand LOCATION ''")
    yield
    server.execute("DROP TABLESPACE IF EXISTS by_hand")


def test_each_column_of_the_catalogs_is_seen_to_change(
    server: PostgresServer, empty_url: str, tmp_path: Path, tablespace: None
) -> None:
    write(tmp_path, "001_made", by_hand.SCHEMA.strip())
    runner_on(empty_url, tmp_path).migrate()
    execute(empty_url, by_hand.UNMANAGED)
    internal = {done: typed(empty_url, done) for group in by_hand.COMPARED for done in group}
    seen: dict[str, set[str]] = defaultdict(set)
    unseen = []
    with closing(psycopg2.connect(empty_url)) as connection, connection.cursor() as cursor:
        rows, needs = rows_of(cursor), dependencies(cursor)
        known = partitions.read(connection)
        for done in [*internal, *by_hand.TOLD, *by_hand.NAMED]:
            if int(server.name) < done.since:
                continue
            cursor.execute(internal.get(done, done.statement))
            now, needed = rows_of(cursor), dependencies(cursor)
            read = partitions.read(connection)
            told = {drift.name for drift in differences.differences(known, read)}
            if done in by_hand.NAMED:
                theirs = beyond.owned_by_others(cursor)
                told = {*unmanaged(connection), *beyond.beyond(connection, {}, read, theirs)}
            connection.rollback()
            if not all(any(text in line for line in told) for text in done.told.split("; ")):
                unseen.append((done.statement, done.told, told))
            for name, column in changed(rows, now):
                seen[name].add(column)
            seen["pg_depend"] |= {row[0] for row in needs ^ needed}
        assert not unseen
        cursor.execute(COLUMNS, (list(KEYS),))
        columns = cursor.fetchall()
    excused = {column for columns in EXCUSED.values() for column in columns.split()}
    missing = {f"{name}.{column}" for name, column in columns if column not in seen[name]}
    if server.name == "14":
        missing -= ON_14
    assert missing <= excused, missing - excused
    assert seen["pg_depend"] >= DEPENDENCE
    if server.name == "18":
        assert excused - missing <= SOMETIMES
