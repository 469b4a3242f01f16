"""The strengths behind their one interface; HL7's own run is among the contract tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_backpain.hl7.validator import Validator, ValidatorIssue
from fhir_backpain.outcome import Outcome
from fhir_backpain.toolchain.problem import ToolMissingError
from fhir_backpain.validation.models import model_issues
from fhir_backpain.validation.official import OfficialValidator
from fhir_backpain.validation.strength import Strength, open_validator

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "gender": "female",
    "birthDate": "1979-05-01",
    "name": [{"family": "Núñez", "given": ["Ana"]}],
}
OWN_WORDS = "The value 'Núñez' of Ana, born 1979-05-01, is not in http://hl7.org/fhir/ValueSet/x"


@pytest.mark.parametrize("strength", ["builtin", "models"])
@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType": "Patient", "gender": "female", "gender": "male"}',
        '{"resourceType": "Patient", "gender": "bogus"}',
        '{"resourceType": "Patient", "id": "a\\u0000b"}',
        '{"resourceType": "Patient", "multipleBirthInteger": 1.0}',
        '{"resourceType": "Patient", "multipleBirthInteger": NaN}',
        '{"resourceType": "Patient", "managingOrganization": {"reference": "Patient/1"}}',
        '{"resourceType": "Patient", "active": "true"}',
        '{"resourceType": "Patient", "text": {"status": "generated", "div": "<script/>"}}',
        '{"resourceType": "Patient", "extension": ' + "[" * 100 + "]" * 100 + "}",
    ],
)
def test_the_guards_stand_before_every_strength(strength: Strength, text: str) -> None:
    with open_validator(strength) as validator:
        issues = validator.validate(text)
        assert any(issue.is_error for issue in issues)
        assert Outcome.of(issues).to_fhir()["issue"][0]["details"]["text"]


@pytest.mark.parametrize("strength", ["builtin", "models"])
def test_a_good_resource_is_good_for_every_strength(strength: Strength) -> None:
    with open_validator(strength) as validator:
        assert validator.validate(PATIENT) == []
        assert validator.validate(json.dumps(PATIENT)) == []


def test_the_models_have_the_last_word() -> None:
    (issue,) = model_issues({**PATIENT, "birthDate": "x"})
    assert (issue.number, issue.expression) == (4043, "Patient.birthDate")
    assert "x." not in issue.text
    (unknown,) = model_issues({**PATIENT, "sex": "f"})
    assert "FHIR has no such element" in unknown.text
    assert [issue.number for issue in model_issues({"resourceType": "Patent"})] == [4042]
    assert [issue.number for issue in model_issues([])] == [4041]


def found(message: str) -> list[ValidatorIssue]:
    return [ValidatorIssue("error", "code-invalid", "Patient.name[0]", 1, 1, "TX_1", message)]


def test_hl7s_words_are_passed_on_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Validator, "validate", lambda *_, **__: found(OWN_WORDS))
    (issue,) = OfficialValidator().validate(PATIENT)
    assert (issue.severity, issue.code, issue.number) == ("error", "code-invalid", 4066)
    assert issue.expression == "Patient.name[0]"
    assert issue.text == (
        "The value '…' of …, born …, is not in http://hl7.org/fhir/ValueSet/x [TX_1]."
    )
    (shown,) = OfficialValidator(show_values=True).validate(PATIENT)
    assert OWN_WORDS in shown.text
    (broken,) = OfficialValidator().validate("{no JSON of Ana")
    assert broken.text == "… [TX_1]."


def test_hl7s_validator_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("FHIR_BACKPAIN_CACHE", str(tmp_path))
    with pytest.raises(ToolMissingError), open_validator("hl7"):
        pass
