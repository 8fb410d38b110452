"""Two versions of a domain `shop`, between which nothing is lost."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    AutoField,
    BigIntegerField,
    Check,
    DeferredForeignKey,
    ForeignKeyField,
    IntegerField,
    Model,
    SmallIntegerField,
    TextField,
)

from kernel.domain import Domain
from kernel.fields import EnumField
from kernel.models import TimestampedModel


def before(domain: Domain) -> None:
    """The shop as it was."""

    class State(StrEnum):
        OPEN = "open"
        PAID = "paid"

    class Owner(TimestampedModel):
        code = TextField(unique=True)

        class Meta:
            table_name = "owners"

    class Item(TimestampedModel):
        owner = ForeignKeyField(Owner, on_delete="RESTRICT")
        name = TextField(null=True, help_text="Old words.")
        stock = IntegerField(default=1, constraints=[Check("stock >= 0", name="stock_check")])
        state = EnumField(State, default=State.OPEN)
        rank = SmallIntegerField()

        class Meta:
            table_name = "items"

    domain.models(Owner, Item)
    domain.index(Item, Item.rank, where="state = 'open'", name="items_rank_idx")


def after(domain: Domain) -> None:
    """Everything about it that may change without losing rows."""

    class State(StrEnum):
        NEW = "new"
        OPEN = "open"
        PAID = "paid"

    class Owner(TimestampedModel):
        code = TextField()
        friend = DeferredForeignKey("User", null=True, on_delete="SET NULL")

        class Meta:
            table_name = "owners"

    class User(Model):
        id = AutoField()
        owner = ForeignKeyField(Owner, null=True, on_delete="CASCADE")
        order = IntegerField(null=True, help_text='It\'s 100% "quoted" \\ and more.')

        class Meta:
            table_name = "user"

    class Item(TimestampedModel):
        owner = ForeignKeyField(Owner, on_delete="CASCADE")
        name = TextField(null=True, help_text="New words.")
        stock = BigIntegerField(default=2, constraints=[Check("stock > -9", name="stock_check")])
        state = EnumField(State, default=State.NEW)
        rank = SmallIntegerField(unique=True)
        note = TextField(null=True)
        kind = TextField(default="plain")

        class Meta:
            table_name = "items"
            constraints = [Check("kind LIKE 'p%' OR note IS NOT NULL", name="kind_check")]

    domain.models(Owner, User, Item)
    domain.index(Owner, "lower(code)", unique=True, name="owners_code_key")
    domain.index(Item, Item.owner, where="state = 'new'", name="items_rank_idx")
    domain.sql(
        "CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $body$ DECLARE i "
        "items%ROWTYPE; BEGIN RAISE NOTICE '% $function$ \\ %', 1, 2; RETURN NEW; END $body$",
        'CREATE TRIGGER items_speak BEFORE UPDATE OF "name" ON items FOR EACH ROW '
        "EXECUTE FUNCTION speak()",
    )
