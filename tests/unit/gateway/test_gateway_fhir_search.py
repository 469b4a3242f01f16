"""Read and search of what was sent, as the newest records make it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from sent_records import Sent

from fhir_backpain.client.client import FhirClient
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from tests.records import exact


@pytest.fixture(scope="module")
def sent(
    tmp_path_factory: pytest.TempPathFactory,
    mapper: Mapper,
    clinic_records: list[dict[str, Any]],
) -> Iterator[Sent]:
    records = json.loads(json.dumps(clinic_records, default=float))
    place = tmp_path_factory.mktemp("sent") / "o.sqlite"
    with (
        SandboxServer() as server,
        SqliteStore(place) as store,
        FhirClient(server.base_url) as client,
    ):
        store.append(
            (SourceRecord(exact(one), SourceLocation()) for one in records),
            server.base_url,
            mapper.version,
        )
        assert Dispatcher(store, client, mapper).run_until_idle().reason == "idle"
        app = create_app(GatewaySettings(server.base_url, place), store=store, mapper=mapper)
        yield Sent(app, store, server.base_url, records, mapper)


def of_type(sent: Sent, kind: str) -> set[str]:
    return {url for url in sent.all_made() if url.startswith(f"{kind}/")}


def found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    Bundle.model_validate_json(answer.text)
    entries = answer.json.get("entry", [])
    base = answer.request.host_url + "fhir/"
    assert all(one["search"]["mode"] == "match" for one in entries)
    return [one["fullUrl"].removeprefix(base) for one in entries]


def pages(sent: Sent, url: str | None) -> Iterator[list[str]]:
    while url:
        answer = sent.api.get(url)
        yield found(answer)
        links = {one["relation"]: one["url"] for one in answer.json["link"]}
        url = links.get("next")


def without_time(resource: dict[str, Any]) -> dict[str, Any]:
    meta = {name: value for name, value in resource["meta"].items() if name != "lastUpdated"}
    return {**resource, "meta": meta}


def test_what_was_sent_can_be_read(sent: Sent) -> None:
    record = next(one for one in sent.records if one["record"] == "observation")
    for url, made in sent.made(record).items():
        answer = sent.api.get(f"/fhir/{url}")
        assert answer.status_code == 200
        assert answer.content_type == "application/fhir+json; charset=utf-8"
        assert answer.json["meta"]["lastUpdated"].endswith("Z")
        if not url.startswith("Patient/"):
            assert without_time(answer.json) == made
        again = sent.api.get(f"/fhir/{url}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


def test_that_it_was_shown_stands_in_the_trail(sent: Sent) -> None:
    (url,) = list(of_type(sent, "Goal"))[:1]
    before = sum(one.what == "shown" for one in sent.store.trail())
    assert sent.api.get(f"/fhir/{url}").status_code == 200
    assert sum(one.what == "shown" for one in sent.store.trail()) == before + 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Observation/none", 404),
        ("Observation/..%2fx", 404),
        ("Practitioner/x", 404),
        ("Nothing/x", 404),
        ("Nothing", 404),
        ("observation", 404),
        ("Observation/x?_format=xml", 406),
        ("Observation/x?more=1", 400),
        ("Observation?code=x", 400),
        ("Observation?_count=0", 400),
        ("Observation?_count=x", 400),
        ("Observation?_id=a&_id=b", 400),
        ("Observation?identifier=x", 400),
        ("Observation?identifier=|x", 400),
        ("Observation?_lastUpdated=x", 400),
        ("Observation?_lastUpdated=ap2026", 400),
        ("Patient?patient=x", 400),
        (f"Observation?_id={'a,' * 60}", 400),
    ],
)
def test_what_cannot_be_found_or_asked_is_an_outcome(sent: Sent, path: str, status: int) -> None:
    answer = sent.api.get(f"/fhir/{path}")
    assert answer.status_code == status
    assert answer.json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_written_here(sent: Sent, method: str) -> None:
    for path in ("/fhir/Observation", "/fhir/Observation/x", "/fhir"):
        answer = sent.api.open(path, method=method, json={})
        assert answer.status_code in (404, 405)
        assert answer.json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("kind", ["Patient", "Observation", "CarePlan", "Provenance"])
def test_a_type_comes_page_by_page(sent: Sent, kind: str) -> None:
    listed = list(pages(sent, f"/fhir/{kind}?_count=7"))
    assert all(len(page) == 7 for page in listed[:-1])
    urls = [url for page in listed for url in page]
    assert urls == sorted(of_type(sent, kind))


def test_of_a_patient_there_is_all_and_nothing_of_others(sent: Sent) -> None:
    patient = sorted(of_type(sent, "Patient"))[0]
    mine = {
        url
        for record in sent.records
        if patient in sent.made(record)
        for url in sent.made(record)
        if url.startswith("Observation/")
    }
    for reference in (patient, patient.removeprefix("Patient/")):
        listed = pages(sent, f"/fhir/Observation?patient={reference}&_count=50")
        assert [url for page in listed for url in page] == sorted(mine)
    assert found(sent.api.get("/fhir/Observation?patient=Patient/none")) == []


@pytest.mark.parametrize("kind", ["Patient", "Observation", "Condition", "CarePlan", "Goal"])
def test_an_identifier_finds_one(sent: Sent, kind: str) -> None:
    url = sorted(of_type(sent, kind))[-1]
    made = sent.all_made()[url]["identifier"]
    identifier = made[0] if isinstance(made, list) else made
    token = f"{identifier['system']}|{identifier['value']}"
    assert found(sent.api.get(f"/fhir/{kind}", query_string={"identifier": token})) == [url]
    by_form = sent.api.post(f"/fhir/{kind}/_search", data={"identifier": token, "_count": "1"})
    assert found(by_form) == [url]
    assert all(identifier["value"] not in link["url"] for link in by_form.json["link"])


def test_criteria_are_joined_by_and(sent: Sent) -> None:
    first, second = sorted(of_type(sent, "Patient"))[:2]
    mine = found(sent.api.get(f"/fhir/Goal?patient={first}"))
    ids = ",".join(url.removeprefix("Goal/") for url in mine)
    assert found(sent.api.get(f"/fhir/Goal?patient={first}&_id={ids}")) == mine
    assert found(sent.api.get(f"/fhir/Goal?patient={second}&_id={ids}")) == []


def test_a_time_is_held_against_when_it_was_written(sent: Sent) -> None:
    (url,) = found(sent.api.get("/fhir/Observation?_count=1"))
    at = sent.api.get(f"/fhir/{url}").json["meta"]["lastUpdated"]
    one = f"_id={url.removeprefix('Observation/')}"
    expected = {f"eq{at}": 1, f"ge{at}": 1, f"le{at}": 1, f"gt{at}": 0, f"lt{at}": 0,
                at[:10]: 1, f"gt{at[:10]}": 0, "2001": 0, "ge2001": 1}  # fmt: skip
    for text, count in expected.items():
        query = f"{one}&_lastUpdated={text}"
        assert len(found(sent.api.get(f"/fhir/Observation?{query}"))) == count, text
    all_of = f"/fhir/Observation?_count=100&_lastUpdated=ge{at[:10]}"
    assert sum(map(len, pages(sent, all_of))) == len(of_type(sent, "Observation"))
    assert list(pages(sent, "/fhir/Observation?_lastUpdated=lt2001")) == [[]]


def test_the_newest_version_is_shown_and_what_it_lost_is_not(
    tmp_path: Path, mapper: Mapper, records: list[dict[str, Any]]
) -> None:
    place = tmp_path / "o.sqlite"
    record = next(one for one in records if one["record"] == "observation" and "score" in one)
    with (
        SandboxServer() as server,
        SqliteStore(place) as store,
        FhirClient(server.base_url) as client,
    ):
        settings = GatewaySettings(server.base_url, place)
        api = create_app(settings, store=store, mapper=mapper).test_client()

        def send(**changes: Any) -> str:
            (receipt,) = store.append(
                [SourceRecord(exact(record | changes), SourceLocation())],
                server.base_url,
                mapper.version,
            )
            return receipt.id

        entry = send()
        (url,) = (one.url for one in mapper(exact(record)) if one.type == "Observation")
        assert api.get(f"/fhir/{url}").status_code == 404  # not sent yet
        Dispatcher(store, client, mapper).run_until_idle()
        assert api.get(f"/fhir/{url}").json["valueQuantity"]["value"] == record["score"]
        entry = send(score=1)
        assert api.get(f"/fhir/{url}").json["valueQuantity"]["value"] == 1
        store.discard(entry)
        assert api.get(f"/fhir/{url}").status_code == 404
        assert "entry" not in api.get("/fhir/Observation").json
        row = store.ledger(server.base_url, [url])[url]
        store.settle(server.base_url, [], [replace(row, retired="deleted")])
        assert api.get(f"/fhir/{url}").status_code == 410
