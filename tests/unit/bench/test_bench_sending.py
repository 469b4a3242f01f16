"""The parts of the bench that send: sink, bare generator, and what is reckoned from them."""

from __future__ import annotations

import json

import pytest

from bench.http_reader import HttpReader
from bench.load_generator import Load, replay
from bench.recording import recorded
from bench.saturation import Pair, Saturation, problems, saturation_lines
from bench.sink import SinkServer
from bench.sink_server import answer
from bench.workload import WORKLOADS, observations
from fhir_backpain.client.client import FhirClient
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.sync.push_options import PushOptions

REQUESTS = (
    b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n"
    b"POST /fhir HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"
    b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nde"
)


@pytest.mark.parametrize("size", [1, 2, 7, 60, 1000])
def test_requests_are_read_whatever_the_pieces(size: int) -> None:
    reader = HttpReader()
    pieces = [REQUESTS[start : start + size] for start in range(0, len(REQUESTS), size)]
    found = [request for piece in pieces for request in reader.feed(piece)]
    assert found == [(b"GET", b""), (b"POST", b"abc"), (b"POST", b"de")]


def test_the_sink_answers_each_entry_that_the_engine_sends() -> None:
    options = PushOptions(bundle_size=20)
    bodies = recorded("http://server.example/fhir", load_mapper(), observations(1, 30), options)
    bundles = [json.loads(body) for body in bodies]
    assert len(bundles) > 2
    for body, bundle in zip(bodies, bundles, strict=True):
        urls = [entry["request"]["url"] for entry in bundle["entry"]]
        responses = [entry["response"] for entry in json.loads(answer(body))["entry"]]
        assert [one["location"] for one in responses] == [f"{url}/_history/1" for url in urls]


def test_no_two_records_of_a_workload_make_the_same_resource_twice_over_rounds() -> None:
    mapper = load_mapper()
    for workload in WORKLOADS.values():
        rounds = [
            {made.url for record in workload(start, 10) for made in mapper(record.data)}
            for start in (1000, 1010)
        ]
        assert rounds[0].isdisjoint(rounds[1])
        assert len(rounds[0]) == len(rounds[1])


def test_the_generator_posts_every_body_to_a_server() -> None:
    bodies = recorded(
        "http://server.example/fhir", load_mapper(), observations(1, 60), PushOptions()
    )
    with SinkServer() as sink:
        load = replay(sink.base_url, bodies * 3, 2)
        with FhirClient(sink.base_url) as client:
            assert client.capabilities().offers_transaction
    assert load.under_way > 0


def found(*pairs: tuple[float, float]) -> Saturation:
    loads = [Pair(Load(bare, bare), Load(ours, bare)) for bare, ours in pairs]
    return Saturation("observations", 2, 10, 1000, loads)


def test_the_share_lost_is_the_median_of_the_rounds() -> None:
    one = found((9.0, 10.0), (10.0, 10.0), (9.6, 10.0))
    assert one.lost == pytest.approx(0.04)
    assert one.idle(pair.bare for pair in one.pairs) == pytest.approx(0.5)
    assert problems([one]) == []
    assert "4.0%" in list(saturation_lines([one]))[-1]


def test_more_than_a_twentieth_lost_is_a_problem() -> None:
    assert problems([found((9.0, 10.0))]) == [
        "10.0% of the time is lost to us, over 5%: observations"
    ]
