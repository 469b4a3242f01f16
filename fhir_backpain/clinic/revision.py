"""A later export in which a stated number of records was edited, and the list of the edits."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain, zip_longest
from typing import Any

from fhir_backpain.clinic.chance import Chance
from fhir_backpain.clinic.clinic import UNUSABLE_CLINIC, Clinic
from fhir_backpain.clinic.patient_story import OFFSET
from fhir_backpain.clinic.treatments import DOSAGES
from fhir_backpain.errors import SettingsError
from fhir_backpain.record import RecordKey, key_of

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


@dataclass(frozen=True, slots=True)
class Revision:
    """The clinic's second export: the first one's records in the same order, some edited."""

    clinic: Clinic
    changes: tuple[Change, ...]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record once; those not named in `changes` are as in the first export."""
        changes = {change.key: change for change in self.changes}
        recorded_at = edited_at(self.clinic)
        for record in self.clinic.records():
            change = changes.get(key_of(record))
            yield record if change is None else _edited(record, change, recorded_at)


def revised(clinic: Clinic, changed: int | float) -> Revision:
    """Return a second export in which `changed` records differ: a number, or a share below 1.

    One edit a record: a score, a side found wrong, a raised dose, a value sent from home, in
    turns as far as there are such records. The same clinic and number give the same edits.
    Reads the clinic once and holds the edits alone. Raises SettingsError where the clinic has
    fewer records that can be edited.
    """
    if isinstance(changed, float):
        count = _share(clinic, changed)
    else:
        count = changed
    if count < 0:
        raise SettingsError(UNUSABLE_CLINIC.issue("The number of edits must not be negative."))
    best = _rows(_candidates(clinic), count)
    turns = chain.from_iterable(zip_longest(*(best[kind] for kind in _KINDS)))
    taken = [change for change in turns if change is not None][:count]
    if len(taken) < count:
        text = f"The clinic has {len(taken)} records that can be edited, fewer than asked for."
        raise SettingsError(UNUSABLE_CLINIC.issue(text))
    return Revision(clinic, tuple(sorted(taken, key=lambda change: str(change.key))))


def edited_at(clinic: Clinic) -> str:
    """Return when the edits were recorded: the morning after the clinic's last day."""
    moment = datetime.combine(clinic.end + timedelta(days=1), time(9), OFFSET)
    return moment.isoformat()


def _share(clinic: Clinic, share: float) -> int:
    if not 0 <= share < 1:
        raise SettingsError(UNUSABLE_CLINIC.issue("The share of edits must be from 0 to below 1."))
    return round(share * sum(1 for _ in clinic.records()))


def _rows(changes: Iterable[Change], count: int) -> dict[str, list[Change]]:
    """Return up to `count` changes of each kind, drawn by a chance of their own."""
    # A heap per kind of (minus the draw, record, change): the largest draw leaves first.
    heaps: dict[str, list[tuple[float, str, Change]]] = {kind: [] for kind in _KINDS}
    for change in changes:
        heap = heaps[change.kind]
        entry = (-Chance("edit", change.key).unit(), str(change.key), change)
        if len(heap) < count:
            heapq.heappush(heap, entry)
        elif count:
            heapq.heappushpop(heap, entry)
    return {kind: [row[2] for row in sorted(heap, reverse=True)] for kind, heap in heaps.items()}


def _candidates(clinic: Clinic) -> Iterator[Change]:
    """Yield at most one possible edit of each record."""
    for story in clinic.stories():
        records = clinic.records_of(story)
        plans = [record for record in records if record["record"] == "care-plan"]
        for record in records:
            if record["record"] == "observation":
                change = _home_score(record)
            elif record["record"] == "assessment":
                second = story.chance("edit", record["id"]).happens(0.5)
                change = (_side(record) if second else None) or _score(record)
            else:
                change = _dose(record, plans)
            if change is not None:
                yield change


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
    """Return a raised dose in the patient's last plan, of a medication that no other plan has."""
    if record is not plans[-1]:
        return None
    earlier = {m["id"] for plan in plans[:-1] for m in plan.get("medications", ())}
    for place, medication in enumerate(record.get("medications", ())):
        dose = medication["dose"]["value"]
        raised = DOSAGES[medication["medication"]].raised[0]
        if dose < raised and medication["id"] not in earlier:
            return _change(record, "dose", f"/medications/{place}/dose/value", dose, raised)
    return None


def _change(record: dict[str, Any], kind: str, pointer: str, before: Any, after: Any) -> Change:
    return Change(key_of(record), kind, pointer, before, after)


_KINDS: tuple[str, ...] = ("score", "side", "dose", "home-score")


def _edited(record: dict[str, Any], change: Change, recorded_at: str) -> dict[str, Any]:
    edited = deepcopy(record)
    *path, last = change.pointer.split("/")[1:]
    element: Any = edited
    for step in path:
        element = element[int(step)] if isinstance(element, list) else element[step]
    element[last] = change.after
    edited["recorded_at"] = recorded_at
    return edited
