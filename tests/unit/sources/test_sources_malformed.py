"""Malformed input of many kinds: each is told with its place, and its neighbours are unharmed."""

import gzip
import io
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_backpain.errors import SourceError
from fhir_backpain.outcome import Issue
from fhir_backpain.record import Reading, RejectedRecord, SourceRecord
from fhir_backpain.sources.csv_rows import Row, open_rows, read_rows
from fhir_backpain.sources.json_records import read_json
from fhir_backpain.sources.limits import SourceLimits
from fhir_backpain.sources.ndjson import read_ndjson
from fhir_backpain.sources.records import open_records

GOOD = [b'{"id": "a", "n": 1.10}', b'{"id": "b", "n": 2}']
SMALL = SourceLimits(max_record=400)

# What stands where a record should: kind of problem, column, JSON pointer in the record.
BROKEN: dict[str, tuple[bytes, int, int, str | None]] = {
    "not JSON": (b"hello", 2001, 1, ""),
    "an unfinished value": (b'{"id": }', 2001, 8, "/id"),
    "a trailing comma": (b'{"id": "x",}', 2001, 12, ""),
    "a missing colon": (b'{"id" "x"}', 2001, 7, ""),
    "single quotes": (b"{'id': 1}", 2001, 2, ""),
    "a comment": (b'{"id": /* x */ 1}', 2001, 8, "/id"),
    "a wrong escape": (b'{"id": "\\q"}', 2001, 9, "/id"),
    "a duplicate field": (b'{"id": "x", "n": {"m": 1, "m": 2}}', 2002, 27, "/n/m"),
    "NaN": (b'{"n": NaN}', 2003, 7, "/n"),
    "Infinity": (b'{"n": -Infinity}', 2003, 7, "/n"),
    "a giant exponent": (b'{"n": 1e999999}', 2003, 7, "/n"),
    "minus zero": (b'{"n": -0}', 2003, 7, "/n"),
    "a leading zero": (b'{"n": 007}', 2003, 7, "/n"),
    "a hundred digits": (b'{"n": ' + b"9" * 100 + b"}", 2003, 7, "/n"),
    "an escaped NUL": (b'{"id": "\\u0000"}', 2004, 9, "/id"),
    "a raw NUL": (b'{"id": "x\0"}', 2004, 10, "/id"),
    "a lone surrogate": (b'{"id": "\\ud800x"}', 2004, 9, "/id"),
    "a control character": (b'{"id": "\x07"}', 2004, 9, "/id"),
    "deep nesting": (b'{"n": ' + b"[" * 70 + b"]" * 70 + b"}", 2005, 70, "/n" + "/0" * 63),
    "Latin-1": (b'{"id": "M\xfcller"}', 2007, 10, None),
    "too long a record": (b'{"id": "' + b"x" * 500 + b'"}', 2016, 1, None),
    "a list": (b"[1, 2]", 2017, 1, None),
    "a text": (b'"x"', 2017, 1, None),
    "a number": (b"5", 2017, 1, None),
    "null": (b"null", 2017, 1, None),
}


def ids(readings: list[Reading]) -> list[Any]:
    return [reading.data["id"] for reading in readings if isinstance(reading, SourceRecord)]


def only_issue(readings: list[Reading]) -> Issue:
    issues = [
        issue
        for reading in readings
        if isinstance(reading, RejectedRecord)
        for issue in reading.issues
    ]
    assert len(issues) == 1
    assert issues[0].next_step
    return issues[0]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_leaves_its_neighbours_unharmed(name: str) -> None:
    broken, number, column, pointer = BROKEN[name]
    text = b"\n".join([GOOD[0], b"", broken, GOOD[1]])
    readings = list(read_ndjson(io.BytesIO(text), "in.ndjson", SMALL))
    assert ids(readings) == ["a", "b"]
    assert isinstance(readings[1], RejectedRecord)
    issue = only_issue(readings)
    place = issue.source
    assert place is not None
    assert (issue.number, place.file, place.line) == (number, "in.ndjson", 3)
    assert (place.column, place.pointer) == (column, pointer)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("separator", [b", ", b",\n  "])
