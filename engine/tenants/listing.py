"""Which tenants a database has, and where each stands.

A tenant is a schema with a history in which a file of ours is: what was run there says so, and no
register of its own could say otherwise. Two questions to the server answer for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from psycopg2 import errors

from engine.citus.cluster import is_citus
from engine.errors import HistoryError, NoSuchTenant, Refused
from engine.files import history, history_table, migration_folder, own_table
from engine.files.history import History
from engine.files.migration_file import Migration
from engine.files.unfinished import Unfinished, unfinished
from engine.files.version_control import Repository
from engine.project import Project
from engine.schema import own_sql
from engine.schema.own_sql import Place
from engine.schema.own_tables import HISTORY_TABLE, JOURNAL_TABLE
from engine.tenants.schemas import ANY, has_schema, whole_database
from engine.wording import few

# Each table that is read costs two locks until the query is over, and the server has some 6,400.
PORTION = 1000
# In blocks, as the last VACUUM or ANALYZE has them: to ask for the files themselves takes a lock on
# every table, for which a migration that runs lets us wait, and seconds where tables are many.
SIZES = """
    SELECT c.relnamespace, sum(greatest(c.relpages, 0)::bigint
                               + greatest(coalesce(t.relpages, 0), 0)::bigint)
                           * current_setting('block_size')::bigint
    FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
    WHERE c.relnamespace = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'm', 'i', 'S')
    GROUP BY 1
"""
# On Citus the rows are on the nodes, and here is next to nothing.
SIZES_ON_NODES = """
    SELECT c.relnamespace, sum(s.shard_size)
    FROM pg_catalog.citus_shards s JOIN pg_class c ON c.oid = s.table_name
    WHERE c.relnamespace = ANY (%(schemas)s::oid[])
    GROUP BY 1
"""
# Which any role may ask, and a role of an application may not read a history.
HISTORIES = f"""
    SELECT count(*) FROM pg_class WHERE relname = '{HISTORY_TABLE}' AND relkind = 'r'
