"""The field of a secret: encrypted at assignment, and bound to its row when it is written."""

from __future__ import annotations

from typing import Any

from peewee import BlobField, Column, Field, FieldAccessor, Model, Node

from kernel.fields import CheckedField
from kernel.secret_values import Secret
from kernel.secrets import NO_ROW, NO_SCHEMA, SecretError, an_envelope

# Peewee's operators that make an expression of a field; == and is_null() are left.
OPERATORS = (
    *(
        "cast",
        "collate",
        "concat",
        "contains",
        "startswith",
        "endswith",
        "between",
        "like",
        "ilike",
    ),
    *("in_", "not_in", "regexp", "iregexp", "bin_and", "bin_or", "__getitem__", "__mod__"),
    *("__add__", "__sub__", "__mul__", "__truediv__", "__xor__", "__and__", "__or__", "__pow__"),
    *("__radd__", "__rsub__", "__rmul__", "__rtruediv__", "__rxor__", "__rand__", "__ror__"),
    *("__lt__", "__le__", "__gt__", "__ge__", "__lshift__", "__rshift__"),
)


class SecretAccessor(FieldAccessor):
    """Encrypts at assignment, so that no model holds plain text.

    A row that is not stored yet has no identity to be bound to: its secret is sealed for none, and
    again for its own when it is written (kernel.secret_queries). So it is with the schema, which
    the object does not know.
    """

    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        value = super().__get__(instance, instance_type)
        if isinstance(value, Secret) and value.row is None and instance.id is not None:
            schema = schema_of(self.model) if value.schema is None else value.schema
            value = Secret(value.envelope, value.place, instance.id, schema)
            instance.__data__[self.name] = value
        return value

    def __set__(self, instance: Any, value: str | bytes | Secret | None) -> None:
        if not isinstance(value, Secret) or value.row is not None:
            row = NO_ROW if instance.id is None else instance.id
            value = self.field.sealed(value, row, NO_SCHEMA)
        super().__set__(instance, value)


class SecretField(CheckedField, BlobField):
    """An encrypted envelope in a bytea, never plain text; as a value, a Secret.

    A str is encrypted, bytes are an envelope already made. An envelope is bound to its column, to
    its schema (the tenant's), and to the identity of its row, which the CHECK compares, so that
    none is moved to another row; the model needs the identity of BaseModel. An object, `insert` and
    `update` know which row a value is for; elsewhere, and in an expression of SQL, a str is refused
    (SecretError), and never sent in the clear. SQL of one's own (execute_sql, Model.raw, SQL()) is
    looked at by nobody on the way; the CHECK stores nothing there that is no envelope of the row.

    place: the `table.column` that an envelope is bound to; give the old one where the table or the
    column is renamed.
    Example: password = SecretField(help_text="Of the router's API.")"""

    accessor_class = SecretAccessor
    check_name = "of_its_row"
    # Versions 1 and 2 stay until they are rotated. The identity stands behind version and key id.
    # In which schema it is, no CHECK can ask: what was moved there does not open.
    check = (
        "substring({column} FROM 1 FOR 1) = '\\x01'::bytea"
        " AND octet_length({column}) BETWEEN 33 AND 8192"
        " OR substring({column} FROM 1 FOR 1) = '\\x02'::bytea"
        " AND octet_length({column}) BETWEEN 41 AND 8200"
        " AND substring({column} FROM 6 FOR 8) = int8send(id)"
        " OR substring({column} FROM 1 FOR 1) = '\\x03'::bytea"
        " AND octet_length({column}) BETWEEN 49 AND 8208"
        " AND substring({column} FROM 6 FOR 8) = int8send(id)"
    )

    def __init__(self, *, place: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.place = place

    def bind(self, model: type[Model], name: str, set_attribute: bool = True) -> None:
        super().bind(model, name, set_attribute)
        self.place = self.place or f"{model._meta.table_name}.{self.column_name}"

    def sealed(self, value: str | bytes | Secret | None, row: int, schema: str) -> Secret | None:
        """The value as this column holds it in the row with that identity, in the table of that
        schema. Raises SecretError where it cannot be encrypted."""
        return None if value is None else Secret.of(value, self.place, row, schema)

    def computed(self) -> SecretError:
        """What to raise where SQL would compute with the secret."""
        return SecretError(
            f"{self.place}: a secret is encrypted before it is sent, for a row that is known, so "
            "SQL cannot compute it, compare it or copy it; assign it to the object and save that, "
            "and read it with reveal()."
        )

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Node) and not isinstance(other, Field | Column):
            raise self.computed()
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        if isinstance(other, Node) and not isinstance(other, Field | Column):
            raise self.computed()
        return super().__ne__(other)

    __hash__ = BlobField.__hash__

    def __sql__(self, ctx: Any) -> Any:
        """The column, where it stands by itself or on the left of a comparison.

        Whatever else stands in one expression with it, as in `fn.coalesce(Router.api_password,
        "hunter2")`, Peewee sends as it is: it asks no field how.
        """
        inside = ctx.state.in_expr and ctx.state.converter != self.db_value
        in_case = not {"CASE", "WHEN"}.isdisjoint(ctx._sql[-2:])
        if ctx.state.in_function or inside or in_case:
            raise self.computed()
        return super().__sql__(ctx)

    def db_value(self, value: Any) -> Any:
        if isinstance(value, str) or self._is_of_elsewhere(value):
            raise SecretError(
                f"{self.place}: which row this secret is for cannot be told here; assign it to the "
                "object and save that, or update with where(Model.id == …)."
            )
        envelope = value.envelope if isinstance(value, Secret) else value
        return super().db_value(envelope and an_envelope(bytes(envelope), self.place))

    def python_value(self, value: Any) -> Secret | None:
        if value is None:
            return None
        return Secret(bytes(value), self.place, schema=schema_of(self.model))

    def _is_of_elsewhere(self, value: Any) -> bool:
        """Whether it would be stored here and never open again: what is of another column or
        schema, or of a row to come."""
        if not isinstance(value, Secret):
            return False
        in_schema = value.schema is None or value.schema == schema_of(self.model)
        return value.place != self.place or value.row == NO_ROW or not in_schema


def schema_of(model: type[Model]) -> str:
    """The name of the schema in which a query on the model finds its table now.

    A database of an application or of the engine knows that; another one of Peewee's is asked, for
    what its search_path leads to.
    """
    meta = model._meta
    known = getattr(meta.database, "schema_of_tables", None)
    if meta.schema:
        return str(meta.schema)
    if known is not None:
        return str(known())
    return str(meta.database.execute_sql("SELECT pg_catalog.current_schema()").fetchone()[0])


def _refuse(field: SecretField, *_: Any, **__: Any) -> Any:
    raise field.computed()


for operator in OPERATORS:
    setattr(SecretField, operator, _refuse)
