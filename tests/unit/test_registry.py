"""What a domain may not be: refused with its name, its file and the way out, before any database
is asked; nothing is written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT

Files = dict[str, str]

HEAD = """
from enum import StrEnum
from peewee import DeferredForeignKey, ForeignKeyField, IntegerField, Model, TextField
from domains import BaseModel, EnumField
"""


def package(register: str = "pass", imports: str = "") -> str:
    """The text of an __init__.py."""
    return f'"""About it."""\n{imports}\n\ndef register(domain):\n    {register}\n'


def model(name: str, table: str, field: str = "a = IntegerField()") -> str:
    meta = f"    class Meta:\n        table_name = '{table}'\n"
    return f"\n\nclass {name}(BaseModel):\n    {field}\n{meta}"


def domain(name: str, models: str, register: str = "", head: str = HEAD) -> Files:
    """A domain that registers models; register: what more it does."""
    imports = f"from domains.{name} import models"
    names = [line.split()[1].partition("(")[0] for line in models.split("\n") if "(BaseM" in line]
    listed = ", ".join(f"models.{name}" for name in names)
    return {
        f"{name}/models.py": head + models,
        f"{name}/__init__.py": package(f"domain.models({listed}); {register}", imports),
    }


AUTH = {"auth/__init__.py": package()}
STATE = "\n\nclass State(StrEnum):\n    A = 'a'\n"
STATEFUL = "state = EnumField(State)"
FUNCTION = "domain.sql('CREATE {} f(a int) LANGUAGE sql AS $$SELECT 1$$')"
INDEX = "domain.index(models.{0}, models.{0}.a, name='{1}')"
OTHER = "from domains.one.models import One\n"
TO_ONE = "one = ForeignKeyField(One, on_delete='CASCADE')"
THING, SAME = model("One", "things"), model("Two", "things")

# What is under domains/, and what the message has to say.
CASES: dict[str, tuple[Files, list[str]]] = {
    "unknown requirement": (
        AUTH | {"shop/__init__.py": package('domain.requires("auth", "stock")')},
        ["domain shop (domains/shop) requires stock, and there is none", "there are: auth, shop"],
    ),
    "circle of requirements": (
        AUTH
        | {f"{a}/__init__.py": package(f"domain.requires('{b}')") for a, b in ("ab", "bc", "ca")},
        ["in a circle: a → b → c → a.", "domains/a, domains/b, domains/c"],
    ),
    "requires itself": (
        {"a/__init__.py": package("domain.requires('a')")},
        ["in a circle: a → a."],
    ),
    "circle of imports": (
        domain("shop", model("Shop", "shops"), head=f"{HEAD}from domains.stock.models import Part")
        | domain(
            "stock", model("Part", "parts"), head=f"{HEAD}from domains.shop.models import Shop"
        ),
        ["import each other in a circle: shop → stock → shop;", "remove one of these imports"],
    ),
    "table twice": (
        domain("one", THING) | domain("two", SAME),
        ["the table things is registered twice: by domain one (domains/one) and by domain two"],
    ),
    "table twice in one domain": (
        domain("one", THING + SAME),
        ["the table things is registered twice: by domain one"],
    ),
    "model twice": (
        domain("one", THING, "domain.models(models.One)"),
        ["domain one (domains/one/__init__.py:5)", "the model One is registered twice"],
    ),
    "index twice": (
        domain("one", THING, INDEX.format("One", "i") + ";" + INDEX.format("One", "i")),
        ["the index i is registered twice", "domain one (domains/one)"],
    ),
    "index with the name of a derived one": (
        domain("one", model("One", "ones", "a = IntegerField(index=True)"))
        | domain("two", model("Two", "twos"), INDEX.format("Two", "ones_a_idx")),
        ["the index ones_a_idx is registered twice", "domain two (domains/two)"],
    ),
    "index with the name of a table": (
        domain("one", THING, INDEX.format("One", "things")),
        ["the index things is registered twice"],
    ),
    "enum twice": (
        domain("one", STATE + model("One", "ones", STATEFUL))
        | domain("two", STATE + model("Two", "twos", STATEFUL)),
        ["the enum state is registered twice", "(domains/one)", "(domains/two)"],
    ),
    "function twice": (
        {f"{name}/__init__.py": package(FUNCTION.format("FUNCTION")) for name in ("one", "two")},
        ["the function f(a int) is registered twice", "(domains/one)", "(domains/two)"],
    ),
    "function and procedure": (
        {
            "one/__init__.py": package(FUNCTION.format("FUNCTION")),
            "two/__init__.py": package(FUNCTION.format("PROCEDURE")),
        },
        ["the procedure f(a int) is registered twice"],
    ),
    "foreign key into a domain that is not required": (
        domain("one", THING) | domain("two", model("Two", "twos", TO_ONE), head=HEAD + OTHER),
        [
            "domain two (domains/two/models.py: Two.one) refers to One of domain one",
            'add domain.requires("one") to the register function of two',
        ],
    ),
    "foreign key to a model of no domain": (
        {"two/far.py": HEAD + model("Base", "far") + "class Far(Base):\n    pass\n"}
        | domain(
            "two",
            model("Two", "twos", "far = ForeignKeyField(Base)"),
            head=HEAD + "from domains.two.far import Base, Far\n",
        ),
        ["the model Far (domains/two/far.py) is never registered"],
    ),
    "foreign key to nothing": (
        domain("two", model("Two", "twos", "far = DeferredForeignKey('Nowhere')")),
        ["domain two (domains/two/models.py: Two.far) refers to nowhere, which no domain"],
    ),
    "model that is not registered": (
        domain("one", THING) | {"one/models.py": HEAD + THING + model("Two", "twos")},
        ["domain one: the model Two (domains/one/models.py) is never registered", "domain.models("],
    ),
    "module that nobody imports": (
        AUTH | {"auth/deep/__init__.py": "", "auth/deep/more.py": HEAD + THING},
        ["domain auth: the model One (domains/auth/deep/more.py) is never registered"],
    ),
    "module that nobody imports and Python cannot read": (
        AUTH | {"auth/more.py": "x = 1\ndef\n"},
        ["domain auth (domains/auth/more.py:2) cannot be loaded: SyntaxError"],
    ),
    "syntax error": (
        {"one/__init__.py": "from domains.one import models\n", "one/models.py": "\n\nx = (\n"},
        ["domain one (domains/one/models.py:3) cannot be loaded: SyntaxError", "mend that line"],
    ),
    "import error": (
        {"one/__init__.py": "from domains.one import models\n", "one/models.py": "import nowhere"},
        ["domain one (domains/one/models.py:1) cannot be loaded", "No module named 'nowhere'"],
    ),
    "error in register": (
        {"one/__init__.py": package("\n    helper()", "def helper(): return 1 / 0")},
        ["domain one (domains/one/__init__.py:2) cannot be loaded: ZeroDivisionError"],
    ),
    "error in what the engine is told": (
        {"one/__init__.py": package("domain.models(5)")},
        ["domain one (domains/one/__init__.py:5)", "domain.models takes Peewee models, not 5"],
    ),
    "exit": (
        {"one/__init__.py": "import sys\nsys.exit(0)\n"},
        ["domain one (domains/one/__init__.py:2) cannot be loaded: SystemExit: 0"],
    ),
    "no register function": (
        {"one/__init__.py": "register = 5\n"},
        ["domain one (domains/one) has no function register(domain)", "def register(domain):"],
    ),
    "no __init__.py": (
        {"one/models.py": HEAD + THING},
        ["domain one (domains/one) has no function register(domain)"],
    ),
    "bad permission": (
        {"one/__init__.py": package("domain.permissions('shop.read', 'shop write')")},
        [
            "domain one (domains/one/__init__.py:5)",
            "'shop write' is not a permission",
            "payments.r",
        ],
    ),
    "domain.sql that is no CREATE": (
        {"one/__init__.py": package("domain.sql('ALTER TABLE x ADD y int')")},
        ["domain one (domains/one/__init__.py:5)", "not: 'ALTER TABLE x ADD y int'"],
    ),
    "domain.sql that would hide another object": (
        {"one/__init__.py": package("domain.sql('CREATE OR REPLACE FUNCTION f() RETURNS int')")},
        ["domain one (domains/one/__init__.py:5)", "without OR REPLACE"],
    ),
    "domain.sql with the name of a schema": (
        {"one/__init__.py": package("domain.sql('CREATE FUNCTION public.f() RETURNS int')")},
        ["domain one (domains/one/__init__.py:5)", "the name of a schema"],
    ),
    "domain.sql that the engine cannot carry": (
        {"one/__init__.py": package("domain.sql('CREATE TYPE r AS RANGE (subtype = int)')")},
        ["domain one (domains/one/__init__.py:5)", "CREATE FUNCTION, PROCEDURE, TRIGGER"],
    ),
    "expression index without a name": (
        domain("one", THING, "domain.index(models.One, 'lower(a)')"),
        ["domain one (domains/one/__init__.py:5)", "an index on things has no name"],
    ),
}
LOAD = """
import json, os, sys
def message(folder):
    for name in list(sys.modules):
        if name.partition(".")[0] in ("domains", "registry", "registration"):
            del sys.modules[name]
    os.chdir(folder)
    sys.path[0] = folder
    import registry
    try:
        registry.load()
    except registry.RegistryError as error:
        return str(error)
    return "nothing was refused"
print(json.dumps({title: message(folder) for title, folder in json.load(sys.stdin).items()}))
"""


def lay(folder: Path, files: Files) -> Path:
    """A project with these domains; `auth` above it must not be taken for the domain's folder."""
    project = folder / "auth" / "project"
    for path in (ROOT / "domains").glob("*.py"):
        (project / "domains").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, project / "domains")
    for name, text in files.items():
        path = project / "domains" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(ROOT / "registry.py", project)
    return project


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the registry says to each case; one process asks it about all."""
    folders = {
        title: str(lay(tmp_path_factory.mktemp("case"), files))
        for title, (files, _) in CASES.items()
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        input=json.dumps(folders),
        capture_output=True,
        text=True,
        timeout=120,
        env={"PYTHONPATH": f":{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("title", CASES)
def test_what_is_refused(title: str, messages: dict[str, str]) -> None:
    for words in CASES[title][1]:
        assert words in messages[title]
    assert "\nWhat to do: " in messages[title]
    assert messages[title].count("What to do") == 1
