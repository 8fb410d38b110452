"""What roles may do, as GRANT and REVOKE.

In a file the role is an abstract one. A block of PL/pgSQL asks the session which role that is in
this cluster; so the same file runs wherever it is run, by whatever runs it, and grants nothing
where nobody has said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.diff.change import Change
from engine.schema.abstract_roles import MAPPED, PUBLIC
from engine.schema.access import GRANTABLE, by_right
from engine.schema.kinds import Key, Kind
from engine.schema.quoting import literal, name

# How GRANT calls it; views are tables to it, and procedures are routines.
WORDS = {
    Kind.TABLE: "TABLE",
    Kind.VIEW: "TABLE",
    Kind.SEQUENCE: "SEQUENCE",
    Kind.FUNCTION: "ROUTINE",
    Kind.ENUM: "TYPE",
    Kind.DOMAIN_TYPE: "TYPE",
    Kind.COMPOSITE: "TYPE",
    Kind.SCHEMA: "SCHEMA",
}
Rights = tuple[str, ...]
CASCADE = " CASCADE"
# A block as block() writes it. In no literal of it is a `;`, behind which another statement could
# stand, nor a backslash, which means nothing or something by a setting of the session. What it is
# on is an object of the schema: `GRANT pg_read_server_files TO …` would reach the whole server,
# also with a comment in it that says `ON TABLE`.
PART = r"'(?:[^';\\]|'')*'"
ON = rf"(?:[^';\\\"]|\"[^';\\\"]*\")*\sON\s(?:{'|'.join(sorted(set(WORDS.values())))})\s"
EXECUTED = (
    rf"EXECUTE '(?:GRANT|REVOKE)\s{ON}{PART[1:]}"
    rf"(?:\s\|\|\squote_ident\(current_schema\(\)\)\s\|\|\s{PART})?"
    rf"\s\|\|\sgrantee(?:\s\|\|\s{PART})?;\s+"
)
BLOCK = re.compile(
    r"\s*DO\s\$(\w*)\$\s+DECLARE\s+"
    rf"grantee\stext\s:=\squote_ident\({re.escape(MAPPED)}\s->>\s{PART}\);\s+"
    rf"BEGIN\s+IF\sgrantee\sIS\sNOT\sNULL\sTHEN\s+(?:{EXECUTED})+END\sIF;\s+END\s+\$\1\$\s*"
)


@dataclass(frozen=True)
class Grant:
    """One GRANT or REVOKE: what stands before the name of the thing, the thing, and what stands
    around the role. The schema has no name in it: a file does not know that."""

    verb: str
    on: Key
    way: str
    more: str = ""

    def sql(self, role: str, schema: str) -> str:
        """The statement. role, schema: as SQL has them."""
        thing = self._thing() or schema
        return f"{self.verb} ON {WORDS[self.on.kind]} {thing} {self.way} {role}{self.more}"

    def expression(self) -> str:
        """What gives its text in PL/pgSQL, where the role is `grantee`."""
        start, end = f"{self.verb} ON {WORDS[self.on.kind]} ", f" {self.way} "
        if thing := self._thing():
            text = literal(start + thing + end)
        else:
            text = f"{literal(start)} || quote_ident(current_schema()) || {literal(end)}"
        return f"{text} || grantee" + (f" || {literal(self.more)}" if self.more else "")

    def _thing(self) -> str:
        if self.on.kind in (Kind.FUNCTION, Kind.SCHEMA):
            return self.on.name
        return name(self.on.name)


def grants(change: Change) -> Iterator[Grant]:
    """What turns what a role may into what it shall. change: of the kind ACCESS.

    `REVOKE SELECT ON t` takes SELECT from every column as well (the manual: REVOKE), so what is
    granted on columns comes after it.
    """
    old, new = change.old, change.new
    lost = _lost(old.rights, new.rights)
    if lost:
        yield Grant(f"REVOKE {', '.join(lost)}", new.on, "FROM", _too(lost, [old.rights]))
    left = {column: _but(rights, lost) for column, rights in old.columns.items()}
    gone = {column: _lost(rights, new.columns.get(column, ())) for column, rights in left.items()}
    if listed := _listed((), gone):
        more = _too(sorted(set().union(*gone.values())), left.values())
        yield Grant(f"REVOKE {listed}", new.on, "FROM", more)
    whole = _but(new.rights, (), _but(old.rights, lost))
    single = {}
    for column, rights in new.columns.items():
        stays = _but(left.get(column, ()), gone.get(column, ()))
        single[column] = _but(rights, (), stays)
    for more in ("", GRANTABLE):
        columns = {column: _of(rights, more) for column, rights in single.items()}
        if listed := _listed(_of(whole, more), columns):
            yield Grant(f"GRANT {listed}", new.on, "TO", more)


def _lost(old: Rights, new: Rights) -> Rights:
    """The rights that are to be revoked; also one that may be passed on no more."""
    return tuple(sorted({_plain(right) for right in old if right not in new}))


def _too(lost: Iterable[str], old: Iterable[Rights]) -> str:
    """What a role may pass on, others may have from it by now: PostgreSQL refuses to take it from
    that role alone ("dependent privileges exist")."""
    there = set().union(*old)
    return CASCADE if any(f"{right}{GRANTABLE}" in there for right in lost) else ""


def _but(rights: Rights, revoked: Rights, there: Rights = ()) -> Rights:
    """The rights without what is revoked of them, or there already."""
    return tuple(r for r in rights if _plain(r) not in revoked and r not in there)


def statement(change: Change) -> str:
    """The change as a file has it."""
    return block([change])


def block(changes: Iterable[Change]) -> str:
    """Changes of one role as one statement, or for everybody as several."""
    listed = list(changes)
    role = listed[0].new.role
    every: list[Grant] = []
    for change in listed:
        every += grants(change)
    if role == PUBLIC:
        return ";\n".join(grant.sql(PUBLIC, "") for grant in every)
    lines = "\n".join(f"        EXECUTE {grant.expression()};" for grant in every)
    body = (
        "\nDECLARE\n"
        f"    grantee text := quote_ident({MAPPED} ->> {literal(role)});\n"
        f"BEGIN\n    IF grantee IS NOT NULL THEN\n{lines}\n    END IF;\nEND\n"
    )
    tag = "$$"
    while tag in body:
        tag = f"${tag[1:-1]}_$"
    return f"DO {tag}{body}{tag}"


def only_grants(text: str) -> bool:
    """Whether it is a block as `block` writes them: each text that it runs as SQL is one GRANT or
    REVOKE."""
    has_comment = "--" in text or "/*" in text
    return not has_comment and BLOCK.fullmatch(text) is not None


def spelled(changes: Iterable[Change], roles: Mapping[str, str], schema: str) -> list[str]:
    """The changes as statements that name the roles themselves. roles: by their abstract names, all
    that the changes are about. schema: its name."""
    texts = []
    for change in changes:
        role = change.new.role
        who = PUBLIC if role == PUBLIC else name(roles[role])
        texts += [grant.sql(who, name(schema)) for grant in grants(change)]
    return texts


def _plain(right: str) -> str:
    return right.removesuffix(GRANTABLE)


def _of(rights: Rights, more: str) -> Rights:
    """Those that may be passed on, or those that may not, without those words."""
    return tuple(_plain(right) for right in rights if right.endswith(GRANTABLE) == bool(more))


def _listed(whole: Rights, columns: dict[str, Rights]) -> str:
    """Such as `DELETE, SELECT (id, name)`."""
    parts = list(whole)
    for right, titles in by_right(columns):
        parts.append(f"{right} ({', '.join(map(name, titles))})")
    return ", ".join(parts)
