"""What a gateway keeps beside the records, on each database: answers, refusals, known people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.gateway.kept_answers import LIFETIME, KeptAnswer, KeptAnswers
from fhir_backpain.gateway.messages import NO_MAPPING, NO_TABLE
from fhir_backpain.gateway.refusals import Refusals
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.outcome import SourceLocation

ANSWER = KeptAnswer(202, "/api/v1/deliveries/1", '{"id": "1"}')


class Hand:
    """A clock in the test's hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def test_answers_are_kept_for_a_day(store: SqlStore) -> None:
    hand = Hand()
    kept = KeptAnswers(store.database, hand)
    assert kept.claim("a", "said") == "claimed"
    assert kept.claim("a", "said") == "busy"
    assert kept.claim("a", "else") == "another request"
    kept.keep("a", ANSWER)
    kept.forget("a")
    assert kept.claim("a", "said") == ANSWER
    assert kept.claim("b", "said") == "claimed"
    kept.forget("b")
    assert kept.claim("b", "said") == "claimed"
    hand.at += timedelta(minutes=2)
    assert kept.claim("b", "said") == "claimed"
    hand.at += LIFETIME
    assert kept.claim("a", "else") == "claimed"


def test_refusals_add_up(store: SqlStore) -> None:
    refusals = Refusals(store.database, Hand())
    place = SourceLocation(pointer="/0/patient")
    refusals.add([NO_MAPPING.issue("x", source=place)] * 2 + [NO_TABLE.issue("y")])
    refusals.add([NO_MAPPING.issue("x", source=place)])
    found = [(one.message, one.field, one.count) for one in refusals.rows()]
    assert found == [(8124, "patient", 3), (8126, "(the whole)", 1)]


def test_whom_a_provider_knows_has_a_session_and_the_last_role(store: SqlStore) -> None:
    keyring = Keyring(store.database)
    first = keyring.sign_in_known("oidc.ada.1", "reader")
    second = keyring.sign_in_known("oidc.ada.1", "operator")
    found = [keyring.by_session(key) for key in (first, second)]
    assert [one.principal.role for one in found if one] == ["operator", "operator"]
    assert [one.name for one in keyring.principals()] == ["oidc.ada.1"]
