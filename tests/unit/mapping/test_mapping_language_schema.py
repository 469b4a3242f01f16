"""The schema of the mapping language: up to date, true of every shipped file, strict enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.artifacts.located_yaml import YamlScalar, parse_yaml, plain, read_yaml
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping import declaration, feed, language_schema
from fhir_backpain.mapping.codegen import root_scope
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.registry import feed_functions, resource_functions
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.source_shape import record_shape, table_shape
from fhir_backpain.mapping.template import Slot
from fhir_backpain.outcome import MappingLocation

SCHEMA = language_schema.language_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
SHIPPED = sorted(mappings_folder().rglob("*.yaml"))
HERE = MappingLocation("f.yaml", 1)


def test_the_committed_schema_is_up_to_date() -> None:
    told = "run python -m fhir_backpain.mapping.language_schema"
    assert language_schema.path().read_text("utf-8") == language_schema.text(), told


def test_it_is_a_schema_of_its_draft() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_file_is_valid(path: Path) -> None:
    VALIDATOR.validate(plain(read_yaml(path)))


def test_the_functions_are_those_of_the_registry(library: Library) -> None:
    for language, functions in {
        "resource": resource_functions(library), "record": feed_functions(),
    }.items():  # fmt: skip
        names = SCHEMA["$defs"][f"{language}-map"]["propertyNames"]["anyOf"][1]["enum"]
        assert set(names) == {f"={name}" for name in functions} | {
            "=use", "=first of", "=each", "=when",
        }  # fmt: skip
    known = {*resource_functions(library), *feed_functions()}
    assert set(language_schema.CALLS) == known


def test_the_entries_of_a_file_are_those_that_its_reader_knows() -> None:
    for kind, known in {"mapping": declaration._KEYS, "feed": feed._KEYS}.items():
        assert set(SCHEMA["$defs"][kind]["properties"]) == known


def refused_options(function: Callable[..., Any], name: str, emitter: Emitter) -> set[str]:
    """Return the options that a function says it has, when it is given one that it has not."""
    wrong = {"no such option": YamlScalar("x", "x", HERE)}
    with pytest.raises(MappingCheckError) as caught:
        function(emitter, Slot(name, YamlScalar("id", "id", HERE), wrong, HERE))
    listed = caught.value.issues[0].text.partition("it has: ")[2].rstrip(".")
    return set() if listed == "none" else set(listed.split(", "))


def test_the_options_are_those_that_the_functions_take(library: Library) -> None:
    there = Emitter(root_scope(record_shape("observation")), resource_functions(library), {})
    cells = Emitter(root_scope(table_shape(["id"]), table=True), feed_functions(), {})
    for functions, emitter in ((resource_functions(library), there), (feed_functions(), cells)):
        for name, function in functions.items():
            taken = refused_options(function, name, emitter)
            # =code takes `else` away before it is like the others.
            taken |= {"else"} if name == "code" else set()
            assert set(language_schema.CALLS[name]["options"]) == taken, name


MAPPING = """\
mapping: m
source: assessment
makes: Observation
for each: scores as score
when: score.score is present and id is not x
belongs to: record
key: [score, =score.measure]
resource:
  a: {=concept: [score.measure, score.level], map: measure-level}
  b:
    - {=each: causes as cause, =reference: Condition, belongs to: patient, key: [=cause.cause]}
    - =when: test_data is true
      =first of: [{=use: x, y: =z}, {=fixed: k}, text, 5]
ignore:
  - {path: [a, b], because: c}
"""
FEED = """\
feed: f
makes: observation
parameters: {a: date, b: {kind: text, default: x}}
table: {delimiter: ";", encoding: latin-1, missing: [NULL, no, -9]}
record:
  id: {=text: "{a}-{b}"}
  score: {=number: val, decimal: ","}
  measure: {=word: [item, unit], table: {1: odi, x: =parameter.b}}
"""
INSTRUMENT = """\
instrument: i
title: t
domain: pain
reported by: patient
measures:
  i: {code: c, unit: u, range: [0, 1.5]}
  l: {code: c, levels: {low: x}}
licence: l
"""
MAP = "concept map: c\nof: site\nrows: {a: k, b: [k, l], c: {is: [k], text: t}}\n"
FRAGMENTS = "fragments:\n  f: {parameters: [p], is: [{=copy: p, else: x}]}\n"
RELEASE = "release: R5\nmappings:\n  m: {period: null, x: =y}\n"


@pytest.mark.parametrize("text", [MAPPING, FEED, INSTRUMENT, MAP, FRAGMENTS, RELEASE])
def test_what_the_language_has_is_valid(text: str) -> None:
    VALIDATOR.validate(plain(parse_yaml(text, "f.yaml")))


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (MAPPING, "belongs to: record", "belongs to: clinic"),
        (MAPPING, "belongs to: record\n", ""),
        (MAPPING, "resource:", "resources:"),
        (MAPPING, "makes: Observation", "makes: Observations"),
        (MAPPING, "source: assessment", "source: asessment"),
        (MAPPING, "scores as score", "scores"),
        (MAPPING, "score.score is present", "score.score exists"),
        (MAPPING, "=concept:", "=consept:"),
        (MAPPING, ", map: measure-level", ""),
        (MAPPING, "map: measure-level", "maps: measure-level"),
        (MAPPING, "=reference: Condition", "=reference: Conditions"),
        (MAPPING, "key: [=cause.cause]", "key: =cause.cause"),
        (MAPPING, "[{=use: x, y: =z}, {=fixed: k}, text, 5]", "[{=fixed: k}]"),
        (MAPPING, "{=fixed: k}", "{=fixed: k, =own: identifier}"),
        (MAPPING, ", because: c", ""),
        (MAPPING, "{=fixed: k}", "{=word: k, table: {a: b}}"),
        (FEED, "makes: observation", "makes: observations"),
        (FEED, "a: date", "a: dates"),
        (FEED, "encoding:", "encodings:"),
        (FEED, ', decimal: ","', ', decimals: ","'),
        (FEED, ', decimal: ","', ', decimal: "to"'),
        (FEED, "=word:", "=concept:"),
        (FEED, ", table: {1: odi, x: =parameter.b}", ""),
        (FEED, '"{a}-{b}"', "ab"),
        (FEED, "record:", "records:"),
        (INSTRUMENT, "domain: pain", "domain: pains"),
        (INSTRUMENT, "unit: u, ", ""),
        (INSTRUMENT, "[0, 1.5]", "[0]"),
        (INSTRUMENT, "licence: l\n", ""),
        (MAP, "is: [k]", "iz: [k]"),
        (MAP, "b: [k, l]", "b: []"),
        (MAP, "rows:", "row:"),
        (FRAGMENTS, "is: [", "si: ["),
        (FRAGMENTS, "else: x", "or: x"),
        (RELEASE, "R5", "R6"),
        (RELEASE, "mappings:", "mapping:"),
    ],
)
def test_a_typical_mistake_is_not_valid(text: str, old: str, new: str) -> None:
    assert text.count(old) == 1
    wrong = plain(parse_yaml(text.replace(old, new), "f.yaml"))
    assert not VALIDATOR.is_valid(wrong)


def test_a_file_of_no_kind_and_one_of_two_are_not_valid() -> None:
    assert not VALIDATOR.is_valid({})
    assert not VALIDATOR.is_valid({"x": 1})
    assert not VALIDATOR.is_valid(plain(parse_yaml(MAP + INSTRUMENT, "f.yaml")))
