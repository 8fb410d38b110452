"""What `check` says below its findings."""

from __future__ import annotations

import pytest

from engine.check.finding import Checked, Finding, Level, RuleName

MEANT = "What is meant so is said in its file: # lint: ignore"


@pytest.mark.parametrize(
    ("file", "line", "rule", "told"),
    [
        ("003_x", 11, RuleName.RENAME_COLUMN, True),
        ("003_x", 11, "squawk-renaming-object", True),
        ("003_x", 11, RuleName.FAILS, False),
        ("003_x", 11, RuleName.IGNORE_UNUSED, False),
        ("003_x", 0, RuleName.FILES, False),
        ("", 0, RuleName.MODELS, False),
    ],
)
def test_how_one_says_that_it_is_meant(file: str, line: int, rule: str, told: bool) -> None:
    """Where a comment in the file can; the words can be taken as they stand."""
    text = Checked(3, 1, (Finding(file, line, rule, Level.ERROR, "It is so."),), ()).as_text()
    assert (f"\n{MEANT} {rule} REASON\n" in text) is told
    assert text.endswith("1 error, 0 warnings in 3 files, 1 of them pending.")
