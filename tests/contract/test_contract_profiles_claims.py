"""HL7's validator on what the golden cases claim; and that random records claim every profile."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from servers.conformance.batch import batches
from servers.conformance.subject import R4, Subject
from tests.golden.case import cases
from tests.property.random_records import RECORDS, random_records

_CLAIMS_NOTHING = {"Encounter"}


@cache
def made_of_random_records() -> tuple[MadeResource, ...]:
    """Return everything that the random records become, each text once."""
    mapper = load_mapper()
    made = [one for record in random_records() for one in mapper(record)]
    return tuple({one.text: one for one in made}.values())


def errors(validator: Validator, texts: list[str]) -> Counter[str]:
    """Return the validator's errors on some resources, counted by type and words."""
    found: Counter[str] = Counter()
    for batch in batches(Subject("claims", R4, len(texts), len(texts), tuple(texts))):
        for one in batch.findings(validator.validate(batch.text.encode())):
            if one.issue.is_error:
                found[f"{one.address.partition('/')[0]}: {one.issue.message}"] += 1
    return found


def test_there_are_a_thousand_records_of_every_shape() -> None:
    assert len(random_records()) >= RECORDS
    made = made_of_random_records()
    mapper = load_mapper()
    claimed = Counter(
        profile for one in made for profile in json.loads(one.text)["meta"].get("profile", ())
    )
    assert {one.type for one in made} == set(mapper.types)
    assert set(claimed) >= set(profiles_of(mapper))


def profiles_of(mapper: Mapper) -> set[str]:
    """Return every profile of ours that is not for a record: those that are claimed."""
    folders = mapper.library.profiles
    found = {url: folders.find(url) for url in folders.urls()}
    return {url for url, one in found.items() if one and one.type in mapper.types}


def test_the_validator_sees_the_claims_in_a_bundle(profile_validator: Validator) -> None:
    """Else the tests below would prove nothing."""
    (text,) = [one.text for one in made_of_random_records() if one.type == "CarePlan"][:1]
    broken = json.loads(text)
    broken["category"] = broken["category"][1:]
    found = errors(profile_validator, [json.dumps(broken)])
    assert any("assess-plan" in message or "AssessPlan" in message for message in found), found


def test_what_claims_nothing_is_known() -> None:
    silent = {
        one.type
        for one in made_of_random_records()
        if "profile" not in json.loads(one.text)["meta"]
    }
    # A Patient without name or gender, an order that nobody signed.
    assert silent == _CLAIMS_NOTHING | {"Patient", "MedicationRequest"}


def test_every_golden_case_meets_what_it_claims(profile_validator: Validator) -> None:
    made = [
        json_text.dump(resource)
        for case in cases()
        if case.release == "R4"
        for resource in case.expected()
    ]
    assert made
    assert errors(profile_validator, made) == {}
