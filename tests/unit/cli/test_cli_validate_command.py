"""validate: records, tables and FHIR resources, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import number_of, observation, write

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.command import Run

PATIENT = {"resourceType": "Patient", "id": "p1", "active": True}


def test_good_records_are_counted(run: Run, good: Path) -> None:
    ran = run("validate", good)
    assert (ran.code, ran.out, ran.err) == (ExitCode.DONE, "", "3 good, 0 rejected.\n")


def test_every_problem_of_a_record_is_told_at_once(run: Run, tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.ndjson", observation("R-1", paim=1, score=11, observed_at="x"))
    ran = run("validate", bad)
    assert ran.code == ExitCode.DATA_PROBLEMS
    for place in ("/paim", "/score", "/observed_at"):
        assert f"bad.ndjson:1:1 at {place}: error FBP-40" in ran.err
    assert ran.err.endswith("0 good, 1 rejected.\n")


def test_json_has_stable_keys(run: Run, mixed: Path) -> None:
    ran = run("validate", mixed, "--json")
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert ran.err == ""
    assert {"accepted", "rejected", "issues", "issueCount", "columns"} <= set(ran.json)
    assert ran.json["accepted"] == {"observation": 2}
    (issue,) = ran.json["issues"]
    assert number_of(issue) == "FBP-4004"
    assert {item["url"].rpartition("-")[2]: item for item in issue["extension"]}["line"][
        "valueInteger"
    ] == 2


def test_a_table_is_checked_through_its_feed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.feed.yaml").write_text(
        "feed: t\nmakes: observation\nrecord:\n  id: =visit\n  source: https://clinic.example/t\n"
        "  patient:\n    identifier: {system: https://clinic.example/mrn, value: =mrn}\n"
        "  observed_at: =day\n  measure: pain-nrs-week\n  score: {=number: pain}\n"
    )
    (tmp_path / "t.csv").write_text("visit,mrn,day,pain\nV1,1,2026-03-02,7\nV2,1,2026-03-02,77\n")
    ran = run("validate", "t.csv", "--feed", "t.feed.yaml")
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert "t.csv:3 field pain at /score: error FBP-4010" in ran.err
    assert "columns of t.csv:" in ran.err
    assert "1 good, 1 rejected." in ran.err


def test_what_the_records_make_is_checked_too(
    run: Run, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop_status(self: BuiltInValidator, resource: Any) -> list[Issue]:
        data = json.loads(resource) if isinstance(resource, str) else {**resource}
        data.pop("status", None)
        return validate(self, data)

    validate = BuiltInValidator.validate
    monkeypatch.setattr(BuiltInValidator, "validate", drop_status)
    ran = run("validate", good)
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert "good.ndjson:1:1 <- Observation.status: error FBP-4048" in ran.err
    assert run("map", good).code == ExitCode.DATA_PROBLEMS
    assert run("map", good, "--no-validate").code == ExitCode.DONE


def test_good_resources_are_counted_by_type(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps([PATIENT, PATIENT]))
    ran = run("validate", "--fhir", "p.json", "--json")
    assert ran.code == ExitCode.DONE
    assert ran.json["accepted"] == {"Patient": 2}


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"active": "yes"}, "active"),
        ({"pain": 7}, "pain"),
        ({"resourceType": "Patent"}, "Patent"),
        ({"birthDate": "2026-13-01"}, "birthDate"),
        ({"contact": [{"name": "x"}]}, "contact"),
    ],
)
def test_bad_resources_are_told(
    run: Run, tmp_path: Path, changes: dict[str, object], hint: str
) -> None:
    (tmp_path / "p.ndjson").write_text(
        f"{json.dumps(PATIENT)}\n{json.dumps({**PATIENT, **changes})}\n"
    )
    ran = run("validate", "--fhir", "p.ndjson")
    assert ran.code == ExitCode.DATA_PROBLEMS
    line = next(line for line in ran.err.splitlines() if line.startswith("p.ndjson:2"))
    assert hint in line
    assert "error FBP-40" in line
    assert ran.err.endswith("1 good, 1 rejected.\n")


def test_what_map_makes_is_good_fhir(run: Run, good: Path, tmp_path: Path) -> None:
    for form in ("bundles", "resources"):
        (tmp_path / "made.ndjson").write_text(run("map", good, "--as", form).out)
        assert run("validate", "--fhir", "made.ndjson").code == ExitCode.DONE


def test_a_missing_file_is_told(run: Run) -> None:
    for option in ((), ("--fhir",)):
        ran = run("validate", *option, "nosuch.json")
        assert ran.code == ExitCode.DATA_PROBLEMS
        assert "nosuch.json: error FBP-2010" in ran.err


@pytest.mark.parametrize("strength", ["builtin", "models"])
def test_a_resource_is_held_against_further_profiles(
    run: Run, tmp_path: Path, strength: str
) -> None:
    (tmp_path / "c.json").write_text(
        json.dumps({
            "resourceType": "CareTeam", "status": "active",
            "subject": {"reference": "Patient/1"},
            "participant": [{"role": [{"text": "x"}], "member": {"display": "y"}}],
        })
    )  # fmt: skip
    arguments = ("validate", "--fhir", "c.json", "--with", strength)
    assert run(*arguments).code == ExitCode.DONE
    url = "https://fhir-backpain.org/fhir/StructureDefinition/backpain-care-team"
    ran = run(*arguments, "--profile", url)
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert "at /identifier <- CareTeam.identifier: error FBP-4048" in ran.err


def test_a_profile_that_is_not_held_is_told_once(run: Run, tmp_path: Path) -> None:
    claim = {"meta": {"profile": ["http://example.org/StructureDefinition/x"]}}
    (tmp_path / "p.json").write_text(json.dumps([{**PATIENT, **claim}] * 3))
    ran = run("validate", "--fhir", "p.json", "--json")
    assert ran.code == ExitCode.DONE
    (issue,) = ran.json["issues"]
    assert (number_of(issue), issue["severity"]) == ("FBP-4061", "information")


def test_a_package_that_is_not_there_is_wrong_use(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PATIENT))
    ran = run("validate", "--fhir", "p.json", "--ig", "nosuch")
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-4064" in ran.err
