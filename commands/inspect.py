"""Models from a database that is there."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.base import here
from commands.domain import refuse_no_name, refuse_taken, write_domain
from commands.task import command
from engine.errors import Refused
from engine.wording import counted, few, one_line
from project import PROJECT

if TYPE_CHECKING:
    import registry
    from engine.schema.model import Schema


@command(
    example="invoke inspect shop",
    positional=["name"],
    help={"name": "What the new domain is called, in small letters."},
)
def inspect(c: Context, name: str) -> None:
    """Write a domain that states what the database holds."""
    import registry
    from engine.connect.connection import connect
    from engine.drift.beyond import grantees
    from engine.generate.completion import without_path
    from engine.schema import catalog, own_sql
    from engine.schema.quoting import name as name_of
    from engine.unmanaged.listing import unmanaged
    from inspection.package import package

    registered = registry.load()
    refuse_no_name(name)
    refuse_taken(name, registered)
    project = here()
    with closing(connect(project, autocommit=True)) as connection:
        schema = catalog.read(connection)
        left_alone = unmanaged(connection)
        database = str(connection.info.dbname)
        with connection.cursor() as cursor:
            unnamed = grantees(cursor, project.roles or {}).values()
            pathless = without_path(cursor)
            place = name_of(own_sql.place(connection).name)
    _refuse_stated(schema, registered, database)
    shared = [title for kind, title, _ in registered.shared.objects() if kind == "function"]
    _refuse_unshared([title for title in shared if title not in schema.functions], database)
    made = package(schema, database, shared)
    write_domain(name, made.files)
    tables = counted(len(schema.tables), "table")
    _tell_left_out([*made.left_out, *left_alone], unnamed, name)
    print(f"It states {tables}. Look through it, then run: invoke generate {name}")
    if pathless:
        print("Functions get the path under which they were made. Before adopt, run in psql:")
        for function in pathless:
            print(f"  ALTER ROUTINE {function} SET search_path = {place}, pg_temp;")
    print("Then take the database over, which has all that: invoke adopt NUMBER")


def _tell_left_out(unstated: Iterable[str], unnamed: Iterable[str], name: str) -> None:
    """Print what the domain of that name does not state. unnamed: the roles that nobody named."""
    for text in unstated:
        print(f"left out, as no domain states such a thing: {text}")
    for role in unnamed:
        text = (
            f"left out, as no abstract role stands for it: what {role} was granted; if the domain "
            f"shall grant that, name it in {PROJECT.settings.roles}=NAME:{role}, remove "
            f"domains/{name}, and run this again"
        )
        print(text)


def _refuse_unshared(missing: list[str], database: str) -> None:
    """Raise Refused where the functions that all domains share are not there: in one file with the
    tables, that file could neither be applied nor taken over."""
    if missing:
        raise Refused(
            f"the database {one_line(database)} lacks what all domains share: {few(missing)}.",
            why="Nothing was written.",
            fix="run `invoke generate shared` and `invoke migrate`, which touch no table; then run "
            "this again.",
        )


def _refuse_stated(schema: Schema, registered: registry.Registry, database: str) -> None:
    """Raise Refused where there is nothing, or where domains state tables of it already."""
    if not schema.tables:
        raise Refused(
            f"the database {one_line(database)} has no tables.",
            why="Nothing was written.",
            fix="name another database in DATABASE_URL, or its schema in search_path.",
        )
    stated = []
    for domain in registered.domains:
        for model in domain.tables:
            if model._meta.table_name in schema.tables:
                stated.append(f"{model._meta.table_name} ({domain.name})")
    if stated:
        raise Refused(
            f"domains state {counted(len(stated), 'table')} of {one_line(database)} already: "
            f"{few(stated)}.",
            why="A table belongs to one domain. Nothing was written.",
            fix="name another database in DATABASE_URL; what is not as the domains state it, "
            "`invoke check --live` shows.",
        )
