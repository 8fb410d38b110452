"""What a migration may be called."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.generate.generator import Generator


@pytest.mark.parametrize("title", ["Add fiber", "../x", "1st", "x-y", "", "é", "a" * 61])
def test_a_title_that_is_no_name_is_refused(title: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a migration"):
        Generator([], tmp_path, "postgresql:///nowhere").generate(title)
