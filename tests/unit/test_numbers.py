"""What a task is given as a number."""

from __future__ import annotations

import pytest

from tests.support.console import call


@pytest.mark.parametrize(
    "arguments",
    [["rollback", "--steps=-1"], ["rollback", "--steps=x"], ["adopt", "0"], ["sql", "--to=x"]],
)
def test_a_number_that_is_none_is_refused(arguments: list[str]) -> None:
    result = call("postgresql://nowhere.invalid/x", *arguments)
    assert result.code == 1
    assert "takes a number from 1 on" in result.err
    assert "Traceback" not in result.err
