"""What `invoke generate` writes of views, sequences, policies, types and settings, each under the
domain that registered it; and what it leaves alone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from peewee import (
    SQL,
    BigIntegerField,
    Check,
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from engine.errors import GenerateError, MigrationFailed
from engine.generate.generator import Generator
from engine.schema import catalog
from engine.sql import lexer
from engine.testing.generate_law import SqlDomain
from engine.unmanaged.listing import unmanaged
from kernel.domain import Domain
from kernel.models import BaseModel
from tests.support.databases import execute, name_of, query
from tests.support.migration_files import write
from tests.support.owned import owned_url
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on
from tests.support.usual import usually_first
from tests.support.workshop import Register, Workshop

SETTINGS = (
    "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE items SET (fillfactor = 70)",
    "CREATE POLICY own ON items USING (tenant = current_user)",
    "COMMENT ON VIEW dear IS 'what costs much'",
)


def shop(number: Any, least: int) -> Any:
    def register(domain: Domain) -> None:
        class Item(BaseModel):
            price = number()
            tenant = TextField(default="x")

            class Meta:
                table_name = "items"

        domain.models(Item)
        domain.sql(
            f"CREATE VIEW dear AS SELECT id, price FROM items WHERE price > {least}",
            "CREATE MATERIALIZED VIEW sums AS SELECT tenant, sum(price) FROM items GROUP BY tenant",
            "CREATE UNIQUE INDEX sums_tenant ON sums (tenant)",
            "CREATE SEQUENCE receipts START 1000",
            "CREATE TYPE span AS (low int, high int)",
            "CREATE DOMAIN amount AS numeric CHECK (VALUE > 0)",
            "CREATE FUNCTION spans(s span) RETURNS amount LANGUAGE sql AS 'SELECT 1'",
            *SETTINGS,
        )

    return register


def nothing(domain: Domain) -> None:
    """A domain that asks for nothing any more."""


def test_every_kind_comes_changes_and_goes(workshop: Workshop) -> None:
    workshop.first(shop(IntegerField, 5))
    execute(workshop.url, "INSERT INTO items (price) VALUES (3), (30)")
    text = next(workshop.folder.iterdir()).read_text()
    assert "# ── removed" not in text
    assert text.index("CREATE TYPE span") < text.index("CREATE TABLE items")
    changed = workshop.step(shop(BigIntegerField, 20), ["items"])
    assert "# ── removed" not in changed
    assert query(workshop.url, "SELECT price FROM dear") == [(30,)]
    gone = ("items", "receipts")
    assert "--allow-drop receipts" in workshop.refuses(nothing, "items").fix
    workshop.generate(nothing, *gone)
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT relname FROM pg_class WHERE relname = 'sums'") == []
    workshop.runner.rollback(losing=True)
    assert query(workshop.url, "SELECT to_regclass('sums_tenant') IS NULL") == [(False,)]


def test_each_object_stands_under_its_own_domain(workshop: Workshop) -> None:
    first, second = workshop.domains(shop(IntegerField, 5))[1], Domain("reports", "domains/reports")
    second.sql(
        "CREATE VIEW report AS SELECT count(*) FROM dear",
        "COMMENT ON VIEW report IS 'how many'",
        "CREATE POLICY readers ON items FOR SELECT USING (true)",
        "CREATE SEQUENCE reports_seq",
    )
    generator = Generator([first, second], at(workshop.url, workshop.folder))
    text = generator.generate("change")[0].text.partition("def rollback")[0]
    shop_part, _, reports = text.partition("# ── reports")
    for name in ("VIEW report AS", "ON VIEW report", "POLICY readers", "SEQUENCE reports_seq"):
        assert name in reports
        assert name not in shop_part
    assert "POLICY own" in shop_part
    assert "ON VIEW dear" in shop_part


# A base type and its functions for text; with these it can be compared.
COMPARED = [
    f"CREATE FUNCTION tiny_{name}(tiny, tiny) RETURNS {given} LANGUAGE internal IMMUTABLE STRICT "
    f"AS '{own}'"
    for name, given, own in [
        ("eq", "boolean", "int4eq"), ("lt", "boolean", "int4lt"), ("cmp", "integer", "btint4cmp"),
    ]
]  # fmt: skip
BASE_TYPE = (
    "CREATE TYPE tiny",
    "CREATE FUNCTION tiny_in(cstring) RETURNS tiny LANGUAGE internal IMMUTABLE STRICT AS 'int4in'",
    "CREATE FUNCTION tiny_out(tiny) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT "
    "AS 'int4out'",
    "CREATE TYPE tiny (INPUT = tiny_in, OUTPUT = tiny_out, LIKE = integer)",
    *COMPARED,
    "CREATE OPERATOR = (LEFTARG = tiny, RIGHTARG = tiny, FUNCTION = tiny_eq)",
    "CREATE OPERATOR < (LEFTARG = tiny, RIGHTARG = tiny, FUNCTION = tiny_lt)",
    "CREATE OPERATOR CLASS tiny_ops DEFAULT FOR TYPE tiny USING btree AS OPERATOR 1 <, "
    "OPERATOR 3 =, FUNCTION 1 tiny_cmp(tiny, tiny)",
    "CREATE CAST (integer AS tiny) WITHOUT FUNCTION AS ASSIGNMENT",
    "CREATE CAST (tiny AS integer) WITHOUT FUNCTION AS ASSIGNMENT",
)


@pytest.mark.only("newest")
def test_a_model_may_use_a_base_type_that_a_file_made(workshop: Workshop) -> None:
    """Its functions for text go with it; what else it needs the domain states."""

    class Tiny(Field):
        field_type = "tiny"

    def sized(field: Any, **more: Any) -> Register:
        def register(domain: Domain) -> None:
            class Item(BaseModel):
                size = field(**more)

                class Meta:
                    table_name = "items"

            domain.models(Item)
            domain.sql(*COMPARED)

        return register

    write(workshop.folder, "001_tiny", *BASE_TYPE, back="migrator.sql('DROP TYPE tiny CASCADE')")
    workshop.runner.migrate()
    workshop.first(sized(IntegerField))
    execute(workshop.url, "INSERT INTO items (size) VALUES (7)")
    for domain in (sized(Tiny, null=True), sized(Tiny, unique=True)):
        files = workshop.generate(domain, "items.size")
        workshop.runner.migrate()
        workshop.runner.rollback(len(files))
        workshop.runner.migrate()
        assert not workshop.generate(domain)
        assert query(workshop.url, "SELECT size::text FROM items") == [("7",)]


def test_a_model_may_use_what_a_file_made_of_another_kind(workshop: Workshop) -> None:
    """The wanted schema is built beside it; what the files made of managed kinds is not in the
    way there."""
    workshop.first(shop(IntegerField, 5))
    made = (
        "CREATE TEXT SEARCH CONFIGURATION words (copy = simple)",
        "CREATE COLLATION plain (locale = 'C')",
    )
    write(workshop.folder, "002_words", *made, back="migrator.sql('DROP COLLATION plain')")
    workshop.runner.migrate()

    def searched(domain: Domain) -> None:
        shop(IntegerField, 5)(domain)
        domain.sql(
            "CREATE INDEX items_words ON items USING gin (to_tsvector('words', tenant))",
            "CREATE VIEW sorted AS SELECT tenant COLLATE plain AS tenant FROM items",
        )

    text = "".join(path.read_text() for path in workshop.generate(searched))
    assert "to_tsvector('words'::regconfig, tenant)" in text and "DROP TABLE" not in text
    workshop.runner.migrate()
    assert workshop.generate(searched) == []


NEAR = """CREATE FUNCTION near(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE
AS 'SELECT abs(a - b) < 3'"""
MOOD = "CREATE TYPE mood AS ENUM ('sad', 'glad')"
RANK = """CREATE FUNCTION rank_of(mood) RETURNS int LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE $1::text WHEN 'sad' THEN 1 ELSE 2 END $$"""
MADE_OF_OURS = (
    *(NEAR, "CREATE OPERATOR ~~~ (LEFTARG = int, RIGHTARG = int, FUNCTION = near)"),
    *(MOOD, RANK, "CREATE CAST (mood AS int) WITH FUNCTION rank_of(mood)"),
    *("CREATE TYPE moods AS RANGE (subtype = mood)",),
    "CREATE AGGREGATE alike(int) (SFUNC = int4pl, STYPE = int)",
)
USED = (
    "CREATE DOMAIN around AS int CHECK (VALUE ~~~ 7)",
    "CREATE INDEX items_rank ON items ((stock ~~~ 5)) WHERE mood::int > 1",
    "CREATE VIEW around_five AS SELECT alike(id) AS ids FROM items WHERE stock ~~~ 5",
    "CREATE FUNCTION glad() RETURNS moods LANGUAGE sql RETURN moods('glad', 'glad', '[]')",
)


class Mood(Field):
    """One of an enum that a file has made, too."""

    field_type = "mood"


def test_a_model_may_use_what_a_file_made_of_what_domains_state(workshop: Workshop) -> None:
    """An operator needs its function, which the domain states, and a domain type that operator."""

    def items(*used: str) -> Register:
        def register(domain: Domain) -> None:
            checks = [Check("stock ~~~ 5", name="near_five")] if used else []
            fields = {"stock": IntegerField(constraints=checks), "mood": Mood()}
            domain.models(type("Items", (Model,), fields))
            domain.sql(MOOD, NEAR, RANK, *used)

        return register

    write(workshop.folder, "001_near", *MADE_OF_OURS, back=None)
    workshop.first(items())
    execute(workshop.url, "INSERT INTO items (stock, mood) VALUES (4, 'glad')")
    workshop.generate(items(*USED))
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT ids, glad() FROM around_five") == [(1, "[glad,glad]")]
    assert workshop.generate(items(*USED)) == []


UNMANAGED = """
    CREATE TYPE r AS RANGE (subtype = int);
    CREATE TYPE shell;
    CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int);
    CREATE FUNCTION same(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT $1 = $2';
    CREATE OPERATOR === (leftarg = int, rightarg = int, function = same);
    CREATE TYPE pair AS (a int, b int);
    CREATE CAST (pair AS text) WITH INOUT;
    CREATE TABLE t (a int, b int);
    CREATE TABLE child (c int) INHERITS (t);
    CREATE RULE quiet AS ON DELETE TO t DO INSTEAD NOTHING;
    CREATE STATISTICS both_of ON a, b FROM t;
    CREATE COLLATION words FROM "C";
    CREATE TEXT SEARCH CONFIGURATION plain (copy = simple);
    CREATE TEXT SEARCH DICTIONARY stop (template = simple);
    CREATE OPERATOR FAMILY family USING btree;
    CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION watch();
    CREATE EXTENSION file_fdw;
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE lines (line text) SERVER files OPTIONS (filename '/dev/null');
    CREATE TABLE parted (a int) PARTITION BY RANGE (a);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
    CREATE TABLE migratehistory (id serial PRIMARY KEY);
    CREATE TABLE rows OF pair;
    CREATE PUBLICATION news FOR TABLE t;
    CREATE SCHEMA elsewhere;
    CREATE EXTENSION pg_trgm SCHEMA elsewhere;
"""
NAMED = """
    aggregate total(integer)
    cast (pair AS pg_catalog.text)
    collation words
    event trigger watcher
    foreign table lines
    operator ===(integer,integer)
    operator family family USING btree
    rule quiet on t
    statistics object both_of
    table child
    text search configuration plain
    text search dictionary stop
    type r
    type shell
    publication news
    schema of extension pg_trgm: elsewhere
    type of table rows: pair
"""


def test_what_is_not_managed_is_named_and_left_alone(empty_url: str) -> None:
    execute(empty_url, UNMANAGED)
    with closing(psycopg2.connect(empty_url)) as connection:
        found = unmanaged(connection)
        schema = catalog.read(connection)
    assert found == [line.strip() for line in NAMED.strip().splitlines()]
    assert sorted(schema.tables) == ["parted", "rows", "t"]
    assert sorted(schema.functions) == ["same(integer, integer)", "watch()"]
    assert list(schema.composites) == ["pair"]
    assert not schema.sequences


def test_nothing_is_unmanaged_where_all_is_managed(migrated_url: str) -> None:
    with closing(psycopg2.connect(migrated_url)) as connection:
        assert unmanaged(connection) == []


@pytest.mark.only("newest")
def test_a_refusal_names_what_is_in_the_way(workshop: Workshop) -> None:
    """PostgreSQL says it in the DETAIL of its error."""

    def register(domain: Domain) -> None:
        class Item(BaseModel):
            code = TextField(unique=True)

            class Meta:
                table_name = "items"

        class Line(BaseModel):
            item = IntegerField(constraints=[SQL("REFERENCES items (code)")])

            class Meta:
                table_name = "lines"

        domain.models(Item, Line)

    refused = workshop.refuses(register)
    assert "cannot be implemented" in refused.what
    assert "are of incompatible types: integer and text" in " ".join(refused.why.split())


def test_a_name_that_means_something_of_postgresql_is_refused(workshop: Workshop) -> None:
    """Without its schema, as all files say names: DROP TYPE box would be about another one."""

    def register(domain: Domain) -> None:
        domain.sql("CREATE TYPE box AS (width int, height int)")

    assert "registers the type public.box, whose name" in workshop.refuses(register).what


@pytest.mark.only("newest")
def test_a_view_over_what_is_not_required_says_so(workshop: Workshop) -> None:
    """The domain of the view comes first by its name."""
    first = Domain("reports", "domains/reports")
    first.sql("CREATE VIEW counted AS SELECT count(*) FROM items")
    (second,) = [d for d in workshop.domains(with_items) if d.name == "shop"]
    generator = Generator([first, second], at(workshop.url, workshop.folder))
    with pytest.raises(GenerateError, match="names the table items of the domain shop") as refused:
        generator.generate("change")
    assert refused.value.fix == 'say domain.requires("shop") in reports.'


def with_items(domain: Domain) -> None:
    class Item(BaseModel):
        code = TextField(unique=True)

        class Meta:
            table_name = "items"

    domain.models(Item)


def coded(*, linked: bool, unique: bool = True) -> Any:
    """A table with a code, and what refers to that: itself and another table."""

    def register(domain: Domain) -> None:
        class Parent(BaseModel):
            code = TextField()
            if linked:
                above: Any = ForeignKeyField(
                    "self", field="code", column_name="above", null=True, index=False
                )

            class Meta:
                table_name = "parents"

        domain.models(Parent)
        if unique:
            domain.index(Parent, Parent.code, unique=True, name="parents_code_key")
        if linked:

            class Child(BaseModel):
                parent = ForeignKeyField(Parent, field="code", column_name="parent")

                class Meta:
                    table_name = "children"

            domain.models(Child)

    return register


@pytest.mark.parametrize("unique", [True, False])
def test_a_foreign_key_refers_to_what_an_index_makes_unique(
    unique: bool, workshop: Workshop
) -> None:
    """Also to one of the domain's that comes at the same time, and of a table with rows."""
    workshop.first(coded(linked=False, unique=unique))
    execute(workshop.url, "INSERT INTO parents (code) VALUES ('a')")
    text = workshop.step(coded(linked=True), ["parents"])
    assert text.count("REFERENCES parents(code)") == 2
    execute(workshop.url, "INSERT INTO children (parent) VALUES ('a')")
    assert workshop.generate(coded(linked=True)) == []


# What stands there, what a file makes by hand beside it, and what it becomes.
IN_THE_WAY = {
    "a cast, a value is added": (
        "CREATE TYPE m AS ENUM ('a', 'b'); CREATE TABLE t (a m)",
        "CREATE CAST (text AS m) WITH INOUT AS ASSIGNMENT",
        "CREATE TYPE m AS ENUM ('a', 'b', 'c'); CREATE TABLE t (a m)",
    ),
    "a cast, its function changes its type": (
        "CREATE TYPE m AS ENUM ('a', 'b'); CREATE TABLE t (a m);"
        "CREATE FUNCTION n(m) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
        "CREATE CAST (m AS int) WITH FUNCTION n(m) AS IMPLICIT",
        "CREATE TYPE m AS ENUM ('a'); CREATE TABLE t (a m);"
        "CREATE FUNCTION n(m) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2'",
    ),
    "a rule, a column is retyped": (
        "CREATE TABLE t (a int); CREATE TABLE l (a int)",
        "CREATE RULE r AS ON INSERT TO t WHERE NEW.a > 5 DO ALSO INSERT INTO l VALUES (NEW.a)",
        "CREATE TABLE t (a bigint); CREATE TABLE l (a bigint)",
    ),
    "a rule of a view, which is made anew": (
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",
        "CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (NEW.a)",
        "CREATE TABLE t (a bigint); CREATE VIEW v AS SELECT a FROM t",
    ),
    "statistics, a column goes": (
        "CREATE TABLE t (a int, b int, c int)",
        "CREATE STATISTICS s (mcv) ON a, b FROM t",
        "CREATE TABLE t (a int, c int)",
    ),
    "statistics, a column goes from a table with another name": (
        "CREATE TABLE t (a int, b int, c int)",
        "CREATE STATISTICS s (mcv) ON a, b FROM t",
        "CREATE TABLE named (a int, c int)",
    ),
    "a rule, a column of a table with another name is retyped": (
        "CREATE TABLE t (a int, b int)",
        "CREATE RULE r AS ON DELETE TO t WHERE OLD.b > 5 DO INSTEAD NOTHING",
        "CREATE TABLE named (a int, b bigint)",
    ),
    "statistics and a rule, the table goes": (
        "CREATE TABLE t (a int); CREATE TABLE u (a int, u int)",
        "CREATE STATISTICS s ON a, u FROM u; CREATE RULE r AS ON DELETE TO u DO INSTEAD NOTHING",
        "CREATE TABLE t (a int)",
    ),
    "an extension that a foreign table needs": (
        "CREATE TABLE t (a int)",
        "CREATE EXTENSION IF NOT EXISTS postgres_fdw;"
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw;"
        "CREATE FOREIGN TABLE ft (a int) SERVER s",
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM ft",
    ),
}
THERE = """
    SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
    UNION ALL SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE oid > 16384 AND rulename <> '_RETURN'
    UNION ALL SELECT format('%s %s %s %s', castsource::regtype, casttarget::regtype, castcontext,
                            castfunc::regproc) FROM pg_cast WHERE oid > 16384
    UNION ALL SELECT extname FROM pg_extension
    ORDER BY 1
"""


@pytest.mark.only("newest")
@pytest.mark.parametrize("title", usually_first(IN_THE_WAY, 2))
def test_what_was_made_by_hand_steps_aside(title: str, empty_url: str, tmp_path: Path) -> None:
    old, by_hand, new = IN_THE_WAY[title]
    project, runner = at(empty_url, tmp_path), runner_on(empty_url, tmp_path)

    def generated(text: str, *names: str) -> list[Path]:
        domain = SqlDomain(list(lexer.split(text)), roles=[])
        losing = ["t.a", "t.b", "named.b", "l.a", "m", "u"]
        generator = Generator([domain], project, allow_drop=losing, renames=names)
        return generator.write(generator.generate("change"))

    def listed() -> list[str]:
        return [text.replace("public.named", "public.t") for (text,) in query(empty_url, THERE)]

    generated(old)
    write(tmp_path, "002_by_hand", *lexer.split(by_hand), back="raise")
    runner.migrate()
    there = listed()
    files = generated(new, *(["t:named"] if "TABLE named" in new else []))
    for _ in range(2):
        runner.migrate()
        goes = title.startswith("statistics")
        assert listed() == (["plpgsql"] if goes else there)
        runner.rollback(len(files), losing=True)
        assert listed() == there
    runner.migrate()
    assert generated(new) == []


@pytest.mark.only("newest")
def test_an_extension_that_only_a_superuser_makes(server: PostgresServer, tmp_path: Path) -> None:
    """Who has to type what, also where it is a scratch database that lacks it."""
    with owned_url(server) as url:
        write(tmp_path, "001_files", "CREATE EXTENSION IF NOT EXISTS file_fdw")
        with pytest.raises(MigrationFailed, match="permission denied") as refused:
            runner_on(url, tmp_path).migrate()
        statement = "`CREATE EXTENSION IF NOT EXISTS file_fdw` in the database"
        assert f"as one run {statement} {name_of(url)}," in refused.value.fix
        domain = SqlDomain([], extensions={"file_fdw": False})
        with pytest.raises(GenerateError, match="permission denied") as unbuilt:
            Generator([domain], at(url, tmp_path), files=[]).generate("files")
        assert "set SCRATCH_DATABASE_URL to a server" in unbuilt.value.fix
