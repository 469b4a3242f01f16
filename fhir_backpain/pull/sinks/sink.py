"""What every destination of deliveries promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fhir_backpain.outcome import Issue
from fhir_backpain.pull.delivery import Delivery


@dataclass(slots=True)
class Taken:
    """What became of deliveries: `done` are at the sink, `refused` ones it will never take.

    Both name them by their place in the order. `lengths` are those of the sink's files now.
    """

    done: list[int] = field(default_factory=list)
    refused: dict[int, Issue] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)


class Sink(Protocol):
    """A destination. To give it what it was given before, after a crash, changes nothing.

    `name` tells it from others for life; `batch` is how many deliveries it takes at once.
    """

    @property
    def name(self) -> str:
        """Kind and address."""

    @property
    def batch(self) -> int:
        """How many deliveries it takes at once."""

    def deliver(self, deliveries: Sequence[Delivery]) -> Taken:
        """Take deliveries in their order, durable on return.

        Raises TransientRemoteError where it cannot be reached or asks to wait,
        PermanentRemoteError where it refuses everything, SettingsError where files cannot be
        written.
        """

    def stop(self) -> None:
        """Wait for nothing any more; may be called from a signal handler."""

    def close(self) -> None:
        """Close connections."""
