"""The shape of the code: imports run one way, modules and functions are small, public names say
what they are."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import engine
import registry
from tests.support.project import ROOT
from tests.support.source import modules, nodes, tree

Import = tuple[str, int, bool]

PACKAGES = (
    *(
        "commands",
        "engine",
        "domains",
        "kernel",
        "application",
        "pages",
        "inspection",
        "demo",
        "benchmarks",
    ),
)
MODULES = sorted([*(path.relative_to(ROOT) for path in ROOT.glob("*.py")), *modules(*PACKAGES)])
# The rooms of the engine, each of which imports itself and those before it: its own map of them.
LAYERS = re.findall(r"^(\w+)  +\S.*$", str(engine.__doc__), re.MULTILINE)
# What each part may import besides the standard library and itself; the most specific name counts.
ALLOWED = {
    "engine": ["psycopg2", "peewee", "playhouse", "peewee_migrate", "dotenv"],
    "engine.errors": [],
    "engine.project": [],
    "engine.report": [],
    "engine.schema": [],
    "engine.diff": [],
    "engine.sql": [],
    "engine.testing": ["psycopg2", "hypothesis"],
    "kernel": ["peewee", "psycopg2", "cryptography", "phonenumbers"],
    "domains": ["kernel", "peewee", "psycopg2", "cryptography", "bcrypt", "cronsim"],
    "project": ["engine.project"],
    "registry": ["domains", "kernel", "engine.errors"],
    "application": [
        *("peewee", "playhouse", "psycopg2"),
        *("registry", "project", "engine", "domains", "kernel"),
    ],
    "demo": ["peewee", "psycopg2", "rich", "engine", "domains", "application", "registry"],
    "pages": ["engine", "kernel", "peewee"],
    "inspection": ["engine", "kernel", "peewee"],
    "benchmarks": ["psycopg2", "rich", "engine", "demo", "application", "domains", "project"],
    "tasks": ["invoke", "commands"],
    "commands": ["invoke", "engine", "project"],
    "commands.console": ["rich", "engine"],
}
# What a task imports inside its function, so that `invoke --list` needs none of it.
LATE = {
    "commands": [
        "engine",
        "registry",
        "application",
        "demo",
        "domains",
        "inspection",
        "kernel",
        "pages",
        "rich",
    ],
}

ROOM = 2, 15
LONGEST_MODULE = 250
LONGEST_FUNCTION = 40
LONGER = {
    "domains/billing/models.py": "the tables of one domain, column by column",
    "domains/mikrotik/models.py": "the tables of one domain, column by column",
    "domains/payments/models.py": "the tables of one domain, column by column",
}


def dotted(path: Path) -> str:
    """`engine.diff.compare` for engine/diff/compare.py."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """What a module imports, read once."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[Import]:
    """(module, line, whether only a function imports it); what only a type checker sees is none."""
    functions = lines(nodes(path, ast.FunctionDef))
    unread = lines(node for node in nodes(path, ast.If) if is_for_types(node))
    for node in nodes(path, ast.Import, ast.ImportFrom):
        late = node.lineno in functions
        if node.lineno in unread:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, late) for alias in node.names)
        else:
            assert node.level == 0, f"{path}:{node.lineno} imports by dots"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield (name if is_module(name) else str(node.module)), node.lineno, late


@cache
def is_module(name: str) -> bool:
    """Whether the project has one of that name."""
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def lines(statements: Iterable[ast.stmt]) -> set[int]:
    """The lines of all of them."""
    covered: set[int] = set()
    for statement in statements:
        covered.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
    return covered


