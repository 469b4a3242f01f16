"""Figures as text that Prometheus reads, taken from where they are counted when it asks.

Nothing is counted a second time for the metrics: a counter equals the rows that it stands for.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from fhir_backpain import __version__
from fhir_backpain.telemetry.figure import Figure, Figures

PREFIX = "fhir_backpain_"


def exposition(sources: Iterable[Figures], accept: str = "") -> tuple[bytes, str]:
    """Return the text and its media type, which is what the header `accept` asks for.

    Raises what the sources raise: half an answer would look like rows that are gone.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reader(list(sources)))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Reader(Collector):
    def __init__(self, sources: list[Figures]) -> None:
        self._sources = sources

    def describe(self) -> list[Metric]:
        return []  # so that registering reads nothing

    def collect(self) -> Iterator[Metric]:
        figures = [figure for source in (_build, *self._sources) for figure in source()]
        yield from map(_metric, figures)


def _build() -> list[Figure]:
    sample = ((__version__, platform.python_version()), 1.0)
    help_text = "The version that runs; always 1."
    return [Figure("build_info", "gauge", help_text, ("version", "python"), (sample,))]


def _metric(figure: Figure) -> Metric:
    family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    metric = family(PREFIX + figure.name, figure.help, labels=figure.labels)
    for values, number in figure.samples:
        metric.add_metric(values, number)
    return metric
