"""Migrations written, numbered anew, and printed for psql."""

from __future__ import annotations

import sys

from invoke.context import Context

from commands.base import MIGRATIONS, ROOT, answer, command, count, is_dry, migration_url, url


@command(
    positional=["name"],
    iterable=["allow_drop", "rename"],
    help={
        "name": "Name of the migration, such as add_fiber_lines.",
        "allow_drop": "Name of a table or column whose data may be lost; may be repeated.",
        "rename": "What has another name now: table.column:new, or old:new; may be repeated.",
        "offline": "One short file, though tables with rows are locked meanwhile.",
        "empty": "Write a skeleton for a change by hand.",
        "dry_run": "Print the files and write nothing.",
    },
)
def generate(
    c: Context,
    name: str,
    allow_drop: list[str],
    rename: list[str],
    offline: bool = False,
    empty: bool = False,
    dry_run: bool = False,
) -> None:
    """Write the migration that brings the files up to the domains."""
    import registry
    from commands.console import Console
    from engine.generate.generator import Generator

    questions = _Questions()
    generator = Generator(
        list(registry.load()),
        MIGRATIONS,
        migration_url(),
        allow_drop=allow_drop,
        renames=rename,
        ask=questions if sys.stdin.isatty() else None,
        offline=offline,
        report=Console(),
    )
    try:
        files = generator.empty(name) if empty else generator.generate(name)
    finally:
        questions.tell(name)
    if not files:
        print("Nothing changed: the migrations lead to what the domains ask for.")
    elif is_dry(c, dry_run):
        print("\n".join(file.text for file in files))
    else:
        for file, path in zip(files, generator.write(files), strict=True):
            print(f"wrote {path.relative_to(ROOT)}")
            print("\n".join(f"  {line}" for line in file.summary))
        print("Review it, then run: invoke migrate")


class _Questions:
    """Asks on the terminal whether a column or table has another name now, and keeps what was
    answered, since an error after the questions must not lose it."""

    def __init__(self) -> None:
        self.flags: list[str] = []

    def __call__(self, old: str, new: str) -> bool:
        renamed = answer(f"Is {old} now called {new}? Its data is kept then [y/N]: ")
        if renamed not in ("y", "yes"):
            return False
        self.flags.append(f"--rename {old}:{new}")
        return True

    def tell(self, name: str) -> None:
        """Print the options that give the same where nobody can be asked."""
        if self.flags:
            print(f"The same without questions: invoke generate {name} {' '.join(self.flags)}")


@command(help={"dry_run": "Print what would be renamed."})
def renumber(c: Context, dry_run: bool = False) -> None:
    """Give pending files whose number is taken, or too low, the next free ones."""
    from engine.manage.renumber import renumber as move
    from engine.manage.status import read_status

    entries = read_status(url(), MIGRATIONS).history.entries
    applied = [entry.name for entry in entries if entry.state != "pending"]
    moved = move(MIGRATIONS, applied, dry=is_dry(c, dry_run))
    print("\n".join(f"{old} → {new}" for old, new in moved) or "Nothing to renumber.")


@command(
    name="sql",
    help={
        "after": "Number of the last file that is applied already.",
        "to": "Number of the last file to print.",
    },
)
def sql_script(c: Context, after: str = "0", to: str = "") -> None:
    """Print the migrations as an SQL script for psql, the history included."""
    from engine.manage.sql_script import script

    first, last = count("--after", after, least=0), count("--to", to) if to else None
    print(script(MIGRATIONS, first, last))