def test_a_broken_element_leaves_its_neighbours_unharmed(name: str, separator: bytes) -> None:
    broken, number, column, pointer = BROKEN[name]
    text = b"[" + separator.join([GOOD[0], broken, GOOD[1]]) + b"]"
    readings = list(read_json(io.BytesIO(text), "in.json", SMALL))
    assert ids(readings) == ["a", "b"]
    assert isinstance(readings[1], RejectedRecord)
    issue = only_issue(readings)
    place = issue.source
    assert place is not None
    before = (b"[" + GOOD[0] + separator).decode()
    line = before.count("\n") + 1
    shift = len(before) - before.rfind("\n") - 1
    assert (issue.number, place.file, place.line) == (number, "in.json", line)
    assert (place.column, place.pointer) == (column + shift, pointer)


@pytest.mark.parametrize(
    ("text", "good", "problems"),
    [
        # what is missing or too much in the list itself: (number, line, column)
        (b'[{"id":1} {"id":2}]', [1, 2], [(2019, 1, 11)]),
        (b'[{"id":1},,{"id":2}]', [1, 2], [(2019, 1, 11)]),
        (b'[{"id":1},{"id":2},]', [1, 2], [(2019, 1, 20)]),
        (b'[{"id":1}\n,{"id":2', [1], [(2018, 2, 9), (2001, 2, 9)]),
        (b'[{"id":1},{"id":"2', [1], [(2018, 1, 19), (2001, 1, 17)]),
        (b'[{"id":1},', [1], [(2018, 1, 11)]),
        (b'[{"id":1}]\n}', [1], [(2020, 2, 1)]),
        (b'[{"id":1}] trailing', [1], [(2020, 1, 12)]),
        (b'{"id":1} trailing', [1], [(2020, 1, 10)]),
        # brackets that do not fit: the next element is found again
        (b'[{"id":1},{"id":[5},{"id":3}]', [1, 3], [(2001, 1, 19)]),
        (b'[{"id":1},{"id":5]},{"id":3}]', [1], [(2001, 1, 18), (2020, 1, 19)]),
        (b'[{"id":1},{"id":{"n":5},{"id":3}]', [1], [(2001, 1, 25)]),
        (b'[{"id":1},"x]', [1], [(2018, 1, 14), (2001, 1, 11)]),
        (b'[{"id":1},"x" y z "w" {"id":3}, {"id":4}]', [1, 3, 4], [(2017, 1, 11)]),
        (b'[{"id":1},"x,{"id":3}]', [1], [(2017, 1, 11), (2018, 1, 23), (2001, 1, 18)]),
    ],
)
def test_a_broken_list_is_followed_as_far_as_it_can_be(
    text: bytes, good: list[int], problems: list[tuple[int, int, int]]
) -> None:
    readings = list(read_json(io.BytesIO(text)))
    assert ids(readings) == good
    found = [
        (issue.number, issue.source.line, issue.source.column)
        for reading in readings
        if isinstance(reading, RejectedRecord)
        for issue in reading.issues
        if issue.source
    ]
    assert found == problems


def test_a_million_open_brackets_stop_the_reading_with_a_fatal_issue() -> None:
    text = b'[{"id":"a"},' + b"[" * 1_100_000 + b"]"
    readings = list(read_json(io.BytesIO(text), limits=SMALL))
    assert ids(readings) == ["a"]
    issue = only_issue(readings)
    assert (issue.number, issue.severity) == (2021, "fatal")


