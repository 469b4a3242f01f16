"""A process that appends its records and pushes them, as often as it is started.

Arguments: outbox file, base URL of the server, number of records. Writes a line when it is done.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions

PATIENTS = 12


class ScoreRenderer:
    """A patient, whose activity follows the latest record, and an observation."""

    version = "scores-1"

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        name = data["patient"]["identifier"]["value"]
        patient = _made("Patient", name, {"active": data["score"] % 2 == 0}, shared=True)
        content = {
            "status": "final",
            "code": {"text": "score"},
            "subject": {"reference": patient.url},
            "valueInteger": data["score"],
        }
        return [patient, _made("Observation", f"{name} {data['id']}", content)]


def records(count: int) -> Iterator[SourceRecord]:
    """Yield the records, the same for each run."""
    for index in range(count):
        patient = {"system": "https://clinic.example/mrn", "value": f"p{index % PATIENTS}"}
        data = {
            "record": "observation",
            "id": f"r{index}",
            "source": "https://clinic.example/app",
            "observed_at": f"2024-05-01T{index // 60 % 24:02}:{index % 60:02}:00Z",
            "test_data": True,
            "patient": {"identifier": patient},
            "score": index,
        }
        yield SourceRecord(data, SourceLocation(file="scores.jsonl", line=index + 1))


def _made(kind: str, name: str, content: dict[str, Any], *, shared: bool = False) -> MadeResource:
    resource_id = str(uuid5(NAMESPACE_URL, f"{kind} {name}"))
    text = json.dumps({"resourceType": kind, "id": resource_id, **content})
    return MadeResource(kind, resource_id, text, shared)


def main(database: str, base_url: str, count: int) -> None:
    """Append and push once."""
    options = PushOptions(
        bundle_size=10, lease_limit=24, retry=RetryPolicy(base=0.02, cap=0.1), patience=20
    )
    with closing(open_store(database)) as store, FhirClient(base_url, deadline=10) as client:
        dispatcher = Dispatcher(store, client, ScoreRenderer(), options=options)
        dispatcher.append(records(count))
        result = dispatcher.run_until_idle()
    sys.stdout.write(json.dumps(result.to_json()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
