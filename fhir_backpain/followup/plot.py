"""Where the moments and values of a trajectory are in its panel of a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from fhir_backpain.fhir.moment import Moment
from fhir_backpain.followup.trajectory import Trajectory

WIDTH = 820
LEFT = 56
RIGHT = 16
HEIGHT = 170
_INSET = 10  # between the frame and the first and last moment
_WHOLE_SCALE = frozenset(("pain", "function", "quality-of-life", "psychosocial"))
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Plot:
    """A panel: its first and last moment, its lowest and highest value, its upper edge."""

    first: datetime
    last: datetime
    low: Decimal
    high: Decimal
    top: int

    @classmethod
    def of(cls, trajectory: Trajectory, top: int) -> Plot:
        """Return the panel that holds all points and plan changes of a trajectory."""
        moments = [point.moment[0] for point in trajectory.points]
        moments += [mark.moment[0] for mark in trajectory.marks]
        return cls(min(moments), max(moments), *_value_range(trajectory), top)

    @property
    def bottom(self) -> int:
        """The lower edge."""
        return self.top + HEIGHT

    @property
    def seconds(self) -> float:
        """The time between the first and last moment."""
        return (self.last - self.first) / timedelta(seconds=1)

    def x(self, moment: Moment) -> float:
        """Return where a moment is; a single one is in the middle."""
        width = WIDTH - LEFT - RIGHT - 2 * _INSET
        if not self.seconds:
            return LEFT + _INSET + width / 2
        share = (moment[0] - self.first) / timedelta(seconds=1) / self.seconds
        return LEFT + _INSET + width * share

    def y(self, value: Decimal) -> float:
        """Return where a value is."""
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - HEIGHT * float(share)

    def ticks(self) -> Iterator[Decimal]:
        """Yield the values that are labelled, lowest first."""
        for step in range(_TICKS + 1):
            yield self.low + (self.high - self.low) * step / _TICKS


def _value_range(trajectory: Trajectory) -> tuple[Decimal, Decimal]:
    """Return the range of the measure, or for a measurement whole numbers around its values."""
    whole = trajectory.scale.measure.value_range
    if whole is not None and trajectory.scale.domain in _WHOLE_SCALE:
        return whole
    values = [point.value for point in trajectory.points if point.value is not None]
    if not values:
        return whole or (Decimal(0), Decimal(1))
    low = min(values).to_integral_value(ROUND_FLOOR)
    high = max(values).to_integral_value(ROUND_CEILING)
    # Widened to a multiple of the ticks, so that their labels are whole numbers.
    spread = max(high - low, Decimal(_TICKS))
    spread += -spread % _TICKS
    return low, low + spread
