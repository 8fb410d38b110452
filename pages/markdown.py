"""The pages as Markdown: an index, and a page for each domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pages import mermaid
from pages.facts import DomainFacts, RuleFacts, SchemaFacts, TableFacts, count
from pages.words import word


def pages(facts: SchemaFacts, language: str) -> Mapping[str, str]:
    """File name to text. language: `en` or `id`."""
    writer = _Writer(facts, language)
    texts = {"README.md": writer.index()}
    for domain in facts.domains:
        texts[f"{domain.name}.md"] = writer.domain(domain)
    return texts


class _Writer:
    """Writes the pages of one language."""

    def __init__(self, facts: SchemaFacts, language: str) -> None:
        self.facts = facts
        self.tables = facts.tables()
        self.language = language

    def say(self, name: str) -> str:
        """A word of the frame."""
        return word(name, self.language)

    def index(self) -> str:
        """The first page."""
        say = self.say
        numbers = ", ".join(f"{n} {say(kind).lower()}" for kind, n in count(self.tables).items())
        covered = ", ".join(
            f"{each.commented} {say('of')} {each.total} {say(each.kind).lower()}"
            for each in self.facts.coverage
        )
        lines = [
            f"# {say('schema')}: {self.facts.title}",
            say("made by"),
            f"{numbers}. {say('comments')}: {covered}.",
            f"## {say('domains')}",
            _fenced(mermaid.requirements(self.facts.domains)),
            _rows(
                (say("domain"), say("meaning"), say("requires"), say("tables")),
                [self._domain_row(domain) for domain in self.facts.domains],
            ),
            f"## {say('all tables')}",
            _rows(
                (say("table"), say("domain"), say("meaning")),
                [
                    (self._link(name), table.domain, table.comment)
                    for name, table in sorted(self.tables.items())
                ],
            ),
        ]
        return _joined(lines)

    def _domain_row(self, domain: DomainFacts) -> tuple[str, ...]:
        requires = ", ".join(f"[{name}]({name}.md)" for name in domain.requires)
        return (
            f"[{domain.name}]({domain.name}.md)",
            domain.description,
            requires or self.say("nothing"),
            str(len(domain.tables)),
        )

    def domain(self, domain: DomainFacts) -> str:
        """The page of a domain."""
        say = self.say
        requires = ", ".join(f"[{name}]({name}.md)" for name in domain.requires)
        lines = [
            f"# {domain.name}",
            f"{domain.description} {say('requires')}: {requires or say('nothing')}.",
            f"[{say('contents')}](README.md)",
            f"## {say('diagram')}",
            _fenced(mermaid.entities(domain)) if domain.is_drawable else say("too many"),
        ]
        if domain.is_drawable and mermaid.neighbours(domain):
            lines.append(say("neighbours"))
        for table in domain.tables:
            lines += self._table(table)
        if domain.enums:
            lines.append(f"## {say('enums')}")
            lines.append(_rows((say("type"), ""), [_enum_row(e) for e in domain.enums]))
        for machine in domain.machines:
            lines.append(f"## {say('status')}: {machine.table}.{machine.column}")
            lines.append(_fenced(mermaid.statuses(machine)))
        for title, items in (("permissions", domain.permissions), ("seeds", domain.seeds)):
            if items:
                lines += [f"## {say(title)}", "\n".join(f"- {item}" for item in items)]
        return _joined(lines)

    def _table(self, table: TableFacts) -> list[str]:
        say = self.say
        head = (say("column"), say("type"), say("may be empty"), say("default"), say("meaning"))
        lines = [f"## {table.name}", table.comment]
        lines.append(
            _rows(
                head,
                [
                    (
                        f"`{column.name}`{_suffix(column.keys)}",
                        column.type,
                        say("yes") if column.nullable else "",
                        f"`{column.default}`" if column.default else "",
                        column.comment,
                    )
                    for column in table.columns
                ],
            )
        )
        if table.parents:
            lines += [f"### {say('refers to')}", "\n".join(self._parents(table))]
        if table.children:
            lines += [f"### {say('referred to by')}", "\n".join(self._children(table))]
        for title, rules in (
            ("rules", table.checks),
            ("triggers", table.triggers),
            ("rights", table.rights),
            ("indexes", table.indexes),
        ):
            if rules:
                lines += [f"### {say(title)}", _listed(rules)]
        return lines

    def _parents(self, table: TableFacts) -> Iterable[str]:
        for reference in table.parents:
            columns = ", ".join(f"`{column}`" for column in reference.columns)
            action = reference.on_delete or "NO ACTION"
            link = self._link(reference.target)
            yield f"- {columns} → {link} ({action} {self.say('when deleted')})"

    def _children(self, table: TableFacts) -> Iterable[str]:
        for reference in table.children:
            columns = ", ".join(f"`{column}`" for column in reference.columns)
            yield f"- {self._link(reference.table)} {self.say('through')} {columns}"

    def _link(self, table: str) -> str:
        if table not in self.tables:
            return table
        return f"[{table}]({self.tables[table].domain}.md#{table})"


def _enum_row(enum: object) -> tuple[str, str]:
    name, labels = getattr(enum, "name", ""), getattr(enum, "labels", ())
    return f"`{name}`", ", ".join(f"`{label}`" for label in labels)


def _suffix(keys: Iterable[str]) -> str:
    text = ", ".join(keys)
    return f" ({text})" if text else ""


def _listed(rules: Iterable[RuleFacts]) -> str:
    return "\n".join(f"- **{rule.name}**: {rule.words}" for rule in rules)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _fenced(text: str) -> str:
    return f"```mermaid\n{text}\n```"


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
