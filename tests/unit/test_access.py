"""What a domain may state of roles, and what it cannot mean."""

from __future__ import annotations

from typing import Any

import pytest
from peewee import IntegerField, Model, TextField

from domains import ALL, BaseModel, Domain, all_but
from kernel.access import undeclared_roles


class Line(BaseModel):
    """A line."""

    code = TextField()
    meters = IntegerField(column_name='the "length"')


class Other(BaseModel):
    """Another table."""

    code = TextField()


class Named(Model):
    """A table that counts nothing."""

    name = TextField(primary_key=True)


class Keyless(Model):
    """A table without a key."""

    name = TextField()

    class Meta:
        primary_key = False


VIEW = "CREATE VIEW long_lines AS SELECT 1"
FUNCTION = "CREATE FUNCTION cut(line bigint, why text DEFAULT 'x') RETURNS void LANGUAGE sql AS ''"


def stated(thing: Any, **rights: Any) -> list[tuple[str, str]]:
    domain = Domain("lines", "domains/lines")
    domain.access(thing, "app", **rights)
    assert domain.faults == []
    return domain.privileges


def test_it_is_granted_as_it_is_stated() -> None:
    columns = '("code", "the ""length""")'
    assert stated(Line, select=ALL, update=("code", Line.meters), delete=True) == [
        ("app", f'SELECT, UPDATE {columns}, DELETE ON TABLE "line"')
    ]
    assert stated(Line, insert=all_but("id", "created_at"), usage=True) == [
        ("app", 'USAGE ON SEQUENCE "line_id_seq"'),
        ("app", f'INSERT {columns} ON TABLE "line"'),
    ]
    assert stated(Line, select=(name for name in ("meters", "code"))) == [
        ("app", 'SELECT ("the ""length""", "code") ON TABLE "line"')
    ]
    assert stated(VIEW, select=ALL) == [("app", 'SELECT ON TABLE "long_lines"')]
    assert stated(FUNCTION, execute=True) == [("app", 'EXECUTE ON ROUTINE "cut"')]
    assert stated("CREATE TYPE mood AS ENUM ('a')", usage=True) == [("app", 'USAGE ON TYPE "mood"')]


SLIPS: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((Line, "app"), {}, "says nothing that the role may do"),
    ((Line, "app"), {"select": ()}, "says nothing that the role may do"),
    ((Line, "app"), {"select": ("kode",)}, "a column that Line does not have: 'kode'"),
    ((Line, "app"), {"update": all_but("kode")}, "a column that Line does not have: 'kode'"),
    ((Line, "app"), {"select": (Other.code,)}, "a column that Line does not have"),
    ((Line, "app"), {"select": "code"}, "select is ALL, all_but"),
    ((Line, "app"), {"select": True}, "select is ALL, all_but"),
    ((Line, "app"), {"select": Line.code}, "select is ALL, all_but"),
    ((Line, "app"), {"delete": "yes"}, "delete is True or left out"),
    ((Line, "app"), {"execute": True}, "execute is no right on a table"),
    ((Named, "app"), {"usage": True}, "Named has no sequence to use"),
    ((Keyless, "app"), {"usage": True}, "Keyless has no sequence to use"),
    ((FUNCTION, "app"), {"select": ALL}, "select is no right on a function"),
    ((VIEW, "app"), {"select": all_but("a")}, "the columns of a view are not known"),
    ((Line, "App"), {"select": ALL}, "takes a role by its name"),
    ((Line, "pg_monitor"), {"select": ALL}, "takes a role by its name"),
    ((Line, None), {"select": ALL}, "takes a role by its name"),
    (("line", "app"), {"select": ALL}, "takes a model, or the statement"),
    ((Line(), "app"), {"select": ALL}, "takes a model, or the statement"),
    (("DROP TABLE x", "app"), {"select": ALL}, "takes a model, or the statement"),
]


@pytest.mark.parametrize("given, rights, said", SLIPS, ids=lambda value: str(value)[:40])
def test_what_cannot_be_meant_is_a_fault(
    given: tuple[Any, ...], rights: dict[str, Any], said: str
) -> None:
    domain = Domain("lines", "domains/lines")
    domain.access(*given, **rights)
    assert any(said in str(fault) for fault in domain.faults)
    assert domain.privileges == []


def test_roles_and_models_that_nobody_has_are_refused() -> None:
    domain = Domain("lines", "domains/lines")
    domain.models(Line)
    domain.role("clerks", "public", "Clerks", "pg_clerks", "x; DROP TABLE y")
    assert len(domain.faults) == 4
    domain.access(Line, "clerks", select=ALL)
    domain.access(Line, "PUBLIC", select=ALL)
    assert list(undeclared_roles([domain])) == []
    domain.access(Line, "app", select=ALL)
    domain.access(Other, "clerks", select=ALL)
    told = " ".join(map(str, undeclared_roles([domain])))
    assert "the role app, which no domain declares" in told
    assert "access to Other, which no domain registers" in told
