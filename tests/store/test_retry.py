"""The rules of waiting, over their whole range."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_backpain.outbox.clock import seconds_left
from fhir_backpain.outbox.retry import RetryPolicy, backoff, retry_wait

POLICY = RetryPolicy(base=1.0, cap=300.0, retry_after_cap=3600.0)
chance = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempt", "least", "most"),
    [(0, 0.5, 1), (1, 0.5, 1), (2, 1, 2), (5, 8, 16), (9, 128, 256), (10, 150, 300),
     (10**9, 150, 300)],
)  # fmt: skip
def test_backoff_doubles_up_to_its_cap(attempt: int, least: float, most: float) -> None:
    assert backoff(attempt, POLICY, lambda: 0.0) == least
    assert backoff(attempt, POLICY, lambda: math.nextafter(1, 0)) <= most


@given(st.integers(0, 10**6), st.none() | st.floats(0, 3600), chance)
def test_no_request_is_made_earlier_than_asked(
    attempt: int, retry_after: float | None, random: float
) -> None:
    wait = retry_wait(attempt, retry_after, POLICY, lambda: random)
    assert wait >= max(retry_after or 0, POLICY.base / 2)
    assert wait <= POLICY.retry_after_cap * 1.1


@given(st.floats(allow_nan=False, min_value=3600), chance)
def test_an_absurd_wish_is_capped(retry_after: float, random: float) -> None:
    assert 3600 <= retry_wait(1, retry_after, POLICY, lambda: random) <= 3961


@given(st.floats(0, 1e9), st.floats(0, 1e5), st.floats(0, 1e9))
def test_a_wait_is_never_longer_than_it_was_granted_for(
    start: float, granted: float, now: float
) -> None:
    assert 0 <= seconds_left(start + granted, granted, now) <= granted + 1
