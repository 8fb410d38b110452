"""The round trips of files, kept: a file that was run up, down and up again after those before it
need not be run again to know what came of it.

What is kept holds for the file and all before it. A file that reads anything besides, or imports
more than Python and the migration library have, is run each time, and so are those after it.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from types import CodeType
from typing import Any

from engine.check.observer import Observed
from engine.check.table_changes import Event, Happened
from engine.files.migration_file import Migration
from engine.proofs import chain
from engine.proofs.proofs import Proofs
from engine.proofs.reads import Reads

ABOUT = "files"
# What a file may import and still be the same each time.
LIBRARY = frozenset({"peewee", "peewee_migrate", "playhouse", "psycopg2"})
# Stands for the file after which pending ones begin, where all are pending: then the tables count
# that there are when a file begins, and not those that there were before the first.
FRESH = "fresh"
HAD_A_PART = LIBRARY | {"engine"}


@dataclass(frozen=True)
class Trip:
    """What came of a file's way up, down and up again. problems: (what, why) of each. left_out: the
    statements that were not run, as they reach outside of the scratch database."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


class KeptTrips:
    """What is known of files in their order.

    trips: by the digest of a file and those before it. seen: what was observed of pending files, by
    that digest and the one of the file after which pending ones begin; names: the tables that there
    were then. readers: the names of files that read more than their own text.
    """

    def __init__(self, proofs: Proofs | None, migrations: Sequence[Migration]) -> None:
        self.proofs = proofs
        self.trips: dict[str, Trip] = {}
        self.seen: dict[str, list[Observed]] = {}
        self.names: dict[str, frozenset[str]] = {}
        self.links: dict[str, str] = {}
        for migration, link in zip(migrations, chain.links(migrations), strict=True):
            self.links[migration.name] = link
        self.readers: set[str] = set()
        self.repeatable = True
        self.changed = False
        if value := proofs.recall(ABOUT) if proofs else None:
            self._load(value)

    def trip(self, migration: Migration) -> Trip | None:
        """Of that file, if it is known."""
        return self.trips.get(self.links[migration.name])

    def observed(self, migration: Migration, since: str) -> list[Observed] | None:
        """What was observed of it, if it is known. since: as for note()."""
        return self.seen.get(f"{self.links[migration.name]} {since}")

    def note(
        self,
        migration: Migration,
        trip: Trip,
        since: str,
        seen: list[Observed] | None,
    ) -> None:
        """Take down what came of a file. since: the digest of the file after which pending ones
        begin. seen: what was observed, where it is pending."""
        if migration.name in self.readers or not _stands_alone(migration):
            self.repeatable = False
        if not self.repeatable:
            return
        link = self.links[migration.name]
        self.changed = True
        self.trips[link] = trip
        if seen is not None:
            self.seen[f"{link} {since}"] = seen

    def forget(self) -> None:
        """What was noted or known, so that all is run again."""
        self.trips, self.seen, self.names = {}, {}, {}

    @contextmanager
    def watching(self, migration: Migration) -> Iterator[None]:
        """Around all that is run of a file: whether it reads anything."""
        if not self.proofs:
            yield
            return
        with self.proofs.window() as reads:
            yield
        if reads.anything:
            self.readers.add(migration.name)

    def keep(self) -> None:
        """Keep what was noted, of these files alone."""
        if not (self.proofs and self.changed):
            return
        links = {"", FRESH, *self.links.values()}
        trips = {link: asdict(trip) for link, trip in self.trips.items() if link in links}
        seen = {}
        for key, statements in self.seen.items():
            if links.issuperset(key.split(" ")):
                seen[key] = [asdict(statement) for statement in statements]
        names = {}
        for link, tables in self.names.items():
            if link in links and self.repeatable:
                names[link] = sorted(tables)
        value = {"trips": trips, "seen": seen, "names": names}
        self.proofs.keep(ABOUT, value, Reads(), _had_a_part)

    def _load(self, value: Any) -> None:
        for link, trip in value["trips"].items():
            problems = [(what, why) for what, why in trip["problems"]]
            self.trips[link] = Trip(problems, list(trip["left_out"]))
        for key, statements in value["seen"].items():
            self.seen[key] = [_observed(statement) for statement in statements]
        for link, names in value["names"].items():
            self.names[link] = frozenset(names)


def _observed(value: dict[str, Any]) -> Observed:
    events = []
    for event in value["events"]:
        events.append(Event(**{**event, "kind": Happened(event["kind"])}))
    exposed = [(rule, name) for rule, name in value["exposed"]]
    tuples = {"events": tuple(events), "exposed": tuple(exposed)}
    tuples |= {part: tuple(value[part]) for part in ("taken", "unsaid") if value[part] is not None}
    return Observed(**{**value, **tuples})


def _had_a_part(module: str) -> bool:
    return module.partition(".")[0] in HAD_A_PART


def _stands_alone(migration: Migration) -> bool:
    """Whether the file imports nothing that may change beside it."""
    harmless = LIBRARY | sys.stdlib_module_names - {"importlib", "runpy"}
    return set(_imported(migration.code)) <= harmless


def _imported(code: CodeType) -> Iterator[str]:
    """The names of what it imports, from the code that runs anyway: to parse the text once more
    would take four times its memory."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            yield instruction.argval.partition(".")[0]
    if "__import__" in code.co_names:
        yield "__import__"
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _imported(inner)
