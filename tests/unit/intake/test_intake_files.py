"""Intake: good records go on, bad ones are told, and everything is counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.located_yaml import parse_yaml
from fhir_backpain.errors import SettingsError
from fhir_backpain.intake.intake import Intake, IntakeReport, is_table
from fhir_backpain.mapping.feed import Feed, compile_feed
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.mapping.messages import CELL_VALUE
from fhir_backpain.validation.record_messages import SCORE_COMPUTABLE
from tests.records import assessment, observation

FEED = """
feed: f
makes: observation
parameters: {day: date}
record:
  id: =nr
  source: https://clinic.example/app
  patient: {identifier: {system: "https://clinic.example/mrn", value: =nr}}
  observed_at: =parameter.day
  measure: odi
  score: {=number: odi}
ignore: [{path: clerk, because: not clinical}]
"""
DAY = {"day": "2024-03-04"}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


@pytest.fixture(scope="module")
def feed() -> Feed:
    return compile_feed(parse_yaml(FEED, "f.feed.yaml"))


def lines(path: Path, *records: Any) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return str(path)


def test_records_and_tables_are_taken_in_order(
    tmp_path: Path, library: Library, feed: Feed
) -> None:
    first = lines(tmp_path / "a.ndjson", assessment(), observation(score=1))
    table = tmp_path / "b.csv"
    table.write_text("nr,odi,clerk\n1,40,x\n2,41,\n")
    intake = Intake([first, str(table)], library, feed=feed, parameters=DAY)
    assert [record.data["id"] for record in intake] == ["R-1", "R-1", "1", "2"]
    report = intake.report
    assert report.accepted == {"assessment": 1, "observation": 3}
    assert (report.rejected, report.has_errors, report.issues) == (0, False, [])
    clerk = report.to_json()["columns"][str(table)][2]
    assert clerk == {
        "column": "clerk", "fate": "ignored", "detail": "not clinical", "filled": 1, "empty": 1,
    }  # fmt: skip


def test_a_bad_record_is_rejected_with_its_place_and_harms_no_other(
    tmp_path: Path, library: Library
) -> None:
    path = lines(tmp_path / "a.ndjson", observation(score=101), observation(id="R-2", score=1))
    intake = Intake([path], library)
    assert [record.data["id"] for record in intake] == ["R-2"]
    report = intake.report
    assert (report.rejected, report.has_errors) == (1, True)
    (issue,) = report.issues
    assert issue.source is not None
    assert (issue.source.file, issue.source.line, issue.source.pointer) == (path, 1, "/score")
    assert issue.source.record == "R-1"


def test_a_file_that_cannot_be_read_does_not_stop_the_next(
    tmp_path: Path, library: Library
) -> None:
    good = lines(tmp_path / "a.ndjson", observation(score=1))
    intake = Intake([str(tmp_path / "none.ndjson"), good], library)
    assert len(list(intake)) == 1
    assert (intake.report.rejected, intake.report.has_errors) == (1, True)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("a.csv", True),
        ("a.TSV", True),
        ("dir.csv/a.txt", True),
        ("a.csv.gz", True),
        ("A.CSV.GZ", True),
        ("a.ndjson", False),
        ("a.json.gz", False),
        ("csv", False),
        ("-", False),
    ],
)
def test_a_table_is_known_by_its_name(name: str, table: bool) -> None:
    assert is_table(name) is table


def test_a_packed_table_is_read(tmp_path: Path, library: Library, feed: Feed) -> None:
    path = tmp_path / "T.CSV.gz"
    path.write_bytes(gzip.compress(b"nr,odi,clerk\n1,40,x\n"))
    intake = Intake([str(path)], library, feed=feed, parameters=DAY)
    assert [record.data["id"] for record in intake] == ["1"]


def test_a_table_without_a_feed_is_refused_at_once(library: Library) -> None:
    with pytest.raises(SettingsError, match="FBP-2050"):
        Intake(["a.csv"], library)


def test_wrong_parameters_are_refused_at_once(library: Library, feed: Feed) -> None:
    with pytest.raises(SettingsError, match="FBP-3020"):
        Intake(["a.csv"], library, feed=feed)


def test_unknown_columns_count_as_errors_although_rows_go_on(
    tmp_path: Path, library: Library, feed: Feed
) -> None:
    path = tmp_path / "b.csv"
    path.write_text("nr,odi,clerk,extra\n1,40,x,y\n")
    intake = Intake([str(path)], library, feed=feed, parameters=DAY)
    assert len(list(intake)) == 1
    assert intake.report.has_errors
    assert [issue.number for issue in intake.report.issues] == [3024]


def test_issues_beyond_the_limit_are_counted_not_kept() -> None:
    report = IntakeReport(max_issues=2)
    warning = CELL_VALUE.issue("w", severity="warning")
    report.note([warning, warning])
    assert not report.has_errors
    report.note([CELL_VALUE.issue("e"), warning, warning])
    assert report.has_errors
    assert (report.issue_count, len(report.issues)) == (5, 2)
    shown = report.shown_issues()
    assert [issue.number for issue in shown] == [3025, 3025, 2051]
    assert "3 more issues" in shown[-1].text
    assert report.to_json()["issueCount"] == 5


def test_an_error_is_kept_in_place_of_what_is_less() -> None:
    report = IntakeReport(max_issues=2)
    mild = SCORE_COMPUTABLE.issue("m")
    report.note([mild, mild, mild, CELL_VALUE.issue("a"), CELL_VALUE.issue("b"), mild])
    assert [issue.text for issue in report.issues] == ["a", "b"]
    report.note([CELL_VALUE.issue("c")])
    assert [issue.text for issue in report.issues] == ["a", "b"]
    assert (report.issue_count, report.error_count) == (7, 3)


ANSWERS = """
feed: f
makes: assessment
record:
  id: =nr
  source: https://clinic.example/app
  patient: {identifier: {system: "https://clinic.example/mrn", value: =nr}}
  assessed_at: "2024-03-04"
  recorded_at: "2024-03-04T10:00:00Z"
  questionnaires:
    - instrument: peg
      items:
        - {id: "1", value: {=number: p}}
        - {id: "2", value: {=number: e}}
        - {id: "3", value: {=number: g}}
  scores:
    - {measure: peg, score: {=number: peg}, questionnaire: peg}
"""


def test_what_the_check_tells_of_a_good_row_is_told_with_its_line(
    tmp_path: Path, library: Library
) -> None:
    table = tmp_path / "b.csv"
    table.write_text("nr,p,e,g,peg\n1,4,5,6,5\n2,4,5,,5\n3,4,5,6,7\n4,4,5,6,\n")
    feed = compile_feed(parse_yaml(ANSWERS, "f.feed.yaml"))
    intake = Intake([str(table)], library, feed=feed)
    assert [record.data["id"] for record in intake] == ["1", "2", "4"]
    told = [(issue.number, issue.source.line) for issue in intake.report.issues if issue.source]
    assert told == [(4031, 3), (4030, 4), (4032, 5)]
    assert intake.report.rejected == 1


def test_the_run_is_test_data_only_where_every_record_is(tmp_path: Path, library: Library) -> None:
    made_up = observation(score=1, test_data=True)
    for records, expected in (
        ([made_up], True),
        ([made_up, observation(id="2", score=1)], False),
        ([made_up, observation(id="2", score=101)], True),
    ):
        intake = Intake([lines(tmp_path / "a.ndjson", *records)], library)
        assert list(intake)
        assert intake.report.all_test_data is expected
