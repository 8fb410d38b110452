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
PLACE = model("Place", "places") + "        is_branch = True\n"
IN_PLACE = model("One", "ones", "place = ForeignKeyField(Place)")
OF_ONE = model("Two", "twos", "one = ForeignKeyField(One)")

# What is under domains/, and what the message has to say.
CASES: dict[str, tuple[Files, list[str]]] = {
    "rights that cannot be meant": (
        AUTH
        | domain("one", THING, "domain.access(models.One, 'aap', select={'*'})", HEAD)
        | {"two/__init__.py": package("domain.access(domain, 'app'); domain.role('pg_x', 'ok')")},
        ["One", "select names a column that One does not have: '*'", "domain.role takes names of"],
    ),
    "access to what is not there": (
        AUTH
        | domain(
            "one",
            THING,
            "from domains import ALL; domain.access(models.One, 'aap', select=ALL)",
        ),
        ["gives access to the role aap, which no domain declares", 'domain.role("aap")'],
    ),
    "branches that cannot be meant": (
        domain(
            "one",
            PLACE + IN_PLACE,
            "domain.branch('place'); domain.branch(models.Place.a); domain.shared('ones')",
        ),
        [
            "takes the foreign key that leads to the branch, not 'place'",
            "takes the foreign key that leads to the branch, not <IntegerField: Place.a>",
            "domain.shared takes models, not 'ones'",
        ],
    ),
    "a table of which nothing says whose its rows are": (
        domain("one", PLACE + IN_PLACE + OF_ONE, "domain.branch(models.One.place)"),
        [
            "Two.one: leads to One, whose rows have a branch",
            "domain.shared(models.Two)",
        ],
    ),
    "a branch through a table that has none": (
        domain("one", PLACE + IN_PLACE + OF_ONE, "domain.branch(models.Two.one)"),
        ["Two through One, which has none", "One.place: leads to Place, whose rows have a branch"],
    ),
    "a branch and none, and two": (
        domain(
            "one",
            PLACE + IN_PLACE + OF_ONE,
            "domain.branch(models.One.place); domain.branch(models.One.place);"
            "domain.branch(models.Two.one); domain.shared(models.Two)",
        ),
        ["states two branches of One", "states a branch of Two, and that it is shared"],
    ),
    "unknown requirement": (
        AUTH | {"shop/__init__.py": package('domain.requires("auth", "stock")')},
        [
            "domains/shop/__init__.py:5: domain shop: requires stock, and there is none",
            "there are: auth, shop",
        ],
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
        [
            "domains/shop, domains/stock: the domains import each other",
            "in a circle: shop → stock → shop.",
        ],
    ),
    "table twice": (
        domain("one", THING) | domain("two", SAME),
        [
            "domains/two/models.py:7: Two: the table things is registered twice",
            "here and by domains/one/models.py:7: One.",
        ],
    ),
    "table twice in one domain": (
        domain("one", THING + SAME),
        ["domains/one/models.py:13: Two: the table things is registered twice"],
    ),
    "model twice": (
        domain("one", THING, "domain.models(models.One)"),
        ["domains/one/__init__.py:5: domain one", "the model One is registered twice"],
    ),
    "index twice": (
        domain("one", THING, INDEX.format("One", "i") + ";" + INDEX.format("One", "i")),
        ["the index i is registered twice: here and by domains/one/__init__.py:5: domain one"],
    ),
    "index with the name of a derived one": (
        domain("one", model("One", "ones", "a = IntegerField(index=True)"))
        | domain("two", model("Two", "twos"), INDEX.format("Two", "ones_a_idx")),
        ["domains/two/__init__.py:5: domain two: the index ones_a_idx is registered twice"],
    ),
    "index with the name of a table": (
        domain("one", THING, INDEX.format("One", "things")),
        ["the index things is registered twice"],
    ),
    "enum twice": (
        domain("one", STATE + model("One", "ones", STATEFUL))
        | domain("two", STATE + model("Two", "twos", STATEFUL)),
        ["domains/two/models.py:7: State: the enum state", "by domains/one/models.py:7: State."],
    ),
    "function twice": (
        {f"{name}/__init__.py": package(FUNCTION.format("FUNCTION")) for name in ("one", "two")},
        [
            "domains/two/__init__.py:5: domain two: the function f(a int) is",
            "domains/one/__init__.py:5",
        ],
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
            "domains/two/models.py:9: Two.one: refers to One of domain one, which is not",
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
        ["domains/two/far.py:11: Far: is never registered", "Two.far: refers to Base, which no"],
    ),
    "foreign key to nothing": (
        domain("two", model("Two", "twos", "far = DeferredForeignKey('Nowhere')")),
        ["domains/two/models.py:8: Two.far: refers to nowhere, which no domain"],
    ),
    "model that is not registered": (
        domain("one", THING) | {"one/models.py": HEAD + THING + model("Two", "twos")},
        ["domains/one/models.py:13: Two: is never registered", "domain.models("],
    ),
    "module that nobody imports": (
        AUTH | {"auth/deep/__init__.py": "", "auth/deep/more.py": HEAD + THING},
        ["domains/auth/deep/more.py:7: One: is never registered"],
    ),
    "module that nobody imports and Python cannot read": (
        AUTH | {"auth/more.py": "x = 1\ndef\n"},
        ["domains/auth/more.py:2: domain auth: cannot be loaded: SyntaxError"],
    ),
    "syntax error": (
        {"one/__init__.py": "from domains.one import models\n", "one/models.py": "\n\nx = (\n"},
        ["domains/one/models.py:3: domain one: cannot be loaded: SyntaxError", "correct that line"],
    ),
    "import error": (
        {"one/__init__.py": "from domains.one import models\n", "one/models.py": "import nowhere"},
        ["domains/one/models.py:1: domain one: cannot be loaded", "No module named 'nowhere'"],
    ),
    "error in register": (
        {"one/__init__.py": package("\n    helper()", "def helper(): return 1 / 0")},
        ["domains/one/__init__.py:2: domain one: cannot be loaded: ZeroDivisionError"],
    ),
    "error in what the engine is told": (
        {"one/__init__.py": package("domain.models(5)")},
        ["domains/one/__init__.py:5: domain one", "domain.models takes Peewee models, not 5"],
    ),
    "exit": (
        {"one/__init__.py": "import sys\nsys.exit(0)\n"},
        ["domains/one/__init__.py:2: domain one: cannot be loaded: SystemExit: 0"],
    ),
    "error that is no Exception": (
        {"one/__init__.py": package("raise GeneratorExit")},
        ["domains/one/__init__.py:5: domain one: cannot be loaded: GeneratorExit."],
    ),
    "error that cannot be shown": (
        {
            "one/__init__.py": "class Odd(Exception):\n    def __str__(self):\n"
            "        return 1 / 0\nraise Odd\n"
        },
        ["domains/one/__init__.py:4: domain one: cannot be loaded: Odd: it does not say why."],
    ),
    "register that would not run": (
        {
            "one/__init__.py": "async def register(domain):\n    pass\n",
            "two/__init__.py": "def register(domain):\n    yield 1\n",
            "three/__init__.py": "def register():\n    pass\n",
            "four/__init__.py": "async def register(domain):\n    yield 1\n",
            "five/__init__.py": "class R:\n    def __call__(self, domain):\n        yield 1\n"
            "register = R()\n",
        },
        [
            "domains/one: domain one: has a function register that would not run",
            "domains/two: domain two: has a function register that would not run",
            "domains/three: domain three: has a function register that cannot be called",
            "domains/four: domain four: has a function register that would not run",
            "domains/five: domain five: has a function register that would not run",
        ],
    ),
    "Meta beside its model": (
        {"one/__init__.py": "class Meta:\n    table_name = 'x'\n" + package()},
        ["domains/one/__init__.py: Meta: stands outside of any model."],
    ),
    "words of other tools": (
        {
            "one/__init__.py": "from django.db import models\n",
            "two/__init__.py": package("domain.model(5)"),
            "three/__init__.py": "from domains import TimestampModel\n",
            "four/__init__.py": HEAD + model("A", "x", "a = TextField(blank=True)"),
            "five/__init__.py": HEAD + model("B", "x", "b = ForeignKeyField('A')"),
            "six/__init__.py": HEAD
            + model("C", "x", "c = ForeignKeyField('self', on_delete=CASCADE)"),
            "seven/__init__.py": "import nowhere.at_all\n",
            "eight/__init__.py": "x = 0\n<<<<<<< HEAD\nx = 1\n=======\n>>>>>>> 83a94\n",
            "nine/__init__.py": "from domains.eight import x\n",
            "ten/__init__.py": "from domains import seven\n",
        },
        [
            "8 things are wrong with the domains:",
            "domains/one/__init__.py:1: domain one",
            "What to do: write Peewee models",
            "What to do: write models instead of model.",
            "What to do: write TimestampedModel instead of TimestampModel.",
            "What to do: write null=True.",
            "What to do: a foreign key takes the class of a model",
            'What to do: write it in quotes: on_delete="CASCADE".',
            "or install the package: pip install nowhere.",
            "domains/eight/__init__.py:2: a merge has left both sides in this file. What to do: ",
        ],
    ),
    "no register function": (
        {"one/__init__.py": "register = 5\n"},
        ["domains/one: domain one: has no function register(domain)", "def register(domain):"],
    ),
    "no __init__.py": (
        {"one/models.py": HEAD + THING},
        ["domains/one: domain one: has no function register(domain)"],
    ),
    "bad permission": (
        {"one/__init__.py": package("domain.permissions('shop.read', 'shop write')")},
        [
            "domains/one/__init__.py:5: domain one",
            "'shop write' is not a permission",
            "payments.r",
        ],
    ),
    "domain.sql that is no CREATE": (
        {"one/__init__.py": package("domain.sql('ALTER TABLE x ADD y int')")},
        ["domains/one/__init__.py:5: domain one", "not: 'ALTER TABLE x ADD y int'"],
    ),
    "domain.sql that would hide another object": (
        {"one/__init__.py": package("domain.sql('CREATE OR REPLACE FUNCTION f() RETURNS int')")},
        ["domains/one/__init__.py:5: domain one", "without OR REPLACE"],
    ),
    "domain.sql with the name of a schema": (
        {"one/__init__.py": package("domain.sql('CREATE FUNCTION public.f() RETURNS int')")},
        ["domains/one/__init__.py:5: domain one", "the name of a schema"],
    ),
    "domain.sql that the engine cannot carry": (
        {"one/__init__.py": package("domain.sql('CREATE TYPE r AS RANGE (subtype = int)')")},
        ["domains/one/__init__.py:5: domain one", "CREATE FUNCTION, PROCEDURE, TRIGGER"],
    ),
    "expression index without a name": (
        domain("one", THING, "domain.index(models.One, 'lower(a)')"),
        ["domains/one/__init__.py:5: domain one", "an index on things has no name"],
    ),
}
CASES |= {
    "folder that hides what domains gives": (
        AUTH | {"lock/__init__.py": package(), "portion/__init__.py": package()},
        [
            "domains/lock: a domain of this name would hide what `from domains import lock` gives",
            "domains/portion: ",
        ],
    ),
    "folder that Python cannot import": (
        AUTH
        | {
            "my-domain/__init__.py": package(),
            "2nd/models.py": "",
            "class/__init__.py": package(),
        },
        [
            "domains/my-domain: my-domain is not a name that Python can import",
            "rename the folder, for example to domains/my_domain,",
            "for example to domains/the_2nd,",
            "for example to domains/the_class,",
        ],
    ),
    "domain below a folder": (
        AUTH | {"isp/fiber/__init__.py": package()},
        ["domains/isp: domain isp: has no function register(domain)"],
    ),
    "module instead of a folder": (
        AUTH | {"fiber.py": package()},
        ["domains/fiber.py: is a module", "move it to domains/fiber/__init__.py"],
    ),
    "model in two domains": (
        domain("one", THING) | {"two/__init__.py": package("domain.models(One)", OTHER.strip())},
        ["the table things is registered twice", "domains/one/models.py:7: One"],
    ),
    "enum with the name of a table": (
        domain("one", STATE + model("One", "state", STATEFUL)),
        ["the enum state is registered twice: here and by domains/one/models.py"],
    ),
    "index with the name of another's primary key": (
        domain("one", THING)
        | domain("two", model("Two", "twos"), INDEX.format("Two", "things_pkey")),
        ["the index things_pkey is registered twice", "domains/one/models.py:7: One"],
    ),
    "key that waits for a model of another domain": (
        domain("one", model("One", "ones", "two = DeferredForeignKey('Two'); a = EnumField()"))
        | domain("two", model("Two", "twos")),
        [
            "domains/one/models.py:8: domain one: cannot be loaded",
            "\nWhat to do: correct that line",
        ],
    ),
    "several domains at once": (
        domain("one", THING, "domain.requires(['auth'])")
        | {"two/__init__.py": "import nowhere\n", "a-b/__init__.py": "", "three/x.py": ""},
        [
            "4 things are wrong with the domains:",
            "domains/one/__init__.py:5: domain one: domain.requires takes texts",
            "domains/two/__init__.py:1: domain two: cannot be loaded",
            "domains/a-b: ",
            "domains/three: domain three: has no function",
        ],
    ),
}
# Names that modules of the project have, or had; a domain may have them as well.
NAMES = (
    *(
        "base",
        "domains",
        "engine",
        "errors",
        "fields",
        "kernel",
        "machine",
        "models",
        "permissions",
    ),
    *("peewee", "registry", "rows", "secrets", "status_machine"),
)
LEFT_OVER = {"gone/__pycache__/models.pyc": "", ".hidden/models.py": "", "notes/README.md": ""}
WORKING = {f"{name}/__init__.py": package() for name in NAMES} | domain("shop", THING) | LEFT_OVER
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
        loaded = registry.load()
    except registry.RegistryError as error:
        return str(error)
    return "loaded: " + " ".join(domain.name for domain in loaded.domains)
