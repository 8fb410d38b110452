"""Fields for texts that people read, and for JSON; each has a greatest length."""

from __future__ import annotations

import json
from typing import Any

from peewee import JSONField, TextField

from kernel.errors import InvalidValue
from kernel.fields import CheckedField
from kernel.text_rules import one_line, visible

LONGEST_NOTE = 10_000


def readable(text: str, longest: int = LONGEST_NOTE) -> str:
    """A text from elsewhere, such as an error, as a note takes it: cut after `longest` characters,
    and with ? for NUL and for half a character, which PostgreSQL refuses. What is reported with it
    must not be refused for its words."""
    return text[:longest].replace("\0", "?").encode(errors="replace").decode()


class LineField(CheckedField, TextField):
    """A text that people see, on one line. longest: characters. One that looks empty is refused,
    whatever invisible characters it is made of.
    Example: name = LineField(longest=80, help_text="What people call it.")"""

    check_name = "not_blank"

    def __init__(self, *, longest: int = 200, **options: Any) -> None:
        super().__init__(**options)
        self.check = one_line("{column}", longest)


class NoteField(CheckedField, TextField):
    """A text of any number of lines. longest: characters. blank: whether it may look empty.
    Example: note = NoteField(default="", help_text="Whatever the staff wants to know.")"""

    def __init__(self, *, longest: int = LONGEST_NOTE, blank: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.check = f"char_length({{column}}) <= {longest}"
        if not blank:
            self.check, self.check_name = visible("{column}", longest), "not_blank"


class DocumentField(CheckedField, JSONField):
    """A JSON value. longest: bytes, written out; without an end one row could fill the disk. What
    JSON cannot hold (a Decimal, NaN) is refused with InvalidValue.
    Example: details = DocumentField(default=dict, help_text="What the provider said.")"""

    check_name = "size"

    def __init__(self, *, longest: int = 65_536, **options: Any) -> None:
        super().__init__(dumps=self._written, **options)
        self.check = f"octet_length({{column}}::text) <= {longest}"

    def _written(self, value: Any) -> str:
        try:
            return json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidValue(f"{self.name}: JSON cannot hold it: {error}", self.name) from error
