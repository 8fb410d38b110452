"""A secret opens in its own row only, whatever is done to the rows; what was stored before that was
so is carried over."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from peewee import Check, IntegrityError, TextField

from domains import BaseModel, Domain, SecretField
from domains.locations.models import Location
from domains.mikrotik.models import Router
from domains.plugins.models import PaymentPlugin, PluginConfiguration
from engine.connect.peewee_database import EngineDatabase
from engine.report import Report
from kernel import key_rotation as rotation
from kernel import secrets
from kernel.secret_values import Secret
from kernel.secrets import SecretDamaged, SecretError, SecretKeyMissing
from tests.support.databases import execute
from tests.support.runners import at
from tests.support.secret_keys import NEW, OLD, Keys, earlier
from tests.support.usual import usually_first
from tests.support.workshop import Workshop

pytestmark = pytest.mark.usefixtures("keys")
RULE = "routers_api_password_of_its_row_check"


def row(number: int, password: Any) -> dict[str, Any]:
    given = {"location": Location.get(), "name": f"R{number}", "host": "10.0.0.1"}
    return given | {"api_username": "api", "api_password": password}


def all_of() -> dict[str, str]:
    return {router.name: router.api_password.reveal() for router in Router.select()}


def test_every_way_to_write_binds_to_the_row(models: Any) -> None:
    stamps = dict.fromkeys(("created_at", "updated_at"), datetime.now(UTC))  # no defaults in bulk
    Router.create(**row(1, "satu"))
    Router.insert(row(2, "dua")).execute()
    Router.insert_many([row(3, "tiga"), row(4, "empat")]).execute()
    fields = [*row(5, ""), "id"]
    Router.insert_many([(*row(5, "lima").values(), 5000)], fields=fields).execute()
    Router.bulk_create([Router(**row(6, "enam"), **stamps), Router(**row(7, "tujuh"), **stamps)])
    Router.insert(row(8, Router.get(Router.name == "R1").api_password)).execute()
    late = Router(**row(9, "sembilan"))
    late.id = 9000
    late.save(force_insert=True)
    assert late.api_password.reveal() == "sembilan"
    words = ["satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "satu", "sembilan"]
    assert all_of() == {f"R{number}": word for number, word in enumerate(words, 1)}

    late.api_password = "baru"
    late.save()
    Router.update(api_password="lain").where(Router.id == 5000, Router.name == "R5").execute()
    Router.update({Router.api_password: "kembar"}).where(Router.name << ["R2", "R3"]).execute()
    changed = all_of()
    assert [changed[f"R{number}"] for number in (9, 5, 2, 3)] == [
        "baru",
        "lain",
        "kembar",
        "kembar",
    ]
    assert changed["R4"] == "empat"
    assert Router.update(api_password="semua").execute() == 9
    assert set(all_of().values()) == {"semua"}
    envelopes = [bytes(router.api_password.envelope) for router in Router.select()]
    assert len({envelope[5:13] for envelope in envelopes}) == 9


def test_a_row_without_its_id_keeps_its_secret(models: Any) -> None:
    made = Router.create(**row(1, "satu"))
    for read in (
        Router.select(Router.api_password),
        Router.select(Router.name, Router.api_password),
    ):
        with pytest.raises(SecretError, match="read without the row's id"):
            read.get().api_password.reveal()
        assert read.dicts().get()["api_password"].reveal(made.id) == "satu"
        with pytest.raises(SecretDamaged, match=f"the row {made.id + 1} was encrypted for the row"):
            read.dicts().get()["api_password"].reveal(made.id + 1)


def test_a_secret_of_elsewhere_is_sealed_again_or_refused(models: Any) -> None:
    made, other = Router.create(**row(1, "satu")), Router.create(**row(2, "dua"))
    Router.update(api_password=made.api_password).where(Router.id == other.id).execute()
    assert all_of() == {"R1": "satu", "R2": "satu"}
    elsewhere = Secret.of("kata", "vouchers.password", other.id, "public")
    for secret in (elsewhere, Router(**row(3, "tiga")).api_password):
        with pytest.raises(SecretError, match="which row this secret is for cannot be told"):
            Router.update(api_password=secret).from_(Location).execute()
        Router.update(api_password=secret).where(Router.id == other.id).execute()
    assert all_of() == {"R1": "satu", "R2": "tiga"}


MOVES = [
    "UPDATE routers SET api_password = (SELECT api_password FROM routers WHERE name = 'R1')",
    "UPDATE routers SET id = -id WHERE name = 'R1'",
    "UPDATE routers a SET api_password = b.api_password FROM routers b WHERE a.id <> b.id",
    "INSERT INTO routers (location_id, name, host, api_username, api_password)"
    " SELECT location_id, 'R3', '10.9.9.9', api_username, api_password FROM routers LIMIT 1",
    "MERGE INTO routers a USING routers b ON a.id <> b.id"
    " WHEN MATCHED THEN UPDATE SET api_password = b.api_password",
    "INSERT INTO routers SELECT (r).* FROM (SELECT jsonb_populate_record(r, '{\"id\": 77}') AS r"
    " FROM routers r LIMIT 1) s",
]


@pytest.mark.parametrize("move", MOVES)
def test_the_database_refuses_an_envelope_of_another_row(
    move: str, billing: EngineDatabase
) -> None:
    if move.startswith("MERGE") and billing.connection().server_version < 150000:
        pytest.skip("PostgreSQL 15 brought MERGE")
    Router.insert_many([row(1, "satu"), row(2, "dua")]).execute()
    with pytest.raises(IntegrityError, match=RULE):
        billing.execute_sql(move)
    assert all_of() == {"R1": "satu", "R2": "dua"}


def test_an_owner_who_moves_it_all_the_same_opens_nothing(
    billing: EngineDatabase, keys: Keys
) -> None:
    """The rule dropped, the identity in the envelope written anew: the tag still holds."""
    first, second = (Router.create(**row(number, f"kata {number}")) for number in (1, 2))
    billing.execute_sql(f"ALTER TABLE routers DROP CONSTRAINT {RULE}")
    billing.execute_sql(
        "UPDATE routers SET api_password = (SELECT api_password FROM routers WHERE id = %s)"
        " WHERE id = %s",
        (first.id, second.id),
    )
    for read in (Router.get_by_id(second.id), Router.select().where(Router.name == "R2").get()):
        with pytest.raises(
            SecretDamaged, match=f"row {second.id} was encrypted for the row {first.id}"
        ):
            read.api_password.reveal()
    keys(NEW, OLD)
    with pytest.raises(rotation.RotationIncomplete, match=f"id {second.id}: .*moved"):
        rotation.rotate([Router], Report())
    billing.execute_sql(
        "UPDATE routers SET api_password = overlay(api_password PLACING int8send(id) FROM 6)"
    )
    with pytest.raises(SecretDamaged, match="was changed"):
        Router.get_by_id(second.id).api_password.reveal()


class FirstSecretField(SecretField):
    check = (
        "octet_length({column}) BETWEEN 33 AND 8192"
        " AND substring({column} FROM 1 FOR 1) = '\\x01'::bytea"
    )
    check_name = ""


class SecondSecretField(SecretField):
    check = (
        "substring({column} FROM 1 FOR 1) = '\\x01'::bytea"
        " AND octet_length({column}) BETWEEN 33 AND 8192"
        " OR substring({column} FROM 1 FOR 1) = '\\x02'::bytea"
        " AND octet_length({column}) BETWEEN 41 AND 8200"
        " AND substring({column} FROM 6 FOR 8) = int8send(id)"
    )


def safe(kind: type[SecretField]) -> type[BaseModel]:
    class Safe(BaseModel):
        """Something with a lock."""

        name = TextField(constraints=[Check("name <> ''", name="safes_name_check")])
        word = kind(null=True)

        class Meta:
            table_name = "safes"

    return Safe


def shop(model: type[BaseModel]) -> Callable[[Domain], None]:
    return lambda domain: domain.models(model)


@pytest.mark.parametrize(
    ("version", "key"),
    usually_first([(2, "another key"), (1, "the same key"), (1, "another key"), (2, "same")], 2),
)
def test_what_is_stored_is_carried_over(
    version: int, key: str, workshop: Workshop, keys: Keys
) -> None:
    """The rule of before, rows of before; the file that generate writes, and a rotation that is
    interrupted, goes on, and leaves nothing of that version."""
    now, before = safe(SecretField), safe([FirstSecretField, SecondSecretField][version - 1])
    workshop.first(shop(before))
    words = {f"S{number}": f"kata {number}" for number in range(20)} | {"long": "x" * 8159}
    for number, (name, word) in enumerate(words.items(), 1):
        stored = earlier(version, word, "safes.word", number).hex()
        execute(workshop.url, f"INSERT INTO safes (name, word) VALUES ('{name}', '\\x{stored}')")
    execute(workshop.url, "INSERT INTO safes (name) VALUES ('none')")
    workshop.generate(shop(now))
    workshop.runner.migrate()
    assert workshop.generate(shop(now)) == []

    database = EngineDatabase(at(workshop.url))
    with database.bind_ctx([now]), database.connection_context():
        keys(*([NEW, OLD] if key == "another key" else [OLD]))
        opened = {safe.name: safe.word and safe.word.reveal() for safe in now.select()}
        assert opened == words | {"none": None}  # read as they are
        one = now.get(now.name == "S1")
        one.name = "S1 again"
        one.save()  # and written back as they are
        _rotate_in_two_goes(now, version)
        envelopes = [safe.word.envelope for safe in now.select().where(now.word.is_null(False))]
        assert {envelope[:5] for envelope in envelopes} == {b"\x03" + secrets.current_key_id()}
        keys(NEW if key == "another key" else OLD)
        words["S1 again"] = words.pop("S1")
        opened = {safe.name: safe.word and safe.word.reveal() for safe in now.select()}
        assert opened == words | {"none": None}
        with pytest.raises(IntegrityError, match="safes_word_of_its_row_check"):
            database.execute_sql("UPDATE safes SET word = (SELECT word FROM safes WHERE id = 1)")


def _rotate_in_two_goes(model: type[BaseModel], version: int) -> None:
    class Interrupted(Report):
        steps = 0

        def step(self) -> None:
            self.steps += 1
            if self.steps == 10:
                raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        rotation.rotate([model], Interrupted(), batch=4)
    left = [safe.word.envelope[0] for safe in model.select() if safe.word].count(version)
    assert 0 < left < 21
    assert rotation.rotate([model], Report(), batch=4)[1] == left
    assert rotation.rotate([model], Report())[1] == 0


def test_version_1_goes_with_its_key(models: Any, keys: Keys) -> None:
    """A copy of version 1 opens in any row for as long as its key is there, and no longer."""
    copy = earlier(1, "kata", "routers.api_password")
    made = Router.create(**row(1, copy))
    keys(NEW, OLD)
    assert Router.get_by_id(made.id).api_password.reveal() == "kata"
    keys(NEW)
    with pytest.raises(SecretKeyMissing):
        Router.get_by_id(made.id).api_password.reveal()


@pytest.mark.parametrize("text", ["rahasia", "\\x02rahasia", "\x02" + "r" * 60, ""])
def test_sql_of_one_s_own_stores_no_plain_text(models: Any, text: str) -> None:
    made = Router.create(**row(1, "kata"))
    with pytest.raises(IntegrityError, match="routers_api_password_of_its_row_check"):
        Router._meta.database.execute_sql(
            "UPDATE routers SET api_password = %s WHERE id = %s", (text.encode(), made.id)
        )


def test_a_damaged_secret_of_version_1_is_told_of(models: Any) -> None:
    damaged = bytearray(earlier(1, "kata", "routers.api_password"))
    damaged[-1] ^= 1
    made = Router.create(**row(1, bytes(damaged)))
    with pytest.raises(rotation.RotationIncomplete) as told:
        rotation.rotate([Router], Report())
    assert "1 secret is still of version 1 or 2, which open in other rows" in str(told.value)
    assert f"id {made.id}: routers.api_password: the secret was changed" in str(told.value)


def test_a_secret_of_a_plugin_is_bound_as_well(models: Any) -> None:
    plugin = PaymentPlugin.get(PaymentPlugin.name == "duitku")
    made = PluginConfiguration.create(plugin=plugin, key="api_key", value_enc="k", is_secret=True)
    stored: Secret = PluginConfiguration.get_by_id(made.id).value_enc
    assert stored.reveal() == "k"
    with pytest.raises(IntegrityError, match="plugin_configurations_value_enc_of_its_row_check"):
        PluginConfiguration.update(id=made.id + 1).where(
            PluginConfiguration.id == made.id
        ).execute()


@pytest.mark.parametrize("fault", ["host", "name", "port", "where"])
def test_what_postgresql_raises_has_no_secret_in_it(fault: str, models: Any) -> None:
    """Not in the message, whose detail has the row, nor in the statement that its cursor keeps."""
    word = "hunter2geheim"
    made = Router.create(**row(1, word))
    faults: dict[str, Any] = {"host": None, "name": "R1", "port": 0}
    query = Router.insert(row(2, word) | {name: faults[name] for name in faults if name == fault})
    if fault == "where":
        query = Router.update(api_password=word, port=0).where(Router.id == made.id)
    with pytest.raises(IntegrityError) as refused:
        query.execute()
    error: BaseException | None = refused.value
    seen = []
    while error is not None:
        details = getattr(error, "diag", None)
        fields = [getattr(details, name) for name in dir(details) if name.startswith("message")]
        sent = bytes(getattr(getattr(error, "cursor", None), "query", b"") or b"").decode()
        seen.append(f"{error} {error.args!r} {vars(error)!r} {fields!r} {sent}")
        error = error.__cause__ or error.__context__
    assert "api_password" in "".join(seen), "the statement was not seen"
    assert word not in "".join(seen)
    assert word.encode().hex() not in "".join(seen)
