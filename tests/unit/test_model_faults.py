"""Slips of those who write models: each is told with file, line, model and field, and a way out;
all of them at once, and before any database."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from peewee import TextField

from engine.schema.own_tables import OWN_TABLES
from kernel.domain import Domain
from kernel.models import BaseModel
from kernel.name_faults import RESERVED
from tests.support.project import ROOT

HEAD = '''
"""Models of slips."""
import datetime
import uuid
from datetime import timezone
from enum import Enum, StrEnum
import peewee
from peewee import *
from playhouse.postgres_ext import *
from domains import *


class St(StrEnum):
    A = "a"
    B = "b"


class Other(StrEnum):
    C = "c"


class Plain(str, Enum):
    A = "a"


class Text(StrEnum):
    A = "a"


class Hollow(StrEnum):
    pass


class Target(TimestampedModel):
    code = TextField(unique=True)

    class Meta:
        table_name = "targets"


shared = TextField()
'''
# A line of a class body, or lines of Meta (those that are indented once more), and what is told.
SLIPS: dict[str, tuple[str, str]] = {
    "enum that is no StrEnum": ("a = EnumField(Plain)", "a: has <enum 'Plain'> for its values"),
    "enum that is a list": ("a = EnumField(['x'])", "a: has ['x'] for its values"),
    "enum without values": ("a = EnumField(Hollow)", "a: has the enum Hollow, which has no values"),
    "enum of a built-in name": ("a = EnumField(Text)", "a: has the enum Text, and text is a type"),
    "value of another enum": ("a = EnumField(St, default=Other.C)", "a: has the default <Other.C"),
    "value of no enum": ("a = EnumField(St, default='c')", "a: has the default 'c', which St does"),
    "enum itself": ("a = EnumField(St, default=St)", "a: has the enum itself"),
    "frozen now": ("a = TimestampField(default='now()')", "a: has the text 'now()' for its"),
    "frozen today": ("a = DateField(default='today')", "a: has the text 'today'"),
    "no moment": ("a = DateTimeField(default='tomorrow')", "a: has the text 'tomorrow'"),
    "naive now": (
        "a = TimestampField(default=datetime.datetime.now)",
        "a: has a default without a",
    ),
    "naive utcnow": ("a = TimestampField(default=datetime.datetime.utcnow)", "a: has a default wi"),
    "naive lambda": ("a = TimestampField(default=lambda: datetime.datetime.now())", "a: has a def"),
    "naive constant": ("a = TimestampField(default=datetime.datetime(2020, 1, 1))", "no time zone"),
    "now, called": (
        "a = TimestampField(default=datetime.datetime.now(timezone.utc))",
        "a: has the default datetime.datetime.now(), which is called once",
    ),
    "today, called": ("a = DateField(default=datetime.date.today())", "a: has the default datetim"),
    "uuid, called": ("a = UUIDField(default=uuid.uuid4())", "a: has the default uuid.uuid4(), whi"),
    "function of SQL": ("a = TimestampField(default=fn.now())", "a: has SQL for its default"),
    "SQL": ("a = TimestampField(default=SQL('now()'))", "a: has SQL for its default"),
    "Default as default": ("a = IntegerField(default=Default('1'))", "a: has SQL for its default"),
    "shared dict": ("a = BinaryJSONField(default={})", "a: has one dict for its default"),
    "shared list": ("a = TextArrayField(default=[])", "a: has one list for its default"),
    "function with a parameter": (
        "a = TextField(default=lambda row: 'x')",
        "a: has the default <f",
    ),
    "text for a number": ("a = IntegerField(default='many')", "a: has the default 'many': "),
    "part of a number": (
        "a = IntegerField(default=1.5)",
        "a: has the default 1.5, of which 1 would",
    ),
    "text for a truth": ("a = BooleanField(default='false')", "a: has 'false' for its default"),
    "long text": ("a = CharField(max_length=2, default='abc')", "a: has a default that is longer"),
    "money below zero": ("a = MoneyField(default=-1)", "a: has the default -1: it is below zero"),
    "large rate": ("a = BasisPointsField(default=20000)", "a: has the default 20000: it is not be"),
    "no phone": ("a = PhoneField(default='x')", "a: has the default 'x': not a phone number"),
    "secret default": ("a = SecretField(default='hidden')", "a: has a default, which everybody"),
    "class of a field": ("a = TextField", "a: is the class TextField, not a field"),
    "comma behind a field": ("a = TextField(),", "a: is a tuple with a field in it"),
    "annotation": ("a: TextField()", "a: is an annotation, and no column"),
    "annotation of a class": ("a: TextField", "a: is an annotation, and no column"),
    "two of one name": (
        "a = TextField(); a = IntegerField()",
        "a: is written twice, and the first",
    ),
    "two of one column": (
        "a = TextField(); b = TextField(column_name='a')",
        "a: has the column a, as another field",
    ),
    "key and its column": (
        "a = ForeignKeyField(Target, column_name='b_id'); b = ForeignKeyField(Target)",
        "a: has the column b_id, as another field",
    ),
    "method of the model": ("select = TextField()", "select: hides select() of the model"),
    "set null": (
        "a = ForeignKeyField(Target, on_delete='SET NULL')",
        'a: has on_delete="SET NULL" a',
    ),
    "set default": ("a = ForeignKeyField(Target, on_delete='SET DEFAULT')", "and no default"),
    "no action of PostgreSQL": ("a = ForeignKeyField(Target, on_delete='SETNULL')", "'SETNULL'"),
    "action that is no text": (
        "a = ForeignKeyField(Target, on_delete=True)",
        "a: has on_delete=Tr",
    ),
    "update": ("a = ForeignKeyField(Target, on_update='set null')", 'a: has on_update="SET NULL"'),
    "check without a list": (
        "a = TextField(constraints=Check('a <> 1'))",
        "constraints that are no",
    ),
    "check of money": (
        "a = MoneyField(constraints=Check('a > 1'))",
        "a: has constraints that are no",
    ),
    "check as text": ("a = TextField(constraints=['a <> 1'])", "a: has 'a <> 1' among its constra"),
    "check, not called": ("a = TextField(constraints=[Check])", "a: has Check among its constrain"),
    "help of two texts": ("a = TextField(help_text=('x', 'y'))", "a: has ('x', 'y') for its help_"),
    "number for a column": ("a = TextField(column_name=5)", "a: has 5 for its column_name"),
    "Peewee's timestamp": ("a = peewee.TimestampField()", "a: is Peewee's TimestampField"),
    "many to many": ("a = ManyToManyField(Target)", "a: is a ManyToManyField, and the table"),
    "hstore without its extension": ("a = HStoreField()", "a: has the type HSTORE, which comes"),
    # As those write who come from Django, SQLModel or a spreadsheet.
    "choices": ("a = TextField(choices=[('x', 'X')])", "a: has choices, which neither"),
    "label first": ("a = TextField('Name')", "a: has null='Name', and that is True or False"),
    "unique as a text": ("a = TextField(unique='yes')", "a: has unique='yes', and that is True"),
    "no letters": ("a = CharField(max_length=0)", "a: has max_length=0"),
    "label for a length": ("a = CharField('Name')", "a: has max_length='Name'"),
    "more letters than fit": ("a = CharField(max_length=2 * 10**7)", "a: has max_length=20000000"),
    "more places than digits": (
        "a = DecimalField(max_digits=3, decimal_places=5)",
        "a: has max_digits=3 and decimal_places=5",
    ),
    "large number": ("a = IntegerField(default=2**31)", "holds numbers of 32 bits"),
    "large small number": ("a = SmallIntegerField(default=-(2**15) - 1)", "numbers of 16 bits"),
    "large decimal": (
        "a = DecimalField(max_digits=5, decimal_places=2, default=1000)",
        "a: has the default 1000: the column holds 3 digits before the point",
    ),
    "key to a row": ("a = ForeignKeyField(Target())", "a: refers to <Target: None>, which is no"),
    "backref of a method": (
        "a = ForeignKeyField(Target, backref='save')",
        'a: has backref="save", which hides save() of Target',
    ),
    "backref of a field": (
        "a = ForeignKeyField(Target, backref='code')",
        'a: has backref="code", which hides the field of that name',
    ),
    "backref twice": (
        "a = ForeignKeyField(Target, backref='x'); b = ForeignKeyField(Target, backref='x')",
        'a: has backref="x", as another foreign key to Target has',
    ),
    "column of the system": ("xmin = IntegerField()", "xmin: has the column xmin, which every"),
    "column of 64 bytes": ("é" * 32 + " = TextField()", "has a column of 64 bytes, and PostgreSQL"),
    "field and method": (
        "a = TextField(); a = property(lambda row: 1)",
        "a: is written twice, and the first",
    ),
    "type alone": ("a: str", "a: is an annotation, and no column. What to do: write a = LineFie"),
    "type with a value": ("a: int = 5", "a: is an annotation, and no column"),
    "null in the key": (
        "a = ForeignKeyField(Target, null=True, primary_key=True)",
        "a: may be null, and is the primary key",
    ),
    "unique_together": (
        "    unique_together = ('a', 'b')",
        "Meta: has unique_together, which is not an option. What to do: write indexes = (((",
    ),
    "verbose_name": ("    verbose_name = 'x'", "the docstring of the class becomes"),
    "key over nothing": (
        "    primary_key = CompositeKey('a', 'b')",
        "Meta: has a primary_key over 'a', which is not a field",
    ),
    "table of 64 bytes": ("    table_name = 'x' * 64", "Meta: has a table_name of 64 bytes"),
    "tablename": ("    tablename = 'x'", "Meta: has tablename, which is not an option"),
    "schema": ("    schema = 'x'", "Meta: has schema, and no migration"),
    "temporary": ("    temporary = True", "Meta: has temporary, and no migration"),
    "number for a table": ("    table_name = 5", "Meta: has 5 for its table_name"),
    "table of the engine": ("    table_name = 'migratehistory'", "a table of the migration engine"),
    "index on nothing": (
        "    indexes = ((('kode',), True),)",
        "Meta: has an index on 'kode', which",
    ),
    "index without its comma": ("    indexes = (('created_at',), True)", "among its indexes"),
    "index on a text": ("    indexes = (('created_at', True),)", "among its indexes"),
    "index of SQL": ("    indexes = [SQL('CREATE INDEX x')]", "Meta: has an index that is SQL"),
    "index without a name": ("    indexes = (((fn.lower('x'),), True),)", "that cannot be made"),
    "constraint of a table": (
        "    constraints = Check('1 = 1')",
        "Meta: has constraints that are no",
    ),
    "text for a constraint": ("    constraints = ['1 = 1']", "Meta: has '1 = 1' among its"),
}
# Lines of register, and what is told.
CALLS: dict[str, tuple[str, str]] = {
    "requires a list": ("domain.requires(['auth'])", "domain.requires takes texts, one by one"),
    "models as a list": ("domain.models([M.Target])", "domain.models takes Peewee models, not"),
    "model as text": ("domain.models('Target')", "domain.models takes Peewee models, not 'Target'"),
    "index of a text": ("domain.index('targets', 'code')", "domain.index takes a model first"),
    "index of nothing": ("domain.index(M.Target)", "an index on targets has no columns"),
    "index of a number": ("domain.index(M.Target, 5, name='x')", "takes fields and SQL texts"),
    "index of another model": ("domain.index(M.Target, M.Two.code)", "takes a field of Two"),
    "where of a model": (
        "domain.index(M.Target, M.Target.code, where=M.Target.code == 'x')",
        "the option where of an index on targets is Expression, not text",
    ),
    "include of a text": (
        "domain.index(M.Target, M.Target.code, include=5)",
        "takes fields and SQL texts, not 5",
    ),
    "sql as a list": ("domain.sql(['CREATE VIEW v AS SELECT 1'])", "domain.sql takes texts"),
    "sql of nothing": ("domain.sql('')", "domain.sql takes texts"),
    "permissions as a list": ("domain.permissions(['a.b'])", "domain.permissions takes texts"),
    "grants as a set": ("domain.grants({'a.b'})", "domain.grants takes texts"),
    "extension as a list": ("domain.extension(['hstore'])", "domain.extension takes texts"),
    "seed that was called": ("domain.seed(None)", "domain.seed takes functions"),
    "seed without a parameter": ("domain.seed(lambda: None)", "domain.seed takes functions"),
    "seed that yields": (
        "domain.seed(lambda seeder: (yield seeder))",
        "domain.seed has a function that would not run",
    ),
    "notice without a query": ("domain.notice('x', '')", "domain.notice takes a name in small"),
    "notice with a bad name": ("domain.notice('It is', 'SELECT 1')", "domain.notice takes a name"),
    "renamed from nothing": ("domain.renamed_from('a', 'b')", "domain.renamed_from takes a model"),
    "status that is none": ("domain.status(5)", "domain.status takes status machines, not 5"),
    "status of a text": ("domain.status(StatusMachine('a', {1}, {}))", "has 'a' for its field"),
    "status without a start": (
        "domain.status(StatusMachine(M.Two.state, set(), {}))",
        "the status machine of Two.state starts nowhere",
    ),
    "status that starts with one": (
        "domain.status(StatusMachine(M.Two.state, M.St.A, {}))",
        "the status machine of Two.state starts nowhere",
    ),
    "status whose start lacks the default": (
        "domain.status(StatusMachine(M.Two.state, {M.St.B}, {}))",
        "the status machine of Two.state does not start with a, the default",
    ),
    "status of another enum": (
        "domain.status(StatusMachine(M.Two.state, {M.St.A, M.Other.C}, {}))",
        "the status machine of Two.state knows c, which St does not have",
    ),
    "status whose moves are a list": (
        "domain.status(StatusMachine(M.Two.state, {M.St.A}, [M.St.B]))",
        "the status machine of Two.state has no table of moves",
    ),
    "status whose moves lead to one": (
        "domain.status(StatusMachine(M.Two.state, {M.St.A}, {M.St.A: M.St.B}))",
        "the status machine of Two.state has no set of moves from a",
    ),
}
TWO = """

