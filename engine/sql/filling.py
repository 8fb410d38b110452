"""A value for the rows that have none, where a column becomes NOT NULL; and whether triggers are in
the way of setting one in every row."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from engine.diff.change import Action, Change, Fill
from engine.diff.object_changes import same
from engine.schema.kinds import Kind
from engine.schema.model import Function, Table
from engine.schema.quoting import name
from engine.schema.table_settings import LACKING
from engine.sql import statements
from engine.sql.columns import QUOTED, seeing_all
from engine.sql.lexer import Lexeme, pieces

NOISY = re.compile(r"\b(?:RAISE|INSERT|UPDATE|DELETE|PERFORM|EXECUTE|ASSERT)\b", re.IGNORECASE)
ANY_UPDATE = re.compile(r"\bUPDATE\b(?! OF )")
CONDITION = re.compile(r" WHEN \((.*)\) EXECUTE ")
CHANGED = re.compile(r"old\.(\w+) (?:IS DISTINCT FROM|<>) new\.\1")
TRIGGER_FUNCTION = re.compile(r"EXECUTE FUNCTION (.*)\(")


def fill_of(value: str) -> Fill:
    """What is plainly one value for all, such as 0, 'none', DATE '2024-01-31' or '{}'::jsonb, is
    taken as that; all else may be another value in each row, as what names a column is."""
    return Fill(value, by_row=not _is_constant(value))


def _is_constant(value: str) -> bool:
    listed = list(pieces(value))
    for number, piece in enumerate(listed):
        following = listed[number + 1 : number + 2]
        is_type = value[: piece.start].rstrip().endswith("::") or (
            following and following[0].lexeme is Lexeme.LITERAL
        )
        word = value[piece.start : piece.end].lower()
        if piece.lexeme is Lexeme.WORD and (is_type or word in ("true", "false")):
            continue
        if piece.lexeme is not Lexeme.LITERAL:
            return False
    return True


def may_be_filled(change: Change) -> bool:
    """Whether it makes a column NOT NULL without saying what rows get that have no value."""
    if change.kind is not Kind.COLUMN or change.action not in (Action.CREATE, Action.ALTER):
        return False
    was_null = change.action is Action.CREATE or not change.old.not_null
    return bool(was_null and change.new.not_null and not change.new.generated)


def filling_statements(change: Change) -> list[str]:
    """The statements of a change, with those that give rows a value where it says one.

    One value for all comes by a default that goes again: no row is written, and no trigger fires.
    """
    fill = change.fill
    if fill is None:
        return [statements.sql(change)]
    table, column = f"ALTER TABLE {name(change.table)}", name(change.name)
    made = change.action is Action.CREATE
    if made and not fill.by_row:
        given = replace(change.new, default=f"({fill.value})")
        return [
            statements.sql(replace(change, new=given)),
            f"{table} ALTER COLUMN {column} DROP DEFAULT",
        ]
    nullable = replace(change.new, not_null=False)
    parts = []
    if made or not same(nullable, change.old):
        parts.append(statements.sql(replace(change, new=nullable)))
    update = f"UPDATE {name(change.table)} SET {column} = ({fill.value}) WHERE {column} {LACKING}"
    # "cannot ALTER TABLE because it has pending trigger events", of keys that are deferred
    update += ";\nSET CONSTRAINTS ALL IMMEDIATE"
    parts += seeing_all(change, name(change.table), update)
    parts.append(f"{table} ALTER COLUMN {column} SET NOT NULL")
    return parts


def refuse_or_do_more(table: Table, functions: Collection[Function]) -> bool:
    """Whether an UPDATE of each row calls a trigger that may refuse it or does more. functions: all
    that there are before and after."""
    for trigger in table.triggers.values():
        called = TRIGGER_FUNCTION.search(trigger.definition)
        name = called[1] if called else ""
        texts = [f.definition for f in functions if f.name.partition("(")[0] == name]
        harmless = texts and not any(NOISY.search(text) for text in texts)
        if _fires(trigger.definition) and not harmless:
            return True
    return False


def _fires(trigger: str) -> bool:
    """Whether a trigger is called where none of the columns that it names changes. Its name may
    have words of SQL."""
    if not ANY_UPDATE.search(QUOTED.sub("", trigger).partition(" ON ")[0]):
        return False
    condition = CONDITION.search(trigger)
    terms = condition[1].split(" OR ") if condition else [""]
    return not all(CHANGED.fullmatch(term) for term in terms)
