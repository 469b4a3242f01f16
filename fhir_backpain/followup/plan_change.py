"""What a revised plan changes: added, stopped, changed, field by field and in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from fhir_backpain.followup.plan_words import field_words, schedule_words

Kind = Literal["added", "stopped", "changed"]
Entry = dict[str, Any]


class _Part(NamedTuple):
    """A list of a plan: its name, what tells its entries apart, and what an entry is of.

    `subjects` are the fields that may say the latter, the first that is there counts.
    """

    field: str
    noun: str
    keys: tuple[str, ...] = ("id",)
    subjects: tuple[str, ...] = ()

    def subject_of(self, key: str, entry: Entry) -> str:
        """Return what an entry is of, its key where it does not say."""
        return next((str(entry[name]) for name in self.subjects if name in entry), key)


_PARTS = (
    _Part("addresses", "cause", ("cause", "side"), ("cause",)),
    _Part("goals", "goal", subjects=("description",)),
    _Part("activities", "activity", subjects=("treatment",)),
    _Part("medications", "medication", subjects=("medication",)),
    _Part("contraindications", "contraindication", subjects=("treatment", "medication")),
    _Part("preferences", "preference", subjects=("treatment", "text")),
    _Part("care_team", "care team member", ("member", "role"), ("role",)),
)
_PLAN = _Part("", "plan")
_ENDED = frozenset(("revoked", "completed", "stopped", "cancelled"))
_OVER = frozenset(("revoked", "completed"))
_CARE = frozenset(("activity", "medication"))
_WORDS = frozenset(("description", "instructions", "reason", "start", "end"))


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One difference between two versions of a plan; `field` is None for a whole entry.

    `subject` names the entry by its key (`exercise-therapy`), `modality` the kind of treatment.
    """

    kind: Kind
    part: str
    id: str
    subject: str
    words: str
    modality: str | None = None
    field: str | None = None
    before: Any = None
    after: Any = None

    @property
    def is_of_care(self) -> bool:
        """True where a treatment or medication is another, more, less, begun or ended."""
        return self.part in _CARE and self.field not in _WORDS

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON data; what does not apply is left out."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in told.items() if value is not None}


def plan_changes(
    before: Entry, after: Entry, modalities: Mapping[str, str] | None = None
) -> tuple[PlanChange, ...]:
    """Return what changed from one care-plan record to the one that revises it.

    Entries are the same where their ids are; an activity or medication whose id is new is the
    same as one whose id is gone where both are the only ones of their treatment. `modalities`
    names the kind of each treatment ("Exercise").

    A plan that was replaced is closed, and its entries with it: that they ended there is no
    change where they go on. Of the plan itself status and intent count; its title, summary and
    period differ by nature, and its reason is told beside the changes.
    """
    found = [change for part in _PARTS for change in _of_part(part, before, after, modalities)]
    closed = {"status": after.get("status")} if _is_over(before) else {}
    for field in ("status", "intent"):
        found += _field(_PLAN, "", "plan", None, field, {**before, **closed}, after)
    return tuple(found)


def _is_over(plan: Entry) -> bool:
    return plan.get("status") in _OVER


def _of_part(
    part: _Part, before: Entry, after: Entry, modalities: Mapping[str, str] | None
) -> Iterator[PlanChange]:
    old, new = (_entries(part, plan) for plan in (before, after))
    pairs = {key: key for key in old if key in new} | _renamed(part, old, new)
    for key, entry in old.items():
        if key not in pairs and (_is_over(before) or not _has_ended(entry)):
            yield _whole("stopped", part, key, entry, modalities)
    follows = {later: earlier for earlier, later in pairs.items()}
    for key, entry in new.items():
        if key in follows:
            earlier = old[follows[key]]
            if _is_over(before) and _has_ended(earlier) and not _has_ended(entry):
                earlier = {**earlier, "status": entry.get("status"), "end": entry.get("end")}
            yield from _changed(part, key, earlier, entry, modalities)
        elif _is_over(after) or not _has_ended(entry):
            yield _whole("added", part, key, entry, modalities)


def _has_ended(entry: Entry) -> bool:
    return entry.get("status") in _ENDED


def _entries(part: _Part, plan: Entry) -> dict[str, Entry]:
    return {_key(part, entry): entry for entry in plan.get(part.field, ())}


def _key(part: _Part, entry: Entry) -> str:
    member = entry.get("member", {}).get("identifier", {})
    told = {**entry, "member": f"{member.get('system')}|{member.get('value')}"}
    return " ".join(str(told[name]) for name in part.keys if name in told)


def _renamed(part: _Part, old: dict[str, Entry], new: dict[str, Entry]) -> dict[str, str]:
    """Return the entries that go on under another id: the only ones of their treatment."""
    if part.noun not in ("activity", "medication"):
        return {}
    gone = _only_ones(part, {key: entry for key, entry in old.items() if key not in new})
    come = _only_ones(part, {key: entry for key, entry in new.items() if key not in old})
    return {gone[subject]: come[subject] for subject in sorted(gone.keys() & come.keys())}


def _only_ones(part: _Part, entries: dict[str, Entry]) -> dict[str, str]:
    subjects = {key: part.subject_of(key, entry) for key, entry in entries.items()}
    times = Counter(subjects.values())
    return {subject: key for key, subject in subjects.items() if times[subject] == 1}


def _whole(
    kind: Kind, part: _Part, key: str, entry: Entry, modalities: Mapping[str, str] | None
) -> PlanChange:
    subject = part.subject_of(key, entry)
    modality = _modality(part, entry, modalities)
    how = "completed" if kind == "stopped" and entry.get("status") == "completed" else kind
    told = [f"{_noun(part, modality)} {how}: {subject}"]
    if kind == "added":
        told += [f"{entry['dose']['value']} {entry['dose']['unit']}"] if "dose" in entry else []
        told += [schedule_words(entry["schedule"])] if "schedule" in entry else []
    return PlanChange(kind, part.noun, key, subject, ", ".join(told), modality)


def _changed(
    part: _Part, key: str, old: Entry, new: Entry, modalities: Mapping[str, str] | None
) -> Iterator[PlanChange]:
    subject = part.subject_of(key, new)
    modality = _modality(part, new, modalities)
    status = new.get("status")
    if _has_ended(new) and not _has_ended(old):
        words = f"{_noun(part, modality)} {status}: {subject}"
        yield PlanChange(
            "stopped", part.noun, key, subject, words, modality, "status", old.get("status"), status
        )
        # That it ended says so already.
        old = {**old, "status": status, "end": new.get("end")}
    for field in dict.fromkeys((*old, *new)):
        if field not in part.keys:
            yield from _field(part, key, subject, modality, field, old, new)


def _field(
    part: _Part,
    key: str,
    subject: str,
    modality: str | None,
    field: str,
    old: Entry,
    new: Entry,
) -> Iterator[PlanChange]:
    before, after = old.get(field), new.get(field)
    if before == after:
        return
    for what, words in field_words(field, before, after):
        text = f"{part.noun}: {words}" if part.noun == "plan" else f"{subject}: {words}"
        yield PlanChange("changed", part.noun, key, subject, text, modality, what, before, after)


def _modality(part: _Part, entry: Entry, modalities: Mapping[str, str] | None) -> str | None:
    return (modalities or {}).get(entry["treatment"]) if part.noun == "activity" else None


def _noun(part: _Part, modality: str | None) -> str:
    return (modality or part.noun).lower()
