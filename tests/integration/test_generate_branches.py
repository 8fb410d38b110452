"""The branch of a table goes through generate like all else: there and back, with new names, to
another column, to a parent, and away; the rows that it hides meanwhile stay hidden."""

from __future__ import annotations

from typing import Any

import pytest
from peewee import AutoField, BigIntegerField, ForeignKeyField, Model, TextField

from kernel.domain import Domain
from tests.support.databases import execute, query
from tests.support.usual import usually_each
from tests.support.workshop import Register, Workshop

ACTING = """
CREATE FUNCTION acting_branches() RETURNS bigint[] LANGUAGE sql STABLE
AS $$ SELECT nullif(current_setting('shop.acting', true), '')::bigint[] $$
"""


def shop(
    *, table: str = "items", key: str = "place_id", parts: str = "item", shared: bool = False
) -> Register:
    """Places, things in them, and parts of these. table, key: what the things and their branch are
    called. parts: whether a part has the branch of its thing, or one of its own."""

    def register(domain: Domain) -> None:
        class Place(Model):
            id = BigIntegerField(primary_key=True)

            class Meta:
                table_name = "places"
                is_branch = True

        class Item(Model):
            id = AutoField()
            place = ForeignKeyField(Place, column_name=key)
            name = TextField(default="")

            class Meta:
                table_name = table

        class Part(Model):
            id = AutoField()
            item = ForeignKeyField(Item)
            place = ForeignKeyField(Place, null=True)

            class Meta:
                table_name = "parts"

        domain.sql(ACTING)
        domain.models(Place, Item, Part)
        if table != "items":
            domain.renamed_from(Item, "items")
        if key != "place_id":
            domain.renamed_from(Item.place, "place_id")
        if shared:
            domain.shared(Item, Part)
        else:
            domain.branch(Item.place)
            domain.branch(getattr(Part, parts))

    return register


def seen(url: str, role: str, table: str) -> list[int]:
    """The rows of the second place, as somebody who acts for it sees them."""
    options = f"{url}?options=-c%20role%3D{role}%20-c%20shop.acting%3D%7B2%7D"
    return [row for (row,) in query(options, f"SELECT id FROM {table} ORDER BY id")]


CHANGES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "the table": ({"table": "things"}, ("items_branch", "POLICY")),
    "the column": ({"key": "branch_id"}, ("branch_id",)),
    "from the parent to a column": ({"parts": "place"}, ("POLICY parts_branch",)),
    "shared": ({"shared": True}, ("DISABLE ROW LEVEL SECURITY", "DROP POLICY")),
}


@pytest.mark.parametrize("title", usually_each(CHANGES, 2))
def test_a_branch_goes_there_and_back(title: str, workshop: Workshop, server: Any) -> None:
    changed, told = CHANGES[title]
    workshop.first(shop())
    role = "tests_seeing"
    execute(
        workshop.url,
        f"""
        DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN
        END $$;
        GRANT USAGE ON SCHEMA public TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
        INSERT INTO places VALUES (1), (2);
        INSERT INTO items (place_id) VALUES (1), (2);
        INSERT INTO parts (item_id, place_id) VALUES (1, 1), (2, 2)
        """,
    )
    assert (seen(workshop.url, role, "items"), seen(workshop.url, role, "parts")) == ([2], [2])
    text = workshop.step(shop(**changed), [])
    for word in told:
        assert word in text
    table = changed.get("table", "items")
    expected = [1, 2] if title == "shared" else [2]
    assert seen(workshop.url, role, table) == seen(workshop.url, role, "parts") == expected
    execute(workshop.url, f"DROP OWNED BY {role}")
