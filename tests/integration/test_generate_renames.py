"""What has another name now keeps its rows: what is asked, what is declared, what comes along."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from peewee import AutoField, BigIntegerField, Field, IdentityField, IntegerField, Model, TextField

from engine.errors import LosesData
from engine.generate import wanted_schema
from engine.generate.generator import Generator
from kernel.domain import Domain
from tests.support.databases import execute, query
from tests.support.runners import at
from tests.support.usual import usually_first
from tests.support.workshop import Register, Workshop


def table(name: str, /, **fields: Field) -> type[Model]:
    meta = type("Meta", (), {"table_name": name})
    return type(name.title(), (Model,), fields | {"Meta": meta})


def shop(*models: Callable[[], type[Model]]) -> Register:
    """A domain of these tables, made again for each build."""

    def register(domain: Domain) -> None:
        domain.models(*(model() for model in models))

    return register


def people(*columns: str) -> Register:
    """A table with these columns of text."""
    return shop(lambda: table("people", **{name: TextField(default="") for name in columns}))


class Answers:
    """Says yes to the renames that it was given, and takes down what it was asked."""

    def __init__(self, *true: str) -> None:
        self.true = true
        self.asked: list[str] = []

    def value_of(self, column: str, kind: str) -> str:
        return ""

    def is_renamed(self, old: str, new: str) -> bool:
        self.asked.append(f"{old}:{new}")
        return self.asked[-1] in self.true


def test_all_questions_are_asked_within_one_build(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.first(people("name", "phone"))
    execute(workshop.url, "INSERT INTO people VALUES (DEFAULT, 'Ani', '08123')")
    built: list[str] = []
    build = wanted_schema.build

    def counted(*arguments: Any) -> None:
        built.append("once")
        build(*arguments)

    monkeypatch.setattr(wanted_schema, "build", counted)
    after = people("full_name", "whatsapp")
    answers = Answers("people.name:full_name", "people.phone:whatsapp")
    domains = workshop.domains(after)
    generator = Generator(domains, at(workshop.url, workshop.folder), questions=answers)
    generator.write(generator.generate("other_names"))
    assert built == ["once"]
    assert answers.asked[0] == "people.name:full_name"
    assert len(answers.asked) == len(set(answers.asked))
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT full_name, whatsapp FROM people") == [("Ani", "08123")]


def test_what_was_declined_is_refused_and_asked_once(workshop: Workshop) -> None:
    workshop.first(people("name"))
    answers = Answers()
    domains = workshop.domains(people("title", "label"))
    generator = Generator(domains, at(workshop.url, workshop.folder), questions=answers)
    with pytest.raises(LosesData, match="would delete data") as refused:
        generator.generate("other_names")
    assert sorted(answers.asked) == ["people.name:label", "people.name:title"]
    assert "--allow-drop people.name" in refused.value.fix


def plans(*prices: str, declared: tuple[tuple[str, str], ...] = ()) -> Register:
    """Plans with these prices. declared: (now, before) of columns."""

    def register(domain: Domain) -> None:
        columns = {price: IntegerField(default=0, index=True) for price in prices}
        model: Any = table("plans", **columns)
        domain.models(model)
        for now, before in declared:
            domain.renamed_from(getattr(model, now), before)

    return register


def test_the_old_name_may_be_used_again(workshop: Workshop) -> None:
    """The values go with the name that was declared; the new column of the old name is another."""
    workshop.first(plans("price"))
    execute(workshop.url, "INSERT INTO plans (price) VALUES (150000)")
    workshop.step(plans("price", "net_price", declared=(("net_price", "price"),)), ["plans"])
    assert query(workshop.url, "SELECT net_price, price FROM plans") == [(150000, 0)]


def test_names_may_move_along_a_chain(workshop: Workshop) -> None:
    """Each rename, of columns and of their indexes, waits until its new name is free."""
    workshop.first(plans("price", "old"))
    execute(workshop.url, "INSERT INTO plans (price, old) VALUES (150000, 140000)")
    domains = workshop.domains(plans("net_price", "price"))
    names = ["plans.old:price", "plans.price:net_price"]
    generator = Generator(domains, at(workshop.url, workshop.folder), renames=names)
    (path,) = generator.write(generator.generate("other_names"))
    assert "ALTER INDEX plans_old RENAME TO plans_price" in path.read_text()
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT net_price, price FROM plans") == [(150000, 140000)]
    assert workshop.read() == workshop.fresh(plans("net_price", "price"))
    workshop.runner.rollback()
    assert query(workshop.url, "SELECT price, old FROM plans") == [(150000, 140000)]


def pair(one: str, other: str) -> Register:
    """Two tables with serial keys, of which one has a title and the other a rank."""
    return shop(
        lambda: table(one, title=TextField(default="")),
        lambda: table(other, rank=IntegerField(index=True)),
    )


def test_tables_and_columns_may_swap_their_names(workshop: Workshop) -> None:
    """By way of a third, as both are asked for; so do their keys, without which clients could
    write twins meanwhile."""
    workshop.first(pair("books", "shelves"))
    execute(workshop.url, "INSERT INTO books (title) VALUES ('a')")
    execute(workshop.url, "INSERT INTO shelves (rank) VALUES (7)")
    domains = workshop.domains(pair("shelves", "books"))
    names = ["books:shelves", "shelves:books"]
    generator = Generator(domains, at(workshop.url, workshop.folder), renames=names)
    paths = generator.write(generator.generate("swapped"))
    assert "DROP" not in "".join(path.read_text() for path in paths)
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT title, rank FROM shelves, books") == [("a", 7)]
    assert workshop.read() == workshop.fresh(pair("shelves", "books"))
    workshop.runner.rollback()
    assert query(workshop.url, "SELECT title, rank FROM books, shelves") == [("a", 7)]


def doubled(price: str, rank: Field, other: str = "", *, indexed: bool = True) -> Register:
    """Plans with an index that calls a function whose text names the price."""

    def register(domain: Domain) -> None:
        columns: dict[str, Field] = {price: IntegerField(), "rank": rank}
        columns |= {other: IntegerField(default=0)} if other else {}
        model: Any = table("plans", **columns)
        domain.models(model)
        domain.sql(
            "CREATE FUNCTION doubled(plans) RETURNS int LANGUAGE sql IMMUTABLE "
            f"AS 'SELECT $1.{price} * 2'"
        )
        if indexed:
            domain.index(model, "doubled(plans)", name="plans_doubled_idx")

    return register


def there_and_back(workshop: Workshop, before: Register, after: Register) -> None:
    workshop.first(before)
    execute(workshop.url, "INSERT INTO plans (price, rank) VALUES (150000, 7)")
    known = workshop.read()
    here = at(workshop.url, workshop.folder)
    generator = Generator(workshop.domains(after), here, renames=["plans.price:net"])
    generator.write(generator.generate("other_names"))
    workshop.runner.migrate()
    workshop.runner.rollback(losing=True)
    assert workshop.read() == known
    assert query(workshop.url, "SELECT price, rank FROM plans") == [(150000, 7)]


def test_what_a_way_back_calls_finds_the_old_names(workshop: Workshop) -> None:
    """A column that gets its old type back builds the indexes of its table anew, and these call the
    function with its old text: "missing FROM-clause entry", as long as the column has its new name.
    """
    after = doubled("net", BigIntegerField())
    there_and_back(workshop, doubled("price", IntegerField()), after)


def test_a_table_with_another_name_may_lose_a_column_that_rows_have(workshop: Workshop) -> None:
    """Whether it has rows is asked by the name that it has so far."""

    def titles(domain: Domain) -> None:
        model: Any = table("titles", name=TextField(unique=True), rank=IntegerField())
        domain.models(model)
        domain.seed(lambda seeder: seeder.ensure(model, [{"name": "x", "rank": 1}], key="name"))

    def names(domain: Domain) -> None:
        model: Any = table("names", name=TextField(unique=True))
        domain.models(model)
        domain.seed(lambda seeder: seeder.ensure(model, [{"name": "x"}], key="name"))

    workshop.first(titles)
    here = at(workshop.url, workshop.folder)
    generator = Generator(
        workshop.domains(names), here, allow_drop=["names.rank"], renames=["titles:names"]
    )
    generator.write(generator.generate("other_names"))
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT name FROM names") == [("x",)]
    assert workshop.generate(names) == []


@pytest.mark.campaign
def test_a_name_that_was_used_again_is_free_before_it_is_given_back(workshop: Workshop) -> None:
    before = doubled("price", IntegerField(), indexed=False)
    after = doubled("net", BigIntegerField(), "price", indexed=False)
    there_and_back(workshop, before, after)


@pytest.mark.campaign
def test_indexes_may_swap_their_names(workshop: Workshop) -> None:
    """By way of a third, too: there is an index all the while."""

    def swapped(first: str, second: str) -> Register:
        def register(domain: Domain) -> None:
            model: Any = table("plans", price=IntegerField(), rank=IntegerField())
            domain.models(model)
            domain.index(model, model.price, name=first)
            domain.index(model, model.rank, name=second)

        return register

    workshop.first(swapped("one", "two"))
    assert "DROP INDEX" not in workshop.step(swapped("two", "one"), ["plans"])


@pytest.mark.campaign
def test_a_declared_column_of_a_table_that_is_named_is_renamed_along(workshop: Workshop) -> None:
    def articles(domain: Domain) -> None:
        model: Any = table("articles", title=TextField())
        domain.models(model)
        domain.renamed_from(model.title, "name")

    workshop.first(shop(lambda: table("items", name=TextField())))
    execute(workshop.url, "INSERT INTO items (name) VALUES ('kept')")
    domains = workshop.domains(articles)
    generator = Generator(domains, at(workshop.url, workshop.folder), renames=["items:articles"])
    generator.write(generator.generate("other_names"))
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT title FROM articles") == [("kept",)]


def counted(title: str, key: str, *others: str) -> Register:
    """A table whose key is a serial, and others beside it."""

    def register(domain: Domain) -> None:
        columns: Any = {key: AutoField(), "code": TextField()}
        model = table(title, **columns)
        domain.models(model, *(table(name, id=AutoField()) for name in others))
        domain.renamed_from(model, "items")
        domain.renamed_from(getattr(model, key), "id")

    return register


@pytest.mark.parametrize(
    ("title", "key", "others"),
    usually_first(
        [("articles", "number", ["items"]), ("articles", "id", []), ("items", "number", [])]
    ),
    ids=["both, and the old name is used again", "table", "column"],
)
def test_the_sequence_of_a_serial_key_is_renamed_along(
    title: str, key: str, others: list[str], workshop: Workshop
) -> None:
    workshop.first(counted("items", "id"))
    execute(workshop.url, "INSERT INTO items (code) VALUES ('a'), ('b')")
    text = workshop.step(counted(title, key, *others), ["items"])
    assert "DROP SEQUENCE" not in text
    drawn = f"INSERT INTO {title} (code) VALUES ('c') RETURNING {key}"
    with closing(psycopg2.connect(workshop.url)) as connection, connection.cursor() as cursor:
        cursor.execute(drawn)
        assert cursor.fetchone() == (3,)


def test_the_sequence_of_an_identity_is_renamed_along(workshop: Workshop) -> None:
    """A new table of the old name would find the name of its sequence taken."""

    def identified(*titles: str, serial: str = "") -> Register:
        def register(domain: Domain) -> None:
            for title in titles:
                domain.models(table(title, id=IdentityField()))
            if serial:
                domain.models(table(serial, id=AutoField()))

        return register

    def renamed(after: Register, *names: str) -> str:
        domains = workshop.domains(after)
        generator = Generator(domains, at(workshop.url, workshop.folder), renames=names)
        paths = generator.write(generator.generate("other_names"))
        workshop.runner.migrate()
        assert workshop.generate(after) == []
        return "\n".join(path.read_text() for path in paths)

    workshop.first(identified("items", "others"))
    execute(workshop.url, "INSERT INTO items DEFAULT VALUES")
    renamed(identified("articles", "others", serial="items"), "items:articles")
    sequences = query(workshop.url, "SELECT relname FROM pg_class WHERE relkind = 'S'")
    assert {("articles_id_seq",), ("items_id_seq",), ("others_id_seq",)} < {*sequences}
    swapped = identified("others", "articles", serial="items")
    renamed(swapped, "articles:others", "others:articles")
    assert query(workshop.url, "SELECT id FROM others") == [(1,)]
    counting = "SELECT pg_get_serial_sequence('others', 'id')"
    assert query(workshop.url, counting) == [("public.others_id_seq",)]


def with_others(view: str, function: str, attribute: str, materialized: str) -> Register:
    def register(domain: Domain) -> None:
        model: Any = table("items", price=IntegerField())
        domain.models(model)
        domain.sql(
            f"CREATE TYPE span AS (low int, {attribute} int)",
            f"CREATE VIEW {view} AS SELECT id, price FROM items",
            f"CREATE MATERIALIZED VIEW {materialized} AS SELECT price FROM items",
            f"CREATE FUNCTION {function}(n int, s span) RETURNS int LANGUAGE sql AS 'SELECT n'",
        )

    return register


def test_views_functions_and_attributes_are_renamed(workshop: Workshop) -> None:
    workshop.first(with_others("dear", "twice", "high", "sums"))
    after = with_others("costly", '"Double (x)"', "top", "totals")
    names = ["dear:costly", 'twice:"Double (x)"', "span.high:top", "sums:totals"]
    domains = workshop.domains(after)
    generator = Generator(domains, at(workshop.url, workshop.folder), renames=names)
    (path,) = generator.write(generator.generate("other_names"))
    text = path.read_text().partition("def rollback")[0]
    assert text.count(" RENAME ") == 4 and "DROP" not in text and "CREATE" not in text
    workshop.runner.migrate()
    assert workshop.generate(after) == []
