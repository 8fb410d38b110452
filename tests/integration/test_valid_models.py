"""Models that are right go through generate and migrate, and their rows can be written."""

from __future__ import annotations

from peewee import SQL, IntegerField, TextField
from playhouse.postgres_ext import HStoreField

from kernel.domain import Domain
from kernel.model_faults import model_faults
from kernel.models import TimestampedModel
from tests.support.databases import execute, query
from tests.support.workshop import Workshop


class Thing(TimestampedModel):
    """A thing."""

    code = TextField()
    count = IntegerField(default=1)
    twice = IntegerField(constraints=[SQL("GENERATED ALWAYS AS (count * 2) STORED")], null=True)
    more = HStoreField(default=dict, index=False)

    class Meta:
        table_name = "things"


Thing.add_index(Thing.code, Thing.count)
Thing.add_index(Thing.count, name="things_by_count", unique=True)


def register(domain: Domain) -> None:
    domain.extension("hstore")
    domain.models(Thing)


def test_a_generated_column_an_hstore_and_an_index_by_hand(workshop: Workshop) -> None:
    assert list(model_faults(Thing)) == []
    workshop.first(register)
    assert workshop.generate(register) == []
    url = workshop.url
    execute(url, "INSERT INTO things (code, updated_at) VALUES ('a', '2020-01-01')")
    execute(url, "UPDATE things SET code = 'a'")
    row = "SELECT twice, more::text, updated_at > '2020-01-02' FROM things"
    assert query(url, row) == [(2, "", False)]
    execute(url, "UPDATE things SET count = 5")
    assert query(url, row) == [(10, "", True)]
    names = "SELECT indexname FROM pg_indexes WHERE tablename = 'things' ORDER BY 1"
    assert [name for (name,) in query(url, names)] == [
        "things_by_count",
        "things_code_count_idx",
        "things_pkey",
    ]
