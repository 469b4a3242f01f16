"""The clinic as a whole: valid, in order, repeatable, streamed, plainly invented."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from datetime import date, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

import fhir_backpain
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.clinic.patient_story import Visit
from fhir_backpain.errors import SettingsError
from fhir_backpain.record import RECORD_TYPES, as_of, is_test_data, key_of

Records = list[dict[str, Any]]
SCHEMAS = Path(fhir_backpain.__file__).parent / "schemas"


@cache
def _validators() -> dict[str, Draft202012Validator]:
    names = ("common", *RECORD_TYPES)
    schemas = {n: json.loads((SCHEMAS / f"{n}.schema.json").read_text("utf-8")) for n in names}
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    return {
        name: Draft202012Validator(schemas[name], registry=registry, format_checker=FormatChecker())
        for name in RECORD_TYPES
    }


def test_every_version_of_every_record_is_valid(history: Records) -> None:
    for record in history:
        errors = list(_validators()[record["record"]].iter_errors(record))
        assert not errors, (record["id"], errors[0].json_path, errors[0].message)


def test_edited_records_are_valid_too(clinic: Clinic) -> None:
    revision = clinic.revised(60)
    edited = {change.key for change in revision.changes}
    seen = 0
    for record in revision.records():
        if key_of(record) in edited:
            assert _validators()[record["record"]].is_valid(record)
            seen += 1
    assert seen == 60


def test_every_record_is_test_data_of_the_clinic(records: Records) -> None:
    for record in records:
        assert is_test_data(record)
        assert record["source"] == "https://clinic.example/back-pain"
        assert record["patient"]["identifier"]["system"] == "https://clinic.example/mrn"
        if "author" in record:
            assert record["author"]["identifier"]["system"] == "https://clinic.example/staff"


def test_a_patient_has_ten_to_twenty_records_unless_they_drop_out(
    by_patient: dict[str, Records],
) -> None:
    assert len(by_patient) == 100
    for own in by_patient.values():
        whole_year = sum(record["record"] == "assessment" for record in own) == 5
        assert (8 if whole_year else 4) <= len(own) <= 20
    sizes = [len(own) for own in by_patient.values()]
    assert 13 <= sum(sizes) / len(sizes) <= 18


def test_each_record_stands_once_and_in_time_order(by_patient: dict[str, Records]) -> None:
    keys = [key_of(record) for own in by_patient.values() for record in own]
    assert len(keys) == len(set(keys))
    for own in by_patient.values():
        moments = [datetime.fromisoformat(record["recorded_at"]) for record in own]
        assert moments == sorted(moments)


def test_a_record_is_recorded_within_the_hour_and_never_before_its_content(
    history: Records, clinic: Clinic
) -> None:
    closed = {"completed", "revoked"}
    for record in history:
        recorded_at = datetime.fromisoformat(record["recorded_at"])
        assert clinic.start <= recorded_at.date() <= clinic.end
        assert record["recorded_at"].endswith("+01:00")
        content = datetime.fromisoformat(as_of(record))
        if record["record"] == "care-plan" and record["status"] in closed:
            content = datetime.fromisoformat(record["period"]["end"])
            assert content > datetime.fromisoformat(record["period"]["start"])
        assert timedelta(0) < recorded_at - content <= timedelta(hours=1)


def test_pain_began_before_the_first_visit_and_patients_are_adults(records: Records) -> None:
    for record in records:
        if record["record"] == "assessment":
            seen_on = datetime.fromisoformat(record["assessed_at"]).date()
            assert date.fromisoformat(record["pain"]["onset"]) < seen_on
            born = date.fromisoformat(record["patient"]["birth_date"])
            assert 18 <= (seen_on - born).days // 365 <= 90


def test_follow_ups_are_about_six_weeks_three_six_and_twelve_months_later(
    clinic: Clinic,
) -> None:
    for story in clinic.stories():
        first = story.visits[0]
        assert all(visit.at.weekday() < 5 and 8 <= visit.at.hour < 17 for visit in story.visits)
        for visit in story.visits[1:]:
            assert abs(_weeks(first, visit) - {1: 6, 2: 13, 3: 26, 4: 52}[visit.number]) < 1.1


def _weeks(first: Visit, visit: Visit) -> float:
    return (visit.at - first.at) / timedelta(weeks=1)


def test_all_kinds_of_pain_and_all_responses_occur() -> None:
    stories = list(Clinic().stories())
    assert {story.protocol.key for story in stories} == {
        "strain", "herniation", "stenosis", "degeneration", "facet",
    }  # fmt: skip
    assert {story.response for story in stories} == {
        "fast", "gradual", "partial", "none", "relapse", "surgical",
    }  # fmt: skip


def test_a_larger_clinic_begins_with_the_patients_of_a_smaller_one() -> None:
    small = list(Clinic(seed=5, patients=3).records())
    large = list(islice(Clinic(seed=5, patients=50).records(), len(small)))
    assert large == small


def test_another_seed_gives_other_stories_and_another_start_other_dates() -> None:
    one, other = (next(Clinic(seed=seed, patients=1).records()) for seed in (1, 2))
    assert one != other
    later = next(Clinic(seed=1, patients=1, start=date(2025, 3, 3)).records())
    assert later["assessed_at"] > one["assessed_at"]


def test_an_export_until_a_day_has_what_was_recorded_by_then() -> None:
    clinic = Clinic(seed=3, patients=30)
    day = clinic.start + timedelta(weeks=20)
    early = list(clinic.records(until=day))
    assert early
    assert all(datetime.fromisoformat(r["recorded_at"]).date() <= day for r in early)
    final = {key_of(record): record for record in clinic.records()}
    assert {key_of(record) for record in early} < final.keys()
    changed = [record for record in early if final[key_of(record)] != record]
    assert changed
    assert {record["record"] for record in changed} == {"care-plan"}
    assert {record["status"] for record in changed} == {"active"}


def test_records_are_the_last_versions_of_the_history(records: Records, history: Records) -> None:
    last = {key_of(record): record for record in history}
    assert {key_of(record): record for record in records} == last
    assert len(history) > len(records)


def test_the_largest_clinic_yields_its_first_records_at_once() -> None:
    assert len(list(islice(Clinic(patients=999_999).records(), 100))) == 100


def test_memory_does_not_grow_with_the_number_of_patients() -> None:
    few, many = _peak(20), _peak(200)
    assert many < 2 * few


def _peak(patients: int) -> int:
    list(islice(Clinic(patients=1).records(), 1))
    tracemalloc.start()
    try:
        for _ in Clinic(seed=9, patients=patients).records():
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from fhir_backpain.clinic.clinic import Clinic\n"
        "Clinic(seed='bytes', patients=12).export(pathlib.Path(sys.argv[1]))\n"
    )
    root = str(Path(fhir_backpain.__file__).parents[1])
    digests = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": root}
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment)
        files = sorted(folder.iterdir())
        digests.append([(f.name, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files])
    assert digests[0] == digests[1]
    assert len(digests[0]) == 3


@pytest.mark.parametrize("patients", [0, -1, 1_000_000])
def test_an_unusable_number_of_patients_is_refused(patients: int) -> None:
    with pytest.raises(SettingsError, match="FBP-9501"):
        Clinic(patients=patients)


@pytest.mark.parametrize("start", [date(1989, 12, 31), date(2090, 1, 2)])
def test_an_unusable_start_is_refused(start: date) -> None:
    with pytest.raises(SettingsError, match="FBP-9501"):
        Clinic(start=start)
