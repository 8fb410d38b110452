"""The command line: `invoke --list` shows the tasks, `invoke --help TASK` what one takes.

Each task parses, asks, calls the engine and prints. Whatever is heavy is imported inside the task
that needs it.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from engine.errors import ConfigError, EngineError, Refused

if TYPE_CHECKING:
    from engine.runner import Runner

ROOT = Path(__file__).resolve().parent
MIGRATIONS = ROOT / "migrations"
TIME_ZONE = "Asia/Jakarta"


def command(**options: Any) -> Callable[[Callable[..., None]], Any]:
    """An invoke task that prints what a user can cause as a message, and exits with 1."""

    def decorate(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        def guarded(*arguments: Any, **named: Any) -> None:
            from engine.database import load_environment

            try:
                load_environment(ROOT)
                function(*arguments, **named)
            except _expected() as error:
                raise Exit(f"Error: {error}", 1) from None
            except KeyboardInterrupt:
                raise Exit("Interrupted; what was not finished is rolled back.", 1) from None

        return task(guarded, **options)

    return decorate


@command(help={"dry_run": "Print the SQL and change nothing."})
def migrate(c: Context, dry_run: bool = False) -> None:
    """Apply the migrations that are pending."""
    runner = _runner(c, dry_run)
    if not runner.migrate():
        print("Nothing to migrate: the database is up to date.")


@command(
    help={
        "steps": "How many files to roll back.",
        "yes": "Roll back even where rows are lost with their tables or columns.",
        "dry_run": "Print the SQL and change nothing.",
    }
)
def rollback(c: Context, steps: str = "1", yes: bool = False, dry_run: bool = False) -> None:
    """Undo the newest migration that is applied."""
    count = _count("--steps", steps)
    if not _runner(c, dry_run).rollback(count, losing=yes or _dry(c, dry_run)):
        print("Nothing to roll back: no migration is applied.")


@command(
    help={
        "yes": "Do not ask.",
        "all": "Drop what the migrations did not make, too.",
        "dry_run": "Print the SQL and change nothing.",
    }
)
def fresh(c: Context, yes: bool = False, all: bool = False, dry_run: bool = False) -> None:
    """Delete everything, then migrate from the start."""
    from engine import wipe

    runner = _runner(c, dry_run)
    wipe.rehearse(runner.url, MIGRATIONS)
    _wipe(runner, yes, all)
    runner.migrate(from_start=runner.settings.dry)


@command(
    help={
        "yes": "Do not ask.",
        "all": "Drop what the migrations did not make, too.",
        "dry_run": "Print the SQL and change nothing.",
    }
)
def reset(c: Context, yes: bool = False, all: bool = False, dry_run: bool = False) -> None:
    """Delete everything, the history included, and stop."""
    _wipe(_runner(c, dry_run), yes, all)


@command(
    positional=["number"],
    help={
        "number": "Number of the last file that the database already has.",
        "dry_run": "Compare, and change nothing.",
    },
)
def adopt(c: Context, number: str, dry_run: bool = False) -> None:
    """Take over a database that has the tables but not the history."""
    from engine.adopt import adopt as take_over

    last = _count("adopt", number)
    runner = _runner(c, dry_run)
    for name in take_over(runner.url, MIGRATIONS, last, runner.settings, runner.report):
        print(f"{name}  adopted")


@command(help={"json": "Print JSON."})
def status(c: Context, json: bool = False) -> None:
    """Show which migrations are applied and which are pending."""
    from engine.status import read_status

    found = read_status(_url(), MIGRATIONS)
    print(found.as_json() if json else found.as_text())
    for text in found.notices:
        print(f"notice: {text}", file=sys.stderr)


@command(
    positional=["name"],
    iterable=["allow_drop"],
    help={
        "name": "Name of the migration, such as add_fiber_lines.",
        "allow_drop": "Name of a table or column whose data may be lost; may be repeated.",
        "empty": "Write a skeleton for a change by hand.",
        "dry_run": "Print the files and write nothing.",
    },
)
def generate(
    c: Context, name: str, allow_drop: list[str], empty: bool = False, dry_run: bool = False
) -> None:
    """Write the migration that brings the files up to the domains."""
    import registry
    from engine.console import Console
    from engine.generate import Generator

    generator = Generator(
        list(registry.load()), MIGRATIONS, _migration_url(), allow_drop=allow_drop, report=Console()
    )
    files = generator.empty(name) if empty else generator.generate(name)
    if not files:
        print("Nothing changed: the migrations lead to what the domains ask for.")
    elif _dry(c, dry_run):
        print("\n".join(file.text for file in files))
    else:
        for file, path in zip(files, generator.write(files), strict=True):
            print(f"wrote {path.relative_to(ROOT)}")
            print("\n".join(f"  {line}" for line in file.summary))
        print("Review it, then run: invoke migrate")


@command(help={"dry_run": "Print what would be renamed."})
def renumber(c: Context, dry_run: bool = False) -> None:
    """Give pending files whose number is taken, or too low, the next free ones."""
    from engine.renumber import renumber as move
    from engine.status import read_status

    entries = read_status(_url(), MIGRATIONS).history.entries
    applied = [entry.name for entry in entries if entry.state != "pending"]
    moved = move(MIGRATIONS, applied, dry=_dry(c, dry_run))
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
    from engine.script import script

    first, last = _count("--after", after, least=0), _count("--to", to) if to else None
    print(script(MIGRATIONS, first, last))


@command(help={"json": "Print JSON."})
def domains(c: Context, json: bool = False) -> None:
    """Show the domains: what each requires, holds, and where it came from."""
    import registry

    found = [_described(domain) for domain in registry.load().domains]
    if json:
        _print_json(found)
        return
    for domain in found:
        required = ", ".join(domain["requires"]) or "nothing"
        print(f"{domain['name']}: {domain['description']}")
        print(f"  from {domain['origin']}, requires {required}")
        print(f"  tables: {', '.join(domain['tables']) or 'none'}")
        counts = (f"{domain[kind]} {kind}" for kind in ("indexes", "enums", "triggers", "seeds"))
        print(f"  {', '.join(counts)}")


@command(
    help={
        "customers": "How many customers, up to a million.",
        "months": "How many months of history, up to 36.",
        "seed": "The same seed gives the same rows, on the same day.",
        "today": "The day on which the history ends, as YYYY-MM-DD; today if not given.",
    },
    auto_shortflags=False,
)
def demo(
    c: Context, customers: int = 200, months: int = 12, seed: int = 1, today: str = ""
) -> None:
    """Fill a migrated database that has no customers with an invented provider's history."""
    from demo.load import load
    from demo.plan import Plan
    from engine.console import Console

    plan = Plan.of(customers, months, seed, today)
    for sheet in load(_url(), MIGRATIONS, plan, Console()):
        print(f"{sheet.table:24} {sheet.rows:>12,} rows {sheet.seconds:>9.2f} s")


