"""A domain that is begun."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.new_domain import domain_files, table_name
from commands.task import command
from engine.errors import ConfigError, Refused
from project import PROJECT

if TYPE_CHECKING:
    import registry

# Leaves room for what a table's name is made part of, within PostgreSQL's 63 bytes.
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")


@command(
    example="invoke domain.new fiber_lines",
    positional=["name"],
    help={"name": "What it is called, in small letters: fiber_lines."},
)
def domain_new(c: Context, name: str) -> None:
    """Write the four files of a new domain, ready for `invoke generate`."""
    import registry

    refuse_no_name(name)
    refuse_taken(name, registry.load())
    write_domain(name, domain_files(name))
    print(f"Change them to what you need, then run: invoke generate add_{name}")


def write_domain(name: str, files: dict[str, str]) -> None:
    """Write the files of a new domain. files: text by name."""
    folder = PROJECT.root / "domains" / name
    try:
        folder.mkdir(exist_ok=True)
        for file, text in files.items():
            path = folder / file
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(PROJECT.root)}")
    except OSError as error:
        raise ConfigError(
            f"{error.filename} cannot be written: {error.strerror}.",
            fix="see who owns the folder domains/.",
        ) from error


def refuse_no_name(name: str) -> None:
    """Raise ConfigError where it cannot be the name of a package and of tables."""
    if NAME.fullmatch(name) and not keyword.iskeyword(name) and not name.endswith("_"):
        return
    better = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")[:29].strip("_")
    if not NAME.fullmatch(better) or keyword.iskeyword(better):
        better = "fiber_lines"
    word = f": {name} is a word of Python's" if keyword.iskeyword(name) else ""
    raise ConfigError(
        f"{name!r} cannot be the name of a domain{word}.",
        why="It becomes a Python package and part of the names of tables. Nothing was written.",
        fix="use small letters, digits and _, at most 30, beginning with a letter: "
        f"invoke domain.new {better}",
    )


def refuse_taken(name: str, registered: registry.Registry) -> None:
    """Raise Refused where a domain, a folder or a table has the name."""
    folder = PROJECT.root / "domains" / name
    domains = {domain.name: domain.origin for domain in registered.domains}
    # What Python has compiled is left behind where a domain was removed.
    files = [*folder.glob("[!_]*"), *folder.glob("*.py"), folder.with_suffix(".py")]
    there = [path for path in files if path.exists()]
    if name in domains or there:
        place = domains.get(name) or there[0].relative_to(PROJECT.root)
        raise Refused(
            f"{name} is there already: {place}.",
            why="Nothing was written.",
            fix="choose another name, or change the domain that is there.",
        )
    for domain in registered.domains:
        for kind, title, _ in domain.objects():
            if title in (table_name(name), f"{table_name(name)}.read"):
                raise Refused(
                    f"the domain {domain.name} has the {kind} {title} already.",
                    why="Nothing was written.",
                    fix="choose another name.",
                )
