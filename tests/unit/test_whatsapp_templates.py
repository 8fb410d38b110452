"""What a template becomes with its values."""

from __future__ import annotations

import pytest

from domains.whatsapp.models import (
    WhatsappTemplate,
)
from domains.whatsapp.operations import (
    TemplateError,
    render,
)


def template(body: str, *variables: str) -> WhatsappTemplate:
    return WhatsappTemplate(name="t", language="id", body=body, variables=list(variables))


def test_a_template_is_filled_in() -> None:
    text = template("Halo {name}, *{amount}*. Salam, {name}", "name", "amount", "unused")
    values = {"name": "Siti", "amount": "Rp 5.000", "unused": "-"}
    assert render(text, values) == "Halo Siti, *Rp 5.000*. Salam, Siti"
    assert render(template("Halo 100 %"), {}) == "Halo 100 %"


@pytest.mark.parametrize("value", ["{amount}", "{name}", "\\1 \\g<0>", "{0} {}", "%s", "Ö\n"])
def test_what_a_value_holds_stays_as_it_is(value: str) -> None:
    text = template("{name}|{amount}", "name", "amount")
    assert render(text, {"name": value, "amount": "5"}) == f"{value}|5"


def test_a_value_that_is_missing_or_not_declared_is_named() -> None:
    text = template("Halo {name}, {amount}", "name", "amount")
    for values, message in (
        ({"name": "Siti"}, r"t \(id\) cannot be filled in: no value is given for amount$"),
        ({}, "no value is given for amount, name$"),
        ({"name": "", "amount": "", "x": "", "b": ""}, "filled in: it does not declare b, x$"),
        ({"name": "", "nmae": ""}, "no value is given for amount; it does not declare nmae$"),
    ):
        with pytest.raises(TemplateError, match=message):
            render(text, values)
