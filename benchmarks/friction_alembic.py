"""The steps of Alembic with SQLAlchemy, by its tutorial."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.friction_tools import Step, replaced, uri


class AlembicTool:
    """Alembic in a folder of its own."""

    name = "Alembic"

    def __init__(self, folder: Path, dsn: str, python: Path) -> None:
        self.folder = folder
        self.python = python
        self.url = uri(dsn, "postgresql+psycopg2")
        folder.mkdir()

    def to_a_table(self) -> Iterator[Step]:
        """From the empty folder to a table."""
        yield self._alembic("init", "alembic")
        yield Step("alembic.ini", self.folder, edit=self._ini)
        yield Step("models.py", self.folder, edit=self._models)
        yield Step("alembic/env.py", self.folder, edit=self._env)
        yield self._alembic("revision", "--autogenerate", "-m", "things")
        yield self._alembic("upgrade", "head")

    def to_another_name(self) -> Iterator[Step]:
        """`name` is called `title`, and `code` must have a value."""
        models = self.folder / "models.py"

        def edit() -> None:
            column = "    code = Column(Text, nullable=False)\n    title = "
            replaced(models, ("    name = ", column))

        yield Step("models.py", self.folder, edit=edit)
        yield self._alembic("revision", "--autogenerate", "-m", "title")
        yield Step("alembic/versions/…_title.py", self.folder, edit=self._revision)
        yield self._alembic("upgrade", "head")

    def _revision(self) -> None:
        """It has a drop and two additions, which would lose the names and fail on the rows."""
        (path,) = (self.folder / "alembic/versions").glob("*_title.py")
        up = (
            "    op.alter_column('things', 'name', new_column_name='title')\n"
            "    op.add_column('things', sa.Column('code', sa.Text(), nullable=False, "
            "server_default='none'))\n    op.alter_column('things', 'code', server_default=None)\n"
        )
        down = (
            "    op.drop_column('things', 'code')\n"
            "    op.alter_column('things', 'title', new_column_name='name')\n"
        )
        text = path.read_text(encoding="utf-8")
        head = text[: text.index("def upgrade()")]
        body = f"def upgrade() -> None:\n{up}\n\ndef downgrade() -> None:\n{down}"
        path.write_text(head + body, encoding="utf-8")

    def _ini(self) -> None:
        path = self.folder / "alembic.ini"
        text = path.read_text(encoding="utf-8")
        url = f"sqlalchemy.url = {self.url.replace('%', '%%')}"
        path.write_text(
            re.sub("^sqlalchemy.url = .*$", lambda _: url, text, flags=re.MULTILINE),
            encoding="utf-8",
        )

    def _models(self) -> None:
        text = (
            "from sqlalchemy import BigInteger, Column, Text\n"
            "from sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n\n\n"
            "class Thing(Base):\n    __tablename__ = 'things'\n"
            "    id = Column(BigInteger, primary_key=True)\n"
            "    name = Column(Text, nullable=False)\n"
        )
        (self.folder / "models.py").write_text(text, encoding="utf-8")

    def _env(self) -> None:
        replaced(
            self.folder / "alembic/env.py",
            ("target_metadata = None", "from models import Base\ntarget_metadata = Base.metadata"),
        )

    def _alembic(self, *words: str) -> Step:
        argv = [str(self.python), "-m", "alembic", *words]
        variables = {"PYTHONPATH": str(self.folder)}
        return Step(f"alembic {' '.join(words)}", self.folder, argv, (), variables)
