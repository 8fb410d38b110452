"""What is dangerous on a table with rows and clients is found, its safe form is not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from engine.check import citus_rules, lint, squawk
from engine.check.finding import Finding
from engine.check.ignore_comments import obeyed
from engine.check.kept_trips import KeptTrips
from engine.check.lint import Sizes
from engine.check.observer import Observed, Observer
from engine.check.round_trip import Walk
from engine.check.rules import BY_EVENT, BY_STATE
from engine.check.table_changes import KnownShapes
from engine.check.text_rules import BY_TEXT
from engine.citus.unsaid import Unsaid
from engine.files import migration_folder
from engine.report import Report
from engine.run.replay import Replay
from tests.support.databases import execute
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at

OLD = """
CREATE TYPE mood AS ENUM ('glad');
CREATE TABLE owners (id int PRIMARY KEY, name text, note varchar(20), "Order" int, n int NOT NULL);
CREATE TABLE pets (id int PRIMARY KEY, owner int, name text);
CREATE TABLE "Big One" (id int PRIMARY KEY);
CREATE UNIQUE INDEX pets_name_idx ON pets (name);
ALTER TABLE owners ADD CONSTRAINT named CHECK (name IS NOT NULL);
CREATE TYPE pair AS (a int, b int);
CREATE TABLE pairs (id int PRIMARY KEY, whole pair CHECK (whole IS NOT NULL),
    given pair CHECK (given IS DISTINCT FROM NULL));
CREATE TABLE aged (n int CHECK (n > 0), m int UNIQUE);
CREATE INDEX aged_n_idx ON aged (n);
CREATE TABLE parted (day date) PARTITION BY RANGE (day);
CREATE TABLE secret (id int PRIMARY KEY, note text);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION closed() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = a
    AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION closed() FROM PUBLIC;
CREATE FUNCTION open() RETURNS int LANGUAGE sql SET search_path = a AS 'SELECT 1'
"""
PAST = "view-past-policies"
HIDDEN_DEFINER = """DO $$ BEGIN EXECUTE 'CREATE FUNCTION hidden() RETURNS int LANGUAGE sql
    SECURITY DEFINER SET search_path = a AS $f$ SELECT 1 $f$'; END $$"""
FK = "ALTER TABLE pets ADD CONSTRAINT kept_by FOREIGN KEY (owner) REFERENCES owners"
CHECK = "ALTER TABLE owners ADD CONSTRAINT positive CHECK (n > 0)"

