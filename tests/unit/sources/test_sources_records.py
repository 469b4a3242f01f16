import gzip
import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sources.json_records import read_json
from fhir_backpain.sources.ndjson import read_ndjson
from fhir_backpain.sources.records import open_records

RECORDS: list[dict[str, Any]] = [{"id": "a", "note": 'x "y" [{\\'}, {"id": "b"}, {"id": "ü"}]
LINES = "\n".join(dump(record) for record in RECORDS)
INDENTED = json.dumps(RECORDS, indent=2, ensure_ascii=False)


def data_of(path: str | Path) -> list[dict[str, Any]]:
    found = list(open_records(path))
    assert all(isinstance(reading, SourceRecord) for reading in found)
    return [reading.data for reading in found if isinstance(reading, SourceRecord)]


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("a.json", INDENTED, 3),
        ("a.json", dump(RECORDS), 3),
        ("a.json", "\ufeff" + INDENTED, 3),
        ("a.json", json.dumps(RECORDS[0], indent=1), 1),
        ("a.json", dump(RECORDS[0]), 1),
        ("a.json", LINES, 3),  # NDJSON under another name
        ("a.json", "\n".join(json.dumps(record, indent=1) for record in RECORDS), 3),
        ("a.json", "[]", 0),
        ("a.ndjson", LINES, 3),
        ("a.ndjson", "\ufeff\n\r\n" + LINES.replace("\n", "\r\n\r\n") + "\n\n", 3),
        ("a.jsonl", LINES, 3),
        ("a.txt", LINES, 3),
        ("a.txt", INDENTED, 3),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_records_of_a_file(
    name: str, text: str, count: int, packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / (name + ".gz" if packed else name)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    if not count:
        with pytest.raises(Exception, match="no record"):
            data_of(path)
    else:
        assert data_of(path) == RECORDS[:count]


def test_a_broken_first_line_does_not_hide_that_the_file_is_ndjson(tmp_path: Path) -> None:
    for broken in ('{"id": NaN}', '{"id": "x"', '{"id": {"x"}'):
        path = tmp_path / "a.json"
        path.write_text(broken + "\n" + LINES, "utf-8")
        found = list(open_records(path))
        assert [one.data for one in found if isinstance(one, SourceRecord)] == RECORDS
        assert len(found) == 4


@pytest.mark.parametrize("text", [LINES, INDENTED, "\n" * 70_000 + LINES])
def test_standard_input(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert data_of("-") == RECORDS


def test_a_live_pipe_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    given_out: list[bytes] = []

    class Pipe(io.RawIOBase):
        lines = [line.encode() + b"\n" for line in LINES.split("\n")]  # noqa: RUF012

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            if not self.lines:
                return 0
            line = self.lines.pop(0)
            given_out.append(line)
            buffer[: len(line)] = line
            return len(line)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe())))
    readings = open_records("-")
    first = next(readings)
    assert isinstance(first, SourceRecord)
    assert first.data == RECORDS[0]
    assert first.location == SourceLocation("standard input", 1, 1, record="a")
    assert len(given_out) <= 2
    assert len(list(readings)) == 2


def test_each_location_names_file_line_column_and_record() -> None:
    text = '\n[ {"id": "ü"}, {"id": 5},\n\n   {"id": "c"}]'.encode()
    found = list(read_json(io.BytesIO(text), "in.json"))
    assert [reading.location for reading in found] == [
        SourceLocation("in.json", 2, 3, record="ü"),
        SourceLocation("in.json", 2, 16),
        SourceLocation("in.json", 4, 4, record="c"),
    ]
    lines = list(read_ndjson(io.BytesIO(b'\n{"id":"a"}\n\n{"n":1}'), "in.ndjson"))
    assert [reading.location for reading in lines] == [
        SourceLocation("in.ndjson", 2, 1, record="a"),
        SourceLocation("in.ndjson", 4, 1),
    ]


def test_numbers_keep_every_digit() -> None:
    found = list(read_json(io.BytesIO(b'[{"n": 1.10}]')))
    assert isinstance(found[0], SourceRecord)
    assert str(found[0].data["n"]) == "1.10"


def test_a_file_is_closed_where_reading_stops_early(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(LINES, "utf-8")
    readings = open_records(path)
    next(readings)
    readings.close()  # type: ignore[attr-defined]  # an open file would warn, which is an error


class Trickle(io.BytesIO):
    """A stream that gives one to three bytes at a time, to meet every boundary of a buffer."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(1 + self.tell() % 3)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just(Decimal("1.10")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=4), DATA, max_size=4), min_size=1, max_size=5))
def test_the_end_of_each_element_is_found_whatever_the_texts_hold(
    records: list[dict[str, Any]],
) -> None:
    # Brackets, quotes and backslashes in texts, and a buffer that ends anywhere.
    plain = json.loads(json.dumps(records, default=float).replace("\\u0000", "x"))
    for text in (json.dumps(plain), json.dumps(plain, ensure_ascii=False, indent=1)):
        found = list(read_json(Trickle(text.encode("utf-8", "replace"))))
        expected = json.loads(text.encode("utf-8", "replace"), parse_float=Decimal)
        assert [getattr(reading, "data", reading) for reading in found] == expected
