"""Changes as SQL statements: one function for each kind of object, all names unqualified."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from engine.change import Change, set_aside
from engine.columns import alter, definition
from engine.errors import GenerateError
from engine.quoting import literal, name
from engine.schema import Constraint, Enum, Function, Index, Table, Trigger


def sql(change: Change) -> str:
    """The statement or statements that carry one change out, without a final semicolon.

    Raises GenerateError for a change that has no safe statement.
    """
    maker = MAKERS.get((change.action, change.kind))
    if maker is None:
        raise GenerateError(
            f"{change}: there is no statement that carries this out.",
            fix="write the change by hand, or drop and add the object in two steps.",
        )
    return maker(change)


def _create_extension(change: Change) -> str:
    statement = f"CREATE EXTENSION IF NOT EXISTS {name(change.name)}"
    if not change.optional:
        return statement
    return textwrap.dedent(f"""\
        DO $$
        BEGIN
            IF EXISTS (SELECT FROM pg_available_extensions WHERE name = {literal(change.name)}) THEN
                {statement};
            END IF;
        END
        $$""")


def _drop_extension(change: Change) -> str:
    return textwrap.dedent(f"""\
        DO $$
        BEGIN
            DROP EXTENSION IF EXISTS {name(change.name)};
        EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
            RAISE NOTICE 'extension {change.name} is kept: %', SQLERRM;
        END
        $$""")


def _create_enum(change: Change) -> str:
    enum: Enum = change.new
    labels = ", ".join(literal(label) for label in enum.labels)
    statement = f"CREATE TYPE {name(enum.name)} AS ENUM ({labels})"
    if len(statement) > 100:
        lines = ",\n".join(f"    {literal(label)}" for label in enum.labels)
        statement = f"CREATE TYPE {name(enum.name)} AS ENUM (\n{lines}\n)"
    return statement


def _alter_enum(change: Change) -> str:
    """In place where it only grows; else the old type is set aside and a new one made."""
    if not change.in_place:
        aside = name(set_aside(change.old))
        return f"ALTER TYPE {name(change.name)} RENAME TO {aside};\n{_create_enum(change)}"
    old, new = change.old.labels, change.new.labels
    statements = []
    for position, label in enumerate(new):
        if label in old:
            continue
        before = f" BEFORE {literal(old[0])}" if old else ""
        place = f" AFTER {literal(new[position - 1])}" if position else before
        statements.append(f"ALTER TYPE {name(change.name)} ADD VALUE {literal(label)}{place}")
    return ";\n".join(statements)


def _create_function(change: Change) -> str:
    """A new function must not silently take the place of one that is there."""
    function: Function = change.new
    return function.definition.replace("CREATE OR REPLACE", "CREATE", 1)


def _replace_function(change: Change) -> str:
    function: Function = change.new
    return function.definition


def _create_table(change: Change) -> str:
    """With the constraints that need no other table; foreign keys come as changes of their own."""
    table: Table = change.new
    order = {"primary key": 0, "unique": 1, "exclude": 2, "check": 3}
    inner = [c for c in table.constraints.values() if c.kind != "foreign key"]
    inner.sort(key=lambda constraint: (order[constraint.kind], constraint.name))
    lines = [definition(column) for column in table.columns.values()]
    lines += [f"CONSTRAINT {name(c.name)} {c.definition}" for c in inner]
    body = ",\n".join(f"    {line}" for line in lines)
    return f"CREATE TABLE {name(table.name)} (\n{body}\n)"


def _add_constraint(change: Change) -> str:
    constraint: Constraint = change.new
    return (
        f"ALTER TABLE {name(change.table)}\n"
        f"    ADD CONSTRAINT {name(constraint.name)} {constraint.definition}"
    )


def _create_index(change: Change) -> str:
    index: Index = change.new
    return index.definition


def _create_trigger(change: Change) -> str:
    trigger: Trigger = change.new
    return re.sub(r" (FOR EACH (?:ROW|STATEMENT)) ", r"\n    \1 ", trigger.definition, count=1)


def _comments(change: Change) -> str:
    """All comments of one table, or the one of an object that stands alone."""
    targets = {
        "enum": "TYPE {part}",
        "function": "FUNCTION {signature}",
        "procedure": "PROCEDURE {signature}",
        "table": "TABLE {part}",
        "column": "COLUMN {table}.{part}",
        "constraint": "CONSTRAINT {part} ON {table}",
        "index": "INDEX {part}",
        "trigger": "TRIGGER {part} ON {table}",
    }
    statements = []
    for kind, part, text in change.new:
        target = targets[kind].format(part=name(part), table=name(change.table), signature=part)
        statements.append(f"COMMENT ON {target} IS {literal(text)}")
    return ";\n".join(statements)


def _on_table(statement: str) -> Callable[[Change], str]:
    return lambda change: statement.format(table=name(change.table), name=name(change.name))


MAKERS: dict[tuple[str, str], Callable[[Change], str]] = {
    ("create", "extension"): _create_extension,
    ("drop", "extension"): _drop_extension,
    ("create", "enum"): _create_enum,
    ("alter", "enum"): _alter_enum,
    ("drop", "enum"): _on_table("DROP TYPE {name}"),
    ("create", "function"): _create_function,
    ("alter", "function"): _replace_function,
    ("drop", "function"): lambda change: f"DROP {change.old.kind.upper()} {change.name}",
    ("create", "table"): _create_table,
    ("drop", "table"): _on_table("DROP TABLE {name}"),
    ("create", "column"): lambda change: (
        f"ALTER TABLE {name(change.table)} ADD COLUMN {definition(change.new)}"
    ),
    ("alter", "column"): alter,
    ("drop", "column"): _on_table("ALTER TABLE {table} DROP COLUMN {name}"),
    ("create", "default"): lambda change: (
        f"ALTER TABLE {name(change.table)} ALTER COLUMN {name(change.name)} "
        f"SET DEFAULT {change.new.default}"
    ),
    ("drop", "default"): _on_table("ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT"),
    ("create", "constraint"): _add_constraint,
    ("drop", "constraint"): _on_table("ALTER TABLE {table} DROP CONSTRAINT {name}"),
    ("create", "foreign key"): _add_constraint,
    ("drop", "foreign key"): _on_table("ALTER TABLE {table} DROP CONSTRAINT {name}"),
    ("create", "index"): _create_index,
    ("drop", "index"): _on_table("DROP INDEX {name}"),
    ("create", "trigger"): _create_trigger,
    ("drop", "trigger"): _on_table("DROP TRIGGER {name} ON {table}"),
    ("alter", "comment"): _comments,
}
