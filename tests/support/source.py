"""The project's own modules as trees: each is read and walked once, however many rules look."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from tests.support.project import ROOT

Node = TypeVar("Node", bound=ast.AST)
# What says how a name or an operation is meant, and stands nowhere itself: a third of all nodes.
PLACELESS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
# What stands most in a node, and is none: the lines and names, which are passed over before more is
# asked of them.
PLAIN = frozenset({int, str, type(None)})


@cache
def tree(path: Path) -> ast.Module:
    """A module, by its path from the root of the project."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def nodes(path: Path, *kinds: type[Node]) -> list[Node]:
    """Everything of these kinds that stands in a module."""
    every = _by_kind(path)
    picked: list[Node] = []
    for kind in kinds:
        picked += every.get(kind, ())  # type: ignore[arg-type]
    return picked


def walked(root: ast.AST) -> list[ast.AST]:
    """Everything that stands in a tree, itself first; ast.walk takes three times as long."""
    every = [root]
    for node in every:  # which grows meanwhile
        every += children(node)
    return every


def children(node: ast.AST) -> list[ast.AST]:
    """What stands in it directly."""
    inside: list[ast.AST] = []
    for value in node.__dict__.values():
        kind = type(value)
        if kind in PLAIN:
            continue
        if kind is list:
            inside += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, PLACELESS):
            inside.append(value)
    return inside


def forget() -> None:
    """Let go of all trees, or the garbage collector would walk them at the end."""
    tree.cache_clear()
    _by_kind.cache_clear()


@cache
def _by_kind(path: Path) -> Mapping[type[ast.AST], Sequence[ast.AST]]:
    kinds: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
    for node in walked(tree(path)):
        kinds[type(node)].append(node)
    return kinds


def modules(*folders: str) -> list[Path]:
    """The modules below these folders, by their paths from the root of the project."""
    paths = []
    for folder in folders:
        paths += sorted((ROOT / folder).rglob("*.py"))
    return [path.relative_to(ROOT) for path in paths]
