"""Migration files written by hand."""

from __future__ import annotations

from pathlib import Path

HEAD = "def migrate(migrator, database, *, fake=False):\n"
BACK = "\n\ndef rollback(migrator, database, *, fake=False):\n"


def write(folder: Path, name: str, *steps: str, atomic: bool = True, back: str = "pass") -> None:
    body = "\n".join(f'    migrator.sql("""{step}""")' for step in steps)
    mode = "" if atomic else "atomic = False\n\n\n"
    (folder / f"{name}.py").write_text(f"{mode}{HEAD}{body}\n{BACK}    {back}\n")
