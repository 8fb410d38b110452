"""What a database is for: `production`, `staging`, … The database knows it by a row in a table of
ours, which every owner may write (a setting of the database needs a superuser), or by such a
setting; the process knows it by an environment variable. Where either says production, it is."""

from __future__ import annotations

import os
from typing import Any

from engine.errors import ConfigError
from engine.project import Project
from engine.schema import own_sql, trust
from engine.schema.own_tables import ENVIRONMENT_TABLE, HISTORY_TABLE

PRODUCTION, STAGING = "production", "staging"
KNOWN = (PRODUCTION, STAGING, "development", "test")
# A database may hold many schemas with a history each, and is a production one as a whole. What a
# role has put there that may create counts only where one trusts it: a policy of its table would
# run with the rights of whoever reads. Who may not create in the schema believes whoever has made
# the history.
TABLES = f"""
    SELECT format('SELECT name FROM %%I.%%I', n.nspname, c.relname) AS query, o.rolname AS owner,
           n.oid = %(here)s AS is_here, {trust.TRUSTED} OR n.oid = %(here)s
               AND NOT has_schema_privilege(n.oid, 'CREATE') AND c.relowner = (
                   SELECT relowner FROM pg_class
                   WHERE relname = %(history)s AND relnamespace = n.oid) AS is_believed
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_roles o ON o.oid = c.relowner
    WHERE c.relname = %(table)s AND c.relkind = 'r'
      AND (n.oid = %(here)s OR has_schema_privilege(n.oid, 'USAGE')
           AND has_table_privilege(c.oid, 'SELECT'))
"""
SAID = f"""
    WITH tables AS MATERIALIZED ({TABLES})
    SELECT current_setting(%(parameter)s, true),
           ARRAY(SELECT query FROM tables WHERE is_believed ORDER BY is_here DESC),
           (SELECT owner::text FROM tables WHERE is_here AND NOT coalesce(is_believed, false)
            AND has_schema_privilege(%(here)s::oid, 'CREATE'))
"""


def of_process(project: Project) -> str:
    """What the process's environment says; empty where it says nothing.

    Raises ConfigError for a word that is none of KNOWN: `prod` would silently not be production.
    """
    setting = project.settings.environment
    return known(os.environ.get(setting, ""), setting)


def known(word: str, setting: str) -> str:
    """The word in small letters, or empty. Raises ConfigError where it is none of KNOWN."""
    plain = word.strip().lower()
    if plain and plain not in KNOWN:
        raise ConfigError(
            f"{setting} is {word.strip()!r}, which is not the name of an environment.",
            why="A slip would take the protection from a production database.",
            fix=f"write one of {', '.join(KNOWN)}.",
        )
    return plain


def is_production(cursor: Any, project: Project) -> bool:
    """Whether the database, or the process, says that it is a production one. cursor: psycopg2."""
    return of_process(project) == PRODUCTION or PRODUCTION in words(cursor, project)


def words(cursor: Any, project: Project) -> set[str]:
    """What the process and the database say that it is for. cursor: psycopg2.

    Raises HistoryError where the table in the schema is another role's.
    """
    said = {of_process(project)}
    names = {"parameter": project.settings.parameter, "table": ENVIRONMENT_TABLE}
    own_sql.fetch(cursor, SAID, names | {"history": HISTORY_TABLE})
    setting, queries, stranger = cursor.fetchone()
    if stranger:
        what = f"belongs to the role {stranger}"
        raise trust.unbelieved(cursor, ENVIRONMENT_TABLE, what, stranger)
    said.add((setting or "").strip().lower())
    if queries:
        own_sql.fetch(cursor, " UNION ALL ".join(queries).replace("%", "%%"))
        said |= {name for (name,) in cursor.fetchall()}
    return said - {""}
