"""protocol: list, show, and drafts that pass validation and mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import write

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.protocols.draft import NOTICE
from tests.command import Run
from tests.unit.followup.followup_world import exercise, plan
from tests.unit.protocols.protocols_world import OF_PROTOCOL, assessment


def visit(folder: Path, name: str, *others: dict[str, Any], **said: Any) -> Path:
    """Write the assessment of a protocol's patient, and other records."""
    return write(folder / "visit.ndjson", *others, {**assessment(**OF_PROTOCOL[name]), **said})


def test_the_list_names_all(run: Run) -> None:
    ran = run("protocol", "list")
    assert {line.split()[0] for line in ran.out.splitlines()} == set(OF_PROTOCOL)
    found = run("protocol", "list", "--json").json["protocols"]
    assert {one["name"] for one in found} == set(OF_PROTOCOL)


@pytest.mark.parametrize("name", sorted(OF_PROTOCOL))
def test_a_protocol_is_shown_with_conditions_and_sources(run: Run, name: str) -> None:
    out = run("protocol", "show", name).out
    assert "1. Education, self-care and staying active\n" in out
    assert "     never proposed: " in out
    assert "https://www.nice.org.uk/guidance/ng59" in out
    assert out.endswith(f"{NOTICE}\n")
    made = run("protocol", "show", name, "--fhir").json
    assert (made["resourceType"], made["id"]) == ("PlanDefinition", f"backpain-{name}")


@pytest.mark.parametrize("name", sorted(OF_PROTOCOL))
def test_a_draft_passes_validate_and_maps_strictly(run: Run, tmp_path: Path, name: str) -> None:
    ran = run("protocol", "apply", name, visit(tmp_path, name))
    assert (ran.code, ran.err) == (ExitCode.DONE, f"{NOTICE}\n")
    (tmp_path / "draft.ndjson").write_text(ran.out)
    checked = run("validate", "draft.ndjson")
    assert checked.code == ExitCode.DONE, checked.err
    mapped = run("map", "draft.ndjson", "--strict")
    assert mapped.code == ExitCode.DONE, mapped.err
    kinds = [entry["resource"]["resourceType"] for entry in mapped.json["entry"]]
    assert "CarePlan" in kinds


def test_the_account_is_there_as_words_and_as_data(run: Run, tmp_path: Path) -> None:
    file = visit(tmp_path, "disc-herniation")
    words = run("protocol", "apply", "disc-herniation", file, "--explain").out
    assert "cannot be told: Referral for a surgical opinion on discectomy\n" in words
    assert "not proposed: Gabapentin\n  NICE advises against gabapentinoids" in words
    told = run("protocol", "apply", "disc-herniation", file, "--json").json
    record = run("protocol", "apply", "disc-herniation", file).json
    assert told["record"] == record
    assert told["notice"] == NOTICE


def test_a_red_flag_stops_the_draft(run: Run, tmp_path: Path) -> None:
    flags = [{"flag": "saddle-anesthesia", "present": True}]
    file = visit(tmp_path, "disc-herniation", red_flags=flags)
    ran = run("protocol", "apply", "disc-herniation", file)
    assert ran.code == ExitCode.DONE
    assert [one["treatment"] for one in ran.json["activities"]] == ["urgent-referral"]
    assert "urgent referral" in ran.json["summary"]
    words = run("protocol", "apply", "disc-herniation", file, "--explain").out
    assert "stopped: red flag saddle-anesthesia is present\n" in words
    assert "\nproposed: " not in words


def test_what_was_tried_comes_from_earlier_plans_of_the_patient(run: Run, tmp_path: Path) -> None:
    def fate(*plans: dict[str, Any]) -> str:
        file = visit(tmp_path, "disc-herniation", *plans)
        told = run("protocol", "apply", "disc-herniation", file, "--json").json["considered"]
        return next(one["fate"] for one in told if one["action"] == "surgical-opinion")

    tried = plan("C-1", "2026-01-05", activities=[exercise()])
    assert fate(tried) == "proposed"
    assert fate({**tried, "status": "draft"}) == "cannot be told"
    assert fate({**tried, "written_at": "2026-03-03"}) == "cannot be told"
    stranger = {"identifier": {"system": "https://clinic.example/mrn", "value": "P-2"}}
    assert fate({**tried, "patient": stranger}) == "cannot be told"


def test_one_of_several_assessments_is_chosen_by_id(run: Run, tmp_path: Path) -> None:
    second = {**assessment(**OF_PROTOCOL["muscle-strain"]), "id": "A-2"}
    file = visit(tmp_path, "muscle-strain", second)
    ran = run("protocol", "apply", "muscle-strain", file)
    assert (ran.code, ran.out) == (ExitCode.WRONG_USE, "")
    assert "FBP-8013" in ran.err
    ran = run("protocol", "apply", "muscle-strain", file, "--assessment", "A-2")
    assert ran.json["id"] == "draft-muscle-strain-A-2"


def test_a_protocol_for_others_drafts_nothing(run: Run, tmp_path: Path) -> None:
    ran = run("protocol", "apply", "spinal-stenosis", visit(tmp_path, "muscle-strain"))
    assert (ran.code, ran.out) == (ExitCode.DATA_PROBLEMS, "")
    assert "visit.ndjson:1:1: error FBP-4601" in ran.err


def test_an_unknown_protocol_is_told(run: Run, tmp_path: Path) -> None:
    ran = run("protocol", "show", "headache")
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-1201" in ran.err


def test_protocols_of_ones_own_take_the_place_of_the_shipped(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sources.yaml").write_text(
        "sources:\n  a: {name: A, citation: A and others, url: https://a.example}\n"
    )
    (own / "tiny.yaml").write_text(
        "protocol: tiny\ntitle: Tiny\ncauses: []\nfor: [always]\ngoals: [odi]\ndue weeks: 6\n"
        "stop when: []\nsteps:\n  - step: s\n    title: S\n    actions:\n"
        "      - {action: a, title: A, treatment: massage, when: [always], says: It helps.,"
        " sources: [a]}\n"
    )
    assert run("protocol", "list", "--protocols", own).out == "tiny  Tiny\n"
    file = visit(tmp_path, "muscle-strain")
    record = json.loads(run("protocol", "apply", "tiny", file, "--protocols", own).out)
    assert [one["treatment"] for one in record["activities"]] == ["massage"]