def is_for_types(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def allowed(module: str, *, late: bool) -> list[str]:
    names = [module.rsplit(".", depth)[0] for depth in range(module.count(".") + 1)]
    own = next(name for name in names if name in ALLOWED)
    return [*ALLOWED[own], names[-1], *(LATE.get(own, []) if late else [])]


def test_imports_run_one_way() -> None:
    wrong = []
    for path in MODULES:
        for module, line, late in imports(path):
            names = [module.rsplit(".", depth)[0] for depth in range(module.count(".") + 1)]
            if names[-1] not in sys.stdlib_module_names and not (
                set(names) & set(allowed(dotted(path), late=late))
            ):
                wrong.append(f"{path}:{line} imports {module}")
    assert not wrong


def test_the_rooms_of_the_engine_are_in_layers() -> None:
    """Imports inside functions count, too: a circle that hides there is one."""
    rooms = {path.parts[1].removesuffix(".py") for path in MODULES if path.parts[0] == "engine"}
    assert sorted(rooms - {"__init__"}) == sorted(LAYERS)
    wrong = []
    for path in MODULES:
        room = path.parts[1].removesuffix(".py") if path.parts[0] == "engine" else "__init__"
        for module, line, _ in imports(path) if room != "__init__" else ():
            parts = module.split(".")
            if parts[0] == "engine" and LAYERS.index(parts[1]) > LAYERS.index(room):
                wrong.append(f"{path}:{line} imports {module}")
    assert not wrong


def test_the_listing_of_the_engine_is_its_architecture() -> None:
    """A room says in a line what it is for, and is small enough to be seen at a glance."""
    sizes = {}
    for path in (ROOT / "engine").glob("*/__init__.py"):
        purpose = (ast.get_docstring(tree(path.relative_to(ROOT))) or "").split("\n")
        assert purpose[0].endswith("."), path
        sizes[path.parent.name] = len(list(path.parent.glob("*.py"))) - 1
    smallest, largest = ROOM
    assert not {room: size for room, size in sizes.items() if not smallest <= size <= largest}


def test_a_domain_imports_only_those_that_it_requires() -> None:
    """Their models and operations, the ground that all share, and itself."""
    requirements = {domain.name: domain.requirements for domain in registry.load().domains}
    shared = {path.stem for path in (ROOT / "domains").glob("*.py")}
    wrong = []
    for path in MODULES:
        if path.parts[0] != "domains" or len(path.parts) < 3:
            continue
        own = path.parts[1]
        for module, line, _ in imports(path):
            parts = module.split(".")
            known = {own, *shared, *requirements[own]}
            if parts[0] == "domains" and parts[1:] and parts[1] not in known:
                wrong.append(f"{path}:{line} imports {module}, which {own} does not require")
    assert not wrong


def test_the_shared_modules_know_no_domain() -> None:
    names = {domain.name for domain in registry.load().domains}
    for path in (ROOT / "domains").glob("*.py"):
        found = {
            module.split(".")[1]
            for module, _, _ in imports(path.relative_to(ROOT))
            if "." in module
        }
        assert not found & names, path


def test_modules_are_small() -> None:
    sizes = {str(path): len((ROOT / path).read_text().splitlines()) for path in MODULES}
    long = {path for path, size in sizes.items() if size > LONGEST_MODULE}
    assert long == LONGER.keys(), {path: sizes[path] for path in long ^ LONGER.keys()}


def test_functions_are_small() -> None:
    """A list of calls, such as a domain's table of contents, may be as long as it has to be."""
    long = []
    for path in MODULES:
        for node in nodes(path, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body and not all(isinstance(statement, ast.Expr) for statement in body):
                size = (body[-1].end_lineno or 0) - body[0].lineno + 1
                if size > LONGEST_FUNCTION:
                    long.append(f"{path}:{node.lineno} {node.name} has {size} lines")
    assert not long


def test_public_names_say_what_they_are() -> None:
    """A method that overrides another says it there."""
    silent = []
    for path in MODULES:
        module = tree(path)
        classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
        owners = [module, *(node for node in classes if not node.bases)]
        if not ast.get_docstring(module):
            silent.append(str(path))
        for owner in owners:
            for node in owner.body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not (
                    node.name.startswith("_")
                    or ast.get_docstring(node)
                    or (isinstance(owner, ast.ClassDef) and owner.name.startswith("_"))
                ):
                    silent.append(f"{path}:{node.lineno} {node.name}")
    assert not silent


def test_tests_import_helpers_from_support_alone() -> None:
    """A helper in a test module is found by nobody, and cannot be moved."""
    wrong = []
    helpers = re.compile(r"tests\.(?!support)")
    for path in modules("tests"):
        suspect = helpers.search((ROOT / path).read_text(encoding="utf-8"))
        for module, line, _ in imports(path) if suspect else ():
            parts = module.split(".")
            if parts[0] == "tests" and parts[1:2] not in ([], ["support"]):
                wrong.append(f"{path}:{line} imports {module}")
    assert not wrong
