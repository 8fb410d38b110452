"""A task on many tenants: a line for each as it ends, and at the end those that failed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commands import json_output
from commands.choice import Choice
from commands.colour import painter
from commands.json_log import JsonLog
from commands.tenant_report import Notices, TenantLog, TenantReport, title
from engine.errors import ConfigError, EngineError
from engine.report import Report
from engine.wording import counted, few

if TYPE_CHECKING:
    from engine.project import Project
    from engine.tenants.listing import Tenant
    from engine.tenants.together import Outcome

    Work = Callable[[Project, str, Report], str]


class Many:
    """One task on many tenants. project: the whole database. console: where the task tells what it
    does. fix: what to do for the ones that failed. as_json: whether the values that are kept are
    printed at the end.

    work is given the project at the tenant, the tenant's name and its report, and gives the text of
    its line.
    """

    def __init__(
        self, project: Project, console: Report, fix: str, choice: Choice, *, as_json: bool = False
    ) -> None:
        self.project = project
        self.console = console
        self.fix = fix
        self.choice = choice
        self.as_json = as_json
        self.values: list[dict[str, Any]] = []
        self.notices = Notices()
        self.failed: list[Outcome[str]] = []

    def keep(self, tenant: str, value: Mapping[str, Any]) -> None:
        """Keep what is to be printed of a tenant, as JSON has it."""
        self.values.append({"tenant": tenant, **value})

    def run(self, tenants: Sequence[Tenant], work: Work) -> None:
        """Do it for each; where one is to go first and fails, nothing else is begun. Nothing is
        done where what the schema says cannot be believed. Raises EngineError, naming those that
        failed; what the others gave is printed nevertheless."""
        try:
            self._run(tenants, work)
        finally:
            if self.as_json:
                values = sorted(self.values, key=lambda value: str(value["tenant"]))
                json_output.show(values)

    def _run(self, tenants: Sequence[Tenant], work: Work) -> None:
        first = [tenant for tenant in tenants if tenant.name == self.choice.first]
        rest = [tenant for tenant in tenants if tenant not in first]
        self._each(first, work)
        if self.failed:
            self.console.message(f"not begun: the others ({counted(len(rest), 'tenant')})")
        else:
            self._each(rest, work)
        self._end(len(tenants))

    def _each(self, tenants: Sequence[Tenant], work: Work) -> None:
        from engine.tenants import listing, schemas, together

        by_name = {tenant.name: tenant for tenant in tenants}

        def with_report(name: str) -> str:
            by_name[name].believed()
            try:
                at = schemas.among_many(self.project, name)
                return work(at, name, self._report(name))
            except EngineError as error:
                if gone := listing.gone(self.project, by_name[name]):
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
        stream = sys.stdout
        if outcome.error:
            stream = stream if isinstance(self.console, JsonLog) else sys.stderr
            reason = _told(outcome.error).partition("\n")[0]
            line = f"{begins}  {painter(stream)('failed', 'problem')} {took}: {reason}"
        else:
            line = f"{begins}  {outcome.value} {took}"
        with self.notices.lock:
            print(line, file=stream, flush=True)

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
