"""What a role that may create in a schema plants there, for others to meet by its name: functions,
operators and views for the names in the SQL that a server has logged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice, product
from pathlib import Path

import psycopg2

from tests.support.databases import as_superuser, execute, name_of, query
from tests.support.postgres import PostgresServer

# A call with just these types prefers the planted one to PostgreSQL's own, which has to convert.
SIBLINGS = {
    "text": ("character varying", "name"),
    "name": ("text", "character varying"),
    "character varying": ("text", "name"),
    "oid": ("regclass", "bigint", "integer"),
    "regclass": ("oid",),
    "integer": ("smallint", "bigint"),
    "bigint": ("integer",),
    "oid[]": ("integer[]", "bigint[]"),
    '"any"': ("text", "name"),
    "anyelement": ("text", "name"),
    "anyarray": ("text[]", "name[]"),
    "anynonarray": ("text", "name"),
}
PAIRS = [
    *(("name", "text"), ("text", "name"), ("name", "character varying")),
    *(("text", "character varying"), ("character varying", "text")),
    *(("oid", "integer"), ("oid", "bigint"), ("oid", "regclass"), ("regclass", "oid")),
    *(('"char"', "text"), ("text", '"char"'), ("bigint", "oid"), ("name", "name[]")),
    *(("text", "text"), ("oid", "oid"), ("name", "name"), ("integer", "integer")),
]
OVERLOADS = """
    SELECT DISTINCT oidvectortypes(proargtypes), proname::text FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (%s) AND pronargs <= 4
    ORDER BY 2, 1
"""
OWN_TYPES = """
    SELECT typname FROM pg_catalog.pg_type
    WHERE typnamespace = 'pg_catalog'::pg_catalog.regnamespace
"""
# PostgreSQL's own operators take any enum, so one that takes just that type is preferred.
ENUMS = """
    SELECT format('%I.%I', nspname, typname)
    FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace
    WHERE typtype = 'e' AND nspname = '{}' ORDER BY 1
"""
BODY = "LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'SIGN: %'; RETURN NULL; END $$"
# No rollback takes a number back. Whoever may not write has the attempt in the log.
COUNTER = "planted_counter"
COUNTED = f"pg_catalog.nextval('public.{COUNTER}'::pg_catalog.regclass)"
READ_ONLY = "cannot execute nextval() in a read-only transaction"
QUIET = (
    f"CREATE TABLE public.planted (i int DEFAULT {COUNTED} CHECK ({COUNTED} > 0), t text)",
    "ALTER TABLE public.planted ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE public.planted FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY planted ON public.planted USING ({COUNTED} > 0) WITH CHECK (true)",
    "INSERT INTO public.planted (t) VALUES ('x')",
    f"CREATE RULE planted AS ON INSERT TO public.planted DO ALSO SELECT {COUNTED}",
    f"CREATE VIEW public.planted_view AS SELECT {COUNTED} AS id",
    f"CREATE MATERIALIZED VIEW public.planted_rows AS SELECT {COUNTED} AS id",
    "CREATE STATISTICS public.planted_statistics (ndistinct) ON i, t FROM public.planted",
    "SELECT pg_catalog.lo_from_bytea(0, '\\x00')",
    "ALTER TABLE public.planted SET (autovacuum_enabled = off)",
)
MOST = 8
"""Variants of one signature."""


class Log:
    """What a server writes down from now on, with all statements of one database."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self.path = Path(server.home, "log")
        self.begin = self.path.stat().st_size
        self.sign = sign(url)
        name = name_of(url)
        execute(as_superuser(url), f"ALTER DATABASE {name} SET log_statement = 'all'")

    def text(self) -> str:
        """All of it."""
        return self.path.read_bytes()[self.begin :].decode(errors="replace")


def sign(url: str) -> str:
    """What the log says where something runs that was planted in that database; others have the
    same log."""
    return f"planted code of {name_of(url)} runs"


def plant(url: str, statements: str, schema: str = "public") -> int:
    """Plant for every name in the statements, as the role of the URL (how many were)."""
    words = set(re.findall(r"\b([a-z_]\w*)\s*\(", statements))
    operators = set(re.findall(r"(?<![\w'(])\s([-+*/<>=~!@#%^&|?]{1,3})\s", statements))
    relations = set(re.findall(r"\b(?:FROM|JOIN)\s+(pg_\w+)", statements))
    types = set(re.findall(r"::\s*\"?([a-z_]\w*)", statements))
    types |= set(re.findall(r"\bAS ([a-z_]\w*)\)", statements)) | {"regclass"}
    overloads = _overloads(url, words)
    enums = [kind for (kind,) in query(url, ENUMS.format(schema))]
    count = 0
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in (
            *_statements(overloads, words, operators, relations, enums),
            *_types(types),
        ):
            try:
                there = statement.replace("public.", f"{schema}.")
                cursor.execute(there.replace("SIGN", sign(url)))
                count += 1
            except psycopg2.Error:
                continue  # what PostgreSQL does not let anybody make
    return count


