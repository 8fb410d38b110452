"""What stands in the way of a change of a table's columns since it has rows of the table in an
expression: a function whose body is SQL that was read when it was made, and a check.

`ALTER TABLE t ADD COLUMN c int DEFAULT 4`, or a new type for a column, fails with "cannot alter
table "t" because function f(t) uses its row type", from the minor releases of 2026 on (15.20). A
body that is a text is read at each call, and in nobody's way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from engine.diff.change import Action, Change, is_retyped
from engine.schema.kinds import Key, Kind
from engine.schema.model import Function, Schema
from engine.schema.quoting import unquoted
from engine.schema.sequences import is_counted

TEXT_BODY = re.compile(r"^AS \$|^AS '", re.MULTILINE)


def table_of(change: Change, old: Schema, new: Schema) -> Key | None:
    """The table whose row type others may not use meanwhile; None where they may."""
    if change.kind is not Kind.COLUMN or change.table not in old.tables:
        return None
    column = change.new
    if change.action is Action.CREATE:
        filled = column.default is not None or column.generated or is_counted(column)
        checked = unquoted(column.type) in {*old.domain_types, *new.domain_types}
        in_the_way = bool(filled or checked)
    else:
        in_the_way = is_retyped(change)
    return Key(Kind.TABLE, "", change.table) if in_the_way else None


def users(
    table: Key, needing: Mapping[Key, Collection[Key]], functions: Mapping[str, Function]
) -> Iterator[Key]:
    """What has rows of the table in an expression. needing: what needs a thing."""
    for key in needing.get(table, ()):
        function = functions.get(key.name) if key.kind is Kind.FUNCTION else None
        if (function and not TEXT_BODY.search(function.definition)) or (
            key.kind is Kind.CONSTRAINT and key.table != table.name
        ):
            yield key
