"""Whatever a domain says, the registry takes it or tells what is wrong with it."""

from __future__ import annotations

import warnings
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from engine.errors import RegistryError
from tests.support.drawn_models import domains, loaded


@settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(text=domains())
def test_nothing_that_a_domain_says_ends_in_a_traceback(text: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with loaded(text, tmp_path) as registered:
                assert len(registered.domains) == 1
        except RegistryError as error:
            message = str(error)
            assert "What to do: " in message
            assert "drawn_" in message or "domain drawn" in message
