"""peewee-migrate's Migrator, told where in the file each of its steps was written."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from peewee import Database
from peewee_migrate import Migrator
from peewee_migrate.migrator import ORM

from engine.errors import MigrationFailed
from engine.files.migration_file import NOT_RECORDED, is_lazy
from engine.files.step import Step
from engine.wording import few

Learn = Callable[[], Iterable[Any]]
"""Gives the models that the files before one have made."""


class UnknownModel(KeyError, AttributeError):
    """A file asks migrator.orm for a model that there is not."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name)
        self.name, self.known = name, known

    def __str__(self) -> str:
        there = f"known are {few(self.known)}" if self.known else "there is none"
        return (
            f"no file up to here makes a model {self.name!r} with create_model(); {there}. "
            "A table that SQL made has no model"
        )


class Models(ORM):
    """The models that a file may name: its own, and those of the files before it, which are learnt
    when it asks for one that it did not make. peewee-migrate itself writes `migrator.orm["items"]`
    for the table of a foreign key."""

    __slots__ = ("_database", "_learn")

    def __init__(self, database: Any, learn: Learn | None) -> None:
        super().__init__()
        self._database, self._learn = database, learn

    def know(self, name: str) -> None:
        """Learn of the earlier ones, unless there is one with that name or that table."""
        if name not in self.__models__ and name not in self.__tables__:
            self._know_all()

    def _know_all(self) -> None:
        learn, self._learn = self._learn, None
        for model in learn() if learn else ():
            if model._meta.table_name not in self.__tables__:
                model._meta.database = self._database
                self.add(model)

    def __getattr__(self, name: str) -> Any:
        return self._named(name, super().__getattr__)

    def __getitem__(self, name: str) -> Any:
        return self._named(name, super().__getitem__)

    def _named(self, name: str, get: Callable[[str], Any]) -> Any:
        self.know(name)
        try:
            return get(name)
        except KeyError:
            raise UnknownModel(name, sorted({*self.__models__, *self.__tables__})) from None

    def __iter__(self) -> Iterator[Any]:
        self._know_all()
        return iter(super().__iter__())


class FileMigrator(Migrator):
    """Collects the steps of one file. current: the step that runs, or the last one that did.

    learn: called where the file names a model that it did not make.
    """

    def __init__(self, database: Database, path: Path, learn: Learn | None = None) -> None:
        self.path = path
        self.steps = Steps(str(path))
        self.learn = learn
        self.current: Step | None = None
        super().__init__(database)
        self.orm = Models(database, learn)

    @property
    def __ops__(self) -> Steps:
        return self.steps

    @__ops__.setter
    def __ops__(self, operations: list[Any]) -> None:
        self.steps[:] = operations

    def __get_model__(self, model: Any) -> Any:
        if isinstance(model, str):
            self.orm.know(model)
        return super().__get_model__(model)

    def back(self, *statements: str) -> None:
        """Say what undoes the step above, after what was said before; without a statement, that
        nothing has to. It has to work where that step is only begun, if it can commit a part.

        Raises MigrationFailed where there is no step above.
        """
        if not self.steps:
            raise MigrationFailed(
                "migrator.back() says how the step above it is undone, and there is none.",
                why="The file was not run.",
                fix=f"put it under the step that it belongs to, in {self.path}.",
                file=self.path.stem,
            )
        number = len(self.steps)
        for statement in statements:
            self.sql(statement)
        step, said = self.steps[number - 1], tuple(self.steps[number:])
        self.steps[number - 1 :] = [replace(step, back=(step.back or ()) + said)]

    def undo(self, migrate: Callable[..., None]) -> None:
        """Undo what the file's migrate() does, the last step first, as its migrator.back() say.

        Raises MigrationFailed where a step of it has none.
        """
        database: Any = self.__database__
        way_up = FileMigrator(database, self.path, self.learn)
        migrate(way_up, database, fake=False)
        steps = numbered(way_up.steps)
        self.steps[len(self.steps) :] = ways_back(self.path, reversed(steps))

    def run(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call a function of the file's when its turn comes.

        Raises MigrationFailed for one that is async, or yields: calling it would do nothing. What
        only its result shows, as of a lambda, is told when its turn comes.
        """
        line = self.steps.calling_line()

        def call() -> None:
            given = func(*args, **kwargs)
            if inspect.iscoroutine(given) or inspect.isgenerator(given):
                given.close()  # else Python warns that it was never awaited
                raise self._does_nothing(func, "gives something that is", line, NOT_RECORDED)

        if is_lazy(func):
            raise self._does_nothing(func, "is", line, "The file was not run.")
        super().run(call)

    def _does_nothing(
        self, func: Callable[..., Any], what: str, line: int, why: str
    ) -> MigrationFailed:
        return MigrationFailed(
            f"migrator.run() is given {getattr(func, '__name__', 'a function')}, which {what} "
            "async, or yields: calling it does nothing.",
            why=why,
            fix=f"fix {self.path}: write it without `async` and `yield`; asyncio.run(…) inside it "
            "awaits what has to be awaited.",
            file=self.path.stem,
            line=line,
        )

    def run_step(self, step: Step) -> None:
        """Run one of the steps."""
        self.current = step
        step.run()


def numbered(steps: Sequence[Step]) -> list[Step]:
    """The steps of a file, where what undoes one says of which of how many it does."""
    told = []
    for number, step in enumerate(steps, start=1):
        back = step.back
        if back is not None:
            back = tuple(replace(way, undoes=(number, len(steps))) for way in back)
        told.append(replace(step, back=back))
    return told


def ways_back(path: Path, steps: Iterable[Step], or_else: str = "") -> list[Step]:
    """What undoes the steps of a file, one after the other in this order. Raises MigrationFailed
    where the file does not say that of one. or_else: what else could be done then."""
    listed = list(steps)
    silent = sorted(step.line for step in listed if step.back is None)
    if silent:
        lines = f"line{'s' if len(silent) > 1 else ''} {', '.join(map(str, silent))}"
        raise MigrationFailed(
            f"it does not say how its statement at {lines} is undone.",
            why="What is done of it can be undone where a migrator.back() follows each statement "
            "that is done. Nothing was run.",
            fix=f'write under each of them in {path} what undoes it: migrator.back("""DROP INDEX '
            'CONCURRENTLY …""") or, where nothing has to be done, migrator.back(); then run the '
            f"command again{or_else and f'; {or_else}'}.",
            file=path.stem,
            line=silent[0],
        )
    ways: list[Step] = []
    for step in listed:
        ways += step.back or ()
    return ways


class Steps(list[Any]):
    """The list that the operations append to; it notes the line that asked for each."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def append(self, operation: Any) -> None:
        """Take an operation of peewee-migrate's, or a function, as a step."""
        arguments = [text for text in getattr(operation, "args", ()) if isinstance(text, str)]
        name = getattr(getattr(operation, "fn", operation), "__name__", "")
        sql = arguments[0] if name == "sql" and arguments else ""
        label = name if sql else " ".join([name, *arguments])
        super().append(Step(self.calling_line(), sql, label, operation))

    def extend(self, operations: Iterable[Any]) -> None:
        """Take several."""
        for operation in operations:
            self.append(operation)

    def calling_line(self) -> int:
        """Of the file, as far as it has come."""
        frame = sys._getframe(2)
        while frame.f_back and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return frame.f_lineno
