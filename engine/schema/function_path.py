"""The search_path under which files run, and which the functions that they make carry.

A function without a path of its own looks its tables up in that of its caller, where pg_temp comes
first: after `CREATE TEMP TABLE entries …` a trigger that looks entries up asks the caller's table,
and believes it. In a file it is written as `SET search_path FROM CURRENT`, so that the file
works in any schema; the catalogs have the path itself, with the schema's name, and what is read of
them is brought back to those words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.schema import own_sql, trust

# Where an extension lies; its operators are found by their names alone.
OTHERS = f"""
    SELECT quote_ident(n.nspname) FROM pg_namespace n
    WHERE n.oid <> t.oid AND {trust.LOOKED_UP} ORDER BY n.nspname
"""
SCHEMAS = (
    f"SELECT quote_ident(t.nspname), ARRAY({OTHERS}) FROM pg_namespace t WHERE t.oid = %(here)s"
)
# pg_temp comes last, or a temporary table would be taken for one of the schema's.
FILES_PATH = f"""
    SELECT array_to_string(quote_ident(t.nspname) || ARRAY({OTHERS}) || 'pg_temp'::text, ', ')
    FROM pg_namespace t WHERE t.oid = %(here)s
"""
# For whoever has nothing but SQL.
PIN = "SELECT set_config('search_path', ({}), false)".format(
    FILES_PATH.replace("%(here)s", "quote_ident(current_schema())::regnamespace")
)
FROM_CURRENT = "SET search_path FROM CURRENT"
# As pg_get_functiondef prints it, before the body.
PRINTED = re.compile(r"^ SET search_path TO '.*?'$", re.MULTILINE | re.DOTALL)
TEMPORARY = "pg_temp"


def files_path(connection: Any) -> str:
    """The search_path under which files run: the schema, those of the extensions, pg_temp."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, FILES_PATH)
        path: str = cursor.fetchone()[0]
        return path


@dataclass(frozen=True)
class FilesPath:
    """schema: the one that the files are for. extensions: the other schemas that extensions are in.
    All are quoted where they need it, as PostgreSQL keeps them in a setting."""

    schema: str
    extensions: Sequence[str]

    @property
    def text(self) -> str:
        """The path itself."""
        return ", ".join([self.schema, *self.extensions, TEMPORARY])

    def carried(self, setting: str) -> bool:
        """Whether a function's search_path is that of the run that made it: an extension may have
        come since, in a schema that the function has no use for."""
        extensions = "|".join(map(re.escape, self.extensions))
        between = rf"(?:,\s*(?:{extensions}))*" if extensions else ""
        path = rf"{re.escape(self.schema)}{between},\s*{TEMPORARY}"
        return bool(re.fullmatch(path, setting))

    def definition(self, text: str, setting: str | None) -> str:
        """What pg_get_functiondef says of a function with that search_path, as a file has it."""
        if setting is None or not self.carried(setting):
            return text
        return PRINTED.sub(f" {FROM_CURRENT}", text, count=1)
