"""Changes as SQL statements: one function for each kind of object, all names unqualified."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.diff.change import Action, Change
from engine.errors import GenerateError
from engine.schema import kinds, sequences
from engine.schema.kinds import ConstraintKind, Key, Kind, TriggerState
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
from engine.sql import access_statements, extension_statements, types
from engine.sql.columns import alter, definition, seeing_all

# A name may be "a FOR EACH ROW b".
EACH = re.compile(r'"(?:[^"]|"")*"| FOR EACH (?=ROW |STATEMENT )')


def sql(change: Change) -> str:
    """The statement or statements that carry one change out, without a final semicolon.

    Raises GenerateError for a change that has no safe statement.
    """
    maker = MAKERS.get((change.action, change.kind))
    if maker:
        return maker(change)
    if change.action is Action.DROP:
        kind = kinds.written(change.kind, change.old)
        return kinds.drop(change.what._replace(kind=kind))
    raise GenerateError(
        f"{change}: there is no statement that carries this out.",
        fix="write the change by hand, or drop and add the object in two steps.",
    )


def _create_function(change: Change) -> str:
    """A new function must not silently take the place of one that is there."""
    return _replace_function(change).replace("CREATE OR REPLACE", "CREATE", 1)


def _replace_function(change: Change) -> str:
    """With the extensions it goes with: CREATE OR REPLACE forgets them (ProcedureCreate in
    pg_proc.c deletes what is recorded of the old one)."""
    function: Function = change.new
    start = f"ALTER {function.kind.upper()} {function.name} DEPENDS ON EXTENSION"
    bonds = [f"{start} {name(extension)}" for extension in function.extensions]
    return ";\n".join([function.definition, *bonds])


def _create_table(change: Change) -> str:
    """With the constraints that need no other table; foreign keys come as changes of their own."""
    table: Table = change.new
    inside, after = _own_constraints(table)
    lines = [definition(column) for column in table.columns.values()]
    lines += [f"CONSTRAINT {name(c.name)} {c.definition}" for c in inside]
    body = ",\n".join(f"    {line}" for line in lines)
    partitioned = f" PARTITION BY {table.partitioned}" if table.partitioned else ""
    create = f"CREATE TABLE {name(table.name)} (\n{body}\n){partitioned}"
    return ";\n".join([create, *(_with_constraint(table.name, c) for c in after)])


def _own_constraints(table: Table) -> tuple[list[Constraint], list[Constraint]]:
    """Those that CREATE TABLE makes, and those to be added after it: in it a check is valid, also
    one that says NOT VALID, since there are no rows; and of two keys over the same columns it
    makes one (parse_utilcmd.c, transformIndexConstraints)."""
    order = list(ConstraintKind)
    own = [c for c in table.constraints.values() if c.part is Kind.CONSTRAINT]
    own.sort(key=lambda constraint: (order.index(constraint.kind), constraint.name))
    inside: list[Constraint] = []
    after: list[Constraint] = []
    keys: set[str] = set()
    for constraint in own:
        is_key = constraint.kind in (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE)
        columns = constraint.definition.partition("(")[2] if is_key else ""
        waits = columns in keys or " NOT VALID" in constraint.definition
        (after if waits else inside).append(constraint)
        keys |= {columns} if is_key else set()
    return inside, after


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
    start = "CREATE OR REPLACE" if change.action is Action.ALTER else "CREATE"
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
    going_on = sequences.go_on(name(sequence.name), sequence, table, column)
    return ";\n".join([statement, *seeing_all(change, table, going_on)])


def _create_policy(change: Change) -> str:
    policy: Policy = change.new
    head = f"CREATE POLICY {name(policy.name)} ON {name(change.table)}"
    return f"{head} {policy.definition}".rstrip()


def _set(change: Change) -> str:
    setting: Setting = change.new or change.old
    return setting.statement if change.new else setting.reset


def _add_constraint(change: Change) -> str:
    return _with_constraint(change.table, change.new)


def _with_constraint(table: str, constraint: Constraint) -> str:
    return (
        f"ALTER TABLE {name(table)}\n"
        f"    ADD CONSTRAINT {name(constraint.name)} {constraint.definition}"
    )


def _create_index(change: Change) -> str:
    index: Index = change.new
    return index.definition


def _create_trigger(change: Change) -> str:
    trigger: Trigger = change.new
    text = trigger.definition
    each = next(match.start() for match in EACH.finditer(text) if match[0].startswith(" "))
    text = f"{text[:each]}\n   {text[each:]}"
    return text if trigger.state is TriggerState.ENABLE else f"{text};\n{_fire(change)}"


def _fire(change: Change) -> str:
    """Say when a trigger fires."""
    trigger: Trigger = change.new
    return f"ALTER TABLE {name(change.table)} {trigger.state} TRIGGER {name(change.name)}"


def _create_column(change: Change) -> str:
    return f"ALTER TABLE {name(change.table)} ADD COLUMN {definition(change.new)}"


def _set_default(change: Change) -> str:
    column = f"ALTER COLUMN {name(change.name)}"
    return f"ALTER TABLE {name(change.table)} {column} SET DEFAULT {change.new.default}"


def _comments(change: Change) -> str:
    """All comments of one table, or the one of an object that stands alone."""
    return ";\n".join(
        kinds.comment(Key(kind, change.table, title), text) for kind, title, text in change.new
    )


def _create_sequence(change: Change) -> str:
    return sequences.create(change.new)


def _alter_sequence(change: Change) -> str:
    return sequences.alter(change.old, change.new)


# What is not here is dropped as its row in engine.schema.kinds says, and altered by no statement.
MAKERS: dict[tuple[Action, Kind], Callable[[Change], str]] = {
    (Action.CREATE, Kind.EXTENSION): extension_statements.create,
    (Action.DROP, Kind.EXTENSION): extension_statements.drop,
    (Action.CREATE, Kind.ENUM): types.create_enum,
    (Action.ALTER, Kind.ENUM): types.alter_enum,
    (Action.CREATE, Kind.DOMAIN_TYPE): types.create_domain_type,
    (Action.ALTER, Kind.DOMAIN_TYPE): types.alter_domain_type,
    (Action.CREATE, Kind.COMPOSITE): types.create_composite,
    (Action.ALTER, Kind.COMPOSITE): types.alter_composite,
    (Action.CREATE, Kind.SEQUENCE): _create_sequence,
    (Action.ALTER, Kind.SEQUENCE): _alter_sequence,
    (Action.CREATE, Kind.OWNERSHIP): _own,
    (Action.CREATE, Kind.FUNCTION): _create_function,
    (Action.ALTER, Kind.FUNCTION): _replace_function,
    (Action.CREATE, Kind.TABLE): _create_table,
    (Action.ALTER, Kind.TABLE): _alter_table,
    (Action.CREATE, Kind.COLUMN): _create_column,
    (Action.ALTER, Kind.COLUMN): alter,
    (Action.CREATE, Kind.DEFAULT): _set_default,
    (Action.CREATE, Kind.CONSTRAINT): _add_constraint,
    (Action.CREATE, Kind.FOREIGN_KEY): _add_constraint,
    (Action.CREATE, Kind.INDEX): _create_index,
    (Action.CREATE, Kind.TRIGGER): _create_trigger,
    (Action.ALTER, Kind.TRIGGER): _fire,
    (Action.CREATE, Kind.POLICY): _create_policy,
    (Action.CREATE, Kind.SETTING): _set,
    (Action.ALTER, Kind.SETTING): _set,
    (Action.DROP, Kind.SETTING): _set,
    (Action.CREATE, Kind.VIEW): _create_view,
    (Action.ALTER, Kind.VIEW): _create_view,
    (Action.ALTER, Kind.COMMENT): _comments,
    (Action.ALTER, Kind.ACCESS): access_statements.statement,
}
