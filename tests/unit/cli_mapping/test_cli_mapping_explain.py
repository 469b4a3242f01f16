"""mapping explain: the plan as a table, as JSON, and the compiled program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mapping_world import replaced

from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.record import RECORD_TYPES
from tests.command import Run

NAMES = sorted({one.name for kind in RECORD_TYPES for one in load_mapper().declarations(kind)})


def test_a_plan_names_element_function_source_and_line(run: Run) -> None:
    done = run("mapping", "explain", "assessment-pain-onset")
    assert done.code == 0
    assert "when pain.onset is present" in done.out
    (row,) = [line for line in done.out.splitlines() if "valueDateTime" in line]
    assert row.split() == ["24", "Observation.valueDateTime", "<-", "copy(pain.onset)"]


def test_a_plan_says_why_an_element_is_not_read_back(run: Run) -> None:
    out = run("mapping", "explain", "assessment-score").out
    assert "one-way: the identifier is read before the rule is chosen" in out
    assert "by concept map measure" in out
    assert "for each scores as score" in out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("release", ["R4", "R5"])
def test_every_mapping_can_be_explained(run: Run, name: str, release: str) -> None:
    done = run("mapping", "explain", name, "--release", release)
    assert done.code == 0
    assert "<- identity(" in done.out


def test_the_plan_as_json(run: Run) -> None:
    plan = run("mapping", "explain", "care-plan-goal", "--json").json["plan"]
    found = {line["element"]: line for line in plan}
    assert found["Goal.lifecycleStatus"]["sources"] == ["goals[].status"]
    assert found["Goal.lifecycleStatus"]["mapping"].startswith("mappings/care-plan/")


def test_what_must_be_supported_and_is_never_filled_is_listed(run: Run) -> None:
    out = run("mapping", "explain", "assessment-score").out
    assert "never filled:" in out
    assert "  Observation.hasMember (backpain-score)" in out
    gaps = run("mapping", "explain", "assessment-score", "--json").json["notFilled"]
    assert {"profile": "backpain-score", "element": "Observation.hasMember"} in gaps
    assert "never filled" not in run("mapping", "explain", "record-encounter").out


def test_the_code_is_the_program_of_the_record_type(run: Run) -> None:
    out = run("mapping", "explain", "record-patient", "--code").out
    for kind in RECORD_TYPES:
        assert f"# every mapping of the record type {kind}\n{load_mapper().code(kind)}" in out
    found = json.loads(run("mapping", "explain", "observation-measure", "--code", "--json").out)
    assert found["code"] == {"observation": load_mapper().code("observation")}


def test_an_unknown_name_is_answered_with_near_ones(run: Run) -> None:
    done = run("mapping", "explain", "assessment-scor")
    assert done.code == 2
    assert "FBP-8201" in done.err
    assert "Did you mean assessment-score" in done.err


def test_the_mappings_of_another_folder_are_explained(run: Run, folder: Path) -> None:
    path = folder / "observation/observation-measure.map.yaml"
    replaced(path, "else: final", "else: preliminary")
    out = run("mapping", "explain", "observation-measure", "--mappings", folder).out
    assert "else 'preliminary'" in out