# rule → (dangerous statements of one file, safe ones); those that begin with ! are of a file that
# says `atomic = False`.
CASES: dict[str, list[tuple[list[str], list[str]]]] = {
    "index-blocks-writes": [
        (
            ["CREATE INDEX o_idx ON owners (name) WHERE n > 1"],
            ["!", "CREATE INDEX CONCURRENTLY o_idx ON owners (name) WHERE n > 1"],
        ),
        (
            ["DO $$ BEGIN EXECUTE 'CREATE INDEX hidden ON owners (n)'; END $$"],
            ["CREATE TABLE new (i int)", "CREATE INDEX new_idx ON new (i)"],
        ),
    ],
    "constraint-builds-index": [
        (
            ["ALTER TABLE pets ADD CONSTRAINT one_name UNIQUE (name)"],
            ["ALTER TABLE pets ADD CONSTRAINT one_name UNIQUE USING INDEX pets_name_idx"],
        )
    ],
    "foreign-key-scan": [
        ([FK], [f"{FK} NOT VALID"]),
        (
            ["ALTER TABLE pets ADD COLUMN second int REFERENCES owners"],
            ["CREATE TABLE new (owner int REFERENCES owners)"],
        ),
    ],
    "check-scan": [([CHECK], [f"{CHECK} NOT VALID"])],
    "validate-at-once": [
        (
            [f"{FK} NOT VALID", "ALTER TABLE pets VALIDATE CONSTRAINT kept_by"],
            ["!", f"{FK} NOT VALID", "ALTER TABLE pets VALIDATE CONSTRAINT kept_by"],
        )
    ],
    "not-null-scan": [
        (
            ["ALTER TABLE owners ALTER COLUMN note SET NOT NULL"],
            ["ALTER TABLE owners ALTER COLUMN name SET NOT NULL"],  # there is a CHECK
        ),
        (
            # which asks for all parts of a value, as SET NOT NULL does not
            ["ALTER TABLE pairs ALTER COLUMN whole SET NOT NULL"],
            ["ALTER TABLE pairs ALTER COLUMN given SET NOT NULL"],
        ),
        (
            ['ALTER TABLE owners ALTER COLUMN "Order" SET NOT NULL'],
            [
                "!",
                'ALTER TABLE owners ADD CONSTRAINT c CHECK ("Order" IS NOT NULL) NOT VALID',
                "ALTER TABLE owners VALIDATE CONSTRAINT c",
                'ALTER TABLE owners ALTER COLUMN "Order" SET NOT NULL',
                "ALTER TABLE owners DROP CONSTRAINT c",
            ],
        ),
    ],
    "column-without-value": [
        (
            ["ALTER TABLE owners ADD COLUMN age int NOT NULL"],
            ["ALTER TABLE owners ADD COLUMN age int NOT NULL DEFAULT 0"],
        )
    ],
    "volatile-default": [
        (
            ["ALTER TABLE owners ADD COLUMN key uuid DEFAULT gen_random_uuid()"],
            [
                "ALTER TABLE owners ADD COLUMN key uuid",
                "ALTER TABLE owners ALTER COLUMN key SET DEFAULT gen_random_uuid()",
            ],
        ),
        (
            ["ALTER TABLE owners ADD COLUMN number serial"],
            ["ALTER TABLE owners ADD COLUMN at timestamptz DEFAULT now()"],
        ),
    ],
    "type-rewrite": [
        (
            ["ALTER TABLE owners ALTER COLUMN n TYPE bigint"],
            ["ALTER TABLE owners ALTER COLUMN note TYPE varchar(40)"],
        ),
        (
            ["ALTER TABLE aged ALTER n TYPE bigint, ALTER m TYPE bigint"],
            ["ALTER TABLE aged ALTER n SET DEFAULT 5"],
        ),
    ],
    "table-rewrite": [
        (["ALTER TABLE owners SET UNLOGGED"], ["ALTER TABLE owners SET (fillfactor = 80)"]),
        (["!", "VACUUM FULL owners"], ["!", "VACUUM owners"]),
    ],
    "drop-column": [
        (
            ["ALTER TABLE owners DROP COLUMN note"],
            ["ALTER TABLE owners ADD COLUMN x int", "ALTER TABLE owners ALTER x DROP DEFAULT"],
        )
    ],
    "drop-table": [(["DROP TABLE pets"], ["CREATE TABLE new (i int)", "DROP TABLE new"])],
    "rename-column": [
        (["ALTER TABLE owners RENAME note TO remark"], ["ALTER INDEX pets_name_idx RENAME TO p"])
    ],
    "rename-table": [
        (
            ['ALTER TABLE "Big One" RENAME TO big'],
            ["CREATE TABLE new (i int)", "ALTER TABLE new RENAME TO newer"],
        )
    ],
    "truncate": [(['TRUNCATE "Big One"'], ['DELETE FROM "Big One" WHERE id < 0'])],
    "foreign-keys-off": [
        (
            [f"{FK} NOT VALID", "ALTER TABLE owners DISABLE TRIGGER ALL"],
            [f"{FK} NOT VALID", "ALTER TABLE owners DISABLE TRIGGER USER"],
        )
    ],
    "reaches-outside": [
        (["COMMENT ON ROLE postgres IS NULL"], ["GRANT SELECT ON owners TO CURRENT_USER"])
    ],
    "lock-table": [
        (["LOCK TABLE owners"], ["CREATE TABLE new (i int)", "LOCK TABLE new"]),
        (
            ["LOCK TABLE owners, pets IN SHARE ROW EXCLUSIVE MODE"],
            ["ALTER TABLE owners ALTER n SET DEFAULT 0"],
        ),
    ],
    "all-rows-at-once": [
        (
            ["UPDATE owners SET note = 'WHERE' -- WHERE"],
            ["UPDATE owners SET note = '' WHERE id BETWEEN 1 AND 100"],
        ),
        (['DELETE FROM "Big One"'], ["CREATE TABLE new (i int)", "DELETE FROM new"]),
    ],
    "set-without-local": [
        (
            ["SET statement_timeout = 0"],
            ["SET LOCAL statement_timeout = 0", "SET CONSTRAINTS ALL IMMEDIATE"],
        )
    ],
    "function-without-path": [
        (
            ["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 -- SET search_path'"],
            ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path TO a AS 'SELECT 1'"],
        ),
        (
            [
                "CREATE PROCEDURE p() LANGUAGE sql SECURITY DEFINER AS ''",
                "REVOKE EXECUTE ON PROCEDURE p FROM PUBLIC",
            ],
            ["CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END"],
        ),
    ],
    "open-definer": [
        (
            [
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = a"
                " AS 'SELECT 1'",
                "REVOKE ALL ON TABLE pets FROM PUBLIC",
                "REVOKE ALL ON FUNCTION f FROM CURRENT_USER",
            ],
            [
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = a"
                " AS 'SELECT 1'",
                "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC",
            ],
        ),
        (
            [HIDDEN_DEFINER],
            [HIDDEN_DEFINER, "REVOKE EXECUTE ON FUNCTION hidden() FROM PUBLIC"],
        ),
        (
            ["DO $$ BEGIN GRANT EXECUTE ON FUNCTION closed() TO PUBLIC; END $$"],
            ["DO $$ BEGIN GRANT EXECUTE ON FUNCTION closed() TO CURRENT_USER; END $$"],
        ),
        (
            ["ALTER FUNCTION open() SECURITY DEFINER"],
            ["ALTER FUNCTION closed() STABLE"],
        ),
        (
            [
                "CREATE OR REPLACE FUNCTION open() RETURNS int LANGUAGE sql SECURITY DEFINER"
                " SET search_path = a AS 'SELECT 2'",
            ],
            [
                "CREATE OR REPLACE FUNCTION closed() RETURNS int LANGUAGE sql SECURITY DEFINER"
                " SET search_path = a AS 'SELECT 2'",
            ],
        ),
    ],
    "view-past-policies": [
        (
            ["CREATE VIEW seen AS SELECT note FROM secret"],
            ["CREATE VIEW seen AS SELECT name FROM pets", "CREATE TABLE other (i int)"],
        ),
        (
            ["CREATE VIEW one AS TABLE pets", "ALTER TABLE pets ENABLE ROW LEVEL SECURITY"],
            ["ALTER TABLE pets ENABLE ROW LEVEL SECURITY"],
        ),
        (
            ["DO $$ BEGIN CREATE MATERIALIZED VIEW kept AS TABLE secret; END $$"],
            ["DO $$ BEGIN CREATE MATERIALIZED VIEW kept AS TABLE pets; END $$"],
        ),
    ],
    "granted-to-everybody": [
        (
            ["GRANT SELECT (id), UPDATE ON owners TO CURRENT_USER, public"],
            ["GRANT SELECT ON owners TO CURRENT_USER", "SELECT 'GRANT x TO PUBLIC'"],
        ),
        (
            ["DO $$ BEGIN EXECUTE format('GRANT %%s (id) ON pets TO PUBLIC', 'UPDATE'); END $$"],
            ["DO $$ BEGIN EXECUTE format('GRANT %%s ON pets TO %%I', 'UPDATE', user); END $$"],
        ),
        (
            ["DO $$ BEGIN ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; END $$"],
            ["DO $$ BEGIN ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO CURRENT_USER; END $$"],
        ),
        (
            ["ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"],
            ["ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO CURRENT_USER"],
        ),
    ],
    "if-not-exists": [
        (
            ["CREATE TABLE IF NOT EXISTS owners (i int)"],
            ["CREATE EXTENSION IF NOT EXISTS pg_trgm", "SELECT 'CREATE TABLE IF NOT EXISTS x'"],
        ),
        (["ALTER TABLE owners ADD COLUMN IF NOT EXISTS x int"], ["SELECT 1"]),
    ],
    "concurrently-in-transaction": [
        (
            ["CREATE INDEX CONCURRENTLY o_idx ON owners (name)"],
            ["!", "CREATE INDEX CONCURRENTLY o_idx ON owners (name)"],
        )
    ],
    "enum-value-used-at-once": [
        (
            ["ALTER TYPE mood ADD VALUE 'sad'", "SELECT 'sad'::mood"],
            ["!", "ALTER TYPE mood ADD VALUE 'sad'", "SELECT 'sad'::mood"],
        )
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "001_old", OLD.strip())
    return tmp_path


@pytest.fixture(scope="module")
def bench(server: PostgresServer) -> Iterator[str]:
    """A database in which each file gets a schema of its own."""
    with server.database() as url:
        yield url


def file(folder: Path, number: int, steps: list[str], above: str = "") -> str:
    name = f"{number:03}_case"
    atomic = steps[0] != "!"
    write(folder, name, *(f"{step} " for step in steps if step != "!"), atomic=atomic)
    path = folder / f"{name}.py"
    path.write_text(above + path.read_text())
    return name


def observed(bench: str, folder: Path, name: str) -> list[Observed]:
    """What PostgreSQL did for a file, where the old tables are there."""
    schema = f"s{secrets.token_hex(4)}"
    execute(bench, f"CREATE SCHEMA {schema}; SET search_path = {schema}; {OLD}")
    chosen = [migration for migration in migration_folder.find(folder) if migration.name == name]
    try:
        observer = Observer(KnownShapes(lambda: None), citus=True)
        project = at(f"{bench}?options=-csearch_path%3D{schema}")
        replay = Replay(project, [], observer, observer.options)
        return observer.migrate(replay, *chosen)
    finally:  # they are of the database, and not of the schema
        execute(bench, "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC")


def linted(bench: str, folder: Path, name: str, sizes: Sizes | None = None) -> list[Finding]:
    seen = observed(bench, folder, name)
    (migration,) = (m for m in migration_folder.find(folder) if m.name == name)
    found = lint.lint(seen, sizes or Sizes({}))
    return obeyed(found, migration, [statement.line for statement in seen], ())


def rules(bench: str, folder: Path, steps: list[str]) -> set[str]:
    return {finding.rule for finding in linted(bench, folder, file(folder, 2, steps))}


def test_each_rule_has_a_case() -> None:
    named = {rule.name for rule in (*BY_EVENT.values(), *BY_TEXT)} | set(BY_STATE.values())
    assert named == CASES.keys()


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        pytest.param(rule, number, marks=[pytest.mark.campaign] if number else [])
        for rule, cases in CASES.items()
        for number in range(len(cases))
        if rule not in BY_STATE.values()
    ],
)
def test_the_dangerous_form_is_found_and_the_safe_one_is_not(
    rule: str, number: int, bench: str, folder: Path
) -> None:
    dangerous, safe = CASES[rule][number]
    assert rules(bench, folder, dangerous) == {rule}
    assert rules(bench, folder, safe) == set()


