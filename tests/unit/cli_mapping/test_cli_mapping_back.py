"""mapping back: resources and Bundles to records, with every loss told."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mapping_world import write

from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper
from tests.command import Run
from tests.golden.case import cases

WHOLE = [case for case in cases() if case.release == "R4" and case.one_way() is None]


def made(case: Any) -> list[dict[str, Any]]:
    return [json.loads(resource.text) for resource in load_mapper()(case.source())]


@pytest.mark.parametrize("case", WHOLE, ids=str)
def test_a_record_comes_back_in_normal_form(case: Any, run: Run) -> None:
    texts = [resource.text + "\n" for resource in load_mapper()(case.source())]
    write(Path("r.ndjson"), *texts)
    done = run("mapping", "back", "r.ndjson")
    assert done.code == 0
    assert json_text.parse(done.out) == load_mapper().normal_form(case.source())


def test_resources_may_stand_in_a_bundle_a_list_and_several_files(run: Run) -> None:
    resources = made(WHOLE[0])
    entries = [{"resource": item, "search": {"mode": "match"}} for item in resources[:3]]
    entries.append(
        {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
    )
    write(Path("a.json"), {"resourceType": "Bundle", "type": "searchset", "entry": entries})
    write(Path("b.json"), json.dumps(resources[3:]))
    done = run("mapping", "back", "a.json", "b.json")
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert json_text.parse(done.out) == load_mapper().normal_form(WHOLE[0].source())


def test_standard_input_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(made(WHOLE[0]))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run("mapping", "back", "-").code == 0


def test_what_is_not_mapped_back_is_told(run: Run) -> None:
    resources = made(WHOLE[0])
    write(Path("r.ndjson"), *resources, {"resourceType": "Device", "id": "d"})
    done = run("mapping", "back", "r.ndjson")
    assert done.code == 1
    assert "Device: error FBP-3030" in done.err
    assert len(done.out.splitlines()) == 1
    resources[-1]["language"] = "en"
    write(Path("r.ndjson"), *resources)
    done = run("mapping", "back", "r.ndjson")
    assert (done.code, ".language is only in the resource" in done.err) == (1, True)


def test_the_account_as_json(run: Run) -> None:
    write(Path("r.ndjson"), *made(WHOLE[0]), {"resourceType": "Device", "id": "d"})
    done = run("mapping", "back", "r.ndjson", "--report")
    assert done.code == 1
    report = done.json
    assert (report["records"], report["lossless"], report["leavesUnmapped"]) == (1, False, 2)
    assert report["issues"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('{"a": 1}', "FBP-8208"),
        ('{"resourceType": "Patient"}', "FBP-8208"),
        ('{"resourceType": "Bundle", "entry": [{"fullUrl": "x"}]}', "FBP-8208"),
        ("{", "FBP-2"),
    ],
)
def test_what_is_no_fhir_is_refused(run: Run, text: str, number: str) -> None:
    write(Path("x.json"), text)
    done = run("mapping", "back", "x.json")
    assert (done.code, number in done.err, done.out) == (1, True, "")


def test_a_file_that_is_not_there_and_a_bundle_without_entries(run: Run) -> None:
    assert run("mapping", "back", "nothing.json").code == 1
    write(Path("x.json"), {"resourceType": "Bundle", "type": "searchset"})
    done = run("mapping", "back", "x.json")
    assert (done.code, "0 records of 0 resources." in done.err) == (0, True)


def test_of_two_versions_the_later_is_taken(run: Run) -> None:
    resources = made(next(case for case in WHOLE if str(case) == "observation/least"))
    (old,) = [item for item in resources if item["resourceType"] == "Observation"]
    others = [item for item in resources if item is not old]
    stamps = ("2026-01-01T12:00:00.5+02:00", "2026-01-01T11:00:00Z")
    first, last = ({**old, "meta": {**old["meta"], "lastUpdated": stamp}} for stamp in stamps)
    last["status"] = "amended"
    for order in ((first, last), (last, first)):
        write(Path("r.ndjson"), *others, *order)
        done = run("mapping", "back", "r.ndjson")
        assert "warning FBP-8209" in done.err
        assert (done.code, json.loads(done.out)["status"]) == (0, "amended")


def test_records_that_are_incomplete_are_told_without_a_traceback(run: Run) -> None:
    resources = made(next(case for case in WHOLE if str(case) == "care-plan/everything-at-once"))
    for left_out in range(len(resources)):
        write(Path("r.ndjson"), *resources[:left_out], *resources[left_out + 1 :])
        done = run("mapping", "back", "r.ndjson")
        assert done.code in (0, 1)
        assert "FBP-8005" not in done.err
