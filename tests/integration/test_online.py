"""The online form: what a change to a busy table comes to, tried while others write to it."""

from __future__ import annotations

import re
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from peewee import SQL, BigIntegerField, Check, ForeignKeyField, IntegerField, TextField, UUIDField

from engine.errors import ConfigError
from engine.generate.generator import Generator
from engine.manage.status import read_status
from engine.report import Report
from kernel.domain import Domain
from kernel.models import BaseModel, TimestampedModel
from tests.support import crash
from tests.support.console import at_terminal
from tests.support.databases import execute, name_of, query, read
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.project import Invoke, edit
from tests.support.runners import at, runner_on
from tests.support.small_project import shrink
from tests.support.workshop import Register, Workshop

ROWS = """
    INSERT INTO owners (code) SELECT 'o' || i FROM generate_series(1, 50) i;
    INSERT INTO items (name, owner, rank) SELECT 'n' || i, 1 + i % 50, i
    FROM generate_series(1, 8000) i
"""
FEW_ROWS = ROWS.replace("8000", "200")
LEFT_OVER_INDEXES = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"
INSERT = "INSERT INTO items (name, owner, rank) VALUES ('new', 1, %s)"
UPDATE = "UPDATE items SET name = 'changed' WHERE id = %s"
DELETE = "DELETE FROM items WHERE id = %s"


def models(*, busy: bool) -> Register:
    """Owners and items, before and after everything that a busy table finds hard."""

    def register(domain: Domain) -> None:
        class Owner(BaseModel):
            code = TextField(unique=not busy)

            class Meta:
                table_name = "owners"
                constraints = [SQL("CONSTRAINT owners_code_key UNIQUE (code)")] if busy else []

        class Item(TimestampedModel):
            name = TextField(null=not busy)
            rank = IntegerField()
            if busy:
                owner = ForeignKeyField(Owner, column_name="owner", on_delete="CASCADE")
                token = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")])
            else:
                owner = BigIntegerField()

            class Meta:
                table_name = "items"
                constraints = [Check("rank > 0", name="items_rank_check")] if busy else []

        domain.models(Owner, Item)
        domain.sql(*GUARD)
        if busy:
            domain.index(Item, Item.rank, unique=True, name="items_rank_key")
            domain.index(Item, "lower(name)", where="rank > 9", name="items_name_idx")
        else:
            domain.index(Item, Item.name, name="items_name_idx")

    return register


class Writers:
    """Sessions that go on writing to the items."""

    def __init__(self, url: str, sessions: int = 3) -> None:
        self.url = url
        self.done = 0
        self.errors: list[Exception] = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(n,)) for n in range(sessions)]

    def __enter__(self) -> Writers:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def write(self, session: int) -> None:
        with closing(psycopg2.connect(self.url)) as connection:
            cursor = connection.cursor()
            turn = 0
            while not self.stop.is_set() and not self.errors:
                turn += 1
                number = 10_000_000 * (session + 1) + turn
                try:
                    cursor.execute(INSERT, (number,))
                    for place in (1200 - turn % 600, turn % 600):  # rows of its own, backwards
                        cursor.execute(UPDATE, (1 + 3 * place + session,))
                    cursor.execute(DELETE, (4_000 + number % 3000,))
                    connection.commit()
                    self.done += 1
                except Exception as error:
                    self.errors.append(error)


def filenode(url: str) -> Any:
    return query(url, "SELECT pg_relation_filenode('items')")


GUARD = (
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'the rank stays'; END $$",
    "CREATE TRIGGER items_rank_of BEFORE UPDATE OF rank ON items FOR EACH ROW "
    "EXECUTE FUNCTION keep()",
    "CREATE TRIGGER items_rank_stays BEFORE UPDATE ON items FOR EACH ROW "
    "WHEN (OLD.rank <> NEW.rank) EXECUTE FUNCTION keep()",
)


