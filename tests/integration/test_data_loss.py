"""What a rollback would lose is said from the rows, before it is lost."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from peewee import CharField

from engine.connect.connection import connect
from engine.errors import Refused
from engine.rows import holdings, sequence_positions
from engine.schema.own_tables import HISTORY_TABLE
from kernel.domain import Domain
from kernel.models import BaseModel
from tests.support.databases import execute, name_of, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on
from tests.support.usual import usually_each, usually_first
from tests.support.workshop import Register, Workshop

# What is there, the values of column v, how it changes with the rollback; what the refusal names,
# or nothing where each value survives.
CHANGES = {
    "shorter text": ("varchar(20)", ["VC-2026-0001", "VC-1"], "varchar(5)", "VC-2026-0001"),
    "another text": ("text", ["VC-1"], "text USING 'none'", "VC-1"),
    "text that is short": ("varchar(20)", ["VC-1", None], "varchar(5)", ""),
    "text as numbers": ("text", ["7", "007"], "integer", "007"),
    "numbers as text": ("integer", ["7", "-1"], "text", ""),
    "scale": ("numeric(12,2)", ["1.25", "1.20"], "numeric(12,1)", "1.25"),
    "scale that is not used": ("numeric(12,2)", ["5.00"], "integer", ""),
    "fraction": ("numeric(12,2)", ["5.50"], "integer", "5.50"),
    "precision": ("double precision", ["0.1234567890123"], "real", "0.1234567890123"),
    "room": ("bigint", ["5"], "smallint", ""),
    "time of day": ("timestamptz", ["2026-01-05 10:30+00"], "date", "10:30"),
    "midnight": ("timestamp", ["2026-01-05"], "date", ""),
    "fractions of a second": ("timestamp", ["2026-01-05 10:00:00.5"], "timestamp(0)", "00.5"),
    "a zone": ("timestamptz", ["2026-01-05 10:30+00"], "timestamp", ""),
    "elements": ("numeric[]", ["{1.5,2}"], "integer[]", "1.5"),
    "keys in another order": ("json", ['{"b":1, "a":[{"d":1,"c":null}]}'], "jsonb", ""),
    "keys said twice": ("json", ['{"a": [{"b": 1, "b": 2}]}', '{"b":0,"a":1}'], "jsonb",
                        '"b": 1'),
    "a domain": ("text", [" a"], "trimmed USING btrim(v)", " a"),
    "an enum": ("state", ["open", "held"], "older USING CASE v WHEN 'held' THEN 'open'::older "
                "ELSE v::text::older END", "held"),
    "parts of a network": ("inet", ["10.0.0.1/24"], "cidr USING network(v)", "10.0.0.1/24"),
}  # fmt: skip
TYPES = """
    CREATE TYPE state AS ENUM ('open', 'held'); CREATE TYPE older AS ENUM ('open');
    CREATE DOMAIN trimmed AS text CHECK (VALUE = btrim(VALUE));
    CREATE TYPE pair AS (a integer, b integer);
