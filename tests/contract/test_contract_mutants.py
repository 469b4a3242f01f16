"""The built-in validator and HL7's: one verdict on golden outputs and on their mutants.

HL7's validator runs with US Core 6.1.0 and the package of profiles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from mutants import MUTANTS, ONLY_BUILT_IN, ONLY_HL7, OWN, Mutant

from fhir_backpain.fhir import json_text
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.rule_book import load_rule_book
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.golden.case import cases

OURS = BuiltInValidator()


def golden_texts() -> Iterator[str]:
    """Yield each golden output of R4 once."""
    texts = [json_text.dump(one) for case in cases() if case.release == "R4"
             for one in case.expected()]  # fmt: skip
    yield from dict.fromkeys(texts)


def ours(text: str) -> list[Issue]:
    return [issue for issue in OURS.validate(text) if issue.is_error]


def theirs(validator: Validator, text: str) -> list[str]:
    return [str(issue) for issue in validator.validate(text.encode()) if issue.is_error]


def text_of(mutant: Mutant) -> str:
    return json_text.dump(mutant.resource())


def test_there_are_enough_mutants_of_every_profile() -> None:
    assert len({str(mutant) for mutant in MUTANTS}) == len(MUTANTS) >= 80
    counts = Counter(mutant.profile for mutant in MUTANTS)
    profiles = {url.removeprefix(OWN) for url in load_rule_book().conformance.profiles()}
    assert {name for name in profiles if counts[name] < 4} == set()


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_the_built_in_validator_refuses_a_mutant_at_its_place(mutant: Mutant) -> None:
    found = [(issue.expression or "").replace("[x]", "") for issue in ours(text_of(mutant))]
    # At the place itself, at what it is in, or (of what is in a list) at an item.
    path = mutant.path.replace("._", ".")
    assert any(path.startswith(place) or place.startswith(path) for place in found)


def test_both_find_every_golden_output_good(profile_validator: Validator) -> None:
    for text in golden_texts():
        assert (ours(text), theirs(profile_validator, text)) == ([], [])


def test_both_refuse_every_mutant(profile_validator: Validator) -> None:
    agreed = {str(mutant): bool(theirs(profile_validator, text_of(mutant))) for mutant in MUTANTS}
    assert [name for name, is_refused in agreed.items() if not is_refused] == []


@pytest.mark.parametrize("reason", ONLY_HL7)
def test_what_only_hl7_sees(profile_validator: Validator, reason: str) -> None:
    text = text_of(ONLY_HL7[reason])
    assert (bool(ours(text)), bool(theirs(profile_validator, text))) == (False, True)


@pytest.mark.parametrize("reason", ONLY_BUILT_IN)
def test_what_only_the_built_in_validator_sees(profile_validator: Validator, reason: str) -> None:
    text = text_of(ONLY_BUILT_IN[reason])
    assert (bool(ours(text)), bool(theirs(profile_validator, text))) == (True, False)
