"""A line of log for what a destination of deliveries has taken."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from fhir_backpain.errors import BackpainError
from fhir_backpain.pull.delivery import Delivery
from fhir_backpain.pull.pull_options import PullResult
from fhir_backpain.pull.sinks.sink import Sink, Taken
from fhir_backpain.telemetry.event import log
from fhir_backpain.telemetry.fault import numbers_of

_logger = logging.getLogger(__name__)


class LoggedSink:
    """A `Sink` that tells of its deliveries, by their keys, which name nobody."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    @property
    def name(self) -> str:
        """Kind and address."""
        return self._sink.name

    @property
    def batch(self) -> int:
        """How many deliveries it takes at once."""
        return self._sink.batch

    def deliver(self, deliveries: Sequence[Delivery]) -> Taken:
        """Take deliveries in their order, durable on return."""
        begun = time.monotonic()
        try:
            taken = self._sink.deliver(deliveries)
        except BackpainError as error:
            log(_logger, logging.WARNING, "sink-failed", messages=numbers_of(error))
            raise
        ms = round((time.monotonic() - begun) * 1000, 1)
        done = set(taken.done)
        delivered = [one.key for one in deliveries if one.seq in done]
        log(_logger, logging.INFO, "delivered", count=len(done), ms=ms, deliveries=delivered)
        for one in deliveries:
            issue = taken.refused.get(one.seq)
            if issue is not None:
                messages = [f"FBP-{issue.number}"]
                log(_logger, logging.WARNING, "refused", delivery=one.key, messages=messages)
        return taken

    def stop(self) -> None:
        """Wait for nothing any more; may be called from a signal handler."""
        self._sink.stop()

    def close(self) -> None:
        """Close connections."""
        self._sink.close()


def log_pull(result: PullResult, server: str) -> None:
    """Tell of a run that is over."""
    messages = {f"FBP-{number}": count for number, count in sorted(result.issue_count.items())}
    log(
        _logger, logging.INFO if result.reason == "idle" else logging.WARNING, "pulled",
        server=server, reason=result.reason, versions=dict(+result.versions),
        deliveries=dict(+result.deliveries), waiting=dict(+result.waiting), messages=messages,
    )  # fmt: skip
