"""Another program that has the engine as a guest: a library of books, whose tasks are typed as
`python manage.py db TASK` and whose settings have other names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peewee import CharField, DateField, ForeignKeyField, Model

from engine import Project, SettingNames


class Book(Model):
    """A book on a shelf."""

    title = CharField()

    class Meta:
        table_name = "books"


class Loan(Model):
    """Who has taken a book, and until when."""

    book = ForeignKeyField(Book)
    reader = CharField()
    until = DateField()

    class Meta:
        table_name = "loans"


@dataclass
class Lending:
    """A domain of two tables, as the engine asks for one."""

    name: str = "lending"
    origin: str = "library/lending"
    tables: list[type[Model]] = field(default_factory=lambda: [Book, Loan])
    extensions: dict[str, bool] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    renames: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    privileges: list[tuple[str, str]] = field(default_factory=list)
    enums: dict[Any, str] = field(default_factory=dict)
    seeds: tuple[Any, ...] = ()

    def objects(self) -> Iterator[tuple[str, str, object]]:
        """(kind, name, what it is) of everything that it owns."""
        for model in self.tables:
            yield "table", model._meta.table_name, model


def library(root: Path, url: str) -> Project:
    """The program in a folder of its own, at a database."""
    migrations = root / "changes"
    migrations.mkdir(parents=True, exist_ok=True)
    settings = SettingNames(
        environment="LIBRARY_STAGE",
        parameter="library.stage",
        url="LIBRARY_DB",
        migration_url="LIBRARY_DB_DIRECT",
        scratch_url="LIBRARY_DB_SCRATCH",
        time_zone="LIBRARY_ZONE",
    )
    return Project(
        name="library",
        command="python manage.py db",
        root=root,
        migrations=migrations,
        data=root / "data",
        settings=settings,
        url=url,
    )
