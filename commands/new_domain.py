"""The files of a new domain: small, complete, and made to be changed."""

from __future__ import annotations

from string import Template

INIT = '''"""$Title: say here what this domain is for."""

from domains import ALL, Domain

from . import models, rules, seeds


def register(domain: Domain) -> None:
    """Register $title."""
    domain.models(models.$Model)
    # a name is unique, whatever the letter case
    domain.index(models.$Model, "lower(name)", unique=True, name="${table}_name_key")
    domain.sql(rules.CREATED_AT_IS_FIXED)
    # nobody but the owner may do what is not said here
    domain.access(models.$Model, "app", select=ALL, insert=ALL, update=ALL, delete=True)
    domain.access(models.$Model, "report", select=ALL)
    domain.permissions("$table.read", "$table.write")
    domain.seed(seeds.first_rows)
'''
MODELS = '''"""The tables of $title."""

from enum import StrEnum

from domains import EnumField, LineField, TimestampedModel


class ${Model}Status(StrEnum):
    """Whether it is in use."""

    ACTIVE = "active"
    RETIRED = "retired"


class $Model(TimestampedModel):
    """Say here what one row is."""

    name = LineField(help_text="What people call it.")
    status = EnumField(
        ${Model}Status,
        default=${Model}Status.ACTIVE,
        help_text="In use (active) or kept for its history (retired).",
    )

    class Meta:
        table_name = "$table"
'''
RULES = '''"""What the database refuses about $title."""

from domains import fixed

# A trigger that PostgreSQL runs, whoever writes: when a row was made is never changed.
CREATED_AT_IS_FIXED = fixed("${table}_created_at_is_fixed", "$table", "created_at")
'''
SEEDS = '''"""The first rows of $title."""

from domains import Seeder

from .models import $Model


def first_rows(seeder: Seeder) -> None:
    """Seed what every installation has; a row that is there already stays as it is."""
    seeder.ensure($Model, [{"name": "Example"}], key="name")
'''
# What SQL keeps for itself, of what ends with an s; and what models.py has already.
RESERVED = ("cross", "references")
IMPORTED = ("EnumField", "LineField", "StrEnum", "TimestampedModel")
FILES = {"__init__.py": INIT, "models.py": MODELS, "rules.py": RULES, "seeds.py": SEEDS}


def table_name(name: str) -> str:
    """The table of a domain of that name: its plural."""
    table = name if name.endswith("s") else f"{name}s"
    return f"{table}_rows" if table in RESERVED else table


def domain_files(name: str) -> dict[str, str]:
    """File name to text. name: in small letters, a Python identifier."""
    single = name if name.endswith("ss") else name.removesuffix("s") or name
    title = name.replace("_", " ").strip()
    model = "".join(word.capitalize() for word in single.split("_"))
    names = {
        "title": title,
        "Title": title[0].upper() + title[1:],
        "Model": model if model not in IMPORTED else f"{model}Row",
        "table": table_name(name),
    }
    return {file: Template(text).substitute(names) for file, text in FILES.items()}
