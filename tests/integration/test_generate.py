"""What `invoke generate` writes: right for a database that has rows, and right on the way back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from peewee import (
    Check,
    DateField,
    DateTimeField,
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    SmallIntegerField,
    TextField,
)

from engine.errors import HistoryError, MigrationFailed
from engine.files import migration_folder
from engine.generate.refusals import is_unfillable
from engine.run.options import RunOptions
from engine.schema.model import Column
from kernel.domain import Domain
from kernel.fields import EnumField, TimestampField
from kernel.models import BaseModel, TimestampedModel
from tests.support.databases import execute, query, read
from tests.support.project import Invoke, edit
from tests.support.runners import at, runner_at
from tests.support.shop import after, before
from tests.support.usual import usually_first
from tests.support.workshop import Register, Workshop

ROWS = """
    INSERT INTO owners (code) VALUES ('a'), ('b');
    INSERT INTO items (owner_id, name, rank, state) SELECT 1, 'n' || i, i,
        CASE WHEN i % 2 = 0 THEN 'open' ELSE 'paid' END::state FROM generate_series(1, 50) i
"""


def test_what_loses_nothing(workshop: Workshop) -> None:
    workshop.first(before)
    execute(workshop.url, ROWS)
    text = workshop.step(after, ["owners", "items"])
    names = [path.stem for path in sorted(workshop.folder.iterdir())]
    assert names == ["001_change", "002_change_values", "003_change", "004_change_online"]
    assert "ALTER TYPE state ADD VALUE 'new' BEFORE 'open'" in text
    assert "# ── removed" not in text
    held = query(workshop.url, "SELECT DISTINCT kind, state::text FROM items ORDER BY 2")
    assert held == [("plain", "open"), ("plain", "paid")]


def test_what_loses_something_needs_to_be_named(workshop: Workshop) -> None:
    def smaller(domain: Domain) -> None:
        class State(StrEnum):
            PAID = "paid"

        class Item(TimestampedModel):
            name = TextField(null=True, help_text="Old words.")
            stock = SmallIntegerField(
                default=1, constraints=[Check("stock >= 0", name="stock_check")]
            )
            state = EnumField(State, default=State.PAID)
            rank = SmallIntegerField()

            class Meta:
                table_name = "items"

        domain.models(Item)

    workshop.first(before)
    execute(workshop.url, ROWS.replace("'open'", "'paid'"))
    lost = ["owners", "items.owner_id", "items.stock", "state"]
    refused = workshop.refuses(smaller)
    for name in lost:
        assert f"--allow-drop {name}" in refused.fix
    for words in ("the rows of table owners", "the value open of state", "smallint cannot hold"):
        assert words in refused.why
    assert "--allow-drop items.stock" in workshop.refuses(smaller, *lost[:2], "state").fix
    paths = workshop.generate(smaller, *lost)
    assert "It loses " in paths[0].read_text()
    assert "It rewrites items" in paths[0].read_text()
    assert "Rolling back needs an empty table" in paths[0].read_text()
    workshop.runner.migrate()
    assert read(workshop.url) == workshop.fresh(smaller)
    assert workshop.generate(smaller) == []
    execute(workshop.url, "DELETE FROM items")
    workshop.runner.rollback(len(paths), losing=True)
    assert read(workshop.url) == workshop.fresh(before)


@pytest.mark.only("newest")
def test_what_rows_could_not_have_is_refused(workshop: Workshop) -> None:
    def shop(field: Field) -> Register:
        def register(domain: Domain) -> None:
            fields = {"rank": SmallIntegerField(), "must": field}
            meta = type("Meta", (), {"table_name": "items"})
            domain.models(type("Item", (BaseModel,), fields | {"Meta": meta}))

        return register

    workshop.first(shop(SmallIntegerField(null=True)))
    assert "items.must" in str(workshop.refuses(shop(DateField(null=True))))
    execute(workshop.url, "INSERT INTO items (rank) VALUES (1)")
    workshop.generate(shop(SmallIntegerField()))
    with pytest.raises(MigrationFailed, match="1 row of items in the way: must has to"):
        workshop.runner.migrate()
    execute(workshop.url, "UPDATE items SET must = 1 WHERE must IS NULL")
    assert workshop.runner.migrate() == ["002_change"]
    names = "SELECT conname FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype = 'n'"
    assert ("items_must_not_null",) in query(workshop.url, names)
    assert read(workshop.url) == workshop.fresh(shop(SmallIntegerField()))

    def more(domain: Domain) -> None:
        shop(SmallIntegerField(null=True))(domain)
        domain.tables[0]._meta.add_field("other", TextField())

    refused = workshop.refuses(more)
    assert "items.other: it is NOT NULL and has no default" in refused.why
    assert "--fill items.other=" in refused.fix
    assert is_unfillable(Column("kind", "serial_kind", not_null=True))
    assert not is_unfillable(Column("number", "bigserial", not_null=True))


def seeded(
    *rows: dict[str, Any], people: Sequence[tuple[str, str | None]] = (), chance: bool = False
) -> Register:
    """A domain whose seeds are these rows of things, and people with their chiefs."""

    class Kind(Model):
        code = TextField(primary_key=True)
        label = TextField()

        class Meta:
            table_name = "kinds"

    class Person(BaseModel):
        name = TextField(unique=True)
        chief = ForeignKeyField("self", null=True, on_delete="RESTRICT")

        class Meta:
            table_name = "people"

    class Thing(TimestampedModel):
        code = TextField(unique=True)
        title = TextField(default="")
        price = IntegerField(default=0)
        kind = ForeignKeyField(Kind, null=True, on_delete="RESTRICT")
        holder = ForeignKeyField(Person, null=True, on_delete="RESTRICT")

        class Meta:
            table_name = "things"

    def kinds(seeder: Any) -> None:
        seeder.ensure(Kind, [{"code": "big", "label": f"Big {len(rows)}"}], key="code")

    def things(seeder: Any) -> None:
        for name, chief in people:
            known = Person.get(Person.name == chief) if chief else None
            seeder.ensure(Person, [{"name": name, "chief": known}], key="name")
        for row in rows:
            holder = row.get("holder")
            found = {"holder": Person.get(Person.name == holder)} if holder else {}
            seeder.ensure(Thing, [row | found], key="code")
        if chance:
            seeder.ensure(Thing, [{"code": "x", "title": secrets.token_hex(8)}], key="code")

    def register(domain: Domain) -> None:
        domain.models(Kind, Person, Thing)
        domain.seed(kinds, things)

    return register


def test_seeds(workshop: Workshop) -> None:
    old = seeded(
        {"code": "a", "title": "A", "price": 1}, {"code": "b", "title": "100% 'b'\\", "price": 2}
    )
    workshop.first(old)
    execute(workshop.url, "INSERT INTO people (name) VALUES ('operator')")  # identities differ
    execute(workshop.url, "UPDATE things SET title = 'edited' WHERE code = 'a'")
    new = seeded(
        {"code": "a", "title": "A2", "price": 10},
        {"code": "b", "title": "B2", "price": 2},
        {"code": "c", "kind": "big", "holder": "second"},
        people=[("first", None), ("second", "first"), ("third", "second")],
    )
    text = workshop.step(new, ["kinds", "things"])
    assert "CREATE" not in text
    assert query(workshop.url, "SELECT code, title, price FROM things ORDER BY code") == [
        *(("a", "edited", 10), ("b", "B2", 2), ("c", "", 0))
    ]
    held = "SELECT kind_id, p.name, q.name FROM things t JOIN people p ON p.id = t.holder_id"
    held += " JOIN people q ON q.id = p.chief_id"
    assert query(workshop.url, held) == [("big", "second", "first")]
    assert query(workshop.url, "SELECT label FROM kinds") == [("Big 3",)]
    refused = workshop.refuses(seeded(chance=True))
    assert "the seeds change things again when they run a second time" in refused.what


def test_the_next_number_is_the_highest_and_one(workshop: Workshop) -> None:
    for name in ("001_one", "004_four", "1002_late"):
        (workshop.folder / f"{name}.py").write_text(NOTHING)
    assert [m.name for m in migration_folder.find(workshop.folder)] == [
        "001_one",
        "004_four",
        "1002_late",
    ]
    assert [path.name for path in workshop.generate(before)] == ["1003_change.py"]
    assert workshop.runner.migrate() == ["001_one", "004_four", "1002_late", "1003_change"]


def test_line_ends_and_trailing_space_do_not_change_a_checksum(workshop: Workshop) -> None:
    workshop.first(before)
    (path,) = workshop.folder.iterdir()
    path.write_bytes(path.read_bytes().replace(b"\n", b"  \r\n") + b"\r\n\r\n")
    assert workshop.runner.migrate() == []
    path.write_text(path.read_text().replace("items", "things", 1))
    with pytest.raises(HistoryError, match="001_change was changed after it was applied"):
        workshop.runner.migrate()


NOTHING = "def migrate(migrator, database, *, fake=False):\n    pass\n"


@pytest.mark.campaign
def test_in_the_project_itself(migrated_url: str, project: Path, invoke: Invoke) -> None:
    """Small edits of the real models, through the command line."""
    models = project / "domains/locations/models.py"
    known = read(migrated_url)
    edit(
        models,
        (
            "    is_default = Boolean",
            "    note = TextField(default='none, 100% \"none\"')\n    is_default = Boolean",
        ),
        ('backref="users", on_delete="CASCADE"', 'backref="users", on_delete="RESTRICT"'),
        ('default="Asia/Jakarta"', 'default="Asia/Makassar"'),
    )
    edit(project / "domains/locations/seeds.py", ("Main Office", "Head Office"))
    edit(
        project / "domains/billing/models.py",
        ('    VOID = "void"\n\n', '    VOID = "void"\n    LOST = "lost"\n\n'),
    )
    done = invoke(project, migrated_url, "generate", "branches")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in sorted((project / "migrations").glob("*.py"))][2:] == [
        "003_branches.py",
        "004_branches_online.py",
        "005_seed_data.py",
    ]
    assert invoke(project, migrated_url, "migrate").returncode == 0
    assert query(migrated_url, "SELECT name, note, timezone FROM locations") == [
        ("Head Office", 'none, 100% "none"', "Asia/Jakarta")
    ]
    assert invoke(project, migrated_url, "rollback", "--steps", "3", "--yes").returncode == 0
    assert read(migrated_url) == known
    assert query(migrated_url, "SELECT name FROM locations") == [("Main Office",)]


@pytest.mark.only("newest")
@pytest.mark.parametrize("field", usually_first([DateTimeField, DateField]))
def test_a_time_gets_its_zone_from_the_file(workshop: Workshop, field: type[Field]) -> None:
    """Whoever runs it, in whichever zone; nothing is lost by it, so nothing is to be named."""

    def shop(kind: type[Field]) -> Register:
        def register(domain: Domain) -> None:
            meta = type("Meta", (), {"table_name": "items"})
            domain.models(type("Item", (BaseModel,), {"at": kind(null=True), "Meta": meta}))

        return register

    workshop.first(shop(field))
    execute(workshop.url, "INSERT INTO items (at) VALUES ('2026-01-05')")
    paths = workshop.generate(shop(TimestampField))
    assert "AT TIME ZONE 'UTC'" in paths[0].read_text()
    assert "without a zone as those of UTC" in paths[0].read_text()
    runner_at(at(workshop.url, workshop.folder, zone="Asia/Jakarta")).migrate()
    text = "SELECT (at AT TIME ZONE 'UTC')::text FROM items"
    assert query(workshop.url, text) == [("2026-01-05 00:00:00",)]
    back = RunOptions(zone="UTC")
    runner_at(at(workshop.url, workshop.folder), None, back).rollback(len(paths))
    assert query(workshop.url, "SELECT at::date::text FROM items") == [("2026-01-05",)]