@pytest.mark.parametrize("rule", BY_STATE.values())
def test_what_the_mode_of_the_file_forbids_is_found(rule: str, bench: str, folder: Path) -> None:
    ((dangerous, safe),) = CASES[rule]
    pending, files = {file(folder, 2, dangerous)}, migration_folder.find(folder)
    with Walk(at(bench), pending, KeptTrips(None, files), fresh=False) as way:
        *_, found = way.findings(files, Report())
    assert (found.rule, way.stopped) == (rule, True)
    assert rules(bench, folder, safe) == set()


def test_the_safe_statements_are_told_with_the_names_of_the_file(bench: str, folder: Path) -> None:
    steps = [
        FK,
        'CREATE UNIQUE INDEX o_idx ON "Big One" (id) WHERE id > 1',
        "ALTER TABLE pets ADD CONSTRAINT one UNIQUE (owner, name)",
        'ALTER TABLE owners ALTER COLUMN "Order" SET NOT NULL',
        "CREATE INDEX day_idx ON parted (day)",
    ]
    foreign, index, unique, not_null, parted = sorted(
        linted(bench, folder, file(folder, 2, steps)), key=lambda finding: finding.line
    )
    assert [foreign.line, index.line] == [2, 3]
    assert f"{FK}(id) NOT VALID;" in foreign.fix
    assert "ALTER TABLE pets VALIDATE CONSTRAINT kept_by;" in foreign.fix
    assert "SHARE ROW EXCLUSIVE" in foreign.why
    assert (
        'UNIQUE INDEX CONCURRENTLY o_idx ON "Big One" USING btree (id) WHERE id > 1;' in index.fix
    )
    assert "CREATE INDEX day_idx ON ONLY parted USING btree (day);" in parted.fix
    assert "ALTER INDEX day_idx ATTACH PARTITION …;" in parted.fix
    assert "CREATE UNIQUE INDEX CONCURRENTLY one ON pets (owner, name);" in unique.fix
    assert "ADD CONSTRAINT one UNIQUE USING INDEX one;" in unique.fix
    assert 'CHECK ("Order" IS NOT NULL) NOT VALID;' in not_null.fix
    assert "error: 002_case.py, line 5: SET NOT NULL" in str(not_null)
    page = (
        "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"
    )
    assert str(index).endswith(f"\n    See {page}")


