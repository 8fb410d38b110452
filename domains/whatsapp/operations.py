"""What an application does with templates and sessions: choose a default, render a text.

BillingError
├── NoDefault        there is no default template or session to use
└── TemplateError    the values do not fit what the template declares
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from domains import BillingError, get, identity, operation, rule_violations
from domains.locations.models import Location
from domains.whatsapp.models import (
    WhatsappSession,
    WhatsappTemplate,
    WhatsappTemplateCategory,
    WhatsappTemplateService,
)

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class NoDefault(BillingError):
    """Nothing is the default for what was asked."""


class TemplateError(BillingError):
    """Values that do not fit the variables that a template declares."""


def render(template: WhatsappTemplate, values: Mapping[str, str]) -> str:
    """The text of a template with its placeholders filled in.

    values: one for each variable that the template declares, and no others; what a value itself
    has in braces stays as it is. Raises TemplateError naming what is missing or not declared.
    """
    declared = set(template.variables)
    if values.keys() != declared:
        faults = [
            f"{fault} {', '.join(sorted(names))}"
            for fault, names in (
                ("no value is given for", declared - set(values)),
                ("it does not declare", set(values) - declared),
            )
            if names
        ]
        raise TemplateError(
            f"the template {template.name} ({template.language}) cannot be filled in: "
            f"{'; '.join(faults)}"
        )
    return PLACEHOLDER.sub(lambda match: values[match[1]], template.body)


@rule_violations()
def default_template(
    category: WhatsappTemplateCategory,
    service: WhatsappTemplateService | None = None,
    language: str = WhatsappTemplate.language.default,
) -> WhatsappTemplate:
    """The default template for a service, else the one for any service. Raises NoDefault."""
    chosen = (
        WhatsappTemplate.select()
        .where(
            WhatsappTemplate.is_default,
            WhatsappTemplate.category == category,
            WhatsappTemplate.language == language,
            WhatsappTemplate.service.is_null() | (WhatsappTemplate.service == service),
        )
        .order_by(WhatsappTemplate.service.is_null())
        .first()
    )
    if chosen is None:
        raise NoDefault(
            f"no template is the default for {category}, {service or 'any service'}, language "
            f"{language}; make one the default with make_default_template"
        )
    template: WhatsappTemplate = chosen
    return template


@rule_violations()
def make_default_template(template: int | WhatsappTemplate) -> None:
    """Make a template the default for its category, service and language, instead of another.

    Raises Missing, RuleViolation for one that is not active.
    """
    row = get(WhatsappTemplate, template)
    _make_default(
        row,
        WhatsappTemplate.category == row.category,
        WhatsappTemplate.service.is_null()
        if row.service is None
        else WhatsappTemplate.service == row.service,
        WhatsappTemplate.language == row.language,
    )


@rule_violations()
def default_session(location: int | Location) -> WhatsappSession:
    """The session that a branch sends from unless told otherwise. Raises NoDefault."""
    session = WhatsappSession.get_or_none(
        WhatsappSession.is_default, WhatsappSession.location == identity(location)
    )
    if session is None:
        raise NoDefault(
            f"location {identity(location)} has no default WhatsApp session; make one the default "
            "with make_default_session"
        )
    return session


@rule_violations()
def make_default_session(session: int | WhatsappSession) -> None:
    """Make a session the default of its branch, instead of another.

    Raises Missing.
    """
    row = get(WhatsappSession, session)
    _make_default(row, WhatsappSession.location == row.location_id)


def _make_default(chosen: WhatsappTemplate | WhatsappSession, *group: object) -> None:
    """Move the flag to one row of a group, whose rows are locked in the order of their ids."""
    model = type(chosen)
    with operation(model._meta.database):
        list(model.select(model.id).where(*group).order_by(model.id).for_update())
        model.update(is_default=False).where(*group, model.is_default).execute()
        model.update(is_default=True).where(model.id == chosen.id).execute()
