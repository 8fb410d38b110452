"""However an expression of Peewee is put together, no secret in it gets into SQL in the clear, nor
into what is raised instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import (
    SQL,
    AsIs,
    Case,
    ColumnBase,
    CommaNodeList,
    EnclosedNodeList,
    Expression,
    NodeList,
    PostgresqlDatabase,
    Value,
    fn,
)

import registry
from domains.locations.models import Location
from domains.mikrotik.models import PppoeUser, Router
from kernel import secrets
from kernel.secret_fields import OPERATORS
from kernel.secret_values import Secret
from kernel.secrets import SecretError

PLAIN = "hunter2geheim"
KEY = secrets.new_key()
FIELD = Router.api_password


class Nowhere(PostgresqlDatabase):
    def schema_of_tables(self) -> str:
        return "public"


@pytest.fixture(scope="module", autouse=True)
def bound() -> Iterator[None]:
    tables = registry.load().tables
    with (
        pytest.MonkeyPatch.context() as environment,
        Nowhere("nowhere").bind_ctx(tables, bind_refs=False, bind_backrefs=False),
    ):
        environment.setenv(secrets.SETTING, KEY)
        yield


LEAVES = st.sampled_from(
    [
        *(PLAIN, PLAIN.encode(), [PLAIN], (PLAIN, PLAIN), Value(PLAIN), Value(PLAIN, False)),
        *(AsIs(PLAIN), SQL("%s", [PLAIN]), Value([PLAIN]), Value(PLAIN.encode(), False)),
    ]
)
OTHERS = st.sampled_from([1, None, Router.name, Router.id, SQL("now()"), Value(2)])


def nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An expression around others, in the forms that Peewee has."""
    both = st.one_of(inner, OTHERS)
    return st.one_of(
        st.builds(lambda a, b: fn.coalesce(a, b), inner, both),
        st.builds(lambda a, b: fn.nullif(b, a), inner, both),
        st.builds(lambda a: fn.convert_to(a, "UTF8"), inner),
        st.builds(lambda a, b: Case(None, [(Router.id == 1, a)], b), inner, both),
        st.builds(lambda a, b: Case(a, [(b, 1)]), inner, both),
        st.builds(lambda a, b: Case(b, [(a, 1)], 2), inner, both),
        st.builds(lambda a, b: Expression(a, "||", b), inner, both),
        st.builds(lambda a, b: Expression(b, "=", a), inner, both),
        st.builds(lambda a: NodeList((a, SQL("||"), a)), inner),
        st.builds(lambda a: EnclosedNodeList((a,)), inner),
        st.builds(lambda a: CommaNodeList((a, a)), inner),
        st.builds(lambda a: fn.coalesce(a).cast("bytea"), inner),
        st.builds(lambda a: fn.coalesce(a).alias("x"), inner),
        st.builds(lambda a: fn.max(a).filter(Router.id == 1), inner),
        st.builds(lambda a: Router.select(fn.coalesce(a, 1)), inner),
        st.builds(lambda a: Value(a, False), inner),
    )


TEXTS = st.recursive(LEAVES, nodes, max_leaves=4)
# The same, with the secret's column somewhere among the texts.
BESIDE = st.recursive(
    st.one_of(
        st.builds(lambda a: fn.coalesce(FIELD, a), TEXTS),
        st.builds(lambda a: fn.coalesce(a, FIELD), TEXTS),
        st.builds(lambda a: Case(None, [(Router.id == 1, a)], FIELD), TEXTS),
        st.builds(lambda a: Case(None, [(Router.id == 1, FIELD)], a), TEXTS),
        st.builds(lambda a: Case(FIELD, [(a, 1)], 2), TEXTS),
        st.builds(lambda a: Case(a, [(FIELD, 1)], 2), TEXTS),
        st.builds(lambda a: Expression(fn.coalesce(a), "||", FIELD), TEXTS),
        st.builds(lambda a: Value(PLAIN) == FIELD, TEXTS),
        st.builds(lambda a: fn.coalesce(a) == FIELD, TEXTS),
    ),
    lambda inner: st.builds(lambda a: fn.coalesce(a, 1), inner),
    max_leaves=2,
)


