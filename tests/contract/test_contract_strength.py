"""`validate --with hl7`: HL7's validator from the command line, warm for the whole run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhir_backpain.cli.main import group
from fhir_backpain.validation.strength import open_validator

PLAN = "https://fhir-backpain.org/fhir/StructureDefinition/backpain-care-plan"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.json"
    subject = {"reference": "Patient/1"}
    resource = {"resourceType": "CarePlan", "status": "active", "intent": "SECRET"}
    file.write_text(json.dumps([{**resource, "intent": "plan", "subject": subject}, resource]))
    return file


def test_the_command_runs_hl7s_validator(validator_installation: None, plan: Path) -> None:
    ran = CliRunner().invoke(group, ["validate", "--fhir", str(plan), "--with", "hl7"])
    assert ran.exit_code == 1, ran.stderr
    assert "CarePlan.intent: error FBP-4066" in ran.stderr
    assert "CarePlan.subject: minimum required" in ran.stderr
    assert "SECRET" not in ran.stderr
    assert ran.stderr.endswith("1 good, 1 rejected.\n")


def test_profiles_of_ours_and_of_us_core_are_loaded(
    validator_installation: None, us_core: Path
) -> None:
    care_plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan",
                 "subject": {"reference": "Patient/1"}}  # fmt: skip
    with open_validator("hl7", packages=[us_core], profiles=[PLAN]) as validator:
        issues = [issue for issue in validator.validate(care_plan) if issue.is_error]
    assert any("assess-plan" in issue.text.lower() or "AssessPlan" in issue.text
               for issue in issues)  # fmt: skip
    assert all(issue.number == 4066 for issue in issues)