NOT_READABLE: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 2012),
    "white space": (b" \n\t\r\n", 2012),
    "a BOM alone": (b"\xef\xbb\xbf", 2012),
    "UTF-16 with a BOM": ('{"id": "a"}\n'.encode("utf-16"), 2013),
    "UTF-16 without a BOM": ('{"id": "a"}\n'.encode("utf-16-le"), 2013),
    "a zip": (b"PK\x03\x04" + b"rest", 2013),
    "a PDF": (b"%PDF-1.7", 2013),
    "XML": (b'<?xml version="1.0"?><Bundle/>', 2013),
    "binary": (random.Random(7).randbytes(5000), 2013),
    "gzip of nothing": (gzip.compress(b""), 2012),
    "gzip in gzip": (gzip.compress(gzip.compress(b"{}")), 2013),
    "a gzip header alone": (gzip.compress(b"{}")[:8], 2014),
    "not gzip behind its magic": (b"\x1f\x8bnonsense, not deflate", 2014),
}


@pytest.mark.parametrize("name", NOT_READABLE)
@pytest.mark.parametrize("suffix", [".json", ".ndjson", ".csv"])
def test_a_file_without_anything_readable_is_refused(
    name: str, suffix: str, tmp_path: Path
) -> None:
    content, number = NOT_READABLE[name]
    path = tmp_path / f"in{suffix}"
    path.write_bytes(content)
    readings: Iterator[object] = open_rows(path) if suffix == ".csv" else open_records(path)
    with pytest.raises(SourceError) as caught:
        next(readings)
    issue = caught.value.issues[0]
    assert issue.number == number
    assert issue.source is not None
    assert issue.source.file == str(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        next(open_records(tmp_path))
    assert caught.value.issues[0].number == 2011
    assert "directory" in caught.value.issues[0].text


@pytest.mark.parametrize("path", ["missing.json", "missing/in.csv", "nul\0.json", "x" * 5000])
def test_a_missing_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        next(open_records(tmp_path / path))
    assert caught.value.issues[0].number in (2010, 2011)
    with pytest.raises(SourceError):
        next(open_rows(tmp_path / path))


def test_a_stream_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    # Linux opens a process's own memory file, and fails to read what lies at its beginning.
    memory = Path("/proc/self/mem")
    if not memory.exists():
        pytest.skip("needs /proc")
    with pytest.raises(SourceError) as caught:
        next(open_records(memory))
    assert caught.value.issues[0].number == 2011


def test_plain_text_named_gz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.json.gz"
    path.write_bytes(GOOD[0])
    with pytest.raises(SourceError) as caught:
        next(open_records(path))
    assert caught.value.issues[0].number == 2014


def many_records(count: int) -> list[bytes]:
    noise = random.Random(3)
    return [json.dumps({"id": f"r{index}", "n": noise.random()}).encode() for index in range(count)]


@pytest.mark.parametrize("suffix", [".json.gz", ".ndjson.gz"])
def test_a_truncated_gzip_gives_its_good_records_and_a_fatal_issue(
    suffix: str, tmp_path: Path
) -> None:
    records = many_records(9000)
    whole = b"\n".join(records) if "nd" in suffix else b"[" + b",".join(records) + b"]"
    packed = gzip.compress(whole)
    path = tmp_path / f"in{suffix}"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    readings = list(open_records(path))
    assert ids(readings) == [f"r{index}" for index in range(len(readings) - 1)]
    assert len(readings) > 4000
    issue = only_issue(readings)
    assert (issue.number, issue.severity) == (2014, "fatal")
    assert "cut off" in issue.text


def test_a_damaged_gzip_gives_its_good_records_and_a_fatal_issue(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"\n".join(many_records(9000))))
    packed[-6] ^= 0xFF  # in the checksum
    path = tmp_path / "in.ndjson.gz"
    path.write_bytes(packed)
    readings = list(open_records(path))
    assert len(readings) > 5000
    issue = only_issue(readings)
    assert (issue.number, issue.severity) == (2014, "fatal")