def plant_quietly(url: str, statements: str) -> int:
    """The same without any function or operator, which the engine looks for: views, domains and a
    table with rows, whose expressions call PostgreSQL's own functions alone (how many were)."""
    relations = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(pg_\w+)", statements))
    types = set(re.findall(r"::\s*\"?([a-z_]\w*)", statements)) | {"regclass", "text"}
    texts = [f"CREATE SEQUENCE public.{COUNTER}", *QUIET]
    texts += [f"CREATE VIEW public.{name} AS SELECT {COUNTED} AS oid" for name in sorted(relations)]
    own = {name for (name,) in query(url, OWN_TYPES)}
    for name in sorted(types & own):
        texts.append(
            f'CREATE DOMAIN public."{name}" AS pg_catalog.text CHECK ({COUNTED} IS NOT NULL)'
        )
    count = 0
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        for text in texts:
            with suppress(psycopg2.Error):  # what PostgreSQL does not let anybody make
                connection.cursor().execute(text)
                count += 1
    return count


def counted(url: str) -> int:
    """How often something of that has been run; by its owner, too."""
    (row,) = query(url, f"SELECT last_value FROM public.{COUNTER}")
    return int(row[0])


def _overloads(url: str, words: set[str]) -> list[tuple[str, str]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(OVERLOADS, (sorted(words),))
        return [(name, arguments) for arguments, name in cursor.fetchall()]


def _statements(
    overloads: list[tuple[str, str]],
    words: set[str],
    operators: set[str],
    relations: set[str],
    enums: list[str],
) -> Iterator[str]:
    for name, arguments in overloads:
        types = arguments.split(", ") if arguments else []
        choices = [(kind, *SIBLINGS.get(kind, ())) for kind in types]
        for chosen in islice(product(*choices), MOST):
            yield _function(name, ", ".join(chosen))
    for name in sorted(words):
        yield _function(name, "")
        yield _function(name, "text")
    for symbol in sorted(operators):
        alike = enums if symbol in ("=", "<>") else []
        for left, right in [*PAIRS, *((kind, kind) for kind in alike)]:
            yield (
                f"CREATE FUNCTION public.operator_(a {left}, b {right}) RETURNS boolean "
                + BODY.replace("%", f"operator {symbol.replace('%', '%%')} of {left} and {right}")
            )
            yield (
                f"CREATE OPERATOR public.{symbol} (FUNCTION = public.operator_, LEFTARG = {left}, "
                f"RIGHTARG = {right})"
            )
    yield f"CREATE FUNCTION public.seen() RETURNS oid {BODY.replace('%', 'a view')}"
    for name in sorted(relations):
        yield f"CREATE VIEW public.{name} AS SELECT public.seen() AS oid"
        for event in ("INSERT", "UPDATE", "DELETE"):
            yield (
                f"CREATE RULE {event.lower()}_ AS ON {event} TO public.{name}"
                " DO INSTEAD SELECT public.seen()"
            )


def _types(names: set[str]) -> Iterator[str]:
    """A domain for each type, whose CHECK runs at a cast; and casts, which PostgreSQL lets only the
    owner of one of the two types make."""
    yield (
        "CREATE FUNCTION public.typed(pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS $$"
        " BEGIN RAISE LOG 'SIGN: a type'; RETURN true; END $$"
    )
    for name in sorted(names):
        yield (f'CREATE DOMAIN public."{name}" AS pg_catalog.text CHECK (public.typed(VALUE))')
        for other in ("integer", "oid", "regclass"):
            for how in ("IMPLICIT", "ASSIGNMENT"):
                yield f'CREATE CAST ({other} AS pg_catalog."{name}") WITH INOUT AS {how}'


def _function(name: str, types: str) -> str:
    body = BODY.replace("%", f"{name}({types})".replace("'", "''"))
    return f'CREATE FUNCTION public."{name}"({types}) RETURNS text {body}'


def met(log: Log) -> list[str]:
    """What of that has been run."""
    return re.findall(rf"LOG:  {log.sign}: (.*)", log.text())
