"""Each rule of goal achievement, with numbers worked out by hand.

The goal: an Oswestry score of 20 by 30 June; ten points are its important change.
"""

from __future__ import annotations

from typing import Any

import pytest
from followup_world import PATIENT, assessment, goal, observation, plan, read, year

from fhir_backpain.followup.achievement import Achievement, accepted_fragment, achievements
from fhir_backpain.mapping.library import Library, load_library

START = "2026-01-05"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def judge(
    library: Library, *scores: tuple[str, int], on: str = "2026-05-01", **changes: Any
) -> Achievement:
    """Return what is proposed for the goal, given days with scores."""
    records = [observation(f"O-{day}", day, score=score) for day, score in scores]
    made = plan("P-1", START, goals=[goal(**changes)])
    (found,) = achievements(read(made, *records), library, on)
    return found


@pytest.mark.parametrize(
    ("scores", "on", "proposed"),
    [
        # Nothing was measured since the baseline.
        ([(START, 44)], "2026-05-01", "in-progress"),
        ([(START, 44)], "2026-06-30", "in-progress"),
        ([(START, 44)], "2026-07-01", None),
        # The change from 44 is at least 10, or less.
        ([(START, 44), ("2026-03-01", 34)], "2026-05-01", "improving"),
        ([(START, 44), ("2026-03-01", 35)], "2026-05-01", "no-change"),
        ([(START, 44), ("2026-03-01", 53)], "2026-05-01", "no-change"),
        ([(START, 44), ("2026-03-01", 54)], "2026-05-01", "worsening"),
        # The target of 20 is met; twice in a row it is sustained.
        ([(START, 44), ("2026-03-01", 20)], "2026-05-01", "achieved"),
        ([(START, 44), ("2026-03-01", 21)], "2026-05-01", "improving"),
        ([(START, 44), ("2026-03-01", 20), ("2026-04-01", 18)], "2026-05-01", "sustaining"),
        ([(START, 44), ("2026-07-05", 19)], "2026-08-01", "achieved"),
        # It was met and is lost again.
        ([(START, 44), ("2026-03-01", 20), ("2026-04-01", 40)], "2026-05-01", "no-change"),
        # The due day is past.
        ([(START, 44), ("2026-03-01", 34)], "2026-06-30", "improving"),
        ([(START, 44), ("2026-03-01", 34)], "2026-07-01", "not-achieved"),
        ([(START, 44), ("2026-03-01", 35)], "2026-07-01", "no-progress"),
        ([(START, 44), ("2026-03-01", 60)], "2026-07-01", "no-progress"),
        # What was measured after the day of judgement does not count.
        ([(START, 44), ("2026-03-01", 34), ("2026-05-02", 10)], "2026-05-01", "improving"),
        # The baseline is the last value before the start, or the first after it.
        ([("2025-11-01", 60), ("2026-01-02", 44), ("2026-03-01", 34)], "2026-05-01", "improving"),
        ([("2026-02-01", 44), ("2026-03-01", 35)], "2026-05-01", "no-change"),
    ],
)
def test_the_rules(
    library: Library, scores: list[tuple[str, int]], on: str, proposed: str | None
) -> None:
    assert judge(library, *scores, on=on).proposed == proposed


def test_the_numbers_stand_behind_it(library: Library) -> None:
    found = judge(library, (START, 44), ("2026-03-01", 30), achievement="no-change")
    told = found.to_json()
    assert told["baseline"]["value"] == 44
    assert told["latest"]["at"] == "2026-03-01"
    assert (told["gain"], told["distance"], told["importantChange"]) == (14, 10, 10)
    assert (told["unit"], told["target"], told["due"]) == ("{score}", 20, "2026-06-30")
    assert (told["recorded"], told["proposed"], told["differs"]) == ("no-change", "improving", True)
    assert found.why == ("A change of 14 towards the better reaches the important change of 10.")


def test_a_measure_without_an_important_change_tells_less(library: Library) -> None:
    records = [
        plan("P-1", START, goals=[goal(measure="body-weight", target=80)]),
        observation("O-1", START, "body-weight", score=90),
        observation("O-2", "2026-03-01", "body-weight", score=84),
    ]
    for on, proposed in (("2026-05-01", "in-progress"), ("2026-07-01", "not-achieved")):
        (found,) = achievements(read(*records), library, on)
        assert found.proposed == proposed
        assert "names no important change" in found.why
    lighter = observation("O-3", "2026-04-01", "body-weight", score=80)
    (found,) = achievements(read(*records, lighter), library, "2026-05-01")
    assert found.proposed == "achieved"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"target": None}, "no measure with a target"),
        ({"measure": "rmdq"}, "no value of the measure"),
    ],
)
def test_where_nothing_can_be_said_nothing_is(
    library: Library, changes: dict[str, Any], why: str
) -> None:
    made = {name: value for name, value in goal(**changes).items() if value is not None}
    records = read(plan("P-1", START, goals=[made]), observation("O-1", START, score=44))
    (found,) = achievements(records, library)
    assert found.proposed is None
    assert not found.differs
    assert why in found.why


def rated(day: str, **by_site: int) -> dict[str, Any]:
    ratings = [
        {"scale": "pain-nrs", "site": site.replace("_", "-"), "score": score}
        for site, score in by_site.items()
    ]
    return assessment(f"A-{day}", day, pain={"ratings": ratings})


def test_of_several_sites_the_back_counts(library: Library) -> None:
    made = plan("P-1", START, goals=[goal(measure="pain-nrs", target=3)])
    records = [made, rated(START, low_back=7, leg=4), rated("2026-03-01", low_back=5, leg=1)]
    (found,) = achievements(read(*records), library, "2026-05-01")
    assert found.series is not None
    assert (found.series.site, found.proposed) == ("low-back", "improving")
    both = [made, rated(START, low_back=7, back=4), rated("2026-03-01", low_back=5, back=1)]
    (found,) = achievements(read(*both), library, "2026-05-01")
    assert found.proposed is None
    assert "several sites" in found.why


def test_a_goal_is_judged_once_by_the_last_plan_that_has_it(library: Library) -> None:
    found = achievements(read(*year()), library)
    assert [(one.plan, one.goal["target"], one.proposed) for one in found] == [
        ("P-4", 24, "achieved")
    ]
    (june,) = achievements(read(*year()), library, "2026-06-15")
    assert (june.plan, june.goal["target"], june.proposed) == ("P-3", 24, "no-change")


def test_a_cancelled_goal_is_left_alone(library: Library) -> None:
    assert achievements(read(plan("P-1", START, goals=[goal(status="cancelled")])), library) == ()


def test_the_fragment_holds_what_would_change_and_nothing_else(library: Library) -> None:
    found = judge(library, (START, 44), ("2026-03-01", 30), achievement="no-change")
    (fragment,) = accepted_fragment([found])
    assert fragment == {
        "record": "care-plan",
        "id": "P-1",
        "source": "https://clinic.example/app",
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": "P-1"}},
        "goals": [goal(achievement="improving")],
    }
    assert found.patient == PATIENT
    same = judge(library, (START, 44), ("2026-03-01", 30), achievement="improving")
    assert accepted_fragment([same]) == []
