"""A new NOT NULL column without a default, on a table with rows: two commands, and no edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peewee import CharField, Check, Field, ForeignKeyField, IntegerField, Model, TextField

from engine.errors import ConfigError, GenerateError, LosesData
from engine.generate.generator import Generator
from kernel.domain import Domain
from tests.support.databases import execute, query, read
from tests.support.owned import owned_url
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.usual import usually_each
from tests.support.workshop import Register, Workshop

Fields = dict[str, Callable[[], Field]]
NAMED: Fields = {"name": lambda: TextField()}
ROWS = "INSERT INTO people (name) SELECT 'P' || n FROM generate_series(1, 50) n"


def people(fields: Fields, title: str = "people", *statements: str) -> Register:
    def register(domain: Domain) -> None:
        made = {name: make() for name, make in (NAMED | fields).items()}
        meta = type("Meta", (), {"table_name": title})
        domain.models(type("Person", (Model,), made | {"Meta": meta}))
        domain.sql(*statements)

    return register


def generator(workshop: Workshop, after: Register, *fills: str, **options: Any) -> Generator:
    project = at(workshop.url, workshop.folder)
    return Generator(workshop.domains(after), project, fills=fills, **options)


@pytest.fixture
def peopled(workshop: Workshop) -> Workshop:
    """A table with fifty rows."""
    workshop.first(people({}))
    execute(workshop.url, ROWS)
    return workshop


# What is said, in how many files it comes online, which rows then have it, and whether it is.
FILLS = [
    (fill, files, expected, offline)
    for fill, files, expected in (
        ("upper(name) || $$-$$ || id", 2, "code ~ '^P.*-[0-9]+$'"),
        ("'100%'", 1, "code = '100%'"),
        ('"name"', 2, "code = name"),
        ("name", 2, "code = name"),
        ("'none'", 1, "code = 'none'"),
    )
    for offline in (False, True)
]


@pytest.mark.parametrize(("fill", "files", "expected", "offline"), usually_each(FILLS, 5))
def test_rows_get_what_is_said_once(
    fill: str, files: int, expected: str, offline: bool, peopled: Workshop
) -> None:
    """One value comes by a default that goes again, another one in each row page by page; what is
    there afterwards is what the domain asks for, without that default."""
    before = peopled.read()
    after = people({"code": TextField})
    made = generator(peopled, after, f"people.code={fill}", offline=offline)
    paths = made.write(made.generate("add_code"))
    assert len(paths) == (1 if offline else files)
    peopled.runner.migrate()
    assert query(peopled.url, f"SELECT count(*) FROM people WHERE {expected}") == [(50,)]
    assert read(peopled.url) == peopled.fresh(after)
    peopled.runner.rollback(len(paths), losing=True)
    assert peopled.read() == before
    assert query(peopled.url, "SELECT count(*) FROM people") == [(50,)]
    peopled.runner.migrate()
    assert peopled.generate(after) == []


@pytest.mark.parametrize("fill", ["none", "'x", "1; DROP TABLE people"])
def test_a_value_that_is_no_sql_is_the_one_to_correct(fill: str, peopled: Workshop) -> None:
    made = generator(peopled, people({"code": TextField}), f"people.code={fill}")
    with pytest.raises(GenerateError) as refused:
        made.generate("add_code")
    assert f"correct the value of --fill people.code, which was {fill}:" in refused.value.fix


def test_a_column_that_was_null_is_filled_where_it_is(peopled: Workshop) -> None:
    peopled.step(people({"code": lambda: TextField(null=True)}), ["people"])
    execute(peopled.url, "UPDATE people SET code = 'kept' WHERE id = 1")
    after = people({"code": TextField})
    made = generator(peopled, after, "people.code='given'")
    made.write(made.generate("fill_code"))
    peopled.runner.migrate()
    counts = "SELECT code, count(*) FROM people GROUP BY code ORDER BY code"
    assert query(peopled.url, counts) == [("given", 49), ("kept", 1)]


def test_a_trigger_that_refuses_an_update_hinders_no_value_for_all(workshop: Workshop) -> None:
    statements = (
        "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'never'; END $$",
        "CREATE TRIGGER never BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION never()",
    )
    workshop.first(people({}, "people", *statements))
    execute(workshop.url, ROWS)
    after = people({"size": IntegerField}, "people", *statements)
    made = generator(workshop, after, "people.size=-1")
    made.write(made.generate("add_size"))
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT DISTINCT size FROM people") == [(-1,)]


def test_what_comes_with_the_column_holds_for_the_value(peopled: Workshop) -> None:
    """A check, a foreign key and an index of the new column, whatever it is called."""

    def after(domain: Domain) -> None:
        class Person(Model):
            name = TextField()
            page = CharField(max_length=9, index=True, constraints=[Check("page <> ''")])

            class Meta:
                table_name = "people"

        class Friend(Model):
            person = ForeignKeyField(Person)

            class Meta:
                table_name = "friends"

        Person._meta.add_field("boss", ForeignKeyField("self"))
        domain.models(Person, Friend)

    fills = ("people.page=left(name, 9)", "people.boss_id=id")
    made = generator(peopled, after, *fills)
    made.write(made.generate("more"))
    peopled.runner.migrate()
    assert query(peopled.url, "SELECT count(*) FROM people WHERE boss_id = id") == [(50,)]


def test_rows_that_policies_hide_are_filled(server: PostgresServer, tmp_path: Path) -> None:
    """From their owner, too; and a foreign key that is looked at at the end is in nobody's way."""
    hiding = (
        "ALTER TABLE people ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE people FORCE ROW LEVEL SECURITY",
    )

    def after(domain: Domain) -> None:
        people({}, "people", *hiding)(domain)
        domain.tables[0]._meta.add_field(
            "boss", ForeignKeyField("self", deferrable="INITIALLY DEFERRED")
        )

    with owned_url(server) as url:
        workshop = Workshop(url, tmp_path)
        workshop.first(people({}, "people", *hiding))
        execute(url, f"ALTER TABLE people NO FORCE ROW LEVEL SECURITY; {ROWS}; {hiding[1]}")
        made = generator(workshop, after, "people.boss_id=id")
        made.write(made.generate("bosses"))
        workshop.runner.migrate()
        execute(url, "ALTER TABLE people NO FORCE ROW LEVEL SECURITY")
        assert query(url, "SELECT count(*) FROM people WHERE boss_id = id") == [(50,)]