"""


@pytest.mark.parametrize(
    ("change", "atomic"),
    [
        # Every other change one way; the rest, and the other way, in the campaign.
        pytest.param(
            change, atomic, marks=[] if number % 4 == 2 * atomic else [pytest.mark.campaign]
        )
        for number, change in enumerate(CHANGES)
        for atomic in (True, False)
    ],
)
def test_a_rollback_changes_no_value_unasked(
    empty_url: str, tmp_path: Path, change: str, atomic: bool
) -> None:
    old, values, new, named = CHANGES[change]
    execute(empty_url, TYPES)
    if "USING" not in new:
        new = f"{new} USING v::{new}"
    back = f'migrator.sql("""ALTER TABLE t ALTER COLUMN v TYPE {new}""")'
    write(tmp_path, "001_t", f"CREATE TABLE t (v {old})", back=back, atomic=atomic)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    for value in values:
        text = "NULL" if value is None else f"'{value}'"
        execute(empty_url, f"INSERT INTO t VALUES ({text})")
    before = query(empty_url, "SELECT v::text FROM t")
    if named:
        with pytest.raises(Refused) as refused:
            runner.rollback()
        assert "1 value of t.v" in str(refused.value)
        assert named in refused.value.why
        assert query(empty_url, "SELECT v::text FROM t") == before
        assert query(empty_url, "SELECT name FROM migratehistory") == [("001_t",)]
    assert runner.rollback(losing=bool(named)) == ["001_t"]


@pytest.mark.parametrize("held", ["(1,2)", "(1,)"])
def test_an_attribute_goes_with_its_values_only_when_asked(
    empty_url: str, tmp_path: Path, held: str
) -> None:
    execute(empty_url, TYPES)
    back = 'migrator.sql("ALTER TYPE pair DROP ATTRIBUTE b")'
    write(tmp_path, "001_t", "CREATE TABLE t (v pair[])", back=back)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    execute(empty_url, f"INSERT INTO t VALUES (ARRAY['{held}'::pair])")
    if held == "(1,2)":
        with pytest.raises(Refused, match="would change values"):
            runner.rollback()
    else:
        assert runner.rollback() == ["001_t"]


def test_only_what_holds_something_needs_a_yes(empty_url: str, tmp_path: Path) -> None:
    """Columns that are NULL everywhere or computed hold nothing, nor does an empty table."""
    execute(empty_url, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    up = "ALTER TABLE t ADD b int, ADD c int GENERATED ALWAYS AS (a + 1) STORED"
    back = 'migrator.sql("ALTER TABLE t DROP b, DROP c")'
    write(tmp_path, "001_t", up, back=back)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    assert runner.rollback() == ["001_t"]
    runner.migrate()
    execute(empty_url, "UPDATE t SET b = 0")
    with pytest.raises(Refused, match=r"would lose what is in: t\.b\."):
        runner.rollback()


def test_a_table_that_is_emptied_loses_its_rows(empty_url: str, tmp_path: Path) -> None:
    """TRUNCATE names no row; a DELETE of a file takes back what the file put in."""
    up = "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (b int REFERENCES t)"
    write(tmp_path, "001_t", up, back='migrator.sql("DROP TABLE u, t")')
    write(tmp_path, "002_t", "SELECT 1", back='migrator.sql("TRUNCATE t CASCADE")')
    write(tmp_path, "003_t", "INSERT INTO t VALUES (1)", back='migrator.sql("DELETE FROM t")')
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    assert runner.rollback(2) == ["003_t", "002_t"]
    runner.migrate()
    execute(empty_url, "INSERT INTO u VALUES (1)")
    write(tmp_path, "004_t", "SELECT 1", back='migrator.sql("TRUNCATE u")')
    runner.migrate()
    with pytest.raises(Refused, match="would lose what is in: u"):
        runner.rollback()


def test_rows_of_other_schemas_are_looked_for(empty_url: str, tmp_path: Path) -> None:
    up = "CREATE SCHEMA z_audit; CREATE TABLE z_audit.log (a int, b varchar(9))"
    write(tmp_path, "001_log", up, back='migrator.sql("DROP SCHEMA z_audit CASCADE")')
    narrower = "varchar(2) USING b::varchar(2)"
    narrow = f'migrator.sql("ALTER TABLE z_audit.log ALTER b TYPE {narrower}")'
    write(tmp_path, "002_short", "SELECT 1", back=narrow)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    execute(empty_url, "INSERT INTO z_audit.log VALUES (1, 'long')")
    with pytest.raises(Refused, match=r"would change values[\s\S]*z_audit\.log\.b[\s\S]*'long'"):
        runner.rollback()
    runner.rollback(losing=True)
    with pytest.raises(Refused, match=r"would lose what is in: z_audit\.log"):
        runner.rollback()
    assert query(empty_url, "SELECT * FROM z_audit.log") == [(1, "lo")]


# Each is a way back in one tenant that reaches another one; what the refusal names.
REACHING = {
    "DELETE FROM z.log": "1 row of z.log: ",
    "UPDATE z.log SET b = 2": "1 row of z.log: ",
    "TRUNCATE z.log": "would lose what is in: z.log",
    "ALTER TABLE z.log DROP b": "would lose what is in: z.log.b",
    "DROP TABLE z.log": "would lose what is in: z.log",
    "DROP SCHEMA z CASCADE": "would lose what is in: z.log",
    "ALTER TABLE z.log SET SCHEMA public; DELETE FROM log": "1 row of log: ",
    "ALTER TABLE z.migratehistory RENAME TO h; DELETE FROM z.log": "1 row of z.log: ",
    "DO 'BEGIN EXECUTE format(''DROP TABLE %I.log'', ''z''); END'": "would lose what is in: z.log",
}


@pytest.mark.only("newest")
@pytest.mark.parametrize("atomic", [True, False])
def test_other_tenants_are_looked_at_as_soon_as_one_reaches_them(
    atomic: bool, empty_url: str, tmp_path: Path
) -> None:
    other = f"CREATE SCHEMA z; CREATE TABLE z.{HISTORY_TABLE} (); CREATE TABLE z.log (a int, b int)"
    execute(empty_url, f"{other}; CREATE SEQUENCE z.n; INSERT INTO z.log VALUES (1, 1)")
    mine, wider = (
        "CREATE TABLE mine (a text PRIMARY KEY, b int)",
        "ALTER TABLE mine ALTER b TYPE {}",
    )
    write(tmp_path, "001_mine", mine, atomic=atomic)
    back = f'migrator.sql("{wider.format("int")}")'
    write(tmp_path, "002_wider", wider.format("bigint"), back=back, atomic=atomic)
    for number, back in enumerate(REACHING, 3):
        way = f'migrator.sql("""{back.replace("%", "%%")}""")'
        write(tmp_path, f"{number:03}_reaching", "SELECT 1", back=way, atomic=atomic)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    for number, refusal in reversed(list(enumerate(REACHING.values(), 3))):
        with pytest.raises(Refused, match=refusal):
            runner.rollback()
        assert query(empty_url, "SELECT a, b FROM z.log") == [(1, 1)]
        execute(empty_url, f"DELETE FROM {HISTORY_TABLE} WHERE name LIKE '{number:03}%'")
    # Nothing of theirs is waited for by one that stays where it is.
    with closing(psycopg2.connect(empty_url)) as busy:
        busy.cursor().execute("DROP SEQUENCE z.n; LOCK TABLE z.log")
        assert runner.rollback() == ["002_wider"]
        assert runner.rollback() == ["001_mine"]


TAKEN = ["SELECT nextval('invoices')", "ALTER SEQUENCE invoices RESTART WITH 90"]


@pytest.mark.parametrize("taken", usually_first(TAKEN))
def test_the_numbers_of_a_sequence_are_not_given_out_again_unasked(
    empty_url: str, tmp_path: Path, taken: str
) -> None:
    """One that no number was drawn from holds nothing."""
    back = 'migrator.sql("DROP SEQUENCE invoices")'
    write(tmp_path, "001_invoices", "CREATE SEQUENCE invoices", back=back)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    assert runner.rollback() == ["001_invoices"]
    runner.migrate()
    execute(empty_url, taken)
    with pytest.raises(Refused, match="would lose what is in: sequence invoices"):
        runner.rollback()


@pytest.mark.only("newest")
def test_sequences_stay_unlocked_where_they_are_looked_at(empty_url: str) -> None:
    """Of 600 tenants they are more than one transaction has locks for."""
    execute(empty_url, "CREATE SEQUENCE a; CREATE SEQUENCE b; SELECT nextval('b')")
    with closing(connect(at(empty_url))) as connection, connection.cursor() as cursor:
        holdings.read(cursor)
        last = [position.last for position in sequence_positions.read(cursor).values()]
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() "
            "AND relation IN ('public.a'::regclass, 'public.b'::regclass)"
        )
        assert (last, cursor.fetchone()) == ([1, 1], (0,))


@pytest.fixture
def owner_url(server: PostgresServer, empty_url: str) -> Any:
    """The database as its owner has it, who is no superuser."""
    role = f"owner_{empty_url[-8:]}"
    server.execute(f"CREATE ROLE {role} LOGIN")
    database = name_of(empty_url)
    server.execute(f"ALTER DATABASE {database} OWNER TO {role}")
    execute(empty_url, f"ALTER SCHEMA public OWNER TO {role}")
    yield empty_url.replace("postgres@", f"{role}@")
    server.execute(f"DROP DATABASE {database} WITH (FORCE)")
    server.execute(f"DROP ROLE {role}")


@pytest.mark.only("newest")
def test_a_sequence_that_may_be_set_and_not_read_is_asked_for(
    owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    role = f"owner_{empty_url[-8:]}"
    execute(
        empty_url,
        f"CREATE SCHEMA z; CREATE TABLE z.{HISTORY_TABLE} (); CREATE SEQUENCE z.n; "
        f"SELECT setval('z.n', 90); GRANT USAGE ON SCHEMA z TO {role}; "
        f"GRANT UPDATE ON SEQUENCE z.n TO {role}",
    )
    write(tmp_path, "001_t", "SELECT 1", back="migrator.sql(\"SELECT setval('z.n', 1)\")")
    runner = runner_on(owner_url, tmp_path)
    runner.migrate()
    position = "SELECT last_value FROM z.n"
    for named in ("the role may set z.n without seeing", "z.n has given out numbers up to 90"):
        with pytest.raises(Refused, match=named):
            runner.rollback()
        assert query(empty_url, position) == [(90,)]
        execute(empty_url, f"GRANT SELECT ON SEQUENCE z.n TO {role}")


@pytest.mark.only("newest")
def test_rows_of_foreign_tables_are_asked_for(
    server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    """They are counted where they lie. To read them loses none."""
    execute(
        empty_url,
        "CREATE EXTENSION postgres_fdw; CREATE TABLE far (a int); INSERT INTO far VALUES (1);"
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw "
        f"OPTIONS (host 'localhost', port '{server.port}', dbname '{name_of(empty_url)}');"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'postgres');"
        "CREATE FOREIGN TABLE near (a int) SERVER elsewhere OPTIONS (table_name 'far')",
    )
    write(tmp_path, "001_t", "CREATE TABLE t ()", back='migrator.sql("SELECT FROM near")')
    write(tmp_path, "002_t", "SELECT 1", back='migrator.sql("DELETE FROM near")')
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    with pytest.raises(Refused, match="may lose what is elsewhere") as refused:
        runner.rollback()
    assert "rows of near" in refused.value.why
    assert query(empty_url, "SELECT a FROM far") == [(1,)]
    runner.rollback(losing=True)
    assert runner.rollback() == ["001_t"]


@pytest.mark.only("newest")
def test_rows_that_postgresql_does_not_count_are_asked_for(
    owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    """Whoever may, has them counted; the setting is a superuser's."""
    rows = "CREATE TABLE t (a text); INSERT INTO t VALUES ('x')"
    write(tmp_path, "001_t", rows)
    write(tmp_path, "002_t", "SELECT 1", back='migrator.sql("DELETE FROM t")')
    runner_on(owner_url, tmp_path).migrate()
    execute(empty_url, f"ALTER DATABASE {name_of(empty_url)} SET track_counts = off")
    for url, named in ((owner_url, "track_counts is off"), (empty_url, "1 row of t")):
        with pytest.raises(Refused) as refused:
            runner_on(url, tmp_path).rollback()
        assert named in refused.value.why


