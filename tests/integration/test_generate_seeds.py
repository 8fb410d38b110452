"""Rows that seed functions want, frozen in files: in the order in which they were inserted, and
whatever the table is like."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from peewee import (
    SQL,
    Check,
    DeferredForeignKey,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from kernel.domain import Domain
from kernel.fields import TextArrayField
from kernel.models import BaseModel
from tests.support.checks import looked_through
from tests.support.databases import execute, query
from tests.support.owned import owned_url
from tests.support.postgres import PostgresServer
from tests.support.workshop import Register, Workshop


def counted(domain: Domain) -> None:
    """Ten rows, every third of them with a note, and children that name them by their numbers."""

    class Crate(BaseModel):
        code = TextField(unique=True)
        note = TextField(default="")
        within = ForeignKeyField("self", null=True, on_delete="RESTRICT")

        class Meta:
            table_name = "crates"

    class Label(BaseModel):
        code = TextField(unique=True)
        crate = ForeignKeyField(Crate, on_delete="RESTRICT")

        class Meta:
            table_name = "labels"

    def seed(seeder: Any) -> None:
        for number in range(1, 11):
            row: dict[str, Any] = {"code": f"X-{number:03}"}
            if number % 3 == 0:
                row |= {"note": "fragile", "within": number - 1}
            seeder.ensure(Crate, [row], key="code")
        labels = [{"code": f"L-{number}", "crate": number} for number in range(1, 11)]
        seeder.ensure(Label, labels, key="code")

    domain.models(Crate, Label)
    domain.seed(seed)


def test_rows_come_in_the_order_in_which_the_seed_inserted_them(workshop: Workshop) -> None:
    """A seed may name a row by its number, which then has to be the same in every database."""
    workshop.first(counted)
    expected = [(number, f"X-{number:03}") for number in range(1, 11)]
    assert query(workshop.url, "SELECT id, code FROM crates ORDER BY id") == expected
    assert workshop.generate(counted) == []


def teams(code: str, lead: str) -> Register:
    """A team that one of its members leads, so that each row refers to the other one, and that is
    known by a code, which may change, and a list."""

    def register(domain: Domain) -> None:
        class Team(BaseModel):
            code = TextField()
            skills = TextArrayField()
            lead = DeferredForeignKey("Member", null=True, on_delete="RESTRICT")

            class Meta:
                table_name = "teams"
                indexes = ((("code", "skills"), True),)

        class Member(BaseModel):
            code = TextField(unique=True)
            team = ForeignKeyField(Team, on_delete="RESTRICT")

            class Meta:
                table_name = "members"

        def seed(seeder: Any) -> None:
            Team.update(code=code).where(Team.code == "first").execute()
            team = {"code": code, "skills": ["fiber", 'radio, "5 GHz"']}
            seeder.ensure(Team, [team], key=("code", "skills"))
            seeder.ensure(Member, [{"code": lead, "team": Team.get()}], key="code")
            led = team | {"lead": Member.get(Member.code == lead)}
            seeder.ensure(Team, [led], key=("code", "skills"))

        domain.models(Team, Member)
        domain.seed(seed)

    return register


def test_rows_that_refer_to_each_other_come_and_go(workshop: Workshop) -> None:
    workshop.first(teams("first", "ayu"))
    workshop.step(teams("field", "budi"), ["teams", "members"])
    led = """
        SELECT t.code, m.code FROM teams t JOIN members m ON m.id = lead_id AND team_id = t.id
    """
    assert query(workshop.url, led) == [("field", "budi")]
    workshop.runner.rollback(2, losing=True)
    assert workshop.runner.migrate() == ["002_seed_data", "003_change"]
    assert query(workshop.url, led) == [("field", "budi")]


def bare(domain: Domain) -> None:
    """Tables with no column, with a generated one alone, and a row that is all defaults."""

    class Meta:
        table_name = "nothing"
        primary_key = False

    generated = type("Meta", (), {"table_name": "generated", "primary_key": False})
    two = IntegerField(null=True, constraints=[SQL("GENERATED ALWAYS AS (1 + 1) STORED")])

    class Setting(BaseModel):
        code = TextField(unique=True, default="main")

        class Meta:
            table_name = "settings"

    def seed(seeder: Any) -> None:
        seeder.ensure(Setting, [{"code": "main"}], key="code")

    domain.models(
        type("Nothing", (Model,), {"Meta": Meta}),
        type("Generated", (Model,), {"Meta": generated, "two": two}),
        Setting,
    )
    domain.seed(seed)


@pytest.mark.only("newest")
def test_a_table_may_have_nothing_that_could_be_given(workshop: Workshop) -> None:
    workshop.first(bare)
    assert query(workshop.url, "SELECT code FROM settings") == [("main",)]
    assert workshop.generate(bare) == []


def places(*, old: bool) -> Register:
    """A seeded table, with a column at first that no default fills."""

    def register(domain: Domain) -> None:
        class Place(BaseModel):
            code = TextField(unique=True)
            if old:
                rank = IntegerField()

            class Meta:
                table_name = "places"

        def seed(seeder: Any) -> None:
            row: dict[str, Any] = {"code": "main"} | ({"rank": 1} if old else {})
            seeder.ensure(Place, [row], key="code")

        domain.models(Place)
        domain.seed(seed)

    return register


@pytest.mark.only("newest")
def test_a_column_that_nothing_fills_may_go_from_a_seeded_table(workshop: Workshop) -> None:
    """The way back, which needs an empty table, is proven on one; the head of the file says so."""
    workshop.first(places(old=True))
    known = workshop.read()
    (path,) = workshop.generate(places(old=False), "places.rank")
    assert "Rolling back needs an empty table" in path.read_text()
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT code FROM places") == [("main",)]
    assert workshop.generate(places(old=False)) == []
    assert looked_through(workshop.url, workshop).findings == ()
    execute(workshop.url, "DELETE FROM places")
    workshop.runner.rollback(losing=True)
    assert workshop.read() == known


def hidden(domain: Domain) -> None:
    """Rows that their owner may write and not see."""

    class Secret(BaseModel):
        code = TextField(unique=True)
        note = TextField(null=True)

        class Meta:
            table_name = "hidden"

    def seed(seeder: Any) -> None:
        seeder.ensure(Secret, [{"code": "a"}, {"code": "b"}], key="code")

    domain.models(Secret)
    domain.sql("CREATE POLICY own ON hidden USING (note IS NOT NULL)")
    domain.sql("ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
    domain.sql("ALTER TABLE hidden FORCE ROW LEVEL SECURITY")
    domain.seed(seed)


def test_rows_that_their_owner_does_not_see_are_seeded_once(
    server: PostgresServer, tmp_path: Path
) -> None:
    with owned_url(server) as url:
        workshop = Workshop(url, tmp_path)
        workshop.first(hidden)
        workshop.runner.rollback()
        workshop.runner.migrate()
        execute(url, "ALTER TABLE hidden NO FORCE ROW LEVEL SECURITY")
        assert query(url, "SELECT code FROM hidden ORDER BY id") == [("a",), ("b",)]
        assert workshop.generate(hidden) == []


class Tin(BaseModel):
    code = TextField(constraints=[Check("code <> ''")])

    class Meta:
        table_name = "tins"


def _without_a_field(seeder: Any) -> None:
    seeder.ensure(Tin, [{"code": "a", "kind": 1}], key="code")


def _one_row(seeder: Any) -> None:
    seeder.ensure(Tin, {"code": "a"}, key="code")


def _against_a_check(seeder: Any) -> None:
    seeder.ensure(Tin, [{"code": ""}], key="code")


def _ended(seeder: Any) -> None:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        (_without_a_field, "a seed row of Tin names kind, which is not a field"),
        (_one_row, "a seed row of Tin is 'code', not a dict"),
        (_against_a_check, "tins_code_check"),
        (_ended, "SystemExit: 0"),
    ],
)
def test_a_seed_that_fails_is_told_with_its_line(
    seed: Any, said: str, workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    def register(domain: Domain) -> None:
        domain.models(Tin)
        domain.seed(lambda seeder: print("nobody reads this"), seed)

    error = workshop.refuses(register)
    line = seed.__code__.co_firstlineno + 1
    assert f"test_generate_seeds.{seed.__name__} (test_generate_seeds.py:{line}) failed: " in str(
        error
    )
    assert said in str(error)
    assert "What to do: " in str(error)
    assert capsys.readouterr().out == ""


def test_what_postgresql_refuses_is_told_with_its_place(workshop: Workshop) -> None:
    def table(domain: Domain) -> None:
        class Shut(BaseModel):
            code = TextField(constraints=[Check("kind > 1")])

        domain.models(Shut)

    def view(domain: Domain) -> None:
        domain.sql("CREATE VIEW v AS SELEC 1")

    here = r"^\S*test_generate_seeds\.py:\d+: "
    assert re.match(here + 'Shut: .* column "kind" does not', str(workshop.refuses(table)))
    assert re.match(here + "domain shop: .* syntax error at", str(workshop.refuses(view)))
