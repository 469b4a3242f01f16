"""Real trial scores to a real HAPI server, with a feed mapping alone."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.mapping.feed import read_feed
from fhir_backpain.mapping.library import load_library

TABLE = Path(__file__).parents[3] / "shared" / "data" / "boulder-back-pain-scores.csv"
FEED = Path("mappings/feeds/boulder-back-pain-trial.feed.yaml")
DATES = {"-1": "2019-01-15", "1": "2024-01-15"}
SYSTEM = "urn:boulder-back-pain-trial:participant"
# Column of the table: key of the measure.
MEASURES = {
    "pain_avg": "pain-nrs-week",
    "odi": "odi",
    "bpi_intensity": "bpi-severity",
    "bpi_interference": "bpi-interference",
    "promis_dep": "promis-depression-8a-raw",
    "promis_sleep": "promis-sleep-8a-raw",
    "promis_anger": "promis-anger-5a-raw",
    "promis_anxiety": "promis-anxiety-8a-raw",
    "panas_pa": "panas-positive",
    "panas_na": "panas-negative",
    "pcs": "pcs",
    "tsk11": "tsk11",
    "sopa_control": "sopa-control",
}

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not TABLE.exists(), reason="the trial's table is not here"),
]


def sync(table: Path, outbox: Path, server: str) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "fhir_backpain.cli", "sync", str(table), "--feed", str(FEED),
        "--set", f"baseline={DATES['-1']}", "--set", f"follow_up={DATES['1']}",
        "--server", server, "--outbox", str(outbox), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def written(report: dict[str, Any]) -> int:
    counts = report["server"]["resources"].values()
    return sum(row["created"] + row["updated"] for row in counts)


@pytest.fixture
def own_table(tmp_path: Path) -> Path:
    """The table under participant numbers of its own, so that no other test's data is met."""
    mark = uuid.uuid4().hex[:8]
    rows = list(csv.reader(TABLE.read_text(encoding="utf-8").splitlines()))
    own = tmp_path / "scores.csv"
    with own.open("w", encoding="utf-8", newline="") as stream:
        marked = [[f"{mark}-{row[0]}", *row[1:]] for row in rows[1:]]
        csv.writer(stream).writerows([rows[0], *marked])
    return own


def expected(table: Path) -> dict[tuple[str, str, str], Decimal]:
    """(participant, date, measure) -> score, for every cell that holds one."""
    with table.open(encoding="utf-8", newline="") as stream:
        return {
            (row["id"], DATES[row["time"]], measure): Decimal(row[column])
            for row in csv.DictReader(stream)
            for column, measure in MEASURES.items()
            if row[column] not in ("", "NaN")
        }


def observations(server: str, patients: dict[str, str]) -> Iterator[dict[str, Any]]:
    with FhirClient(server) as client:
        for entry in client.search("Observation", [("_count", "500")]):
            resource = json.loads(json.dumps(entry["resource"], default=str))
            if resource["subject"]["reference"].partition("/")[2] in patients:
                yield resource


def patients_of(server: str, mark: str) -> dict[str, str]:
    """Logical id -> participant, of the patients of this test."""
    with FhirClient(server) as client:
        entries = client.search("Patient", [("identifier", f"{SYSTEM}|"), ("_count", "500")])
        found = {entry["resource"]["id"]: entry["resource"] for entry in entries}
    return {
        logical_id: value
        for logical_id, patient in found.items()
        if (value := patient["identifier"][0]["value"]).startswith(mark)
    }


def held(server: str, mark: str) -> dict[tuple[str, str, str], Decimal]:
    """What the server holds, under the codes and units that the instruments declare."""
    library = load_library()
    by_code = {}
    for instrument in library.instruments.values():
        for measure in instrument.measures.values():
            concept = library.concepts[measure.code]
            by_code[concept.system, concept.code] = measure
    patients = patients_of(server, mark)
    found: dict[tuple[str, str, str], Decimal] = {}
    for resource in observations(server, patients):
        if "hasMember" in resource:  # a panel has no score of its own
            continue
        coding = resource["code"]["coding"][0]
        measure = by_code[coding["system"], coding["code"]]
        quantity = resource["valueQuantity"]
        assert quantity["system"] == "http://unitsofmeasure.org"
        assert quantity["code"] == library.concepts[measure.unit or ""].code
        participant = patients[resource["subject"]["reference"].partition("/")[2]]
        key = (participant, resource["effectiveDateTime"], measure.key)
        assert key not in found, "a score is on the server twice"
        found[key] = Decimal(str(quantity["value"]))
    return found


def panels(server: str, mark: str) -> int:
    """Return how many panels the server holds: of instruments with several scores at once."""
    found = observations(server, patients_of(server, mark))
    return sum("hasMember" in resource for resource in found)


def test_every_score_arrives_once_and_an_edit_updates_only_what_it_concerns(
    hapi: str, own_table: Path, tmp_path: Path
) -> None:
    outbox = tmp_path / "outbox.sqlite"
    mark = own_table.read_text(encoding="utf-8").splitlines()[1].partition("-")[0]
    first = sync(own_table, outbox, hapi)
    scores = expected(own_table)
    assert held(hapi, mark) == scores
    created = first["server"]["resources"]["Observation"]["created"]
    assert created == len(scores) + panels(hapi, mark)

    assert written(sync(own_table, outbox, hapi)) == 0

    text = own_table.read_text(encoding="utf-8")
    old = text.splitlines()[1]
    cells = old.split(",")
    cells[3] = "21"
    own_table.write_text(text.replace(old, ",".join(cells)), encoding="utf-8")
    edited = sync(own_table, outbox, hapi)
    assert written(edited) == 1
    assert edited["server"]["resources"]["Observation"]["updated"] == 1
    assert held(hapi, mark) == expected(own_table)


def test_report_accounts_for_every_column(hapi: str, own_table: Path, tmp_path: Path) -> None:
    report = sync(own_table, tmp_path / "outbox.sqlite", hapi)
    header = own_table.read_text(encoding="utf-8").splitlines()[0].split(",")
    columns = report["source"]["columns"][str(own_table)]
    assert [column["column"] for column in columns] == header
    assert {column["fate"] for column in columns} == {"mapped", "ignored"}
    assert {column["filled"] + column["empty"] for column in columns} == {265}
    assert all(column["detail"] for column in columns)


def test_feed_mapping_is_short() -> None:
    assert len(FEED.read_text(encoding="utf-8").splitlines()) < 60
    assert set(MEASURES) < read_feed(FEED).columns
