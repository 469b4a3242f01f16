"""Identity: one address for life, never shared, and safe wherever it is written."""

from __future__ import annotations

import re
import uuid
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_backpain.fhir import identity

FHIR_ID = re.compile(r"^[A-Za-z0-9.-]{1,64}$")
# No comma, dollar or bar: a token search would split there. No quote or backslash: JSON.
SAFE = re.compile(r"^[A-Za-z0-9._~%/-]*$")
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
TRICKY = st.text(alphabet='ab/~%.,|$\\" é2F', min_size=1, max_size=8)
KEYS = st.one_of(TEXTS, TRICKY)
SYSTEMS = st.sampled_from(["urn:a", "urn:b", "https://clinic.example/mrn"])
TYPES = st.sampled_from(["Observation", "Condition", "Goal"])
QUICK = settings(max_examples=60, deadline=None)


def address(
    type_: str, source: str, system: str, value: str, record: str, id_: str, parts: tuple[str, ...]
) -> tuple[str, tuple[str, str]]:
    """Return (logical id, identifier) of what a record makes."""
    patient = identity.patient_in_source(source, system, value)
    owner = identity.record_of_patient(patient, source, record, id_)
    key = identity.key_path(parts)
    return owner.logical_id(type_, key), (source, owner.identifier_value(key))


PLACES = st.tuples(
    TYPES, SYSTEMS, SYSTEMS, KEYS, st.sampled_from(["assessment", "care-plan"]), KEYS,
    st.tuples(KEYS, KEYS),
)  # fmt: skip


@QUICK
@given(first=PLACES, second=PLACES)
def test_distinct_keys_have_distinct_addresses_and_the_same_key_the_same(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    id_1, identifier_1 = address(*first)  # type: ignore[arg-type]
    id_2, identifier_2 = address(*second)  # type: ignore[arg-type]
    assert (id_1 == id_2) == (first == second)
    # The type of a resource is no part of its identifier: a search names it.
    assert (identifier_1 == identifier_2) == (first[1:] == second[1:])
    assert address(*first) == (id_1, identifier_1)  # type: ignore[arg-type]


@QUICK
@given(place=PLACES)
def test_a_logical_id_is_a_valid_uuid_of_version_8_and_a_fhir_id(place: tuple[str, ...]) -> None:
    made = [address(*place)[0], identity.patient_id(place[2], place[3])]  # type: ignore[arg-type]
    for logical_id in made:
        assert FHIR_ID.match(logical_id)
        parsed = uuid.UUID(logical_id)
        assert str(parsed) == logical_id
        assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)


@QUICK
@given(place=PLACES)
def test_an_identifier_is_safe_in_a_token_search_and_in_json(place: tuple[str, ...]) -> None:
    _, (_, value) = address(*place)  # type: ignore[arg-type]
    assert SAFE.match(value)


@QUICK
@given(
    first=st.lists(st.one_of(KEYS, st.none()), min_size=3, max_size=3),
    second=st.lists(st.one_of(KEYS, st.none()), min_size=3, max_size=3),
)
def test_parts_of_a_key_never_run_into_each_other(
    first: list[str | None], second: list[str | None]
) -> None:
    assert (identity.key_path(first) == identity.key_path(second)) == (first == second)


@pytest.mark.parametrize(
    ("part", "made"),
    [
        ("plain-1.2_x", "plain-1.2_x"),
        ("a/b", "a%2Fb"),
        ("a~b", "a%7Eb"),
        ("a%2Fb", "a%252Fb"),
        ("a|b,c$d", "a%7Cb%2Cc%24d"),
        ("é 漢", "%C3%A9%20%E6%BC%A2"),
        (None, ""),
    ],
)
def test_a_part_is_percent_encoded(part: str | None, made: str) -> None:
    assert identity.key_part(part) == made


def test_case_spaces_and_normal_forms_make_different_keys() -> None:
    keys = ["a", "A", "a ", "á", "a\u0301", "\u00e1 "]
    for one, other in combinations(keys, 2):
        if one != other:
            assert identity.key_part(one) != identity.key_part(other)


def test_ids_are_the_same_for_life() -> None:
    # These addresses are on servers: a change here would make every resource a second time.
    patient = identity.patient_in_source("urn:app", "urn:mrn", "7")
    record = identity.record_of_patient(patient, "urn:app", "assessment", "A/1")
    assert identity.patient_id("urn:mrn", "7") == "c2104e4a-57ab-8ce2-875f-41893459419a"
    assert patient.logical_id("Goal", "goal/1") == "95a666bc-e9fc-8fdd-a13e-d299cd4f5a25"
    assert record.logical_id("Observation", "score/odi") == "b0d6348a-78cd-8d9f-ae13-406b0452aaac"
    assert record.identifier_value("score/odi") == "7~402ec93f/assessment/A%2F1/score/odi"


def test_a_patient_is_one_for_every_source_and_their_facts_are_not() -> None:
    one = identity.patient_in_source("urn:a", "urn:mrn", "7")
    other = identity.patient_in_source("urn:b", "urn:mrn", "7")
    assert one.path == other.path
    assert one.logical_id("Goal", "g") != other.logical_id("Goal", "g")


def test_equal_numbers_of_two_hospitals_stay_apart() -> None:
    one = identity.patient_in_source("urn:a", "urn:mrn", "7")
    other = identity.patient_in_source("urn:a", "urn:mrn2", "7")
    assert one.path != other.path
    assert identity.patient_id("urn:mrn", "7") != identity.patient_id("urn:mrn2", "7")


def test_resources_of_one_record_share_the_start_of_their_ids() -> None:
    patient = identity.patient_in_source("urn:a", "urn:mrn", "7")
    record = identity.record_of_patient(patient, "urn:a", "assessment", "1")
    ids = [record.logical_id(type_, "k") for type_ in ("Observation", "Condition")]
    assert ids[0][:24] == ids[1][:24] == record.prefix
    assert ids[0] != ids[1]
