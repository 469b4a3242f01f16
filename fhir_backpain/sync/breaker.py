"""Keeps away from a server in trouble: one probe after each wait, everything once one succeeds."""

from __future__ import annotations

from collections.abc import Callable

from fhir_backpain.outbox.retry import Random, RetryPolicy, retry_wait


class Breaker:
    """The state of one server, as its last answers show it. Times are steady seconds."""

    def __init__(self, policy: RetryPolicy, monotonic: Callable[[], float], random: Random) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._random = random
        self._ready_at = 0.0
        self.failures = 0

    @property
    def is_closed(self) -> bool:
        """True where the server answered last time."""
        return self.failures == 0

    def ready_in(self) -> float:
        """Return the seconds until the next request may be made."""
        if self.is_closed:
            return 0.0
        return max(self._ready_at - self._monotonic(), 0.0)

    def failed(self, retry_after: float | None) -> None:
        """Take note of one more failure in a row."""
        self.failures += 1
        wait = retry_wait(self.failures, retry_after, self._policy, self._random)
        self._ready_at = self._monotonic() + wait

    def succeeded(self) -> None:
        """Take note that the server works."""
        self.failures = 0
