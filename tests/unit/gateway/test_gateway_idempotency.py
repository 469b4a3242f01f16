"""A request with an Idempotency-Key is done once, however often it comes."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.kept_answers import LIFETIME, KeptAnswer, KeptAnswers
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore

KEY = {"Idempotency_Key": "9b1f-1"}
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Hand:
    """A clock in the test's hand."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def kept(store: SqliteStore, hand: Hand) -> KeptAnswers:
    return KeptAnswers(store.database, hand)


def stored(store: SqliteStore) -> int:
    return sum(store.counts().values())


def test_the_same_request_gets_the_same_answer(
    api: Any, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    first = api.post(records[:3], **KEY)
    again = api.post(records[:3], **KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    other = api.post(records[:3], Idempotency_Key="9b1f-2")
    assert other.json["id"] != first.json["id"]
    assert stored(store) == 3


@pytest.mark.parametrize("path", ["/api/v1/records?partial=true", "/api/v1/records"])
def test_another_request_with_the_key_is_422(
    api: Any, store: SqliteStore, records: list[dict[str, Any]], path: str
) -> None:
    assert api.post(records[:1], **KEY).status_code == 202
    body = records[:1] if "?" in path else records[:2]
    answer = api.post(body, path, **KEY)
    assert answer.status_code == 422
    assert answer.json["issue"][0]["extension"][0]["valueString"] == "FBP-8122"
    assert stored(store) == 1


def test_a_failed_request_may_be_corrected_under_its_key(
    api: Any, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    wrong = {**records[0], "patient": {}}
    assert api.post(wrong, **KEY).status_code == 422
    assert api.post(records[0], **KEY).status_code == 202
    assert stored(store) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä"])
def test_what_is_no_key_is_refused(
    api: Any, store: SqliteStore, records: list[dict[str, Any]], key: str
) -> None:
    answer = api.post(records[0], Idempotency_Key=key.encode().decode("latin-1"))
    assert answer.status_code == 400
    assert stored(store) == 0


def test_a_key_belongs_to_who_uses_it(
    api: Any, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    keyring = Keyring(store.database)
    tokens = [keyring.add_machine(name, "sender") for name in ("lab", "ward")]
    bodies = [
        api.post([one], Authorization=f"Bearer {token}", **KEY).json["id"]
        for one, token in zip(records, tokens, strict=False)
    ]
    assert len(set(bodies)) == 2
    assert stored(store) == 2


def test_of_many_at_once_one_is_done(
    app: Flask, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    def post(_: int) -> Any:
        return app.test_client().post(
            "/api/v1/records", json=records[:2], headers={"Idempotency-Key": "k"}
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))
    assert {one.status_code for one in answers} <= {202, 409}
    taken = {one.json["id"] for one in answers if one.status_code == 202}
    assert len(taken) == 1
    assert stored(store) == 2


def test_an_answer_outlives_the_process_and_ends_after_a_day(
    store: SqliteStore, settings: GatewaySettings, mapper: Mapper, records: Any, hand: Hand
) -> None:
    def post() -> Any:
        app = create_app(settings, store=store, mapper=mapper, now=hand)
        headers = {"Idempotency-Key": "k"}
        return app.test_client().post("/api/v1/records", json=records[:1], headers=headers)

    first = post()
    hand.at += LIFETIME - timedelta(seconds=1)
    assert post().data == first.data
    hand.at += timedelta(seconds=2)
    assert post().json["id"] != first.json["id"]
    rows = store.database.read(lambda one: one.execute("SELECT id FROM kept_answer").fetchall())
    assert len(rows) == 1


def test_a_claim_that_was_left_behind_is_free_after_a_minute(kept: KeptAnswers, hand: Hand) -> None:
    assert kept.claim("a", "said") == "claimed"
    assert kept.claim("a", "said") == "busy"
    assert kept.claim("a", "something else") == "another request"
    hand.at += timedelta(seconds=61)
    assert kept.claim("a", "said") == "claimed"
    kept.keep("a", KeptAnswer(202, None, "{}"))
    kept.forget("a")  # too late: it was answered
    assert kept.claim("a", "said") == KeptAnswer(202, None, "{}")


def test_no_key_and_no_value_is_in_the_database_but_in_the_answer(
    api: Any, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    api.post(records[0], Idempotency_Key="CANARY-key")
    rows = store.database.read(lambda one: one.execute("SELECT * FROM kept_answer").fetchall())
    assert "CANARY" not in str(rows)
    assert records[0]["patient"]["identifier"]["value"] not in str(rows)


def test_the_boundary_of_a_form_says_nothing(app: Flask, store: SqliteStore) -> None:
    table = "row_id,mrn\n"

    def post(text: str) -> Any:
        return app.test_client().post(
            "/api/v1/records",
            data={"table": (io.BytesIO(text.encode()), "t.csv"), "mapping": "home-measurements"},
            headers={"Idempotency-Key": "k"},
        )

    assert post(table).status_code == 422  # columns are missing
    good = _table()
    first, again, other = post(good), post(good), post(good.replace("R-1", "R-2"))
    assert first.status_code == 202, first.text
    assert again.data == first.data
    assert other.status_code == 422
    assert other.json["issue"][0]["extension"][0]["valueString"] == "FBP-8122"


def _table() -> str:
    from test_gateway_tables import HOME_TABLE

    return HOME_TABLE
