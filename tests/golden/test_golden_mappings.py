"""Each mapping makes what its golden cases say, and what it makes leads back to the record."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_backpain.cli.mapping.golden import GoldenCase
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from tests.golden.case import cases

EVERY = pytest.mark.parametrize("case", cases(), ids=str)
OF_R4 = pytest.mark.parametrize("case", [c for c in cases() if c.release == "R4"], ids=str)


@pytest.fixture(scope="session")
def mapper_for() -> Callable[[str], Mapper]:
    return cache(lambda release: load_mapper(release=release))


@EVERY
def test_the_mapping_makes_what_the_case_says(
    mapper_for: Callable[[str], Mapper], case: GoldenCase
) -> None:
    lines = case.way_there(mapper_for(case.release))
    told = "\n".join(lines)
    assert not lines, f"read it, then: fhir-backpain mapping test --accept --case {case}\n{told}"


@EVERY
def test_the_record_of_the_case_is_valid(
    mapper_for: Callable[[str], Mapper], case: GoldenCase
) -> None:
    assert case.wrong_source(mapper_for(case.release)) == []


@EVERY
def test_what_the_case_expects_leads_back_to_its_record(
    mapper_for: Callable[[str], Mapper], case: GoldenCase
) -> None:
    lines = case.way_back(mapper_for(case.release))
    if case.one_way() is None:
        assert lines == []
    else:
        assert lines, "it comes back after all: remove one-way.txt"


@OF_R4
def test_what_the_case_expects_is_valid_for_the_r4_models(case: GoldenCase) -> None:
    for resource in case.expected():
        text = json_text.dump(resource)
        get_fhir_model_class(resource["resourceType"]).model_validate_json(text)
