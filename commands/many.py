"""A task on many tenants: a line for each as it ends, and at the end those that failed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from commands.base import here
from commands.colour import harmless, painter
from commands.json_log import JsonLog, milliseconds
from commands.task import count
from engine.errors import ConfigError, EngineError
from engine.report import Action, Report
from engine.wording import counted, few

if TYPE_CHECKING:
    from engine.project import Project
    from engine.tenants.listing import Tenant
    from engine.tenants.together import Outcome

JOBS = "How many tenants at a time; each takes two connections."
FIRST = "Name of the tenant that goes first; the others follow only if it went well."
DEFAULT_JOBS = "4"
MOST_JOBS = 64


class Notices:
    """What tenants are told: messages at once, with the tenant's name before them; the same notice
    of many once, at the end. Several threads speak at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tenants: dict[str, list[str]] = {}

    def tell(self, tenant: str, text: str, stream: TextIO) -> None:
        """Print a line."""
        with self.lock:
            print(f"{title(tenant)}: {harmless(text)}", file=stream, flush=True)

    def keep(self, tenant: str, text: str) -> None:
        """Keep it for the end."""
        with self.lock:
            self.tenants.setdefault(text, []).append(tenant)


class TenantReport(Report):
    """What the run of one tenant tells."""

    def __init__(self, tenant: str, notices: Notices) -> None:
        self.tenant = tenant
        self.notices = notices

    def message(self, text: str) -> None:
        self.notices.tell(self.tenant, text, sys.stderr)

    def notice(self, text: str) -> None:
        self.notices.keep(self.tenant, text)


class TenantLog(JsonLog):
    """The same for a collector: each line has the tenant's name."""

    def __init__(self, tenant: str, notices: Notices) -> None:
        super().__init__()
        self.tenant = tenant
        self.notices = notices

    def event(self, kind: str, **fields: Any) -> None:
        with self.notices.lock:
            super().event(kind, tenant=self.tenant, **fields)

    def message(self, text: str) -> None:
        self.notices.tell(self.tenant, text, sys.stdout)

    def notice(self, text: str) -> None:
        self.notices.keep(self.tenant, text)

    def finished(self, name: str, action: Action, seconds: float) -> None:
        self.event("file", name=name, outcome=action, duration_ms=milliseconds(seconds))


class Many:
    """One task on many tenants. console: where the task tells what it does. fix: what to do for the
    ones that failed. stream: where the lines of those that went well go.

    work is given the tenant's name and its report, and gives the text of its line.
    """

    def __init__(self, console: Report, fix: str, choice: Choice) -> None:
        self.console = console
        self.fix = fix
        self.choice = choice
        self.notices = Notices()
        self.failed: list[Outcome[str]] = []
        self.stream: TextIO = sys.stdout

    def run(self, tenants: Sequence[Tenant], work: Callable[[str, Report], str]) -> None:
        """Do it for each; where one is to go first and fails, nothing else is begun. Nothing is
        done where what the schema says cannot be believed. Raises EngineError, naming those that
        failed."""
        first = [tenant for tenant in tenants if tenant.name == self.choice.first]
        rest = [tenant for tenant in tenants if tenant not in first]
        self._each(first, work)
        if self.failed:
            self.console.message(f"not begun: the others ({counted(len(rest), 'tenant')})")
        else:
            self._each(rest, work)
        self._end(len(tenants))

    def _each(self, tenants: Sequence[Tenant], work: Callable[[str, Report], str]) -> None:
        from engine.tenants import listing, together

        by_name = {tenant.name: tenant for tenant in tenants}

        def with_report(name: str) -> str:
            by_name[name].believed()
            try:
                return work(name, self._report(name))
            except EngineError as error:
                if gone := listing.gone(here(), by_name[name]):
                    raise gone from error
                raise

        outcomes = together.each(list(by_name), with_report, self.choice.jobs, self._tell)
        self.failed += [outcome for outcome in outcomes if outcome.error]

    def _report(self, name: str) -> Report:
        if isinstance(self.console, JsonLog):
            return TenantLog(name, self.notices)
        return TenantReport(name, self.notices)

    def _tell(self, outcome: Outcome[str]) -> None:
        """A line for a tenant that has ended; in the log, all but the events are on stdout."""
        begins, took = title(outcome.tenant), f"in {outcome.seconds:.2f} s"
        stream = self.stream
        if outcome.error:
            stream = stream if isinstance(self.console, JsonLog) else sys.stderr
            reason = _told(outcome.error).partition("\n")[0]
            line = f"{begins}  {painter(stream)('failed', 'problem')} {took}: {reason}"
        else:
            line = f"{begins}  {outcome.value} {took}"
        with self.notices.lock:
            print(harmless(line), file=stream, flush=True)

    def _end(self, tenants: int) -> None:
        for text, names in self.notices.tenants.items():
            listed = few([title(name) for name in sorted(names)])
            self.console.notice(f"{text} ({counted(len(names), 'tenant')}: {listed})")
        if self.failed:
            raise EngineError(
                f"{len(self.failed)} of {counted(tenants, 'tenant')} failed:",
                why="\n".join(_grouped(self.failed)),
                fix=f"put right what is named, then {self.fix}",
            )


