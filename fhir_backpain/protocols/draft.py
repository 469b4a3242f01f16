"""Drafts a plan from an assessment by a protocol: for a clinician to accept, change or discard.

Nothing is decided: the record is a draft and a proposal, each action says which conditions held
and which source stands behind it, and what was not proposed is told with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from fhir_backpain.errors import ValidationFailed
from fhir_backpain.mapping.library import Library
from fhir_backpain.protocols.case import Case
from fhir_backpain.protocols.condition import Condition
from fhir_backpain.protocols.goal_proposal import GoalProposal, propose_goal
from fhir_backpain.protocols.messages import NOT_FOR_THIS
from fhir_backpain.protocols.protocol import Action, Protocol, Source
from fhir_backpain.record import SourceRecord

NOTICE = "This is a draft for a clinician: nothing of it holds until a person accepts it."

Fate = Literal["proposed", "not proposed", "cannot be told"]

_ALWAYS = {"always": "it is proposed in every case"}
_LONGEST_KEY = 100
_LONGEST_TEXT = 3900
URGENT_REFERRAL = "urgent-referral"
"""The treatment that is proposed alone where a sign stops a draft."""
_STOPPED = "No treatment is drafted. Proposed alone: urgent referral to a specialist."


@dataclass(frozen=True, slots=True)
class Considered:
    """An action that was thought of, what became of it, and each condition with what it came to.

    A condition is None where the assessment does not tell.
    """

    step: str
    action: Action
    fate: Fate
    conditions: tuple[tuple[str, bool | None], ...]

    @property
    def why(self) -> str:
        """Why it is proposed or not, in words."""
        if self.action.never is not None:
            return self.action.never
        if self.fate == "proposed":
            return "; ".join(_ALWAYS.get(text, text) for text, _ in self.conditions)
        wanted = False if self.fate == "not proposed" else None
        texts = [text for text, holds in self.conditions if holds is wanted]
        said = "does not hold" if self.fate == "not proposed" else "cannot be told"
        return f"{said}: {'; '.join(texts)}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        action = self.action
        return {
            "step": self.step,
            "action": action.key,
            "title": action.title,
            "treatment": action.treatment,
            "medication": action.medication,
            "fate": self.fate,
            "why": self.why,
            "conditions": [{"condition": text, "holds": holds} for text, holds in self.conditions],
            "says": action.says or None,
            "check": action.check,
            "sources": [source.key for source in action.sources],
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted care-plan record, and all that was thought of on the way to it.

    `stops` are the signs for which nothing but an urgent referral is proposed; `unasked` the red
    flags of which the assessment says nothing.
    """

    protocol: Protocol
    record: dict[str, Any]
    stops: tuple[str, ...]
    unasked: tuple[str, ...]
    considered: tuple[Considered, ...]
    goals: tuple[GoalProposal, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the draft with its account as JSON data; numbers are int or Decimal."""
        return {
            "notice": NOTICE,
            "protocol": self.protocol.key,
            "record": self.record,
            "stopped": list(self.stops),
            "redFlagsNotAsked": list(self.unasked),
            "considered": [one.to_json() for one in self.considered],
            "goals": [one.to_json() for one in self.goals],
            "sources": {one.key: one.citation for one in self.protocol.sources},
        }


def apply(
    protocol: Protocol,
    assessment: SourceRecord,
    library: Library,
    plans: Sequence[Mapping[str, Any]] = (),
) -> Draft:
    """Return the draft of a plan for a checked assessment record; nothing is read from a clock.

    `plans` are earlier care-plan records of the patient. Raises ValidationFailed where the
    assessment does not show what the protocol is for, unless a sign stops the draft anyway.
    """
    case = Case(assessment.data, plans, library.ranges)
    unasked = tuple(case.unasked(library.vocabulary["flag"]))
    stops = tuple(_stops(protocol, case))
    if not stops:
        _ensure_suits(protocol, case, assessment)
    return _Writer(protocol, case, library, unasked, stops).draft()


def _stops(protocol: Protocol, case: Case) -> Iterator[str]:
    for flag in case.red_flags():
        yield f"red flag {flag} is present"
    for stop in protocol.stops:
        if stop.condition.holds(case):
            yield f"{stop.condition.text}: {stop.says}"


def _ensure_suits(protocol: Protocol, case: Case, assessment: SourceRecord) -> None:
    missed = [one.text for one in protocol.suits if not one.holds(case)]
    if missed:
        place = assessment.location.at(record=assessment.data["id"])
        text = f"{protocol.key} is for patients of whom this holds: {'; '.join(missed)}."
        raise ValidationFailed(NOT_FOR_THIS.issue(text, source=place))


def _judged(conditions: Sequence[Condition], case: Case) -> tuple[tuple[str, bool | None], ...]:
    return tuple((one.text, one.holds(case)) for one in conditions)


def _fate(action: Action, judged: Sequence[tuple[str, bool | None]]) -> Fate:
    found = [holds for _, holds in judged]
    if action.never is not None or False in found:
        return "not proposed"
    return "cannot be told" if None in found else "proposed"


class _Writer:
    """Writes the record of a draft."""

    def __init__(
        self,
        protocol: Protocol,
        case: Case,
        library: Library,
        unasked: tuple[str, ...],
        stops: tuple[str, ...],
    ) -> None:
        self._protocol = protocol
        self._case = case
        self._library = library
        self._unasked = unasked
        self._stops = stops
        self._id = _draft_id(protocol.key, str(case.assessment["id"]))

    def draft(self) -> Draft:
        """Return the whole draft."""
        considered = () if self._stops else tuple(self._considered())
        goals = () if self._stops else tuple(self._goals())
        record = self._head()
        record["summary"] = self._summary(considered)
        record |= self._urgent() if self._stops else self._body(considered, goals)
        return Draft(self._protocol, record, self._stops, self._unasked, considered, goals)

    def _head(self) -> dict[str, Any]:
        assessment = self._case.assessment
        test_data = {"test_data": True} if assessment.get("test_data") else {}
        stopped = "Urgent referral proposed: " if self._stops else "Draft: "
        return {
            "record": "care-plan",
            "id": self._id,
            "source": assessment["source"],
            **test_data,
            "patient": assessment["patient"],
            "written_at": assessment["assessed_at"],
            "status": "draft",
            "intent": "proposal",
            "title": f"{stopped}{self._protocol.title}",
            "reason": f"Drafted from assessment {assessment['id']} by the protocol "
            f"{self._protocol.key}. Sources: {_names(self._protocol.sources)}.",
        }

    def _considered(self) -> Iterator[Considered]:
        for step in self._protocol.steps:
            for action in step.actions:
                judged = _judged(action.conditions, self._case)
                yield Considered(step.title, action, _fate(action, judged), judged)

    def _goals(self) -> Iterator[GoalProposal]:
        for measure in self._protocol.goals:
            yield propose_goal(
                measure, self._case, self._library, self._protocol.due_weeks, self._id
            )

    def _body(
        self, considered: Sequence[Considered], goals: Sequence[GoalProposal]
    ) -> dict[str, Any]:
        causes = self._case.causes(self._protocol.causes)
        kept = ("cause", "side")
        body: dict[str, list[Any]] = {
            "addresses": [{name: one[name] for name in kept if name in one} for one in causes],
            "goals": [one.goal for one in goals if one.goal is not None],
            "activities": [],
            "medications": [],
        }
        for one in considered:
            if one.fate == "proposed" and one.action.treatment is not None:
                body["activities"].append(self._activity(one))
            elif one.fate == "proposed" and one.action.medication is not None:
                body["medications"].append(self._medication(one))
        return {name: entries for name, entries in body.items() if entries}

    def _urgent(self) -> dict[str, Any]:
        """Return the one activity of a stopped draft, with what stopped it."""
        referral = {
            "id": URGENT_REFERRAL,
            "treatment": URGENT_REFERRAL,
            "status": "draft",
            "description": "Urgent referral to a specialist",
            "reason": _cut(f"Proposed because: {'; '.join(self._stops)}."),
        }
        return {"activities": [referral]}

    def _activity(self, one: Considered) -> dict[str, Any]:
        action = one.action
        entry: dict[str, Any] = {
            "id": action.key,
            "treatment": action.treatment,
            "status": "draft",
            "description": action.title,
            "reason": _cut(_because(one)),
        }
        if action.performer is not None:
            entry["performer_role"] = action.performer
        if action.instructions is not None:
            entry["instructions"] = action.instructions
        return entry

    @staticmethod
    def _medication(one: Considered) -> dict[str, Any]:
        # A medication has no place for remarks: the plan's own words say why it is proposed.
        return {"id": one.action.key, "medication": one.action.medication, "status": "draft"}

    def _summary(self, considered: Sequence[Considered]) -> str:
        parts = [NOTICE]
        if self._stops:
            parts += [_STOPPED, f"Because: {'; '.join(self._stops)}."]
        if self._unasked:
            parts.append(f"Red flags that were not asked for: {', '.join(self._unasked)}.")
        for one in considered:
            action = one.action
            if one.fate == "proposed" and action.treatment is None:
                parts.append(f"Proposed: {action.title}. {_because(one)}")
        for fate in ("not proposed", "cannot be told"):
            named = [f"{one.action.title} ({one.why})" for one in considered if one.fate == fate]
            if named:
                parts.append(f"Considered, {fate}: {'; '.join(named)}.")
        return _cut(" ".join(parts))


def _because(one: Considered) -> str:
    action = one.action
    told = [f"Proposed because: {one.why}.", action.says, f"Sources: {_names(action.sources)}."]
    told += [f"To be checked first: {action.check}"] if action.check else []
    return " ".join(told)


def _names(sources: Sequence[Source]) -> str:
    return ", ".join(source.name for source in sources)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_LONGEST_TEXT].rsplit(' ', 1)[0]} … (cut; the account of the draft has all)"


def _draft_id(protocol: str, assessment: str) -> str:
    """Return the draft's business id; that of a long id is a hash of it."""
    if len(assessment) + len(protocol) > _LONGEST_KEY:
        assessment = blake2b(assessment.encode(), digest_size=16).hexdigest()
    return f"draft-{protocol}-{assessment}"