def test_a_busy_table_stays_in_use(workshop: Workshop) -> None:
    workshop.first(models(busy=False))
    execute(workshop.url, ROWS)
    before = filenode(workshop.url)
    paths = workshop.generate(models(busy=True))
    first, second = (path.read_text() for path in paths)
    assert [path.stem for path in paths] == ["002_change", "003_change_online"]
    for words in ("CONCURRENTLY", "NOT NULL", "FOREIGN KEY", "CHECK", "gen_random_uuid"):
        assert words not in first.partition("def rollback")[0]
    assert "It rewrites" not in first + second
    assert "atomic = False" in second
    assert "INDEX CONCURRENTLY items_name_idx_new" in second
    with Writers(workshop.url) as writers:
        workshop.runner.migrate()
        workshop.runner.rollback(2, losing=True)
        workshop.runner.migrate()
    assert writers.errors == []
    assert writers.done
    print(f"{writers.done} statements of others meanwhile")
    assert workshop.fresh(models(busy=True)) == workshop.read()
    assert filenode(workshop.url) == before
    assert query(workshop.url, "SELECT count(*) FROM items WHERE token IS NULL") == [(0,)]
    assert workshop.generate(models(busy=True)) == []


def test_offline_is_one_file(workshop: Workshop) -> None:
    workshop.first(models(busy=False))
    generator = Generator(
        workshop.domains(models(busy=True)), at(workshop.url, workshop.folder), offline=True
    )
    (file,) = generator.generate("change")
    assert "CONCURRENTLY" not in file.text
    assert "It rewrites items" in file.text


def test_what_writes_a_table_anew_is_said(workshop: Workshop) -> None:
    """A trigger that refuses updates would refuse the filling; SET LOGGED copies all rows."""
    refuse = (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'append only'; END $$",
        "CREATE TRIGGER items_refuse BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION refuse()",
    )

    def shop(busy: bool) -> Register:
        def register(domain: Domain) -> None:
            models(busy=busy)(domain)
            domain.sql(*refuse)
            if not busy:
                domain.sql("ALTER TABLE owners SET UNLOGGED")

        return register

    workshop.first(shop(busy=False))
    execute(workshop.url, ROWS)
    text = "".join(path.read_text() for path in workshop.generate(shop(busy=True)))
    assert "It rewrites items, owners" in text
    assert "DO $$" not in text
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT count(*) FROM items WHERE token IS NULL") == [(0,)]


PARTS = {
    "index": {"index": True},
    "unique": {"unique": True},
    "check": {"constraints": [Check("number > 0", name="items_number_check")]},
}
LESS_LIKELY = ("unique", "check", "foreign key")


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    "part",
    ["index", "retyped", *(pytest.param(p, marks=pytest.mark.campaign) for p in LESS_LIKELY)],
)
def test_no_file_is_empty(part: str, workshop: Workshop) -> None:
    """DROP COLUMN takes the column's index or constraint along, so nothing is left for later; nor
    where an index goes early, because its column gets another type."""

    def register(*, old: bool) -> Register:
        def register(domain: Domain) -> None:
            class Owner(BaseModel):
                code = TextField()

                class Meta:
                    table_name = "owners"

            class Item(BaseModel):
                name = TextField()
                if old and part == "foreign key":
                    number: Any = ForeignKeyField(Owner, on_delete="CASCADE")
                elif part == "retyped":
                    number = IntegerField(index=True) if old else BigIntegerField()
                elif old:
                    number = IntegerField(**PARTS[part])

                class Meta:
                    table_name = "items"

            domain.models(Owner, Item)

        return register

    workshop.first(register(old=True))
    dropped = "items.number_id" if part == "foreign key" else "items.number"
    paths = workshop.generate(register(old=False), dropped)
    for path in paths:
        assert not re.search(r"def \w+\([^)]*\)[^:]*:\s+pass", path.read_text()), path.name
    workshop.runner.migrate()
    assert workshop.read() == workshop.fresh(register(old=False))
    assert workshop.generate(register(old=False)) == []


def renamed(*hints: bool) -> Register:
    """The shop under other names; hints: whether the domain says so."""

    def register(domain: Domain) -> None:
        class Article(TimestampedModel):
            title = TextField(null=True)
            rank = IntegerField()
            owner = BigIntegerField()

            class Meta:
                table_name = "articles"

        class Owner(BaseModel):
            code = TextField(unique=True)

            class Meta:
                table_name = "owners"

        domain.models(Owner, Article)
        domain.index(Article, Article.title, name="articles_title_idx")
        if hints:
            domain.renamed_from(Article, "items")
            domain.renamed_from(Article.title, "name")

    return register


