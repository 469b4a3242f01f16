"""Scoring as it is declared: what is read, and each way in which it is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from fhir_backpain.errors import MappingSyntaxError
from fhir_backpain.instruments.scoring_rule import Formula, Levels
from tests.unit.instruments.instrument_file import FULL, read


def test_scoring_is_read_with_its_source_and_numbers_come_first(tmp_path: Path) -> None:
    scoring = read(tmp_path).scoring
    assert scoring is not None
    assert scoring.source == "The paper of the scale"
    assert list(scoring.rules) == ["full-total", "full-mean", "full-percent", "full-risk"]
    assert scoring.rules["full-total"] == Formula("sum", ("1", "2", "3", "9a", "9b"), 0)
    assert scoring.rules["full-mean"] == Formula("mean", ("1", "2", "3", "4"), 2)
    risk = scoring.rules["full-risk"]
    assert isinstance(risk, Levels)
    assert [step.level for step in risk.steps] == ["low", "high"]


def test_points_are_the_answer_reversed_or_recoded(tmp_path: Path) -> None:
    scoring = read(tmp_path).scoring
    assert scoring is not None
    assert scoring.points_of("1", Decimal(3)) == 3
    assert scoring.points_of("2", Decimal(3)) == 1
    assert scoring.points_of("9b", Decimal(2)) == 1
    for item, answer in (("1", "4.5"), ("2", "-1"), ("9b", "3"), ("9b", "0.5")):
        assert scoring.points_of(item, Decimal(answer)) is None


def test_an_instrument_may_say_why_it_is_not_scored(tmp_path: Path) -> None:
    before, _, after = FULL.partition("scoring:\n")
    reason = "not scored because: The tables are not free.\n"
    found = read(tmp_path, before + reason + after[after.index("licence") :])
    assert (found.scoring, found.unscored) == (None, "The tables are not free.")
    assert read(tmp_path).unscored is None
    with pytest.raises(MappingSyntaxError, match="not both"):
        read(tmp_path, FULL + reason)


@pytest.mark.parametrize(
    ("old", "new", "line", "number", "words"),
    [
        ("  source: The paper of the scale\n", "", 18, 1005, "'source' is missing"),
        ("  reversed:", "  turned:", 19, 1006, "'turned' is not known"),
        ("reversed: [2, 3]", "reversed: [2, 8]", 19, 1006, "no item '8'"),
        ("{9b: {0", "{9c: {0", 20, 1006, "no item '9c'"),
        ("reversed: [2, 3]", "reversed: [2, 9b]", 20, 1004, "reversed or recoded, not both"),
        ("{0: 0, 1: 0, 2: 1}", "{}", 20, 1004, "the points of each answer"),
        ("2: 1}}", "much: 1}}", 20, 1004, "A number is expected"),
        ("2: 1}}", "2: much}}", 20, 1004, "A number is expected"),
        ("2: 1}}", "2: 2}}", 26, 1004, "from 0 to 18"),
        ("full-total: {sum", "full-sum: {sum", 26, 1006, "no measure 'full-sum'"),
        ("{sum: [1-3, 9a, 9b]}", "{sum: [1-3, 9a]}", 26, 1004, "from 0 to 16"),
        ("{sum: [1-3, 9a, 9b]}", "{sum: [1-3, 5]}", 26, 1006, "no item '5'"),
        ("{sum: [1-3, 9a, 9b]}", "{total: [1-3]}", 26, 1006, "'total' is not known"),
        ("{sum: [1-3, 9a, 9b]}", "{}", 26, 1005, "one of: sum, mean"),
        ("{sum: [1-3, 9a, 9b]}", "{sum: 1-3, mean: 1-3}", 26, 1005, "one of: sum, mean"),
        ("{sum: [1-3, 9a, 9b]}", "1-3", 26, 1004, "must be a map"),
        ("at most: 2", "at most: 4", 27, 1004, "below the number of the items"),
        ("at most: 2", "at most: 0", 27, 1004, "above 0"),
        ("at most: 2", "at most: half", 27, 1004, "whole number"),
        ("at most: 2, ", "", 27, 1005, "'at most' is missing"),
        ("2, then: prorate", "2, then: guess", 27, 1004, "must be: prorate"),
        ("2, then: prorate", "2", 27, 1005, "'then' is missing"),
        ("is: low,", "is: lowest,", 24, 1004, "no level 'lowest'"),
        ("{full-total: [0, 8]}", "{full-sum: [0, 8]}", 24, 1004, "No rule gives"),
        ("{full-total: [0, 8]}", "{full-risk: [0, 8]}", 24, 1004, "No rule gives"),
        ("{full-total: [0, 8]}", "{full-total: [8, 0]}", 24, 1004, "begins below its end"),
        ("{full-total: [0, 8]}", "{}", 24, 1004, "one measure"),
        (", where: {full-total: [0, 8]}", "", 25, 1004, "so it is the last"),
        ("\n        - {is: high}", "", 24, 1004, "The last level has no 'where'"),
        ("- {is: high}", "- high", 25, 1004, "Expected a level"),
        ("items: {ids: [1-4, 9a, 9b], range: [0, 4]}\n", "", 17, 1005, "needs 'items'"),
    ],
)
def test_scoring_that_cannot_be_is_refused_at_its_line(
    tmp_path: Path, old: str, new: str, line: int, number: int, words: str
) -> None:
    assert FULL.count(old) == 1
    with pytest.raises(MappingSyntaxError) as caught:
        read(tmp_path, FULL.replace(old, new))
    (issue,) = caught.value.issues
    assert words in issue.text
    assert issue.mapping is not None
    assert (issue.number, issue.mapping.line) == (number, line)
