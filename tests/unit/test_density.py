"""How much a reader has to hold in mind at once: short lines of thought, not only short functions.

A function of forty lines can hold as many decisions as a page; and a comprehension inside another
is read inside out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.source import children, modules, nodes, walked

MODULES = modules("engine", "kernel", "commands")
MOST_DECISIONS = 10
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# By their types: isinstance() would ask each of a hundred thousand nodes six times.
BRANCHES = {ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.match_case}
APART = {ast.FunctionDef, ast.ClassDef}


def own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What stands in the function itself, and not in one inside it."""
    pending = children(function)
    while pending:
        node = pending.pop()
        yield node
        if type(node) not in APART:
            pending += children(node)


def decisions(function: ast.FunctionDef) -> int:
    """Each branch, each loop, each `and` or `or`, each loop and condition of a comprehension."""
    count = 0
    for node in own(function):
        if type(node) in BRANCHES:
            count += 1
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
    return count


def is_nested(node: ast.AST) -> bool:
    """Whether it is a comprehension with two loops, or with another comprehension inside."""
    if not isinstance(node, COMPREHENSIONS):
        return False
    inside = [inner for inner in walked(node) if isinstance(inner, COMPREHENSIONS)]
    return len(node.generators) > 1 or len(inside) > 1


def test_what_is_counted() -> None:
    text = """
def f(a):
    def g(b):
        return 1 if b else 2
    for c in a:
        if c and c.d or c.e:
            return [i for i in c if i]
    match a:
        case 1: pass
        case _: pass
"""
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    assert decisions(function) == 2 + 2 + 2 + 2
    for nested in ("[i for i in (j for j in k)]", "{i: 1 for i in j for k in i}"):
        assert is_nested(ast.parse(nested, mode="eval").body)
    assert not is_nested(ast.parse("[i for i in j]", mode="eval").body)


def test_a_function_decides_little() -> None:
    dense = []
    for path in MODULES:
        for node in nodes(path, ast.FunctionDef):
            if decisions(node) > MOST_DECISIONS:
                dense.append(f"{path}:{node.lineno} {node.name} decides {decisions(node)} times")
    assert not dense


def test_no_comprehension_is_nested() -> None:
    nested = []
    for path in MODULES:
        for node in nodes(path, *COMPREHENSIONS):
            nested += [f"{path}:{node.lineno}"] if is_nested(node) else []
    assert not nested
