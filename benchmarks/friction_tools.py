"""The steps of each tool, as its own manual has them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode

from psycopg2.extensions import parse_dsn

from benchmarks.peers import OURS, ROOT


@dataclass(frozen=True)
class Step:
    """A command, with the answers that it is given, or an edit. shown: as one types it, or the
    file."""

    shown: str
    folder: Path
    argv: Sequence[str] = ()
    answers: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    edit: Callable[[], object] | None = None


class Tool(Protocol):
    """A tool in a folder of its own."""

    name: str

    def to_a_table(self) -> Iterator[Step]:
        """From the empty folder to the table `things` with a key and a name."""

    def to_another_name(self) -> Iterator[Step]:
        """`name` is called `title`, and there is a `code` that must have a value."""


def replaced(path: Path, *pairs: tuple[str, str]) -> None:
    """Change texts of a file, each of which has to be in it."""
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        if old not in text:
            raise RuntimeError(f"{path} has no {old!r}")
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def uri(dsn: str, scheme: str = "postgresql") -> str:
    """The URL of keywords and values."""
    parts = parse_dsn(dsn)
    user = quote(parts.get("user", ""))
    if "password" in parts:
        user += f":{quote(parts['password'])}"
    place = urlencode([(str(key), str(parts[key])) for key in parts if key in ("host", "port")])
    return f"{scheme}://{user}@/{parts['dbname']}?{place}"


class OurTool:
    """This project without its domains."""

    name = "here"

    def __init__(self, folder: Path, dsn: str, python: Path) -> None:
        self.folder = folder
        self.environment = {"DATABASE_URL": uri(dsn)}
        folder.mkdir()
        for name in OURS:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        (folder / "domains").mkdir()
        (folder / "migrations").mkdir()
        shutil.copy(ROOT / "domains/__init__.py", folder / "domains")
        self.models = folder / "domains/things/models.py"

    def to_a_table(self) -> Iterator[Step]:
        """From the empty folder to a table."""
        yield self._invoke("domain.new", "things")
        yield self._invoke("generate", "add_things")
        yield self._invoke("migrate")

    def to_another_name(self) -> Iterator[Step]:
        """`name` is called `title`, and `code` must have a value."""

        def edit() -> None:
            replaced(
                self.models,
                ("    name = LineField(", "    code = LineField()\n    title = LineField("),
            )
            package = self.models.parent
            replaced(
                package / "__init__.py",
                ("lower(name)", "lower(title)"),
                ("things_name_key", "things_title_key"),
            )
            replaced(
                package / "seeds.py",
                (
                    '{"name": "Example"}], key="name"',
                    '{"title": "Example", "code": "x"}], key="title"',
                ),
            )

        yield Step("domains/things/models.py", self.folder, edit=edit)
        yield Step("domains/things/__init__.py", self.folder, edit=lambda: None)
        yield Step("domains/things/seeds.py", self.folder, edit=lambda: None)
        yield self._invoke(
            "generate", "--rename", "things.name:title", "--fill", "things.code='none'"
        )
        yield self._invoke("migrate")

    def _invoke(self, *words: str) -> Step:
        argv = [sys.executable, "-m", "invoke", *words]
        return Step(f"invoke {' '.join(words)}", self.folder, argv, (), self.environment)


class DjangoTool:
    """Django, by its tutorial."""

    name = "Django"

    def __init__(self, folder: Path, dsn: str, python: Path) -> None:
        self.folder = folder
        self.python = python
        self.parts = parse_dsn(dsn)
        folder.mkdir()

    def to_a_table(self) -> Iterator[Step]:
        """From the empty folder to a table."""
        yield self._django("startproject", "site_", ".")
        yield self._django("startapp", "shop")
        yield Step("site_/settings.py", self.folder, edit=self._settings)
        yield Step("shop/models.py", self.folder, edit=self._models)
        yield self._manage("makemigrations", "shop")
        yield self._manage("migrate")

    def to_another_name(self) -> Iterator[Step]:
        """`name` is called `title`, and `code` must have a value."""
        models = self.folder / "shop/models.py"

        def edit() -> None:
            replaced(models, ("    name = ", "    code = models.TextField()\n    title = "))

        yield Step("shop/models.py", self.folder, edit=edit)
        yield self._manage("makemigrations", "shop", answers=("n", "y", "1", "'none'"))
        yield self._manage("migrate")

    def _settings(self) -> None:
        path = self.folder / "site_/settings.py"
        text = path.read_text(encoding="utf-8")
        keys = {"NAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user"}
        keys["PASSWORD"] = "password"
        values = {"ENGINE": "django.db.backends.postgresql"}
        values |= {key: self.parts.get(word, "") for key, word in keys.items()}
        text = re.sub(
            r"DATABASES = \{.*?\n\}\n",
            f"DATABASES = {{'default': {values}}}\n",
            text,
            flags=re.DOTALL,
        )
        path.write_text(
            text.replace("INSTALLED_APPS = [", "INSTALLED_APPS = ['shop',"), encoding="utf-8"
        )

    def _models(self) -> None:
        text = (
            "from django.db import models\n\n\nclass Thing(models.Model):\n"
            "    name = models.TextField()\n\n    class Meta:\n        db_table = 'things'\n"
        )
        (self.folder / "shop/models.py").write_text(text, encoding="utf-8")

    def _django(self, *words: str) -> Step:
        argv = [str(self.python), "-m", "django", *words]
        return Step(f"django-admin {' '.join(words)}", self.folder, argv)

    def _manage(self, *words: str, answers: Sequence[str] = ()) -> Step:
        argv = [str(self.python), "manage.py", *words]
        return Step(f"python manage.py {' '.join(words)}", self.folder, argv, answers)
