"""When to try again: pure functions of the attempts so far, with randomness given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Random = Callable[[], float]
"""Gives a number from 0 up to, not including, 1."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait (seconds) and how often the server may fail on one entry.

    There is no cap on attempts that did not reach the server: those are not the entry's fault.
    """

    base: float = 1.0
    cap: float = 300.0
    retry_after_cap: float = 3600.0
    max_faults: int = 5


def backoff(attempt: int, policy: RetryPolicy, random: Random) -> float:
    """Return the wait after the failed attempt `attempt` (1 is the first), doubled each time.

    The upper half of the wait is random, so that many senders do not come back together.
    """
    doublings = min(max(attempt - 1, 0), 62)
    full: float = min(policy.cap, policy.base * 2**doublings)
    return full / 2 + random() * full / 2


def retry_wait(
    attempt: int, retry_after: float | None, policy: RetryPolicy, random: Random
) -> float:
    """Return the wait after a failed attempt, never shorter than the server asked for.

    The server's wish counts up to `retry_after_cap`; up to a tenth of it is added at random.
    """
    if retry_after is None:
        return backoff(attempt, policy, random)
    wished = min(max(retry_after, 0.0), policy.retry_after_cap)
    return max(wished * (1 + random() / 10), backoff(1, policy, random))
