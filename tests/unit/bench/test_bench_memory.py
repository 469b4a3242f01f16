"""What the bench says of memory figures."""

from __future__ import annotations

from bench.memory import Stream, problems


def test_flat_and_small_is_no_problem() -> None:
    assert problems([Stream(10_000, 1.0, 31.5), Stream(100_000, 10.0, 36.4)]) == []


def test_growth_is_a_problem() -> None:
    found = problems([Stream(10_000, 1.0, 31.5), Stream(100_000, 10.0, 36.6)])
    assert found == ["peak memory differs by 5.1 MiB between lengths, over 5"]


def test_too_much_is_a_problem() -> None:
    found = problems([Stream(10_000, 1.0, 64.0)])
    assert found == ["peak memory is 64.0 MiB, not under 64 MiB"]
