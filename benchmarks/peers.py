"""The same schema and the same work in four tools, each in a folder of its own.

Each tool has the tables as its first migration and can be asked for: `status` (what is applied),
`pending` (migrate with nothing to do), `generate` (find that nothing changed), `apply` (migrate an
empty database), `many` (apply many small files on top).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import sample_schema
from benchmarks.timing import Command

ROOT = Path(__file__).resolve().parent.parent
OURS = ("application", "commands", "engine", "kernel", "project.py", "tasks.py", "registry.py")
PEERS = ("alembic", "django", "psycopg2-binary")
SMALL_FILE = '''"""A small change."""


def migrate(migrator, database, *, fake=False):
    migrator.sql("{statement}")


def rollback(migrator, database, *, fake=False):
    migrator.sql("{back}")
'''
ALEMBIC_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine
from models import Base
with create_engine(os.environ["BENCH_ALCHEMY_URL"]).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
DJANGO_SETTINGS = """
import os
SECRET_KEY = "benchmark"
INSTALLED_APPS = ["sample"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ["BENCH_NAME"], "HOST": os.environ["BENCH_HOST"],
    "PORT": os.environ["BENCH_PORT"], "USER": os.environ["BENCH_USER"],
    "PASSWORD": os.environ["BENCH_PASSWORD"]}}
