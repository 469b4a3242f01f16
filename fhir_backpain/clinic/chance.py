"""Chance from a key: the same key gives the same draws, on every machine and Python version."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A row of draws that depends on its key alone.

    Only `random.Random.random` is built upon: it is the one draw that Python promises to repeat.
    """

    def __init__(self, *key: object) -> None:
        # Made-up stories need repeatable chance, not secrecy.
        self._random = random.Random("/".join(str(part) for part in key))  # noqa: S311

    def unit(self) -> float:
        """Return a number from 0 to below 1."""
        return self._random.random()

    def happens(self, likelihood: float) -> bool:
        """Return True with the likelihood given, 0 to 1."""
        return self.unit() < likelihood

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def spread(self, width: float) -> float:
        """Return a number within width around 0, the middle more likely than the ends."""
        return (self.unit() + self.unit() - 1) * width

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.between(0, len(choices) - 1)]

    def weighted(self, weights: Mapping[T, int]) -> T:
        """Return one of the keys, as often as its weight says."""
        left = self.between(1, sum(weights.values()))
        for choice, weight in weights.items():
            left -= weight
            if left <= 0:
                return choice
        raise ValueError("no choice has a weight")