def one_by_one(task: str) -> str:
    """What to do where the same line would do once more what is done in the others."""
    return f"run `invoke {task} --tenant NAME` for each of these: in the others it is done."


def title(tenant: str) -> str:
    """The name as a line may have it: a schema's may hold the end of one."""
    return tenant if tenant.isprintable() else repr(tenant)


@dataclass(frozen=True)
class Choice:
    """That all tenants are meant: how many at a time, and which one before the others."""

    jobs: int = 1
    first: str = ""


def chosen(tenant: str, tenants: bool, jobs: str = "", first: str = "") -> Choice | None:
    """What the task's options say; None where one schema is meant. Raises ConfigError where they
    contradict each other, or have a number that cannot be meant."""
    if tenant and tenants:
        raise ConfigError(
            "--tenant means one and --tenants means all of them.", fix="leave out one of the two."
        )
    if (jobs or first) and not tenants:
        option = "--jobs" if jobs else "--first"
        raise ConfigError(f"{option} is about many tenants.", fix=f"write --tenants {option} …")
    number = count("--jobs", jobs or DEFAULT_JOBS)
    if number > MOST_JOBS:
        raise ConfigError(
            f"--jobs {number} would take {2 * number} connections.",
            fix=f"write {MOST_JOBS} or less; PostgreSQL gets no faster than its processors.",
        )
    return Choice(number, first) if tenants else None


def all_tenants(project: Project) -> list[Tenant]:
    """Those of the database. Raises ConfigError where it has none: whoever says all means some."""
    from engine.tenants import listing

    if tenants := listing.read(project):
        return tenants
    raise ConfigError(
        "the database has no tenants.",
        why="A tenant is a schema in which a migration was applied.",
        fix=f"make one: {project.task('tenants.add', 'NAME')}",
    )


def refuse_unknown(first: str, tenants: Sequence[Tenant]) -> None:
    """Raise ConfigError where the one that is to go first is none of those that have work to do."""
    names = [tenant.name for tenant in tenants]
    if first and first not in names:
        raise ConfigError(
            f"--first names {first!r}, which is no tenant with something to do.",
            why="Nothing was run.",
            fix=f"name one of these: {few(names) or 'there is none'}.",
        )


def _grouped(failed: Sequence[Outcome[str]]) -> list[str]:
    """Each error once, with those that it happened to."""
    by_text: dict[str, list[str]] = {}
    for outcome in failed:
        by_text.setdefault(_told(outcome.error), []).append(title(outcome.tenant))
    lines = []
    for text, names in by_text.items():
        lines.append(f"  - {', '.join(sorted(names))}:")
        lines += [f"      {line}" for line in text.splitlines()]
    return lines


def _told(error: BaseException | None) -> str:
    """The message of an error; one that nobody expected has its kind before it."""
    from engine.explain.postgres_errors import translated

    if isinstance(error, EngineError) or error is None:
        return str(error)
    return str(translated(error) or f"{type(error).__name__}: {error}")
