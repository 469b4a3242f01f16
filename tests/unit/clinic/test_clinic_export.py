"""The files: each says exactly what the records say."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.clinic.export import (
    COLUMNS,
    ITEM_CODES,
    MISSING_CODES,
    REGION_CODES,
    SEX_CODES,
)

CLINIC = Clinic(seed=21, patients=60)


def _of(kind: str) -> list[dict[str, Any]]:
    return [record for record in CLINIC.records() if record["record"] == kind]


def _read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def test_assessments_are_one_a_line(tmp_path: Path) -> None:
    CLINIC.export(tmp_path)
    lines = (tmp_path / "assessments.ndjson").read_text("utf-8").splitlines()
    assert [_read(line) for line in lines] == _of("assessment")


def test_care_plans_are_an_array_with_one_a_line(tmp_path: Path) -> None:
    CLINIC.export(tmp_path)
    text = (tmp_path / "care-plans.json").read_text("utf-8")
    assert _read(text) == _of("care-plan")
    first, *lines, last = text.splitlines()
    assert (first, last) == ("[", "]")
    assert [_read(line.rstrip(",")) for line in lines] == _of("care-plan")


def test_an_array_without_plans_is_empty(tmp_path: Path) -> None:
    CLINIC.export(tmp_path, until=CLINIC.start.replace(day=1))
    assert _read((tmp_path / "care-plans.json").read_text("utf-8")) == []


def test_every_home_measurement_can_be_told_back_from_its_row(tmp_path: Path) -> None:
    CLINIC.export(tmp_path)
    with (tmp_path / "home-measurements.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        told = [_told_back(row) for row in reader]
        assert tuple(reader.fieldnames or ()) == COLUMNS
    assert told == _of("observation")
    assert any("note" in record for record in told)
    assert {record.get("missing_reason") for record in told} == {None, *MISSING_CODES}


def _told_back(row: dict[str, str]) -> dict[str, Any]:
    def moment(column: str) -> str:
        local = datetime.strptime(row[column], "%d/%m/%Y %H:%M")
        return local.isoformat() + row["utc_offset"]

    def key(codes: dict[str, str], code: str) -> str:
        return {code: key for key, code in codes.items()}[code]

    items = {item: (measure, unit) for measure, (item, unit) in ITEM_CODES.items()}
    measure, unit = items[row["item"]]
    assert unit == row["unit"]
    record: dict[str, Any] = {
        "record": "observation",
        "id": row["row_id"],
        "source": "https://clinic.example/back-pain",
        "recorded_at": moment("entered"),
        "test_data": True,
        "patient": {
            "identifier": {"system": "https://clinic.example/mrn", "value": row["mrn"]},
            "name": {"family": row["surname"], "given": [row["first_name"]]},
            "gender": key(SEX_CODES, row["sex"]),
            "birth_date": datetime.strptime(row["dob"], "%d/%m/%Y").date().isoformat(),
        },
        "observed_at": moment("visit_date"),
        "measure": measure,
    }
    if row["staff_no"]:
        identifier = {"system": "https://clinic.example/staff", "value": row["staff_no"]}
        record["author"] = {"identifier": identifier, "name": row["staff_name"]}
    optional = {
        "score": Decimal(row["val"]) if row["val"] else None,
        "missing_reason": key(MISSING_CODES, row["missing"]) if row["missing"] else None,
        "site": key(REGION_CODES, row["region"]) if row["region"] else None,
        "note": row["remark"] or None,
    }
    return record | {name: value for name, value in optional.items() if value is not None}


def test_no_cell_begins_like_a_formula(tmp_path: Path) -> None:
    CLINIC.export(tmp_path)
    with (tmp_path / "home-measurements.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            cells = {name: cell for name, cell in row.items() if name != "utc_offset"}
            assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells.values())


def test_one_file_for_all_types_keeps_the_order(tmp_path: Path) -> None:
    exported = CLINIC.export(tmp_path / "new" / "folder", "ndjson")
    (path,) = exported.files
    lines = path.read_text("utf-8").splitlines()
    assert [_read(line) for line in lines] == list(CLINIC.records())
    assert exported.records == len(lines)


def test_the_counts_are_those_of_the_files(tmp_path: Path) -> None:
    exported = CLINIC.export(tmp_path)
    assert {path.name: count for path, count in exported.files.items()} == {
        "assessments.ndjson": len(_of("assessment")),
        "care-plans.json": len(_of("care-plan")),
        "home-measurements.csv": len(_of("observation")),
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one = CLINIC.export(tmp_path / "one")
    other = Clinic(seed=21, patients=60).export(tmp_path / "other")
    for left, right in zip(one.files, other.files, strict=True):
        assert left.read_bytes() == right.read_bytes()
