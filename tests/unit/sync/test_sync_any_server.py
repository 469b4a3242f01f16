"""What decides how a server is written to: strategies, addresses, limits, conflicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.preflight import Preflight
from fhir_backpain.errors import ConflictError, PermanentRemoteError, TransientRemoteError
from fhir_backpain.fhir.meta import without_id_tag
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.record import RecordKey
from fhir_backpain.sync.address_book import AddressBook, references_in
from fhir_backpain.sync.bundle_limit import BundleLimit
from fhir_backpain.sync.clash import judge, may_be_clash
from fhir_backpain.sync.connection import strategy_for
from fhir_backpain.sync.identity_query import identity_of, tagged
from fhir_backpain.sync.messages import KEEPS_FAILING as PROBLEM
from fhir_backpain.sync.retirement import Retirement
from fhir_backpain.sync.tombstone import is_tombstone, tombstone

KEY = RecordKey("https://clinic.example/app", "urn:mrn", "p1", "observation", "r1")
EXACT = Preflight("exact", in_url=False, unknown_parameters="ignored")


def capabilities(*codes: str, **resource: Any) -> Capabilities:
    resources = [{"type": "Observation", **resource}]
    bundles = [{"code": code} for code in codes]
    rest = {"mode": "server", "interaction": bundles, "resource": resources}
    return Capabilities({"resourceType": "CapabilityStatement", "rest": [rest]})


def row(url: str, version: str | None, retired: Any = None) -> LedgerRow:
    return LedgerRow(url, "hash", version, KEY, "2024", "2024", retired=retired)


@pytest.mark.parametrize(
    ("codes", "resource", "mode", "way"),
    [
        (("transaction", "batch"), {}, "transaction", "client-id"),
        (("batch",), {"updateCreate": True}, "batch", "client-id"),
        ((), {"updateCreate": True}, "put", "client-id"),
        (("transaction",), {"updateCreate": False}, "transaction", "search"),
        (("batch",), {"updateCreate": False, "conditionalUpdate": True}, "put",
         "conditional-update"),
    ],
)  # fmt: skip
def test_the_best_way_that_is_safe_is_chosen(
    codes: tuple[str, ...], resource: dict[str, Any], mode: str, way: str
) -> None:
    strategy = strategy_for(capabilities(*codes, **resource), EXACT)
    assert (strategy.mode, strategy.way("Observation")) == (mode, way)
    assert strategy.way("Patient") == "client-id"  # of which nothing is said


@pytest.mark.parametrize("searching", ["ignores-criteria", "unusable"])
def test_searches_that_cannot_be_trusted_decide_nothing(searching: Any) -> None:
    seen = Preflight(searching, in_url=False, unknown_parameters="not known")
    with pytest.raises(PermanentRemoteError) as caught:
        strategy_for(capabilities(updateCreate=False), seen)
    assert caught.value.issues[0].number == 6057
    assert strategy_for(capabilities(updateCreate=True), seen).way("Observation") == "client-id"


@pytest.mark.parametrize(
    ("status", "code", "text", "sent", "limit"),
    [
        (413, "processing", "no", 80, 40),
        (400, "too-costly", "no", 81, 40),
        (400, "processing", "The Bundle has more than 25 entries.", 80, 25),
        (422, "invalid", "maximum number of entries exceeded: 160", 500, 160),
        (400, "processing", "Batch size limit of 1000 resources", 80, 40),  # told, but too large
        (400, "processing", "name has more than 10 letters", 80, None),
        (409, "conflict", "more than 25 entries", 80, None),
        (413, "processing", "no", 1, None),
    ],
)
def test_a_refusal_for_size_teaches_the_limit(
    status: int, code: Any, text: str, sent: int, limit: int | None
) -> None:
    issue = PROBLEM.issue(text)
    error_type = ConflictError if status == 409 else PermanentRemoteError
    error = error_type([_coded(issue, code)], status=status)
    known = BundleLimit()
    assert known.learn(error, sent) is (limit is not None)
    assert known.entries == limit
    assert known.within(1000) == (limit or 1000)
    assert known.told == (limit if str(limit) in text else None)


def _coded(issue: Any, code: Any) -> Any:
    return type(issue)(issue.severity, code, issue.number, issue.text, issue.next_step)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("At most 160 entries per bundle.", 160),
        ("limited to 500 resources; of the second kind maximum 25 entries", 25),
        ("up to 30 requests per second", None),
        ("", None),
    ],
)
def test_a_limit_that_is_told_is_read(text: str, limit: int | None) -> None:
    interaction = [{"code": "transaction", "documentation": text}]
    statement = {"rest": [{"mode": "server", "interaction": interaction}]}
    assert Capabilities(statement).bundle_limit == limit


def test_references_are_those_of_the_server_outside_and_ours_inside() -> None:
    rows = [row("Patient/own", "17/_history/1"), row("Condition/own", "2")]
    book = AddressBook([*rows, row("Goal/own", "9/_history/1", retired="deleted")])
    resource = {
        "id": "own",
        "subject": {"reference": "Patient/own", "display": "Patient/own"},
        "focus": [{"reference": "Condition/own"}, {"reference": "Goal/own"}, {"reference": "#x"}],
        "encounter": {"reference": "Encounter/new"},
    }
    outgoing = book.outgoing(resource, ["Encounter/new"])
    assert list(references_in(outgoing)) == ["Patient/17", "Condition/own", "Goal/own"]
    assert outgoing["subject"]["display"] == "Patient/own"
    assert outgoing["encounter"] == {"reference": "urn:uuid:new"}
    book.learn("Encounter/new", "Encounter/5")
    stored = {**book.outgoing(resource), "id": "99"}
    assert stored["encounter"] == {"reference": "Encounter/5"}
    assert book.incoming(stored, "Observation/own") == resource


@pytest.mark.parametrize("meta", [None, {}, {"tag": [{"system": "urn:x", "code": "y"}]}])
def test_what_has_no_identifier_bears_a_tag(meta: dict[str, Any] | None) -> None:
    resource = {
        "resourceType": "Provenance",
        "id": "own",
        **({} if meta is None else {"meta": meta}),
    }
    query = identity_of(resource)
    assert (query.parameter, query.value) == ("_tag", "own")
    assert not query.fits(resource)
    marked = tagged(resource)
    assert query.fits(marked)
    assert tagged(marked) == marked
    bare = without_id_tag(marked)
    assert bare.get("meta", {}) == (meta or {})


@pytest.mark.parametrize("as_list", [True, False])
def test_the_first_identifier_is_the_identity(as_list: bool) -> None:
    identifier = {"system": "urn:x", "value": "a|b,c$d\\e"}
    resource = {"id": "own", "identifier": [identifier] if as_list else identifier}
    query = identity_of(resource)
    assert query.criterion == ("identifier", "urn:x|a\\|b\\,c\\$d\\\\e")
    assert query.fits(resource)
    assert tagged(resource) is resource
    assert not query.fits({"identifier": [{"value": identifier["value"]}]})


def retirement(if_match: str | None) -> Retirement:
    return Retirement("Observation/own", None, '{"status":"mine"}', if_match)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("if_match", "held", "number"),
    [
        ("1", {"meta": {"versionId": "2"}, "status": "theirs"}, 6056),
        ("1", {"meta": {"versionId": "1"}, "status": "theirs"}, None),  # the writes only met
        ("1", {"meta": {"versionId": "2"}, "status": "mine"}, None),  # it is there already
        (None, {"meta": {"versionId": "2"}, "status": "theirs"}, None),
        ("1", "deleted", 6051),
        ("1", "absent", 6051),
        (None, "several", 6058),
    ],
)
def test_a_conflict_is_what_the_server_holds(
    if_match: str | None, held: Any, number: int | None
) -> None:
    clash = judge([retirement(if_match)], {"Observation/own": held})
    assert [issue.number for issue in clash.issues] == ([] if number is None else [number])


def test_only_with_a_version_a_missing_resource_is_a_conflict() -> None:
    gone = PermanentRemoteError(PROBLEM.issue("x"), status=405)
    assert may_be_clash(gone, [retirement("1")])
    assert not may_be_clash(gone, [retirement(None)])
    assert may_be_clash(ConflictError(PROBLEM.issue("x")), [])
    assert not may_be_clash(TransientRemoteError(PROBLEM.issue("x"), status=503), [retirement("1")])


@pytest.mark.parametrize("field", ["assessed_at", "written_at", "observed_at"])
def test_a_tombstone_keeps_who_and_when_and_nothing_else(field: str) -> None:
    kinds = {"assessed_at": "assessment", "written_at": "care-plan", "observed_at": "observation"}
    identifier = {"system": "urn:mrn", "value": "p1", "type": "MR"}
    data = {
        "record": kinds[field], "id": "r1", "source": "urn:app", field: "2024-05-01", "score": 7,
        "test_data": True, "patient": {"identifier": identifier, "name": {"family": "Canaryson"}},
    }  # fmt: skip
    stone = tombstone(data)
    assert is_tombstone(stone)
    assert not is_tombstone(data)
    assert tombstone(stone) == stone
    assert "Canaryson" not in json.dumps(stone)
    assert (stone["test_data"], stone[field], "score" in stone) == (True, "2024-05-01", False)
