"""The history of plans: each version after the one that it revises, with what changed and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_backpain.fhir.moment import Moment, moment_of
from fhir_backpain.followup.history import by_patient
from fhir_backpain.followup.plan_change import PlanChange, plan_changes
from fhir_backpain.followup.plan_words import field_words
from fhir_backpain.record import SourceRecord, key_of

Plan = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A plan and what it changed. `changes` is None where there is nothing to compare it with.

    `revises` is the id of the plan before it; `is_alone` says that that plan is not here, or that
    the two revise each other. `reason` is None where the record gives none.
    """

    id: str
    written_at: str
    status: str
    revises: str | None
    reason: str | None
    changes: tuple[PlanChange, ...] | None
    is_alone: bool = False

    @property
    def moment(self) -> Moment:
        """When this version was written."""
        return moment_of(self.written_at)

    def to_json(self) -> dict[str, Any]:
        """Return the version as JSON data."""
        told: dict[str, Any] = {
            "plan": self.id,
            "writtenAt": self.written_at,
            "status": self.status,
            "revises": self.revises,
            "reason": self.reason,
        }
        if self.is_alone:
            told["revisedPlanMissing"] = True
        if self.changes is not None:
            told["changes"] = [change.to_json() for change in self.changes]
        return told


@dataclass(frozen=True, slots=True)
class PlanHistory:
    """The versions of a patient's plans of one source, oldest first."""

    patient: str
    source: str
    versions: tuple[PlanVersion, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the history as JSON data."""
        versions = [version.to_json() for version in self.versions]
        return {"patient": self.patient, "source": self.source, "versions": versions}


def plan_histories(
    records: Iterable[SourceRecord], modalities: Mapping[str, str] | None = None
) -> tuple[PlanHistory, ...]:
    """Return the histories of all care-plan records, by patient and source.

    Plans that were entered in error are left out. A record of several versions counts once, in
    its latest.
    """
    found: dict[tuple[str, str], list[Plan]] = {}
    for patient, of_patient in by_patient(records).items():
        for record in of_patient:
            data = record.data
            if data["record"] == "care-plan" and data["status"] != "entered-in-error":
                found.setdefault((patient, key_of(data).source), []).append(data)
    return tuple(
        PlanHistory(patient, source, _versions(plans, modalities))
        for (patient, source), plans in sorted(found.items())
    )


def _versions(
    plans: Sequence[Plan], modalities: Mapping[str, str] | None
) -> tuple[PlanVersion, ...]:
    by_id = {plan["id"]: plan for plan in plans}
    return tuple(_version(plan, by_id, modalities) for plan in plans)


def _version(
    plan: Plan, by_id: Mapping[str, Plan], modalities: Mapping[str, str] | None
) -> PlanVersion:
    revises = plan.get("revision_of")
    before = by_id.get(revises) if revises is not None and not _is_loop(plan, by_id) else None
    return PlanVersion(
        id=plan["id"],
        written_at=plan["written_at"],
        status=plan["status"],
        revises=revises,
        reason=reason_of(plan),
        changes=plan_changes(before, plan, modalities) if before is not None else None,
        is_alone=revises is not None and before is None,
    )


def _is_loop(plan: Plan, by_id: Mapping[str, Plan]) -> bool:
    """True where a plan revises itself in the end."""
    seen = {plan["id"]}
    step = plan.get("revision_of")
    while step is not None and step in by_id:
        if step in seen:
            return True
        seen.add(step)
        step = by_id[step].get("revision_of")
    return False


def reason_of(plan: Plan) -> str | None:
    """Return why a plan was revised, in the record's own words."""
    reason = plan.get("reason")
    if reason is None or isinstance(reason, str):
        return reason
    # The words of a value that has parts.
    return next((words for _, words in field_words("reason", None, reason)), None)
