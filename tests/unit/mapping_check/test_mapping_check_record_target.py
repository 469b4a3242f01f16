"""A feed's record, held against the schema of its record type."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping.feed import Feed, read_feed

HEAD = """feed: f
makes: {makes}
parameters: {{day: date, seen: dateTime, exported: instant, system: uri, who: text}}
record:
"""
REQUIRED = {
    "observation": """id: =nr
source: https://clinic.example/app
patient: {identifier: {system: "https://clinic.example/mrn", value: =nr}}
observed_at: =parameter.day
measure: odi
""",
    "assessment": """id: =nr
source: https://clinic.example/app
patient: {identifier: {system: "https://clinic.example/mrn", value: =nr}}
assessed_at: =parameter.day
""",
}


def read(folder: Path, field: str, makes: str = "observation") -> Feed:
    path = folder / "f.feed.yaml"
    text = HEAD.format(makes=makes) + indent(REQUIRED[makes] + field, "  ") + "\n"
    path.write_text(text, "utf-8")
    return read_feed(path)


@pytest.mark.parametrize(
    "field",
    [
        "score: 5",
        "score: 5.5",
        "score: {=number: c}",
        "score: {=integer: c}",
        "score: {=word: c, table: {low: 1, high: 2.5}}",
        "note: =c",
        "note: {=date: c}",
        "note: =parameter.day",
        "note: {=first of: [=c, none]}",
        "note: {=when: c is present, item: =d}",
        "test_data: true",
        "test_data: {=word: c, table: {y: true, n: false}}",
        "status: amended",
        "status: =c",
        "status: {=word: c, table: {a: amended, f: final}}",
        "status: {=copy: c, else: final}",
        "recorded_at: =parameter.exported",
        "recorded_at: {=dateTime: c, zone: Z}",
        'recorded_at: "2024-01-01T00:00:00Z"',
        "encounter: {id: =c, setting: home, start: {=date: c}, end: =parameter.seen}",
        "author: {identifier: {system: =parameter.system, value: =parameter.who}}",
        "level: {=word: c, table: {l: low}}",
    ],
)
def test_what_can_be_a_record_is_compiled(tmp_path: Path, field: str) -> None:
    assert read(tmp_path, field).makes == "observation"


@pytest.mark.parametrize(
    ("field", "number", "words"),
    [
        ('score: "5"', 3041, "'score' is a number; the literal"),
        ("score: true", 3041, "'score' is a number"),
        ("score: =c", 3041, "'score' is a number, which '=copy'"),
        ("score: {=word: c, table: {l: low}}", 3041, "'score' is a number; the literal"),
        ("score: =parameter.who", 3041, "which '=copy' does not make"),
        ("score: {=word: c, table: {l: =parameter.who}}", 3041, "the parameter is not"),
        ("score: {value: =c}", 3041, "'score' is a number"),
        ("score: [{=number: c}]", 3041, "'score' is a number"),
        ("note: 5", 3041, "'note' is a text; the literal"),
        ("note:", 3041, "'note' is a text; the literal"),
        ("note: {=integer: c}", 3041, "'note' is a text, which '=integer'"),
        ("note: {=first of: [=c, 5]}", 3041, "'note' is a text"),
        ("note: {=when: c is present, item: 5}", 3041, "'note' is a text"),
        ("test_data: 'true'", 3041, "'test_data' is true or false"),
        ("test_data: =c", 3041, "'test_data' is true or false"),
        ("status: draft", 3046, "never is 'draft'; it is one of: preliminary, final"),
        ("status: {=word: c, table: {d: draft}}", 3046, "never is 'draft'"),
        ("status: {=copy: c, else: draft}", 3046, "never is 'draft'"),
        ("status: {=number: c}", 3041, "which '=number' does not make"),
        ("record: assessment", 3046, "never is 'assessment'; it is one of: observation"),
        ("recorded_at: 2024-01-01", 3041, "'recorded_at' is a text (instant)"),
        ("recorded_at: =parameter.day", 3041, "a text (instant)"),
        ("recorded_at: =parameter.seen", 3041, "a text (instant)"),
        ("recorded_at: {=date: c}", 3041, "a text (instant)"),
        ("level: Low", 3041, "'level' is a text (code)"),
        ("encounter: =c", 3041, "'encounter' is an object"),
        ("encounter: [{id: =c, setting: home}]", 3041, "'encounter' is an object"),
        ("encounter: {id: =c}", 3042, "'encounter.setting' is required"),
        ("encounter: {id: =c, setting: house}", 3046, "'encounter.setting' never is"),
        ("encounter: {id: =c, seting: home}", 3040, "mean setting"),
        ("author: {identifier: {system: urn x, value: =c}}", 3041, "a text (uri)"),
        ("author: {identifier: {system: =parameter.day, value: =c}}", 3041, "a text (uri)"),
        ("scores: []", 3040, "has no field 'scores'. Did you mean score"),
    ],
)
def test_what_can_never_be_a_record_is_told_at_its_line(
    tmp_path: Path, field: str, number: int, words: str
) -> None:
    with pytest.raises(MappingCheckError) as caught:
        read(tmp_path, field)
    (issue,) = caught.value.issues
    assert (issue.number, words in issue.text) == (number, True), issue.text
    assert issue.mapping is not None
    assert (issue.mapping.file, issue.mapping.line) == (str(tmp_path / "f.feed.yaml"), 10)
    assert "FHIR" not in issue.next_step


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("scores: {measure: odi, score: 1}", "'scores' is a list"),
        ("scores: [{measure: odi, score: =c}]", "'scores[0].score' is a number"),
        ("pain: {ratings: [{scale: pain-nrs, score: 1}, 5]}", "'pain.ratings[1]' is an object"),
        ("work_status: {days_off: {=number: c}}", "'work_status.days_off' is a whole number"),
        ("work_status: {days_off: 2.5}", "'work_status.days_off' is a whole number"),
        ("pain: {onset: 2020-13}", "'pain.onset' is a text (date)"),
        ("pain: {onset: {=dateTime: c, zone: Z}}", "'pain.onset' is a text (date)"),
    ],
)
def test_lists_and_objects_are_looked_into(tmp_path: Path, field: str, words: str) -> None:
    with pytest.raises(MappingCheckError) as caught:
        read(tmp_path, field, makes="assessment")
    (issue,) = caught.value.issues
    assert words in issue.text


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "f.feed.yaml"
    path.write_text("feed: f\nmakes: observation\nrecord: {id: 5, scor: {=number: c}}\n")
    with pytest.raises(MappingCheckError) as caught:
        read_feed(path)
    found = [(issue.number, issue.text.split("'")[1]) for issue in caught.value.issues]
    assert found == [
        (3041, "id"),
        (3040, "observation"),
        (3042, "source"),
        (3042, "patient"),
        (3042, "observed_at"),
        (3042, "measure"),
    ]
