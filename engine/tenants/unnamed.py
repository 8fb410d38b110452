"""The schema that is meant where nobody has named one, in a database whose providers are tenants.

Files that run there make one provider more, of 32 tables, which nobody wanted who forgot an option;
and outside of every tenant's block an application has that provider's rows.
"""

from __future__ import annotations

from contextlib import closing

from engine.connect.connection import connect
from engine.errors import Refused
from engine.project import Project
from engine.schema import own_sql
from engine.schema.own_tables import HISTORY_TABLE
from engine.tenants import listing
from engine.wording import counted, few

# Where the role, the database or the URL has a search_path of its own, somebody has named a schema.
NEW = f"""
    SELECT FROM pg_settings
    WHERE name = 'search_path' AND reset_val = boot_val
      AND NOT EXISTS (SELECT FROM pg_class
                      WHERE relnamespace = %(here)s AND relname = '{HISTORY_TABLE}')
      AND EXISTS (SELECT FROM pg_class WHERE relname = '{HISTORY_TABLE}' AND relkind = 'r')
"""


def tenants(project: Project) -> list[str]:
    """The tenants of the database, where the schema at hand is none of them and nobody has named
    it; else none."""
    with closing(connect(project, autocommit=True)) as connection, connection.cursor() as cursor:
        own_sql.fetch(cursor, NEW)
        is_new = bool(cursor.rowcount)
    return [tenant.name for tenant in listing.read(project)] if is_new else []


def told(names: list[str]) -> str:
    """What is so of them, for a message."""
    return f"the providers of this database are {counted(len(names), 'tenant')} ({few(names)})"


def refuse(project: Project) -> None:
    """Raise Refused where files would make a provider beside the tenants without anybody having
    said where."""
    if names := tenants(project):
        raise Refused(
            f"{told(names)}, and no schema was named.",
            why="The files would make one more provider outside of them. Nothing was run.",
            fix=f"all tenants: {project.task('migrate', '--tenants')}; one of them: "
            f"{project.task('migrate', '--tenant', 'NAME')}; a new one: "
            f"{project.task('tenants.add', 'NAME')}. If public is to have one as well, name it: "
            f"add ?options=-csearch_path%3Dpublic to {project.settings.url}.",
        )
