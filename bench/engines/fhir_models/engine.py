"""Typed models of fhir.resources (R4B, pydantic), built field by field and written by pydantic.

Concepts, categories and units are made once and used again, as are the parts that a record's
resources share; whatever varies is validated by its model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fhir.resources.R4B.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.observation import Observation, ObservationComponent
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.provenance import Provenance, ProvenanceAgent, ProvenanceEntity
from fhir.resources.R4B.quantity import Quantity
from fhir.resources.R4B.reference import Reference
from pydantic_core import from_json

from bench.engines.identity import Identities

Json = dict[str, Any]
Concepts = dict[str, dict[str, Any]]


def make(tables: Concepts) -> Callable[[bytes], bytes]:
    """Return the function from a record's line to its Bundle; `tables` are `bench.concepts`'."""
    plain = {name: tables[name] for name in ("unit", "claim", "measure-claim", "patient-measure")}
    categories = {
        word: [CodeableConcept(**concept) for concept in row]
        for word, row in tables["measure-category"].items()
    }
    codings = {word: Coding(**coding) for word, coding in tables["encounter-class"].items()}
    typed = {
        name: {word: CodeableConcept(**concept) for word, concept in rows.items()}
        for name, rows in tables.items()
        if name not in (*plain, "encounter-class", "measure-category")
    }
    known = {**typed, **plain, "encounter-class": codings, "measure-category": categories}
    return lambda line: _Builder(from_json(line), known).bundle().model_dump_json().encode()


class _Builder:
    def __init__(self, record: Json, tables: Concepts) -> None:
        self._record = record
        self._tables = tables
        self._fixed = tables["fixed"]
        self._ids = Identities(record)
        self._meta = Meta(source=record["source"])
        self._patient = Identifier(**record["patient"]["identifier"])
        self._subject = Reference(
            reference=f"Patient/{self._ids.patient_id}", identifier=self._patient
        )
        self._encounter_identity = self._ids.of_patient(
            "Encounter", f"encounter/{record['encounter']['id']}"
        )
        address, value = self._encounter_identity
        self._encounter = Reference(
            reference=f"Encounter/{address}", identifier=self._identifier(value)
        )

    def bundle(self) -> Any:
        """Return the transaction Bundle."""
        made = [*self._of_patient(), *self._observations()]
        addresses = [f"{one.get_resource_type()}/{one.id}" for one in made]
        made.append(self._provenance(addresses))
        addresses.append(f"Provenance/{made[-1].id}")
        return Bundle(
            type="transaction",
            entry=[
                BundleEntry(resource=one, request=BundleEntryRequest(method="PUT", url=address))
                for one, address in zip(made, addresses, strict=True)
            ],
        )

    def _of_patient(self) -> Iterator[Any]:
        yield Patient(id=self._ids.patient_id, meta=self._meta, identifier=[self._patient])
        encounter = self._record["encounter"]
        address, value = self._encounter_identity
        yield Encounter(
            id=address,
            meta=self._meta,
            identifier=[self._identifier(value)],
            status=encounter.get("status", "finished"),
            subject=self._subject,
            **{"class": self._tables["encounter-class"][encounter["setting"]]},
        )
        yield from map(self._condition, self._record["causes"])

    def _condition(self, cause: Json) -> Any:
        side = cause.get("side")
        key = "/".join(["cause", cause["cause"], side or ""]).rstrip("/")
        address, value = self._ids.of_patient("Condition", key)
        return Condition(
            id=address,
            meta=self._claiming(self._tables["claim"]["cause"]),
            identifier=[self._identifier(value)],
            verificationStatus=self._tables["certainty"][cause["certainty"]],
            category=[self._fixed["problem-list-item"]],
            code=self._tables["cause"][cause["cause"]],
            bodySite=[self._tables["side"][side]] if side else None,
            subject=self._subject,
        )

    def _observations(self) -> Iterator[Any]:
        fixed, work = self._fixed, self._record["work_status"]
        social = fixed["social-history"]
        yield self._reported(
            "days-off-work",
            [social],
            fixed["days-off-work"],
            valueQuantity=self._quantity(work["days_off"], "day"),
        )
        onset = self._record["pain"]["onset"]
        yield self._reported(
            "pain-onset", [fixed["survey"]], fixed["pain-onset"], valueDateTime=onset
        )
        yield from map(self._rating, self._record["pain"]["ratings"])
        for red in self._record["red_flags"]:
            yield self._observation(
                f"red-flag/{red['flag']}",
                [fixed["exam"]],
                self._tables["red-flag"][red["flag"]],
                self._tables["claim"]["red-flag"],
                valueBoolean=red["present"],
            )
        yield from map(self._score, self._record["scores"])
        yield self._reported(
            "work-status",
            [social],
            fixed["employment-status"],
            valueCodeableConcept=self._tables["work-status"][work["status"]],
        )

    def _rating(self, rating: Json) -> Any:
        scale, side = rating["scale"], rating.get("side")
        more: Json = {}
        if side:
            component = ObservationComponent(
                code=self._fixed["body-side"], valueCodeableConcept=self._tables["side"][side]
            )
            more["component"] = [component]
        return self._reported(
            "/".join(["pain", scale, rating["site"], side or ""]).rstrip("/"),
            self._tables["measure-category"][scale],
            self._tables["scale"][scale],
            self._tables["measure-claim"][scale],
            valueQuantity=self._quantity(rating["score"], scale),
            bodySite=self._tables["body-site"][rating["site"]],
            **more,
        )

    def _score(self, score: Json) -> Any:
        measure = score["measure"]
        make = self._reported if measure in self._tables["patient-measure"] else self._observation
        return make(
            f"score/{measure}",
            self._tables["measure-category"][measure],
            self._tables["measure"][measure],
            self._tables["measure-claim"][measure],
            valueQuantity=self._quantity(score["score"], measure),
        )

    def _reported(
        self, key: str, category: Any, code: Any, claim: Json | None = None, **value: Any
    ) -> Any:
        claim = claim or self._tables["claim"]["history"]
        return self._observation(key, category, code, claim, performer=[self._subject], **value)

    def _observation(self, key: str, category: Any, code: Any, claim: Json, **more: Any) -> Any:
        address, value = self._ids.of_record("Observation", key)
        return Observation(
            id=address,
            meta=self._claiming(claim),
            identifier=[self._identifier(value)],
            status="final",
            category=category,
            code=code,
            subject=self._subject,
            encounter=self._encounter,
            effectiveDateTime=self._record["assessed_at"],
            **more,
        )

    def _provenance(self, targets: list[str]) -> Any:
        address, _ = self._ids.of_record("Provenance", "provenance")
        record = self._record
        return Provenance(
            id=address,
            meta=self._claiming(self._tables["claim"]["provenance"]),
            target=[Reference(reference=target) for target in targets],
            occurredDateTime=record["assessed_at"],
            recorded=record["recorded_at"],
            agent=[
                ProvenanceAgent(
                    type=self._fixed["assembler"],
                    who=Reference(type="Device", display="fhir_backpain"),
                )
            ],
            entity=[
                ProvenanceEntity(
                    role="source",
                    what=Reference(
                        identifier=self._identifier(record["id"]), display=record["record"]
                    ),
                )
            ],
        )

    def _claiming(self, claim: Json) -> Any:
        return Meta(source=self._record["source"], **claim)

    def _identifier(self, value: str) -> Any:
        return Identifier(system=self._record["source"], value=value)

    def _quantity(self, value: Any, unit: str) -> Any:
        return Quantity(value=value, **self._tables["unit"][unit])
