"""Changes as SQL statements: one function for each kind of object, all names unqualified."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from engine.diff.change import Change
from engine.errors import GenerateError
from engine.schema import sequences
from engine.schema.model import (
    Constraint,
    Function,
    Index,
    Policy,
    Sequence,
    Setting,
    Table,
    Trigger,
    View,
)
from engine.schema.quoting import literal, name
from engine.sql import types
from engine.sql.columns import alter, definition


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
    partitioned = f" PARTITION BY {table.partitioned}" if table.partitioned else ""
    return f"CREATE TABLE {name(table.name)} (\n{body}\n){partitioned}"


def _alter_table(change: Change) -> str:
    raise GenerateError(
        f"{change}: PostgreSQL cannot change by what a table is partitioned.",
        why=f"It is {change.old.partitioned or 'not partitioned'}, and is to be "
        f"{change.new.partitioned or 'not partitioned'}.",
        fix="make a table of another name, and carry the rows over by a migration of your own.",
    )


def _create_view(change: Change) -> str:
    """With the defaults that an INSERT into it may use."""
    view: View = change.new
    options = f" WITH ({', '.join(map(_option, view.options))})" if view.options else ""
    start = "CREATE OR REPLACE" if change.action == "alter" else "CREATE"
    statements = [f"{start} {view.kind.upper()} {name(view.name)}{options} AS\n{view.definition}"]
    for column in view.columns.values():
        if column.default is not None:
            statements.append(
                f"ALTER VIEW {name(view.name)} ALTER COLUMN {name(column.name)} "
                f"SET DEFAULT {column.default}"
            )
    return ";\n".join(statements)


def _option(text: str) -> str:
    key, _, value = text.partition("=")
    return f"{key}={literal(value)}"


def _own(change: Change) -> str:
    """Let a sequence go with its column; one that is new goes on after what the column holds."""
    sequence: Sequence = change.new
    table, column = map(name, sequence.owner)
    statement = f"ALTER SEQUENCE {name(sequence.name)} OWNED BY {table}.{column}"
    if not change.counting:
        return statement
    return f"{statement};\n{sequences.go_on(name(sequence.name), sequence, table, column)}"


def _create_policy(change: Change) -> str:
    policy: Policy = change.new
    head = f"CREATE POLICY {name(policy.name)} ON {name(change.table)}"
    return f"{head} {policy.definition}".rstrip()


def _set(change: Change) -> str:
    setting: Setting = change.new or change.old
    return setting.statement if change.new else setting.reset


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
    text = re.sub(r" (FOR EACH (?:ROW|STATEMENT)) ", r"\n    \1 ", trigger.definition, count=1)
    return text if trigger.state == "ENABLE" else f"{text};\n{_fire(change)}"


def _fire(change: Change) -> str:
    """Say when a trigger fires."""
    trigger: Trigger = change.new
    return f"ALTER TABLE {name(change.table)} {trigger.state} TRIGGER {name(change.name)}"


def _comments(change: Change) -> str:
    """All comments of one table, or the one of an object that stands alone."""
    targets = {
        "enum": "TYPE {part}",
        "function": "FUNCTION {signature}",
        "procedure": "PROCEDURE {signature}",
        "table": "TABLE {part}",
        "view": "VIEW {part}",
        "materialized view": "MATERIALIZED VIEW {part}",
        "view column": "COLUMN {table}.{part}",
        "sequence": "SEQUENCE {part}",
        "domain": "DOMAIN {part}",
        "composite": "TYPE {part}",
        "policy": "POLICY {part} ON {table}",
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
    ("create", "enum"): types.create_enum,
    ("alter", "enum"): types.alter_enum,
    ("drop", "enum"): _on_table("DROP TYPE {name}"),
    ("create", "domain"): types.create_domain,
    ("alter", "domain"): types.alter_domain,
    ("drop", "domain"): _on_table("DROP DOMAIN {name}"),
    ("create", "composite"): types.create_composite,
    ("alter", "composite"): types.alter_composite,
    ("drop", "composite"): _on_table("DROP TYPE {name}"),
    ("create", "sequence"): lambda change: sequences.create(change.new),
    ("alter", "sequence"): lambda change: sequences.alter(change.old, change.new),
    ("drop", "sequence"): _on_table("DROP SEQUENCE {name}"),
    ("create", "ownership"): _own,
    ("drop", "ownership"): _on_table("ALTER SEQUENCE {name} OWNED BY NONE"),
    ("create", "function"): _create_function,
    ("alter", "function"): _replace_function,
    ("drop", "function"): lambda change: f"DROP {change.old.kind.upper()} {change.name}",
    ("create", "table"): _create_table,
    ("alter", "table"): _alter_table,
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
    ("alter", "trigger"): _fire,
    ("drop", "trigger"): _on_table("DROP TRIGGER {name} ON {table}"),
    ("create", "policy"): _create_policy,
    ("drop", "policy"): _on_table("DROP POLICY {name} ON {table}"),
    ("create", "setting"): _set,
    ("alter", "setting"): _set,
    ("drop", "setting"): _set,
    ("create", "view"): _create_view,
    ("alter", "view"): _create_view,
    ("drop", "view"): lambda change: f"DROP {change.old.kind.upper()} {name(change.name)}",
    ("alter", "comment"): _comments,
}
