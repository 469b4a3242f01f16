"""A made-up mapping and records for it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.database import Session
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord

QUICK = RetryPolicy(base=0.01, cap=0.05)
LATER = RetryPolicy(base=3600.0, cap=3600.0)
"""With this one a run ends before anything is tried again, however slow the machine is."""


class PlainRenderer:
    """Patient (shared), Condition where the record has one, Observation on it."""

    def __init__(self, version: str = "mapping-1") -> None:
        self.version = version

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        patient_key = data["patient"]["identifier"]["value"]
        patient = made(
            "Patient",
            patient_key,
            {"active": True, "name": [{"family": data["patient"]["name"]["family"]}]},
            shared=True,
            only_if_new=bool(data.get("silent")),
        )
        subject = {"reference": patient.url}
        resources = [patient]
        if data.get("problem"):
            content = {"subject": subject, "code": {"text": data["problem"]}}
            if data["problem"] == "refused":
                content["recorder"] = {"reference": "Practitioner/nobody"}
            resources.append(made("Condition", patient_key, content, shared=True))
        observation: dict[str, Any] = {
            "status": "final",
            "code": {"text": "score"},
            "subject": subject,
            "valueInteger": data["score"],
        }
        if data.get("focus"):
            observation["focus"] = [{"reference": made("Condition", patient_key, {}).url}]
        if data.get("wrong"):
            observation["performer"] = [{"reference": "Practitioner/nobody"}]
        resources.append(made("Observation", f"{patient_key} {data['id']}", observation))
        return resources


def wait_no_longer(store: SqliteStore) -> None:
    """Let all that waits be due."""

    def work(session: Session) -> None:
        for table in ("entry", "patient"):
            session.execute(f"UPDATE {table} SET due = 0, wait = 0 WHERE due IS NOT NULL")

    store.database.write(work)


def made(
    kind: str,
    name: str,
    content: dict[str, Any],
    *,
    shared: bool = False,
    only_if_new: bool = False,
) -> MadeResource:
    """Return a resource whose id follows from its name."""
    resource_id = str(uuid5(NAMESPACE_URL, f"{kind} {name}"))
    text = json.dumps({"resourceType": kind, "id": resource_id, **content})
    return MadeResource(kind, resource_id, text, shared, only_if_new=only_if_new)


def record(
    name: str,
    patient: str = "p1",
    *,
    score: int | Decimal = 1,
    at: str = "2024-05-01",
    family: str = "Example",
    test_data: bool = True,
    **extra: Any,
) -> SourceRecord:
    """Return a made-up observation record."""
    data = {
        "record": "observation",
        "id": name,
        "source": "https://clinic.example/app",
        "observed_at": at,
        "test_data": test_data,
        "patient": {
            "identifier": {"system": "https://clinic.example/mrn", "value": patient},
            "name": {"family": family},
        },
        "score": score,
        **extra,
    }
    return SourceRecord(data, SourceLocation(file="records.jsonl", line=int(name[1:] or 0) + 1))
