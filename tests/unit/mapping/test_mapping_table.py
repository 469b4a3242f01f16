"""Tables through feeds: each row a record or a rejection, each column accounted for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.mapping.feed import Feed, read_feed
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.table import TableReader
from fhir_backpain.record import RejectedRecord
from fhir_backpain.validation.record import RecordChecker
from tests.unit.mapping.conftest import MakeFeed

SHIPPED = sorted((Path(__file__).parents[3] / "mappings/feeds").glob("*.feed.yaml"))
FEED = """
feed: f
makes: assessment
table: {delimiter: ";", encoding: ENCODING, missing: [NA]}
record:
  id: {=text: "{nr}-{visit}"}
  source: https://clinic.example/app
  patient: {identifier: {system: "https://clinic.example/mrn", value: =nr}}
  assessed_at: {=date: visit}
  pain:
    ratings:
      - {scale: pain-nrs, score: {=number: nrs}}
      - {scale: pain-vas, score: {=number: vas}, site: =where}
  scores:
    - {measure: odi, score: {=number: odi}}
    - {measure: ndi, score: {=number: ndi}}
  work_status: {days_off: {=integer: off}}
ignore:
  - {path: clerk, because: not clinical}
"""
HEAD = "nr;visit;nrs;vas;where;odi;ndi;off;clerk\n"
ReadTable = Callable[..., tuple[TableReader, list[Any]]]


@pytest.fixture
def read_table(tmp_path: Path, make_feed: MakeFeed, library: Library) -> ReadTable:
    """Read a table with the feed; return the reader and its readings."""

    def read(body: str, feed: str = FEED, encoding: str = "utf-8") -> tuple[TableReader, list[Any]]:
        path = tmp_path / "rows.csv"
        path.write_bytes(body.encode(encoding))
        compiled: Feed = make_feed(feed.replace("ENCODING", encoding))
        check = RecordChecker(library.vocabulary, library.ranges).check
        reader = TableReader(path, compiled, {}, check)
        return reader, list(reader)

    return read


def test_each_row_becomes_a_record_at_its_line(read_table: ReadTable) -> None:
    body = HEAD + "7;2024-03-04;5;;;40;NA;;x\n\n7;2024-04-04;NA;2.50;calf;;;3;x\n"
    reader, (first, second) = read_table(body)
    assert first.data["id"] == "7-2024-03-04"
    assert first.data["pain"] == {"ratings": [{"scale": "pain-nrs", "score": 5}]}
    assert first.data["scores"] == [{"measure": "odi", "score": 40}]
    assert "work_status" not in first.data
    assert "scores" not in second.data
    assert str(second.data["pain"]["ratings"][0]["score"]) == "2.50"
    assert (first.location.line, second.location.line) == (2, 4)
    assert first.location.record == "7-2024-03-04"
    assert reader.issues == []


def test_every_column_is_accounted_for(read_table: ReadTable) -> None:
    body = HEAD + "7;2024-03-04;5;;;40;NA;;x\n8;2024-03-04;;;;;1;;y\n9;bad;5;;;;;;\n"
    reader, readings = read_table(body)
    accounts = {account.column: account for account in reader.columns}
    assert list(accounts) == HEAD.strip().split(";")
    assert {account.filled + account.empty for account in reader.columns} == {len(readings)}
    assert (accounts["ndi"].filled, accounts["ndi"].empty) == (1, 2)
    assert (accounts["clerk"].fate, accounts["clerk"].detail) == ("ignored", "not clinical")
    assert accounts["nr"].detail == "id, patient.identifier.value"
    assert accounts["vas"].detail == "pain.ratings[1].score"
    assert accounts["odi"].to_json() == {
        "column": "odi",
        "fate": "mapped",
        "detail": "scores[0].score",
        "filled": 1,
        "empty": 2,
    }


def test_unknown_and_missing_columns_are_told_once(read_table: ReadTable) -> None:
    body = "nr;visit;nrs;vas;where;odi;off;extra\n" + "7;2024-03-04;5;;;40;;z\n" * 3
    reader, readings = read_table(body)
    found = [(issue.number, issue.source.field, issue.source.line) for issue in reader.issues
             if issue.source]  # fmt: skip
    assert found == [(3024, "extra", 1), (3023, "clerk", 1), (3023, "ndi", 1)]
    fates = {account.column: account.fate for account in reader.columns}
    assert fates["extra"] == "unmapped"
    assert len(readings) == 3


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("7;2024-03-04;;;;;99;;", "ndi"),
        ("7;2024-03-04;;;;101;50;;", "odi"),
        ("7;2024-03-04;;101;;;;;", "vas"),
        ("7;2024-03-04;;7;elbow;;;;", "where"),
        ("7;2024-03-04;;;;;;99999;", "off"),
    ],
)
def test_a_finding_is_moved_to_its_column_although_items_were_left_out(
    read_table: ReadTable, row: str, field: str
) -> None:
    _, (rejected,) = read_table(HEAD + row + "\n")
    assert isinstance(rejected, RejectedRecord)
    (issue,) = rejected.issues
    assert issue.source is not None
    assert (issue.source.field, issue.source.line) == (field, 2)
    assert issue.source.column is None


def test_every_cell_that_cannot_be_read_is_told_and_the_next_row_is_read(
    read_table: ReadTable,
) -> None:
    _, (rejected, good) = read_table(HEAD + "7;4.3.24;-0;x;;;;1.5;\n8;2024-03-04;5;;;;;;\n")
    assert isinstance(rejected, RejectedRecord)
    fields = [issue.source.field for issue in rejected.issues if issue.source]
    assert fields == ["visit", "nrs", "vas", "off"]
    assert {issue.source.line for issue in rejected.issues if issue.source} == {2}
    assert all(issue.mapping and issue.mapping.file == "f.feed.yaml" for issue in rejected.issues)
    assert good.data["id"] == "8-2024-03-04"


def test_a_row_whose_record_cannot_be_kept_harms_no_other(read_table: ReadTable) -> None:
    feed = FEED.replace("score: {=number: odi}", "score: {=word: odi, table: {a: -0.0, b: 1}}")
    _, (rejected, good) = read_table(HEAD + "7;2024-03-04;;;;a;;;\n8;2024-03-04;;;;b;;;\n", feed)
    assert isinstance(rejected, RejectedRecord)
    (issue,) = rejected.issues
    assert issue.source is not None
    assert (issue.source.line, issue.source.column, issue.source.field) == (2, None, "odi")
    assert good.data["scores"] == [{"measure": "odi", "score": 1}]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16"])
def test_a_table_is_read_in_the_encoding_that_the_feed_names(
    read_table: ReadTable, encoding: str
) -> None:
    _, (record,) = read_table(HEAD + "7ü;2024-03-04;5;;;;;;\n", encoding=encoding)
    assert record.data["patient"]["identifier"]["value"] == "7ü"


def test_a_table_in_another_encoding_is_refused_not_guessed(read_table: ReadTable) -> None:
    body = HEAD + "7ü;2024-03-04;5;;;;;;\n8;2024-03-04;5;;;;;;\n"
    latin = FEED.replace("ENCODING", "utf-8")
    _, readings = read_table(body, latin, encoding="latin-1")
    assert isinstance(readings[0], RejectedRecord)
    assert readings[1].data["id"] == "8-2024-03-04"


OPTIONAL = """
feed: f
makes: observation
parameters: {day: date}
table: {delimiter: ";"}
record:
  id: =nr
  source: https://clinic.example/app
  patient:
    identifier: {system: "https://clinic.example/mrn", value: =nr}
    name:
      family: =family
      given:
        - {=text: "{first} {second}"}
        - {=when: third is present, item: =third}
        - {=first of: [=fourth, =fifth]}
        - =sixth
  observed_at: "2024-03-04"
  measure: odi
  score: {=number: score}
