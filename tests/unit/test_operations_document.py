"""The page of operations is what the operations say of themselves, and says what must be said."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from application.operations import MODULES, document, operations
from tests.support.project import ROOT

FUNCTIONS = [function for name in MODULES for function in operations(importlib.import_module(name))]
# a deed of an admin user: it moves money, or ends what cannot be brought back
DEEDS = ("void", "refund", "reject", "suspend", "end", "change_plan", "transfer", "merge", "leave")


def test_the_page_is_what_the_docstrings_say() -> None:
    page = ROOT / "docs/operations.md"
    assert page.read_text(encoding="utf-8") == document(), (
        'write it again: python -c "from application.operations import document; '
        "print(document(), end='')\" > docs/operations.md"
    )


def test_every_module_of_operations_is_on_the_page() -> None:
    files = set((ROOT / "domains").glob("*/operations.py"))
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files}
    assert names - set(MODULES) == {"domains.backups.operations"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: str(function.__name__))
def test_an_operation_is_typed_and_says_what_it_takes(function: Callable[..., Any]) -> None:
    signature = inspect.signature(function)
    text = inspect.getdoc(function) or ""
    assert text and signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty
    for name in ("created_by", "received_by", "actor", "user", "admin"):
        assert name not in signature.parameters
    if function.__name__ in DEEDS:
        for name in ("by", "reason"):
            assert signature.parameters[name].default is inspect.Parameter.empty
    if "Missing" in text or "RuleViolation" in text:
        assert "Raises" in text
    if re.search(r"\bamount\b", str(signature)):
        assert "rupiah" in text.lower()
