"""The fields that domains share, without a server."""

from __future__ import annotations

from peewee import Check

from domains import MoneyField, TimestampedModel


class Base(TimestampedModel):
    """Between the base models and a table."""

    price = MoneyField(constraints=[Check("price < 10")])


class Thing(Base):
    """A table whose fields were bound to two models before."""


def test_a_field_has_its_rule_once_however_often_it_is_inherited() -> None:
    for model in (Base, Thing):
        for field in model._meta.sorted_fields:
            rules = [str(constraint.sql) for constraint in field.constraints or []]
            assert len(rules) == len(set(rules)), (model, field.name, rules)
    assert len(Thing.price.constraints) == 2
