"""All pages as one folder: written, or held against what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pages import data, html, markdown
from pages.facts import SchemaFacts


def files(facts: SchemaFacts) -> Mapping[str, str]:
    """Path below the folder to text."""
    texts = dict(markdown.pages(facts, "en"))
    for name, text in markdown.pages(facts, "id").items():
        texts[f"id/{name}"] = text
    texts["schema.json"] = data.as_json(facts)
    texts["schema.sql"] = facts.sql
    texts["index.html"] = html.page(facts)
    return texts


def write(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Write what differs and remove pages that are there no more (paths of both, in order)."""
    changed = stale(folder, texts)
    for name in changed:
        path = folder / name
        if name in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[name], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    return changed


def stale(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Paths of the pages that are missing, differ, or belong to no domain any more."""
    there = {
        str(path.relative_to(folder))
        for pattern in ("*.md", "id/*.md", "schema.*", "index.html")
        for path in folder.glob(pattern)
    }
    different = [name for name, text in texts.items() if not _is(folder / name, text)]
    return sorted({*different, *(there - texts.keys())})


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