def test_gzip_members_one_after_another_are_one_source(tmp_path: Path) -> None:
    path = tmp_path / "in.ndjson.gz"
    members = [gzip.compress(GOOD[0] + b"\n"), gzip.compress(b""), gzip.compress(GOOD[1])]
    path.write_bytes(b"".join(members) + b"\0" * 600)
    assert ids(list(open_records(path))) == ["a", "b"]
    path.write_bytes(members[0] + b"and more")
    readings = list(open_records(path))
    assert ids(readings) == ["a"]
    assert only_issue(readings).number == 2014


@pytest.mark.parametrize("suffix", [".ndjson", ".json", ".csv"])
def test_a_gzip_bomb_is_stopped(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"in{suffix}"
    first = b"id\na\n" if suffix == ".csv" else b'{"id": "a"}\n'
    path.write_bytes(gzip.compress(first + b" " * 4_000_000))
    limits = SourceLimits(max_record=10_000)
    readings: list[Any] = list(
        open_rows(path, limits=limits) if suffix == ".csv" else open_records(path, limits)
    )
    last = readings[-1]
    assert isinstance(last, RejectedRecord)
    assert (last.issues[0].number, last.issues[0].severity) == (2015, "fatal")


def test_a_gzip_over_the_size_limit_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "in.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join(many_records(5000))))
    readings = list(open_records(path, SourceLimits(max_unpacked=100_000)))
    issue = only_issue(readings)
    assert (issue.number, issue.severity) == (2015, "fatal")


OPENERS = st.sampled_from([b"", b"[", b'{"', b"a,b\n", b"\x1f\x8b\x08\0", b"\xff\xfe", b'"'])
MARKS = [b'{"id":1}', b"[", b"]", b"{", b"}", b'"', b"\\", b"\n", b"\r\n", b" ", b"\0", b"a;b"]
CHARACTERS = [b"\xe9", b"\xc3\xa9", b":", b",", b"1", b"-", b"\xef\xbb\xbf", b"null", b"x,y"]
SHARDS = st.lists(st.sampled_from([*MARKS, *CHARACTERS]), max_size=30).map(b"".join)
RANDOM_BYTES = st.builds(bytes.__add__, OPENERS, SHARDS | st.binary(max_size=200))


@settings(max_examples=300, deadline=None)
@given(RANDOM_BYTES, st.sampled_from(["utf-8", "cp1252", "utf-16", "shift_jis", "utf-7"]))
def test_no_bytes_raise_anything_but_a_source_error(text: bytes, encoding: str) -> None:
    limits = SourceLimits(max_record=40, max_row_lines=3)
    for readings in (
        read_ndjson(io.BytesIO(text), limits=limits),
        read_json(io.BytesIO(text), limits=limits),
        read_rows(io.BytesIO(text), encoding=encoding, limits=limits),
    ):
        found: list[object] = []
        try:
            found.extend(islice(readings, 1000))
        except SourceError as error:
            assert error.issues  # noqa: PT017
            assert not found
        assert all(isinstance(one, SourceRecord | RejectedRecord | Row) for one in found)


@settings(max_examples=100, deadline=None)
@given(RANDOM_BYTES, st.booleans())
def test_no_file_raises_anything_but_a_source_error(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, packed: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.json"
    path.write_bytes(gzip.compress(text) if packed else text)
    for readings in (open_records(path), open_rows(path)):
        try:
            assert all(
                isinstance(one, SourceRecord | RejectedRecord | Row)
                for one in islice(readings, 1000)
            )
        except SourceError as error:
            assert error.issues  # noqa: PT017


@settings(max_examples=100, deadline=None)
@given(SHARDS.filter(lambda shard: b"\n" not in shard))
def test_whatever_a_line_holds_the_others_are_read(shard: bytes) -> None:
    text = b"\n".join([GOOD[0], shard, GOOD[1]])
    found = ids(list(read_ndjson(io.BytesIO(text))))
    assert (found[0], found[-1]) == ("a", "b")
