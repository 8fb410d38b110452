"""The whole schema as one HTML file: no network, light and dark, on a phone and in print, its
frame in English and Indonesian."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files

from pages import svg
from pages.facts import (
    ColumnFacts,
    DomainFacts,
    MachineFacts,
    RuleFacts,
    SchemaFacts,
    TableFacts,
    count,
)
from pages.words import LANGUAGES, word


def page(facts: SchemaFacts) -> str:
    """The file."""
    style = files("pages").joinpath("page.css").read_text(encoding="utf-8")
    script = files("pages").joinpath("page.js").read_text(encoding="utf-8")
    body = "\n".join(_main(facts))
    holder = " ".join(f'data-{code}="{escape(word("search", code))}"' for code in LANGUAGES)
    none = " ".join(f'data-{code}="{escape(word("no match", code))}"' for code in LANGUAGES)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{escape(facts.title)}</title>
<style>
{style}</style>
</head>
<body>
<header><strong><a href="#top">{escape(facts.title)}</a></strong>
<input id="search" type="search" autocomplete="off" aria-label="Search" {holder}>
<button id="language" type="button">{say("language")}</button>
<button id="theme" type="button">{say("theme")}</button></header>
<ul id="hits" hidden {none}></ul>
<div class="page">
<nav>{"".join(_navigation(facts))}</nav>
<main id="top">
{body}
</main>
</div>
<script>
{script}</script>
</body>
</html>
"""  # noqa: E501


def say(name: str, *, small: bool = False) -> str:
    """A word of the frame in both languages; the page shows one of them. small: in small letters,
    as inside a sentence."""
    parts = []
    for code in LANGUAGES:
        text = word(name, code).lower() if small else word(name, code)
        parts.append(f'<span class="{code}" lang="{code}">{escape(text)}</span>')
    return "".join(parts)


def _navigation(facts: SchemaFacts) -> Iterator[str]:
    for domain in facts.domains:
        yield f'<b><a href="#d-{domain.name}">{domain.name}</a></b>'
        for table in domain.tables:
            yield f'<a class="t" href="#t-{escape(table.name)}">{escape(table.name)}</a>'


def _main(facts: SchemaFacts) -> Iterator[str]:
    counts = count(facts.tables())
    numbers = ", ".join(f"{number} {say(kind, small=True)}" for kind, number in counts.items())
    yield f"<h1>{escape(facts.title)}</h1><p class='dim'>{numbers}</p>"
    yield svg.requirements(facts.domains)
    for domain in facts.domains:
        yield from _domain(domain)


def _domain(domain: DomainFacts) -> Iterator[str]:
    note = escape(domain.description)
    yield (
        f'<h2 id="d-{domain.name}" data-find="{domain.name}" data-note="{note}">'
        f"{domain.name}</h2><p>{note}</p>"
    )
    requires = ", ".join(f'<a href="#d-{name}">{name}</a>' for name in domain.requires)
    yield f"<p>{say('requires')}: {requires or say('nothing')}</p>"
    yield svg.entities(domain) if domain.is_drawable else f"<p>{say('too many')}</p>"
    for table in domain.tables:
        yield from _table(table)
    if domain.enums:
        yield f"<h3>{say('enums')}</h3><ul>"
        for enum in domain.enums:
            labels = ", ".join(f"<code>{escape(label)}</code>" for label in enum.labels)
            find = f'data-find="{escape(enum.name)}" data-note="{escape(", ".join(enum.labels))}"'
            yield f'<li id="e-{escape(enum.name)}" {find}><b>{escape(enum.name)}</b>: {labels}</li>'
        yield "</ul>"
    for machine in domain.machines:
        yield from _machine(machine)
    for title, items in (("permissions", domain.permissions), ("seeds", domain.seeds)):
        if items:
            listed = "".join(f"<li>{escape(item)}</li>" for item in items)
            yield f"<h3>{say(title)}</h3><ul>{listed}</ul>"


def _table(table: TableFacts) -> Iterator[str]:
    name, note = escape(table.name), escape(table.comment)
    yield f'<section class="table" id="t-{name}" data-find="{name}" data-note="{note}">'
    yield f"<h3>{name}</h3><p>{note}</p>"
    heads = ("column", "type", "default", "meaning")
    head = "".join(f"<th>{say(each)}</th>" for each in heads)
    yield f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>'
    targets = {ref.columns[0]: ref.target for ref in table.parents if len(ref.columns) == 1}
    for column in table.columns:
        yield _column(table.name, column, targets.get(column.name, ""))
    yield "</tbody></table></div>"
    if table.children:
        links = ", ".join(
            f'<a href="#c-{escape(ref.table)}-{escape(ref.columns[0])}">'
            f"{escape(ref.table)}.{escape(ref.columns[0])}</a>"
            for ref in table.children
        )
        yield f"<h4>{say('referred to by')}</h4><p>{links}</p>"
    for title, rules in (
        ("rules", table.checks),
        ("triggers", table.triggers),
        ("rights", table.rights),
        ("indexes", table.indexes),
    ):
        if rules:
            yield f"<h4>{say(title)}</h4><ul>{''.join(map(_rule, rules))}</ul>"
    yield "</section>"


def _column(table: str, column: ColumnFacts, target: str) -> str:
    keys = "".join(f'<span class="key">{key}</span>' for key in column.keys)
    link = f' → <a class="fk" href="#t-{escape(target)}">{escape(target)}</a>' if target else ""
    optional = f' <span class="dim">({say("may be empty")})</span>' if column.nullable else ""
    default = f"<code>{escape(column.default)}</code>" if column.default else ""
    return (
        f'<tr id="c-{escape(table)}-{escape(column.name)}" '
        f'data-find="{escape(table)}.{escape(column.name)}" data-note="{escape(column.comment)}">'
        f"<td><code>{escape(column.name)}</code>{keys}{link}</td>"
        f"<td>{escape(column.type)}{optional}</td><td>{default}</td>"
        f"<td>{escape(column.comment)}</td></tr>"
    )


def _rule(rule: RuleFacts) -> str:
    words = _marked(rule.words)
    return f'<li title="{escape(rule.definition)}"><b>{escape(rule.name)}</b>: {words}</li>'


def _marked(text: str) -> str:
    """Backquotes as <code>."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text, quote=False))


def _machine(machine: MachineFacts) -> Iterator[str]:
    yield f"<h3>{say('status')}: {escape(machine.table)}.{escape(machine.column)}</h3>"
    yield '<table class="moves"><tbody>'
    for before, targets in _by_status(machine):
        listed = ", ".join(f"<code>{escape(target)}</code>" for target in targets)
        after = f"→ {listed}" if targets else say("final")
        start = f"<code>{escape(before)}</code>" if before else say("new row")
        yield f"<tr><td>{start}</td><td>{after}</td></tr>"
    yield "</tbody></table>"


def _by_status(machine: MachineFacts) -> Iterable[tuple[str, list[str]]]:
    moves: dict[str, list[str]] = {}
    for before, after in machine.moves:
        moves.setdefault(before, []).append(after)
    for status in machine.final:
        moves[status] = []
    return moves.items()
