"""The conformance run in its short form, and that nothing is lost by judging in Bundles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mutants import MUTANTS as ALL_MUTANTS

from fhir_backpain.fhir import json_text
from fhir_backpain.toolchain.problem import CounterpartError
from servers.conformance.batch import Finding
from servers.conformance.judgement import Row, judge
from servers.conformance.subject import R4, R5, Subject, subjects
from servers.conformance.table import faults, table

_WHOLE_RUN = 1800
"""Seconds: four validators start, and judge some ten thousand resources."""

# Each gets an id of its own here, so that a wrong id would be put right.
MUTANTS = [mutant for mutant in ALL_MUTANTS if not mutant.path.endswith(".id")]


def run(*held: Subject, us_core: Path) -> list[Row]:
    return judge(held, us_core, lambda line: None)


@pytest.mark.timeout(_WHOLE_RUN)
def test_all_that_is_shipped_and_made_is_valid(validator_installation: None, us_core: Path) -> None:
    rows = run(*subjects(short=True), us_core=us_core)
    print(*table(rows, sum(row.seconds for row in rows)), sep="\n")
    assert list(faults(rows)) == []
    assert [row.judged for row in rows] == [len(row.subject.texts) for row in rows]
    assert all(row.findings for row in rows)  # Each has warnings: the validator did look at it.


@pytest.fixture(scope="module")
def defects(validator_installation: None, us_core: Path) -> list[Row]:
    """What is said of every mutant of the profiles, together in R4, and of a wrong R5 resource."""
    mutants = [mutant.resource() for mutant in MUTANTS]
    texts = tuple(json_text.dump({**one, "id": f"m{at}"}) for at, one in enumerate(mutants))
    encounter = {"resourceType": "Encounter", "id": "r4", "status": "finished", "class": {}}
    good = {"resourceType": "Patient", "id": "good"}
    other = (json.dumps(encounter), json.dumps({**encounter, "id": "again"}), json.dumps(good))
    return run(
        Subject("mutants", R4, len(texts), len(texts), texts),
        Subject("R4 taken for R5", R5, len(other), len(other), other),
        us_core=us_core,
    )


def addresses(findings: list[Finding]) -> set[str]:
    return {finding.address.rpartition("/")[2] for finding in findings}


def test_every_defect_is_seen_in_a_bundle_and_told_of_its_resource(defects: list[Row]) -> None:
    wrong = {f"m{at}" for at in range(len(MUTANTS))}
    missed = wrong - addresses(defects[0].errors)
    assert [str(MUTANTS[int(name[1:])]) for name in sorted(missed)] == []


def test_r5_is_judged_by_its_own_definitions(defects: list[Row]) -> None:
    assert addresses(defects[1].errors) == {"r4", "again"}


def test_a_run_without_its_packages_ends_at_once(validator_installation: None) -> None:
    nothing = Subject("nothing", R4, 1, 1, ('{"resourceType": "Patient", "id": "1"}',))
    with pytest.raises(CounterpartError, match="nowhere"):
        run(nothing, us_core=Path("nowhere.tgz"))
