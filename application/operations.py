"""The operations of the domains as a document: docs/operations.md, made from their docstrings.

python -c "from application.operations import document; print(document(), end='')"
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

__all__ = ["MODULES", "document", "operations"]

# In the order of a customer's life.
MODULES = (
    "domains.customers.operations",
    "domains.billing.subscriptions",
    "domains.billing.bills",
    "domains.billing.periods",
    "domains.billing.operations",
    "domains.billing.access",
    "domains.payments.renewals",
    "domains.payments.operations",
    "domains.payments.links",
    "domains.payments.callbacks",
    "domains.payments.refunds",
    "domains.payments.moving",
    "domains.payments.revenue",
    "domains.mikrotik.operations",
    "domains.notifications.operations",
    "domains.whatsapp.operations",
    "domains.locations.operations",
    "domains.system.operations",
    "application.cleanup",
)
HEAD = """# Operations

What an application calls. Each is one transaction: it is done as a whole, or not at all, and may be
called inside a transaction of the application. Rows are given as objects or by their identity, `by`
is the admin user who does it (None: the system), amounts are whole rupiah, days are those of the
branch. What is refused is a `BillingError`; one whose `retryable` is true may be tried again as it
is.
`demo/month.py` is a month in the life of a customer, by these operations alone.

This page is made from the docstrings; `application/operations.py` says how.
"""


def document() -> str:
    """The page, in Markdown."""
    parts = [HEAD]
    for name in MODULES:
        module = importlib.import_module(name)
        parts.append(f"\n## {name}\n\n{_text(module)}\n")
        for function in operations(module):
            parts.append(f"\n### {function.__name__}\n\n{_signature(function)}\n")
            parts.append(f"\n{_text(function)}\n")
    return "".join(parts)


def operations(module: ModuleType) -> Iterator[Callable[..., Any]]:
    """The public functions that a module defines, in their order."""
    for name, value in vars(module).items():
        is_own = inspect.isfunction(value) and value.__module__ == module.__name__
        if is_own and not name.startswith("_"):
            yield value


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    if not signature.parameters:
        return f"```python\n{function.__name__}() -> {signature.return_annotation}\n```"
    lines = []
    keyword_only = False
    for parameter in signature.parameters.values():
        if parameter.kind == inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            lines.append("    *,")
        lines.append(f"    {_parameter(parameter)},")
    text = "\n".join(lines)
    return f"```python\n{function.__name__}(\n{text}\n) -> {signature.return_annotation}\n```"


def _parameter(parameter: inspect.Parameter) -> str:
    star = "**" if parameter.kind == inspect.Parameter.VAR_KEYWORD else ""
    text = f"{star}{parameter.name}: {parameter.annotation}"
    if parameter.default is parameter.empty:
        return text
    default = parameter.default
    return f"{text} = {default.__name__ if inspect.isclass(default) else repr(default)}"


def _text(thing: Any) -> str:
    """The docstring; drawn trees are kept as they are drawn."""
    text = inspect.getdoc(thing) or ""
    before, tree, after = text.partition("BillingError\n")
    if not tree:
        return text
    drawn, blank, rest = after.partition("\n\n")
    return f"{before}```text\n{tree}{drawn}\n```{blank}{rest}"
