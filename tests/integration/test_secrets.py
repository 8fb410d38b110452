"""Secrets: in no column in the clear, readable under their key only, and moved to a new key."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import psycopg2
import pytest

import registry
from domains.locations.models import Location
from domains.mikrotik.models import Router
from domains.plugins.models import PaymentPlugin, PluginConfiguration
from domains.whatsapp.models import WhatsappSession
from engine.connect.peewee_database import EngineDatabase
from engine.report import Report
from kernel import key_rotation as rotation
from kernel import secrets
from kernel.secrets import SecretDamaged, SecretError, SecretKeyMissing
from tests.support.console import call
from tests.support.secret_keys import NEW, OLD, Keys, key_id

pytestmark = pytest.mark.usefixtures("keys")
PLACE = "routers.api_password"
PASSWORD = "api_password"
COLUMNS = Router._meta.columns


@pytest.fixture
def models() -> list[Any]:
    return registry.load().tables


def router(number: int = 1, password: Any = "rahasia") -> Router:
    made: Router = Router.create(
        location=Location.get(),
        name=f"R{number}",
        host="10.0.0.1",
        api_username="api",
        api_password=password,
    )
    return made


def test_the_database_never_sees_the_plain_text(billing: EngineDatabase) -> None:
    texts = ["rahasia", "", "kata sandi ñ 🔑", "x" * 8159]
    for number, text in enumerate(texts):
        made = router(number, text)
        assert text not in repr(made.__data__) or not text
        assert made.api_password.reveal() == text
        assert Router.get_by_id(made.id).api_password.reveal() == text
    raw = billing.execute_sql("SELECT api_password FROM routers ORDER BY id").fetchall()
    assert [len(row[0]) for row in raw] == [49 + len(text.encode()) for text in texts]
    assert not any(b"rahasia" in bytes(row[0]) for row in raw)


def test_update_and_insert_encrypt_as_well(billing: EngineDatabase) -> None:
    made = router()
    Router.update(api_password="baru").where(Router.id == made.id).execute()
    assert Router.get().api_password.reveal() == "baru"
    held = Router.get()
    held.api_password = "lebih baru"
    assert held.api_password.reveal() == "lebih baru"
    held.save()
    assert Router.get().api_password.reveal() == "lebih baru"
    duitku = PaymentPlugin.get(PaymentPlugin.name == "duitku")
    row = {"plugin": duitku, "key": "api_key", "value_enc": "k-1", "is_secret": True}
    PluginConfiguration.insert_many([row]).execute()
    found = PluginConfiguration.get(PluginConfiguration.key == "api_key")
    assert found.value_enc.reveal() == "k-1"
    assert PluginConfiguration.get(PluginConfiguration.key == "sandbox").value_enc is None


@pytest.mark.only("newest")
def test_nothing_shows_a_secret_by_accident(billing: EngineDatabase) -> None:
    router()
    held = Router.get().api_password
    assert [repr(held), str(held), f"{held}"] == [f"<secret of {PLACE}>"] * 3


def test_rows_are_read_without_a_key_and_their_secrets_are_not(
    billing: EngineDatabase, keys: Keys
) -> None:
    router()
    keys()
    held = Router.get()
    assert held.name == "R1"
    held.host = "10.0.0.2"
    held.save()
    with pytest.raises(SecretKeyMissing, match=r"BILLING_SECRET_KEYS is not set.*secrets\.key"):
        held.api_password.reveal()
    with pytest.raises(SecretKeyMissing):
        held.api_password = "baru"
    with pytest.raises(SecretKeyMissing):
        Router.update(api_password="baru").execute()
    keys(OLD)
    assert Router.get().api_password.reveal() == "rahasia"


def test_an_envelope_does_not_open_in_another_column(billing: EngineDatabase) -> None:
    router()
    WhatsappSession.create(location=Location.get(), name="W1", credentials="lain")
    billing.execute_sql(
        "UPDATE whatsapp_sessions SET credentials = (SELECT api_password FROM routers)"
    )
    with pytest.raises(SecretDamaged, match=r"whatsapp_sessions\.credentials"):
        WhatsappSession.get().credentials.reveal()
    WhatsappSession.update(credentials=Router.get().api_password).execute()
    assert WhatsappSession.get().credentials.reveal() == "rahasia"


@pytest.mark.only("newest")
def test_what_is_no_text_or_too_long_is_refused(billing: EngineDatabase) -> None:
    for value in (12, 1.5, ["a"]):
        with pytest.raises(TypeError, match=r"routers\.api_password takes a str"):
            router(1, value)
    with pytest.raises(SecretError, match="at most 8159 bytes, this one 8160"):
        router(1, "x" * 8160)
    assert Router.select().count() == 0


def test_rotation_moves_every_column_and_says_so(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    for number in range(25):
        router(number, f"sandi {number}")
    WhatsappSession.create(location=Location.get(), name="W1", credentials="wa")
    WhatsappSession.create(location=Location.get(), name="W2")
    keys(NEW, OLD)
    router(100, "sudah baru")
    untouched = Router.get(Router.name == "R100").api_password.envelope
    assert rotation.rotate(models, Report(), batch=7) == (secrets.current_key_id().hex(), 26)
    assert rotation.rotate(models, Report())[1] == 0
    keys(NEW)
    found = Router.select().where(Router.id <= 25).order_by(Router.id)
    assert [held.api_password.reveal() for held in found] == [f"sandi {n}" for n in range(25)]
    assert Router.get(Router.name == "R100").api_password.envelope == untouched
    assert WhatsappSession.get(WhatsappSession.name == "W1").credentials.reveal() == "wa"


def test_rotation_that_was_interrupted_goes_on(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    class Interrupted(Report):
        steps = 0

        def step(self) -> None:
            self.steps += 1
            if self.steps == 10:
                raise KeyboardInterrupt

    for number in range(20):
        router(number, f"sandi {number}")
    old = key_id(keys, OLD)
    keys(NEW, OLD)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(models, Interrupted(), batch=8)
    left = rotation.key_ids(rotation.secret_fields(models))[old]
    assert 0 < left < 20
    assert rotation.rotate(models, Report(), batch=8)[1] == left
    keys(NEW)
    found = Router.select().order_by(Router.id)
    assert [held.api_password.reveal() for held in found] == [f"sandi {n}" for n in range(20)]


def test_rotation_names_what_it_cannot_read_and_moves_the_rest(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    lost = secrets.new_key()
    keys(lost)
    router(1)
    lost_id = key_id(keys, lost)
    keys(OLD)
    for number in (2, 3, 4):
        router(number)
    damaged = bytearray(Router.get(Router.name == "R3").api_password.envelope)
    damaged[-1] ^= 1
    Router.update(api_password=bytes(damaged)).where(Router.name == "R3").execute()
    keys(NEW, OLD)
    with pytest.raises(rotation.RotationIncomplete) as refused:
        rotation.rotate(models, Report(), batch=2)
    message = str(refused.value)
    assert f"1 secret is still under the key {lost_id}" in message
    assert f"id {Router.get(Router.name == 'R1').id}: routers.api_password" in message
    assert f"id {Router.get(Router.name == 'R3').id}: routers.api_password" in message
    keys(NEW)
    assert Router.get(Router.name == "R4").api_password.reveal() == "rahasia"


def test_rotation_waits_for_no_one_and_overwrites_nothing(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    for number in range(6):
        router(number, "lama")
    keys(NEW, OLD)
    failures: list[Exception] = []

    def rotate() -> None:
        try:
            rotation.rotate(models, Report(), batch=2)
        except Exception as error:
            failures.append(error)
        billing.close()

    with billing.atomic():
        Router.update(api_password="ditulis").where(Router.name == "R3").execute()
        worker = threading.Thread(target=rotate)
        worker.start()
        worker.join(20)
        assert not worker.is_alive()
    assert isinstance(failures[0], rotation.RotationIncomplete)
    assert "in use" in str(failures[0])
    assert rotation.rotate(models, Report())[1] == 0
    keys(NEW)
    found = {held.name: held.api_password.reveal() for held in Router.select()}
    assert found == {f"R{n}": "ditulis" if n == 3 else "lama" for n in range(6)}


@pytest.mark.only("newest")
def test_rotation_counts_on_no_row_that_nobody_sees_yet(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    """Such as one of a process with the old setting, which commits after the last look."""
    made = router(1)
    copied = ", ".join(column for column in COLUMNS if column not in ("id", "name", PASSWORD))
    late = secrets.encrypt("lambat", PLACE, 99, "public")
    keys(NEW, OLD)
    with closing(psycopg2.connect(billing.url)) as other:
        other.cursor().execute(
            f"INSERT INTO routers (id, name, {PASSWORD}, {copied})"
            f" SELECT 99, 'late', %s, {copied} FROM routers WHERE id = %s",
            (late, made.id),
        )
        with pytest.raises(rotation.RotationIncomplete, match=f"process {other.info.backend_pid}"):
            rotation.rotate(models, Report(), patience=0)
        other.commit()
    assert rotation.rotate(models, Report(), patience=0)[1] == 1
    keys(NEW)
    assert Router.get_by_id(99).api_password.reveal() == "lambat"


@pytest.mark.only("newest")
def test_rotation_tells_of_secrets_that_no_model_has(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    without = [model for model in models if model is not Router]
    with pytest.raises(rotation.RotationIncomplete, match="no domain here states: routers"):
        rotation.rotate(without, Report())


@pytest.mark.only("newest")
def test_rotation_reaches_every_identity(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    identities = [-(2**63) + 1, -1, 0, 2**63 - 1]
    for number, identity in enumerate(identities):
        routers = {"id": identity, "name": f"R{number}", "api_password": "rahasia"}
        given = {"location": Location.get(), "host": "10.0.0.1", "api_username": "api"}
        Router.insert({**given, **routers}).execute()
    keys(NEW, OLD)
    assert rotation.rotate(models, Report(), batch=1)[1] == len(identities)
    keys(NEW)
    assert {held.api_password.reveal() for held in Router.select()} == {"rahasia"}


def test_rotation_beside_writers_loses_no_write(
    billing: EngineDatabase, keys: Keys, models: list[Any]
) -> None:
    identities = [router(number, "0").id for number in range(30)]
    keys(NEW, OLD)
    done = threading.Event()
    last: dict[int, str] = dict.fromkeys(identities, "0")

    def write(mine: list[int]) -> None:
        round_ = 0
        while not done.is_set() or round_ == 0:
            round_ += 1
            for identity in mine:
                last[identity] = str(round_)
                Router.update(api_password=str(round_)).where(Router.id == identity).execute()
        billing.close()

    writers = [threading.Thread(target=write, args=(identities[part::4],)) for part in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(10):
        try:
            rotation.rotate(models, Report(), batch=4)
        except rotation.RotationIncomplete:
            continue
    done.set()
    for writer in writers:
        writer.join(20)
    rotation.rotate(models, Report())
    keys(NEW)
    assert {held.id: held.api_password.reveal() for held in Router.select()} == last


@pytest.mark.only("newest")
def test_the_tasks_make_a_key_and_rotate(
    billing: EngineDatabase, migrated_url: str, keys: Keys
) -> None:
    router()
    made = call(migrated_url, "secrets.key")
    key = made.out.strip()
    assert "secrets.rotate" in made.err
    none = call(migrated_url, "secrets.rotate", BILLING_SECRET_KEYS="")
    assert (none.code, "BILLING_SECRET_KEYS is not set" in none.err) == (1, True)
    lost = call(migrated_url, "secrets.rotate", BILLING_SECRET_KEYS=key)
    assert (lost.code, "Traceback" in lost.err) == (1, False)
    assert f"1 secret is still under the key {key_id(keys, OLD)}" in lost.err
    done = call(migrated_url, "secrets.rotate", BILLING_SECRET_KEYS=f"{key},{OLD}")
    assert done.code == 0, done.err
    assert "1 secret re-encrypted; 0 are under another key" in done.out
    keys(key)
    billing.bind([Router])  # the task has let go of what it bound
    assert Router.get().api_password.reveal() == "rahasia"
