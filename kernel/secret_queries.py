"""Writing secrets by a query: each is sealed for the row that it is written to, and none of them
gets into the SQL in the clear.

The keys are no business of the database, so no secret can come out of an expression of SQL:
whatever stands in one is sent, logged and, where a rule refuses the row, part of the error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from peewee import OP, Expression, ModelInsert, ModelUpdate, Node, Value

from kernel.secret_fields import SecretField, schema_of
from kernel.secret_values import Secret
from kernel.secrets import SecretError

# Each name with its schema: nextval(text), which others may have made, would be the better match.
NEXT_IDENTITIES = """
    SELECT pg_catalog.nextval(pg_catalog.pg_get_serial_sequence(%s, %s)::pg_catalog.regclass)
    FROM pg_catalog.generate_series(1, %s)
"""


def secrets_of(model: Any) -> list[SecretField]:
    """The columns of the model that hold secrets."""
    return [field for field in model._meta.sorted_fields if isinstance(field, SecretField)]


class SealedUpdate(ModelUpdate):
    """An UPDATE whose secrets are sealed for the row that its WHERE names. Where it names none,
    each row that it finds is locked and gets an UPDATE of its own."""

    _update: Any
    _where: Any
    _from: Any
    _returning: Any
    model: Any

    def _execute(self, database: Any) -> Any:
        if not _is_for_many(self):
            return super()._execute(database)  # type: ignore[misc]
        identity = self.model._meta.primary_key
        rows = self.model.select(identity).for_update("FOR NO KEY UPDATE").tuples()
        count = 0
        with database.atomic():
            for (number,) in list(rows.where(self._where) if self._where is not None else rows):
                count += self.where(identity == number)._execute(database)
        return count

    def __sql__(self, ctx: Any) -> Any:
        given = self._update
        self._update = _sealed(self.model, given, _row_of(self.model, self._where))
        try:
            return super().__sql__(ctx)
        finally:
            self._update = given


class SealedInsert(ModelInsert):
    """An INSERT that asks for the identities of its rows first, where it writes secrets: they are
    sealed for these. The role needs USAGE on the sequence."""

    _insert: Any
    _columns: Any
    _on_conflict: Any
    model: Any

    def _execute(self, database: Any) -> Any:
        if not isinstance(self._insert, Node | Mapping):
            self._insert = list(self._insert or ())  # it may be read once only
        given = self._insert, self._columns
        self._insert, self._columns = _with_identities(self, database)
        try:
            return super()._execute(database)  # type: ignore[misc]
        finally:
            self._insert, self._columns = given

    def __sql__(self, ctx: Any) -> Any:
        if self._on_conflict is not None:
            # What the other row is, only the database knows.
            changed = [*(self._on_conflict._update or ()), *(self._on_conflict._preserve or ())]
            _refuse_secrets(self.model, changed)
        if isinstance(self._insert, Node):
            _refuse_secrets(self.model, self._columns or ())
        elif not isinstance(self._insert, Mapping):
            self._insert = list(self._insert or ())  # as above
        for row in _named_rows(self):
            computed = [field for field in row if isinstance(row[field], Node)]
            _refuse_secrets(self.model, computed)
        return super().__sql__(ctx)


def _is_for_many(query: Any) -> bool:
    """Whether it gives a secret to rows that only the database knows, and can be split."""
    if query._from or query._returning or _row_of(query.model, query._where) is not None:
        return False
    for key, value in query._update.items():
        if isinstance(_field(query.model, key), SecretField) and isinstance(value, str | Secret):
            return True
    return False


def _with_identities(query: Any, database: Any) -> tuple[Any, Any]:
    """The rows and columns of an INSERT, with identities and sealed secrets if it has any."""
    model, columns = query.model, query._columns
    rows = _named_rows(query)
    if not any(_has_secret(row) for row in rows):
        return query._insert, columns
    identity = model._meta.primary_key
    _number(model, database, rows)
    sealed = [_sealed(model, row, row[identity]) for row in rows]
    if columns:
        # `in` and == would compare fields, and that makes SQL of them, which is true.
        others = [column for column in columns if _field(model, column) is not identity]
        columns = [*others, identity]
    return (sealed[0] if isinstance(query._insert, Mapping) else sealed), columns


def _named_rows(query: Any) -> list[dict[Any, Any]]:
    """The rows of an INSERT of values, each as field to value."""
    if isinstance(query._insert, Node):
        return []
    rows = [query._insert] if isinstance(query._insert, Mapping) else query._insert
    columns = query._columns or query.get_default_columns()
    return [_by_field(query.model, row, columns) for row in rows]


def _number(model: Any, database: Any, rows: list[dict[Any, Any]]) -> None:
    """Give each row that has none an identity that no row of the table has had."""
    identity, table = model._meta.primary_key, model._meta.table_name.replace('"', '""')
    without = [row for row in rows if row.get(identity) is None]
    if without:
        asked = (f'"{table}"', identity.column_name, len(without))
        numbers = database.execute_sql(NEXT_IDENTITIES, asked)
        for row, (number,) in zip(without, numbers, strict=True):
            row[identity] = number


def _by_field(model: Any, row: Any, columns: Any) -> dict[Any, Any]:
    pairs = row.items() if isinstance(row, Mapping) else zip(columns, row, strict=False)
    return {_field(model, key): value for key, value in pairs}


def _field(model: Any, key: Any) -> Any:
    """The field that a key of a query means, which may be its name, its column, or SQL; the key
    itself where it is none."""
    if isinstance(key, SecretField):
        return key
    name = key if isinstance(key, str) else getattr(key, "name", None) or getattr(key, "sql", "")
    return model._meta.combined.get(str(name).strip(' "'), key)


def _has_secret(row: dict[Any, Any]) -> bool:
    return any(isinstance(key, SecretField) and row[key] is not None for key in row)


def _sealed(model: Any, values: Mapping[Any, Any], row: Any) -> dict[Any, Any]:
    """The values, with each secret sealed for the row. row: its identity; None where the query
    does not say it. Raises SecretError for a value that the database would have to compute."""
    sealed: dict[Any, Any] = {}
    for key, value in values.items():
        field = _field(model, key)
        if isinstance(field, SecretField):
            plain = value.value if isinstance(value, Value) else value
            if isinstance(plain, Node):
                raise field.computed()
            if row is not None:
                plain = field.sealed(plain, _identity(field, row), schema_of(model))
            sealed[field] = plain
        else:
            sealed[key] = value
    return sealed


def _identity(field: SecretField, row: Any) -> int:
    if not isinstance(row, int):
        raise SecretError(f"{field.place}: its row's identity is to be a number, to bind it to.")
    return row


def _row_of(model: Any, where: Any) -> int | None:
    """The identity that an AND of conditions demands, or None."""
    if not isinstance(where, Expression):
        return None
    if where.op == OP.AND:
        left = _row_of(model, where.lhs)
        return _row_of(model, where.rhs) if left is None else left
    if where.op == OP.EQ and where.lhs is model._meta.primary_key and isinstance(where.rhs, int):
        return where.rhs
    return None


def _refuse_secrets(model: Any, keys: Iterable[Any]) -> None:
    for key in keys:
        field = _field(model, key)
        if isinstance(field, SecretField):
            raise field.computed()
