"""HL7's validator on what is made for R5: another reading of the same definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.hl7.validator import Validator, ValidatorIssue
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.record import RECORD_TYPES
from tests.records import assessment

RECORDS_OF_A_TYPE = 20


@pytest.fixture(scope="module")
def r5_validator(validator_installation: None) -> Iterator[Validator]:
    """HL7's validator for FHIR 5.0.0, without further packages."""
    with Validator("5.0.0") as validator:
        yield validator


@pytest.fixture(scope="module")
def r5_mapper() -> Mapper:
    return load_mapper(release="R5")


def records() -> list[dict[str, object]]:
    """The same records every time: some of each type, from the whole of the clinic."""
    found = []
    everything = list(Clinic(seed=5, patients=30).records())
    for record_type in RECORD_TYPES:
        of_type = [record for record in everything if record["record"] == record_type]
        found += Random(5).sample(of_type, RECORDS_OF_A_TYPE)
    # What few records have is among them too.
    others = Clinic(patients=2).records()
    found += [next(one for one in others if one.get("procedures"))]
    return found


def errors(validator: Validator, text: str) -> list[ValidatorIssue]:
    return [issue for issue in validator.validate(text.encode()) if issue.is_error]


def test_sixty_records_of_the_clinic_are_valid_r5(
    r5_validator: Validator, r5_mapper: Mapper
) -> None:
    made = {one.url: one for record in records() for one in r5_mapper(record)}
    found = [
        f"{one.url}: {issue.expression} {issue.message}"
        for one in made.values()
        for issue in errors(r5_validator, one.text)
    ]
    assert found == []
    types = Counter(one.type for one in made.values())
    assert set(types) == set(r5_mapper.types)


def test_the_validator_tells_r4_from_r5(r5_validator: Validator) -> None:
    visit = {"id": "1", "setting": "clinic", "start": "2024-03-04"}
    record = assessment(encounter=visit, recorded_at="2024-03-04T10:00:00Z")
    (encounter,) = [one for one in load_mapper()(record) if one.type == "Encounter"]
    assert errors(r5_validator, encounter.text)
