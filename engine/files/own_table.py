"""Tables of ours in the database that is migrated: whether they are there, and may be believed.

What they say decides what is run, and with which rights. So a table counts only where nobody else
can have made it, or can have a say in what is read from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.errors import HistoryError
from engine.schema import own_sql, trust
from engine.schema.own_sql import Place
from engine.schema.own_tables import OWN_TABLES
from engine.schema.quoting import name as quoted
from engine.wording import one_line

# A role that could run no files itself only looks, and believes whoever does.
TABLES = f"""
    SELECT n.oid, n.nspname::text, c.relname::text, c.relkind = 'r', o.rolname,
           {trust.TRUSTED} OR NOT has_schema_privilege(n.oid, 'CREATE'),
           row_security_active(c.oid),
           ARRAY(SELECT format('trigger %%s', tgname) FROM pg_trigger
                 WHERE tgrelid = c.oid AND NOT tgisinternal
                 UNION ALL SELECT format('rule %%s', rulename) FROM pg_rewrite
                 WHERE ev_class = c.oid AND rulename <> '_RETURN'
                 UNION ALL SELECT format('inheritance from or to %%s', i.inhrelid::regclass)
                 FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)
                 UNION ALL SELECT format('column %%s of the type %%s', a.attname,
                                         format_type(a.atttypid, a.atttypmod))
                 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND t.typnamespace <> 'pg_catalog'::regnamespace),
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
           CASE WHEN {trust.TRUSTED_EVERYWHERE.format(o="s")} THEN '' ELSE s.rolname::text END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_roles o ON o.oid = c.relowner JOIN pg_roles s ON s.oid = n.nspowner
    WHERE c.relname = ANY (%(tables)s)
"""
TABLE = f"{TABLES} AND n.oid = %(here)s"
READABLE = f"""
    {TABLES} AND n.nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE')
    AND has_table_privilege(c.oid, 'SELECT')
    AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
