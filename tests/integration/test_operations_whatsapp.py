"""WhatsApp: a template is filled in whole or not at all; a default moves without a gap."""

from __future__ import annotations

import random
from typing import Any

import pytest

from domains.whatsapp.models import (
    WhatsappSession,
    WhatsappTemplate,
    WhatsappTemplateCategory,
    WhatsappTemplateService,
)
from domains.whatsapp.operations import (
    NoDefault,
    default_session,
    default_template,
    make_default_session,
    make_default_template,
    render,
)
from engine.connect.peewee_database import EngineDatabase
from kernel.errors import Missing, RuleViolation
from tests.support import samples
from tests.support.money import until_done
from tests.support.samples import together

pytestmark = pytest.mark.as_app

BROADCAST, WELCOME = WhatsappTemplateCategory.BROADCAST, WhatsappTemplateCategory.WELCOME
HOTSPOT, PPPOE = WhatsappTemplateService


def test_every_seeded_template_can_be_filled_in(models: Any) -> None:
    templates = list(WhatsappTemplate.select())
    assert len(templates) == 8
    for seeded in templates:
        text = render(seeded, {name: f"<{name}>" for name in seeded.variables})
        assert not set("{}") & set(text)
        assert all(f"<{name}>" in text for name in seeded.variables)


def test_the_default_for_a_service_comes_before_the_one_for_any(models: Any) -> None:
    with pytest.raises(NoDefault, match="broadcast, hotspot, language id"):
        default_template(BROADCAST, HOTSPOT)
    rows = {}
    for service in (None, "hotspot"):
        values = {"category": "broadcast", "service": service, "is_default": True}
        rows[service] = samples.template(models, **values)
    samples.template(models, category="broadcast", service="pppoe")
    assert default_template(BROADCAST, HOTSPOT).id == rows["hotspot"]
    assert default_template(BROADCAST, PPPOE).id == rows[None]
    assert default_template(BROADCAST).id == rows[None]
    assert default_template(WELCOME, PPPOE).name == "welcome_pppoe"
    for asked in ((WELCOME, None, "id"), (WELCOME, PPPOE, "en")):
        with pytest.raises(NoDefault):
            default_template(*asked)


def test_making_a_default_takes_the_flag_from_its_own_group_only(models: Any) -> None:
    rows = [samples.template(models, category="broadcast", service="hotspot") for _ in "ab"]
    any_service = samples.template(models, category="broadcast", is_default=True)
    before = WhatsappTemplate.select().where(WhatsappTemplate.is_default).count()
    for row in (rows[0], rows[1], rows[1]):
        make_default_template(row)
        assert default_template(BROADCAST, HOTSPOT).id == row
    assert default_template(BROADCAST).id == any_service
    assert WhatsappTemplate.select().where(WhatsappTemplate.is_default).count() == before + 1
    models.execute("UPDATE whatsapp_templates SET is_active = false WHERE id = %s", (rows[0],))
    with pytest.raises(RuleViolation) as caught:
        make_default_template(rows[0])
    assert caught.value.rule == "whatsapp_templates_default_is_active_check"
    assert default_template(BROADCAST, HOTSPOT).id == rows[1]


def test_a_branch_has_its_default_session(models: Any) -> None:
    home, away = samples.location(models), samples.location(models)
    first, second, other = (samples.session(models, place) for place in (home, home, away))
    with pytest.raises(NoDefault, match=f"location {home} has no default"):
        default_session(home)
    make_default_session(other)
    for session in (first, second):
        make_default_session(session)
        assert (default_session(home).id, default_session(away).id) == (session, other)
    with pytest.raises(Missing):
        make_default_session(0)


def test_a_default_is_there_at_every_moment_also_side_by_side(billing: EngineDatabase) -> None:
    sql = billing.connection().cursor()
    home = samples.location(sql)
    sessions = [samples.session(sql, home) for _ in range(5)]
    make_default_session(sessions[0])

    def client(number: int) -> int:
        chance = random.Random(number)
        for _ in range(25):
            chosen = chance.choice(sessions)
            until_done(lambda chosen=chosen: make_default_session(chosen))
            assert default_session(home).id in sessions
        return 25

    assert sum(together(billing, client)) == 200
    assert WhatsappSession.select().where(WhatsappSession.is_default).count() == 1
