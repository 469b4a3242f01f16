"""Servers that give ids of their own: resources are known by what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pull_world import World, assessment, observation

from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.pull.own_ids import own_url
from tests.awkward_server import AwkwardServer
from tests.golden.case import cases


def golden_records() -> Iterator[Path]:
    yield from sorted({case.folder / "source.json" for case in cases()})


def test_each_resource_tells_our_url_as_it_was_made(mapper: Mapper) -> None:
    checked = 0
    for path in golden_records():
        if not path.exists():
            continue
        record = json_text.parse(path.read_text("utf-8"))
        for made in mapper(record):
            if made.type != "Provenance":
                assert own_url(json_text.parse(made.text)) == made.url, path
                checked += 1
    assert checked > 50


@pytest.fixture
def awkward(mapper: Mapper, tmp_path: Path) -> Iterator[World]:
    with AwkwardServer() as server:
        world = World(server.base_url, mapper, tmp_path)
        yield world
        world.client.close()


def test_an_awkward_server_gives_back_what_was_edited_alone(awkward: World) -> None:
    named = assessment("A-1")
    named["patient"]["name"] = {"family": "Example"}
    awkward.push(named, observation("R-1", "P-2"))
    assert set(awkward.pull().versions) == {"echo"}
    assert awkward.deliveries() == []
    edited = awkward.find("Observation", "assessment/A-1/score/odi")
    edited["valueQuantity"]["value"] = 30
    awkward.client.put(
        "Observation", edited["id"], json_text.dump(edited), if_match=edited["meta"]["versionId"]
    )
    result = awkward.pull()
    assert result.versions == {"delivered": 1}, str(result)
    (delivery,) = awkward.deliveries()
    scores = [{"measure": "odi", "score": 30}, {"measure": "rmdq", "score": 11}]
    assert delivery["record"] == awkward.mapper.normal_form({**named, "scores": scores})
    assert delivery["versions"][0].startswith(f"Observation/{edited['id']}/")
    assert not awkward.pull().versions