def test_a_small_table_is_spared_what_only_takes_long(bench: str, folder: Path) -> None:
    name = file(folder, 2, [FK, CHECK, "ALTER TABLE owners RENAME note TO remark"])
    small, big = (
        Sizes({"pets": (10, 8192), "owners": (9999, 8 << 19)}),
        Sizes({"pets": (-1, 1 << 30)}),
    )
    assert [finding.rule for finding in linted(bench, folder, name, small)] == ["rename-column"]
    assert len(linted(bench, folder, name, big)) == 3


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [(False, []), pytest.param(True, ["index-blocks-writes"], marks=pytest.mark.campaign)],
)
def test_tables_of_other_pending_files_count_as_new(
    fresh: bool, expected: list[str], bench: str, folder: Path
) -> None:
    file(folder, 2, ["CREATE TABLE new (i int)"])
    write(folder, "003_more", "CREATE INDEX new_idx ON new (i)")
    pending, files = {"002_case", "003_more"}, migration_folder.find(folder)
    with Walk(at(bench), pending, KeptTrips(None, files), fresh=fresh) as way:
        list(way.findings(files, Report()))
    assert [finding.rule for finding in lint.lint(way.seen, Sizes({}))] == expected


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("# lint: ignore index-blocks-writes nobody works at night", []),
        ("# lint: ignore index-blocks-writes", ["ignore-without-reason", "index-blocks-writes"]),
        ("# lint: ignore", ["ignore-without-reason", "index-blocks-writes"]),
        ("# lint: ignore index-blocks a reason", ["ignore-unknown", "index-blocks-writes"]),
        ("# lint: ignore drop-table a reason", ["ignore-unused", "index-blocks-writes"]),
    ],
)
def test_a_comment_silences_a_rule_for_a_reason(
    comment: str, left: list[str], bench: str, folder: Path
) -> None:
    name = file(folder, 2, ["CREATE INDEX o_idx ON owners (name)"], f"{comment}\n")
    assert [finding.rule for finding in linted(bench, folder, name)] == left