def written(text: Any) -> list[Any]:
    """Each way to write a secret by a query, not executed."""
    row = {"location": 1, "name": "R", "host": "h", "api_username": "a"}
    insert = Router.insert(row | {"api_password": text})
    return [
        lambda: Router.update(api_password=text),
        lambda: Router.update({FIELD: text}).where(Router.id == 1),
        lambda: Router.update({"api_password": text}).from_(Location).where(Router.id == 1),
        lambda: Router.update({Router._meta.table.api_password: text}),
        lambda: Router.update({SQL('"api_password"'): text}),
        lambda: insert,
        lambda: Router.insert_many([row | {"api_password": text}]),
        lambda: Router.insert_many([(1, text)], fields=[Router.location, FIELD]),
        lambda: Router.insert_many([(1, text)], fields=["location", "api_password"]),
        lambda: Router.insert_from(Router.select(fn.coalesce(text)), [FIELD]),
        lambda: Router.insert(row).on_conflict(
            conflict_target=[Router.id], update={FIELD: text}, where=(Router.id == 1)
        ),
        lambda: Router.insert(row).on_conflict(
            conflict_target=[Router.id], update={"api_password": text}
        ),
        lambda: Router.replace(row | {"api_password": text}),
        lambda: Router(**row, api_password=text) and Router.select(),
    ]


def beside(text: Any) -> list[Any]:
    """Each place of a query for an expression in which a secret stands."""
    return [
        lambda: Router.select(text),
        lambda: Router.select(Router.id).where(text),
        lambda: Router.select(Router.id).where(Router.name == text),
        lambda: Router.select(Router.id).where((Router.id == 1) & fn.coalesce(text, True)),
        lambda: Router.select(Router.id).order_by(text),
        lambda: Router.select(Router.id).group_by(text).having(text),
        lambda: Router.delete().where(text),
        lambda: Router.update(name=text),
        lambda: Router.update(name="x").where(text),
        lambda: Location.select(Location.id).join(Router, on=text),
        lambda: PppoeUser.select(PppoeUser.id).join(Router).where(text),
        lambda: Router.insert(name="x").returning(text),
        lambda: Location.select(fn.EXISTS(Router.select(Router.id).where(text))),
    ]


def refused_or_sealed(make: Any) -> None:
    try:
        sql, parameters = make().sql()
    except (SecretError, TypeError, ValueError, AttributeError) as error:
        chain: BaseException | None = error
        while chain is not None:
            assert PLAIN not in f"{chain.args!r} {vars(chain)!r}"
            chain = chain.__cause__ or chain.__context__
    else:
        assert PLAIN not in f"{sql} {parameters!r}"


@given(TEXTS)
def test_what_is_written_is_sealed_or_refused(text: Any) -> None:
    for make in written(text):
        refused_or_sealed(make)


@given(st.data())
def test_beside_a_secret_no_text_is_sent(data: st.DataObject) -> None:
    try:
        text = data.draw(BESIDE)
    except SecretError:
        return
    for make in beside(text):
        refused_or_sealed(make)


@given(TEXTS, st.sampled_from([*OPERATORS, "__eq__", "__ne__"]))
def test_no_operator_takes_a_text(text: Any, name: str) -> None:
    arguments = (text, text) if name == "between" else (text,)
    refused_or_sealed(lambda: Router.select(Router.id).where(getattr(FIELD, name)(*arguments)))


def test_each_operator_of_peewee_is_refused_or_known_to_be_harmless() -> None:
    """A new one in Peewee has to be looked at."""
    harmless = {"asc", "desc", "alias", "unalias", "is_null", "distinct", "bind_to", "converter"}
    harmless |= {"clone", "copy", "coerce", "get_sort_key", "is_alias", "unwrap"}
    harmless |= {"__eq__", "__ne__", "__pos__", "__neg__", "__invert__", "__hash__", "__iter__"}
    makers = {name for name, value in vars(ColumnBase).items() if callable(value)}
    public = {name for name in makers if not name.startswith("_") or name.startswith("__")}
    assert public - harmless - {"__module__", "__doc__"} == set(OPERATORS)


def test_what_is_needed_of_a_secret_column_still_goes() -> None:
    secret = Secret.of(PLAIN, "routers.api_password", 1, "public")
    for query in (
        Router.select(),
        Router.select(FIELD, Router.id).where(FIELD.is_null(False) & (Router.name == "x")),
        Router.select(FIELD.alias("word"), Router.id).order_by(FIELD).distinct(),
        Router.select(Router.id).where(secret == FIELD),
        Location.select(Location.id, FIELD).join(Router),
        Location.select(Location.id).where(fn.EXISTS(Router.select())),
        Router.update(api_password=PLAIN).where(Router.id == 1).returning(Router),
        Router.update(api_password=None).where(FIELD.is_null()),
    ):
        sql, parameters = query.sql()
        assert sql.startswith(("SELECT", "UPDATE"))
        assert PLAIN not in f"{sql} {parameters!r}"
