"""A quick look that learns: what is often nested alike is looked at by a plan of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

Sure = Callable[[Any], bool]
Shape = tuple[Any, ...]

_MAX_SHAPES = 512
_MAX_ITEMS = 4
_OFTEN = 4
# What a nested plan runs into where a value is nested otherwise than its example.
OTHERWISE = (TypeError, KeyError, IndexError, AttributeError)


class LearnedLook:
    """Looks by calls, and at shapes that come often by a nested plan.

    `by_calls` judges any value; `nested` returns the plan for values as a good example is, or None
    where there is none. `shape_of` raises TypeError for what has no shape.
    """

    __slots__ = ("_by_calls", "_counts", "_nested", "_plans", "_shape_of")

    def __init__(
        self,
        by_calls: Sure,
        nested: Callable[[Any], Sure | None],
        shape_of: Callable[[Any], Shape] = tuple,
    ) -> None:
        self._by_calls = by_calls
        self._nested = nested
        self._shape_of = shape_of
        self._plans: dict[Shape, Sure] = {}
        self._counts: Counter[Shape] = Counter()

    def __call__(self, value: Any) -> bool:
        try:
            shape = self._shape_of(value)
            plan = self._plans.get(shape)
            if plan is not None and plan(value):
                return True
        except OTHERWISE:
            return self._by_calls(value)
        return self._by_calls(value) and (plan is not None or self._count(shape, value))

    def _count(self, shape: Shape, value: Any) -> bool:
        """Count a good value, and plan for its shape where it comes often; always True."""
        if len(self._counts) >= _MAX_SHAPES:
            self._counts.clear()
            self._plans.clear()
        self._counts[shape] += 1
        if self._counts[shape] >= _OFTEN:
            self._plans[shape] = self._nested(value) or self._by_calls
        return True


def shapes_of(values: Any) -> Shape:
    """Return the shapes of the objects of a list; of a long list that it is long."""
    return tuple([tuple(value) for value in values]) if len(values) <= _MAX_ITEMS else ()
