"""Code made for the shape of a record gives what the general code gives, for every such record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache, partial
from typing import Any

import msgspec
import pytest
from hypothesis import given

from fhir_backpain.errors import BackpainError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.codegen import ShapedProgram
from fhir_backpain.mapping.mapper import Mapper, load_mapper, no_record
from fhir_backpain.mapping.record_struct import record_classes
from fhir_backpain.mapping.source_shape import Leaf, ListShape, ObjectShape, Shape, record_shape
from fhir_backpain.mapping.special.shapes import Shapes
from fhir_backpain.record import RECORD_TYPES
from tests.property.random_records import random_records
from tests.property.records_strategy import any_record, examples

SOURCES = ("source", "patient.identifier.system")


@cache
def eager(program: ShapedProgram) -> Shapes:
    """Return the shapes of a program, each with a function of its own from its second record on."""
    general = program.program
    record_class = program.shapes.record_class
    return Shapes(general.make, general.text, general.names, record_class, first=0, often=1)


def forms(mapper: Mapper, record_type: str) -> tuple[ShapedProgram, ShapedProgram]:
    """Return what makes resources of a record type, and what makes its Bundle."""
    program = mapper.program(record_type)
    return program.resources, program.bundle


def other_words(value: Any, shape: Shape, path: str = "") -> Any:
    """Return data of the same shape in which every free text and number is another one."""
    if isinstance(shape, ObjectShape):
        return {
            name: other_words(item, shape.members[name].shape, f"{path}.{name}".lstrip("."))
            for name, item in value.items()
        }
    if isinstance(shape, ListShape):
        return [other_words(item, shape.item, path) for item in value]
    assert isinstance(shape, Leaf)
    if isinstance(value, bool) or shape.words or shape.form == "code" or path in SOURCES:
        return value
    if isinstance(value, int | Decimal):
        return value + 1
    return re.sub(r"[0-9]", "7", value) + "'{\"x\\"


def bool_swapped(value: Any) -> Any:
    """Return data with every boolean turned round."""
    if isinstance(value, dict):
        return {name: bool_swapped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [bool_swapped(item) for item in value]
    return not value if isinstance(value, bool) else value


def typed(data: dict[str, Any]) -> Any:
    return record_classes().of(data)


@examples(60)
@given(data=any_record())
def test_a_shape_s_own_code_gives_what_the_general_code_gives(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    for program in forms(mapper, data["record"]):
        shapes = eager(program)
        shapes.make(typed(data))
        for other in variations(data):
            record = typed(other)
            assert shapes.make(record) == program.program.make(record)


def variations(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    shape = record_shape(data["record"])
    yield data
    yield other_words(data, shape)
    yield bool_swapped(data)


def test_every_random_record_has_a_shape_with_code_of_its_own(mapper: Mapper) -> None:
    for data in random_records():
        for program in forms(mapper, data["record"]):
            shapes, record = eager(program), typed(data)
            shapes.make(record)
            own = shapes.own(record)
            assert own is not None, data["id"]
            assert own is not program.program.make, data["id"]
            assert own(record) == program.program.make(record)


def outcome(of: Callable[[bytes], Any], text: bytes) -> Any:
    """Return what a function gives for a text, or how it refuses it."""
    try:
        return of(text)
    except BackpainError as error:
        return [str(issue) for issue in error.issues]


def written_otherwise(text: str) -> Iterator[str]:
    """Yield a record's text written in other ways, most of which a lenient reader passes over."""
    yield text
    yield f" {text}\n"
    yield text.replace('":', '": ', 1)
    yield text.replace('{"record":', '{"id":"twice","record":', 1)
    yield text.replace('"source":"', '"source":"","source":"', 1)
    yield text.replace('"id":"', '"id":"\\u0041', 1)
    yield text.replace("}", ',"id":"last"}', 1)
    yield text + "{}"
    for number in ("-0", "1e2", "1E+2", "1.10", "12e3", "0.0000000001"):
        yield re.sub(r'("score":)[0-9.]+', rf"\g<1>{number}", text)
        # What an exponent makes shorter, a field that is given twice makes longer.
        yield re.sub(r'("score":)[0-9.]+', rf'\g<1>{number},"score":{number}', text)


def test_a_text_is_read_as_strictly_with_code_of_its_shape_as_without() -> None:
    mapper = load_mapper()
    classes = record_classes()
    proven = 0
    for data in map(plain, random_records()[::7]):
        program = mapper.program(data["record"]).bundle
        own, general = program.shapes, program.program
        text = json_text.dump(data)
        program.shapes = eager_shapes = Shapes(
            general.make, general.text, general.names, own.record_class,
            exactly=own.exactly, first=0, often=1,
        )  # fmt: skip
        mapper.bundle(text.encode())
        proven += eager_shapes.make(classes.of(data), len(text.encode())) is not None
        for other in written_otherwise(text):
            expected = outcome(partial(strictly, program), other.encode())
            assert outcome(mapper.bundle, other.encode()) == expected
        program.shapes = own
    assert proven > 100


def strictly(program: ShapedProgram, line: bytes) -> Any:
    """Return what the general code makes of a text that the strict reader takes."""
    try:
        record = record_classes().read(line)
    except msgspec.ValidationError as problem:
        raise no_record(problem) from problem
    return program.general(record)


def plain(value: Any) -> Any:
    """Return data whose texts need no escapes and no letters beyond ASCII."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return re.sub(r'[^ -~]|["\\\\]', "x", value) if isinstance(value, str) else value


@pytest.mark.parametrize("release", ["R4B", "R5"])
def test_other_releases_have_code_of_their_shapes_too(release: str) -> None:
    mapper = load_mapper(release=release)
    for record_type in RECORD_TYPES:
        found = [data for data in random_records() if data["record"] == record_type][:40]
        shapes = eager(mapper.program(record_type).resources)
        for record in map(typed, found):
            shapes.make(record)
            general = mapper.program(record_type).resources.program.make
            assert shapes.own(record) not in (None, general)
            assert shapes.make(record) == general(record)
