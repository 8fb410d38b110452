"""What is refused, and why: a change that loses data which nobody named, and a new column that the
rows that are there could not fill; and what a domain states that no file would carry."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from engine.diff.change import Action, Change, is_retyped
from engine.diff.renames import possible, specification
from engine.errors import ConfigError, GenerateError, LosesData
from engine.schema import own_sql
from engine.schema.catalog_queries import OURS
from engine.schema.kinds import Kind
from engine.schema.model import Column, Schema
from engine.schema.sequences import is_counted
from engine.sql.changed_rows import names
from engine.sql.lexer import after_comments, split
from engine.wording import few

LOST_COMMENTS = """
    SELECT pg_describe_object(d.classoid, d.objoid, d.objsubid) FROM pg_description d
    LEFT JOIN pg_constraint c ON d.classoid = 'pg_constraint'::regclass AND c.oid = d.objoid
    LEFT JOIN pg_class r ON d.classoid = 'pg_class'::regclass AND r.oid = d.objoid
    WHERE c.contypid <> 0 AND c.connamespace = %(here)s
       OR r.relkind = 'c' AND r.relnamespace = %(here)s AND d.objsubid > 0
       OR r.relkind IN ('i', 'I') AND r.relnamespace = %(here)s
          AND EXISTS (SELECT FROM pg_constraint k
                      WHERE k.conindid = r.oid AND k.contype IN ('p', 'u', 'x'))
    ORDER BY 1
"""
# Without its schema the name would mean PostgreSQL's own.
HIDDEN_NAMES = f"""
    SELECT 'table or view', c.oid::regclass::text FROM pg_class c
    WHERE c.relnamespace = %(here)s AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT pg_table_is_visible(c.oid) AND {OURS.format("pg_class", "c")}
    UNION ALL SELECT 'type', t.oid::regtype::text FROM pg_type t
    LEFT JOIN pg_class r ON r.oid = t.typrelid
    WHERE t.typnamespace = %(here)s AND (t.typtype IN ('e', 'd') OR r.relkind = 'c')
      AND NOT pg_type_is_visible(t.oid) AND {OURS.format("pg_type", "t")}
    UNION ALL SELECT 'function', p.oid::regprocedure::text FROM pg_proc p
    WHERE p.pronamespace = %(here)s AND NOT pg_function_is_visible(p.oid)
      AND {OURS.format("pg_proc", "p")}
