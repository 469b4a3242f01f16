"""Memory stays flat, however long a line, a record or a file is."""

import subprocess
import sys

import pytest

MIB = 1024 * 1024

PROGRAM = """
import io, resource, sys
from fhir_backpain.sources.csv_rows import read_rows
from fhir_backpain.sources.json_records import read_json
from fhir_backpain.sources.ndjson import read_ndjson

class Endless(io.RawIOBase):
    # A head, `count` times the same 64 KiB piece, and a tail: made while it is read.
    def __init__(self, head, piece, count, tail):
        self.parts = iter([head, *[None] * count, tail])
        self.piece, self.ahead = piece, b""
    def readable(self):
        return True
    def readinto(self, buffer):
        while not self.ahead:
            part = next(self.parts, b"end")
            if part == b"end":
                return 0
            self.ahead = self.piece if part is None else part
        data = self.ahead[:len(buffer)]
        self.ahead = self.ahead[len(data):]
        buffer[:len(data)] = data
        return len(data)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

kind, size = sys.argv[1], int(sys.argv[2]) * 16  # pieces of 64 KiB
read = {"ndjson": read_ndjson, "json": read_json, "csv": read_rows}[kind.split("-")[0]]
shapes = {
    "ndjson-line": (b'{"id":"a"}\\n{"id":"', b"x" * 65536, b'"}\\n{"id":"b"}'),
    "json-record": (b'[{"id":"a"},{"id":"', b"x" * 65536, b'"},{"id":"b"}]'),
    "json-nested": (b'[{"id":"a"},{"n":[1', b",[2]" * 16384, b']},{"id":"b"}]'),
    "json-blank": (b'[{"id":"a"},', b" " * 65535 + b"\\n", b'{"id":"b"}]'),
    "csv-line": (b"id\\na\\n", b"x" * 65536, b"\\nb\\n"),
    "csv-quote": (b'id\\na\\n"', (b"x" * 63 + b"\\n") * 1024, b"\\nb\\n"),
}
head, piece, tail = shapes[kind]
readings = iter(read(io.BufferedReader(Endless(head, piece, size, tail))))
good = bad = 0
before = peak()
for reading in readings:
    good += hasattr(reading, "data") or hasattr(reading, "values")
    bad += hasattr(reading, "issues")
print(good, bad, peak() - before)
"""


@pytest.mark.parametrize(
    ("kind", "mebibytes", "bad"),
    [
        ("ndjson-line", 200, 1),
        ("json-record", 200, 1),
        ("json-nested", 24, 1),
        ("json-blank", 200, 0),
        ("csv-line", 200, 1),
    ],
)
def test_what_is_far_too_long_is_passed_over(kind: str, mebibytes: int, bad: int) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, kind, str(mebibytes)],
        capture_output=True,
        text=True,
        check=True,
    )
    good, rejected, grown = map(int, answer.stdout.split())
    assert (good, rejected) == (2, bad)
    # The largest record is 8 MiB, and is held about three times on its way.
    assert grown < 48


def test_a_quote_that_is_never_closed_holds_no_more_than_a_row() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, "csv-quote", "4"],
        capture_output=True,
        text=True,
        check=True,
    )
    good, rejected, grown = map(int, answer.stdout.split())
    assert (good, rejected) == (4 * MIB // 64 + 1, 1)
    assert grown < 48
