"""What is written does not depend on the order in which records come."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_world import PlainRenderer, made, record

from fhir_backpain.client.reply import Reply
from fhir_backpain.errors import AmbiguousRemoteError, RemoteError, TransientRemoteError
from fhir_backpain.fhir.moment import moment_of
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.entry import Entry, LeasedEntry
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.record import SourceRecord, as_of, key_of
from fhir_backpain.sync.breaker import Breaker
from fhir_backpain.sync.bundle import read_answer, write_updates
from fhir_backpain.sync.canonical_content import is_same_content
from fhir_backpain.sync.composition import Write, compose
from fhir_backpain.sync.plan import make_jobs
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.summary import Summary


def prepared(
    source: SourceRecord, *, faults: int = 0, read_back: bool = False, resources: Any = None
) -> Prepared:
    key = key_of(source.data)
    entry = Entry(
        id=f"{key.patient} {key.id}", server="s", key=key, state="queued", content_hash="",
        mapping_version="m", location=source.location, as_of=as_of(source.data), test_data=True,
        attempts=0, faults=faults, created_at="", settled_at=None, outcome=None, waits_for=(),
        leased=True, retry_in=0.0,
    )  # fmt: skip
    token = sum(key.patient.encode())
    return Prepared.of(
        LeasedEntry(entry, source.data, token, read_back),
        PlainRenderer()(source.data) if resources is None else resources,
    )


def applied(held: dict[str, LedgerRow], records: list[Prepared]) -> None:
    """Write what is to be written, as a server that takes everything."""
    result = compose(records, held, frozenset())
    for row in result.forward:
        held[row.url] = row
    for write in result.writes:
        entry = write.record.leased.entry
        held[write.url] = LedgerRow(write.url, write.rendered.hash, "1", entry.key, entry.as_of, "")


moments = st.lists(st.sampled_from(range(28)), min_size=2, max_size=4, unique=True)


@given(moments, st.data())
def test_the_end_is_the_same_for_every_order_and_every_split(
    days: list[int], data: st.DataObject
) -> None:
    families = data.draw(st.lists(st.sampled_from("AB"), min_size=4, max_size=4))
    records = [
        prepared(record(f"r{day}", at=f"2024-02-{day + 1:02}", family=families[n]))
        for n, day in enumerate(days)
    ]
    ends = set()
    for order in itertools.permutations(records):
        for cut in range(len(order) + 1):
            held: dict[str, LedgerRow] = {}
            for batch in (order[:cut], order[cut:]):
                applied(held, list(batch))
            ends.add(tuple(sorted((url, row.content_hash) for url, row in held.items())))
    assert len(ends) == 1


def test_a_url_comes_once_in_a_bundle_in_order_of_dependency() -> None:
    records = [prepared(record(f"r{n}", problem="pain", focus=True)) for n in range(3)]
    writes = compose(records, {}, frozenset()).writes
    assert [write.rendered.made.type for write in writes] == [
        "Patient", "Condition", "Observation", "Observation", "Observation",
    ]  # fmt: skip
    bundle = json.loads(write_updates(writes, "transaction", "https://fhir.example"))
    urls = [entry["request"]["url"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls))
    assert bundle["entry"][0]["fullUrl"] == f"https://fhir.example/{urls[0]}"
    assert bundle["entry"][0]["resource"]["id"] == urls[0].partition("/")[2]


def test_a_doubtful_row_does_not_keep_a_resource_back() -> None:
    one = prepared(record("r1"))
    held: dict[str, LedgerRow] = {}
    applied(held, [one])
    assert compose([one], held, frozenset()).writes == []
    assert len(compose([one], held, frozenset(held)).writes) == 2


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-05-01", "2024-05-02"),
        ("2024-05", "2024-05-02"),
        ("2024", "2024-01-01T00:00:01Z"),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T09:00:00Z"),
        ("2024-05-01T10:00:00.1Z", "2024-05-01T10:00:00.100000001Z"),
        ("2024-05-01T23:00:00-02:00", "2024-05-02T01:00:00.5Z"),
        ("9999-12-30", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_moments_are_in_order(earlier: str, later: str) -> None:
    assert moment_of(earlier) < moment_of(later)


@pytest.mark.parametrize(
    ("held", "same"),
    [
        ({"meta": {"versionId": "3", "lastUpdated": "x", "source": "#a"}}, True),
        ({"text": {"status": "generated", "div": "<div/>"}}, True),
        ({"meta": {"profile": ["http://other"]}}, False),
        ({"valueQuantity": {"value": 2}}, False),
        ({"note": []}, False),
    ],
)
def test_content_is_compared_without_what_servers_add(held: dict[str, Any], same: bool) -> None:
    mine = {"resourceType": "Observation", "id": "1", "valueQuantity": {"value": 1.50}}
    assert is_same_content(json.dumps(mine), {**mine, **held}) is same


def test_a_narrative_of_ours_counts() -> None:
    mine = {"resourceType": "Patient", "text": {"div": "mine"}}
    assert not is_same_content(json.dumps(mine), {**mine, "text": {"div": "theirs"}})


def writes_of(count: int) -> list[Write]:
    return compose(
        [prepared(record(f"r{n}", f"p{n}")) for n in range(count)], {}, frozenset()
    ).writes


def reply(entries: Any) -> Reply:
    return Reply(200, {}, {"resourceType": "Bundle", "entry": entries}, 7.0)


def good(url: str | None, status: str = "200 OK", version: str = "2") -> dict[str, Any]:
    response = {"status": status, "etag": f'W/"{version}"'}
    if url is not None:
        response["location"] = f"https://fhir.example/{url}/_history/{version}"
    return {"response": response}


def test_answers_count_by_location_whatever_their_order() -> None:
    writes = writes_of(3)
    urls = [write.url for write in writes]
    answer = read_answer(writes, reply([good(url) for url in reversed(urls)]))
    assert answer.written.keys() == set(urls)
    answer = read_answer(writes, reply([good(url) for url in urls[:-1]]))
    assert answer.written.keys() == set(urls[:-1])
    assert isinstance(answer.failed[urls[-1]], AmbiguousRemoteError)


def test_answers_without_location_count_by_place_only_where_all_are_there() -> None:
    writes = writes_of(2)
    urls = [write.url for write in writes]
    assert read_answer(writes, reply([good(None)] * 4)).written.keys() == set(urls)
    assert read_answer(writes, reply([good(None)] * 3)).written == {}
    shuffled = [good(urls[1]), good(None), good(None), good(None)]
    assert read_answer(writes, reply(shuffled)).written.keys() == {urls[1]}


@pytest.mark.parametrize("entries", [None, {}, "x", [None] * 4, [{"response": 1}] * 4, [good("x")]])
def test_an_answer_that_says_nothing_proves_nothing(entries: Any) -> None:
    answer = read_answer(writes_of(2), reply(entries))
    assert answer.written == {}
    assert len(answer.failed) == 4


def test_each_entry_of_a_batch_has_its_own_kind() -> None:
    writes = writes_of(2)
    entries = [good(None, status) for status in ("201 Created", "429", "422 x", "500")]
    answer = read_answer(writes, reply(entries))
    kinds: list[type[RemoteError] | None] = [
        type(answer.failed[write.url]) if write.url in answer.failed else None for write in writes
    ]
    assert [kind and kind.__name__ for kind in kinds] == [
        None, "TransientRemoteError", "PermanentRemoteError", "AmbiguousRemoteError",
    ]  # fmt: skip
    throttled = answer.failed[writes[1].url]
    assert isinstance(throttled, TransientRemoteError)
    assert throttled.retry_after == 7.0
    assert answer.written[writes[0].url].created


def test_jobs_keep_patients_together_and_bundles_small() -> None:
    records = [prepared(record(f"r{n}", f"p{n % 4}")) for n in range(20)]
    jobs = make_jobs(records, {}, bundle_size=7)
    assert sum(len(job.records) for job in jobs) == 20
    for job in jobs:
        assert len(compose(job.records, {}, frozenset()).writes) <= 7
    for patient in {one.key.patient for one in records}:
        ids = [one.key.id for job in jobs for one in job.records if one.key.patient == patient]
        assert ids == [one.key.id for one in records if one.key.patient == patient]


def test_jobs_that_write_the_same_resource_clash() -> None:
    common = made("Practitioner", "dr", {}, shared=True)

    def one(name: str, patient: str) -> Prepared:
        mine: list[MadeResource] = [common, made("Observation", name, {})]
        return prepared(record(name, patient), resources=mine)

    first, second = make_jobs([one("r1", "a"), one("r2", "b")], {}, bundle_size=2)
    assert second.clashes_with([first])
    held: dict[str, LedgerRow] = {}
    applied(held, first.records)
    free, also_free = make_jobs([one("r3", "a"), one("r4", "b")], held, bundle_size=1)
    assert not also_free.clashes_with([free])


def test_a_later_job_clashes_with_one_under_way_that_writes_what_it_makes() -> None:
    common, changed = (made("Practitioner", "dr", {"active": on}, shared=True) for on in (0, 1))

    def one(name: str, patient: str, practitioner: MadeResource) -> Prepared:
        mine = [practitioner, made("Observation", name, {})]
        return prepared(record(name, patient), resources=mine)

    held: dict[str, LedgerRow] = {}
    applied(held, [one("r0", "z", common)])
    (under_way,) = make_jobs([one("r1", "a", changed)], held, 100)
    (later,) = make_jobs([one("r2", "b", common)], held, 100)
    assert common.url not in later.claims
    assert later.clashes_with([under_way])
    assert under_way.clashes_with([later])
    (told,) = make_jobs([one("r3", "c", common)], held, 100, under_way.claims)
    assert common.url in told.claims
    assert told.clashes_with([later])


def test_records_on_which_the_server_failed_go_alone() -> None:
    records = [prepared(record(f"r{n}", f"p{n}"), faults=2 if n == 1 else 0) for n in range(4)]
    assert [len(job.records) for job in make_jobs(records, {}, 100)] == [1, 1, 2]


def test_the_breaker_waits_longer_each_time_and_closes() -> None:
    now = [100.0]
    breaker = Breaker(RetryPolicy(base=1, cap=60), lambda: now[0], lambda: 0.0)
    assert (breaker.is_closed, breaker.ready_in()) == (True, 0.0)
    waits = []
    for _ in range(3):
        breaker.failed(None)
        waits.append(breaker.ready_in())
    assert waits == [0.5, 1.0, 2.0]
    breaker.failed(20.0)
    assert breaker.ready_in() == 20.0
    now[0] += 20
    assert (breaker.ready_in(), breaker.is_closed) == (0.0, False)
    breaker.succeeded()
    assert breaker.is_closed


def test_a_summary_names_every_count() -> None:
    summary = Summary()
    summary.resources["Patient", "created"] += 2
    summary.records["sent"] += 1
    assert summary.to_json() == {
        "records": {
            "sent": 1, "unchanged": 0, "rejected": 0, "held": 0, "conflict": 0, "queued": 0,
            "unclear": 0,
        },
        "resources": {
            "Patient": {"created": 2, "updated": 0, "unchanged": 0, "older": 0, "retired": 0}
        },
        "issues": [],
    }  # fmt: skip
    assert summary.to_table().splitlines()[1].split() == ["Patient", "2", "0", "0", "0", "0"]
