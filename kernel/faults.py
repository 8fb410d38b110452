"""A slip in a domain: where it stands, what is wrong, and what to write instead."""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from peewee import Model


@dataclass(frozen=True)
class Fault:
    """One slip. where: `file:line: Model.field`. what and fix: sentences without a full stop."""

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. What to do: {self.fix}."


def short(filename: str) -> str:
    """The file's name from where the command runs, if it lies below."""
    return filename.removeprefix(f"{Path.cwd()}/")


def calling_place() -> str:
    """The file and line, outside of the kernel, that called what calls this."""
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("kernel."):
        frame = frame.f_back
    return f"{short(frame.f_code.co_filename)}:{frame.f_lineno}"


def model_place(model: type[Model], attribute: str = "") -> str:
    """`file:line: Model.attribute`; the line is that of the class where the attribute has none."""
    name = f"{model.__name__}.{attribute}" if attribute else model.__name__
    filename = model_file(model)
    statement = model_source(model)
    line = statement.lineno if statement else 0
    for value in assigned(statement, attribute) if statement else []:
        line = value.lineno
    return f"{short(filename)}:{line}: {name}" if line else f"{short(filename)}: {name}"


def model_file(model: type[Model]) -> str:
    """The file that a model is written in, or the name of its module where there is none."""
    try:
        return inspect.getfile(model)
    except (TypeError, OSError):
        return model.__module__


def model_source(model: type[Model]) -> ast.ClassDef | None:
    """The class statement of a model; the last one where the file has two of that name."""
    wanted = None
    for statement in class_statements(model_file(model)):
        if statement.name == model.__name__:
            wanted = statement
    return wanted


def assigned(statement: ast.ClassDef, attribute: str) -> list[ast.stmt]:
    """The statements of a class body that give this attribute a value, or define it."""
    statements: list[ast.stmt] = []
    for line in statement.body:
        targets: list[ast.expr] = []
        if isinstance(line, ast.Assign):
            targets = line.targets
        elif isinstance(line, ast.AnnAssign):
            targets = [line.target]
        elif isinstance(line, ast.ClassDef | ast.FunctionDef) and line.name == attribute:
            statements.append(line)
        if any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
            statements.append(line)
    return statements


def fields_written(statement: ast.ClassDef) -> list[str]:
    """The names that a class body gives a field, `name = TextField()`, each once."""
    names: dict[str, None] = {}
    for line in statement.body:
        if not isinstance(line, ast.Assign | ast.AnnAssign) or not isinstance(line.value, ast.Call):
            continue
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        if ast.unparse(line.value.func).endswith("Field"):
            names |= {target.id: None for target in targets if isinstance(target, ast.Name)}
    return list(names)


@lru_cache(maxsize=256)
def class_statements(filename: str) -> tuple[ast.ClassDef, ...]:
    """The class statements of a file, nested ones too, in their order; none where it is no file."""
    try:
        tree = ast.parse(Path(filename).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ()
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return tuple(sorted(classes, key=lambda node: node.lineno))
