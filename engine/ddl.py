"""Changes as SQL statements: one function for each kind of object, all names unqualified."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from engine.diff import Change
from engine.errors import GenerateError
from engine.schema import Column, Constraint, Enum, Function, Index, Table, Trigger

PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# What pg_get_keywords() calls reserved, in any version from 14 on.
RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user
    table tablesample then to trailing true union unique user using variadic verbose when where
    window with
    """.split()  # noqa: SIM905
)


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


def name(identifier: str) -> str:
    """The identifier, quoted where PostgreSQL would read it as something else."""
    if PLAIN.fullmatch(identifier) and identifier not in RESERVED:
        return identifier
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """A string constant, or NULL; `E''` only where a backslash makes it needed."""
    if text is None:
        return "NULL"
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in text else f"'{quoted}'"


def column_definition(column: Column) -> str:
    """The column as it stands in CREATE TABLE and ADD COLUMN."""
    parts = [name(column.name), column.type]
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    if column.identity:
        parts.append(f"GENERATED {column.identity} AS IDENTITY")
    if column.not_null and not column.identity:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts)


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


def _add_enum_values(change: Change) -> str:
    old, new = change.old.labels, change.new.labels
    statements = []
    for position, label in enumerate(new):
        if label in old:
            continue
        place = f" AFTER {literal(new[position - 1])}" if position else f" BEFORE {literal(old[0])}"
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
    lines = [column_definition(column) for column in table.columns.values()]
    lines += [f"CONSTRAINT {name(c.name)} {c.definition}" for c in inner]
    body = ",\n".join(f"    {line}" for line in lines)
    return f"CREATE TABLE {name(table.name)} (\n{body}\n)"


def _alter_column(change: Change) -> str:
    """Type, default and nullability together: a default of the old type would block the new."""
    old: Column = change.old
    new: Column = change.new
    if (old.generated, bool(old.identity)) != (new.generated, bool(new.identity)):
        raise GenerateError(
            f"column {change.table}.{change.name}: identity and generated columns cannot be "
            "changed into plain ones or back.",
            fix="add a column under another name, copy the values, then drop the old one.",
        )
    actions = []
    retyped = (old.type, old.collation) != (new.type, new.collation)
    if old.default is not None and (retyped or new.default is None):
        actions.append("DROP DEFAULT")
    if retyped:
        collation = f" COLLATE {new.collation}" if new.collation else ""
        actions.append(f"TYPE {new.type}{collation} USING {name(new.name)}::{new.type}")
    if new.default is not None and (retyped or old.default != new.default):
        actions.append(f"SET DEFAULT {new.default}")
    if old.identity != new.identity:
        actions.append(f"SET GENERATED {new.identity}")
    if old.not_null != new.not_null:
        actions.append("SET NOT NULL" if new.not_null else "DROP NOT NULL")
    lines = ",\n".join(f"    ALTER COLUMN {name(new.name)} {action}" for action in actions)
    return f"ALTER TABLE {name(change.table)}\n{lines}"


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
        "table": "TABLE {part}",
        "column": "COLUMN {table}.{part}",
        "constraint": "CONSTRAINT {part} ON {table}",
        "index": "INDEX {part}",
        "trigger": "TRIGGER {part} ON {table}",
    }
    statements = []
    for kind, part, text in change.new:
        target = targets.get(kind, "FUNCTION {signature}").format(
            part=name(part), table=name(change.table), signature=part
        )
        statements.append(f"COMMENT ON {target} IS {literal(text)}")
    return ";\n".join(statements)


def _on_table(statement: str) -> Callable[[Change], str]:
    return lambda change: statement.format(table=name(change.table), name=name(change.name))


MAKERS: dict[tuple[str, str], Callable[[Change], str]] = {
    ("create", "extension"): _create_extension,
    ("drop", "extension"): _drop_extension,
    ("create", "enum"): _create_enum,
    ("alter", "enum"): _add_enum_values,
    ("drop", "enum"): _on_table("DROP TYPE {name}"),
    ("create", "function"): _create_function,
    ("alter", "function"): _replace_function,
    ("drop", "function"): lambda change: f"DROP {change.old.kind.upper()} {change.name}",
    ("create", "table"): _create_table,
    ("drop", "table"): _on_table("DROP TABLE {name}"),
    ("create", "column"): lambda change: (
        f"ALTER TABLE {name(change.table)} ADD COLUMN {column_definition(change.new)}"
    ),
    ("alter", "column"): _alter_column,
    ("drop", "column"): _on_table("ALTER TABLE {table} DROP COLUMN {name}"),
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
