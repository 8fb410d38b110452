"""A domain that Python or Peewee cannot load: where, why, and what was meant."""

from __future__ import annotations

import difflib
import linecache
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
    if isinstance(error, SyntaxError) and (merged := _merged(error)):
        return merged
    text = _text(error)
    return Fault(
        _place(error, domain, module),
        f"cannot be loaded: {type(error).__name__}: {text}".rstrip(".: "),
        _way_out(error, text),
    )


def _merged(error: SyntaxError) -> Fault | None:
    """The fault of a file in which a merge has stopped. Python tells of any line of it: `>>>>>>>
    8319460` is an invalid decimal literal."""
    lines = linecache.getlines(error.filename or "")
    for number, line in enumerate(lines, 1):
        if line.startswith("<<<<<<< "):
            return Fault(
                f"{short(str(error.filename))}:{number}",
                "a merge has left both sides in this file",
                "keep what is right of both, without the lines of <<<<<<<, ======= and >>>>>>>",
            )
    return None


def _text(error: BaseException) -> str:
    """What the error says, on one line; the class of an error may do anything when it is asked."""
    try:
        return " ".join(str(error).split())
    except Exception:
        return "it does not say why"


def _way_out(error: BaseException, text: str) -> str:
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
    """`file:line: domain NAME` of what is to be corrected: the innermost frame in the domain, or in
    another one that does not load when it is imported, so that all who import that tell the same;
    else where the domain came from."""
    if isinstance(error, SyntaxError) and error.filename:
        owner = re.search(r"\bdomains/(\w+)/", error.filename)
        name = owner[1] if owner else domain.name
        return f"{short(error.filename)}:{error.lineno}: domain {name}"
    name, package, place = domain.name, module, domain.origin
    for frame, line in traceback.walk_tb(error.__traceback__):
        inside = f"{frame.f_globals.get('__name__')}"
        if frame.f_code.co_name == "<module>" and inside.startswith("domains."):
            name = inside.split(".")[1]
            package = f"domains.{name}"
        if f"{inside}.".startswith(f"{package}."):
            place = f"{short(frame.f_code.co_filename)}:{line}"
    return f"{place}: domain {name}"
