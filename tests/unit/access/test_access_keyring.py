"""The keyring on real databases: who is let in, and what is left in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fhir_backpain.access.keyring import MOST_FAILURES, SESSION_HOURS, Keyring
from fhir_backpain.access.principal import ROLES, Principal
from fhir_backpain.access.secret import token_parts
from fhir_backpain.errors import SettingsError
from fhir_backpain.outbox.sqlite import SqliteStore

PASSWORD = "correct horse battery"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def keyring(path: Path, clock: Clock) -> Iterator[Keyring]:
    with SqliteStore(path) as store:
        yield Keyring(store.database, clock)


def test_a_token_opens_for_its_machine_alone(keyring: Keyring) -> None:
    assert keyring.is_empty()
    token = keyring.add_machine("lab", "sender")
    other = keyring.add_machine("ward", "reader")
    assert not keyring.is_empty()
    found = keyring.by_token(token)
    assert found is not None
    assert (found.name, found.role, found.kind) == ("lab", "sender", "machine")
    parts, others = token_parts(token), token_parts(other)
    assert parts is not None
    assert others is not None
    for wrong in (
        "",
        "fbp_",
        token[:-1],
        token + "x",
        f"fbp_{parts[0]}_{others[1]}",
        token.upper(),
    ):
        assert keyring.by_token(wrong) is None


def test_what_is_taken_away_is_gone_at_once(keyring: Keyring) -> None:
    token = keyring.add_machine("lab", "sender")
    keyring.add_person("ada", "operator", PASSWORD)
    key = keyring.sign_in("ada", PASSWORD)
    assert key is not None
    keyring.remove("lab")
    keyring.remove("ada")
    assert keyring.by_token(token) is None
    assert keyring.by_session(key) is None
    assert keyring.sign_in("ada", PASSWORD) is None
    with pytest.raises(SettingsError, match="FBP-8153"):
        keyring.remove("ada")


def test_a_token_ends_when_it_was_meant_to(keyring: Keyring, clock: Clock) -> None:
    token = keyring.add_machine("lab", "sender", timedelta(days=1))
    clock.later(hours=23)
    assert keyring.by_token(token) is not None
    clock.later(hours=1)
    assert keyring.by_token(token) is None


def test_a_session_ends_by_sign_out_by_time_and_by_a_new_password(
    keyring: Keyring, clock: Clock
) -> None:
    keyring.add_person("ada", "operator", PASSWORD)
    keys = [keyring.sign_in("ada", PASSWORD) for _ in range(3)]
    first, second, third = (key for key in keys if key is not None)
    signed_in = keyring.by_session(first)
    assert signed_in is not None
    assert signed_in.principal.name == "ada"
    other = keyring.by_session(second)
    assert other is not None
    assert signed_in.form_key != other.form_key
    keyring.sign_out(first)
    assert keyring.by_session(first) is None
    assert keyring.by_session(second) is not None
    clock.later(hours=SESSION_HOURS)
    assert keyring.by_session(second) is None
    again = keyring.sign_in("ada", PASSWORD)
    assert again is not None
    keyring.set_password("ada", PASSWORD[::-1])
    assert keyring.by_session(again) is None
    assert keyring.by_session(third) is None
    assert keyring.sign_in("ada", PASSWORD) is None
    assert keyring.sign_in("ada", PASSWORD[::-1]) is not None


def test_guessing_has_to_wait_and_a_right_password_does_not_help(
    keyring: Keyring, clock: Clock
) -> None:
    keyring.add_person("ada", "reader", PASSWORD)
    for _ in range(MOST_FAILURES):
        assert keyring.sign_in("ada", "wrong" * 4) is None
    assert keyring.sign_in("ada", PASSWORD) is None
    clock.later(seconds=31)
    assert keyring.sign_in("ada", PASSWORD) is not None
    # Once in, the count begins anew.
    assert keyring.sign_in("ada", "wrong" * 4) is None
    assert keyring.sign_in("ada", PASSWORD) is not None


def test_the_database_opens_nothing(keyring: Keyring, path: Path) -> None:
    token = keyring.add_machine("lab", "sender")
    keyring.add_person("ada", "operator", PASSWORD)
    key = keyring.sign_in("ada", PASSWORD)
    assert key is not None
    parts = token_parts(token)
    assert parts is not None
    with sqlite3.connect(path) as connection:
        text = "\n".join(connection.iterdump())
    connection.close()
    for secret in (token, parts[1], PASSWORD, key):
        assert secret not in text


@pytest.mark.parametrize("name", ["", "1st", "a b", "a/b", "ä", "a" * 65, "a\n"])
def test_a_name_that_cannot_be_used_is_refused(keyring: Keyring, name: str) -> None:
    with pytest.raises(SettingsError, match="FBP-8151"):
        keyring.add_machine(name, "sender")


def test_a_name_is_had_once(keyring: Keyring) -> None:
    keyring.add_machine("lab", "sender")
    with pytest.raises(SettingsError, match="FBP-8152"):
        keyring.add_person("lab", "reader", PASSWORD)
    assert [one.name for one in keyring.principals()] == ["lab"]


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 257])
def test_a_password_that_is_too_short_or_long_is_refused(keyring: Keyring, password: str) -> None:
    with pytest.raises(SettingsError, match="FBP-8154"):
        keyring.add_person("ada", "reader", password)
    assert keyring.is_empty()


def test_a_person_has_no_token_and_a_machine_no_password(keyring: Keyring) -> None:
    keyring.add_machine("lab", "sender")
    assert keyring.sign_in("lab", PASSWORD) is None
    with pytest.raises(SettingsError, match="FBP-8153"):
        keyring.set_password("lab", PASSWORD)


def test_roles_give_what_they_say() -> None:
    may = {
        role: [
            permission
            for permission in ("send", "read", "operate", "administer")
            if Principal("x", "person", role, "").may(permission)  # type: ignore[arg-type]
        ]
        for role in ROLES
    }
    assert may == {
        "sender": ["send"],
        "reader": ["read"],
        "operator": ["send", "read", "operate"],
        "administrator": ["send", "read", "operate", "administer"],
    }


def test_a_use_is_noted_now_and_then(keyring: Keyring, clock: Clock) -> None:
    token = keyring.add_machine("lab", "sender")
    keyring.by_token(token)
    (first,) = keyring.principals()
    clock.later(seconds=60)
    keyring.by_token(token)
    assert keyring.principals() == [first]
    clock.later(minutes=5)
    keyring.by_token(token)
    assert keyring.principals()[0].last_used_at != first.last_used_at