"""


@pytest.mark.parametrize(
    ("names", "bad"),
    [
        ("a;;;;;BAD", "sixth"),
        ("a;b;;;;BAD", "sixth"),
        ("a;b;c;;;BAD", "sixth"),
        ("a;;c;;e;BAD", "sixth"),
        ("a;;c;;BAD;", "fifth"),
        ("a;;BAD;;e;", "third"),
        ("a;b;c;BAD;e;f", "fourth"),
    ],
)
def test_a_pointer_counts_only_the_items_that_are_there(
    read_table: ReadTable, names: str, bad: str
) -> None:
    head = "nr;score;family;first;second;third;fourth;fifth;sixth\n"
    row = f"7;5;F;{names}\n".replace("BAD", "bad\x07")
    _, (rejected,) = read_table(head + row, OPTIONAL)
    assert isinstance(rejected, RejectedRecord)
    assert [issue.source.field for issue in rejected.issues if issue.source] == [bad]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_each_shipped_feed_compiles_and_names_each_column_once(path: Path) -> None:
    feed = read_feed(path)
    assert path.name == f"{feed.name}.feed.yaml"
    ignored = [item.path for item in feed.ignored]
    assert len(set(ignored)) == len(ignored)
    assert not set(ignored) & feed.columns
    assert all(item.because for item in feed.ignored)


def test_feeds_are_shipped() -> None:
    assert SHIPPED
