"""Domains drawn by Hypothesis: fields, options of Meta and calls of register with any values."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from hypothesis import strategies as st

import registry
from kernel import discovery

HEAD = '''"""Drawn."""
import uuid
from datetime import date, datetime, timezone
from enum import Enum, StrEnum

from peewee import *
from playhouse.postgres_ext import *

from domains import *


class St(StrEnum):
    A = "a"
    B = "b"


class Plain(str, Enum):
    A = "a"


class Broken:
    def __repr__(self):
        raise ZeroDivisionError

    def __eq__(self, other):
        raise ZeroDivisionError

    __hash__ = None


class Target(TimestampedModel):
    code = TextField(unique=True)
    state = EnumField(St, default=St.A)

    class Meta:
        table_name = "targets"


'''
# What stands first between the brackets; VALUE for any value.
VALUE = "…"
KINDS = {
    **dict.fromkeys(("BasisPointsField", "BinaryJSONField", "BooleanField", "CharField"), ()),
    **dict.fromkeys(("DateField", "DateRangeField", "DecimalField", "DigestField"), ()),
    **dict.fromkeys(("HStoreField", "IdentityField", "IntegerField", "MoneyField"), ()),
    **dict.fromkeys(("PhoneField", "SecretField", "TextArrayField", "TextField"), ()),
    **dict.fromkeys(("TimestampField", "UUIDField"), ()),
    "DeferredForeignKey": (VALUE,),
    "EnumField": (VALUE,),
    "EnumField ": ("St",),
    "ForeignKeyField": ("Target",),
    "ForeignKeyField ": (VALUE,),
    "ManyToManyField": ("Target",),
}
VALUES = (
    *("None", "True", "5", "-1", "1.5", "10 ** 30", "float('nan')", "float('inf')", "b'x'"),
    *("''", "'x'", "'a'", "'now()'", "'é' * 80", "'\\0'", "'SET NULL'", "'self'", "'Target'"),
    *("[]", "{}", "[5]", "['x']", "('a', 'b')", "(('a',), True)", "((('a',), True),)", "{1, 2}"),
    *("dict", "list", "object", "type", "object()", "Broken()", "Broken", "lambda: 1 / 0"),
    *("lambda x: x", "datetime.now", "datetime.now()", "date.today()", "uuid.uuid4()"),
    *("fn.now", "fn.now()", "SQL('1')", "Default('now()')", "Check", "Check('a > 1')"),
    *("[Check('a > 1')]", "[SQL('GENERATED ALWAYS AS (1) STORED')]", "Target", "Target.code"),
    *("Target.state", "St", "St.A", "{St.A}", "{St.A: {St.B}}", "Plain", "Plain.A"),
    *("StatusMachine(Target.state, {St.A}, {})", "StatusMachine(5, [], None)", "BaseModel"),
    *("'CREATE VIEW v AS SELECT 1'", "lambda seeder: None", "'hstore'", "'code'"),
)
OPTIONS = (
    *("null", "index", "unique", "default", "default", "default", "constraints", "help_text"),
    *("column_name", "primary_key", "choices"),
)
OF_KINDS = {
    "ForeignKeyField": ("on_delete", "on_update", "backref"),
    "CharField": ("max_length", "max_length"),
    "DecimalField": ("max_digits", "decimal_places", "max_digits"),
    "IntegerField": ("default", "default"),
}
META = (
    *("table_name", "tablename", "indexes", "constraints", "schema", "primary_key", "temporary"),
    *("database", "options", "legacy_table_names", "depends_on", "table_function"),
    *("table_settings", "ordering", "unique_together"),
)
CALLS = {
    **dict.fromkeys(("requires", "models", "extension", "sql", "status", "permissions"), (VALUE,)),
    **dict.fromkeys(("grants", "seed"), (VALUE,)),
    **dict.fromkeys(("renamed_from", "notice"), (VALUE, VALUE)),
    "index": ("Target", VALUE),
    "index ": ("Drawn", VALUE),
}
OF_CALLS = ("name", "where", "include", "unique", "using")
NAMES = ("a", "b", "select", "id", "updated_at", "é", "order")
value = st.sampled_from(VALUES)


@st.composite
def _call(draw: st.DrawFn, function: str, first: tuple[str, ...], options: Sequence[str]) -> str:
    arguments = [draw(value) if argument == VALUE else argument for argument in first]
    # Few options take any value: with some for each field hardly a model would get through.
    if options and draw(st.sampled_from([True, False, False])):
        for option in dict.fromkeys(draw(st.lists(st.sampled_from(options), max_size=2))):
            arguments.append(f"{option}={draw(value)}")
    return f"{function.strip()}({', '.join(arguments)})"


@st.composite
def domains(draw: st.DrawFn) -> str:
    """The text of a domain's package."""
    lines = [f"{HEAD}class Drawn(TimestampedModel):"]
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)):
        kind = draw(st.sampled_from(list(KINDS)))
        options = [*OPTIONS, *OF_KINDS.get(kind.strip(), ())]
        field = draw(_call(kind, KINDS[kind], options))
        written = draw(st.sampled_from([*[field] * 8, f"{field},", kind]))
        between = draw(st.sampled_from([*[" ="] * 9, ":", ": str =", ": int"]))
        lines.append(f"    {name}{between}{'' if between == ': int' else f' {written}'}")
    lines.append("    class Meta:\n        depends_on = None")
    for option in draw(st.lists(st.sampled_from(META), max_size=1)):
        lines.append(f"        {option} = {draw(value)}")
    lines.append("\n\ndef register(domain):\n    domain.models(Target, Drawn)")
    for name in draw(st.lists(st.sampled_from(list(CALLS)), max_size=1)):
        options = OF_CALLS if name.strip() == "index" else ()
        lines.append(f"    domain.{draw(_call(name, CALLS[name], options))}")
    return "\n".join(lines) + "\n"


NUMBERS = itertools.count()


@contextmanager
def loaded(text: str, folder: Path) -> Iterator[registry.Registry]:
    """What the registry makes of the domain, were it the only one."""
    name = f"drawn_{next(NUMBERS)}"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    one = patch.object(discovery, "discovered", lambda faults: iter([("drawn", "drawn", name)]))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        with one, patch.object(registry.permissions, "declare"):
            yield registry.load()
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)
