"""Which search_path the options of a connection name."""

from __future__ import annotations

import pytest
from psycopg2.extensions import parse_dsn

from engine.connect.refusals import path_in
from engine.connect.url import with_schema


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ("", None),
        ("-c statement_timeout=0", None),
        ("-c search_path=shop", "shop"),
        ("-csearch_path=shop -c geqo=off", "shop"),
        ("--search_path=shop", "shop"),
        ("--search-path=a,b -csearch_path=c", "c"),
        (r"-c search_path=a,\ b", "a, b"),
        ("-c application_name=search_path", None),
    ],
)
def test_the_path_in_options(options: str, path: str | None) -> None:
    assert path_in(options) == path


@pytest.mark.parametrize("schema", ["shop", "a b", 'a"b', "back\\slash", "a\tb"])
def test_what_is_written_is_read_back(schema: str) -> None:
    options = parse_dsn(with_schema("postgresql:///shop?options=-cgeqo%3Doff", schema))["options"]
    assert path_in(options) in (schema, '"{}"'.format(schema.replace('"', '""')))
