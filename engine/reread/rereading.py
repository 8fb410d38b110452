"""A schema that is read again and again, of which only what was written since is read anew.

Every row of PostgreSQL's catalogs says which transaction wrote it (xmin), so those that are newer
than the last look are found by looking at each once, without printing anything; of those that are
gone the catalogs say nothing but their number, and then what is left is held against what there
was. What prints differently though nobody wrote it (`REFERENCES t (new_name)` in another table) is
what pg_depend leads to. Where that is not enough, such as after CREATE OPERATOR, all is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from engine.reread.written_rows import (
    CATALOGS,
    CONCERNED,
    COUNTED,
    COUNTS,
    NAMES,
    NEWER,
    NOW,
    RELATION,
    ROUTINE,
    SETTLED,
    TYPE,
)
from engine.schema import catalog, own_sql
from engine.schema.kinds import KINDS, Kind, without_arguments
from engine.schema.model import Schema, Table, View

CATALOG_OF = {
    Kind.TABLE: RELATION,
    Kind.VIEW: RELATION,
    Kind.SEQUENCE: RELATION,
    Kind.ENUM: TYPE,
    Kind.DOMAIN_TYPE: TYPE,
    Kind.COMPOSITE: TYPE,
    Kind.FUNCTION: ROUTINE,
}

Object = tuple[str, int]
"""The catalog that something is in, and its oid."""


class Rereading:
    """Reads the schema of a psycopg2 connection, without what depends on what.

    What is known is held against a whole reading each time that the schema has grown to twice its
    size, and by is_right(). touched: the oids of what was read anew, up to take_touched(); None
    for everything. wholly: whether all is read each time.
    """

    def __init__(self, connection: Any, *, wholly: bool = False) -> None:
        self.connection = connection
        self.wholly = wholly
        self.here = own_sql.place(connection).oid
        self.schema: Schema | None = None
        self.wrong = False
        self.touched: set[int] | None = None
        self.wholly_at = 0
        self.since = ""
        self.settled: tuple[Any, ...] = ()
        self.rows: dict[str, dict[str, Object]] = {}
        self.names: dict[Object, str] = {}
        self.owners: dict[Object, Object] = {}

    def read(self) -> Schema:
        """What is there now."""
        if self.wholly:
            return catalog.read(self.connection, depends=False)
        since, self.since = self.since, self._ask(NOW)[0][0]
        seeds = self._written(since) if self.schema and not self.wrong else None
        if seeds is None or self.schema is None:
            return self._wholly()
        if seeds:
            touched = self._read_anew(seeds)
            if touched is None:
                return self._wholly()
            if self.touched is not None:
                self.touched |= {oid for _, oid in touched}
            if len(self.names) > 2 * self.wholly_at:
                self._verify()
        return self.schema

    def is_right(self) -> bool:
        """Whether what was read is what a whole reading says; that counts from then on."""
        self.read()
        if not (self.wholly or self.wrong):
            self._verify()
        return not self.wrong

    def _verify(self) -> None:
        known, self.schema = self.schema, catalog.read(self.connection, depends=False)
        self.wholly_at = len(self.names)
        self.wrong = self.schema != known

    def take_touched(self) -> set[int] | None:
        """The oids of what was read anew since the last time; None where all was."""
        touched, self.touched = self.touched, None if self.wholly else set()
        return touched

    def _ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            own_sql.fetch(cursor, query, {"here": self.here, **values})
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _wholly(self) -> Schema:
        """Read all, and know all again."""
        self.touched = None
        self.settled = self._ask(SETTLED)[0]
        self.rows = {name: dict(self._listed(name)) for name in COUNTED}
        self.names, self.owners = {}, {}
        self._name(self._ask(NAMES))
        self.wholly_at = len(self.names)
        self.schema = catalog.read(self.connection, depends=False)
        return self.schema

    def _listed(self, name: str) -> Iterator[tuple[str, Object]]:
        """The rows of a catalog: (key, what it tells about)."""
        for _, key, of, oid in self._ask(CATALOGS[name].select):
            yield key, (of, oid)

    def _name(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for of, oid, name, owner in rows:
            self.names[of, oid] = name
            if owner:
                self.owners[of, oid] = (RELATION, owner)

    def _written(self, since: str) -> dict[Object, bool] | None:
        """What was written, or is gone, and whether its name may be printed elsewhere; None where
        anything may print differently."""
        newer = self._ask(NEWER, since=since)
        if self._ask(SETTLED)[0] != self.settled or any(not name for name, *_ in newer):
            return None
        seeds: dict[Object, bool] = {}
        for _, _, of, oid in newer:
            seeds[of, oid] = self._may_be_printed((of, oid))
        for name, key, of, oid in newer:
            if name in self.rows:
                self.rows[name][key] = (of, oid)
        for thing in [*seeds, *self._gone()]:
            seeds.setdefault(thing, False)
            if thing in self.owners:  # of a sequence that may be its own by now
                seeds.setdefault(self.owners[thing], False)
        return seeds

    def _may_be_printed(self, thing: Object) -> bool:
        """Whether something else may print its name, or did. Of a table and the like that shows
        when it is read anew."""
        of, oid = thing
        stood = str(oid) in self.rows.get(of, {})
        return stood and not (of == RELATION and thing in self.names)

    def _gone(self) -> list[Object]:
        """What rows told about that are no longer there."""
        gone = []
        for name, count in self._ask(COUNTS):
            if count != len(self.rows[name]):
                left = dict(self._listed(name))
                gone += [self.rows[name][key] for key in self.rows[name].keys() - left.keys()]
                self.rows[name] = left
        return gone

    def _read_anew(self, seeds: dict[Object, bool]) -> set[Object] | None:
        """Read what the seeds lead to, and what that leads to where names or columns are others
        now (all that was read); None where other things may print differently."""
        touched: set[Object] = set()
        while seeds:
            concerned = self._concerned(seeds) - touched
            touched |= concerned
            seeds = self._take_over(concerned)
        routines = {thing for thing in touched if thing[0] == ROUTINE}
        return None if routines and self._is_ambiguous(routines) else touched

    def _concerned(self, seeds: dict[Object, bool]) -> set[Object]:
        classes = [of for of, _ in seeds]
        oids = [oid for _, oid in seeds]
        values = {"classes": classes, "oids": oids, "spreads": list(seeds.values())}
        return set(self._ask(CONCERNED, **values))

    def _take_over(self, concerned: set[Object]) -> dict[Object, bool]:
        """Read these, in place of what is known of them. Gives the relations that have another
        name or schema now, or other columns where there were some: what prints those has to be
        read."""
        assert self.schema
        only = [oid for _, oid in concerned]
        was = {thing: self.names.pop(thing) for thing in concerned if thing in self.names}
        for thing in concerned:
            self.owners.pop(thing, None)
        self._name(self._ask(NAMES, only=only))
        part = catalog.read(self.connection, depends=False, only=only)
        before, self.schema = self.schema, _merged(self.schema, set(_keys(was)), part)
        renamed: dict[Object, bool] = {}
        for thing, name in was.items():
            now = self.names.get(thing)
            same = now is not None and _shows_the_same(before, name, part, now)
            if thing[0] == RELATION and not same:
                renamed[thing] = True
        return renamed

    def _is_ambiguous(self, routines: set[Object]) -> bool:
        """Whether another routine has the name of one of these: then PostgreSQL may print calls
        of both with their schema, or without it."""
        bare = {without_arguments(self.names.get(thing, "")) for thing in routines}
        for thing, name in self.names.items():
            if thing[0] == ROUTINE and thing not in routines and without_arguments(name) in bare:
                return True
        return False


def _keys(names: dict[Object, str]) -> Iterator[tuple[str, str]]:
    for (of, _), name in names.items():
        yield of, name


def _merged(schema: Schema, gone: set[tuple[str, str]], part: Schema) -> Schema:
    """The schema with what was read of a part of it. gone: what the part is in place of: (catalog,
    name)."""
    values: dict[str, Any] = {}
    parts = part.standing()
    for kind, things in schema.standing().items():
        kept = dict(things)
        for of, name in gone:
            if of == CATALOG_OF[kind]:
                kept.pop(name, None)
        values[KINDS[kind].alone] = kept | dict(parts[kind])
    access = {}
    for title, stated in schema.access.items():
        on = stated.on
        if on.kind is not Kind.SCHEMA and (CATALOG_OF[on.kind], on.name) not in gone:
            access[title] = stated
    return replace(part, **values, access=access | part.access)


def _shows_the_same(before: Schema, old: str, after: Schema, new: str) -> bool:
    """Whether what refers to a relation reads as before: its name, and the columns that there
    were."""
    were, are = _columns(before, old), _columns(after, new)
    return old == new and were == are[: len(were)]


def _columns(schema: Schema, name: str) -> list[tuple[str, str]]:
    relation: Table | View | None = schema.tables.get(name) or schema.views.get(name)
    return [(c.name, c.type) for c in relation.columns.values()] if relation else []
