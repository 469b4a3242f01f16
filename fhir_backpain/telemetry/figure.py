"""Figures: what a room counts, in the words of Prometheus but without its library."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric and its samples: each the values of `labels` in their order, and a number.

    `name` is without the prefix of the package, and without ``_total`` for a counter, which only
    grows. Labels name servers, states, routes and versions, never anything of a record.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    samples: tuple[tuple[tuple[str, ...], float], ...]


Figures = Callable[[], Iterable[Figure]]
"""Reads figures anew; called for each scrape."""
