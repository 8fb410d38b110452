"""A schema of any size as four tools state it: for every 32 tables 15 enums, 45 foreign keys, 75
indexes and 32 triggers, which is about what the billing schema has."""

from __future__ import annotations

ENUMS_OF_32 = 15
SECOND_KEYS_OF_32 = 14
NAME_INDEXES_OF_32 = 30


def has_enum(number: int) -> bool:
    """Whether the table has an ENUM of its own."""
    return number % 32 < ENUMS_OF_32


def parents(number: int) -> list[tuple[str, int]]:
    """(column, number of the table) of each foreign key; the first table has none."""
    if number == 0:
        return []
    keys = [("previous", number - 1)]
    if number % 32 < SECOND_KEYS_OF_32:
        keys.append(("origin", number // 2))
    return keys


def has_name_index(number: int) -> bool:
    """Whether names are searched for."""
    return number % 32 < NAME_INDEXES_OF_32


def peewee_domain(tables: int, extras: int = 0) -> str:
    """The `__init__.py` of a domain that registers the tables. extras: how many columns the small
    files have added."""
    lines = [
        '"""The sample schema."""',
        "from enum import StrEnum",
        "from peewee import ForeignKeyField, IntegerField, TextField",
        "from domains import BaseModel, Domain, EnumField, MoneyField, TimestampedModel",
        "MODELS = []",
    ]
    for number in range(tables):
        if has_enum(number):
            lines += [f"class State{number}(StrEnum):", "    NEW = 'new'", "    DONE = 'done'"]
        lines += [f"class Thing{number}(TimestampedModel):", "    code = TextField(unique=True)"]
        lines.append(f"    name = TextField(index={has_name_index(number)})")
        lines.append("    note = TextField(null=True)")
        lines.append("    amount = MoneyField()")
        if has_enum(number):
            lines.append(f"    state = EnumField(State{number})")
        for column, parent in parents(number):
            lines.append(
                f"    {column} = ForeignKeyField(Thing{parent}, null=True, on_delete='RESTRICT', "
                f"backref='{column}_of_{number}')"
            )
        for extra in range(extras):
            if extra % 32 == number:
                lines.append(f"    extra_{extra} = IntegerField(null=True)")
        lines += ["    class Meta:", f"        table_name = 'thing_{number}'"]
        lines.append(f"MODELS.append(Thing{number})")
    lines += ["def register(domain: Domain) -> None:", "    domain.models(*MODELS)", ""]
    return "\n".join(lines)


def django_models(tables: int) -> str:
    """The `models.py` of an application."""
    lines = ["from django.db import models"]
    for number in range(tables):
        lines += [
            f"class Thing{number}(models.Model):",
            "    code = models.TextField(unique=True)",
            f"    name = models.TextField(db_index={has_name_index(number)})",
            "    note = models.TextField(null=True)",
            "    amount = models.BigIntegerField()",
            "    created_at = models.DateTimeField()",
            "    updated_at = models.DateTimeField()",
        ]
        if has_enum(number):
            lines.append("    state = models.CharField(max_length=10)")
        for column, parent in parents(number):
            lines.append(
                f"    {column} = models.ForeignKey('Thing{parent}', models.RESTRICT, null=True, "
                "related_name='+')"
            )
        lines += ["    class Meta:", f"        db_table = 'thing_{number}'"]
    return "\n".join([*lines, ""])


def alchemy_models(tables: int) -> str:
    """The `models.py` that Alembic's env.py imports."""
    lines = [
        "import sqlalchemy as sa",
        "from sqlalchemy.orm import DeclarativeBase",
        "class Base(DeclarativeBase):",
        "    pass",
    ]
    for number in range(tables):
        lines += [
            f"class Thing{number}(Base):",
            f"    __tablename__ = 'thing_{number}'",
            "    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)",
            "    code = sa.Column(sa.Text, nullable=False, unique=True)",
            f"    name = sa.Column(sa.Text, nullable=False, index={has_name_index(number)})",
            "    note = sa.Column(sa.Text)",
            "    amount = sa.Column(sa.BigInteger, nullable=False)",
            "    created_at = sa.Column(sa.DateTime(timezone=True), nullable=False)",
            "    updated_at = sa.Column(sa.DateTime(timezone=True), nullable=False)",
        ]
        if has_enum(number):
            lines.append(
                f"    state = sa.Column(sa.Enum('new', 'done', name='state{number}'), "
                "nullable=False)"
            )
        for column, parent in parents(number):
            lines.append(
                f"    {column}_id = sa.Column(sa.ForeignKey('thing_{parent}.id'), index=True)"
            )
    return "\n".join([*lines, ""])


def triggers(tables: int) -> list[str]:
    """What the two that know no triggers are given by hand."""
    function = (
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.updated_at := now(); RETURN NEW; END'"
    )
    return [function] + [
        f"CREATE TRIGGER thing_{number}_touch BEFORE UPDATE ON thing_{number} FOR EACH ROW "
        "WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch()"
        for number in range(tables)
    ]


def small_files(count: int) -> list[str]:
    """One short statement for each of many further migrations."""
    return [
        f"ALTER TABLE thing_{number % 32} ADD COLUMN extra_{number} integer"
        for number in range(count)
    ]
