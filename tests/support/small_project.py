"""A copy of the project with one small domain and no migrations: what every command takes time for
is the schema of the real one."""

from __future__ import annotations

import shutil
from pathlib import Path

SHOP = '''"""A shop."""
from peewee import TextField
from domains import BaseModel, Domain


class Article(BaseModel):
    """An article."""

    name = TextField()

    class Meta:
        table_name = "articles"


def register(domain: Domain) -> None:
    domain.models(Article)
'''


def shrink(project: Path, text: str = SHOP) -> Path:
    """Leave it one domain, whose package is that text (its folder)."""
    for path in (project / "domains").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.rmtree(project / "migrations")
    (project / "migrations").mkdir()
    home = project / "domains/shop"
    home.mkdir()
    (home / "__init__.py").write_text(text, encoding="utf-8")
    return home