@pytest.mark.parametrize(
    "back",
    [
        "DROP TABLE t",
        "ALTER TABLE t DROP a",
        "ALTER TABLE t ALTER a TYPE varchar(2) USING a::varchar(2)",
    ],
    ids=["table", "column", "type"],
)
def test_rows_that_a_policy_hides_from_the_owner_are_rows(
    owner_url: str, empty_url: str, tmp_path: Path, back: str
) -> None:
    up = "CREATE TABLE t (a varchar(9)); ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    write(
        tmp_path,
        "001_t",
        up,
        "CREATE POLICY own ON t USING (false)",
        "ALTER TABLE t FORCE ROW LEVEL SECURITY",
        back=f'migrator.sql("{back}")',
    )
    runner = runner_on(owner_url, tmp_path)
    runner.migrate()
    execute(empty_url, "INSERT INTO t VALUES ('of others')")
    with pytest.raises(Refused, match="would lose what is in") as refused:
        runner.rollback()
    assert "row-level security" in refused.value.why
    assert query(empty_url, "SELECT a FROM t") == [("of others",)]


@pytest.mark.only("newest")
def test_the_head_of_a_file_says_what_its_rollback_cannot_bring_back(workshop: Workshop) -> None:
    def shop(length: int) -> Register:
        def register(domain: Domain) -> None:
            class Voucher(BaseModel):
                code = CharField(length)

                class Meta:
                    table_name = "vouchers"

            domain.models(Voucher)

        return register

    workshop.first(shop(5))
    (path,) = workshop.generate(shop(20))
    assert "Rolling back cannot bring back every value of vouchers.code" in path.read_text()
    workshop.runner.migrate()
    execute(workshop.url, "INSERT INTO vouchers (code) VALUES ('VC-2026-0001'), ('VC-2026-0002')")
    with pytest.raises(Refused, match=r"2 values of vouchers\.code[\s\S]*'VC-2026-0001'"):
        workshop.runner.rollback()
    assert len(query(workshop.url, "SELECT DISTINCT code FROM vouchers")) == 2


