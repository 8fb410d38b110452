"""Diagrams as SVG inside the page: no script draws them and nothing is fetched for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from pages.facts import DomainFacts, TableFacts
from pages.layout import HEAD, ROW, WIDTH, Box, Edge, Placed, place


def entities(domain: DomainFacts) -> str:
    """The domain's tables with their keys; tables of other domains in grey, without theirs."""
    own = {table.name for table in domain.tables}
    boxes = [Box(table.name, tuple(_key_rows(table))) for table in domain.tables]
    edges, others = [], set()
    for table in domain.tables:
        for reference in table.parents:
            edges.append(Edge(table.name, reference.columns[0], reference.target))
            if reference.target not in own:
                others.add(reference.target)
    boxes += [Box(name, (), other=True) for name in sorted(others)]
    return _drawn(boxes, edges, "t-", f"{domain.name}: {', '.join(sorted(own))}")


def requirements(domains: Iterable[DomainFacts]) -> str:
    """Which domain requires which."""
    domains = list(domains)
    boxes = [Box(domain.name, ()) for domain in domains]
    edges = []
    for domain in domains:
        edges += [Edge(domain.name, "", name) for name in _nearest(domain, domains)]
    return _drawn(boxes, edges, "d-", "domains")


def _nearest(domain: DomainFacts, domains: list[DomainFacts]) -> list[str]:
    """What it requires, without what follows from the rest, so that the picture stays clear."""
    requires = {each.name: set(each.requires) for each in domains}
    implied: set[str] = set()
    for name in domain.requires:
        waiting = list(requires.get(name, ()))
        while waiting:
            further = waiting.pop()
            if further not in implied:
                implied.add(further)
                waiting += requires.get(further, ())
    return [name for name in domain.requires if name not in implied]


def _key_rows(table: TableFacts) -> Iterator[str]:
    for column in table.columns:
        if column.keys:
            yield column.name


def _drawn(boxes: Iterable[Box], edges: list[Edge], prefix: str, label: str) -> str:
    placed, width, height = place(boxes, edges)
    parts = [
        f'<div class="draw"><svg class="er" role="img" aria-label="{escape(label)}" '
        f'viewBox="0 0 {width} {height}" style="max-width:{width}px" xmlns="http://www.w3.org/2000/svg">'
    ]
    parts += [_edge(edge, placed) for edge in edges]
    parts += [_box(item, prefix) for item in placed.values()]
    return "".join([*parts, "</svg></div>"])


def _edge(edge: Edge, placed: Mapping[str, Placed]) -> str:
    source, target = placed[edge.source], placed[edge.target]
    y1 = source.y + _middle(source.box, edge.row)
    y2 = target.y + HEAD // 2
    if edge.source == edge.target:
        x = source.x + WIDTH
        path = f"M{x},{y1} C{x + 40},{y1} {x + 40},{y2} {x},{y2}"
    else:
        x1, x2 = source.x, target.x + WIDTH
        if source.x <= target.x:  # beside each other, or the other way round in a circle
            x1, x2 = source.x + WIDTH, target.x + WIDTH
            bend = max(x1, x2) + 45
            path = f"M{x1},{y1} C{bend},{y1} {bend},{y2} {x2},{y2}"
        else:
            half = (x1 + x2) // 2
            path = f"M{x1},{y1} C{half},{y1} {half},{y2} {x2},{y2}"
    return f'<path class="edge" d="{path}"/><circle class="end" cx="{path_end(path)}" r="3"/>'


def path_end(path: str) -> str:
    """`x" cy="y` of a path's last point, for the attributes of a circle."""
    x, _, y = path.rpartition(" ")[2].partition(",")
    return f'{x}" cy="{y}'


def _middle(box: Box, row: str) -> int:
    if row not in box.rows:
        return HEAD // 2
    return HEAD + ROW * box.rows.index(row) + ROW // 2 + 3


def _box(item: Placed, prefix: str) -> str:
    box = item.box
    kind = "box other" if box.other else "box"
    parts = [
        f'<a href="#{prefix}{escape(box.name)}"><g class="{kind}">'
        f'<rect x="{item.x}" y="{item.y}" width="{WIDTH}" height="{box.height}" rx="6"/>'
        f'<text class="name" x="{item.x + 10}" y="{item.y + 19}">{escape(box.name)}</text>'
    ]
    for number, row in enumerate(box.rows):
        y = item.y + HEAD + ROW * number + 16
        parts.append(f'<text x="{item.x + 10}" y="{y}">{escape(row)}</text>')
    return "".join([*parts, "</g></a>"])