class Two(BaseModel):
    code = TextField()
    state = EnumField(St, default=St.A)
"""
LOAD = """
import sys
sys.path.insert(0, ".")
import registry
try:
    registry.load()
except registry.RegistryError as error:
    print(error)
else:
    print("nothing was refused")
"""


def written(slips: dict[str, tuple[str, str]]) -> str:
    """The text of a module with a model for each slip."""
    models = [HEAD + TWO]
    for number, (line, _) in enumerate(slips.values()):
        body = f"    class Meta:\n    {line}\n" if line.startswith(" ") else f"    {line}\n"
        models.append(f"\n\nclass Slip{number:02}(TimestampedModel):\n{body}")
    return "".join(models)


def asked(folder: Path, models: str, register: Iterable[str]) -> subprocess.Popen[str]:
    """A process that asks the registry about one domain with these models and calls."""
    names = re.findall(r"^class (\w+)\((?:Base|Timestamped)Model\)", models, re.MULTILINE)
    listed = ", ".join(f"M.{name}" for name in names)
    calls = "\n    ".join([f"domain.models({listed})", *register])
    head = (
        '"""Slips."""\nfrom domains import StatusMachine\nfrom domains.slips import models as M\n'
    )
    (folder / "domains/slips").mkdir(parents=True)
    for path in (ROOT / "domains").glob("*.py"):
        (folder / "domains" / path.name).write_text(path.read_text())
    (folder / "domains/slips/models.py").write_text(models)
    (folder / "domains/slips/__init__.py").write_text(
        f"{head}\n\ndef register(domain):\n    {calls}\n"
    )
    (folder / "registry.py").write_text((ROOT / "registry.py").read_text())
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", LOAD],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the registry says to slips in models, to slips in register, and to what is right; all
    three are asked at once."""
    new = tmp_path_factory.mktemp
    right = HEAD.replace("class Plain", "class Plain_") + TWO + RIGHT
    processes = {
        "models": asked(new("models"), written(SLIPS), ()),
        "register": asked(new("register"), HEAD + TWO, (line for line, _ in CALLS.values())),
        "right": asked(new("right"), right, RIGHT_CALLS),
    }
    answers = {}
    for name, process in processes.items():
        answers[name], errors = process.communicate(timeout=60)
        assert "Traceback" not in errors, errors
    return answers


