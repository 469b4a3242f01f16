"""Each mapping makes what its golden cases say, and each golden record is a valid record."""

from __future__ import annotations

from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.validation.record import RecordChecker
from tests.golden import accept
from tests.golden.case import GoldenCase, cases

EVERY = pytest.mark.parametrize("case", cases(), ids=str)


@EVERY
def test_the_mapping_makes_what_the_case_says(mapper: Mapper, case: GoldenCase) -> None:
    difference = case.difference(mapper)
    assert not difference, f"read it, then: python -m tests.golden.accept {case}\n{difference}"


@EVERY
def test_the_record_of_the_case_is_valid(mapper: Mapper, case: GoldenCase) -> None:
    checker = RecordChecker(mapper.library.vocabulary, mapper.library.ranges)
    assert [str(issue) for issue in checker.check(case.source)] == []


@EVERY
def test_what_the_case_expects_is_valid_for_the_r4_models(case: GoldenCase) -> None:
    expected = json_text.parse(case.expected())
    for resource in expected:
        text = json_text.dump(resource)
        get_fhir_model_class(resource["resourceType"]).model_validate_json(text)


def test_accepting_writes_a_missing_file_and_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = next(case for case in cases() if case.name == "record-patient")
    copy = GoldenCase(case.name, tmp_path / "copied")
    copy.folder.mkdir()
    (copy.folder / "source.json").write_bytes((case.folder / "source.json").read_bytes())
    monkeypatch.setattr(accept, "cases", lambda: [copy])
    assert accept.accept(["another-mapping"]) == 0
    assert accept.accept([]) == 1
    assert '+    "resourceType": "Patient"' in capsys.readouterr().out
    assert copy.expected() == case.expected()
    assert accept.accept([]) == 0