# What the file does and what its way back does; what happens in between; what the refusal names, or
# nothing where all of it comes again with the file.
PUT_IN = "INSERT INTO t (a) VALUES ('x'), ('y')"
STAMPS = (
    "CREATE FUNCTION s() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at = now(); RETURN NEW; "
    "END'; CREATE TRIGGER s BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION s()"
)
WRITES = {
    "its own rows": (PUT_IN, "DELETE FROM t WHERE a IN ('x', 'y')", "", ""),
    "rows of others": (PUT_IN, "DELETE FROM t", "INSERT INTO t (a) VALUES ('mine')", "mine"),
    "a row that was there before": (
        "INSERT INTO t (a) VALUES ('old') ON CONFLICT DO NOTHING",
        "DELETE FROM t WHERE a = 'old'",
        "UPDATE t SET note = 'kept' WHERE a = 'old'", '{"a": "old"',
    ),
    "its own row, changed since": (
        PUT_IN, "DELETE FROM t WHERE a IN ('x', 'y')",
        "UPDATE t SET note = 'n' WHERE a = 'x'", '{"a": "x"',
    ),
    "rows that go with another": (
        PUT_IN, "DELETE FROM t WHERE a = 'x'", "INSERT INTO u SELECT id FROM t WHERE a = 'x'",
        "1 row of u",
    ),
    "a value that comes again": (
        "UPDATE t SET note = 'id' WHERE note IS NULL", "UPDATE t SET note = NULL WHERE note = 'id'",
        "INSERT INTO t (a, note) VALUES ('b', 'id')", "",
    ),
    "a value that does not": (
        "UPDATE t SET note = 'id' WHERE note IS NULL", "UPDATE t SET note = NULL",
        "INSERT INTO t (a, note) VALUES ('b', 'other')", '{"a": "b"',
    ),
    "a column in another form": (
        "ALTER TABLE t ADD b text; UPDATE t SET b = a",
        "ALTER TABLE t DROP b; UPDATE t SET note = a",
        "UPDATE t SET b = NULL, note = 'x'", '{"a": "old"',
    ),
    "a moment, of a row that the file does not write": (
        PUT_IN, "DELETE FROM t WHERE a <> 'old'; UPDATE t SET at = now() WHERE a = 'old'", "",
        '{"a": "old"',
    ),
    "a number, of a row that the file does not write": (
        PUT_IN, "DELETE FROM t WHERE a <> 'old'; UPDATE t SET id = 90 WHERE a = 'old'", "",
        '{"a": "old"',
    ),
    "a number, of a row that the file changes": (
        "UPDATE t SET note = 'n'", "UPDATE t SET note = NULL, id = 90", "", '{"a": "old", "id": 1}',
    ),
    "a number, beside rows that are deleted": (
        f"{PUT_IN}; UPDATE t SET note = 'n'",
        "DELETE FROM t WHERE a IN ('x', 'y'); UPDATE t SET note = NULL, id = 90", "",
        '1 row of t: {"a": "old"}',
    ),
    "a number, of a table without keys": (
        "INSERT INTO k (v) VALUES ('x'); UPDATE k SET v = v || '!' WHERE v = 'own'",
        "DELETE FROM k WHERE v = 'x'; UPDATE k SET v = 'own', n = 90 WHERE v = 'own!'",
        "", '1 row of k: {"v": "own!"}',
    ),
    "rows of a table without keys": (
        "INSERT INTO k (v) VALUES ('x'); UPDATE k SET v = v || '!' WHERE v = 'own'",
        "DELETE FROM k WHERE v = 'x'; UPDATE k SET v = 'own' WHERE v = 'own!'", "", "",
    ),
    "a number that a deleted row had": (
        f"{PUT_IN}; UPDATE t SET note = 'n'",
        "DELETE FROM t WHERE a IN ('x', 'y'); UPDATE t SET note = NULL, id = 2", "",
        '1 row of t: {"a": "old"}',
    ),
    "rows that the file puts in or changes": (
        "INSERT INTO t (a) VALUES ('old'), ('x') ON CONFLICT (a) DO UPDATE SET note = 'n'",
        "DELETE FROM t WHERE a = 'x'; UPDATE t SET note = NULL WHERE a = 'old'", "", "",
    ),
    "a moment, of a row that the file changes": (
        "UPDATE t SET note = 'n'", "UPDATE t SET note = NULL, at = now()", "", '{"a": "old"',
    ),
    "a moment, of a table that the file writes anew": (
        "ALTER TABLE t ALTER note TYPE varchar(9)",
        "ALTER TABLE t ALTER note TYPE text; UPDATE t SET at = now()", "", '{"a": "old"',
    ),
    "a moment that a trigger keeps, of a row that the file does not write": (
        "ALTER TABLE t ALTER note TYPE varchar(9)",
        "ALTER TABLE t ALTER note TYPE text; UPDATE t SET a = a", STAMPS, '{"a": "old"',
    ),
    "a moment that a trigger keeps": (
        "UPDATE t SET note = 'n'", "UPDATE t SET note = NULL", STAMPS, "",
    ),
    "a moment that the file sets": (
        "UPDATE t SET note = 'n', at = now()", "UPDATE t SET note = NULL, at = NULL", "", "",
    ),
    "a number that is only written otherwise": (
        "SELECT 1", "UPDATE t SET b = 1.00", "ALTER TABLE t ADD b numeric DEFAULT 1.0",
        "1 row of t",
    ),
    "a json that is only written otherwise": (
        "SELECT 1", "UPDATE t SET b = '[0 ]'", "ALTER TABLE t ADD b json DEFAULT '[0]'",
        "1 row of t",
    ),
    "rows that a trigger deletes at COMMIT": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN DELETE FROM t WHERE a = NEW.note; RETURN NULL; END'; "
        "CREATE CONSTRAINT TRIGGER g AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION f()",
        "UPDATE t SET note = 'old' WHERE a = 'x'",
        "INSERT INTO t (a, note) VALUES ('x', 'n')", '{"a": "old"',
    ),
    "rows of a table that changes its name with another": (
        "SELECT 1", "ALTER TABLE u RENAME TO w; ALTER TABLE t RENAME TO u; "
        "ALTER TABLE w RENAME TO t; DELETE FROM u", "", '1 row of u: {"a": "old"',
    ),
    "a large object of its own": (
        "SELECT lo_from_bytea(4711, 'x')", "SELECT lo_unlink(4711)", "", "",
    ),
    "a large object of others": (
        "SELECT 1", "SELECT lo_unlink(4711)", "SELECT lo_from_bytea(4711, 'x')", "4711",
    ),
    "what a large object says": (
        "SELECT 1", "SELECT lo_put(4711, 0, 'y')", "SELECT lo_from_bytea(4711, 'x')", "4711",
    ),
    "numbers": (
        "SELECT 1", "ALTER SEQUENCE n RENAME TO m; SELECT setval('m', 1)",
        "SELECT nextval('n') FROM generate_series(1, 7)",
        "up to 7",
    ),
    "numbers, from the next one on": (
        "SELECT 1", "SELECT setval('n', 7, false)",
        "SELECT nextval('n') FROM generate_series(1, 7)", "up to 7",
    ),
    "numbers of a new sequence": (
        "SELECT 1", "ALTER TABLE t ALTER id DROP DEFAULT; DROP SEQUENCE t_id_seq; "
        "CREATE SEQUENCE t_id_seq OWNED BY t.id; "
        "ALTER TABLE t ALTER id SET DEFAULT nextval('t_id_seq')", "", "up to 1",
    ),
    "numbers of a sequence that goes alone": (
        "ALTER TABLE u ADD n serial", "DROP SEQUENCE u_n_seq CASCADE",
        "INSERT INTO u (t) VALUES (1)", "up to 1",
    ),
    "numbers that begin anew": (
        "SELECT 1", "ALTER SEQUENCE n RESTART", "SELECT nextval('n')",
        "n has given out numbers up to 1",
    ),
    "numbers that nobody took yet": (
        "SELECT 1", "ALTER SEQUENCE n RESTART", "SELECT setval('n', 90, false)",
        "n was to go on with 90",
    ),
    "numbers that nobody took, set by hand": (
        "SELECT 1", "SELECT setval('n', 7, false)", "ALTER SEQUENCE n RESTART WITH 90", "90",
    ),
    "numbers that nobody took, set further": (
        "SELECT 1", "SELECT setval('n', 190)", "SELECT setval('n', 90, false)", "",
    ),
    "numbers that go on": (
        "SELECT 1", "SELECT setval('n', 90, false)", "SELECT nextval('n')", "",
    ),
    "numbers of its own rows": (
        PUT_IN, "DELETE FROM t WHERE a <> 'old'; SELECT setval('t_id_seq', 1)", "", "",
    ),
}  # fmt: skip


