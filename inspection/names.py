"""Names and texts that Python and Peewee take, from those of a database."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection

from peewee import Model


def class_name(name: str) -> str:
    """PaymentLink for payment_links."""
    words = [word for word in re.split("[^0-9A-Za-z]+", name) if word]
    if words and words[-1].endswith("ies"):
        words[-1] = f"{words[-1][:-3]}y"
    elif (
        words
        and len(words[-1]) > 1
        and words[-1].endswith("s")
        and not words[-1].endswith(("ss", "us"))
    ):
        words[-1] = words[-1][:-1]
    return _identifier("".join(word[0].upper() + word[1:] for word in words), "Table")


def enum_class(name: str) -> str:
    """The class that is made into a type of that name, or empty where there is none."""
    if not re.fullmatch("[a-z]+(_[a-z][a-z0-9]*)*", name):
        return ""
    made = "".join(word.capitalize() for word in name.split("_"))
    back = re.sub(r"(?<!^)(?=[A-Z])", "_", made).lower()
    return made if back == name and not keyword.iskeyword(made) else ""


def member_name(label: str) -> str:
    """ACTIVE for active."""
    return _identifier(re.sub("[^0-9A-Za-z]+", "_", label).strip("_").upper(), "VALUE")


def attribute(column: str, taken: Collection[str]) -> str:
    """The name of a field; what a model has already gets a line behind it."""
    name = _identifier(re.sub("[^0-9A-Za-z_]", "_", column).lstrip("_"), "column")
    while hasattr(Model, name) or name in taken or "__" in name:
        name = f"{name.replace('__', '_')}_" if "__" in name else f"{name}_"
        name = re.sub("_+$", "_", name) if name not in taken else f"{name}x"
    return name


def free(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number, made = 2, name
    while made in taken:
        made = f"{name}{number}"
        number += 1
    return made


def is_one_line(text: str) -> bool:
    """Whether a docstring gives it to the letter."""
    return " ".join(text.split()) == text and '"""' not in text and "\\" not in text


def docstring(text: str) -> str:
    """The text as Python reads it at the head of a thing: a name with three quotes in it would go
    on as code."""
    if not is_one_line(text):
        return repr(text)
    return f'"""{text} """' if text.endswith('"') else f'"""{text}"""'


def _identifier(text: str, otherwise: str) -> str:
    text = text or otherwise
    if text[0].isdigit():
        text = f"{otherwise}_{text}"
    return f"{text}_" if keyword.iskeyword(text) else text