@command(name="start")
def db_start(c: Context) -> None:
    """Start the embedded server; the other tasks do so by themselves."""
    from engine.server import start

    print(start(ROOT).url())


@command(name="stop")
def db_stop(c: Context) -> None:
    """Stop the embedded server."""
    from engine.server import stop

    print("stopped" if stop(ROOT) else "The embedded server is not running.")


@command(name="shell")
def db_shell(c: Context) -> None:
    """Open psql on the database."""
    from engine.programs import client

    program = client("psql")
    os.execvp(program, [program, _url()])


@command(
    help={"all": "Run the long campaigns, too.", "options": "More options, passed to pytest."},
    auto_shortflags=False,
)
def test(c: Context, all: bool = False, options: str = "") -> None:
    """Run the tests on every PostgreSQL that is there; installs Debian's where it may."""
    marks = "" if all else " -m 'not campaign'"
    with c.cd(str(ROOT)):
        c.run("sh tests/servers.sh", pty=False, in_stream=False)
        result = c.run(
            f"{sys.executable} -m pytest{marks} {options}",
            warn=True,
            pty=sys.stdout.isatty(),
            in_stream=False,
        )
    raise Exit(code=result.exited if result else 1)


@command(
    name="password",
    positional=["name"],
    help={
        "name": "User name of the admin user.",
        "must_change": "Ask for another password at the next log-in.",
    },
)
def admin_password(c: Context, name: str, must_change: bool = False) -> None:
    """Set an admin user's password: asked for, or one line of stdin where there is no terminal."""
    import billing
    from domains.auth.passwords import find_admin, set_password
    from domains.system.limits import login_limits

    with billing.connect(_url(), size=1).connection_context():
        admin, least = find_admin(name), login_limits().password_min_length
        ended = set_password(admin, _new_password(name), least=least, must_change=must_change)
    print(f"{admin.username} has a new password; {ended} sessions ended")