def test_a_comment_in_a_statement_speaks_for_that_one(bench: str, folder: Path) -> None:
    index = "CREATE INDEX {0}_idx ON owners (name)"
    said = f"\n-- lint: ignore index-blocks-writes nobody works at night\n{index.format('b')}"
    name = file(folder, 2, [index.format("a"), said, index.format("c")])
    assert [finding.line for finding in linted(bench, folder, name)] == [2, 6]


def test_another_search_path_hides_nothing(bench: str, folder: Path) -> None:
    steps = ["ALTER TABLE owners ALTER n SET DEFAULT 0", "SET LOCAL search_path = pg_catalog"]
    steps += ["SELECT 1", "RESET search_path", CHECK]
    found = linted(bench, folder, file(folder, 2, steps))
    assert [(finding.rule, finding.line) for finding in found] == [("check-scan", 6)]


@pytest.mark.only("newest")
def test_a_view_that_asks_as_its_caller_is_none_past_policies(
    server: PostgresServer, bench: str, folder: Path
) -> None:
    """Also through another view, and where it is said later in the file."""
    made = "CREATE VIEW {} WITH (security_invoker = {}) AS SELECT note FROM {}"
    inner, outer = made.format("inner_one", "on", "secret"), made.format("outer_one", "1", "{}")
    assert rules(bench, folder, [inner, outer.format("inner_one")]) == set()
    later = "ALTER VIEW inner_one SET (security_invoker = true)"
    assert rules(bench, folder, [inner.replace("on)", "off)"), later]) == set()
    assert rules(bench, folder, [inner, made.format("past", "off", "inner_one")]) == {PAST}
    assert rules(bench, folder, [inner, later.replace("true", "false")]) == {PAST}


