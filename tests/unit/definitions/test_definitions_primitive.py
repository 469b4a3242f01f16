"""How values of primitive types are written in JSON."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_backpain.definitions.definitions import RELEASES, load_definitions

GOOD = [
    ("boolean", True),
    ("boolean", False),
    ("integer", -5),
    ("integer", 2_147_483_647),
    ("unsignedInt", 0),
    ("positiveInt", 1),
    ("decimal", 3),
    ("decimal", Decimal("1.10")),
    ("decimal", Decimal("1E+2")),
    ("decimal", -0.5),
    ("string", "ordinary\u00a0text"),
    ("markdown", "two\nlines"),
    ("code", "on-hold"),
    ("id", "a-1.b"),
    ("uri", "urn:oid:1.2"),
    ("date", "2024"),
    ("date", "2024-05"),
    ("date", "2024-05-06"),
    ("dateTime", "2024-05-06T07:08:09+02:00"),
    ("dateTime", "2024-05"),
    ("instant", "2024-05-06T07:08:09.123Z"),
    ("time", "07:08:09"),
    ("base64Binary", "QUJD"),
    ("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
    ("xhtml", "<div>x</div>"),
]
BAD = [
    ("boolean", "true"),
    ("boolean", 1),
    ("integer", True),
    ("integer", "5"),
    ("integer", Decimal("1.0")),
    ("integer", 2_147_483_648),
    ("positiveInt", 2_147_483_648),
    ("unsignedInt", -1),
    ("positiveInt", 0),
    ("decimal", Decimal("NaN")),
    ("decimal", "1.10"),
    ("string", ""),
    ("string", 5),
    ("string", None),
    ("code", " active"),
    ("code", "on  hold"),
    ("id", "with_underscore"),
    ("id", "x" * 65),
    ("uri", "with space"),
    ("date", "2024-5-6"),
    ("date", "2024-05-06T07:08:09Z"),
    ("dateTime", "2024-05-06T07:08"),
    ("instant", "2024-05-06"),
    ("instant", "2024-05-06T07:08:09"),
    ("time", "24:00:00"),
    ("base64Binary", "QUJ"),
    ("uuid", "c757873d-ec9a-4326-a141-556f43239520"),
]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("name", "value"), GOOD)
def test_a_well_written_value_is_accepted(release, name, value):
    assert load_definitions(release).primitive(name).accepts(value)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("name", "value"), BAD)
def test_an_ill_written_value_is_refused(release, name, value):
    assert not load_definitions(release).primitive(name).accepts(value)


def test_64_bit_integers_are_strings_and_only_in_r5():
    integer64 = load_definitions("R5").primitive("integer64")
    assert integer64.json_kind == "string"
    assert integer64.accepts("9223372036854775807")
    assert not integer64.accepts("9223372036854775808")
    assert not integer64.accepts(5)
    assert load_definitions("R4").primitive("integer64") is None


@pytest.mark.parametrize("release", RELEASES)
def test_long_wrong_base64_is_refused_at_once(release):
    # With HL7's own expression for R4 this takes longer than the universe has lasted.
    assert not load_definitions(release).primitive("base64Binary").accepts("QUJD " * 500 + "!")


def test_a_string_has_a_greatest_length():
    string = load_definitions("R4").primitive("string")
    assert string.max_length == 1_048_576
    assert string.accepts("x" * 1_048_576)
    assert not string.accepts("x" * 1_048_577)


def test_json_kinds_are_fhirs():
    r4 = load_definitions("R4")
    kinds = {name: r4.primitive(name).json_kind for name in ("decimal", "positiveInt", "boolean")}
    assert kinds == {"decimal": "number", "positiveInt": "number", "boolean": "boolean"}
    assert r4.primitive("dateTime").json_kind == "string"


def test_what_is_no_primitive_is_none():
    r4 = load_definitions("R4")
    assert [r4.primitive(name) for name in ("Quantity", "Observation", "Nothing")] == [None] * 3
