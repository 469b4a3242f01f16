"""What a score means: direction, important change and bands, and how each is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from fhir_backpain.errors import MappingSyntaxError
from fhir_backpain.instruments.interpretation import Band, ImportantChange
from fhir_backpain.instruments.scoring import band_of
from tests.unit.instruments.instrument_file import FULL, read


def test_a_measure_says_what_its_scores_mean(tmp_path: Path) -> None:
    measures = read(tmp_path).measures
    total, mean, percent = (measures[f"full-{name}"] for name in ("total", "mean", "percent"))
    assert total.direction == "lower-is-better"
    assert total.important_change == ImportantChange(Decimal("2.5"), False, "A study")
    assert total.bands == (
        Band("mild", Decimal(5), "Another study"),
        Band("severe", Decimal(17), "Another study"),
    )
    assert (mean.direction, mean.important_change, mean.bands) == ("higher-is-better", None, ())
    assert percent.direction is None


def test_an_important_change_may_be_a_share_of_the_baseline(tmp_path: Path) -> None:
    text = FULL.replace("{value: 2.5, of: absolute", "{value: 30, of: baseline")
    change = read(tmp_path, text).measures["full-total"].important_change
    assert change == ImportantChange(Decimal(30), True, "A study")


@pytest.mark.parametrize(
    ("value", "name"),
    [("-0.1", None), ("0", "mild"), ("5", "mild"), ("5.1", "severe"), ("17", "severe"),
     ("17.1", None)],
)  # fmt: skip
def test_a_band_reaches_to_its_end(tmp_path: Path, value: str, name: str | None) -> None:
    measures = read(tmp_path).measures
    band = band_of(measures["full-total"], Decimal(value))
    assert (band.name if band else None) == name
    assert band_of(measures["full-mean"], Decimal(1)) is None
    assert band_of(measures["full-risk"], Decimal(1)) is None


@pytest.mark.parametrize(
    ("old", "new", "place", "number", "words"),
    [
        ("direction: lower-is-better", "direction: down", "11:16", 1004, "lower-is-better, higher"),
        ("value: 2.5", "value: 0", "12:31", 1004, "above 0"),
        ("value: 2.5", "value: -2", "12:31", 1004, "above 0"),
        ("2.5, of: absolute", "101, of: baseline", "12:31", 1004, "at most 100"),
        ("value: 2.5, ", "", "12:23", 1005, "'value' is missing"),
        ("of: absolute", "of: relative", "12:40", 1004, "one of: baseline, absolute"),
        (", source: A study", "", "12:23", 1005, "'source' is missing"),
        ("source: A study", "sauce: A study", "12:50", 1006, "'sauce' is not known"),
        ("source: Another study, ", "", "13:12", 1005, "'source' is missing"),
        ("steps: [", "levels: [", "13:36", 1006, "'levels' is not known"),
        ("name: mild", "called: mild", "13:52", 1006, "'called' is not known"),
        ("{to: 5, name: mild}", "mild", "13:44", 1004, "Expected a band"),
        ("to: 5, ", "", "13:44", 1005, "'to' is missing"),
        ("to: 5,", "to: 17,", "13:71", 1004, "Bands ascend"),
        ("to: 5,", "to: -1,", "13:49", 1004, "Bands ascend"),
        ("{to: 17, name: severe}", "{to: 16, name: severe}", "13:43", 1004, "last band ends"),
        ("{to: 17, name: severe}", "{to: 18, name: severe}", "13:70", 1004, "Bands ascend"),
        ("[{to: 5, name: mild}, {to: 17, name: severe}]", "[]", "13:43", 1004, "Expected a list"),
    ],
)
def test_what_says_no_meaning_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, place: str, number: int, words: str
) -> None:
    assert FULL.count(old) == 1
    with pytest.raises(MappingSyntaxError) as caught:
        read(tmp_path, FULL.replace(old, new))
    (issue,) = caught.value.issues
    assert words in issue.text
    assert (issue.number, str(issue.mapping)) == (number, f"{tmp_path}/full.yaml:{place}")


def test_bands_need_a_range(tmp_path: Path) -> None:
    with pytest.raises(MappingSyntaxError, match="A measure with bands needs a range"):
        read(tmp_path, FULL.replace("    range: [0, 17]\n", ""))
