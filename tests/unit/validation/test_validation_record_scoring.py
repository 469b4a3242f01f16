"""Questionnaires held against their instruments: items, answers, and the scores from them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_backpain.mapping.library import load_library
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.record import RecordChecker

LIBRARY = load_library()
CHECKER = RecordChecker(LIBRARY.vocabulary, LIBRARY.ranges, LIBRARY.instruments)
ODI = {str(number): 2 for number in range(1, 11)}
BACK = {str(number): 1 for number in range(1, 10)}


def check(part: dict[str, Any]) -> list[Issue]:
    record = {
        "record": "assessment",
        "id": "A",
        "source": "urn:x:clinic",
        "patient": {"identifier": {"system": "urn:x:mrn", "value": "1"}},
        "assessed_at": "2026-01-01",
        "recorded_at": "2026-01-01T10:00:00Z",
        **part,
    }
    return CHECKER.check(record)


def told(part: dict[str, Any]) -> list[tuple[int, str | None]]:
    return [(issue.number, issue.source.pointer if issue.source else None) for issue in check(part)]


def form(instrument: str, answers: dict[str, Any], *scores: dict[str, Any]) -> dict[str, Any]:
    items = [{"id": id_, "value": value} for id_, value in answers.items()]
    part: dict[str, Any] = {"questionnaires": [{"instrument": instrument, "items": items}]}
    return {**part, "scores": list(scores)} if scores else part


def from_odi(score: Any) -> dict[str, Any]:
    return {"measure": "odi", "score": score, "questionnaire": "odi"}


@pytest.mark.parametrize(
    ("instrument", "ids", "expected"),
    [
        ("odi", ["1", "2", "10"], []),
        ("odi", ["1", "11"], [(4023, "/questionnaires/0/items/1/id")]),
        ("odi", ["3", "1", "4"], [(4026, "/questionnaires/0/items/1/id")]),
        ("bpi", ["6", "9a", "9g"], []),
        ("bpi", ["9b", "9a"], [(4026, "/questionnaires/0/items/1/id")]),
        ("bpi", ["9a", "6"], [(4026, "/questionnaires/0/items/1/id")]),
        ("panas", ["30", "2"], []),
    ],
)
def test_items_are_those_of_the_instrument_in_its_order(
    instrument: str, ids: list[str], expected: list[tuple[int, str]]
) -> None:
    assert told(form(instrument, dict.fromkeys(ids, 1))) == expected


@pytest.mark.parametrize(
    ("instrument", "item", "value", "is_taken"),
    [
        ("odi", "3", 5, True),
        ("odi", "3", 6, False),
        ("odi", "3", Decimal("-0.5"), False),
        ("tsk11", "1", 0, False),
        ("eq5d", "1", 6, False),
        ("eq5d", "1", 5, True),
        ("panas", "1", 99, True),
    ],
)
def test_an_answer_is_one_that_its_item_takes(
    instrument: str, item: str, value: Any, is_taken: bool
) -> None:
    place = (4010, "/questionnaires/0/items/0/value")
    assert told(form(instrument, {item: value})) == ([] if is_taken else [place])


def test_a_score_that_its_answers_give_is_taken() -> None:
    assert told(form("odi", ODI, from_odi(40))) == []
    assert told(form("odi", ODI, from_odi(Decimal("40.0")))) == []


def test_a_score_that_contradicts_its_answers_is_refused_with_both_places() -> None:
    (issue,) = check(form("odi", ODI, from_odi(42)))
    assert issue.is_error
    assert issue.source is not None
    assert (issue.number, issue.source.pointer) == (4030, "/scores/0/score")
    assert "/questionnaires/0/items" in issue.text
    assert not set("42") & set(issue.text.replace("/questionnaires/0/items", ""))


@pytest.mark.parametrize(
    ("score", "is_taken"),
    [("33", True), ("34", True), ("33.3", True), ("33.4", True), ("33.33", True), ("32", False),
     ("35", False), ("33.5", False), ("33.30", False)],
)  # fmt: skip
def test_rounding_and_cutting_are_no_contradiction(score: str, is_taken: bool) -> None:
    # 15 points of nine items: 15 of 45 is 33.33 %.
    answers = {**dict.fromkeys("1234567", 2), "8": 1, "9": 0}
    assert bool(told(form("odi", answers, from_odi(Decimal(score))))) is not is_taken


def test_each_score_of_an_instrument_is_held_against_the_answers() -> None:
    scores: list[dict[str, Any]] = [
        {"measure": "startback-total", "score": 9, "questionnaire": "startback"},
        {"measure": "startback-distress", "score": 4, "questionnaire": "startback"},
        {"measure": "startback-risk", "level": "medium", "questionnaire": "startback"},
    ]
    found = told(form("startback", BACK, *scores))
    assert found == [(4030, "/scores/1/score"), (4030, "/scores/2/level")]


def test_a_score_without_its_questionnaire_is_not_held_against_it() -> None:
    assert told(form("odi", ODI, {"measure": "odi", "score": 42})) == []


def test_a_score_with_too_few_answers_is_taken_with_a_warning() -> None:
    few = {item: value for item, value in ODI.items() if int(item) < 9}
    (issue,) = check(form("odi", few, from_odi(42)))
    assert (issue.number, issue.severity) == (4031, "warning")
    one_less = {item: value for item, value in ODI.items() if item != "4"}
    assert told(form("odi", one_less, from_odi(40))) == []


def test_a_score_that_could_be_computed_is_told_once() -> None:
    (issue,) = check(form("startback", BACK))
    assert issue.source is not None
    assert (issue.number, issue.severity) == (4032, "information")
    assert issue.source.pointer == "/questionnaires/0"
    assert '"startback-total", "startback-distress" and "startback-risk"' in issue.text
    assert told(form("startback", BACK, {"measure": "startback-risk", "level": "high"})) == []
    assert told(form("odi", {"1": 1})) == []


def test_a_missing_score_beside_its_answers_is_taken() -> None:
    missing = {"measure": "odi", "missing_reason": "unknown", "questionnaire": "odi"}
    assert told(form("odi", ODI, missing)) == []


@pytest.mark.parametrize("value", ["2", None, True, [1]])
def test_answers_that_are_no_numbers_are_not_scored(value: Any) -> None:
    numbers = {number for number, _ in told(form("odi", {**ODI, "10": value}, from_odi(2)))}
    assert numbers == {4005}


def test_an_answer_that_is_given_twice_is_not_scored() -> None:
    part = form("odi", ODI, from_odi(2))
    part["questionnaires"][0]["items"].append({"id": "10", "value": 2})
    assert {number for number, _ in told(part)} == {4020}


def test_without_instruments_nothing_is_held_against_them() -> None:
    plain = RecordChecker(LIBRARY.vocabulary, LIBRARY.ranges)
    record = {"record": "assessment", **form("odi", {**ODI, "11": 9}, from_odi(2))}
    assert not {issue.number for issue in plain.check(record)} & {4010, 4023, 4026, 4030}