print(json.dumps({title: message(folder) for title, folder in json.loads(sys.argv[1]).items()}))
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
    """What the registry says to each case; two processes at once ask it about half of them each."""
    folders = [
        (title, str(lay(tmp_path_factory.mktemp("case"), files)))
        for title, (files, _) in {**CASES, "working": (WORKING, [])}.items()
    ]
    answers: dict[str, str] = {}
    for process in [asked(dict(folders[half::2])) for half in range(2)]:
        said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        answers |= json.loads(said)
    return answers


def asked(folders: dict[str, str]) -> subprocess.Popen[str]:
    """A process that asks the registry about these cases."""
    return subprocess.Popen(
        [sys.executable, "-c", LOAD, json.dumps(folders)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f":{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.mark.parametrize("title", CASES)
def test_what_is_refused(title: str, messages: dict[str, str]) -> None:
    for words in CASES[title][1]:
        assert words in messages[title]
    first = messages[title].splitlines()[0]
    told = int(first.split()[0]) if "things are wrong" in first else 1
    assert messages[title].count("What to do: ") == told


def test_a_domain_may_have_the_name_of_a_module_of_ours(messages: dict[str, str]) -> None:
    assert messages["working"] == "loaded: " + " ".join(sorted([*NAMES, "shop"]))
