"""What is written of a database is Python that says the same, whatever that is called."""

from __future__ import annotations

import ast

import pytest

from engine.schema.model import Schema
from inspection.names import class_name
from inspection.package import package

NAMES = [
    *('x"""\nplanted()\n"""', "x\\", 'x"', "\\N{x", "x\nplanted()", "{x}", "x\x85planted()"),
    *("x\rplanted()\r", "it's", '"""', '\\"""\nplanted()#', "billing"),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_database_is_no_code(name: str) -> None:
    text = package(Schema(), name, []).files["__init__.py"]
    said, *rest = ast.parse(text).body
    assert isinstance(said, ast.Expr) and name in ast.literal_eval(said.value)
    assert [type(one) for one in rest] == [ast.ImportFrom, ast.ImportFrom, ast.FunctionDef]


def test_a_table_may_have_one_letter() -> None:
    assert [class_name(name) for name in ("s", "%s", "", "roles", "7s")] == [
        *("S", "S", "Table", "Role", "Table_7"),
    ]
