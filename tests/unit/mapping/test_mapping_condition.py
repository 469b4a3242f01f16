"""Conditions on a list: what a panel of scores is made of, with every wrong use refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping.mapper import Mapper, load_mapper

PANEL = "assessment/assessment-scores-startback.map.yaml"
CLAUSE = "scores.measure has startback-distress or startback-risk"


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


def record(*measures: str) -> dict[str, Any]:
    scores: list[dict[str, Any]] = [
        {"measure": measure, **({"level": "low"} if "risk" in measure else {"score": 1})}
        for measure in measures
    ]
    return {
        "record": "assessment",
        "id": "A",
        "source": "urn:x:clinic",
        "patient": {"identifier": {"system": "urn:x:mrn", "value": "1"}},
        "assessed_at": "2026-01-01",
        "scores": scores,
    }


def members(mapper: Mapper, *measures: str) -> list[list[str]]:
    made = [json.loads(one.text) for one in mapper(record(*measures))]
    keys = [
        [member["identifier"]["value"].rpartition("/")[2] for member in one["hasMember"]]
        for one in made
        if "hasMember" in one
    ]
    ids = {f"Observation/{one['id']}" for one in made}
    for one in made:
        assert {member["reference"] for member in one.get("hasMember", ())} <= ids
    return keys


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        (("startback-total",), []),
        (("startback-risk", "startback-distress"), []),
        (("startback-risk", "startback-total"), [["startback-total", "startback-risk"]]),
        (
            ("startback-risk", "odi", "startback-distress", "startback-total"),
            [["startback-total", "startback-distress", "startback-risk"]],
        ),
        (("startback-total", "fabq-pa", "odi"), []),
    ],
)
def test_a_rule_applies_where_the_list_has_one_of_the_words(
    mapper: Mapper, measures: tuple[str, ...], expected: list[list[str]]
) -> None:
    assert members(mapper, *measures) == expected


def test_every_instrument_with_several_scores_of_one_sitting_has_a_panel(mapper: Mapper) -> None:
    several = {
        key: list(one.measures)
        for key, one in mapper.library.instruments.items()
        if len(one.measures) > 1 and key not in ("body", "pain-rating", "promis-short-form")
    }
    several["promis"] = ["promis-global-physical-t", "promis-global-mental-t"]
    for measures in several.values():
        (found,) = members(mapper, *measures)
        assert sorted(found) == sorted(measures)


def test_a_trace_tells_which_element_the_condition_looked_at(mapper: Mapper) -> None:
    trace = mapper.trace(record("odi", "startback-risk", "startback-total"))
    looked = {one.pointer for one in trace.decisions if CLAUSE in one.condition}
    assert looked >= {"/scores/1/measure", "/scores/2/measure"}
    assert {one.mapping for one in trace.resources} >= {"assessment-scores-startback"}


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ("scores.name has odi", "no list whose elements have 'name'"),
        ("assessed_at.measure has odi", "no list whose elements have 'measure'"),
        ("score.measure has odi", "no list whose elements have 'measure'"),
        ("scores.score has odi", "no words at that path"),
        ("encounter.class has ambulatory", "no list"),
        ("points.measure has odi", "no 'points'"),
        ("scores.missing_reason has perhaps", "can never be there"),
        ("scores has odi", "is not a condition"),
    ],
)
def test_a_condition_on_a_list_that_cannot_be_is_refused_at_its_rule(
    tmp_path: Path, clause: str, words: str
) -> None:
    folder = tmp_path / "mappings"
    shutil.copytree(mappings_folder(), folder)
    text = (folder / PANEL).read_text("utf-8")
    assert CLAUSE in text
    (folder / PANEL).write_text(text.replace(CLAUSE, clause), "utf-8")
    with pytest.raises(MappingCheckError) as caught:
        load_mapper(folder)
    (issue,) = caught.value.issues
    assert words in issue.text
    assert issue.mapping is not None
    assert issue.mapping.file.endswith(PANEL)