BY_STEPS = (
    "rows of others", "a value that comes again", "numbers", "a value that does not",
    "a large object of others", "numbers that go on", "a column in another form",
)  # fmt: skip


@pytest.mark.parametrize(
    ("title", "atomic"),
    usually_each([*((t, True) for t in WRITES), *((t, False) for t in BY_STEPS)], 2),
)
def test_rows_go_unasked_only_where_they_come_again(
    title: str, atomic: bool, empty_url: str, tmp_path: Path
) -> None:
    up, back, between, named = WRITES[title]
    write(
        tmp_path,
        "001_t",
        "CREATE TABLE t (id serial PRIMARY KEY, a text UNIQUE, note text, "
        "at timestamptz DEFAULT now())",
        "CREATE TABLE u (t int REFERENCES t ON DELETE CASCADE); CREATE SEQUENCE n",
        "CREATE TABLE k (n serial, v text); INSERT INTO k (v) VALUES ('own')",
        "INSERT INTO t (a) VALUES ('old')",
    )
    write(tmp_path, "002_t", up, back=f'migrator.sql("""{back}""")', atomic=atomic)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    if between:
        execute(empty_url, between)
    state = (
        "SELECT (SELECT jsonb_agg(t ORDER BY t.id) FROM t), (SELECT jsonb_agg(u) FROM u), "
        "(SELECT jsonb_agg(k ORDER BY k.n) FROM k), "
        "(SELECT jsonb_agg(loid || encode(data, 'hex')) FROM pg_largeobject), "
        "(SELECT last_value FROM n)"
    )
    before = query(empty_url, state)
    if named:
        with pytest.raises(Refused, match=r"would change values|would lose") as refused:
            runner.rollback()
        assert named in f"{refused.value}{refused.value.why}"
        assert query(empty_url, state) == before
    runner.rollback(losing=bool(named))


