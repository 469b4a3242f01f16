"""Scores from answers: the shipped rules against published worked examples, and missing answers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.instruments.instrument import Instrument, read_instrument
from fhir_backpain.instruments.scoring import Missing, band_of, score
from tests.unit.instruments.instrument_file import read

TOO_MANY = Missing("too many answers are missing")
NO_ANSWER = Missing("an answer is none that its item takes")


def shipped(key: str) -> Instrument:
    return read_instrument(mappings_folder() / "instruments" / f"{key}.yaml")


def answered(key: str, *values: int | None) -> dict[str, Decimal | str | Missing]:
    """Return the scores of answers in the order of the items; None is a missing one."""
    instrument = shipped(key)
    assert instrument.items is not None
    pairs = zip(instrument.items.ids, values, strict=True)
    return score(instrument, {item: value for item, value in pairs if value is not None})


def band(key: str, measure: str, value: int | Decimal) -> str | None:
    found = band_of(shipped(key).measures[measure], Decimal(value))
    return found.name if found else None


def test_the_oswestry_index_agrees_with_the_example_of_its_authors() -> None:
    """Fairbank and Pynsent, Spine 2000;25:2940-52: 16 of 50 is 32 %, 16 of 45 is 35.5 %."""
    whole = answered("odi", 2, 2, 2, 2, 2, 2, 1, 1, 1, 1)["odi"]
    assert whole == 32
    less = answered("odi", 2, 2, 2, 2, 2, 2, 2, None, 1, 1)["odi"]
    assert isinstance(less, Decimal)
    assert str(less)[:4] == "35.5"
    assert answered("odi", 5, 5, 5, 5, 5, 5, 5, None, None, 5)["odi"] == TOO_MANY
    names = [band("odi", "odi", value) for value in (0, 20, 21, 40, 41, 60, 61, 80, 81, 100)]
    minimal, moderate, severe = ["minimal"] * 2, ["moderate"] * 2, ["severe"] * 2
    worst = ["crippled"] * 2 + ["bed-bound or exaggerating"] * 2
    assert names == minimal + moderate + severe + worst


@pytest.mark.parametrize(
    ("points", "total", "distress", "risk"),
    [
        ((0, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0, "low"),
        ((0, 0, 0, 0, 1, 1, 1, 0, 0), 3, 3, "low"),
        ((1, 1, 1, 1, 0, 0, 0, 0, 0), 4, 0, "medium"),
        ((1, 1, 1, 1, 1, 1, 1, 0, 0), 7, 3, "medium"),
        ((0, 0, 0, 0, 1, 1, 1, 1, 0), 4, 4, "high"),
        ((1, 1, 1, 1, 1, 1, 1, 1, 1), 9, 5, "high"),
    ],
)
def test_start_back_agrees_with_keeles_scoring(
    points: tuple[int, ...], total: int, distress: int, risk: str
) -> None:
    """Hill and others, Arthritis Rheum 2008;59:632-41, and Keele University's scoring chart.

    A total of 3 or less is low risk; of 4 or more it is medium with 3 or less of the last five
    items, high with 4 or more.
    """
    found = answered("startback", *points)
    expected = {"startback-total": total, "startback-distress": distress, "startback-risk": risk}
    assert found == expected


def test_start_back_has_no_risk_where_an_answer_is_missing() -> None:
    found = answered("startback", None, 1, 1, 1, 0, 0, 0, 0, 0)
    assert found["startback-total"] == TOO_MANY
    assert found["startback-distress"] == 0
    assert found["startback-risk"] == TOO_MANY


def test_the_roland_morris_counts_what_was_ticked() -> None:
    """Roland and Morris, Spine 1983;8:141-4: the number of statements that were ticked, 0 to 24."""
    assert answered("rmdq", *[1] * 12, *[0] * 12)["rmdq"] == 12
    assert answered("rmdq", *[1] * 24)["rmdq"] == 24


def test_the_quebec_scale_adds_up_twenty_items() -> None:
    """Kopec and others, Spine 1995;20:341-52: 20 items of 0 to 5, 0 to 100."""
    assert answered("qbpds", *[0, 1, 2, 3, 4] * 4)["qbpds"] == 40
    assert answered("qbpds", *[5] * 20)["qbpds"] == 100


def test_the_neck_index_takes_the_mean_for_a_missing_answer() -> None:
    """Vernon and Mior, 1991: the average of all other items is added for a missing one."""
    assert answered("ndi", *[2] * 9, None)["ndi"] == 20
    assert answered("ndi", *[1, 3] * 5)["ndi"] == 20
    assert [band("ndi", "ndi", value) for value in (4, 14, 24, 34, 35)] == [
        "none", "mild", "moderate", "severe", "complete",
    ]  # fmt: skip


def test_the_patient_specific_scale_is_the_mean_of_the_activities_that_were_named() -> None:
    """Stratford and others, Physiother Can 1995;47:258-63: sum over the number of activities."""
    assert answered("psfs", 3, 4, 8, None, None)["psfs"] == 5
    assert answered("psfs", 7, None, None, None, None)["psfs"] == 7


def test_peg_is_the_mean_of_three() -> None:
    """Krebs and others, J Gen Intern Med 2009;24:733-8."""
    assert answered("peg", 5, 5, 5)["peg"] == 5
    assert answered("peg", 4, 6, 8)["peg"] == 6
    assert answered("peg", 4, None, 8)["peg"] == TOO_MANY


def test_the_brief_pain_inventory_wants_four_of_seven_items_of_interference() -> None:
    """Cleeland, BPI User Guide 2009: four items of severity; interference with more than half."""
    found = answered("bpi", 8, 2, 5, 5, 2, 4, 6, 8, None, None, None)
    assert found == {"bpi-severity": 5, "bpi-interference": 5}
    less = answered("bpi", 8, 2, 5, None, 2, 4, 6, None, None, None, None)
    assert less == {"bpi-severity": TOO_MANY, "bpi-interference": TOO_MANY}


def test_fear_avoidance_leaves_out_the_items_that_its_authors_left_out() -> None:
    """Waddell and others, Pain 1993;52:157-68: items 2 to 5; items 6, 7, 9 to 12 and 15."""
    only = {2: 1, 3: 2, 4: 3, 5: 4, 6: 1, 7: 2, 9: 3, 10: 4, 11: 5, 12: 6, 15: 1}
    left_out = {1: 6, 8: 6, 13: 6, 14: 6, 16: 6}
    both = {**only, **left_out}
    found = answered("fabq", *(both[item] for item in range(1, 17)))
    assert found == {"fabq-pa": 10, "fabq-work": 22}
    assert answered("fabq", *[6] * 16) == {"fabq-pa": 24, "fabq-work": 42}
    assert answered("fabq", *(only.get(item) for item in range(1, 17))) == found


@pytest.mark.parametrize(
    ("key", "items", "highest", "total"),
    [("phq2", 2, 3, 6), ("phq9", 9, 3, 27), ("gad7", 7, 3, 21), ("pcs", 13, 4, 52),
     ("tsk11", 11, 4, 44)],
)  # fmt: skip
def test_a_sum_reaches_the_published_maximum(
    key: str, items: int, highest: int, total: int
) -> None:
    """Kroenke 2001 and 2003, Spitzer 2006, Sullivan 1995, Woby 2005."""
    assert answered(key, *[highest] * items)[key] == total
    assert answered(key, None, *[highest] * (items - 1))[key] == TOO_MANY


def test_depression_and_anxiety_have_the_bands_of_their_authors() -> None:
    """Kroenke and others 2001: 5, 10, 15, 20; Spitzer and others 2006: 5, 10, 15."""
    phq9 = [band("phq9", "phq9", value) for value in (4, 5, 9, 10, 14, 15, 19, 20, 27)]
    assert phq9 == [
        "minimal", "mild", "mild", "moderate", "moderate", "moderately severe",
        "moderately severe", "severe", "severe",
    ]  # fmt: skip
    gad7 = [band("gad7", "gad7", value) for value in (4, 5, 9, 10, 14, 15, 21)]
    assert gad7 == ["minimal", "mild", "mild", "moderate", "moderate", "severe", "severe"]
    assert [band("phq2", "phq2", value) for value in (2, 3)] == [
        "negative screen",
        "positive screen",
    ]


CHANGES = {
    "pain-vas": 15, "pain-nrs": 2, "pain-nrs-week": 2, "rmdq": 5, "odi": 10, "qbpds": 20,
    "bpi-interference": 1, "phq9": 5, "gad7": 4, "tsk11": 4,
}  # fmt: skip


def test_important_changes_are_those_of_the_named_studies() -> None:
    """Ostelo 2008 for the first six; Dworkin 2008, Löwe 2004, Toussaint 2020, Woby 2005."""
    every = [read_instrument(path) for path in (mappings_folder() / "instruments").glob("*.yaml")]
    found = {
        measure.key: (measure.important_change.value, measure.important_change.is_percent)
        for instrument in every
        for measure in instrument.measures.values()
        if measure.important_change
    }
    assert found == {key: (Decimal(value), False) for key, value in CHANGES.items()}


def test_every_shipped_number_says_which_way_is_better() -> None:
    every = [read_instrument(path) for path in (mappings_folder() / "instruments").glob("*.yaml")]
    silent = {
        measure.key
        for instrument in every
        for measure in instrument.measures.values()
        if measure.unit and not measure.direction
    }
    assert silent == {"body-weight", "body-height", "bmi"}


def test_every_shipped_instrument_with_items_is_scored_or_says_why_not() -> None:
    every = [read_instrument(path) for path in (mappings_folder() / "instruments").glob("*.yaml")]
    assert [one.key for one in every if one.items and not (one.scoring or one.unscored)] == []


def test_every_scored_instrument_has_an_example_above() -> None:
    """One that is scored is held against what its authors published, or it is not scored."""
    every = [read_instrument(path) for path in (mappings_folder() / "instruments").glob("*.yaml")]
    text = Path(__file__).read_text("utf-8")
    scored = [one.key for one in every if one.scoring]
    silent = [
        key for key in scored if f'answered("{key}", ' not in text and f'("{key}", ' not in text
    ]
    assert (silent, len(scored) > 10) == ([], True)


ALL: Mapping[str, int] = {"1": 1, "2": 1, "3": 0, "4": 4, "9a": 2, "9b": 2}


def test_reversed_and_recoded_answers_count_by_their_points(tmp_path: Path) -> None:
    # Reversed, 1 counts 3 and 0 counts 4; recoded, 2 counts 1.
    found = score(read(tmp_path), ALL)
    assert found["full-total"] == 1 + 3 + 4 + 2 + 1
    assert found["full-mean"] == Decimal(1 + 3 + 4 + 4) / 4
    assert found["full-percent"] == Decimal(100 * (4 + 4 + 2)) / 12
    assert found["full-risk"] == "high"


def test_what_is_missing_beyond_the_rule_leaves_no_score(tmp_path: Path) -> None:
    one_less = {item: value for item, value in ALL.items() if item != "3"}
    found = score(read(tmp_path), one_less)
    assert (found["full-total"], found["full-risk"]) == (TOO_MANY, TOO_MANY)
    assert found["full-mean"] == Decimal(1 + 3 + 4) / 3
    assert found["full-percent"] == Decimal(100 * (4 + 2)) / 8
    assert set(score(read(tmp_path), {}).values()) == {TOO_MANY}


def test_an_answer_that_an_item_does_not_take_leaves_no_score(tmp_path: Path) -> None:
    assert score(read(tmp_path), {**ALL, "9b": 4})["full-total"] == NO_ANSWER
    found = score(read(tmp_path), {**ALL, "4": 5})
    assert (found["full-mean"], found["full-percent"]) == (NO_ANSWER, NO_ANSWER)
    assert isinstance(found["full-total"], Decimal)


def test_answers_to_other_items_are_passed_over(tmp_path: Path) -> None:
    assert score(read(tmp_path), {**ALL, "77": 3}) == score(read(tmp_path), ALL)


def test_an_instrument_without_scoring_gives_no_scores() -> None:
    assert score(shipped("eq5d"), {"1": 1}) == {}
