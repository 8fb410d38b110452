"""What the registry takes of a drawn domain, PostgreSQL builds, or the engine says why not."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from engine.connect.peewee_database import EngineDatabase
from engine.errors import EngineError, RegistryError
from engine.generate.build_models import build
from tests.support.databases import execute
from tests.support.drawn_models import domains, loaded
from tests.support.runners import at


@pytest.mark.only("newest")
def test_what_the_registry_takes_ends_in_no_traceback(empty_url: str, tmp_path: Path) -> None:
    url = f"{empty_url}?options=-csearch_path%3Ddrawn,public"
    built: list[bool] = []

    @settings(
        max_examples=80,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(text=domains())
    def each(text: str) -> None:
        try:
            with loaded(text, tmp_path) as registered:
                execute(empty_url, "DROP SCHEMA IF EXISTS drawn CASCADE; CREATE SCHEMA drawn")
                build(EngineDatabase(at(url)), list(registered))
                built.append(True)
        except RegistryError:
            pass
        except EngineError as error:
            built.append(False)
            assert "What to do: " in str(error)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each()
    assert built.count(True) > 3
