"""A later export in which a stated number of records was edited, and the list of the edits."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from fhir_backpain.clinic.chance import Chance
from fhir_backpain.clinic.export import Exported, Form, export
from fhir_backpain.clinic.messages import UNUSABLE_CLINIC
from fhir_backpain.clinic.treatments import DOSAGES
from fhir_backpain.errors import SettingsError
from fhir_backpain.record import RecordKey, key_of

KINDS = ("score", "side", "dose", "home-score")

_OTHER_SIDE = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Change:
    """One edited record: its key, the JSON pointer of the edited element, both its values.

    `recorded_at` of the record moves too, to the day of the edit. `kind` is score, side, dose
    or home-score.
    """

    key: RecordKey
    kind: str
    pointer: str
    before: Any
    after: Any


Patients = Callable[[], Iterable[list[dict[str, Any]]]]
"""Gives each patient's records in time order, the same at every call."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The clinic's second export: the first one's records in the same order, some edited."""

    patients: Patients
    changes: tuple[Change, ...]
    edited_at: str

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record once; those not named in `changes` are as in the first export."""
        changes = {change.key: change for change in self.changes}
        for record in chain.from_iterable(self.patients()):
            change = changes.get(key_of(record))
            yield record if change is None else _edited(record, change, self.edited_at)

    def export(self, folder: Path, form: Form = "files") -> Exported:
        """Write the records to a folder, as the clinic writes its own."""
        return export(self.records(), folder, form)


def revise(patients: Patients, changed: int | float, edited_at: str) -> Revision:
    """Return a second export in which `changed` records differ: a number, or a float as a share.

    One edit a record: a score, a side found wrong, a raised dose, a value sent from home, in
    turns as far as there are such records. Reads all records once, twice for a share, and holds
    the edits alone. Raises SettingsError where fewer records can be edited.
    """
    count = _share(patients, changed) if isinstance(changed, float) else changed
    if count < 0:
        raise SettingsError(UNUSABLE_CLINIC.issue("The number of edits must not be negative."))
    best = _rows(_candidates(patients), count)
    turns = chain.from_iterable(zip_longest(*(best[kind] for kind in KINDS)))
    taken = [change for change in turns if change is not None][:count]
    if len(taken) < count:
        text = f"The clinic has {len(taken)} records that can be edited, fewer than asked for."
        raise SettingsError(UNUSABLE_CLINIC.issue(text))
    return Revision(patients, tuple(sorted(taken, key=lambda row: str(row.key))), edited_at)


def _share(patients: Patients, share: float) -> int:
    if not 0 <= share < 1:
        raise SettingsError(UNUSABLE_CLINIC.issue("The share of edits must be from 0 to below 1."))
    return round(share * sum(len(records) for records in patients()))


def _rows(changes: Iterable[Change], count: int) -> dict[str, list[Change]]:
    """Return up to `count` changes of each kind, drawn by a chance of their own."""
    # A heap per kind of (minus the draw, record, change): the largest draw leaves first.
    heaps: dict[str, list[tuple[float, str, Change]]] = {kind: [] for kind in KINDS}
    for change in changes:
        heap = heaps[change.kind]
        entry = (-Chance("edit", change.key).unit(), str(change.key), change)
        if len(heap) < count:
            heapq.heappush(heap, entry)
        elif count:
            heapq.heappushpop(heap, entry)
    return {kind: [row[2] for row in sorted(heap, reverse=True)] for kind, heap in heaps.items()}


def _candidates(patients: Patients) -> Iterator[Change]:
    """Yield at most one possible edit of each record."""
    for records in patients():
        plans = [record for record in records if record["record"] == "care-plan"]
        for record in records:
            change = _candidate(record, plans)
            if change is not None:
                yield change


def _candidate(record: dict[str, Any], plans: list[dict[str, Any]]) -> Change | None:
    if record["record"] == "observation":
        return _home_score(record)
    if record["record"] == "care-plan":
        return _dose(record, plans)
    has_wrong_side = Chance("side", record["id"]).happens(0.5)
    return (_side(record) if has_wrong_side else None) or _score(record)


def _home_score(record: dict[str, Any]) -> Change | None:
    if record["measure"] != "pain-nrs-week" or "score" not in record:
        return None
    return _change(record, "home-score", "/score", record["score"], _nudged(record["score"]))


def _score(record: dict[str, Any]) -> Change | None:
    """Return an edit of the first pain rating with a score: no questionnaire adds up to it."""
    for place, rating in enumerate(record["pain"]["ratings"]):
        if "score" in rating and rating["scale"] != "pain-faces":
            pointer = f"/pain/ratings/{place}/score"
            return _change(record, "score", pointer, rating["score"], _nudged(rating["score"]))
    return None


def _nudged(score: int) -> int:
    return score - 1 if score >= 5 else score + 1


def _side(record: dict[str, Any]) -> Change | None:
    """Return an edit of a finding's side, where the other side has no such finding."""
    findings = record.get("examination", [])
    there = {(finding["finding"], finding.get("side")) for finding in findings}
    for place, finding in enumerate(findings):
        other = _OTHER_SIDE.get(finding.get("side", ""))
        if other is not None and (finding["finding"], other) not in there:
            pointer = f"/examination/{place}/side"
            return _change(record, "side", pointer, finding["side"], other)
    return None


def _dose(record: dict[str, Any], plans: list[dict[str, Any]]) -> Change | None:
    """Return a raised dose in the patient's last plan, of a medication that no other plan has.

    A dose that is reached in steps is left as it is.
    """
    if record is not plans[-1]:
        return None
    earlier = {m["id"] for plan in plans[:-1] for m in plan.get("medications", ())}
    for place, medication in enumerate(record.get("medications", ())):
        raised = DOSAGES[medication["medication"]].raised[0]
        dose = medication["dose"]["value"] if "dose" in medication else raised
        if dose < raised and medication["id"] not in earlier:
            return _change(record, "dose", f"/medications/{place}/dose/value", dose, raised)
    return None


def _change(record: dict[str, Any], kind: str, pointer: str, before: Any, after: Any) -> Change:
    return Change(key_of(record), kind, pointer, before, after)


def _edited(record: dict[str, Any], change: Change, recorded_at: str) -> dict[str, Any]:
    edited = deepcopy(record)
    *path, last = change.pointer.split("/")[1:]
    element: Any = edited
    for step in path:
        element = element[int(step)] if isinstance(element, list) else element[step]
    element[last] = change.after
    edited["recorded_at"] = recorded_at
    return edited
