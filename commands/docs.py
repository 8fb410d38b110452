"""The pages of the schema."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit

from commands.base import here
from commands.task import command
from engine.files import version_control
from engine.project import Project
from project import PROJECT

PAGES = ("docs/schema", "docs/reference.md")


@command(
    example="invoke docs",
    help={
        "check": "Write nothing; exit with 1 where a page is not what the domains ask for.",
        "path": "Folder to write to, instead of docs/schema.",
    },
)
def docs(c: Context, check: bool = False, path: str = "") -> None:
    """Write the pages of the schema (Markdown, one HTML file, JSON and SQL) and the reference."""
    import registry
    from pages import book, reference
    from pages.collect import collect

    folder = Path(path) if path else PROJECT.root / "docs/schema"
    facts = collect(here(), "MikroTik ISP billing", list(registry.load()))
    texts = dict(book.files(facts))
    if not path:  # it is no page of the schema, and goes beside them
        texts["../reference.md"] = reference.text()
    if check:
        stale = book.stale(folder, texts)
        print("\n".join([*(f"stale: {name}" for name in stale)]) or "The pages are up to date.")
        if stale:
            print("What to do: run `invoke docs` and commit what it writes.")
        tell_unmerged(PROJECT)
        raise Exit(code=int(bool(stale)))
    changed = book.write(folder, texts)
    for name in changed:
        print(f"wrote {folder / name}" if name in texts else f"removed {folder / name}")
    if not changed:
        print("Nothing changed: the pages are up to date.")
    tell_unmerged(PROJECT)


def tell_unmerged(project: Project) -> None:
    """Say how the merge goes on that stopped in pages, which git puts together from no two sides
    (.gitattributes): they are made from the domains, whatever was in them."""
    if version_control.unmerged(project, *PAGES):
        print(f"For git they are in conflict until you say: git add {' '.join(PAGES)}")