@pytest.mark.parametrize("hinted", [True, pytest.param(False, marks=pytest.mark.campaign)])
def test_a_rename_keeps_the_rows(workshop: Workshop, hinted: bool) -> None:
    workshop.first(models(busy=False))
    execute(workshop.url, ROWS)
    before = query(workshop.url, "SELECT id, name FROM items ORDER BY id")
    node = query(workshop.url, "SELECT pg_relation_filenode('items_name_idx')")
    known = workshop.read()
    refused = workshop.refuses(renamed())
    assert "--allow-drop items" in refused.fix
    names = () if hinted else ("items:articles", "items.name:title")
    shop = renamed(True) if hinted else renamed()
    generator = Generator(workshop.domains(shop), at(workshop.url, workshop.folder), renames=names)
    (path,) = generator.write(generator.generate("other_names"))
    assert "ALTER INDEX items_name_idx RENAME TO articles_title_idx" in path.read_text()
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT id, title FROM articles ORDER BY id") == before
    assert query(workshop.url, "SELECT pg_relation_filenode('articles_title_idx')") == node
    assert workshop.read() == workshop.fresh(shop)
    assert workshop.generate(shop) == []
    workshop.runner.rollback()
    assert workshop.read() == known
    assert query(workshop.url, "SELECT id, name FROM items ORDER BY id") == before


def test_types_and_sequences_keep_what_they_hold(workshop: Workshop) -> None:
    def shop(names: str) -> Register:
        sequence, enum, domain_type, pair, value = names.split()

        def register(domain: Domain) -> None:
            class Thing(BaseModel):
                number = IntegerField(constraints=[SQL(f"DEFAULT nextval('{sequence}')")])

                class Meta:
                    table_name = "things"

            domain.sql(
                f"CREATE SEQUENCE {sequence}",
                f"CREATE TYPE {enum} AS ENUM ('one', '{value}')",
                f"CREATE DOMAIN {domain_type} AS text CHECK (VALUE <> '')",
                f"CREATE TYPE {pair} AS (a int, b {enum})",
            )
            domain.models(Thing)

        return register

    before, after = shop("numbers kind word pair two"), shop("counts sort term couple second")
    workshop.first(before)
    execute(workshop.url, "INSERT INTO things DEFAULT VALUES; SELECT nextval('numbers')")
    names = ["numbers:counts", "kind:sort", "kind.two:second", "word:term", "pair:couple"]
    generator = Generator(workshop.domains(after), at(workshop.url, workshop.folder), renames=names)
    generator.write(generator.generate("other_names"))
    workshop.runner.migrate()
    assert workshop.read() == workshop.fresh(after)
    assert query(workshop.url, "SELECT nextval('counts')") == [(3,)]
    assert workshop.generate(after) == []
    workshop.runner.rollback()
    assert workshop.read() == workshop.fresh(before)


@pytest.mark.only("newest")
def test_the_longest_names_have_room_for_a_suffix(workshop: Workshop) -> None:
    """A name has 63 bytes, not letters: cut elsewhere, the new index would be called as the old."""

    def register(condition: str) -> Register:
        def register(domain: Domain) -> None:
            class Item(BaseModel):
                rank = IntegerField(null=condition == "rank > 0")

                class Meta:
                    table_name = "é" * 31

            domain.models(Item)
            domain.index(Item, Item.rank, where=condition, name="i" + "é" * 31)

        return register

    workshop.first(register("rank > 0"))
    workshop.generate(register("rank > 1"))
    workshop.runner.migrate()
    assert workshop.read() == workshop.fresh(register("rank > 1"))


def test_a_rename_that_fits_nothing_is_refused(workshop: Workshop) -> None:
    workshop.first(models(busy=False))
    domains = workshop.domains(models(busy=False))
    for text in ("items", "items:", "nothing.name:title", "items.name:nothing"):
        generator = Generator(domains, at(workshop.url, workshop.folder), renames=[text])
        with pytest.raises(ConfigError, match="there is no"):
            generator.generate("change")


@pytest.mark.only("newest")
def test_a_column_that_may_have_another_name_is_named(
    server: PostgresServer, workshop: Workshop
) -> None:
    def shop(column: str) -> Register:
        def register(domain: Domain) -> None:
            fields = {column: TextField(), "Meta": type("Meta", (), {"table_name": "people"})}
            domain.models(type("Person", (BaseModel,), fields))

        return register

    workshop.first(shop("phone"))
    refused = workshop.refuses(shop("whatsapp"))
    assert "if it has another name now: --rename people.phone:whatsapp" in refused.why
    assert Path(workshop.folder, "001_change.py").exists()


