"""HL7's validator on what is made and claimed: golden cases, and 1,000 random records.

Resources of one type are put into Bundles of the type `collection`, since that is several times
faster than one by one. References lead out of such a Bundle, so that each resource is judged alone.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.record import RECORD_TYPES
from tests.golden.case import cases
from tests.property.records_strategy import records

RECORDS = 1000
_CHUNK = 100
_DRAWN_OF_A_TYPE = 450
_CLAIMS_NOTHING = {"Encounter"}
_UNKNOWN_SCHEME = "x:~é"


@pytest.fixture(scope="module")
def r5_validator(validator_installation: None) -> Iterator[Validator]:
    """HL7's validator for FHIR 5.0.0, without further packages."""
    with Validator("5.0.0") as validator:
        yield validator


@cache
def random_records() -> tuple[dict[str, Any], ...]:
    """Return the same random records every time, each of them once."""
    found: dict[str, dict[str, Any]] = {}
    for record_type in RECORD_TYPES:

        @seed(1)
        @settings(
            max_examples=_DRAWN_OF_A_TYPE,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(records(record_type))
        def draw(record: dict[str, Any]) -> None:
            found[json_text.dump(record)] = with_known_schemes(record)

        draw()
    return tuple(found.values())


def with_known_schemes(value: Any) -> Any:
    """Return a record whose systems have a scheme that the validator knows.

    It takes http, https and urn for absolute; FHIR itself allows the others, too.
    """
    if isinstance(value, dict):
        return {key: with_known_schemes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_known_schemes(item) for item in value]
    return f"urn:{value}" if value == _UNKNOWN_SCHEME else value


@cache
def made_of_random_records(release: str) -> tuple[MadeResource, ...]:
    """Return everything that the random records become, each text once."""
    mapper = load_mapper(release=release)
    made = [one for record in random_records() for one in mapper(record)]
    return tuple({one.text: one for one in made}.values())


def errors(validator: Validator, texts: Iterable[str]) -> Counter[str]:
    """Return the validator's errors on some resources, counted by type and words."""
    by_type: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        by_type[json.loads(text)["resourceType"]].append(text)
    found: Counter[str] = Counter()
    for type_, of_type in by_type.items():
        for start in range(0, len(of_type), _CHUNK):
            bundle = collection(of_type[start : start + _CHUNK])
            for issue in validator.validate(bundle.encode()):
                if issue.is_error:
                    found[f"{type_}: {issue.message}"] += 1
    return found


def collection(texts: list[str]) -> str:
    """Return a Bundle in which each resource is at a server of its own."""
    entries = [
        f'{{"fullUrl":"https://server-{number}.example/fhir/{address(text)}","resource":{text}}}'
        for number, text in enumerate(texts)
    ]
    return f'{{"resourceType":"Bundle","type":"collection","entry":[{",".join(entries)}]}}'


def address(text: str) -> str:
    resource = json.loads(text)
    return f"{resource['resourceType']}/{resource['id']}"


def test_there_are_a_thousand_records_of_every_shape() -> None:
    assert len(random_records()) >= RECORDS
    made = made_of_random_records("R4")
    mapper = load_mapper()
    claimed = Counter(
        profile for one in made for profile in json.loads(one.text)["meta"].get("profile", ())
    )
    assert {one.type for one in made} == set(mapper.types)
    assert set(claimed) >= set(profiles_of(mapper))


def profiles_of(mapper: Mapper) -> set[str]:
    """Return every profile of ours that is not for a panel or a record: those that are claimed."""
    folders = mapper.library.profiles
    found = {url: folders.find(url) for url in folders.urls()}
    resources = {url for url, one in found.items() if one and one.type in mapper.types}
    return {url for url in resources if not url.endswith("-panel")}


def test_the_validator_sees_the_claims_in_a_bundle(profile_validator: Validator) -> None:
    """Else the tests below would prove nothing."""
    (text,) = [one.text for one in made_of_random_records("R4") if one.type == "CarePlan"][:1]
    broken = json.loads(text)
    broken["category"] = broken["category"][1:]
    found = errors(profile_validator, [json.dumps(broken)])
    assert any("assess-plan" in message or "AssessPlan" in message for message in found), found


def test_what_claims_nothing_is_known() -> None:
    silent = {
        one.type
        for one in made_of_random_records("R4")
        if "profile" not in json.loads(one.text)["meta"]
    }
    # A Patient without name or gender, an order that nobody signed.
    assert silent == _CLAIMS_NOTHING | {"Patient", "MedicationRequest"}


def test_every_golden_case_meets_what_it_claims(profile_validator: Validator) -> None:
    made = [json_text.dump(resource) for case in cases() for resource in case.expected()]
    assert made
    assert errors(profile_validator, made) == {}


def test_a_thousand_random_records_meet_what_they_claim(profile_validator: Validator) -> None:
    made = made_of_random_records("R4")
    assert errors(profile_validator, [one.text for one in made]) == {}


def test_a_thousand_random_records_are_valid_r5(r5_validator: Validator) -> None:
    made = made_of_random_records("R5")
    assert not [one for one in made if "profile" in json.loads(one.text)["meta"]]
    assert errors(r5_validator, [one.text for one in made]) == {}
