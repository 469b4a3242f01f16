"""map: bundles and resources on standard output, everything else on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli_world import FEED, observation, write

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.mapping.mapper import load_mapper
from tests.command import Run


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def urls(bundle: dict[str, Any]) -> list[str]:
    return [entry["request"]["url"] for entry in bundle["entry"]]


def test_a_bundle_holds_the_consecutive_records_of_a_patient(run: Run, good: Path) -> None:
    ran = run("map", good)
    assert ran.code == ExitCode.DONE
    assert ran.err == "3 records mapped, 0 rejected.\n"
    first, second = documents(ran.out)
    assert (first["resourceType"], first["type"]) == ("Bundle", "transaction")
    kinds = [[url.split("/")[0] for url in urls(bundle)] for bundle in (first, second)]
    assert [each.count("Observation") for each in kinds] == [2, 1]
    assert [each.count("Patient") for each in kinds] == [1, 1]
    for bundle in (first, second):
        assert len(set(urls(bundle))) == len(urls(bundle))
        for entry in bundle["entry"]:
            resource = entry["resource"]
            assert entry["request"]["url"] == f"{resource['resourceType']}/{resource['id']}"


def test_records_of_a_patient_apart_from_each_other_make_bundles_of_their_own(
    run: Run, tmp_path: Path
) -> None:
    records = (observation("R-1"), observation("R-2", "P-2"), observation("R-3"))
    assert len(documents(run("map", write(tmp_path / "a.ndjson", *records)).out)) == 3


def test_resources_are_those_of_the_bundles(run: Run, good: Path) -> None:
    bundles = documents(run("map", good).out)
    resources = documents(run("map", good, "--as", "resources").out)
    in_bundles = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
    assert {json.dumps(item) for item in resources} == {json.dumps(item) for item in in_bundles}
    mapper = load_mapper()
    lines = good.read_text().splitlines()
    made = [each.text for line in lines for each in mapper(json.loads(line))]
    assert run("map", good, "--as", "resources").out.splitlines() == made


def test_pretty_is_the_same_data(run: Run, tmp_path: Path) -> None:
    one = write(tmp_path / "one.ndjson", observation("R-1", score=6.50))
    plain, pretty = run("map", one), run("map", one, "--pretty")
    assert pretty.json == plain.json
    assert "\n  " in pretty.out


def test_pretty_keeps_a_number_as_it_was_written(run: Run, tmp_path: Path) -> None:
    text = json.dumps(observation("R-1", measure="body-weight", score=8)).replace("8}", "80.50}")
    (tmp_path / "one.ndjson").write_text(text)
    for option in ((), ("--pretty",)):
        assert "80.50" in run("map", "one.ndjson", *option).out


def test_bad_records_are_told_and_the_others_mapped(run: Run, mixed: Path) -> None:
    ran = run("map", mixed)
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert len(documents(ran.out)) == 2
    assert "mixed.ndjson:2:1 at /paim: error FBP-4004" in ran.err
    assert ran.err.endswith("2 records mapped, 1 rejected.\n")


def test_the_report_accounts_for_every_column(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.feed.yaml").write_text(FEED)
    rows = ["visit,mrn,day,pain,clerk,extra", "V1,1,2026-03-02,7,ab,", "V2,2,2026-03-03,,,x"]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    ran = run("map", "t.csv", "--feed", "t.feed.yaml", "--report")
    assert ran.code == ExitCode.DATA_PROBLEMS
    report = ran.json
    assert {"accepted", "rejected", "issues", "issueCount", "columns"} <= set(report)
    assert report["accepted"] == {"observation": 1}
    assert report["rejected"] == 1
    found = {account["column"]: account for account in report["columns"]["t.csv"]}
    fates = {name: account["fate"] for name, account in found.items()}
    assert fates == {
        "visit": "mapped", "mrn": "mapped", "day": "mapped", "pain": "mapped",
        "clerk": "ignored", "extra": "unmapped",
    }  # fmt: skip
    assert (found["pain"]["filled"], found["pain"]["empty"]) == (1, 1)
    assert found["clerk"]["detail"] == "not clinical"
    assert found["pain"]["detail"] == "score"


def test_a_missing_file_is_told_and_the_others_mapped(run: Run, good: Path) -> None:
    ran = run("map", "nosuch.ndjson", good)
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert len(documents(ran.out)) == 2
    assert "nosuch.ndjson: error FBP-2010" in ran.err
