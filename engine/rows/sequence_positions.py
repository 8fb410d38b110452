"""Where sequences stand, so that one that a way back sets below what it has given out, or was told
to go on with, is noticed. A setval() stays where all the rest is undone; so it is put forward
again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.schema import own_sql
from engine.schema.quoting import literal

SEQUENCES = """
    SELECT c.oid::bigint, c.oid::regclass::text, format('%%I.%%I', n.nspname, c.relname),
           s.seqincrement, coalesce((
               SELECT concat_ws('.', d.refobjid, d.refobjsubid) FROM pg_depend d
               WHERE (d.classid, d.objid) = ('pg_class'::regclass, c.oid)
                 AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                 AND d.refobjsubid > 0), '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE c.relkind = 'S' AND c.relpersistence <> 't'
      AND (%(oids)s::oid[] IS NULL OR c.oid = ANY (%(oids)s::oid[]))
      AND has_schema_privilege(n.oid, 'USAGE')
      AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT') END
"""
OWNED = """
    SELECT d.objid::bigint FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
      AND d.refobjid = ANY (SELECT split_part(c, '.', 1)::oid FROM unnest(%(columns)s::text[]) c)
      AND concat_ws('.', d.refobjid, d.refobjsubid) = ANY (%(columns)s::text[])
"""
COLUMNS_LEFT = """
    SELECT c FROM unnest(%(columns)s::text[]) c
    JOIN pg_attribute a ON a.attrelid = split_part(c, '.', 1)::oid
      AND a.attnum = split_part(c, '.', 2)::int2
    WHERE NOT a.attisdropped
"""
# Each one that is read is locked until its transaction ends, or the savepoint is taken back: 20,000
# of them, as 600 tenants have, were more than the server has room for (max_locks_per_transaction).
# pg_sequence_last_value() locks to the end of the transaction whatever is taken back.
AT_ONCE = 500


@dataclass(frozen=True)
class Position:
    """title, address: of the sequence, as messages and SQL have it. step: from number to number.
    owner: the column that it goes with, empty for none. last: the number that was given out, or
    that comes next where none was. is_given: whether one was."""

    title: str
    address: str
    step: int
    owner: str
    last: int
    is_given: bool

    @property
    def following(self) -> int:
        """The number that comes next."""
        return self.last + self.step if self.is_given else self.last

    def is_behind(self, before: Position) -> bool:
        """Whether it would give out a number that it gave out before, or was to pass over."""
        if before.step > 0:
            return self.following < before.following
        return self.following > before.following

    def __str__(self) -> str:
        if self.is_given:
            return f"{self.title} has given out numbers up to {self.last}, and would do so again"
        return f"{self.title} was to go on with {self.last}, and would not"


@dataclass(frozen=True)
class Behind:
    """A sequence that is set back. before, now: where it was, under its name of now, and is; None
    where it is gone and its column is not."""

    before: Position
    now: Position | None


def read(cursor: Any, only: Collection[int] | None = None) -> dict[int, Position]:
    """Of sequences, by their oids. cursor: psycopg2, in a transaction. only: of these."""
    own_sql.fetch(cursor, SEQUENCES, {"oids": None if only is None else list(only)})
    rows = cursor.fetchall()
    positions: dict[int, Position] = {}
    for start in range(0, len(rows), AT_ONCE):
        named: dict[int, list[Any]] = {oid: known for oid, *known in rows[start : start + AT_ONCE]}
        queries = [
            f"SELECT {oid}, last_value, is_called FROM {address}".replace("%", "%%")
            for oid, (_, address, *_) in named.items()
        ]
        cursor.execute("SAVEPOINT engine_sequences")
        own_sql.fetch(cursor, " UNION ALL ".join(queries))
        for oid, last, is_given in cursor.fetchall():
            title, address, step, owner = named[oid]
            positions[oid] = Position(title, address, step, owner, last, is_given)
        cursor.execute("ROLLBACK TO SAVEPOINT engine_sequences; RELEASE SAVEPOINT engine_sequences")
    return positions


def set_back(cursor: Any, before: dict[int, Position]) -> list[Behind]:
    """Those that would give out numbers again that they gave out before."""
    behind = []
    for earlier, now in _present(cursor, before) if before else ():
        if now is None:
            behind.append(Behind(earlier, None))
        elif now.is_behind(earlier):
            behind.append(Behind(replace(earlier, address=now.address), now))
    return behind


def _present(
    cursor: Any, before: dict[int, Position]
) -> Iterator[tuple[Position, Position | None]]:
    """Each that is there, or whose column is (before, now). A column may have another sequence by
    now, as after `DROP IDENTITY` and `ADD GENERATED … AS IDENTITY`; or none, and the next one would
    begin anew."""
    there = read(cursor, before.keys())
    gone = {}
    for oid, position in before.items():
        if oid in there:
            yield position, there[oid]
        elif position.owner:
            gone[position.owner] = position
    if gone:
        own_sql.fetch(cursor, OWNED, {"columns": list(gone)})
        # `DROP SEQUENCE a` of a column that has b, too, as before: b does not go on for a.
        new = [oid for (oid,) in cursor.fetchall() if oid not in before]
        followers = read(cursor, new).values()
        for now in followers:
            yield gone[now.owner], now
        for now in followers:
            gone.pop(now.owner, None)
        own_sql.fetch(cursor, COLUMNS_LEFT, {"columns": list(gone)})
        for (column,) in cursor.fetchall():
            if gone[column].is_given:
                yield gone[column], None


def put(cursor: Any, positions: Sequence[Position]) -> None:
    """Set them to where they were when that was read."""
    for position in positions:
        value = f"{literal(position.address)}, {position.last}, {position.is_given}"
        cursor.execute(f"SELECT pg_catalog.setval({value})".replace("%", "%%"))


def put_forward(cursor: Any, before: dict[int, Position]) -> None:
    """Let each of them go on after what it has given out."""
    put(cursor, [behind.before for behind in set_back(cursor, before) if behind.now])
