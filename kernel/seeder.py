"""What a seed function is given, so that a domain's seeds can be written without the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from peewee import Model


class Seeder(Protocol):
    """Takes the rows that a domain wants; `invoke generate` writes what is missing of them."""

    def ensure(
        self, model: type[Model], rows: Iterable[Mapping[str, Any]], *, key: str | Sequence[str]
    ) -> None:
        """Want these rows.

        rows: field name to value; a value may be a peewee SQL(…), which is computed when the row is
        inserted and never compared. key: the field or fields by which a row is known. A row that an
        operator edited stays as it is.
        """
