"""The files mean the same in any schema, wherever the extensions are."""

from __future__ import annotations

from typing import Any

from engine.run.replay import Replay
from engine.schema.model import Schema
from tests.support.databases import execute, query
from tests.support.project import MIGRATIONS
from tests.support.runners import at, runner_on

# What is there before the files, the search_path, and the path that functions then carry.
LAYOUTS = (
    ("SELECT", "public", "public, pg_temp"),
    ("CREATE SCHEMA isp", "isp", "isp, pg_temp"),
    (
        "CREATE SCHEMA tools; CREATE EXTENSION pg_trgm SCHEMA tools;"
        "CREATE EXTENSION btree_gist SCHEMA tools",
        "public",
        "public, tools, pg_temp",
    ),
)
CARRIED = """
    SELECT DISTINCT substr(c, strpos(c, '=') + 1) FROM pg_proc p
    LEFT JOIN unnest(p.proconfig) c ON starts_with(c, 'search_path=')
    WHERE p.pronamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


def test_the_same_files_in_three_layouts(server: Any) -> None:
    made: list[Schema] = []
    for before, schema, path in LAYOUTS:
        with server.database() as plain:
            execute(plain, before)
            url = f"{plain}?options=-csearch_path%3D{schema}"
            runner_on(url, MIGRATIONS).migrate()
            assert query(url, CARRIED) == [(path,)]
            made.append(Replay(at(url), []).read())
    assert made[0] == made[1] == made[2]
    assert made[0].functions
