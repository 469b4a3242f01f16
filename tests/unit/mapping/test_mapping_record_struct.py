"""Typed records: what they hold, and that reading them is as strict as reading JSON anywhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.record_struct import NO_ITEMS, absent_name, record_classes
from tests.records import assessment, care_plan, observation

LINE = json_text.dump(observation(score=Decimal("1.10"), note='a "b" \\ é\n')).encode()


@pytest.mark.parametrize("data", [assessment(), care_plan(), observation(score=1)])
def test_a_record_becomes_an_object_of_its_own_class(data: dict[str, Any]) -> None:
    classes = record_classes()
    record = classes.of(data)
    assert type(record) is classes.by_type[data["record"]]
    assert record == classes.read(json_text.dump(data).encode())
    assert (record.id, record.patient.identifier.value) == ("R-1", "MRN-1")


def test_what_is_missing_can_be_asked_for_its_parts() -> None:
    record = record_classes().of(assessment())
    absent = record_classes().absent["assessment"]
    assert record.author is absent[absent_name("author")]
    assert record.author.identifier.system is None
    assert record.pain.ratings is NO_ITEMS
    assert record.test_data is None


def test_numbers_keep_every_digit() -> None:
    assert str(record_classes().read(LINE).score) == "1.10"
    whole = record_classes().of(observation(score=3))
    assert type(whole.score) is int


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace(b'":', b'" :  ').replace(b',"', b' , "'),
        b"\xef\xbb\xbf" + LINE,
        LINE + b"\n",
        LINE.replace("é".encode(), b"\\u00e9"),
        b"{" + LINE.removeprefix(b'{"record":"observation",')[:-1] + b',"record":"observation"}',
    ],
)
def test_the_form_of_the_text_does_not_matter(line: bytes) -> None:
    assert record_classes().read(line) == record_classes().read(LINE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"score":1.10', b'"score":1.10,"score":1.10'),
        (b'"score":1.10', b'"score":2,"score":1.10'),
        (b'"record":', b'"record":"observation","record":'),
        (b'"value":"MRN-1"', b'"value":"MRN-1","value":"MRN-2"'),
        (b'"score":1.10', b'"score":-0'),
        (b'"score":1.10', b'"score":NaN'),
        (b'"score":1.10', b'"score":1e999'),
        (b'"score":1.10', b'"score":01'),
        ("é".encode(), b"\xff"),
        ("é".encode(), b"\\u0000"),
        ("é".encode(), b"\\ud800"),
        ("é".encode(), b"\x01"),
        (b"}}", b"}}}"),
    ],
)
def test_what_strict_json_refuses_is_refused_with_its_place(old: bytes, new: bytes) -> None:
    line = LINE.replace(old, new)
    assert line != LINE
    with pytest.raises(SourceError) as wanted:
        json_text.parse(line)
    with pytest.raises(SourceError) as caught:
        record_classes().read(line)
    assert caught.value.issues == wanted.value.issues
    assert caught.value.issues[0].source is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"score":1.10', b'"score":"1.10"'),
        (b'"score":1.10', b'"score":null'),
        (b'"score":1.10', b'"score":true'),
        (b'"score":1.10', b'"score":1.10,"scor":1'),
        (b'"record":"observation"', b'"record":"nothing"'),
        (b'"record":"observation",', b""),
        (b'"id":"R-1"', b'"id":1'),
    ],
)
def test_what_is_no_record_is_refused_without_its_values(old: bytes, new: bytes) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        record_classes().read(LINE.replace(old, new))
    assert "MRN-1" not in str(caught.value)
    assert "1.10" not in str(caught.value)


@pytest.mark.parametrize("data", [None, [], "observation", {}, {"record": ["observation"]}])
def test_data_of_another_kind_are_no_record(data: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        record_classes().of(data)
