"""What the engine does in one way and in no second one: imports that a reader sees at the head of a
module, one place that makes a runner, members of enums instead of their texts, plain names."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

import pytest

from tests.support.project import ROOT
from tests.support.source import modules, nodes, walked

MODULES = modules("engine")
# The face of the engine loads what it offers when it is asked for.
FACE = Path("engine/__init__.py")
# Drafts of schemas are written in words of SQL, which no enum of the engine has.
DRAFTS = {Path("engine/testing/schema_drafts.py"), Path("engine/testing/strategies.py")}
SAY_NOTHING = {"found", "held"}


def hidden_imports(module: Sequence[ast.AST]) -> Iterator[int]:
    """Lines that import the engine, but not at the head of the module, which comes first."""
    root = module[0]
    assert isinstance(root, ast.Module)
    for node in module:
        names = [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        if any(name.split(".")[0] == "engine" for name in names) and node not in root.body:
            yield node.lineno
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("import_module", "__import__"):
                yield node.lineno


def enum_values() -> set[str]:
    """The values of all enums of the engine."""
    values = set()
    for path in MODULES:
        if "hypothesis" in (ROOT / path).read_text(encoding="utf-8"):
            continue
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for member in vars(importlib.import_module(name)).values():
            if inspect.isclass(member) and issubclass(member, Enum) and member.__module__ == name:
                values |= {str(item.value) for item in member}
    return values


def compared_texts(module: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Comparisons of an attribute that is an enum with what it is called: (line, text)."""
    for node in module:
        if not isinstance(node, ast.Compare):
            continue
        attributes = {part.attr for part in ast.walk(node.left) if isinstance(part, ast.Attribute)}
        if not attributes & {"action", "kind", "level", "state", "leg", "rule"}:
            continue
        for side in node.comparators:
            for part in ast.walk(side):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield node.lineno, part.value


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    from engine.run import runner",
        "def f():\n    import engine.run.runner",
        "if TYPE_CHECKING:\n    from engine import Runner",
        "def f():\n    importlib.import_module(name)",
        "try:\n    from engine import errors\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_that_hides_is_seen(text: str) -> None:
    assert list(hidden_imports(walked(ast.parse(text))))
    plain = ast.parse("from engine.run import runner\nimport engine")
    assert not list(hidden_imports(walked(plain)))


def test_a_text_that_stands_for_a_member_is_seen() -> None:
    for text in ('c.kind == "table"', '(c.action, c.kind) == ("drop", "table")'):
        assert "table" in {value for _, value in compared_texts(walked(ast.parse(text)))}
    assert {"table", "drop"} <= enum_values()


def test_no_import_of_the_engine_hides() -> None:
    hidden = []
    for path in MODULES:
        if path != FACE:
            module = nodes(path, ast.Module, ast.Import, ast.ImportFrom, ast.Call)
            hidden += [f"{path}:{line}" for line in hidden_imports(module)]
    assert not hidden


def test_one_place_makes_a_runner() -> None:
    """Beside the tasks' own, each is that of a replay, and nothing watches over it."""
    makers = set()
    for path in MODULES:
        for node in nodes(path, ast.Call):
            if ast.unparse(node.func).endswith("Runner"):
                makers.add(str(path))
    assert makers == {"engine/run/replay.py"}


def test_members_of_enums_are_compared_as_members() -> None:
    """A slip in a text type-checks, and is never true."""
    values = enum_values()
    texts = []
    for path in MODULES:
        if path not in DRAFTS:
            for line, value in compared_texts(nodes(path, ast.Compare)):
                texts += [f"{path}:{line} {value}"] if value in values else []
    assert not texts


def test_names_of_values_say_what_they_are() -> None:
    empty = []
    for path in MODULES:
        for node in nodes(path, ast.Name, ast.arg):
            stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            name = node.id if isinstance(node, ast.Name) and stored else ""
            name = node.arg if isinstance(node, ast.arg) else name
            if name in SAY_NOTHING:
                empty.append(f"{path}:{node.lineno} {name}")
    assert not empty
