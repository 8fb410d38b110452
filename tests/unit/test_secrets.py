"""An envelope opens with its key, in its place, unchanged; and not otherwise."""

from __future__ import annotations

from typing import Any

import pytest

import registry
from kernel import key_rotation as rotation
from kernel import secrets
from kernel.secrets import SecretDamaged, SecretError, SecretKeyMissing
from tests.support.secret_keys import NEW, OLD, Keys, earlier, key_id

pytestmark = pytest.mark.usefixtures("keys")
PLACE, ROW, SCHEMA = "routers.api_password", 7, "isp_a"


@pytest.fixture
def models() -> list[Any]:
    return registry.load().tables


def test_every_secret_column_is_known(models: list[Any]) -> None:
    assert {field.place for field in rotation.secret_fields(models)} >= {
        "plugin_configurations.value_enc",
        "pppoe_users.password",
        "routers.api_password",
        "vouchers.password",
        "whatsapp_sessions.credentials",
    }


def test_one_text_gives_another_envelope_each_time() -> None:
    assert len({secrets.encrypt("rahasia", PLACE, ROW, SCHEMA) for _ in range(100)}) == 100


def test_another_key_is_named_and_opens_nothing(keys: Keys) -> None:
    envelope = secrets.encrypt("rahasia", PLACE, ROW, SCHEMA)
    mine, other = key_id(keys, OLD), key_id(keys, NEW)
    with pytest.raises(SecretKeyMissing, match=f"key {mine}, .* has {other}"):
        secrets.decrypt(envelope, PLACE, ROW, SCHEMA)
    forged = envelope[:1] + bytes.fromhex(other) + envelope[5:]
    with pytest.raises(SecretDamaged):
        secrets.decrypt(forged, PLACE, ROW, SCHEMA)
    keys(NEW, OLD)
    assert secrets.decrypt(envelope, PLACE, ROW, SCHEMA) == "rahasia"
    with pytest.raises(SecretDamaged):
        secrets.decrypt(forged, PLACE, ROW, SCHEMA)


def test_an_envelope_that_was_changed_anywhere_does_not_open(keys: Keys) -> None:
    keys(OLD, NEW)
    envelope = secrets.encrypt("rahasia", PLACE, ROW, SCHEMA)
    for position in range(len(envelope)):
        for bit in range(8):
            changed = bytearray(envelope)
            changed[position] ^= 1 << bit
            with pytest.raises((SecretDamaged, SecretKeyMissing)):
                secrets.decrypt(bytes(changed), PLACE, ROW, SCHEMA)
    for length in range(len(envelope)):
        with pytest.raises(SecretError):
            secrets.decrypt(envelope[:length], PLACE, ROW, SCHEMA)


@pytest.mark.parametrize("bad", ["abc", "not base64!", "A" * 40, "A" * 88])
def test_a_bad_key_is_refused_and_not_shown(bad: str, keys: Keys) -> None:
    keys(OLD, bad)
    with pytest.raises(SecretKeyMissing, match="BILLING_SECRET_KEYS is not 32 bytes") as refused:
        secrets.encrypt("rahasia", PLACE, ROW, SCHEMA)
    assert bad not in str(refused.value)


@pytest.mark.parametrize("row", [0, 8, -7, 2**62, secrets.NO_ROW])
def test_an_envelope_opens_in_its_own_row_only(row: int) -> None:
    envelope = secrets.encrypt("rahasia", PLACE, ROW, SCHEMA)
    with pytest.raises(SecretDamaged, match=f"of the row {row} was encrypted for the row 7"):
        secrets.decrypt(envelope, PLACE, row, SCHEMA)
    start = secrets.ROW_START
    said = envelope[:start] + row.to_bytes(8, "big", signed=True) + envelope[start + 8 :]
    with pytest.raises(SecretDamaged, match="was changed"):
        secrets.decrypt(said, PLACE, row, SCHEMA)
    with pytest.raises(SecretDamaged, match="was changed"):
        secrets.decrypt(envelope, "vouchers.password", ROW, SCHEMA)


@pytest.mark.parametrize("schema", ["isp_b", "isp_a ", "ISP_A", "isp_", "isp_a.routers", ""])
def test_an_envelope_opens_in_its_own_schema_only(schema: str) -> None:
    envelope = secrets.encrypt("rahasia", PLACE, ROW, SCHEMA)
    with pytest.raises(SecretDamaged, match="row 7 was encrypted in another schema than"):
        secrets.decrypt(envelope, PLACE, ROW, schema)
    start, mark = secrets.SCHEMA_START, secrets.schema_mark(schema)
    said = envelope[:start] + mark + envelope[start + len(mark) :]
    with pytest.raises(SecretDamaged, match="was changed"):
        secrets.decrypt(said, PLACE, ROW, schema)


@pytest.mark.parametrize("version", [1, 2])
def test_what_earlier_versions_made_opens_in_any_schema(version: int) -> None:
    envelope = earlier(version, "rahasia", PLACE, ROW)
    assert {secrets.decrypt(envelope, PLACE, ROW, name) for name in ("a", "b")} == {"rahasia"}
    for others in {1, 2, 3, 4} - {version}:
        with pytest.raises(SecretDamaged):
            secrets.decrypt(bytes([others]) + envelope[1:], PLACE, ROW, "a")


@pytest.mark.parametrize("text", ["hunter2\udcff", "\ud83dhunter2"])
def test_no_error_has_the_text_among_its_attributes(text: str) -> None:
    with pytest.raises(SecretError) as refused:
        secrets.encrypt(text, PLACE, ROW, SCHEMA)
    error: BaseException | None = refused.value
    while error is not None:
        assert "hunter2" not in repr(error.args) + repr(vars(error)), error
        assert not isinstance(error, UnicodeError)
        error = error.__cause__ or error.__context__