"""


def environment(folder: Path) -> Path:
    """The Python of an environment that has the peers; made once."""
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS], check=True)
    return python


def run(command: Command) -> None:
    """Carry out a step of the preparation. Raises CalledProcessError."""
    subprocess.run(
        command.argv,
        cwd=command.folder,
        env={**os.environ, **command.environment},
        check=True,
        capture_output=True,
    )


class Ours:
    """This project, with the sample as its only domain."""

    def __init__(self, folder: Path, tables: int) -> None:
        self.folder = folder
        for name in OURS:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name)
            else:
                folder.mkdir(exist_ok=True)
                shutil.copy(ROOT / name, folder)
        (folder / "domains/sample").mkdir(parents=True)
        (folder / "migrations").mkdir()
        shutil.copy(ROOT / "domains/__init__.py", folder / "domains")
        self.tables = tables
        self._write_domain(0)

    def command(self, url: str, *words: str) -> Command:
        """`invoke …` on a database."""
        argv = [sys.executable, "-m", "invoke", *words]
        return Command(argv, self.folder, {"DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": ""})

    def add(self, count: int) -> None:
        """Write small files behind the first, where they are not there yet, and their columns into
        the models."""
        for number, statement in enumerate(sample_schema.small_files(count), 2):
            path = self.folder / f"migrations/{number:03}_small.py"
            if path.exists():
                continue
            back = statement.replace("ADD COLUMN", "DROP COLUMN").removesuffix(" integer")
            text = SMALL_FILE.format(statement=statement, back=back)
            path.write_text(text)
        self._write_domain(count)

    def _write_domain(self, extras: int) -> None:
        domain = sample_schema.peewee_domain(self.tables, extras)
        (self.folder / "domains/sample/__init__.py").write_text(domain)

    def add_one(self) -> None:
        """Write one more."""
        self.add(len(list(self.folder.glob("migrations/*.py"))))


class PeeweeMigrate:
    """Plain peewee-migrate on our files."""

    SCRIPT = (
        "import sys; from playhouse.db_url import connect; from peewee_migrate import Router; "
        "router = Router(connect(sys.argv[1]), migrate_dir=sys.argv[2]); "
        "print(router.diff) if sys.argv[3] == 'status' else router.run()"
    )

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, url: str, word: str) -> Command:
        """word: `status` or `migrate`."""
        argv = [sys.executable, "-c", self.SCRIPT, url, str(self.folder / "migrations"), word]
        return Command(argv, self.folder)


class Alembic:
    """Alembic with SQLAlchemy models."""

    def __init__(self, folder: Path, tables: int, python: Path) -> None:
        self.folder = folder
        self.python = python
        self.tables = tables
        (folder / "revisions/versions").mkdir(parents=True)
        (folder / "alembic.ini").write_text("[alembic]\nscript_location = revisions\n")
        (folder / "revisions/env.py").write_text(ALEMBIC_ENV)
        (folder / "models.py").write_text(sample_schema.alchemy_models(tables))
        (folder / "revisions/script.py.mako").write_text(
            "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n"
            "from alembic import op\nimport sqlalchemy as sa\n"
            "def upgrade():\n    ${upgrades if upgrades else 'pass'}\n"
            "def downgrade():\n    ${downgrades if downgrades else 'pass'}\n"
        )

    def command(self, url: str, *words: str) -> Command:
        """`alembic …` on a database."""
        alchemy = url.replace("postgresql://", "postgresql+psycopg2://", 1)
        variables = {"BENCH_ALCHEMY_URL": alchemy, "PYTHONPATH": str(self.folder)}
        return Command([str(self.python), "-m", "alembic", *words], self.folder, variables)

    def write_first(self, url: str) -> None:
        """The first revision, by autogenerate; the triggers by hand."""
        run(self.command(url, "revision", "--autogenerate", "-m", "initial", "--rev-id", "0001"))
        lines = [f"    op.execute({text!r})" for text in sample_schema.triggers(self.tables)]
        self._write("0002", "0001", lines)

    def add(self, count: int) -> None:
        """Small revisions behind the first."""
        for number, statement in enumerate(sample_schema.small_files(count), 3):
            self._write(f"{number:04}", f"{number - 1:04}", [f"    op.execute({statement!r})"])

    def _write(self, name: str, after: str, lines: list[str]) -> None:
        text = [f"revision = '{name}'", f"down_revision = '{after}'", "from alembic import op"]
        text += ["def upgrade():", *lines, "def downgrade():", "    pass", ""]
        (self.folder / f"revisions/versions/{name}_small.py").write_text("\n".join(text))


class Django:
    """Django with one application."""

    def __init__(self, folder: Path, tables: int, python: Path) -> None:
        self.folder = folder
        self.python = python
        self.tables = tables
        (folder / "sample/migrations").mkdir(parents=True)
        for name in ("sample/__init__.py", "sample/migrations/__init__.py"):
            (folder / name).write_text("")
        (folder / "settings.py").write_text(DJANGO_SETTINGS)
        (folder / "sample/models.py").write_text(sample_schema.django_models(tables))

    def command(self, url: str, *words: str) -> Command:
        """`django-admin …` on a database."""
        from psycopg2.extensions import parse_dsn

        parts = parse_dsn(url)
        variables = {
            "BENCH_NAME": parts["dbname"],
            "BENCH_HOST": parts.get("host", ""),
            "BENCH_PORT": parts.get("port", ""),
            "BENCH_USER": parts.get("user", ""),
            "BENCH_PASSWORD": parts.get("password", ""),
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": str(self.folder),
        }
        return Command([str(self.python), "-m", "django", *words], self.folder, variables)

    def write_first(self, url: str) -> None:
        """The first migration, by makemigrations; the triggers by hand."""
        run(self.command(url, "makemigrations", "-v0"))
        self._write("0002_triggers", "0001_initial", sample_schema.triggers(self.tables))

    def add(self, count: int) -> None:
        """Small migrations behind the first."""
        before = "0002_triggers"
        for number, statement in enumerate(sample_schema.small_files(count), 3):
            self._write(f"{number:04}_small", before, [statement])
            before = f"{number:04}_small"

    def _write(self, name: str, after: str, statements: list[str]) -> None:
        operations = ", ".join(f"migrations.RunSQL({text!r})" for text in statements)
        text = (
            "from django.db import migrations\nclass Migration(migrations.Migration):\n"
            f"    dependencies = [('sample', '{after}')]\n    operations = [{operations}]\n"
        )
        (self.folder / f"sample/migrations/{name}.py").write_text(text)
