"""A statement of a way back that no transaction can hold: it cannot be run to see what it loses and
be taken back then. Where there is anything that it could lose, it has to be asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.rows import far_sequences, holdings, written_tables
from engine.rows.data_loss import Holdings
from engine.schema import own_sql
from engine.wording import counted, few

SHOWN = 3
# Whoever writes rows holds this lock until the transaction ends; those of foreign tables are
# counted nowhere here.
FOREIGN = """
    SELECT DISTINCT c.oid::regclass::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND c.relkind = 'f'
    ORDER BY 1
"""


def look_at(before: Holdings, text: str, line: int, stays: str) -> None:
    """Raise Refused, before a text of SQL runs, where its effect lies where nobody can look from
    here; where it may set sequences, note where those of other tenants stand. line: of the file."""
    if what := before.called.acts_elsewhere(text):
        refuse_elsewhere(before, line, what, stays)
    if before.called.may_set_sequences(text):
        if hidden := far_sequences.hidden(before.outside):
            why = (
                f"Line {line} may set sequences, and the role may set {few(hidden)} without seeing "
                "where they stand. GRANT SELECT of these, and USAGE of their schema, lets it look."
                f"\n{stays}"
            )
            raise before.refused("may set back sequences of others", why)
        before.find_far_sequences()


def refuse_elsewhere(before: Holdings, line: int, what: str, stays: str) -> None:
    """Raise Refused for one whose effect lies where nobody can look from here. what: it does, as
    SQL calls it."""
    why = (
        f"Line {line} may act outside of this database, or in a transaction of others, by {what}; "
        f"what it loses there cannot be seen from here.\n{stays}"
    )
    raise before.refused("may lose what is elsewhere", why)


def refuse_foreign(before: Holdings, stays: str) -> None:
    """Raise Refused where rows of foreign tables have been written."""
    if not before.watched:
        return
    own_sql.fetch(before.cursor, FOREIGN)
    if tables := [table for (table,) in before.cursor.fetchall()]:
        why = f"It writes rows of {few(tables)}, which lie in another database.\n{stays}"
        raise before.refused("may lose what is elsewhere", why)


def refuse_uncounted(before: Holdings, stays: str) -> None:
    """Raise Refused where nobody could tell that rows are deleted or changed."""
    if before.watched and not written_tables.are_counted(before.cursor):
        why = (
            "PostgreSQL counts no rows that are deleted or changed: track_counts is off, which a "
            f"superuser can set (ALTER DATABASE … SET track_counts = on).\n{stays}"
        )
        raise before.refused("may lose rows", why)


def refuse_committing(
    before: Holdings, line: int, stays: str, up_to_commit: Callable[[Holdings], None]
) -> None:
    """Raise Refused for one that commits by itself, unless no table has a row.

    up_to_commit: runs it inside the transaction, where it stops at its first COMMIT and all of it
    is taken back; what it had written by then is counted nevertheless.
    """
    filled = _filled(before)
    if not filled:
        return
    up_to_commit(before)
    lines = [
        f"The statement in line {line} commits by itself, so it cannot be tried out and taken back "
        "to see what it loses.",
        *_written(before),
        f"There are rows in {few(filled[:SHOWN])}{' and others' if filled[SHOWN:] else ''}.",
        stays,
    ]
    raise before.refused("may lose rows", "\n".join(lines))


def _filled(before: Holdings) -> list[str]:
    """Tables and sequences that hold something: a few of them, as each one looked at stays
    locked."""
    filled: dict[str, None] = {}
    for column in before.before.values():
        if len(filled) > SHOWN:
            break
        if column.filled and holdings.has_values(before.cursor, column, whole_table=True):
            filled[column.table] = None
    return list(filled)


def _written(before: Holdings) -> Iterator[str]:
    """A line for each table of which rows were deleted or changed by now."""
    for oid, table in written_tables.tables(before.cursor, before.only).items():
        earlier = before.tables.get(oid)
        if earlier and table.is_written(earlier):
            rows = table.deleted + table.changed - earlier.deleted - earlier.changed
            what = f"{counted(rows, 'row')} of {table.title}"
            yield f"Up to its first COMMIT it deletes or changes {what}."
