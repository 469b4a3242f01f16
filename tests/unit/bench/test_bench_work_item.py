"""The work item of the bench is a real record, and hand-built dictionaries make the same of it."""

from __future__ import annotations

import json

import pytest

from bench.concepts import concepts
from bench.engines.dict_builders.bundle import bundle
from bench.race import canonical, first_difference
from bench.work_item import lines, work_item
from fhir_backpain.fhir.bundle import put_bundle
from fhir_backpain.fhir.json_text import dump, parse
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.validation.record import RecordChecker

VARIATIONS = list(lines(1, 40))


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


def test_the_work_item_is_a_valid_record(mapper: Mapper) -> None:
    checker = RecordChecker(mapper.library.vocabulary, mapper.library.ranges)
    assert checker.check(parse(dump(work_item()))) == []


def test_every_variation_is_a_valid_record(mapper: Mapper) -> None:
    checker = RecordChecker(mapper.library.vocabulary, mapper.library.ranges)
    assert [checker.check(parse(line)) for line in VARIATIONS] == [[]] * len(VARIATIONS)


def test_every_variation_makes_16_or_17_resources(mapper: Mapper) -> None:
    assert {len(mapper(parse(line))) for line in VARIATIONS} <= {16, 17}


def test_every_variation_has_its_own_patient() -> None:
    patients = {parse(line)["patient"]["identifier"]["value"] for line in VARIATIONS}
    assert len(patients) == len(VARIATIONS)


def test_dict_builders_make_the_same_bundles(mapper: Mapper) -> None:
    tables = concepts()
    ours = [canonical(put_bundle(mapper(parse(line)))) for line in VARIATIONS]
    theirs = [canonical(json.dumps(bundle(json.loads(line), tables))) for line in VARIATIONS]
    assert first_difference(ours, theirs) is None


@pytest.mark.parametrize(
    ("other", "place"),
    [
        ('{"a": [1, {"b": 2}]}', None),
        ('{"a": [1.0, {"b": 2.00}]}', None),
        ('{"a": [1, {"b": 3}]}', "/a/1/b"),
        ('{"a": [1, {"b": "2"}]}', "/a/1/b"),
        ('{"a": [true, {"b": 2}]}', "/a/0"),
        ('{"a": [1]}', "/a"),
        ('{"a": [1, {"b": 2}], "c": null}', "(whole Bundle)"),
    ],
)
def test_a_difference_is_found_at_its_place(other: str, place: str | None) -> None:
    expected = canonical('{"a": [1, {"b": 2}]}')
    found = first_difference([expected], [canonical(other)])
    assert found == (place and f"record 1 at {place}")