def test_python_in_a_file_hides_nothing(bench: str, folder: Path) -> None:
    (folder / "002_case.py").write_text(
        "def work(database):\n    database.execute_sql('CREATE INDEX i ON owners (n)')\n\n\n"
        "def migrate(migrator, database, *, fake=False):\n    migrator.run(work, database)\n"
        "    migrator.sql('ALTER TABLE owners DROP COLUMN note; LOCK TABLE pets')\n"
    )
    found = linted(bench, folder, "002_case")
    assert [(finding.rule, finding.line) for finding in found] == [
        ("index-blocks-writes", 6),
        ("drop-column", 7),
        ("lock-table", 7),
    ]


@pytest.mark.only("newest")
def test_squawk_adds_what_the_engine_does_not_know(bench: str, folder: Path) -> None:
    path = squawk.program()
    assert path, "the extra `dev` brings squawk"
    steps = ["CREATE TABLE new (code char(3))", FK, "ALTER TABLE owners DROP COLUMN note"]
    seen = observed(bench, folder, file(folder, 2, [*steps, "CREATE TABLE t (at time)"]))
    found = list(squawk.findings(path, seen, atomic=True))
    assert [(finding.rule, finding.line) for finding in found][:1] == [("squawk-ban-char-field", 2)]
    assert all(finding.level == "warning" for finding in found)
    told = {finding.rule.removeprefix(squawk.PREFIX) for finding in found}
    assert not told & {*squawk.KNOWN_BETTER, *squawk.NOT_HERE}


# What each statement of a file did that Citus does not take, where the catalogs alone tell.
UNSAID: list[tuple[str, list[str]]] = [
    ("CREATE SEQUENCE free", []),
    ("ALTER SEQUENCE free INCREMENT BY 2", []),
    ("-- alone\nSELECT setval('free', max(n)) FROM owners", [Unsaid.SET_UNUSED]),
    ("ALTER TABLE owners ADD big bigint DEFAULT nextval('free')", []),
    ("SELECT setval('free', max(n)) FROM owners", []),
    ("ALTER SEQUENCE free INCREMENT BY 3", [Unsaid.ALTERED]),
    ("ALTER SEQUENCE free RENAME TO used", []),
    ("ALTER TABLE owners ALTER big TYPE numeric", [Unsaid.RETYPED]),
    ("ALTER TABLE owners ALTER big DROP DEFAULT", []),
    ("ALTER TABLE owners ALTER big TYPE int", []),
    ("ALTER TABLE pets ALTER owner SET DEFAULT nextval('used')", [Unsaid.OTHER_TYPE]),
    ("ALTER TABLE owners ALTER name SET DEFAULT 'N' || nextval('used')", [Unsaid.TWO_TYPES]),
    ("CREATE TABLE fresh (id serial, i int GENERATED ALWAYS AS IDENTITY)", []),
    ("CREATE TABLE other (id serial)", []),
    ("DROP TABLE fresh", []),
    ("ALTER TABLE other RENAME TO fresh", []),
    ("ALTER SEQUENCE other_id_seq RENAME TO fresh_id_seq", []),
    ("CREATE SEQUENCE other", []),
    ("CREATE VIEW counting AS SELECT last_value FROM other", [Unsaid.SAME_NAME]),
    ("DO $$ BEGIN ALTER TABLE fresh ALTER id TYPE bigint; END $$", [Unsaid.RETYPED]),
]


@pytest.mark.only("newest")
def test_what_citus_does_not_take_is_seen_in_the_catalogs(bench: str, folder: Path) -> None:
    name = file(folder, 2, [statement for statement, _ in UNSAID])
    seen = observed(bench, folder, name)
    expected = [unsaid for _, unsaid in UNSAID]
    # The sequence of a serial that is retyped by itself is of another type from then on.
    assert [list(statement.unsaid[:1]) for statement in seen] == expected
    told = " ".join(finding.what for finding in citus_rules.findings(seen, ""))
    assert all(f"Citus does not take {each}." in told for each in chain(*expected))
