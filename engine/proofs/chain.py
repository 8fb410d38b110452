"""Files as what is proven of them depends on: each with all before it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.files.migration_file import Migration, digest_of


def links(migrations: Sequence[Migration]) -> list[str]:
    """A digest for each file, of its name and text and those of the files before it."""
    before, digests = "", []
    for migration in migrations:
        before = digest_of(f"{before}\0{migration.name}\0", migration.text)
        digests.append(before)
    return digests


def end(migrations: Sequence[Migration]) -> str:
    """The digest of all of them."""
    digests = links(migrations)
    return digests[-1] if digests else ""
