"""Each template construct, traced and compiled: both make the same, or both refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_backpain.errors import MappingFailed
from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping.codegen import compile_record
from fhir_backpain.mapping.functions.registry import resource_functions
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.trace.tracer import Tracer
from tests.records import observation
from tests.unit.mapping_trace.conftest import Declare

HEAD = "mapping: m\nsource: observation\nmakes: Observation\n"
OWN = "belongs to: record\nkey: [k, =site]\n"
STAFF = {"identifier": {"system": "s:x", "value": "v"}}
NAMED = {**observation()["patient"], "name": {"family": "f", "given": ["é", 'b"']}}
EXTRA: dict[str, Any] = {
    "note": 'n"{}<&\\',
    "site": "back",
    "test_data": True,
    "score": Decimal("1.0"),
    "level": "high",
    "author": STAFF,
    "encounter": {"id": "e 1/~", "setting": "home"},
    "patient": NAMED,
}
RECORDS = [
    observation(),
    observation(**EXTRA),
    observation(test_data=False, score=3, author={**STAFF, "name": "N"}),
    *(observation(**{name: value}) for name, value in EXTRA.items()),
    *(observation(**{key: EXTRA[key] for key in EXTRA if key != name}) for name in EXTRA),
]
TEMPLATES = [
    "a: 5\nb: true\nc: 1.5\nd: 0.10",
    "a: {b: fixed, c: =note}",
    "a: {b: fixed, c: =note, d: =id}",
    "a: {b: fixed}",
    "a: {b: {=fixed: own.body-side}, c: =note}",
    "a: {z: =note, b: {c: {=own: identifier}}}",
    "a: {b: {=own: identifier}}",
    "a: [=note, =site]",
    "a: [x, =note]",
    "a: {b: x, c: [y, =note]}",
    "a: {b: x, c: [y, z]}",
    "a: []",
    "a: {b: []}",
    "a: {x: [[=note]], b: [[y]]}",
    "a: [{x: =note, y: z}, {y: z}]",
    "a: =patient.name.given\nb: {x: y, c: =patient.name.given}",
    "a: =test_data\nb: =score",
    "a: {=when: test_data is true, b: x}",
    "a: {=when: site is not back, b: x}",
    "a: {=when: test_data is not true, b: =note}",
    "a: {q: {=when: test_data is false, b: x}, r: s}",
    "a: {=first of: [=note, {=when: test_data is true, =copy: site}, =id]}",
    "a: {=first of: [=note, =site]}",
    "a: {=first of: [{b: =note, c: d}, {b: e}]}",
    "a: {=copy: status, else: final}\nb: {=copy: id, else: x}",
    "a: {=narrative: note, else: none}\nb: {=narrative: note}\nc: {=narrative: id}",
    'a: {=text: "{id} of {note}"}\nb: {=text: "{level} {score}"}',
    "a: {=actor: author}",
    "a: [{=actor: author}, {=reference: Patient}]",
    "a: {=reference: Encounter, belongs to: patient, key: [encounter, =encounter.id]}",
    "a: {=reference: Observation, key: [m, =measure, =site]}",
    "a: {=reference: Observation, of record: =note, key: [m]}",
    "a: {=reference: Goal, of record: =note, record type: care-plan, key: [g, =measure]}",
    "a: {=when: measure is odi or ndi, b: =site}\nb: {=when: site is not back or neck, b: x}",
    "a: {=when: site is no word, b: x}\nb: {=when: site is not no word, b: x}",
    "a: {=quantity: score, by: measure, map: measure-unit}",
    "a: {=quantity: score, by: level, map: measure-unit}",
    "a: {=quantity: score, unit: unit.d}",
    "a: {=concept: [measure, level], map: measure-level}",
    "a: {=concepts: measure, map: measure-category}",
    "a: {=code: measure, map: measure}",
    "a: {=coding: encounter.setting, map: encounter-class}",
    "a: {=made: references}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_traced_is_the_template_compiled(
    declare: Declare, library: Library, template: str
) -> None:
    declaration = declare(template, HEAD, OWN)
    functions = resource_functions(library)
    compiled = compile_record("observation", [declaration], functions, library.fragments)
    tracer = Tracer(library, {"observation": [declaration]})
    for record in RECORDS:
        try:
            made: list[MadeResource] = compiled.map(record)
        except MappingFailed:
            with pytest.raises(MappingFailed):
                tracer.trace(record)
            continue
        traced = tracer.trace(record).resources
        assert [resource.url for resource in traced] == [resource.url for resource in made]
        texts = [json_text.dump(resource.json) for resource in traced]
        assert texts == [json_text.dump(json_text.parse(resource.text)) for resource in made]
