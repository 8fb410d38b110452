"""invoke's program with messages and help of our own, and no option that surprises.

Several of invoke's own short options swallow what people type for a task: `invoke -d migrate`
applied everything, for there -d shows invoke's inner workings, and `migrate -p` did, too. Those
that are left say what they do.
"""

from __future__ import annotations

import atexit
import gc
import inspect
import logging
import sys
from collections.abc import Sequence
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser, ParseResult
from invoke.program import Program

from commands import streams
from commands.tasks_by_name import Table, Tasks

# What docs/tasks.md names: help, list, version, -R for a dry run, and -e to see the SQL that runs.
SHORT = {"h", "l", "V", "R", "e"}


class CoreOptions(ParserContext):
    """invoke's own options as one parse has them. They are made anew for each, so that they need
    not be copied as well, which takes longer."""

    def __deepcopy__(self, memo: object) -> CoreOptions:
        return self


class NamedOnly(Parser):
    """invoke's parser, which copies each task's options at every start; here only those of the
    tasks that are named."""

    def parse_argv(self, argv: list[str]) -> ParseResult:
        """As invoke has it."""
        every = self.contexts
        named: Any = {word: every[word] for word in argv if word in every}
        self.contexts = named
        try:
            return super().parse_argv(argv)
        finally:
            self.contexts = every


class CommandLine(Program):
    """The program `invoke`, once it has loaded tasks.py."""

    table: Table = {}

    @classmethod
    def take_over(cls, program: Any, table: Table) -> None:
        """Make the program ours: invoke offers a project no way to change its messages and
        options. What is loaded by then stays to the end, so it is no garbage, and at the end the
        system takes back everything: to look through it took a tenth of what `invoke status` takes.
        """
        program.__class__, program.table = cls, table
        gc.freeze()
        atexit.register(gc.freeze)

    def core_args(self) -> list[Argument]:
        """invoke's own options, with the short ones that are safe."""
        return [_without_short(argument) for argument in super().core_args()]

    def task_args(self) -> list[Argument]:
        """As core_args: -c and -r, which would take the next word for a folder or a file."""
        return [_without_short(argument) for argument in super().task_args()]

    @property
    def initial_context(self) -> ParserContext:
        """Those options, as no task was parsed yet."""
        return CoreOptions(args=[*self.core_args(), *self.task_args()])

    def parse_tasks(self) -> None:
        """Parse the line again: until tasks.py was loaded, invoke read it with its own options."""
        streams.complete()
        if "--debug" not in self.argv:
            logging.getLogger("invoke").setLevel(logging.WARNING)  # -d has turned it on
        try:
            self.parse_core_args()
            self._load(self.argv[1:])
            self._take_help()
            self._parse_tasks()
            self._refuse_option_as_word()
            self._refuse_empty_option()
        except ParseError as error:
            from commands import slips

            name = error.context.name if error.context else None
            example = self._example(name) if name else ""
            contexts = self._every_context()
            message = slips.explained(error, self.argv[1:], contexts, example)
            raise ParseError(message, error.context) from None

    def _load(self, words: Sequence[str]) -> None:
        """Have the tasks that the words name."""
        self.collection = self.scoped_collection = Tasks(self.table, words)

    def _every_context(self) -> dict[str, ParserContext]:
        self._load(())
        return {str(context.name): context for context in self.collection.to_contexts()}

    def _take_help(self) -> None:
        """Behind a task, --help is for that task, also where invoke would take it for a word that
        the task needs: `adopt --help` is no file to adopt."""
        name, names = "", [context.name for context in self.collection.to_contexts()]
        for token in self.core.unparsed:
            if token in ("-h", "--help") and name:
                self.args.help.value = name
                self.core.unparsed = []
                return
            if token in names:
                name = token

    def _refuse_option_as_word(self) -> None:
        """invoke takes an option that it does not know for a word that the task needs."""
        for context in self.tasks:
            for argument in context.positional_args:
                if str(argument.value or "").startswith("-"):
                    raise ParseError(f"No idea what {argument.value!r} is!", context)

    def _refuse_empty_option(self) -> None:
        """In `rollback --tenant "$TENANT"` without that variable no tenant is named, and the task
        would work on the schema that is meant without one."""
        for context in self.tasks:
            for argument in context.args.values():
                if not argument.positional and argument.got_value and argument.value == "":
                    raise ParseError(f"Flag {argument!r} needed value", context)

    def _make_parser(self) -> Parser:
        contexts = self.collection.to_contexts(self.config.tasks.ignore_unknown_help)
        return NamedOnly(contexts, self.initial_context)

    def _parse_tasks(self) -> None:
        """Parse it; a word that may be left out is given as empty, for invoke knows no such."""
        try:
            super().parse_tasks()
        except ParseError as error:
            context = error.context
            if context is None or context.name is None:
                raise
            missing = [argument.name for argument in context.missing_positional_args]
            optional = self.collection[context.name].optional_words
            if not missing or not set(missing) <= set(optional):
                raise
            place = self.core.unparsed.index(context.name) + 1
            self.core.unparsed[place:place] = [f"--{name}=" for name in missing]
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        """Help, the list, or the tasks."""
        asked = self.args.help.value
        if isinstance(asked, str) and asked not in self.parser.contexts:
            from commands import slips

            raise ParseError(slips.no_such_task(asked, self._every_context()))
        try:
            try:
                super().parse_cleanup()
            finally:
                sys.stdout.flush()
        except OSError as error:
            raise streams.ending(error) or error from None

    def no_tasks_given(self) -> None:
        """Show where the database stands, and what there is to type."""
        from commands.migrate import overview

        with streams.harmless_streams():
            print(overview())
        print()
        self.list_flat()
        print("`invoke --help TASK` explains a task.")
        raise Exit

    def print_task_help(self, name: str) -> None:
        """How the task is typed, what it does, an example, its options."""
        from commands import slips

        context, task = self.parser.contexts[name], self.collection[name]
        print(f"Usage: {slips.usage(context, optional=task.optional_words)} [options]\n")
        for line in (inspect.getdoc(task) or "").splitlines():
            print(f"{self.leading_indent}{line}".rstrip())
        if example := self._example(name):
            print(f"\nExample: {example}")
        print("\nOptions:")
        self.print_columns(context.help_tuples())

    def list_flat(self) -> None:
        """The tasks in groups; those of one collection as invoke lists them."""
        if self.list_root or self.list_depth:
            super().list_flat()
            return
        for title, names in self.table.items():
            print(f"{title}:")
            self.print_columns([(name, _summary(self.collection, name)) for name in names])

    def _example(self, name: str) -> str:
        return str(getattr(self.collection[name], "example", ""))


def _summary(collection: Collection, name: str) -> str:
    return (inspect.getdoc(collection[name]) or "").split("\n")[0]


def _without_short(argument: Any) -> Argument:
    argument.names = tuple(name for name in argument.names if len(name) > 1 or name in SHORT)
    return argument  # type: ignore[no-any-return]
