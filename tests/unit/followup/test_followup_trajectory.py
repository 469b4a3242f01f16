"""Trajectories: worked out by hand, the same for every order, never mixed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from followup_world import DAYS, PATIENT, assessment, observation, plan, read, year
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_backpain.followup.measurement import SeriesKey, series_of
from fhir_backpain.followup.trajectory import Scale, Trajectory, scales_of, trajectories
from fhir_backpain.instruments.interpretation import ImportantChange
from fhir_backpain.mapping.library import Library, load_library


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def of_measure(found: tuple[Trajectory, ...], measure: str) -> Trajectory:
    (one,) = (each for each in found if each.key.measure == measure)
    return one


def odi(library: Library, *scores: int | None) -> Trajectory:
    """Return a trajectory of Oswestry scores, one a month; None is a missing one."""
    records = [
        observation(f"O-{month}", f"2026-{month:02}-01", **said(score))
        for month, score in enumerate(scores, start=1)
    ]
    return of_measure(trajectories(read(*records), library), "odi")


def said(score: int | None) -> dict[str, Any]:
    return {"missing_reason": "not-asked"} if score is None else {"score": score}


def test_a_year_has_its_baseline_latest_best_and_change(library: Library) -> None:
    one = of_measure(trajectories(read(*year()), library), "odi")
    assert one.key == SeriesKey(PATIENT, "odi")
    assert [point.value for point in one.points] == [44, 40, None, 26, 18]
    assert one.baseline is not None
    assert one.latest is not None
    assert one.best is not None
    assert (one.baseline.value, one.baseline.at) == (44, DAYS[0])
    assert (one.latest.value, one.latest.record) == (18, "assessment A-2")
    assert one.best is one.latest
    # 18 - 44 = -26 points, -26 / 44 = -59.09 %; ten points count for this index.
    assert one.change == -26
    assert one.change_percent == Decimal("-59.1")
    assert (one.threshold, one.verdict) == (10, "better")
    assert one.points[0].place == "year.ndjson:1"


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ((44, 34), "better"),
        ((44, 35), "no important change"),
        ((44, 53), "no important change"),
        ((44, 54), "worse"),
        ((44, None, 34), "better"),
        ((44,), None),
        ((None, None), None),
    ],
)
def test_a_change_counts_from_the_important_one_on(
    library: Library, scores: tuple[int | None, ...], verdict: str | None
) -> None:
    assert odi(library, *scores).verdict == verdict


def test_a_share_of_the_baseline_is_worked_out_in_units(library: Library) -> None:
    scale = scales_of(library)["odi"]
    third = ImportantChange(Decimal(30), True, "made up")
    share = replace(scale, measure=replace(scale.measure, important_change=third))
    assert share.threshold(Decimal(40)) == 12
    assert share.verdict(Decimal(40), Decimal(28)) == "better"
    assert share.verdict(Decimal(40), Decimal(29)) == "no important change"
    assert share.threshold(Decimal(0)) is None
    assert share.verdict(Decimal(0), Decimal(5)) is None


def test_where_higher_is_better_up_is_better(library: Library) -> None:
    scale = scales_of(library)["odi"]
    up = replace(scale, measure=replace(scale.measure, direction="higher-is-better"))
    assert up.verdict(Decimal(40), Decimal(50)) == "better"
    assert up.verdict(Decimal(40), Decimal(30)) == "worse"


def test_without_a_direction_nothing_is_claimed(library: Library) -> None:
    scale = scales_of(library)["odi"]
    mute = Scale(replace(scale.measure, direction=None), scale.title, scale.domain, scale.unit)
    one = replace(odi(library, 44, 10), scale=mute)
    assert (one.verdict, one.best, one.threshold, one.change) == (None, None, None, -34)


def test_a_baseline_of_nothing_has_no_share(library: Library) -> None:
    one = odi(library, 0, 20)
    assert (one.change, one.change_percent, one.verdict) == (20, None, "worse")


def test_the_best_is_the_first_of_the_best(library: Library) -> None:
    one = odi(library, 40, 12, 30, 12)
    assert one.best is not None
    assert one.best.at == "2026-02-01"


def test_a_missing_value_is_a_gap_and_never_nothing(library: Library) -> None:
    told = odi(library, 44, None, 30).to_json()
    assert told["points"][1]["value"] is None
    assert told["points"][1]["missingReason"] == "not-asked"
    assert told["change"] == -14


def test_sites_and_sides_and_scales_are_never_mixed(library: Library) -> None:
    ratings = [
        {"scale": "pain-nrs", "site": "low-back", "score": 7},
        {"scale": "pain-nrs", "site": "leg", "side": "left", "score": 5},
        {"scale": "pain-vas", "site": "low-back", "score": 70},
    ]
    record = assessment("A-1", DAYS[0], pain={"ratings": ratings})
    found = trajectories(read(record), library)
    assert {(one.key.measure, one.key.site, one.key.side) for one in found} == {
        ("pain-nrs", "low-back", ""), ("pain-nrs", "leg", "left"), ("pain-vas", "low-back", ""),
    }  # fmt: skip
    assert all(len(one.points) == 1 for one in found)


def test_what_was_entered_in_error_does_not_count(library: Library) -> None:
    wrong = observation("O-2", DAYS[1], score=90, status="entered-in-error")
    records = read(observation("O-1", DAYS[0], score=44), wrong)
    assert len(of_measure(trajectories(records, library), "odi").points) == 1


def test_a_corrected_record_counts_once_as_it_was_recorded_last() -> None:
    first = observation("O-1", DAYS[0], score=44, recorded_at="2026-01-05T10:00:00Z")
    second = {**first, "score": 40, "recorded_at": "2026-01-06T10:00:00Z"}
    for records in (read(first, second), read(second, first)):
        (points,) = series_of(records).values()
        assert [point.value for point in points] == [40]


def test_plan_changes_are_marked_with_what_they_change(library: Library) -> None:
    marks = of_measure(trajectories(read(*year()), library), "odi").marks
    assert [(mark.plan, mark.at) for mark in marks] == [
        ("P-1", DAYS[0]), ("P-2", DAYS[1]), ("P-3", DAYS[2]), ("P-4", DAYS[3]),
    ]  # fmt: skip
    assert [mark.words for mark in marks] == [
        "plan begins",
        "exercise-therapy: frequency 2/week -> 3/week; ibuprofen-200mg: dose 400 mg -> 600 mg",
        "massage therapy added: massage",
        "massage therapy stopped: massage; medication stopped: ibuprofen-200mg",
    ]


def test_a_draft_is_no_change_of_the_plan(library: Library) -> None:
    records = read(observation("O-1", DAYS[0], score=44), plan("D", DAYS[1], status="draft"))
    assert of_measure(trajectories(records, library), "odi").marks == ()


@settings(deadline=None)
@given(order=st.permutations(range(len(year()))))
def test_the_order_of_the_records_does_not_matter(order: list[int]) -> None:
    library = _LIBRARY
    records = read(*year())
    shuffled = [records[place] for place in order]
    assert trajectories(shuffled, library) == trajectories(records, library)


_LIBRARY = load_library()
_MEASURES = sorted(scales_of(_LIBRARY))


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["odi", "rmdq", "pain-nrs", "pain-vas", "eq5d-vas"]),
            st.sampled_from([None, "low-back", "leg"]),
            st.integers(0, 10),
            st.sampled_from(DAYS),
            st.sampled_from(["P-1", "P-2"]),
        ),
        max_size=20,
    )
)
def test_a_line_is_of_one_measure_unit_site_and_patient(rows: list[Any]) -> None:
    records = []
    for number, (measure, site, score, day, patient) in enumerate(rows):
        record = observation(f"O-{number}", day, measure, score=score)
        record["patient"]["identifier"]["value"] = patient
        records.append(record if site is None else {**record, "site": site})
    found = trajectories(read(*records), _LIBRARY)
    assert sum(len(one.points) for one in found) == len(records)
    by_id = {f"observation {record['id']}": record for record in records}
    for one in found:
        for point in one.points:
            record = by_id[point.record]
            assert record["measure"] == one.key.measure
            assert record.get("site", "") == one.key.site
            assert one.key.patient.endswith(record["patient"]["identifier"]["value"])
        assert one.scale is not None
        moments = [point.moment for point in one.points]
        assert moments == sorted(moments)
    assert len({one.key for one in found}) == len(found)