"""
# Also of the sequence of a column, which goes with its table.
RIGHTS = """
    WITH ours AS MATERIALIZED (
        SELECT oid FROM pg_class WHERE relnamespace = %(here)s AND relname = ANY (%(tables)s)
    ), sequences AS MATERIALIZED (
        SELECT d.objid AS oid FROM ours JOIN pg_depend d
          ON d.refclassid = 'pg_class'::regclass AND d.refobjid = ours.oid
        WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'a'
    )
    SELECT c.relname::text, coalesce(r.rolname::text, ''), c.relkind = 'S',
           array_agg(a.privilege_type ORDER BY a.privilege_type)
    FROM (SELECT oid FROM ours UNION SELECT oid FROM sequences) one
    JOIN pg_class c ON c.oid = one.oid CROSS JOIN LATERAL aclexplode(c.relacl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE a.grantee <> c.relowner
    GROUP BY 1, 2, 3 ORDER BY 1, 2
"""
NAMES = re.compile(rf"\b(?:{'|'.join(OWN_TABLES)})\b")


class Right(NamedTuple):
    """What another role may do with a table of ours. role: empty for everybody."""

    table: str
    role: str
    rights: tuple[str, ...]

    @property
    def writes(self) -> bool:
        """Whether it may do more than read."""
        return any(right != "SELECT" for right in self.rights)

    def __str__(self) -> str:
        return f"{self.role or 'PUBLIC'} may {', '.join(self.rights)} on {self.table}"


def columns(cursor: Any, table: str) -> set[str]:
    """The names of its columns; none where there is no such table in the schema.

    Raises HistoryError where it is none of ours, or where policies may hide rows from this role:
    PostgreSQL would say nothing and give fewer rows, so that applied files seem to be pending.
    """
    return columns_of(cursor, [table])[table]


def columns_of(cursor: Any, tables: Sequence[str]) -> dict[str, set[str]]:
    """The same of several tables, in one question."""
    own_sql.fetch(cursor, TABLE, {"tables": list(tables)})
    there: dict[str, set[str]] = {table: set() for table in tables}
    for row in cursor.fetchall():
        there[row[2]] = _believed(cursor, row)
    return there


def everywhere(
    cursor: Any, table: str, schema: str | None = None
) -> dict[Place, set[str] | HistoryError]:
    """The names of its columns in every schema that has such a table which the role may read, or
    why it cannot be believed there. Nobody has named these schemas, so their owners are not
    trusted as such. schema: the only one to look at."""
    own_sql.fetch(cursor, READABLE, {"tables": [table], "schema": schema})
    tables: dict[Place, set[str] | HistoryError] = {}
    for row in cursor.fetchall():
        here = Place(*row[:2])
        try:
            _refuse_owner(cursor, here, row[-1])
            tables[here] = _believed(cursor, row)
        except HistoryError as error:
            tables[here] = error
    return tables


def _refuse_owner(cursor: Any, here: Place, owner: str) -> None:
    """Raise HistoryError where a schema has an owner who is not trusted everywhere. owner: its
    name then, else empty."""
    if owner:
        role, owner = cursor.connection.info.user, one_line(owner)
        raise HistoryError(
            f"the schema belongs to the role {owner}, so what lies there cannot be believed.",
            why=f"That role could have put anything there for {role} to run. Nothing was run.",
            fix=f"if it is yours, run ALTER SCHEMA {quoted(here.name)} OWNER TO {quoted(role)} or "
            f"use the role {owner}.",
        )


def _believed(cursor: Any, row: tuple[Any, ...]) -> set[str]:
    """The columns in a row of TABLES. Raises HistoryError as columns() does."""
    _, _, table, is_table, owner, trusted, is_hidden, strange, names, _ = row
    role = cursor.connection.info.user
    if not is_table or not trusted:
        owner = one_line(owner)
        what = f"belongs to the role {owner}" if is_table else "is not an ordinary table"
        raise trust.unbelieved(cursor, table, what, owner)
    if strange:
        raise HistoryError(
            f"{table} has what this engine never gave it: {', '.join(map(one_line, strange))}.",
            why="It could change what is read or written there. Nothing was run.",
            fix="see who made it; drop it, then run the command again.",
        )
    if is_hidden:
        raise HistoryError(
            f"row-level security hides rows of the table {table} from the role {role}.",
            why="What is applied cannot be told from the rows that are left. Nothing was run.",
            fix=f"as the owner of the table run ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, or "
            "use a role that policies do not hold for (the owner, or one with BYPASSRLS).",
        )
    return set(names)


def run(cursor: Any, statement: str, parameters: own_sql.Parameters = None) -> None:
    """Carry out a statement on tables of ours, with each of them named with its schema."""
    own_sql.run(cursor, _with_schema(cursor, statement), parameters)


def fetch(cursor: Any, query: str, parameters: dict[str, Any] | None = None) -> None:
    """Ask a query of tables of ours, with each of them named with its schema."""
    own_sql.fetch(cursor, _with_schema(cursor, query), parameters)


def create(cursor: Any, statement: str, table: str) -> None:
    """Make a table of ours, and take from others what default privileges have given them on it."""
    run(cursor, statement)
    take_from_others(cursor, [table])


def take_from_others(cursor: Any, tables: Iterable[str]) -> None:
    """Take from other roles what they may do with these tables of ours."""
    here = own_sql.place(cursor.connection)
    for name, role, is_sequence, _ in _rights(cursor, tables):
        kind = "SEQUENCE" if is_sequence else "TABLE"
        whom = quoted(role) if role else "PUBLIC"
        statement = f"REVOKE ALL ON {kind} {here.of(name)} FROM {whom}"
        own_sql.run(cursor, statement.replace("%", "%%"))


def rights(cursor: Any, tables: Iterable[str] = OWN_TABLES) -> list[Right]:
    """What other roles than the owner may do with these tables of ours."""
    return [Right(name, role, tuple(them)) for name, role, _, them in _rights(cursor, tables)]


def _rights(cursor: Any, tables: Iterable[str]) -> list[tuple[str, str, bool, list[str]]]:
    own_sql.fetch(cursor, RIGHTS, {"tables": list(tables)})
    rows: list[tuple[str, str, bool, list[str]]] = cursor.fetchall()
    return rows


def _with_schema(cursor: Any, statement: str) -> str:
    here = own_sql.place(cursor.connection)
    return NAMES.sub(lambda match: here.of(match[0]).replace("%", "%%"), statement)
