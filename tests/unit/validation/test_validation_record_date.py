import pytest

from fhir_backpain.validation.record_date import (
    is_before,
    is_date_time,
    is_day,
    is_instant,
    is_partial_date,
)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026", True), ("2026-02", True), ("2024-02-29", True), ("0001-01-01", True),
        ("2026-02-29", False), ("2026-02-30", False), ("2026-04-31", False), ("2026-13", False),
        ("2026-00", False), ("0000", False), ("20260301", False), ("2026-W01-1", False),
        ("", False), ("2026-03-01\n", False), ("2026-1-1", False),
    ],
)  # fmt: skip
def test_partial_dates(text: str, good: bool) -> None:
    assert is_partial_date(text) is good


def test_a_day_is_whole() -> None:
    assert is_day("2026-03-09")
    assert not is_day("2026-03")
    assert not is_day("20260309")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-03-09T14:05:00Z", True), ("2026-03-09T14:05:00.123456789+14:00", True),
        ("2026-03-09T23:59:59-14:00", True), ("2026-03-09T23:59:60Z", False),
        ("2026-02-30T10:00:00Z", False), ("2026-03-09T24:00:00Z", False),
        ("2026-03-09T10:00:00+14:30", False), ("2026-03-09T10:00:00", False),
        ("2026-03-09 10:00:00Z", False), ("2026-03-09", False), ("2026-03-09T", False),
    ],
)  # fmt: skip
def test_instants(text: str, good: bool) -> None:
    assert is_instant(text) is good
    assert is_date_time(text) is (good or text == "2026-03-09")


@pytest.mark.parametrize(
    ("earlier", "later", "answer"),
    [
        ("2026-03-01", "2026-03-02", True),
        ("2026-03-01", "2026-03-01", False),
        ("2026-03-02", "2026-03-01", False),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:01Z", True),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T09:00:00Z", True),
        ("2026-03-01T23:00:00-05:00", "2026-03-02T01:00:00+02:00", False),
        ("2026-03-01", "2026-03-01T10:00:00Z", False),
        ("2026-03-01T10:00:00Z", "2026-03-02", True),
        ("2026-02-30", "2026-03-02", False),
        ("", "2026-03-02", False),
    ],
)
def test_one_time_before_another(earlier: str, later: str, answer: bool) -> None:
    assert is_before(earlier, later) is answer
