"""The project's own modules as trees: each is read and walked once, however many rules look."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.support.project import ROOT


@cache
def tree(path: Path) -> ast.Module:
    """A module, by its path from the root of the project."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Everything that stands in a module."""
    return tuple(ast.walk(tree(path)))


def modules(*folders: str) -> list[Path]:
    """The modules below these folders, by their paths from the root of the project."""
    paths = []
    for folder in folders:
        paths += sorted((ROOT / folder).rglob("*.py"))
    return [path.relative_to(ROOT) for path in paths]
