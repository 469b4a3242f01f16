"""Giving and taking access, as an administrator of a machine does."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.outbox.sqlite import SqliteStore

PASSWORD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a command a standard input."""

    def put(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return put


def keyring(folder: Path) -> SqliteStore:
    return SqliteStore(folder / "fhir-backpain-outbox.sqlite")


def test_a_token_is_printed_once_and_opens(run: Any, tmp_path: Path) -> None:
    added = run("access", "add", "lab", "--role", "sender", "--days", "30")
    assert added.code == 0
    token = added.out.strip()
    with keyring(tmp_path) as store:
        found = Keyring(store.database).by_token(token)
    assert found is not None
    assert (found.name, found.role) == ("lab", "sender")
    shown = run("access", "list", "--json")
    (access,) = shown.json["accesses"]
    assert access["expiresAt"] > access["createdAt"]
    secret = token.rpartition("_")[2]
    assert secret not in shown.out + run("access", "list").out


def test_a_person_gets_a_password_and_another_one(run: Any, typed: Any, tmp_path: Path) -> None:
    typed(f"{PASSWORD}\n")
    assert run("access", "add", "ada", "--role", "operator", "--person").code == 0
    typed(f"{PASSWORD[::-1]}\n")
    assert run("access", "password", "ada").code == 0
    with keyring(tmp_path) as store:
        held = Keyring(store.database)
        assert held.sign_in("ada", PASSWORD) is None
        assert held.sign_in("ada", PASSWORD[::-1]) is not None
    assert "ada: person, operator" in run("access", "list").out


def test_access_is_taken_away(run: Any) -> None:
    run("access", "add", "lab", "--role", "sender")
    assert run("access", "remove", "lab").code == 0
    assert run("access", "list").out.startswith("Nobody has an access")
    again = run("access", "remove", "lab")
    assert again.code == 2
    assert "FBP-8153" in again.err


@pytest.mark.parametrize(
    ("arguments", "typing", "told"),
    [
        (("lab", "--role", "king"), "", "--role"),
        (("lab",), "", "--role"),
        (("1ab", "--role", "sender"), "", "FBP-8151"),
        (("ada", "--role", "reader", "--person"), "pa55\n", "FBP-8154"),
        (("ada", "--role", "reader", "--person", "--days", "3"), "", "--days"),
    ],
)
def test_wrong_use_is_told(
    run: Any, typed: Any, arguments: tuple[str, ...], typing: str, told: str
) -> None:
    typed(typing)
    ran = run("access", "add", *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert "pa55" not in ran.err