# A step that ends transactions by itself: what it did could not be taken back.
DELETES = "DELETE FROM t WHERE a <> 'old'"
COMMITTING = {
    "a block": (f"DO $$ BEGIN {DELETES}; COMMIT; DELETE FROM u; END $$", "1 row of t"),
    "a procedure": ("CALL commits()", "1 row of t"),
    "a block that calls one": ("DO $$ BEGIN CALL commits(); END $$", "1 row of t"),
    "nothing before its COMMIT": (f"DO $$ BEGIN COMMIT; {DELETES}; END $$", "u"),
    "a procedure that commits nothing": ("CALL deletes()", '{"a": "mine"}'),
    "one whose rows come again": ("CALL spares()", ""),
    "a program of the server": ("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'", "TO PROGRAM"),
    "a program, in a block": (
        "DO $$ BEGIN COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'; END $$",
        "PROGRAM",
    ),
    "a database": ("DROP DATABASE IF EXISTS {database}_other", "database"),
}


@pytest.mark.parametrize("title", usually_first(COMMITTING, 5))
def test_what_commits_by_itself_is_asked_for_before_it_runs(
    title: str, empty_url: str, tmp_path: Path
) -> None:
    back, named = COMMITTING[title]
    back = back.replace("{database}", name_of(empty_url))
    write(
        tmp_path,
        "001_t",
        "CREATE TABLE t (a text); CREATE TABLE u (b int); INSERT INTO t VALUES ('old')",
        f"CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$BEGIN {DELETES}; COMMIT; END$$",
        f"CREATE PROCEDURE deletes() LANGUAGE sql AS $${DELETES}$$",
        "CREATE PROCEDURE spares() LANGUAGE sql AS $$DELETE FROM t WHERE a = 'own'$$",
    )
    own = "INSERT INTO t SELECT 'own' WHERE NOT EXISTS (SELECT FROM t WHERE a = 'own')"
    write(tmp_path, "002_t", own, back=f'migrator.sql("""{back}""")', atomic=False)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    execute(empty_url, "DELETE FROM t WHERE a = 'own'; INSERT INTO u VALUES (1)")
    execute(empty_url, f"INSERT INTO t VALUES ('{'mine' if named else 'own'}')")
    state = "SELECT (SELECT jsonb_agg(t) FROM t), (SELECT jsonb_agg(u) FROM u)"
    before = query(empty_url, state)
    if named:
        with pytest.raises(Refused) as refused:
            runner.rollback()
        assert named in f"{refused.value}{refused.value.why}"
        assert query(empty_url, state) == before
    runner.rollback(losing=bool(named))


def test_code_that_runs_at_once_loses_nothing_unasked(empty_url: str, tmp_path: Path) -> None:
    """It is no step, and runs while a file says its steps."""
    back = 'database.execute_sql("DELETE FROM t")'
    write(tmp_path, "001_t", "CREATE TABLE t (a text)", back=back, atomic=False)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    execute(empty_url, "INSERT INTO t VALUES ('mine')")
    with pytest.raises(Refused, match="1 row of t"):
        runner.rollback()
    assert query(empty_url, "SELECT a FROM t") == [("mine",)]
    assert runner.rollback(losing=True) == ["001_t"]


def test_what_commits_by_itself_needs_no_yes_where_no_rows_are(
    empty_url: str, tmp_path: Path
) -> None:
    back = 'migrator.sql("DO $$ BEGIN DELETE FROM t; COMMIT; END $$")'
    write(tmp_path, "001_t", "CREATE TABLE t (a text)", back=back, atomic=False)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    assert runner.rollback() == ["001_t"]