@pytest.fixture(scope="module")
def lines(told: dict[str, str]) -> list[str]:
    return told["models"].splitlines()


@pytest.fixture(scope="module")
def calls(told: dict[str, str]) -> list[str]:
    return told["register"].splitlines()


@pytest.mark.parametrize("title", SLIPS)
def test_a_slip_in_a_model_is_told(title: str, lines: list[str]) -> None:
    line, words = SLIPS[title]
    model = f"Slip{list(SLIPS).index(title):02}"
    own = [text for text in lines if f": {model}" in text]
    assert any(words in text for text in own), own or lines
    number = int(own[0].split(":")[1])
    assert (
        line.strip() in written(SLIPS).splitlines()[number - 1]
        or "    class Meta:" in (written(SLIPS).splitlines()[number - 1])
    )
    assert all(". What to do: " in text for text in own)


@pytest.mark.parametrize("title", CALLS)
def test_a_slip_in_register_is_told(title: str, calls: list[str]) -> None:
    _, words = CALLS[title]
    line = 8 + list(CALLS).index(title)
    own = [text for text in calls if f"domains/slips/__init__.py:{line}: domain slips" in text]
    assert len(own) == 1, calls
    assert words in own[0]
    assert ". What to do: " in own[0]


def test_all_slips_are_told_at_once(lines: list[str], calls: list[str]) -> None:
    assert len(SLIPS) + len(CALLS) > 50
    for text, slips in ((lines, SLIPS), (calls, CALLS)):
        assert re.match(r"\d+ things are wrong with the domains:", text[0])
        assert len(text) >= len(slips) + 2


