"""mapping test: golden cases there and back, their differences, and what accepting does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from mapping_world import replaced, write

from fhir_backpain.cli.mapping.json_difference import difference, resource_difference
from tests.command import Run
from tests.golden.case import ROOT

CASE = "observation-measure/missing-reason-with-site"


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A copy of one golden case in the folder ``golden``."""
    copy = tmp_path / "golden" / CASE
    shutil.copytree(ROOT / CASE, copy)
    return copy


def test_the_project_s_own_cases_hold(run: Run) -> None:
    done = run("mapping", "test", ROOT)
    assert (done.code, done.out) == (0, "")
    assert ", 0 differ." in done.err


def test_a_difference_is_a_fhirpath_with_both_values(run: Run, case: Path) -> None:
    replaced(case / "expected.r4.json", '"status": "final"', '"status": "amended", "x": [1.50]')
    done = run("mapping", "test", "golden")
    assert done.code == 1
    assert done.out.splitlines() == [
        CASE,
        '  Observation.status: -"amended" +"final"',
        "  Observation.x[0]: -1.50",
    ]
    assert "1 cases, 1 differ." in done.err


def test_accepting_shows_the_difference_and_then_writes_it(run: Run, case: Path) -> None:
    good = (case / "expected.r4.json").read_text("utf-8")
    replaced(case / "expected.r4.json", '"status": "final"', '"status": "amended"')
    done = run("mapping", "test", "golden", "--accept")
    assert done.code == 0
    assert 'Observation.status: -"amended" +"final"' in done.out
    assert "1 cases, 0 differ, 1 accepted." in done.err
    assert (case / "expected.r4.json").read_text("utf-8") == good
    assert run("mapping", "test", "golden").code == 0


def test_a_new_case_is_written_by_accepting(run: Run, case: Path) -> None:
    good = (case / "expected.r4.json").read_text("utf-8")
    (case / "expected.r4.json").unlink()
    done = run("mapping", "test", "golden")
    assert done.code == 1
    assert "expected.r4.json is not there" in done.out
    assert not (case / "expected.r4.json").exists()
    assert run("mapping", "test", "golden", "--accept").code == 0
    assert (case / "expected.r4.json").read_text("utf-8") == good


def test_other_releases_are_held_where_they_are_written(run: Run, case: Path) -> None:
    (case / "expected.r5.json").write_text("[]")
    done = run("mapping", "test", "golden")
    assert done.code == 1
    assert f"{CASE} (R5)" in done.out
    assert run("mapping", "test", "golden", "--accept").code == 0
    assert json.loads((case / "expected.r5.json").read_text())[0]["resourceType"] == "Observation"
    assert "2 cases, 0 differ." in run("mapping", "test", "golden").err


def test_a_record_that_does_not_come_back_differs_unless_a_reason_is_given(
    run: Run, folder: Path, case: Path
) -> None:
    mapping = folder / "observation/observation-measure.map.yaml"
    replaced(mapping, "  bodySite: {=concept: site, map: body-site}\n", "")
    replaced(mapping, "resource:", "ignore:\n  - {path: site, because: x}\nresource:")
    done = run("mapping", "test", "golden", "--mappings", folder, "--accept")
    assert done.code == 1
    assert f"{CASE} (back)" in done.out
    assert '  observation.site: -"buttock"' in done.out
    write(case / "one-way.txt", "The site is left out.\n")
    assert run("mapping", "test", "golden", "--mappings", folder).code == 0
    run("mapping", "test", "golden", "--accept")
    done = run("mapping", "test", "golden")
    assert (done.code, "remove one-way.txt" in done.out) == (1, True)


def test_a_wrong_record_differs_with_its_issue(run: Run, case: Path) -> None:
    replaced(case / "source.json", '"measure": "pain-nrs"', '"measure": "pain-nrx"')
    done = run("mapping", "test", "golden")
    assert (done.code, "FBP-4023" in done.out) == (1, True)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("source.json", "{"),
        ("source.json", "[]"),
        ("expected.r4.json", "{}"),
        ("expected.r4.json", "[1]"),
    ],
)
def test_a_case_that_cannot_be_read_is_named(run: Run, case: Path, file: str, text: str) -> None:
    (case / file).write_text(text)
    done = run("mapping", "test", "golden")
    assert (done.code, f"golden/{CASE}/{file}" in done.err) == (2, True)


def test_a_case_of_no_mapping_and_a_folder_of_no_cases(run: Run, case: Path) -> None:
    done = run("mapping", "test", "golden", "--case", "nothing")
    assert (done.code, "FBP-8206" in done.err) == (2, True)
    assert run("mapping", "test", "golden", "--case", CASE).code == 0
    assert run("mapping", "test", "golden", "--case", "observation-measure").code == 0
    case.parent.rename(case.parent.parent / "observation-measur")
    done = run("mapping", "test", "golden")
    assert (done.code, "FBP-8201" in done.err) == (2, True)


def test_a_leaf_that_is_only_on_one_side_is_signed_so() -> None:
    assert list(difference({"a": [1, 2]}, {"a": [1], "b": "x"}, "R")) == ["R.a[1]: -2", 'R.b: +"x"']
    assert list(difference({"a": []}, {"a": {}}, "R")) == ["R.a: -[] +{}"]
    assert list(difference({"a": 1}, {"a": True}, "R")) == ["R.a: -1 +true"]


def test_resources_are_compared_by_address_then_by_type() -> None:
    one, two = ({"resourceType": "Observation", "id": i, "status": s} for i, s in ("1a", "2b"))
    assert list(resource_difference([one, two], [one, two])) == []
    assert list(resource_difference([one, two], [two, one])) == [
        "the same resources, in another order"
    ]
    renamed = {**two, "id": "3"}
    assert list(resource_difference([one, two], [one, renamed])) == [
        'Observation.id: -"2" +"3" in Observation/2'
    ]
    assert list(resource_difference([one], [])) == [
        'Observation.resourceType: -"Observation"',
        'Observation.id: -"1"',
        'Observation.status: -"a"',
    ]