@pytest.mark.only("oldest")
@pytest.mark.parametrize("said", [["y"], pytest.param(["", ""], marks=pytest.mark.campaign)])
def test_on_a_terminal_a_rename_is_asked_about(
    empty_url: str, project: Path, invoke: Invoke, said: list[str]
) -> None:
    home = shrink(project)
    assert invoke(project, empty_url, "generate", "first").returncode == 0
    edit(home / "__init__.py", ("    name = ", "    title = "))
    status, heard = at_terminal(project, empty_url, ["generate", "titles"], *said)
    is_renamed = "y" in said
    assert "Is articles.name now called title?" in heard
    assert ("What do the rows that are there get" in heard) is not is_renamed
    assert status == (0 if is_renamed else 1), heard
    files = [path.read_text() for path in (project / "migrations").glob("002*.py")]
    assert ["RENAME COLUMN name TO title" in text for text in files] == (
        [True] if is_renamed else []
    )
    renaming = "generate titles --rename articles.name:title"
    assert (renaming if is_renamed else "--allow-drop articles.name") in heard


@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.campaign)])
def test_after_a_crash_plain_migrate_finishes(
    workshop: Workshop, server: PostgresServer, stride: int
) -> None:
    workshop.first(models(busy=False))
    execute(workshop.url, FEW_ROWS)
    paths = workshop.generate(models(busy=True))
    moments = 2 * len(paths) + sum(path.read_text().count("migrator.sql") for path in paths) // 2
    template = name_of(workshop.url)
    tried = 0
    for point in range(1, moments, stride):
        with server.database(f"TEMPLATE {template}") as url:
            if crash.run(url, workshop.folder, point) != -9:
                break
            runner_on(url, workshop.folder).migrate()
            assert read(url) == workshop.fresh(models(busy=True)), point
            assert query(url, "SELECT count(*), count(token) FROM items") == [(200, 200)], point
            tried += 1
    assert tried
    print(f"{tried} points tried, all finished by a plain migrate")


@pytest.mark.only("newest")
@pytest.mark.parametrize("how", ["kill", pytest.param("terminate", marks=pytest.mark.campaign)])
@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.campaign)])
def test_after_a_crash_plain_rollback_leads_back(
    workshop: Workshop, server: PostgresServer, how: str, stride: int
) -> None:
    """From every statement, also where it is ended again on the way."""
    workshop.first(models(busy=False))
    execute(workshop.url, FEW_ROWS)
    first, _ = workshop.generate(models(busy=True))
    template = name_of(workshop.url)
    short = first.read_text().partition("def rollback")[0].count("migrator.sql")
    before, rows = None, query(workshop.url, "SELECT id, name, owner, rank FROM items ORDER BY id")
    tried, point = 0, short + 5
    while True:
        with server.database(f"TEMPLATE {template}") as url:
            crash.run(url, workshop.folder, point, how)
            runner = runner_on(url, workshop.folder)
            if not read_status(runner.project).history.half_done:
                break
            crash.run(url, workshop.folder, 2 + point * 7 % (point - short), how, back=True)
            if read_status(runner.project).history.half_done:
                runner.rollback()
            assert read_status(runner.project).history.recorded == {"001_change", first.stem}
            before = before or read(url)
            assert read(url) == before, point
            now = query(url, "SELECT id, name, owner, rank FROM items ORDER BY id")
            assert (now, query(url, LEFT_OVER_INDEXES)) == (rows, []), point
        point, tried = point + stride, tried + 1
    with server.database(f"TEMPLATE {template}") as url:
        crash.run(url, workshop.folder, short + 2)
        assert tried and read(url) == before
    print(f"{tried} points tried, all led back by a plain rollback")


def test_what_is_not_managed_is_told_and_stays(workshop: Workshop) -> None:
    class Heard(Report):
        def __init__(self) -> None:
            self.texts: list[str] = []

        def message(self, text: str) -> None:
            self.texts.append(text)

    workshop.first(models(busy=False))
    total = "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)"
    write(workshop.folder, "002_by_hand", total)
    workshop.runner.migrate()
    heard, domains = Heard(), workshop.domains(models(busy=True))
    generator = Generator(domains, at(workshop.url, workshop.folder), report=heard)
    generator.write(generator.generate("change"))
    assert "left alone, as generate does not manage it: aggregate total(integer)" in heard.texts
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT total(i) FROM generate_series(1, 3) i") == [(6,)]
