"""The way to a right that is missing, from the catalogs: PostgreSQL says which one it is only in
words, and those may be German."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from psycopg2 import extensions

from engine.connect.scratch import is_scratch
from engine.project import Project
from engine.schema import own_sql
from engine.schema.quoting import name as quoted
from engine.sql import lexer

READING = re.compile(r"(?:SELECT|WITH|TABLE|VALUES|DECLARE|FETCH|SET)\b", re.IGNORECASE)
ON_ROWS = re.compile(
    rf"{READING.pattern}|(?:INSERT|UPDATE|DELETE|MERGE|COPY|LOCK)\b", re.IGNORECASE
)
# What only the owner of a table may do.
OWNING = re.compile(
    r"(?:ALTER|DROP|COMMENT|REINDEX|CLUSTER|CREATE\s+(?:UNIQUE\s+)?(?:INDEX|POLICY|RULE))\b",
    re.IGNORECASE,
)
EXTENSION = re.compile(
    r"CREATE\s+EXTENSION\b\s*(?:IF\s+NOT\s+EXISTS\s+)?\"?(?P<name>[\w-]*)", re.IGNORECASE
)
# Of the version that would be made. A trusted one is made by whoever may create in the database.
OF_SUPERUSERS = """
    SELECT quote_ident(a.name), current_database()::text
    FROM pg_available_extensions a JOIN pg_available_extension_versions v
      ON v.name = a.name AND v.version = a.default_version
    WHERE a.name = %(name)s AND v.superuser AND NOT v.trusted
"""
# What the role may not do all with, and whether it belongs to it.
LACKING = """
    SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
           c.relname::text, quote_ident(c.relname), pg_has_role(r.oid, c.relowner, 'USAGE'),
           CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE')
                ELSE (SELECT bool_and(has_table_privilege(r.oid, c.oid, p)) FROM unnest(ARRAY[
                      'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'
                ]) p) END
    FROM pg_class c, pg_roles r
    WHERE c.relnamespace = %(here)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND r.rolname = %(role)s
    UNION ALL
    SELECT 'SCHEMA', n.nspname::text, quote_ident(n.nspname), false, false
    FROM pg_namespace n, pg_roles r
    WHERE r.rolname = %(role)s AND NOT (has_schema_privilege(r.oid, n.oid, 'CREATE')
                                        AND has_schema_privilege(r.oid, n.oid, 'USAGE'))
    UNION ALL
    SELECT 'DATABASE', d.datname::text, quote_ident(d.datname), false, false
    FROM pg_database d, pg_roles r
    WHERE r.rolname = %(role)s AND d.datname = current_database()
      AND NOT has_database_privilege(r.oid, d.oid, 'CREATE')
