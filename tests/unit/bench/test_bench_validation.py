"""The validation race: a fair schema, and defects that are defects."""

from __future__ import annotations

import pytest
from jsonschema import Draft7Validator

from bench.validation.engines import Validator
from bench.validation.race import DEFECTS, defects
from bench.validation.schema import schema_of
from fhir_backpain.fhir import json_text
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.golden.case import cases

GOLDEN = [one for case in cases() if case.release == "R4" for one in case.expected()]
BARE = Validator("bare", "bare", (), bool, bool, is_bare=True)
TEXTS = [json_text.dump(one) for one in GOLDEN]


@pytest.mark.parametrize("kind", sorted({one["resourceType"] for one in GOLDEN}))
def test_the_schema_takes_what_is_good(kind: str) -> None:
    validator = Draft7Validator(schema_of(kind))
    Draft7Validator.check_schema(validator.schema)
    for text in TEXTS:
        data = BARE.takes_data(text)
        if data["resourceType"] == kind:
            assert validator.is_valid(data)
            assert not validator.is_valid({**data, "paint": 1})


def test_every_defect_is_one() -> None:
    spoiled = defects(TEXTS)
    assert len(spoiled) == len(DEFECTS)
    for text in spoiled:
        assert any(issue.is_error for issue in BuiltInValidator().validate(text)), text


def test_claims_may_be_left_out() -> None:
    text = next(text for text in TEXTS if '"profile"' in text)
    whole = Validator("whole", "whole", (), bool, bool)
    assert whole.takes(text) == text.encode()
    assert "profile" in whole.takes_data(text)["meta"]
    assert "profile" not in BARE.takes_data(text)["meta"]
    assert json_text.parse(BARE.takes(text)) == BARE.takes_data(text)
