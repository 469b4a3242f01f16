"""Files as they should not be: what is wrong with each, where, and what of it is good all the same.

Wherever a patient's value may stand, a bad record has the word CANARY.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_backpain.clinic.export import COLUMNS

CANARY = "Zyxwuvt"
_DROPPED = object()


@dataclass(frozen=True, slots=True)
class Malformed:
    """A file that is wrong: the number of the message that says so, and the line that it names.

    `good` are the ids of its records that are nevertheless to be carried. Without `data` there
    is no such file.
    """

    name: str
    data: bytes | None
    number: int
    line: int | None = None
    good: tuple[str, ...] = ()


def record(name: str, **changes: Any) -> dict[str, Any]:
    """Return an observation record; of a patient of its own."""
    data: dict[str, Any] = {
        "record": "observation",
        "id": name,
        "source": "https://clinic.example/app",
        "test_data": True,
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": f"P-{name}"}},
        "observed_at": "2026-03-02T09:30:00+01:00",
        "measure": "pain-nrs-week",
        "score": 7,
    }
    return {key: item for key, item in {**data, **changes}.items() if item is not _DROPPED}


def spoilt(**changes: Any) -> dict[str, Any]:
    """Return a record of a patient whose every value is the canary."""
    person = {"family": CANARY, "given": [CANARY]}
    identifier = {"system": "https://clinic.example/mrn", "value": CANARY}
    patient = {"identifier": identifier, "name": person}
    return record("B-1", **{"patient": patient, "note": CANARY, **changes})


def assessment(**changes: Any) -> dict[str, Any]:
    """Return an assessment of that patient."""
    fixed = {"record": "assessment", "assessed_at": "2026-03-02T09:30:00+01:00"}
    dropped = dict.fromkeys(("observed_at", "measure", "score", "note"), _DROPPED)
    return spoilt(**{**dropped, **fixed, **changes})


def text(data: Any) -> str:
    """Return JSON text."""
    return json.dumps(data, ensure_ascii=False)


def beside(name: str, number: int, bad: str | bytes) -> Malformed:
    """A line of NDJSON between two good ones."""
    good = (f"{name}-1", f"{name}-3")
    one, three = (text(record(each)).encode() for each in good)
    middle = bad if isinstance(bad, bytes) else bad.encode()
    return Malformed(f"{name}.ndjson", b"\n".join((one, middle, three, b"")), number, 2, good)


def _raw(key: str, raw: str) -> str:
    """A bad record with a value that json.dumps would not write."""
    return text(spoilt(**{key: "@@"})).replace('"@@"', raw)


LINES = (
    beside("not-json", 2001, f"patient {CANARY} has pain"),
    beside("text-for-a-number", 4005, text(spoilt(score=CANARY))),
    beside("quoted-number", 4005, text(spoilt(score="7"))),
    beside("list-for-an-object", 4005, text(spoilt(patient=[CANARY]))),
    beside("out-of-range", 4010, text(spoilt(score=11))),
    beside("unknown-field", 4004, text(spoilt(paim=CANARY))),
    beside("unknown-nested-field", 4004, text(spoilt(patient={"idnetifier": CANARY}))),
    beside("missing-field", 4003, text(spoilt(observed_at=_DROPPED))),
    beside("empty-object", 4003, "{}"),
    beside("duplicate-key", 2002, _raw("note", f'"{CANARY}", "note": "{CANARY} 2"')),
    beside("nan", 2003, _raw("score", "NaN")),
    beside("infinity", 2003, _raw("score", "-Infinity")),
    beside("endless-number", 2003, _raw("score", "1" * 5000)),
    beside("huge-exponent", 2003, _raw("score", "1e99999")),
    beside("wrong-encoding", 2007, text(spoilt(note=f"{CANARY} é")).encode("latin-1")),
    beside("lone-surrogate", 2004, _raw("note", f'"{CANARY} \\ud800"')),
    beside("nul", 2004, _raw("note", f'"{CANARY} \0"')),
    beside("deep", 2005, _raw("note", "[" * 100_000 + "]" * 100_000)),
    beside("unclosed", 2001, text(spoilt())[:-1]),
    beside("unclosed-quote", 2001, _raw("note", f'"{CANARY}')),
    beside("bad-date", 4008, text(spoilt(observed_at="2026-02-30"))),
    beside("no-zone", 4007, text(spoilt(observed_at="2026-03-02T09:30:00"))),
    beside("unknown-word", 4023, text(spoilt(measure=CANARY))),
    beside("unknown-kind", 4002, text(spoilt(record="asessment"))),
    beside("two-records", 2001, text(spoilt()) + text(spoilt())),
    beside("garbage-behind", 2001, f"{text(spoilt())} {CANARY}"),
    beside("not-an-object", 2017, text([spoilt()])),
    beside("only-a-text", 2017, text(CANARY)),
    beside("no-identifier", 4003, text(spoilt(patient={"name": {"family": CANARY}}))),
    beside("nothing-observed", 4011, text(spoilt(score=_DROPPED))),
    beside("both-score-and-reason", 4011, text(spoilt(missing_reason="asked-declined"))),
    beside("level-for-a-score", 4024, text(spoilt(score=_DROPPED, level="mild"))),
    beside(
        "same-key-twice",
        4020,
        text(assessment(scores=[{"measure": "odi", "score": 44}, {"measure": "odi", "score": 12}])),
    ),
)


def lists() -> tuple[Malformed, ...]:
    """Return JSON files of several records."""
    good = text(record("L"))

    def one(name: str, number: int, line: int | None, whole: str, *kept: str) -> Malformed:
        written = whole
        for each in kept:
            written = written.replace("@@", text(record(each)), 1)
        return Malformed(f"{name}.json", written.encode(), number, line, kept)

    bad = text(spoilt(paim=CANARY))
    return (
        one("l-objects", 2017, 2, f'[@@,\n1, "{CANARY}",\n@@]', "l-objects-1", "l-objects-3"),
        one("l-field", 4004, 2, f"[@@,\n{bad},\n@@]", "l-field-1", "l-field-3"),
        one("l-comma", 2019, 2, "[@@\n@@]", "l-comma-1", "l-comma-2"),
        one("l-cut", 2018, 2, f"[@@,\n{good[:40]}", "l-cut-1"),
        one("l-open", 2018, None, "[@@,\n", "l-open-1"),
        one("l-behind", 2020, 2, f"[@@]\n{CANARY}", "l-behind-1"),
        one("l-text", 2017, 1, text(CANARY)),
    )


def table(name: str, number: int, line: int | None, whole: str, *good: str) -> Malformed:
    """A table; @HEADER and @ID stand for the header and for a good row of that id."""
    written = whole.replace("@HEADER", ",".join(COLUMNS))
    for each in good:
        written = written.replace(f"@{each}", row(row_id=each, mrn=f"P-{each}"))
    return Malformed(f"{name}.csv", written.encode(), number, line, good)


def row(**cells: str) -> str:
    """Return a row of the home measurements with some cells replaced."""
    usual = {
        "row_id": "B-1", "mrn": CANARY, "surname": CANARY, "first_name": CANARY,
        "dob": "01/02/1970", "sex": "f", "visit_date": "02/03/2026 09:30",
        "entered": "02/03/2026 10:00", "utc_offset": "+01:00", "item": "PAINWK", "val": "7",
        "unit": "0-10", "missing": "", "region": "LB", "staff_no": "", "staff_name": "",
        "remark": "",
    }  # fmt: skip
    return ",".join({**usual, **cells}[column] for column in COLUMNS)


def row_record(name: str) -> dict[str, Any]:
    """Return the record that a good row says."""
    return record(
        name,
        source="https://clinic.example/back-pain",
        recorded_at="2026-03-02T10:00:00+01:00",
        patient={
            "identifier": {"system": "https://clinic.example/mrn", "value": f"P-{name}"},
            "name": {"family": CANARY, "given": [CANARY]},
            "gender": "female",
            "birth_date": "1970-02-01",
        },
        site="low-back",
    )


def tables() -> tuple[Malformed, ...]:
    """Return tables that the feed of the home measurements reads."""

    def bad_row(name: str, number: int, **cells: str) -> Malformed:
        ids = (f"{name}-2", f"{name}-4")
        whole = f"@HEADER\n@{ids[0]}\n{row(**cells)}\n@{ids[1]}\n"
        return table(name, number, 3, whole, *ids)

    header = ",".join(COLUMNS)
    no_mrn = f"{header}\n{row(mrn='@')}\n".replace(",mrn", "").replace(",@", "")
    return (
        bad_row("t-number", 3025, val=CANARY),
        bad_row("t-comma", 3025, val='"7,5"'),
        bad_row("t-date", 3025, visit_date="31/02/2026 09:30"),
        bad_row("t-word", 3025, sex=CANARY),
        bad_row("t-range", 4010, val="11"),
        bad_row("t-nul", 2034, remark=f"{CANARY}\0"),
        bad_row("t-cells", 2032, remark=f"{CANARY},{CANARY}"),
        bad_row("t-quote", 2033, remark=f'{CANARY} "x'),
        table("t-unclosed", 2033, 3, f'@HEADER\n@t-unclosed-2\n"{row()}\n', "t-unclosed-2"),
        table("t-extra", 3024, 1, f"{header},secret\n@t-extra-2,{CANARY}\n", "t-extra-2"),
        table("t-missing", 3023, 1, no_mrn),
        table("t-twice", 2030, 1, f"{header},mrn\n{row()},{CANARY}\n"),
        table("t-no-header", 2012, None, "\n\n"),
        Malformed("t-latin.csv", f"{header}\n{row(remark='é')}\n".encode("latin-1"), 2035, 2),
        Malformed("t-utf16.csv", f"{header}\n{row()}\n".encode("utf-16"), 2013),
        Malformed("t-empty.csv", b"", 2012),
    )


def files() -> tuple[Malformed, ...]:
    """Return files that are wrong as a whole."""
    noise = random.Random(1).randbytes(2**20).hex()
    lines = [text(record("f-cut-1")), text(spoilt(note=f"{CANARY} {noise}"))]
    packed = gzip.compress("\n".join(lines).encode())
    return (
        Malformed("f-empty.ndjson", b"", 2012),
        Malformed("f-blank.json", b" \n\n ", 2012),
        Malformed("f-missing.ndjson", None, 2010),
        Malformed("f-utf16.ndjson", text(spoilt()).encode("utf-16"), 2013),
        Malformed("f-picture.json", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100), 2013),
        Malformed("f-zeros.ndjson", bytes(5000), 2013),
        Malformed("f-plain.ndjson.gz", text(spoilt()).encode(), 2014),
        Malformed("f-cut.ndjson.gz", packed[: len(packed) // 2], 2014, None, ("f-cut-1",)),
        Malformed("f-bomb.ndjson.gz", gzip.compress(b" " * (80 * 1024 * 1024), 9), 2015),
    )


FOLDER = Malformed("f-folder.ndjson", None, 2011)
EVERY = (*LINES, *lists(), *tables(), *files(), FOLDER)


def write(one: Malformed, folder: Path) -> Path:
    """Write a malformed file, or make the folder that has the name of one."""
    path = folder / one.name
    if one is FOLDER:
        path.mkdir()
    elif one.data is not None:
        path.write_bytes(one.data)
    return path


def good_records() -> list[dict[str, Any]]:
    """Return the records of all malformed files that are to be carried."""
    return [
        row_record(name) if one.name.endswith(".csv") else record(name)
        for one in EVERY
        for name in one.good
    ]
