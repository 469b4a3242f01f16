"""The Bundle of an assessment as dictionaries built by hand.

What a careful engineer writes for one source; nothing is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.engines.identity import Identities

Json = dict[str, Any]
Concepts = dict[str, dict[str, Any]]


def bundle(record: Json, tables: Concepts) -> Json:
    """Return the transaction Bundle of an assessment."""
    builder = _Builder(record, tables)
    resources = [*builder.of_patient(), *builder.observations()]
    resources.append(builder.provenance(resources))
    entries = [
        {
            "resource": made,
            "request": {"method": "PUT", "url": f"{made['resourceType']}/{made['id']}"},
        }
        for made in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


class _Builder:
    def __init__(self, record: Json, tables: Concepts) -> None:
        self._record = record
        self._tables = tables
        self._fixed = tables["fixed"]
        self._ids = Identities(record)
        self._system = record["source"]
        self._meta = {"source": self._system}
        self._claims = tables["claim"]
        self._subject = {
            "reference": f"Patient/{self._ids.patient_id}",
            "identifier": record["patient"]["identifier"],
        }
        address, value = self._ids.of_patient("Encounter", f"encounter/{record['encounter']['id']}")
        self._encounter = {
            "reference": f"Encounter/{address}",
            "identifier": {"system": self._system, "value": value},
        }

    def of_patient(self) -> Iterator[Json]:
        record, ids = self._record, self._ids
        yield {
            "resourceType": "Patient",
            "id": ids.patient_id,
            "meta": self._meta,
            "identifier": [record["patient"]["identifier"]],
        }
        encounter = record["encounter"]
        yield {
            **self._head("Encounter", ids.of_patient("Encounter", f"encounter/{encounter['id']}")),
            "status": encounter.get("status", "finished"),
            "class": self._tables["encounter-class"][encounter["setting"]],
            "subject": self._subject,
        }
        for cause in record["causes"]:
            yield self._condition(cause)

    def _condition(self, cause: Json) -> Json:
        key = "/".join(["cause", cause["cause"], cause.get("side", "")]).rstrip("/")
        condition = {
            **self._head("Condition", self._ids.of_patient("Condition", key)),
            "meta": self._claims["cause"] | self._meta,
            "verificationStatus": self._tables["certainty"][cause["certainty"]],
            "category": [self._fixed["problem-list-item"]],
            "code": self._tables["cause"][cause["cause"]],
            "subject": self._subject,
        }
        if "side" in cause:
            condition["bodySite"] = [self._tables["side"][cause["side"]]]
        return condition

    def observations(self) -> Iterator[Json]:
        work = self._record["work_status"]
        yield self._reported("days-off-work", "social-history", "days-off-work") | {
            "valueQuantity": self._quantity(work["days_off"], "day")
        }
        yield self._reported("pain-onset", "survey", "pain-onset") | {
            "valueDateTime": self._record["pain"]["onset"]
        }
        yield from map(self._rating, self._record["pain"]["ratings"])
        yield from map(self._red_flag, self._record["red_flags"])
        yield from map(self._score, self._record["scores"])
        yield self._reported("work-status", "social-history", "employment-status") | {
            "valueCodeableConcept": self._tables["work-status"][work["status"]]
        }

    def _rating(self, rating: Json) -> Json:
        scale, side = rating["scale"], rating.get("side")
        key = "/".join(["pain", scale, rating["site"], side or ""]).rstrip("/")
        made = self._observation(
            key, self._tables["measure-category"][scale], self._tables["scale"][scale]
        )
        made["meta"] = self._tables["measure-claim"][scale] | self._meta
        made["performer"] = [self._subject]
        made["valueQuantity"] = self._quantity(rating["score"], scale)
        made["bodySite"] = self._tables["body-site"][rating["site"]]
        if side:
            made["component"] = [
                {
                    "code": self._fixed["body-side"],
                    "valueCodeableConcept": self._tables["side"][side],
                }
            ]
        return made

    def _red_flag(self, red: Json) -> Json:
        key = f"red-flag/{red['flag']}"
        code = self._tables["red-flag"][red["flag"]]
        made = self._observation(key, [self._fixed["exam"]], code)
        made["meta"] = self._claims["red-flag"] | self._meta
        made["valueBoolean"] = red["present"]
        return made

    def _score(self, score: Json) -> Json:
        measure = score["measure"]
        made = self._observation(
            f"score/{measure}",
            self._tables["measure-category"][measure],
            self._tables["measure"][measure],
        )
        made["meta"] = self._tables["measure-claim"][measure] | self._meta
        if measure in self._tables["patient-measure"]:
            made["performer"] = [self._subject]
        made["valueQuantity"] = self._quantity(score["score"], measure)
        return made

    def _reported(self, key: str, category: str, code: str) -> Json:
        made = self._observation(key, [self._fixed[category]], self._fixed[code])
        made["meta"] = self._claims["history"] | self._meta
        made["performer"] = [self._subject]
        return made

    def _observation(self, key: str, category: list[Json], code: Json) -> Json:
        address, value = self._ids.of_record("Observation", key)
        return {
            "resourceType": "Observation",
            "id": address,
            "meta": self._meta,
            "identifier": [{"system": self._system, "value": value}],
            "status": "final",
            "category": category,
            "code": code,
            "subject": self._subject,
            "encounter": self._encounter,
            "effectiveDateTime": self._record["assessed_at"],
        }

    def provenance(self, made: list[Json]) -> Json:
        address, _ = self._ids.of_record("Provenance", "provenance")
        record = self._record
        what = {"system": record["source"], "value": record["id"]}
        return {
            "resourceType": "Provenance",
            "id": address,
            "meta": self._claims["provenance"] | self._meta,
            "target": [{"reference": f"{one['resourceType']}/{one['id']}"} for one in made],
            "occurredDateTime": record["assessed_at"],
            "recorded": record["recorded_at"],
            "agent": [
                {
                    "type": self._fixed["assembler"],
                    "who": {"type": "Device", "display": "fhir_backpain"},
                }
            ],
            "entity": [
                {"role": "source", "what": {"identifier": what, "display": record["record"]}}
            ],
        }

    def _head(self, type_: str, identity: tuple[str, str]) -> Json:
        address, value = identity
        return {
            "resourceType": type_,
            "id": address,
            "meta": self._meta,
            "identifier": [{"system": self._system, "value": value}],
        }

    def _quantity(self, value: float, unit: str) -> Json:
        return {"value": value, **self._tables["unit"][unit]}
