"""What is answered to a line that no task takes: what was meant, and nothing is run."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from invoke.parser.argument import Argument
from invoke.program import Program

import tasks
from commands import slips
from commands.command_line import SHORT, CommandLine
from commands.tasks_by_name import Tasks
from tests.support.console import Result, call

EVERY = Tasks(tasks.TASKS)
NAMES = sorted(context.name for context in EVERY.to_contexts())


def slip(line: str) -> Result:
    """On a server that is not there, so that a task that ran after all would say so."""
    result = call("postgresql://localhost:1/none", *line.split())
    assert result.code == 1, line
    assert result.err.startswith("Error: "), result.err
    assert "What to do: " in result.err
    assert "connect" not in result.err
    return result


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("migrat", "did you mean `invoke migrate`?"),
        ("Migrate", "did you mean `invoke migrate`?"),
        ("stauts", "did you mean `invoke status`?"),
        ("up", "did you mean `invoke migrate`?"),
        ("makemigrations", "did you mean `invoke generate`?"),
        ("psql", "did you mean `invoke db.shell`?"),
        ("shell", "did you mean `invoke db.shell`?"),
        ("db shell", "did you mean `invoke db.shell`?"),
        ("db:start", "did you mean `invoke db.start`?"),
        ("env-set production", "did you mean `invoke env.set`?"),
        ("secrets", "`invoke secrets.key` or `invoke secrets.rotate`"),
        ("qqqq", "`invoke --list` shows all tasks."),
        ("--help migrat", "did you mean `invoke migrate`?"),
        ("migrate --dryrun", "did you mean --dry-run?"),
        ("migrate -p", "migrate has no option -p; nothing was run."),
        ("migrate rollbak", "did you mean `invoke rollback`?"),
        ("rollback 2", "Example: invoke rollback --steps 2"),
        ("rollback --steps", "the option --steps of rollback needs a value."),
        ("adopt", "adopt needs NUMBER.\nUsage: invoke adopt NUMBER"),
        ("adopt -n", "adopt has no option -n"),
        ("generate --empt", "did you mean --empty?"),
        ("generate --fil x", "did you mean --fill?"),
        ("generate --fil=x", "did you mean --fill?"),
        ("-d migrate", "write: invoke migrate -d"),
        ("-p migrate", "`invoke --help migrate` explains its options."),
        ("--yes fresh", "write: invoke fresh --yes"),
        ("-x", "`invoke --list` shows all tasks."),
    ],
)
def test_a_slip_is_answered_with_a_way_out(line: str, answer: str) -> None:
    assert answer in slip(line).err


def test_a_letter_left_out_of_any_task_leads_to_it() -> None:
    known = {str(context.name): context for context in EVERY.to_contexts()}
    for name in NAMES:
        for place in range(1, len(name), 2):
            typed = name[:place] + name[place + 1 :]
            if typed not in NAMES:
                assert f"`invoke {name}`" in slips.no_such_task(typed, known), typed


def test_a_short_option_means_one_thing_in_every_task() -> None:
    meanings: dict[str, set[str]] = {}
    for context in EVERY.to_contexts():
        for argument in context.args.values():
            for short in argument.names[1:]:
                meanings.setdefault(short, set()).add(argument.names[0])
    assert meanings["d"] == {"dry-run"}
    assert all(len(names) == 1 for names in meanings.values()), meanings
    assert not set(meanings) & SHORT


def short(arguments: Iterable[Argument]) -> set[str]:
    return {name for argument in arguments for name in argument.names if len(name) == 1}


def test_no_option_of_invoke_is_taken_for_one_of_a_task() -> None:
    """Of the letters that invoke itself knows none is left but those that we name."""
    invokes, ours = Program(), CommandLine(namespace=EVERY)
    known = short([*invokes.core_args(), *invokes.task_args()])
    assert short([*ours.core_args(), *ours.task_args()]) == SHORT < known
    for letter in sorted(known - SHORT):
        assert f"invoke has no option -{letter}" in slip(f"-{letter} migrate").err
        if letter != "d":
            assert f"migrate has no option -{letter}" in slip(f"migrate -{letter}").err


@pytest.mark.parametrize("line", ["adopt --help", "generate -h", "--help adopt", "migrate --help"])
def test_help_is_help_also_where_a_word_is_missing(line: str) -> None:
    result = call("postgresql://localhost:1/none", *line.split())
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Usage: invoke ")
    assert "Example: invoke " in result.out


def test_the_usage_shows_the_words_that_a_task_needs() -> None:
    assert call(None, "--help", "adopt").out.startswith("Usage: invoke adopt NUMBER [options]\n")
    assert call(None, "--help", "generate").out.startswith("Usage: invoke generate [NAME] [")


def test_each_task_stands_in_one_group_and_has_an_example() -> None:
    assert sorted(name for names in tasks.TASKS.values() for name in names) == NAMES
    for name in NAMES:
        assert EVERY[name].example.startswith(f"invoke {name}"), name


def test_a_task_that_cannot_only_show_refuses_to_run_dry() -> None:
    for name, words in (("backup", ()), ("restore", ("x",)), ("secrets.rotate", ())):
        result = slip(" ".join(["-R", name, *words]))
        assert "has no dry run, so with -R nothing was done" in result.err