@command(name="set", positional=["name"], help={"name": "Such as production, or staging."})
def env_set(c: Context, name: str) -> None:
    """Let the database know what it is for."""
    from engine import environment

    print(f"{environment.keep(_url(), name)} is {name}")


@command(name="key")
def secrets_key(c: Context) -> None:
    """Print a new key for BILLING_SECRET_KEYS."""
    from domains.secrets import new_key

    print(new_key())
    print("Put it first in BILLING_SECRET_KEYS; then: invoke secrets.rotate", file=sys.stderr)


@command(name="rotate")
def secrets_rotate(c: Context) -> None:
    """Re-encrypt every secret under the first key of BILLING_SECRET_KEYS."""
    import billing
    import registry
    from domains import rotation
    from engine.console import Console

    models = [model for domain in registry.load().domains for model in domain.tables]
    with billing.connect(_url(), size=1).connection_context():
        key, done = rotation.rotate(models, Console())
    print(f"{done} secrets re-encrypted; 0 are under another key than {key}: remove the others")


def _expected() -> tuple[type[Exception], ...]:
    """What a user can cause; a domain can have raised its own only once it was imported."""
    domain_errors = sys.modules.get("domains.errors")
    return (EngineError, domain_errors.BillingError) if domain_errors else (EngineError,)


def _new_password(name: str) -> str:
    """Never from the command line, which others can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    from getpass import getpass

    password = getpass(f"New password of {name}: ")
    if getpass("Once more: ") != password:
        raise Refused("The two are not the same; nothing was changed.")
    return password


def _described(domain: Any) -> dict[str, Any]:
    kinds = [kind for kind, _, _ in domain.objects()]
    return {
        "name": domain.name,
        "description": domain.description,
        "origin": domain.origin,
        "requires": sorted(domain.requirements),
        "tables": [model._meta.table_name for model in domain.tables],
        "indexes": kinds.count("index"),
        "enums": kinds.count("enum"),
        "triggers": kinds.count("trigger"),
        "seeds": len(domain.seeds),
    }


def _count(option: str, text: str, least: int = 1) -> int:
    """The number; invoke itself takes a negative one, and answers `x` with a traceback."""
    if not text.isdecimal() or int(text) < least:
        raise ConfigError(
            f"{option} takes a number from {least} on, not {text!r}.",
            fix=f"write for example {option} 2",
        )
    return int(text)


def _url() -> str:
    from engine.database import database_url

    return database_url(ROOT)


def _migration_url() -> str:
    """Where migrations run: past a transaction pooler, if one is named for that."""
    from engine.database import migration_url

    return migration_url(ROOT)


def _dry(c: Context, dry_run: bool) -> bool:
    return dry_run or bool(c.config.run.dry)


def _runner(c: Context, dry_run: bool) -> Runner:
    from engine.console import Console
    from engine.runner import Runner
    from engine.session import Settings

    return Runner(
        _migration_url(),
        MIGRATIONS,
        Console(),
        Settings(
            zone=os.environ.get("DB_TIMEZONE"),
            default_zone=TIME_ZONE,
            show=bool(c.config.run.echo),
            dry=_dry(c, dry_run),
        ),
    )


def _wipe(runner: Runner, yes: bool, everything: bool) -> None:
    from engine import wipe

    plan = wipe.plan(runner.url, MIGRATIONS, everything=everything)
    if not plan.objects:
        print("Nothing to delete: the schema is empty.")
        return
    dry = runner.settings.dry
    if not (yes or dry):
        _confirm(runner.url, len(plan.objects))
    wipe.carry_out(runner.url, plan, runner.settings, runner.report)
    if not dry:
        print(f"deleted {len(plan.objects)} objects")


def _confirm(url: str, objects: int) -> None:
    """Ask on a terminal; elsewhere nobody could answer."""
    from engine.database import shown

    place = f"This deletes {objects} tables and other objects, with all rows, in {shown(url)}."
    if not sys.stdin.isatty():
        raise Refused(place, why="Nothing was deleted.", fix="if that is meant, add --yes.")
    if input(f"{place} Type yes to go on: ").strip().lower() != "yes":
        raise Refused("Not confirmed; nothing was deleted.")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


namespace = Collection(
    migrate, rollback, fresh, reset, adopt, status, generate, renumber, domains, demo, test
)
namespace.add_task(sql_script)
namespace.add_collection(Collection("db", db_start, db_stop, db_shell))
namespace.add_collection(Collection("admin", admin_password))
namespace.add_collection(Collection("env", env_set))
namespace.add_collection(Collection("secrets", secrets_key, secrets_rotate))
