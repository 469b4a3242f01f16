"""Courses over the year."""

from __future__ import annotations

import pytest

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.clinic.protocols import PROTOCOLS, RECOVERY
from fhir_backpain.clinic.trajectory import distress_at, severity_at, share_left


@pytest.mark.parametrize("response", RECOVERY)
def test_a_course_goes_through_its_points(response: str) -> None:
    for week, share in RECOVERY[response]:  # type: ignore[index]
        assert share_left(response, week) == pytest.approx(share)  # type: ignore[arg-type]


def test_a_course_goes_straight_between_points_and_stays_after_the_last() -> None:
    assert share_left("fast", 3) == pytest.approx((1 + 0.42) / 2)
    assert share_left("fast", 500) == 0.10
    assert share_left("fast", -1) == 1.0


def test_severity_and_distress_stay_between_none_and_worst() -> None:
    for story in Clinic(patients=80).stories():
        for visit in story.visits:
            assert 0 <= severity_at(story, visit.at) <= 1
            assert 0 <= distress_at(story, visit.at) <= 1


def test_only_kinds_of_pain_with_an_operation_have_patients_who_are_operated() -> None:
    surgery = {"lumbar-discectomy", "laminectomy", "lumbar-fusion"}
    for protocol in PROTOCOLS:
        assert "surgical" not in protocol.responses or protocol.surgery in surgery
        assert sum(protocol.responses.values()) == 100
    assert sum(protocol.weight for protocol in PROTOCOLS) == 100
