"""Figures as Prometheus reads them."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from fhir_backpain import __version__
from fhir_backpain.telemetry.exposition import exposition
from fhir_backpain.telemetry.figure import Figure
from fhir_backpain.telemetry.request_count import RequestCount

AWKWARD = 'a"b\\c\nd'


def figures() -> list[Figure]:
    samples = (((AWKWARD,), 3.0), (("x",), 0.0))
    return [
        Figure("things", "counter", "Things.", ("name",), samples),
        Figure("age_seconds", "gauge", "Age.", (), (((), 1.5),)),
    ]


@pytest.mark.parametrize("accept", ["", "text/plain", "application/openmetrics-text;version=1.0.0"])
def test_what_is_written_is_what_is_read(accept: str) -> None:
    text, content_type = exposition([figures], accept)
    read = openmetrics if "openmetrics" in content_type else text_string_to_metric_families
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in read(text.decode())
        for sample in family.samples
    }
    assert found["fhir_backpain_things_total", AWKWARD] == 3
    assert found["fhir_backpain_things_total", "x"] == 0
    assert found["fhir_backpain_age_seconds",] == 1.5
    assert any(name == "fhir_backpain_build_info" and __version__ in labels
               for name, *labels in found)  # fmt: skip


def test_figures_are_read_anew_each_time_and_once() -> None:
    calls = []

    def source() -> list[Figure]:
        calls.append(1)
        return figures()

    exposition([source])
    exposition([source])
    assert len(calls) == 2


def test_a_source_that_fails_leaves_no_half_answer() -> None:
    def broken() -> list[Figure]:
        raise OSError

    with pytest.raises(OSError):
        exposition([figures, broken])


def test_requests_are_counted_by_route() -> None:
    count = RequestCount()
    for status in (200, 200, 404):
        count.add("GET", None if status == 404 else "/metrics", status)
    (figure,) = count.figures()
    assert dict(figure.samples) == {("GET", "/metrics", "200"): 2, ("GET", "none", "404"): 1}
