"""The reference is what the code says, and each of its examples means what it seems to."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import peewee
import pytest
from peewee import Field, Model

import domains
from domains.auth import models, seeds
from domains.customers.models import Customer
from domains.payments import statuses
from kernel.domain import Domain
from pages import reference
from tests.support.project import ROOT

CALLS = dict(reference.register_calls())
FIELDS = {field.__name__: field for field in reference.own_fields()}


class InvoiceStatus(StrEnum):
    DRAFT = "draft"


class Rules:
    REFUSE_CODE_CHANGE = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    CODE_STAYS = "CREATE VIEW v AS SELECT 1"
    NO_BRANCH = "SELECT 'there is none' WHERE NOT EXISTS (SELECT FROM locations)"


def test_the_page_is_the_one_that_the_docstrings_make() -> None:
    page = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    assert page == reference.text(), "run `invoke docs`"


def test_no_field_and_no_call_is_left_out() -> None:
    given = {name for name in domains.__all__ if _is_field(getattr(domains, name))}
    assert given == set(FIELDS)
    assert {"requires", "models", "index", "seed", "access", "role"} <= set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_domain_takes_the_example_of_each_call(name: str) -> None:
    domain = Domain("example", "here")
    text = reference.example(CALLS[name])
    assert text.startswith(f"domain.{name}(")
    scope = {
        "domain": domain,
        "models": models,
        "rules": Rules,
        "seeds": seeds,
        "statuses": statuses,
        "all_but": domains.all_but,
        "Customer": Customer,
    }
    exec(text, scope)
    assert [str(fault) for fault in domain.faults] == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_model_takes_the_example_of_each_field(name: str) -> None:
    text = reference.example(FIELDS[name])
    scope: dict[str, Any] = {**vars(peewee), **{n: getattr(domains, n) for n in domains.__all__}}
    scope["InvoiceStatus"] = InvoiceStatus
    made: dict[str, Any] = {}
    exec(text, scope, made)
    (thing,) = made.values()
    if name == "CheckedField":
        assert issubclass(thing, FIELDS[name])
        return
    assert type(thing) is FIELDS[name]
    base = Model if name == "IdentityField" else domains.BaseModel
    assert type("Example", (base,), {"column": thing})._meta.fields["column"] is thing


def _is_field(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Field)