"""
TRIES = 3


@dataclass(frozen=True)
class Tenant:
    """A schema that has had files of ours. history: None where it cannot be believed; fault says
    why then. size_bytes: of its tables and indexes, as the server last counted it; None where
    nobody asked."""

    place: Place
    history: History | None
    fault: str = ""
    size_bytes: int | None = None

    @property
    def name(self) -> str:
        """The name of the schema, which is that of the tenant."""
        return self.place.name

    @property
    def applied(self) -> int:
        """How many files it has had."""
        return len(self.history.recorded) if self.history else 0

    @property
    def pending(self) -> int:
        """How many files are waiting."""
        return len(self.history.pending) if self.history else 0

    @property
    def problems(self) -> list[str]:
        """What keeps files from running there."""
        return [self.fault] if self.history is None else list(map(str, self.history.problems))

    def believed(self) -> Tenant:
        """The tenant itself. Raises Refused where its history cannot be believed: nothing may run
        there then."""
        if self.history is None:
            raise Refused(self.fault, why="Nothing was run.")
        return self

    def as_json(self) -> dict[str, Any]:
        """What `tenants --json` prints of it."""
        value = {
            "tenant": self.name,
            "applied": self.applied,
            "pending": self.pending,
            "problems": self.problems,
        }
        return value if self.size_bytes is None else {**value, "size_bytes": self.size_bytes}


def read(project: Project, *, sizes: bool = False) -> list[Tenant]:
    """All tenants of the database, by name. sizes: whether to say how large they are.

    Schemas that the role may not read are none of its tenants. Raises what reading the files does.
    """
    with whole_database(project) as cursor:
        tenants = _steady(cursor, project)
        return _with_sizes(cursor, tenants) if sizes else tenants


def are_many(project: Project) -> bool:
    """Whether more than one schema of the database has a history, be it ours or not."""
    with whole_database(project) as cursor:
        own_sql.fetch(cursor, HISTORIES)
        ((number,),) = cursor.fetchall()
    return int(number) > 1


def find(project: Project, name: str) -> Tenant | None:
    """The tenant of that name, if there is one. The others are not looked at: of a thousand that
    takes seconds. Raises Refused where what its schema says cannot be believed."""
    with whole_database(project) as cursor:
        for tenant in _steady(cursor, project, name):
            return tenant.believed()
    return None


def gone(project: Project, tenant: Tenant) -> NoSuchTenant | None:
    """What to tell of a tenant that somebody has dropped since it was listed; None where it is
    there."""
    with whole_database(project) as cursor:
        if has_schema(cursor, tenant.name):
            return None
    return NoSuchTenant("it was dropped meanwhile.", why="Nothing was run there.")


def named(project: Project, name: str) -> Tenant:
    """The tenant of that name. Raises NoSuchTenant where there is none, with those that are
    like it, and what find() raises."""
    if tenant := find(project, name):
        return tenant
    names = [tenant.name for tenant in read(project)]
    like = get_close_matches(name, names, n=3) or names
    there = f"There are: {few(like)}." if names else "The database has no tenants."
    raise NoSuchTenant(
        f"there is no tenant {name!r}.",
        why=f"{there} A tenant is a schema that has had a migration.",
        fix=f"correct the name, or make it: {project.task('tenants.add', 'NAME')}",
    )


def _steady(cursor: Any, project: Project, only: str | None = None) -> list[Tenant]:
    """What is there; a schema that is dropped between the two questions is not."""
    migrations = migration_folder.find(project.migrations)
    for left in reversed(range(TRIES)):
        try:
            return _tenants(cursor, migrations, project, only)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            if not left:
                raise
    raise AssertionError


def _tenants(
    cursor: Any, migrations: Sequence[Migration], project: Project, only: str | None
) -> list[Tenant]:
    tables = own_table.everywhere(cursor, HISTORY_TABLE, only)
    ours: list[Place] = []
    tenants: list[Tenant] = []
    for place, columns in tables.items():
        if isinstance(columns, HistoryError):
            tenants.append(Tenant(place, None, f"{columns.what} {columns.fix}".strip()))
        elif columns >= history_table.NEEDED:
            ours.append(place)
    rows = _rows(cursor, ours)
    unfinished = _unfinished(cursor, only)
    repository = Repository(replace(project, tenant=only or ANY))
    for place in ours:
        if _is_ours(rows[place], migrations):
            joined = history.joined(migrations, rows[place], repository, unfinished.get(place, ()))
            tenants.append(Tenant(place, joined))
    return sorted(tenants, key=lambda tenant: tenant.name)


def _is_ours(rows: Sequence[dict[str, Any]], migrations: Sequence[Migration]) -> bool:
    """Whether a file of ours is in the history: another program in the same database has its own
    files, and a table of the same name. Without any files nobody can tell."""
    files = {migration.name for migration in migrations}
    files |= {migration.checksum for migration in migrations}
    recorded = {row["name"] for row in rows} | {row.get("checksum") for row in rows}
    return bool(recorded & files if files else recorded)


def _rows(cursor: Any, places: Sequence[Place]) -> dict[Place, list[dict[str, Any]]]:
    """The rows of the history of each, in the order of their making."""
    rows: dict[Place, list[dict[str, Any]]] = {place: [] for place in places}
    for place, row in _from_each(cursor, places, HISTORY_TABLE):
        rows[place].append(row)
    return {place: history_table.in_order(of_one) for place, of_one in rows.items()}


def _unfinished(cursor: Any, only: str | None) -> dict[Place, tuple[Unfinished, ...]]:
    """The files that stopped in the middle, where there are any."""
    tables = own_table.everywhere(cursor, JOURNAL_TABLE, only)
    places = [place for place, columns in tables.items() if isinstance(columns, set)]
    steps: dict[Place, list[tuple[str, bool]]] = {place: [] for place in places}
    for place, row in _from_each(cursor, places, JOURNAL_TABLE):
        steps[place].append((row["name"], row["done"]))
    return {place: unfinished(of_one) for place, of_one in steps.items()}


def _from_each(cursor: Any, places: Sequence[Place], table: str) -> list[tuple[Place, Any]]:
    """(where, row) of every row of that table in each of these schemas. OFFSET keeps PostgreSQL
    from pulling all of them into one plan, whose making takes the square of their number: of the
    server's time it was two thirds with a thousand."""
    rows: list[tuple[Place, Any]] = []
    for start in range(0, len(places), PORTION):
        portion = {place.oid: place for place in places[start : start + PORTION]}
        selects = [
            f"(SELECT {oid}, to_jsonb(h) FROM {place.of(table)} h OFFSET 0)".replace("%", "%%")
            for oid, place in portion.items()
        ]
        own_sql.fetch(cursor, " UNION ALL ".join(selects))
        rows += [(portion[oid], row) for oid, row in cursor.fetchall()]
    return rows


def _with_sizes(cursor: Any, tenants: Sequence[Tenant]) -> list[Tenant]:
    sizes = dict.fromkeys([tenant.place.oid for tenant in tenants], 0)
    for query in (SIZES, SIZES_ON_NODES) if is_citus(cursor) else (SIZES,):
        own_sql.fetch(cursor, query, {"schemas": list(sizes)})
        for oid, size in cursor.fetchall():
            sizes[oid] += int(size)
    return [replace(tenant, size_bytes=sizes[tenant.place.oid]) for tenant in tenants]
