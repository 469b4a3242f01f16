"""The second export: exactly the edits that are listed, no more and no less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.clinic.revision import KINDS
from fhir_backpain.errors import SettingsError
from fhir_backpain.record import RecordKey, key_of


def _differences(one: Any, other: Any, pointer: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        assert list(one) == list(other)
        for name in one:
            yield from _differences(one[name], other[name], f"{pointer}/{name}")
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other)
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{pointer}/{place}")
    elif one != other:
        yield pointer, one, other


def _edits(clinic: Clinic, revised: Any) -> dict[RecordKey, list[tuple[str, Any, Any]]]:
    pairs = zip(clinic.records(), revised.records(), strict=True)
    edits = {key_of(one): list(_differences(one, other)) for one, other in pairs}
    return {key: differences for key, differences in edits.items() if differences}


@pytest.mark.parametrize("changed", [0, 1, 7, 40])
def test_exactly_the_listed_records_differ_at_the_listed_place(changed: int) -> None:
    clinic = Clinic(seed=11, patients=60)
    revision = clinic.revised(changed)
    edits = _edits(clinic, revision)
    assert len(edits) == changed == len(revision.changes)
    for change in revision.changes:
        moved, edit = sorted(edits[change.key], key=lambda row: row[0] != "/recorded_at")
        assert moved[0] == "/recorded_at"
        assert moved[1] < moved[2] == revision.edited_at
        assert edit == (change.pointer, change.before, change.after)


def test_a_share_is_a_share_of_all_records() -> None:
    clinic = Clinic(seed=11, patients=40)
    count = sum(1 for _ in clinic.records())
    assert len(clinic.revised(0.05).changes) == round(0.05 * count)


def test_all_kinds_of_edits_occur_in_turns() -> None:
    kinds = Counter(change.kind for change in Clinic().revised(40).changes)
    assert kinds == dict.fromkeys(KINDS, 10)


def test_edits_are_what_their_kind_says() -> None:
    for change in Clinic().revised(80).changes:
        if change.kind == "side":
            assert {change.before, change.after} == {"left", "right"}
        elif change.kind == "dose":
            assert change.before < change.after
            assert change.key.record == "care-plan"
        else:
            assert abs(change.before - change.after) == 1


def test_the_same_clinic_gives_the_same_edits_and_bytes(tmp_path: Path) -> None:
    revisions = [Clinic(seed=4, patients=20).revised(9) for _ in range(2)]
    assert revisions[0].changes == revisions[1].changes
    for name, revision in zip("ab", revisions, strict=True):
        revision.export(tmp_path / name, "ndjson")
    one, other = (tmp_path / name / "records.ndjson" for name in "ab")
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("changed", [-1, 10_000, 1.0, -0.1])
def test_an_impossible_number_of_edits_is_refused(changed: float) -> None:
    with pytest.raises(SettingsError, match="FBP-9501"):
        Clinic(patients=5).revised(changed)
