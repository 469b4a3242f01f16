"""The clinic's export as files: what its systems would hand over, one file a kind of record.

- ``assessments.ndjson``: one assessment a line
- ``care-plans.json``: an array, one plan a line
- ``home-measurements.csv``: the observations in the columns and codes of the clinic's own table
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

ASSESSMENTS, CARE_PLANS, HOME_MEASUREMENTS = (
    "assessments.ndjson",
    "care-plans.json",
    "home-measurements.csv",
)

Form = Literal["files", "ndjson"]

COLUMNS = (
    "row_id", "mrn", "surname", "first_name", "dob", "sex", "visit_date", "entered", "utc_offset",
    "item", "val", "unit", "missing", "region", "staff_no", "staff_name", "remark",
)  # fmt: skip

SEX_CODES = {"male": "m", "female": "f", "other": "o", "unknown": "u"}
# Measure: (the clinic's item, its unit).
ITEM_CODES = {
    "pain-nrs-week": ("PAINWK", "0-10"),
    "activity-minutes": ("ACTMIN", "min/wk"),
    "body-weight": ("WGT", "kg"),
}
MISSING_CODES = {"asked-declined": "DECL", "asked-unknown": "DK", "not-performed": "ND"}
REGION_CODES = {"low-back": "LB"}


@dataclass(frozen=True, slots=True)
class Exported:
    """The files written and how many records each has."""

    files: dict[Path, int]

    @property
    def records(self) -> int:
        """The records in all files."""
        return sum(self.files.values())


def export(records: Iterable[dict[str, Any]], folder: Path, form: Form = "files") -> Exported:
    """Write the records of a clinic or of its revision to a folder, which is made if need be.

    `form` "files" gives the three files above; "ndjson" gives ``records.ndjson``, every record of
    every type on a line of its own, in the order given. The bytes depend on the records alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _Folder(folder, form) as files:
        for record in records:
            files.write(record)
        return Exported(files.counts())


def json_line(record: dict[str, Any]) -> str:
    """Return a record as one line of JSON; a Decimal is written as the number it is."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=float)


def home_measurement_row(record: dict[str, Any]) -> dict[str, str]:
    """Return an observation record as the clinic's own table has it; absent parts are empty."""
    patient = record["patient"]
    item, unit = ITEM_CODES[record["measure"]]
    author = record.get("author")
    observed_at = datetime.fromisoformat(record["observed_at"])
    return {
        "row_id": record["id"],
        "mrn": patient["identifier"]["value"],
        "surname": patient["name"]["family"],
        "first_name": patient["name"]["given"][0],
        "dob": datetime.fromisoformat(patient["birth_date"]).strftime("%d/%m/%Y"),
        "sex": SEX_CODES[patient["gender"]],
        "visit_date": observed_at.strftime("%d/%m/%Y %H:%M"),
        "entered": datetime.fromisoformat(record["recorded_at"]).strftime("%d/%m/%Y %H:%M"),
        "utc_offset": record["observed_at"][-6:],
        "item": item,
        "val": str(record["score"]) if "score" in record else "",
        "unit": unit,
        "missing": MISSING_CODES[record["missing_reason"]] if "missing_reason" in record else "",
        "region": REGION_CODES[record["site"]] if "site" in record else "",
        "staff_no": author["identifier"]["value"] if author else "",
        "staff_name": author["name"] if author else "",
        "remark": record.get("note", ""),
    }


class _NdjsonFile:
    """A file of one JSON record a line."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.count = 0

    def write(self, record: dict[str, Any]) -> None:
        self.stream.write(json_line(record) + "\n")
        self.count += 1

    def finish(self) -> None:
        """Nothing stands at the end."""


class _JsonArrayFile:
    """A file of one JSON array, one record a line."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.count = 0

    def write(self, record: dict[str, Any]) -> None:
        self.stream.write((",\n" if self.count else "[\n") + json_line(record))
        self.count += 1

    def finish(self) -> None:
        self.stream.write("\n]\n" if self.count else "[]\n")


class _CsvFile:
    """A file of comma-separated rows, lines ended as RFC 4180 has it."""

    def __init__(self, stream: IO[str]) -> None:
        self.rows = csv.DictWriter(stream, COLUMNS, lineterminator="\r\n")
        self.rows.writeheader()
        self.count = 0

    def write(self, record: dict[str, Any]) -> None:
        self.rows.writerow(home_measurement_row(record))
        self.count += 1

    def finish(self) -> None:
        """Nothing stands at the end."""


_FILES: dict[Form, dict[str, tuple[str, type[_NdjsonFile | _JsonArrayFile | _CsvFile]]]] = {
    "files": {
        "assessment": (ASSESSMENTS, _NdjsonFile),
        "care-plan": (CARE_PLANS, _JsonArrayFile),
        "observation": (HOME_MEASUREMENTS, _CsvFile),
    },
    "ndjson": dict.fromkeys(
        ("assessment", "care-plan", "observation"), ("records.ndjson", _NdjsonFile)
    ),
}


class _Folder:
    """The files of an export, open while it is written."""

    def __init__(self, folder: Path, form: Form) -> None:
        self._folder = folder
        self._names = {record: name for record, (name, _) in _FILES[form].items()}
        self._types = dict(_FILES[form].values())
        self._files: dict[str, _NdjsonFile | _JsonArrayFile | _CsvFile] = {}
        self._stack = ExitStack()

    def __enter__(self) -> _Folder:
        for name, kind in self._types.items():
            path = self._folder / name
            # newline="": the same bytes on every system.
            stream = self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            self._files[name] = kind(stream)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._stack:
            if error is None:
                for file in self._files.values():
                    file.finish()

    def write(self, record: dict[str, Any]) -> None:
        self._files[self._names[record["record"]]].write(record)

    def counts(self) -> dict[Path, int]:
        return {self._folder / name: file.count for name, file in self._files.items()}