class Asked:
    """Somebody who answers with these values, and takes down what he was asked."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.asked: list[str] = []

    def is_renamed(self, old: str, new: str) -> bool:
        self.asked.append(f"{old}:{new}")
        return True

    def value_of(self, column: str, kind: str) -> str:
        self.asked.append(f"{column} {kind}")
        return self.values.get(column.partition(".")[2], "")


def test_a_value_is_asked_for_after_the_new_names(peopled: Workshop) -> None:
    """Fifty rows, another name for the table and a column that needs a value: one run."""
    questions = Asked(code="'none'")
    made = generator(peopled, people({"code": TextField}, "persons"), questions=questions)
    made.write(made.generate("persons"))
    assert questions.asked == ["people:persons", "persons.code text"]
    peopled.runner.migrate()
    assert query(peopled.url, "SELECT count(*) FROM persons WHERE code = 'none'") == [(50,)]


def test_all_that_has_to_be_said_is_told_at_once(peopled: Workshop) -> None:
    peopled.step(people({"old": lambda: TextField(default="")}), ["people"])
    after = people({"code": TextField, "size": IntegerField})
    with pytest.raises(LosesData) as refused:
        generator(peopled, after).generate("x")
    told = str(refused.value)
    for part in (
        "drop column people.old: loses the values of column people.old",
        "--rename people.old:code",
        "--allow-drop people.old",
        "create column people.code",
        "create column people.size",
        "--fill people.code=VALUE --fill people.size=VALUE",
        "renamed, people.code has its values: give it no --fill then",
    ):
        assert part in told


REFUSED: list[tuple[list[str], type[Exception], str]] = [
    (["people.code"], ConfigError, "that is not table.column=SQL"),
    (["code='x'"], ConfigError, "that is not table.column=SQL"),
    (["people.code="], ConfigError, "that is not table.column=SQL"),
    (["people.name='x'", "people.code='x'"], ConfigError, "--fill people.name: that is no"),
    (["people.code=no_such"], GenerateError, 'column "no_such" does not exist'),
    (["people.code='a' 'b'"], GenerateError, "syntax error"),
]


def test_a_value_that_cannot_be_is_refused_with_its_reason(peopled: Workshop) -> None:
    for fills, error, said in REFUSED:
        with pytest.raises(error, match=said):
            generator(peopled, people({"code": TextField}), *fills).generate("add_code")
        assert len(list(peopled.folder.iterdir())) == 1, fills