"""


def unnamed_losses(plan: Iterable[Change], allow_drop: Collection[str]) -> list[Change]:
    """The changes that lose data and are not among the names of what may be lost."""
    return [change for change in plan if change.losing and change.target not in allow_drop]


def unfilled(plan: Iterable[Change]) -> list[Change]:
    """The new NOT NULL columns that rows would have no value for."""
    made = [change for change in plan if change.does(Action.CREATE, Kind.COLUMN)]
    return [change for change in made if is_unfillable(change.new) and not change.fill]


def refuse_unsaid(plan: list[Change], allow_drop: Collection[str]) -> None:
    """Raise one error for all that somebody has to say first: LosesData where data would be lost
    that nobody has named, else GenerateError for new columns that rows would have no value for."""
    losses, columns = unnamed_losses(plan, allow_drop), unfilled(plan)
    if not losses and not columns:
        return
    lines = [f"  - {change}: loses {change.losing}" for change in losses]
    renamed = []
    for gone, new in possible(plan):
        if gone in losses:
            text = specification(gone, new)
            lines.append(f"  - if it has another name now: --rename {shlex.quote(text)}")
            renamed.append(new.target)
    lines += [
        f"  - {change}: it is NOT NULL and has no default, so that the rows that are there would "
        "have no value"
        for change in columns
    ]
    raise (LosesData if losses else GenerateError)(
        "the migration would delete data:" if losses else "rows would have no value:",
        why="\n".join([*lines, "No migration was written."]),
        fix="\n".join(_ways_out(losses, columns, renamed)),
    )


def refuse_retyped_partition_keys(
    plan: Iterable[Change], back: Iterable[Change], old: Schema, new: Schema, by_hand: str
) -> None:
    """Raise GenerateError where a column by which its table is partitioned would get another type,
    which PostgreSQL refuses; so does a way back that takes a value from its enum. by_hand: the task
    that makes an empty file."""
    carry = "make a table of another name, and carry the rows over by a migration of your own."
    keep = (
        f"write that file by hand (`{by_hand}`): ALTER TYPE … ADD VALUE IF NOT EXISTS …, with a "
        "rollback that leaves the value."
    )
    for changes, tables, way, fix in (
        (plan, old.tables, "", carry),
        (back, new.tables, "the way back would ", keep),
    ):
        for change in filter(is_retyped, changes):
            table = tables.get(change.table)
            if table and table.partitioned and change.name in names(table.partitioned):
                raise GenerateError(
                    f"{way}{change}: PostgreSQL gives no other type to a column by which its table "
                    "is partitioned, nor to its enum fewer values or another order.",
                    why=f"{table.name} is partitioned by {table.partitioned}.\n"
                    "No migration was written.",
                    fix=fix,
                )


def refuse_unfit_fills(plan: Iterable[Change], fills: Iterable[str]) -> None:
    """Raise ConfigError where a value was given for a column that does not become NOT NULL."""
    filled = {change.target for change in plan if change.fill}
    for column in fills:
        if column not in filled:
            raise ConfigError(
                f"--fill {column}: that is no column that becomes NOT NULL.",
                why="No migration was written.",
                fix="name a new column, or one that may be null so far, as table.column.",
            )


def _ways_out(
    losses: list[Change], columns: list[Change], renamed: Collection[str]
) -> Iterator[str]:
    """renamed: columns that may be old ones under another name, which have their values then."""
    if losses:
        yield (
            "restore the domain, model or field; if the data is to go, add "
            + " ".join(f"--allow-drop {shlex.quote(change.target)}" for change in losses)
        )
    if columns:
        fills = " ".join(f"--fill {shlex.quote(change.target + '=VALUE')}" for change in columns)
        yield (
            f"give the field a default; or say what those rows get, once, by adding {fills}, where "
            "VALUE is SQL, such as 0, \"'none'\" or upper(name)"
        )
    if has_values := [change.target for change in columns if change.target in renamed]:
        yield f"renamed, {few(has_values)} has its values: give it no --fill then"


def refuse_other_layout(reached: Callable[[], Schema], wanted: Schema) -> None:
    """Raise GenerateError where a function gives rows of a table whose columns it names one by one,
    and they stand there in another order than in the domains: a new column comes last.

    `CREATE FUNCTION f() RETURNS SETOF t … BEGIN ATOMIC SELECT id, a, new, z FROM t; END` would fail
    when it is called, or give the values of one column as those of another. reached: reads what the
    files lead to, which few schemas make necessary.
    """
    users: list[tuple[str, str]] = []
    for key, needed in wanted.depends.items():
        function = wanted.functions.get(key.name) if key.kind is Kind.FUNCTION else None
        if function is not None and _names_columns(function.definition):
            users += [(key.name, other.name) for other in needed if other.kind is Kind.TABLE]
    there = reached().tables if users else {}
    for name, table in users:
        if table in there:
            columns = list(there[table].columns)
            if columns != list(wanted.tables[table].columns):
                _refuse_layout(name, table, columns)


def _names_columns(definition: str) -> bool:
    """Whether it is a query without a star, which would follow the order that there is."""
    return "LANGUAGE sql" in definition and "*" not in definition


def _refuse_layout(function: str, table: str, columns: list[str]) -> None:
    raise GenerateError(
        f"the function {function} gives rows of {table}, and the order of its columns is another "
        "one in the migrations than in the domains.",
        why=f"PostgreSQL adds a column after the others: {', '.join(columns)}. The function names "
        "the columns in the order of the domains, so their values would be mixed up.\n"
        "No migration was written.",
        fix="put the fields into the order of the migrations (a new one last), or let the function "
        "return TABLE (…) with the columns by name.",
    )


def is_unfillable(thing: object) -> bool:
    """Whether it is a column that no row could have got by itself."""
    return isinstance(thing, Column) and (
        thing.not_null and thing.default is None and not thing.generated and not is_counted(thing)
    )


def refuse_second_statements(domain: str, origin: str, statements: Iterable[str]) -> None:
    """Raise GenerateError for a text with two statements. The second would be run here, and what it
    did be in no file, as the REVOKE of `CREATE FUNCTION … SECURITY DEFINER …; REVOKE …`."""
    for statement in statements:
        if len(parts := split(statement)) > 1:
            raise GenerateError(
                f"domain {domain} ({origin}): a second statement follows in one text: "
                f"{_first_line(parts[1])}.",
                why=f"It follows {_first_line(parts[0])}. Each text states one object.",
                fix="give domain.sql each statement as a text of its own.",
            )


def refuse_unrequired(
    domain: str, origin: str, statement: str, other: str, objects: Iterable[tuple[str, str, object]]
) -> None:
    """Raise GenerateError where a statement that cannot be carried out names what another domain
    registers: its own domain requires that one not, and so is built before it."""
    words = set(names(statement))
    for kind, name, _ in objects:
        if name.partition("(")[0] in words:
            raise GenerateError(
                f"domain {domain} ({origin}): {_first_line(statement)} names the {kind} {name} of "
                f"the domain {other}, which it does not require.",
                why="A domain is built after those that it requires. No migration was written.",
                fix=f'say domain.requires("{other}") in {domain}.',
            )


def refuse_lost_comments(cursor: Any) -> None:
    """Raise GenerateError for a comment on what is part of a type, or on the index of a constraint:
    no file would carry it."""
    own_sql.fetch(cursor, LOST_COMMENTS)
    for (thing,) in cursor.fetchall():
        raise GenerateError(
            f"a domain registers a comment on {thing}.",
            why="That is part of something else, whose comment alone is managed, so no migration "
            "would have it.",
            fix="say it in the comment of the type or of the constraint, or write it by hand in a "
            "migration.",
        )


def refuse_names_of_postgresql(cursor: Any) -> None:
    """Raise GenerateError for what has a name that means something of PostgreSQL's own wherever it
    stands without a schema, as in all files: `DROP TYPE box` fails with "must be owner"."""
    own_sql.fetch(cursor, HIDDEN_NAMES)
    for kind, thing in cursor.fetchall():
        raise GenerateError(
            f"a domain registers the {kind} {thing}, whose name PostgreSQL has itself.",
            why="Files say names without their schema, and PostgreSQL looks for them among its own "
            "first. No migration was written.",
            fix="give it another name.",
        )


def _first_line(statement: str) -> str:
    return statement[after_comments(statement) :].strip().partition("\n")[0]
