"""A domain `shop`, whose versions go through generate and migrate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import GenerateError
from engine.generate.generator import Generator
from engine.generate.wanted_schema import wanted_schema
from engine.schema.model import Schema
from kernel import functions
from kernel.domain import Domain
from tests.support.databases import query, read
from tests.support.runners import at, runner_on

Register = Callable[[Domain], None]


class Workshop:
    """Migrations and a live database, through which the versions of one domain `shop` go."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.runner = runner_on(url, folder)

    def domains(self, register: Register) -> list[Domain]:
        ground, shop = Domain("base", "kernel/functions.py"), Domain("shop", "domains/shop")
        functions.register(ground)
        register(shop)
        return [ground, shop]

    def generate(self, register: Register, *allow_drop: str) -> list[Path]:
        generator = Generator(
            self.domains(register), at(self.url, self.folder), allow_drop=allow_drop
        )
        return generator.write(generator.generate("change"))

    def first(self, register: Register) -> None:
        self.generate(register)
        self.runner.migrate()

    def refuses(self, register: Register, *allow_drop: str) -> GenerateError:
        before = sorted(self.folder.iterdir())
        with pytest.raises(GenerateError) as refused:
            self.generate(register, *allow_drop)
        assert sorted(self.folder.iterdir()) == before
        return refused.value

    def step(self, register: Register, tables: Sequence[str], *allow_drop: str) -> str:
        """Generate, migrate the live database, compare it with a fresh build, go back, compare it
        with what it was, come again; a second generate finds nothing (the text of the files)."""
        known, rows = read(self.url), self.rows(tables)
        paths = self.generate(register, *allow_drop)
        self.runner.migrate()
        wanted = read(self.url)
        assert wanted == self.fresh(register)
        assert self.generate(register) == []
        self.runner.rollback(len(paths), losing=True)
        assert read(self.url) == known
        assert self.rows(tables) == rows
        self.runner.migrate()
        assert read(self.url) == wanted
        return "\n".join(path.read_text() for path in paths)

    def read(self) -> Schema:
        return read(self.url)

    def rows(self, tables: Iterable[str]) -> list[Any]:
        select = "SELECT to_jsonb(t) - 'updated_at' FROM {} t ORDER BY 1"
        return [query(self.url, select.format(table)) for table in tables]

    def fresh(self, register: Register) -> Schema:
        """What the domains ask for, built where there is nothing else."""
        return wanted_schema(at(self.url), self.domains(register))
