"""Pulling from a real server: HAPI tells of edits and deletions, and of what our outbox sent."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.pull.instant import to_instant
from fhir_backpain.pull.pull_options import PullOptions, PullResult
from fhir_backpain.pull.puller import Puller
from fhir_backpain.pull.sinks.sink_address import sink_of
from fhir_backpain.pull.state import PullState
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.push import Dispatcher

Pull = Callable[[], PullResult]


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


def records(patient: str) -> list[dict[str, Any]]:
    head = {
        "source": "https://clinic.example/app",
        "test_data": True,
        "patient": {
            "identifier": {"system": "https://clinic.example/mrn", "value": patient},
            "name": {"family": "Example"},
        },
        "recorded_at": "2026-03-02T10:00:00+01:00",
    }
    scores = [{"measure": "odi", "score": 44}, {"measure": "rmdq", "score": 11}]
    assessed = {"assessed_at": "2026-03-02T09:30:00+01:00", "scores": scores}
    observed = {"observed_at": "2026-03-02T09:30:00+01:00", "measure": "pain-nrs-week", "score": 7}
    return [
        {"record": "assessment", "id": "A-1", **head, **assessed},
        {"record": "observation", "id": "R-1", **head, **observed},
    ]


def observation_of(client: FhirClient, mapper: Mapper, record: dict[str, Any], part: str) -> Any:
    (url,) = {one.url for one in mapper(record) if f"/{part}" in one.text and "Obse" in one.url}
    return client.read(*url.split("/")).resource


@pytest.mark.parametrize("feed", ["system-history", "type-history", "search"])
def test_hapi_gives_back_what_others_changed(
    hapi: str, mapper: Mapper, tmp_path: Path, feed: str
) -> None:
    # Other tests share the server: the first look begins a little before now.
    since = to_instant(datetime.now(UTC) - timedelta(seconds=5))
    mine = records(f"pull-{uuid.uuid4()}")
    read = [json_text.parse(json.dumps(one)) for one in mine]
    place = SourceLocation(file="records.ndjson", line=1)
    path = tmp_path / "changes.ndjson"

    with FhirClient(hapi) as client, SqliteStore(tmp_path / "outbox.sqlite") as store:
        dispatcher = Dispatcher(store, client, mapper)
        dispatcher.append([SourceRecord(one, place) for one in read])
        assert dispatcher.run_until_idle().is_complete

        def pull() -> PullResult:
            options = PullOptions(feed=feed, since=since)  # type: ignore[arg-type]
            with PullState(tmp_path / "pull.sqlite") as state:
                sink = sink_of(f"ndjson:{path}", state.length)
                return Puller(client, mapper, state, sink, store=store, options=options).run_once()

        def delivered() -> list[dict[str, Any]]:
            text = path.read_text("utf-8") if path.exists() else ""
            found = [json_text.parse(line) for line in text.splitlines()]
            # Other tests use the same server at the same time.
            patient = mine[0]["patient"]["identifier"]
            return [one for one in found if one["record"]["patient"]["identifier"] == patient]

        assert pull().versions["echo"] >= 4
        assert delivered() == []

        edited = observation_of(client, mapper, read[0], "odi")
        edited["valueQuantity"]["value"] = 30
        client.put("Observation", edited["id"], json_text.dump(edited))
        result = pull()
        assert result.versions["delivered"] >= 1, str(result)
        (first,) = delivered()
        scores = [{"measure": "odi", "score": 30}, {"measure": "rmdq", "score": 11}]
        assert first["record"] == mapper.normal_form({**read[0], "scores": scores})
        assert first["unmapped"] == []

        gone = observation_of(client, mapper, read[1], "R-1")
        provenance = next(one for one in mapper(read[1]) if one.type == "Provenance")
        client.delete("Provenance", provenance.id)
        client.delete("Observation", gone["id"])
        pull()
        if feed != "search":
            assert [(one["change"], one["record"]["id"]) for one in delivered()] == [
                ("changed", "A-1"),
                ("deleted", "R-1"),
            ]
        before = delivered()
        pull()
        assert delivered() == before
        with pytest.raises(PermanentRemoteError) as error:
            client.read("Observation", gone["id"])
        assert error.value.status == 410
