"""A domain that Python or Peewee cannot load: where, why, and what was meant."""

from __future__ import annotations

import difflib
import re
import sys
import traceback

from kernel.domain import Domain
from kernel.faults import Fault, short

GENERIC = "correct that line; to remove the domain, remove its folder or uninstall its package"
# Words of other tools, or errors of Peewee's that do not say what was meant, and what to write.
MEANT = (
    (
        r"No module named '(django|sqlalchemy|sqlmodel|tortoise)",
        "write Peewee models: `from domains import TimestampedModel` and its fields, or start with "
        "invoke domain.new NAME; docs/django-and-others.md has the words",
    ),
    (
        r"No module named '(?!domains|kernel|engine)([^'.]+)'",
        "correct the name, or install the package: pip install {0}",
    ),
    (r"unexpected keyword argument '(blank)'", "write null=True"),
    (
        r"unexpected keyword argument '(auto_now|auto_now_add)'",
        "derive the model from TimestampedModel, which has created_at and updated_at",
    ),
    (r"unexpected keyword argument 'max_length'", "remove it, or use CharField(max_length=…)"),
    (r"unexpected keyword argument '(db_index)'", "write index=True"),
    (
        r"Field\.__init__\(\) got an unexpected keyword argument '(\w+)'",
        "remove {0}; a field takes null, default, unique, index, column_name, constraints and "
        "help_text",
    ),
    (r"name '(CASCADE|RESTRICT)' is not defined", 'write it in quotes: on_delete="{0}"'),
    (r"name '(SET_NULL)' is not defined", 'write on_delete="SET NULL" and null=True'),
    (r"name '(PROTECT)' is not defined", 'write on_delete="RESTRICT"'),
    (
        r"'str' object has no attribute '_meta'",
        "a foreign key takes the class of a model; for one that is written further down there is "
        'DeferredForeignKey("Thing")',
    ),
    (
        r"over-determined primary key",
        'mark one field, or write primary_key = CompositeKey("a", "b") in Meta',
    ),
    (r"'str' object has no attribute 'bind'", "write primary_key=True at the field, not in Meta"),
    (r"'dict' object has no attribute '__dict__'", "make Meta a class: class Meta: table_name = …"),
)


def not_loaded(domain: Domain, module: str, error: BaseException) -> Fault:
    """The fault of a domain whose import, or whose register, ended in this error."""
    if circle := _circle(error):
        return Fault(
            ", ".join(f"domains/{name}" for name in circle[:-1]),
            f"the domains import each other in a circle: {' → '.join(circle)}",
            "a domain imports only models of those that it requires: remove one of these imports",
        )
    text = _text(error)
    return Fault(
        f"{_place(error, domain, module)}: domain {domain.name}",
        f"cannot be loaded: {type(error).__name__}: {text}".rstrip(".: "),
        _way_out(error, text),
    )


def _text(error: BaseException) -> str:
    """What the error says, on one line; the class of an error may do anything when it is asked."""
    try:
        return " ".join(str(error).split())
    except Exception:
        return "it does not say why"


def _way_out(error: BaseException, text: str) -> str:
    if isinstance(error, SyntaxError) and (error.text or "").startswith("<<<<<<<"):
        return "a merge left this: keep what is right of both sides, without the lines of git"
    for pattern, fix in MEANT:
        if match := re.search(pattern, text):
            return fix.format(*match.groups())
    name, known = _looked_up(error, text)
    close = difflib.get_close_matches(name, known, n=1)
    return f"write {close[0]} instead of {name}" if close else GENERIC


def _looked_up(error: BaseException, text: str) -> tuple[str, list[str]]:
    """(the name that is not there, the names that are there) of `domain.model(…)`, or of
    `from domains import TimestampModel`."""
    if isinstance(error, AttributeError):
        return error.name or "", dir(error.obj)
    if isinstance(error, ImportError) and (match := re.match(r"cannot import name '(\w+)'", text)):
        return match[1], dir(sys.modules.get(error.name or ""))
    return "", []


def _circle(error: BaseException) -> list[str]:
    """The domains that an import ran through until it came back to the first of them, or none.

    It begins with the least of the names, so that each domain of a circle tells the same one.
    """
    if not isinstance(error, ImportError) or "partially initialized" not in str(error):
        return []
    frames = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)]
    names: list[str] = []
    for module in [*frames, error.name or ""]:
        package, _, rest = module.partition(".")
        name = rest.partition(".")[0]
        if package == "domains" and name and names[-1:] != [name]:
            names.append(name)
    circle = names[names.index(names[-1]) : -1] if names else []
    if len(circle) < 2:
        return []
    first = circle.index(min(circle))
    return [*circle[first:], *circle[:first], min(circle)]


def _place(error: BaseException, domain: Domain, module: str) -> str:
    """The file and line to correct: the innermost frame in the domain, else where it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{short(error.filename)}:{error.lineno}"
    inside = [
        f"{short(frame.f_code.co_filename)}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if f"{frame.f_globals.get('__name__')}.".startswith(f"{module}.")
    ]
    return inside[-1] if inside else domain.origin
