"""What to say to a line that invoke cannot take: what was meant, what the task takes, an example.

invoke itself says "No idea what 'migrat' is!", and leaves people there.
"""

from __future__ import annotations

import ast
import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from invoke.exceptions import ParseError
from invoke.parser.context import ParserContext

from engine.errors import ConfigError

# invoke tells what it stumbled over in its message alone; where that changes, it is shown as it is.
UNKNOWN = re.compile(r"No idea what (?P<token>.+) is!", re.DOTALL)
NO_VALUE = re.compile(r"Flag <Argument: (?P<name>[\w-]+).*needed value")
# What other tools call it.
ELSEWHERE = {
    "apply": "migrate",
    "create": "generate",
    "dbshell": "db.shell",
    "diff": "check",
    "down": "rollback",
    "downgrade": "rollback",
    "drop": "reset",
    "dump": "backup",
    "history": "status",
    "lint": "check",
    "makemigrations": "generate",
    "new": "generate",
    "psql": "db.shell",
    "revert": "rollback",
    "revision": "generate",
    "seed": "demo",
    "show": "status",
    "showmigrations": "status",
    "sqlmigrate": "sql",
    "undo": "rollback",
    "up": "migrate",
    "upgrade": "migrate",
}
LIKENESS = 0.6
ALL = "`invoke --list` shows all tasks."

Tasks = Mapping[str, ParserContext]


def explained(error: ParseError, tokens: Sequence[str], tasks: Tasks, example: str) -> str:
    """The message for a line that could not be parsed.

    tokens: the line without `invoke`. tasks: by their names. example: a line with the task in
    which it went wrong; empty where there is none.
    """
    task = tasks.get(error.context.name) if error.context and error.context.name else None
    if match := UNKNOWN.fullmatch(str(error)):
        token = str(ast.literal_eval(match["token"]))
        if task is None:
            return _told(_outside(token, tokens, tasks))
        return _told(_inside(_option_before(token, task, tokens), task, tasks, example))
    if task is None:
        return _told(ConfigError(f"{error}.".replace("!.", "."), fix=ALL))
    if match := NO_VALUE.match(str(error)):
        option = "--" + match["name"].replace("_", "-")
        what = f"the option {option} of {task.name} needs a value."
    elif error.context and error.context.missing_positional_args:
        missing = [_word(argument.name) for argument in error.context.missing_positional_args]
        what = f"{task.name} needs {' and '.join(missing)}."
    else:
        what = f"{error}.".replace("!.", ".")
    return _told(ConfigError(what, why=takes(task, example), fix=_help(task)))


def no_such_task(name: str, tasks: Tasks) -> str:
    """The message where help is asked for a task that there is not."""
    return _told(_outside(name, [name], tasks))


def usage(task: ParserContext, *, optional: Sequence[str] = ()) -> str:
    """How the task is typed, without its options. optional: the words that may be left out."""
    words = [f"invoke {task.name}"]
    for argument in task.positional_args:
        word = _word(argument.name)
        words.append(f"[{word}]" if argument.name in optional else word)
    return " ".join(words)


def takes(task: ParserContext, example: str) -> str:
    """How the task is typed, with its options, and an example."""
    words = []
    for argument in task.args.values():
        option = "--" + argument.names[0]
        if not argument.positional:
            words.append(f"[{option} …]" if argument.takes_value else f"[{option}]")
    line = _filled(" ".join([f"Usage: {usage(task)}", *words]))
    return f"{line}\nExample: {example}" if example else line


def _outside(token: str, tokens: Sequence[str], tasks: Tasks) -> ConfigError:
    """What is wrong with a word that stands where a task has to."""
    after = tokens[tokens.index(token) + 1 :] if token in tokens else []
    if token.startswith("-"):
        return _option_outside(token, after, tasks)
    group = [name for name in tasks if name.startswith(f"{token}.")]
    meant = _meant(token, after[:1], tasks)
    what = f"{token} is a group of tasks." if group else f"there is no task {token!r}."
    if meant:
        return ConfigError(what, fix=f"did you mean {_either(meant)}? {ALL}")
    return ConfigError(what, fix=ALL)


def _option_outside(token: str, after: Sequence[str], tasks: Tasks) -> ConfigError:
    """What is wrong with an option that stands before every task."""
    what = f"invoke has no option {token}; the options of a task stand behind it."
    task = next((tasks[word] for word in after if word in tasks), None)
    fix = ALL
    if task is not None:
        fix = f"write: invoke {task.name} {token}" if token in task.flags else _help(task)
    return ConfigError(what, why="Nothing was run.", fix=fix)


def _inside(token: str, task: ParserContext, tasks: Tasks, example: str) -> ConfigError:
    """What is wrong with a word behind a task."""
    why = takes(task, example)
    if token.startswith("-"):
        options = [flag for flag in task.flags if flag.startswith("--")]
        near = get_close_matches(token.split("=")[0], options, n=1, cutoff=LIKENESS)
        fix = f"did you mean {near[0]}? " if near else ""
        what = f"{task.name} has no option {token}; nothing was run."
        return ConfigError(what, why=why, fix=fix + _help(task))
    what = f"{task.name} does not take {token!r}, and there is no such task; nothing was run."
    meant = _meant(token, [], tasks)
    fix = f"did you mean {_either(meant)}? " if meant else ""
    return ConfigError(what, why=why, fix=fix + _help(task))


def _option_before(token: str, task: ParserContext, tokens: Sequence[str]) -> str:
    """The option in `generate --fil x` that there is not: invoke stumbles over its value."""
    for word in tokens[: tokens.index(token)] if token in tokens else tokens:
        if word.startswith("--") and word.partition("=")[0] not in task.flags:
            return word
    return token


def _meant(word: str, after: Sequence[str], tasks: Tasks) -> list[str]:
    """The tasks that may have been meant, the likeliest first."""
    plain = re.sub("[:/_-]", ".", word.lower())
    for name in (plain, ".".join([plain, *after])):
        if name in tasks:
            return [name]
    if plain in ELSEWHERE:
        return [ELSEWHERE[plain]]
    last = {name.rpartition(".")[2]: name for name in tasks}
    group = [name for name in tasks if name.startswith(f"{plain}.")]
    if group:
        return group
    near = get_close_matches(plain, [*tasks, *last], n=2, cutoff=LIKENESS)
    return list(dict.fromkeys(last.get(name, name) for name in near))


def _either(names: Sequence[str]) -> str:
    return " or ".join(f"`invoke {name}`" for name in names)


def _help(task: ParserContext) -> str:
    return f"`invoke --help {task.name}` explains its options."


def _word(name: str | None) -> str:
    return (name or "").upper().replace("_", "-")


def _filled(line: str) -> str:
    """Wrapped where the terminal ends, and never inside an option."""
    width = max(shutil.get_terminal_size().columns - 1, 30)
    return textwrap.fill(line, width, subsequent_indent="    ", break_on_hyphens=False)


def _told(error: ConfigError) -> str:
    return f"Error: {error}"