def test_what_is_right_is_taken(told: dict[str, str]) -> None:
    assert told["right"] == "nothing was refused\n"


RIGHT_CALLS = ('domain.extension("hstore")', "domain.index(M.Two, M.Two.code, include=[M.Two.id])")
RIGHT = """

class Right(TimestampedModel):
    a = TimestampField(default=lambda: datetime.datetime.now(timezone.utc))
    b = BinaryJSONField(default=dict)
    c = UUIDField(default=uuid.uuid4)
    d = DateField(default="2020-01-31")
    e = DateField(default=datetime.date.today)
    f = TimeField(default=datetime.time(8, 0))
    g = IntegerField(default="5")
    h = BooleanField(default=0)
    i = HStoreField(default=dict)
    j = EnumField(St, default="b")
    k = ForeignKeyField(Target, null=True, on_delete="set null", backref="+")
    l = MoneyField(signed=True, default=-1, constraints=[Check("l < 5")])
    m = IntegerField(constraints=[SQL("GENERATED ALWAYS AS (g * 2) STORED")])
    n = TextField(default=str, column_name="Other name", help_text="A text.")
    o = TimestampField(default=datetime.datetime(2020, 1, 1, tzinfo=timezone.utc))
    p: TextField = TextField(null=True)
    q = DecimalField(default=0.5)
    r = DecimalField(max_digits=3, decimal_places=1, default=99.9)
    s = ForeignKeyField(Target, null=True, unique=1, backref="rights")
    t = CharField(63, default="x")
    LIMIT: int = 5
    rows: "ModelSelect"
    if not True:
        counted: int

    class Meta:
        indexes = ((("a", "d"), False), ((SQL("lower(n)"), "a"), True))
        constraints = [Check("g > 0")]


Right.add_index(Right.a, Right.e)
"""


def test_the_tables_of_the_engine_are_those_that_no_model_may_have() -> None:
    assert sorted(RESERVED) == sorted(OWN_TABLES)


class Indexed(BaseModel):
    code = TextField()

    class Meta:
        table_name = "indexed"


Indexed.add_index(Indexed.code)
Indexed.add_index(Indexed.created_at, name="by_hand")


def test_an_index_is_called_the_same_whoever_looks() -> None:
    """Peewee gives the same object each time, and its name must not grow."""
    domain = Domain("shop", "domains/shop")
    domain.models(Indexed)
    for _ in range(3):
        names = [name for kind, name, _ in domain.objects() if kind == "index"]
        assert names == ["indexed_code_idx", "by_hand"]
