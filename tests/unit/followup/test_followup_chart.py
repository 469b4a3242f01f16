"""The data of a plot: what the trajectory says, with nothing left to compute."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from followup_world import DAYS, observation, read, year

from fhir_backpain.fhir.json_text import dump, parse
from fhir_backpain.followup.chart import chart_of
from fhir_backpain.followup.trajectory import Trajectory, trajectories
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def series(library: Library, measure: str, *records: dict[str, Any]) -> Trajectory:
    (found,) = (one for one in trajectories(read(*records), library) if one.key.measure == measure)
    return found


def test_it_has_the_values_of_the_trajectory_and_the_ends_of_its_scale(library: Library) -> None:
    chart = chart_of(series(library, "odi", *year()))
    assert [one["value"] for one in chart["points"]] == [44, 40, None, 26, 18]
    assert (chart["low"], chart["high"], chart["baseline"]) == (0, 100, 44)
    assert chart["band"] == {"low": 34, "high": 54}
    assert (chart["direction"], chart["sign"]) == ("lower is better", -1)
    assert [one["text"] for one in chart["ticks"]] == ["0", "25", "50", "75", "100"]
    assert chart["name"] == "odi ({score}; lower is better)"


def test_times_are_seconds_in_utc(library: Library) -> None:
    chart = chart_of(series(library, "odi", *year()))
    assert chart["first"] == 1767571200  # 2026-01-05T00:00:00Z
    assert chart["points"][0]["time"] == chart["first"]
    assert chart["points"][-1]["time"] == chart["last"] == chart["marks"][-1]["time"]
    early = observation("O", "1950-01-01T00:30:00+01:00", score=1)
    assert chart_of(series(library, "odi", early))["first"] == -631153800


def test_what_is_told_has_day_value_and_what_it_means(library: Library) -> None:
    chart = chart_of(series(library, "odi", *year()))
    assert [one["told"].partition("; ")[2] for one in chart["points"]] == [
        "the baseline", "no important change since the baseline", "",
        "importantly better since the baseline", "importantly better since the baseline",
    ]  # fmt: skip
    assert chart["points"][2]["told"] == "2026-04-06: missing, asked-declined"
    assert chart["points"][0]["told"].startswith(f"{DAYS[0]}: 44")
    assert chart["marks"][1]["told"].startswith(
        "Plan change 2, 2026-03-02: exercise-therapy: frequency 2/week -> 3/week"
    )
    assert [one["number"] for one in chart["marks"]] == [1, 2, 3, 4]


def test_a_number_is_told_with_every_digit(library: Library) -> None:
    exact = Decimal("27.500000000000000001")
    record = observation("O", DAYS[0], "bmi", score=exact)
    (found,) = trajectories([SourceRecord(record, SourceLocation())], library)
    (point,) = chart_of(found)["points"]
    assert point["value"] == exact
    assert point["told"] == f"{DAYS[0]}: 27.500000000000000001; the baseline"


def test_nothing_is_claimed_where_nothing_is_known(library: Library) -> None:
    missing = observation("O", DAYS[0], missing_reason="not-asked")
    chart = chart_of(series(library, "odi", missing))
    assert (chart["baseline"], chart["band"], chart["marks"]) == (None, None, [])
    assert chart["first"] == chart["last"]
    weight = chart_of(series(library, "bmi", observation("O", DAYS[0], "bmi", score=27)))
    assert (weight["direction"], weight["sign"], weight["band"]) == ("no direction known", 0, None)


def test_it_is_json_and_names_nobody(library: Library) -> None:
    text = dump(chart_of(series(library, "odi", *year())))
    assert parse(text)["points"][0]["value"] == 44
    assert not any(name in text for name in ("P-1", "O-1", "A-1", "mrn"))
