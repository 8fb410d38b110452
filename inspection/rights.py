"""What roles may do with what was read, as calls of domain.access."""

from __future__ import annotations

from collections.abc import Mapping

from engine.schema.abstract_roles import PUBLIC
from engine.schema.access import Access, by_right
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema
from engine.schema.sequences import is_counted, usual_name

# The roles that all domains share.
DECLARED = {PUBLIC, "app", "report"}
ON_COLUMNS = ("SELECT", "INSERT", "UPDATE")
FLAGS = {"DELETE": "delete", "EXECUTE": "execute", "USAGE": "usage"}


class Rights:
    """schema: what was read. classes: the names of the models by those of their tables. places:
    where an object's statement stands among the statements.

    lines: for register. left_out: what no domain states, as a person reads it.
    """

    def __init__(
        self, schema: Schema, classes: Mapping[str, str], places: Mapping[Key, int]
    ) -> None:
        self.schema = schema
        self.classes = classes
        self.places = places
        self.lines: list[str] = []
        self.left_out: list[str] = []
        roles = sorted({access.role for access in schema.access.values()} - DECLARED)
        if roles:
            self.lines.append(f"    domain.role({', '.join(map(repr, roles))})")
        for access in schema.access.values():
            self._state(access)
        self._open_definers()

    def _state(self, access: Access) -> None:
        """A call for what a role may do with one object."""
        if self._comes_by_itself(access):
            return
        if access.role == PUBLIC and not access.rights and not access.columns:
            self.left_out.append(f"PUBLIC may do nothing with {access.on.kind} {access.on.name}")
        thing, given, of_columns = self._thing(access.on), dict[str, str](), dict[str, str]()
        has_columns = access.on.kind in (Kind.TABLE, Kind.VIEW)
        for right in access.rights:
            if thing and has_columns and right in ON_COLUMNS:
                given[right.lower()] = "ALL"
            elif thing and right in FLAGS:
                given[FLAGS[right]] = "True"
            else:
                self._leave(access.role, right, access.on)
        for right, columns in by_right(access.columns):
            if thing and right in ON_COLUMNS:
                of_columns[right.lower()] = repr(tuple(columns))
            else:
                self._leave(access.role, f"{right} ({', '.join(columns)})", access.on)
        if given.keys() & of_columns.keys():  # a right may be there twice
            self._call(thing, access.role, given)
            self._call(thing, access.role, of_columns)
        elif given or of_columns:
            self._call(thing, access.role, given | of_columns)

    def _call(self, thing: str, role: str, given: Mapping[str, str]) -> None:
        words = [thing, repr(role), *(f"{right}={value}" for right, value in given.items())]
        line = f"    domain.access({', '.join(words)})"
        if len(line) > 100:
            inside = ",\n        ".join(words)
            line = f"    domain.access(\n        {inside},\n    )"
        self.lines.append(line)

    def _comes_by_itself(self, access: Access) -> bool:
        """Whether generate adds it to what the domains state: who is granted anything may look
        names up in the schema, who inserts counts, and nobody calls a function of its owner."""
        if access.on.kind is Kind.SCHEMA:
            return access.rights == ("USAGE",)
        if access.on.kind is Kind.FUNCTION and access.role == PUBLIC and not access.rights:
            return access.on.name not in self.schema.functions or self._is_definer(access.on.name)
        owner = self._counted(access.on)
        if access.rights != ("USAGE",) or not owner:
            return False
        table, column = owner
        inserts = self.schema.access.get(f"{access.role} on table {table}")
        may = inserts and ("INSERT" in inserts.rights or "INSERT" in str(inserts.columns))
        return bool(may) and not self.schema.tables[table].columns[column].identity

    def _thing(self, on: Key) -> str:
        """How register calls it, or empty where it cannot."""
        if on.kind is Kind.TABLE and on.name in self.classes:
            return f"models.{self.classes[on.name]}"
        if owner := self._counted(on):
            return f"models.{self.classes[owner[0]]}"
        materialized = on._replace(kind=Kind.MATERIALIZED_VIEW) if on.kind is Kind.VIEW else on
        place = self.places.get(on, self.places.get(materialized))
        return "" if place is None else f"statements.STATEMENTS[{place}]"

    def _counted(self, on: Key) -> tuple[str, str] | None:
        """The table and the column that a sequence counts inside of, if it does."""
        if on.kind is not Kind.SEQUENCE or on.name in self.schema.sequences:
            return None
        for table in self.schema.tables.values():
            for column in table.columns.values():
                if is_counted(column) and usual_name(table.name, column.name) == on.name:
                    return table.name, column.name
        return None

    def _open_definers(self) -> None:
        """What runs as its owner is closed to PUBLIC where a domain does not say otherwise."""
        for name in self.schema.functions:
            closed = f"{PUBLIC} on {Kind.FUNCTION} {name}" in self.schema.access
            thing = self._thing(Key(Kind.FUNCTION, "", name))
            if thing and self._is_definer(name) and not closed:
                self._call(thing, PUBLIC, {"execute": "True"})

    def _is_definer(self, name: str) -> bool:
        return "SECURITY DEFINER" in self.schema.functions[name].definition

    def _leave(self, role: str, right: str, on: Key) -> None:
        self.left_out.append(f"{role} may {right} on {on.kind} {on.name}".rstrip())
