"""Where the boxes of a diagram stand: tables in layers, each to the right of those it refers to.

Our own layout rather than graphviz: a diagram has a dozen tables at the most, the pages must come
out the same on every machine, and no program has to be installed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WIDTH, ROW, HEAD, GAP_X, GAP_Y, MARGIN = 230, 20, 28, 90, 26, 16


@dataclass(frozen=True)
class Box:
    """A table to draw. rows: the columns that are shown. other: it belongs to another domain."""

    name: str
    rows: tuple[str, ...]
    other: bool = False

    @property
    def height(self) -> int:
        """In pixels."""
        return HEAD + ROW * len(self.rows) + (6 if self.rows else 0)


@dataclass(frozen=True)
class Placed:
    """A box and its upper left corner, in pixels."""

    box: Box
    x: int
    y: int


@dataclass(frozen=True)
class Edge:
    """From the table that refers (at one of its rows) to the one referred to."""

    source: str
    row: str
    target: str


def place(boxes: Iterable[Box], edges: Iterable[Edge]) -> tuple[Mapping[str, Placed], int, int]:
    """(each box by name with its place, width, height of the whole in pixels)."""
    by_name = {box.name: box for box in boxes}
    parents: dict[str, set[str]] = {name: set() for name in by_name}
    for edge in edges:
        if edge.source != edge.target and edge.source in by_name and edge.target in by_name:
            parents[edge.source].add(edge.target)
    layers = _layers(parents)
    columns: dict[int, list[str]] = {}
    for name in by_name:
        columns.setdefault(layers[name], []).append(name)
    placed: dict[str, Placed] = {}
    for layer in sorted(columns):
        names = sorted(columns[layer], key=lambda name: _pull(name, parents, placed))
        y = MARGIN
        for name in names:
            placed[name] = Placed(by_name[name], MARGIN + layer * (WIDTH + GAP_X), y)
            y += by_name[name].height + GAP_Y
    centred = _centred(placed)
    right = max((item.x + WIDTH for item in centred.values()), default=0)
    bottom = max((item.y + item.box.height for item in centred.values()), default=0)
    return centred, right + MARGIN, bottom + MARGIN


def _layers(parents: Mapping[str, set[str]]) -> dict[str, int]:
    """The longest way from a table without parents; a circle is cut where it was entered."""
    found: dict[str, int] = {}

    def depth(name: str, path: tuple[str, ...]) -> int:
        if name not in found:
            above = [p for p in sorted(parents[name]) if p not in path]
            found[name] = max((depth(p, (*path, name)) + 1 for p in above), default=0)
        return found[name]

    for name in parents:
        depth(name, ())
    return found


def _pull(
    name: str, parents: Mapping[str, set[str]], placed: Mapping[str, Placed]
) -> tuple[float, str]:
    """The middle of what a table refers to, near which it should stand."""
    heights = [placed[p].y + placed[p].box.height / 2 for p in parents[name] if p in placed]
    return (sum(heights) / len(heights) if heights else 0.0, name)


def _centred(placed: Mapping[str, Placed]) -> dict[str, Placed]:
    """Each layer in the middle of the tallest."""
    bottoms: dict[int, int] = {}
    for item in placed.values():
        bottoms[item.x] = max(bottoms.get(item.x, 0), item.y + item.box.height)
    tallest = max(bottoms.values(), default=0)
    return {
        name: Placed(item.box, item.x, item.y + (tallest - bottoms[item.x]) // 2)
        for name, item in placed.items()
    }
