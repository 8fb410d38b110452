"""What others may build on: stated in `__all__`, documented, and no more than that."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import domains
import engine.errors
import kernel.errors
from domains import Seeder
from engine.generate import seeder
from tests.support.project import ROOT
from tests.support.readme import README
from tests.support.source import modules, nodes

FACES = ("domains", "application", "engine", "engine.testing")
# A line of a drawn tree: its branches, the name of the class, and what it means.
TREE = re.compile(r"^(?P<branch>(?:[│ ]   )*(?:[├└]── )?)(?P<name>[A-Z]\w+) {2,}\S", re.MULTILINE)


def exported(module: ModuleType) -> set[str]:
    """The public names of a module that are no modules, as an importer sees them."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }


@pytest.mark.parametrize("name", FACES)
def test_what_is_exported_is_stated_in_order(name: str) -> None:
    stated = importlib.import_module(name).__all__
    assert stated == sorted(stated)
    assert len(stated) == len(set(stated))


def test_the_face_of_the_domains_is_what_it_states_and_nothing_else() -> None:
    assert exported(domains) == set(domains.__all__)


@pytest.mark.parametrize("name", FACES)
def test_each_public_name_is_in_the_documentation(name: str) -> None:
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", README))))
    assert not set(importlib.import_module(name).__all__) - told


def test_what_readme_offers_a_domain_is_there() -> None:
    _, rest = README.split("What `from domains import …` gives")
    rows = re.findall(r"^\| (`.+?) \|", rest.split("A domain states")[0], re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    errors = {name for name in domains.__all__ if _is_error(name)} - {"BillingError"}
    assert names | errors | {"Domain"} == set(domains.__all__)


def _is_error(name: str) -> bool:
    value = getattr(domains, name)
    return inspect.isclass(value) and issubclass(value, Exception)


def drawn(module: ModuleType) -> set[tuple[str, str]]:
    """(parent, name) of each class in the tree that the module's docstring draws."""
    pairs = set()
    above = [""]
    for line in TREE.finditer(inspect.getdoc(module) or ""):
        del above[len(line["branch"]) // 4 + 1 :]
        pairs.add((above[-1], line["name"]))
        above.append(line["name"])
    return pairs


def classes(root: type, package: str, parent: str = "") -> Iterator[tuple[str, str]]:
    """(parent, name) of the root and each class below it that the package defines."""
    yield parent, root.__name__
    for child in root.__subclasses__():
        if child.__module__.partition(".")[0] == package:
            yield from classes(child, package, root.__name__)


@pytest.mark.parametrize(
    ("module", "root"),
    [(kernel.errors, kernel.errors.BillingError), (engine.errors, engine.errors.EngineError)],
    ids=["kernel", "engine"],
)
def test_the_drawn_tree_of_errors_is_that_of_the_classes(module: ModuleType, root: type) -> None:
    package = module.__name__.partition(".")[0]
    for path in (ROOT / package).rglob("*.py"):
        if "hypothesis" not in path.read_text(encoding="utf-8"):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert drawn(module) == set(classes(root, package))
    assert len(drawn(module)) > 5


def test_domains_and_the_demo_have_what_they_share_from_one_place() -> None:
    wrong = []
    for path in modules("domains", "demo"):
        if path.parent == Path("domains"):
            continue
        for node in nodes(path, ast.ImportFrom):
            if str(node.module).startswith("kernel"):
                wrong.append(f"{path}:{node.lineno}")
    assert not wrong


def test_the_seeder_of_the_engine_is_the_one_that_domains_are_promised() -> None:
    promised = inspect.signature(Seeder.ensure)
    assert inspect.signature(seeder.Seeder.ensure).parameters == promised.parameters