"""
GENERAL = "give the role {role} the right that the message names, or run it as the owner"


@dataclass(frozen=True)
class Thing:
    """Something for which a right may be missing. kind: as GRANT calls it. sql: its name there.
    owned: whether it is the role's. granted: whether the role has every right that can be granted.
    """

    kind: str
    name: str
    sql: str
    owned: bool
    granted: bool

    def way(self, role: str, privilege: str, *, owning: bool) -> str:
        """The statement that gives the role what it lacks; empty where that is not known. owning:
        whether only the owner may do what was tried."""
        if self.kind == "DATABASE":
            return f"GRANT CREATE ON DATABASE {self.sql} TO {role}"
        if self.kind == "SCHEMA":
            return f"GRANT USAGE, CREATE ON SCHEMA {self.sql} TO {role}"
        if self.kind == "TABLE" and not self.owned and (owning or self.granted):
            return f"ALTER TABLE {self.sql} OWNER TO {role}"
        kind = "SEQUENCE " if self.kind == "SEQUENCE" else ""
        return "" if self.granted else f"GRANT {privilege} ON {kind}{self.sql} TO {role}"


def way(server: Any, role: str, connection: Any = None, *, writing: bool = False) -> str:
    """What to do about an error of the class of rights; how the sentence begins.

    server: psycopg2's error. role: whose right is missing. connection: psycopg2, to ask; without
    it, what the message and the statement both name is taken for a table. writing: whether the
    program is going to write as well.
    """
    said = server.diag.message_primary or ""
    statement = _statement(server)
    commands = lexer.commands(statement)
    privilege = "ALL" if writing or not all(map(READING.match, commands)) else "SELECT"
    grant = ""
    if connection is not None and _answers(connection):
        grant = _grant(connection, said, commands, role, privilege)
    if not grant and all(map(ON_ROWS.match, commands)):
        # There is nobody to ask, or the table has gone with the transaction that had made it.
        tables = _named(said, statement)
        grant = f"GRANT {privilege} ON {tables[-1]} TO {quoted(role)}" if tables else ""
    return f"as the owner or a superuser run `{grant}`" if grant else GENERAL.format(role=role)


def way_of_file(server: Any, role: str, connection: Any, project: Project) -> str:
    """The same, where a file lacks the right: it may make an extension."""
    extension = way_to_extension(server, connection, project.settings.scratch_url)
    return extension or way(server, role, connection)


def way_to_extension(server: Any, connection: Any, scratch_setting: str) -> str:
    """Who makes the extension that the role may not make, where only a superuser may; else empty.

    server, connection: as way() has them. scratch_setting: what names the server of scratch
    databases: these are new, and nobody can make anything in them before.
    """
    match = EXTENSION.search(_statement(server))
    if not match or not _answers(connection):
        return ""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, OF_SUPERUSERS, {"name": match["name"]})
        row = cursor.fetchone()
    if not row:
        return ""
    extension, database = row
    if is_scratch(database):
        return (
            f"only a superuser makes the extension {extension}: set {scratch_setting} to a server "
            "for scratch databases on which the role is one"
        )
    create = f"CREATE EXTENSION IF NOT EXISTS {extension}"
    return (
        f"only a superuser makes the extension {extension}: as one run `{create}` in the database "
        f"{database}, and let the file say IF NOT EXISTS, too"
    )


def _grant(connection: Any, said: str, commands: list[str], role: str, privilege: str) -> str:
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, LACKING, {"role": role})
        things = [Thing(*row) for row in cursor.fetchall()]
    thing = _last_named(said, things)
    if thing is None and any(map(EXTENSION.match, commands)):
        thing = next((thing for thing in things if thing.kind == "DATABASE"), None)
    owning = any(map(OWNING.match, commands))
    return thing.way(quoted(role), privilege, owning=owning) if thing else ""


def _last_named(said: str, things: list[Thing]) -> Thing | None:
    """What the message names; in most languages the name comes last, after the word for it."""
    best, end = None, -1
    for thing in things:
        for match in re.finditer(rf"(?<![A-Za-z0-9_$]){re.escape(thing.name)}(?![\w$])", said):
            if match.end() > end:
                best, end = thing, match.end()
    return best


def _named(said: str, statement: str) -> list[str]:
    """The names, as SQL has them, that the message and the statement have both."""
    words = []
    for piece in lexer.pieces(statement):
        if piece.lexeme in (lexer.Lexeme.WORD, lexer.Lexeme.NAME):
            words.append(statement[piece.start : piece.end].strip('"'))
    names = re.findall(r'[^\s"»«„“”]+', said)
    return [quoted(name) for name in names if name in words and quoted(name) == name]


def _statement(server: Any) -> str:
    query = getattr(server.cursor, "query", None)
    return query.decode(errors="replace") if query else ""


def _answers(connection: Any) -> bool:
    status = connection.info.transaction_status
    return not connection.closed and status in (
        extensions.TRANSACTION_STATUS_IDLE,
        extensions.TRANSACTION_STATUS_INTRANS,
    )
