"""A patient's records as a FHIR server holds them, with every plan as it was when it was written.

A goal keeps its id when a plan is revised, so the server has it once, as it is now. What an older
plan said of it is in the history of the Goal: of its versions, the plan has the last one before
the next plan was written to the server. Plans that were written in one step cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.fhir import identity
from fhir_backpain.followup.messages import GOALS_AS_NOW, PATIENT_UNKNOWN
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.mapping.messages import ELEMENT_NOT_CLAIMED
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.pull.change import Resource
from fhir_backpain.pull.chart import Chart, without_server_marks
from fhir_backpain.pull.instant import SECOND, Instant, instant_of
from fhir_backpain.pull.own_ids import OwnIds
from fhir_backpain.pull.ownership import identifiers
from fhir_backpain.record import SourceRecord

_MORE = "is only in the mapping."
_SLACK = 2 * SECOND
"""Resources of one transaction may carry times that differ a little."""


@dataclass(slots=True)
class ServerRecords:
    """The records of a patient, in normal form, and what could not be carried back."""

    records: list[SourceRecord] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def read_patient(client: FhirClient, mapper: Mapper, identifier: tuple[str, str]) -> ServerRecords:
    """Return the records of the patient with a business identifier (system, value).

    Only resources that came from records count; those of other makers are left out. Raises
    RemoteError where not all of them can be had, PermanentRemoteError with FBP-6151 where the
    server has no such patient.
    """
    there = _patient_url(client, identifier)
    held = Chart(client, mapper.types, lambda _: False).of(there)
    if there not in held:
        raise _unknown()
    ids = OwnIds(held)
    now = {url: without_server_marks(one) for url, one in ids.chart(held).items()}
    found = mapper.from_fhir(now.values())
    versions = _Versions(client, ids, held)
    result = ServerRecords(issues=[one for one in found.issues if _is_a_loss(one)])
    for data in found.records:
        if data["record"] == "care-plan" and "goals" in data:
            data = _with_goals_of_its_time(data, mapper, now, versions, result)
        place = SourceLocation(file=client.base_url, record=data["id"])
        result.records.append(SourceRecord(data, place))
    return result


def _is_a_loss(issue: Issue) -> bool:
    """True unless the record says more than the server: profiles and narratives, for example."""
    return issue.number != ELEMENT_NOT_CLAIMED.number or not issue.text.endswith(_MORE)


def _patient_url(client: FhirClient, identifier: tuple[str, str]) -> str:
    """Return the relative URL of the patient: ours, or the one that the server gave it."""
    own = identity.patient_id(*identifier)
    try:
        client.read("Patient", own)
    except PermanentRemoteError as error:
        if error.status not in (404, 410):
            raise
        return f"Patient/{_searched(client, identifier)}"
    return f"Patient/{own}"


def _searched(client: FhirClient, identifier: tuple[str, str]) -> str:
    for entry in client.search("Patient", [("identifier", "|".join(identifier))]):
        resource = entry.get("resource")
        # A server may pass over a parameter and tell of all patients.
        if isinstance(resource, dict) and identifier in identifiers(resource):
            return str(resource["id"])
    raise _unknown()


def _unknown() -> PermanentRemoteError:
    return PermanentRemoteError(
        PATIENT_UNKNOWN.issue("The server has no patient with this identifier."), status=404
    )


class _Versions:
    """The history of goals and plans, each read once; ids are ours."""

    def __init__(self, client: FhirClient, ids: OwnIds, held: Mapping[str, Resource]) -> None:
        self._client = client
        self._ids = ids
        self._found: dict[str, list[tuple[Instant, Resource]]] = {}
        plans = (ids.own(url) for url in held if url.startswith("CarePlan/"))
        self._written = sorted(self.first_written(url) for url in plans)

    def of(self, url: str) -> list[tuple[Instant, Resource]]:
        """Return the versions of a resource with their times, oldest first; none where untold."""
        if url not in self._found:
            self._found[url] = sorted(self._read(url), key=lambda one: one[0])
        return self._found[url]

    def first_written(self, url: str) -> Instant:
        """Return when the server was first told of a resource, 0 where it does not say."""
        return next((instant for instant, _ in self.of(url)), 0)

    def at(self, url: str, plan: str) -> Resource | None:
        """Return a goal as it was until the next plan; None where that cannot be told."""
        written = self.first_written(plan)
        if not written or self._written.count(written) > 1:
            return None
        later = next((instant for instant in self._written if instant > written), None)
        versions = self.of(url)
        if later is not None:
            until = later - min(_SLACK, (later - written) // 2)
            versions = [one for one in versions if one[0] <= until] or versions[:1]
        return versions[-1][1] if versions else None

    def _read(self, url: str) -> Iterator[tuple[Instant, Resource]]:
        try:
            for entry in self._client.history(self._ids.there(url)):
                resource = entry.get("resource")
                if isinstance(resource, dict):
                    meta = resource.get("meta")
                    told = meta.get("lastUpdated") if isinstance(meta, dict) else None
                    yield instant_of(told) or 0, self._ids.of(url, resource)
        except PermanentRemoteError:
            return  # A server need not keep a history.


def _with_goals_of_its_time(
    data: dict[str, Any],
    mapper: Mapper,
    now: Mapping[str, Resource],
    versions: _Versions,
    result: ServerRecords,
) -> dict[str, Any]:
    """Return a plan with its goals as they were; as they are now where no history tells."""
    made = {one.url for one in mapper(data)}
    plan = next(url for url in made if url.startswith("CarePlan/"))
    goals = sorted(url for url in made if url.startswith("Goal/"))
    then = {url: versions.at(url, plan) for url in goals}
    if not all(then.values()):
        place = SourceLocation(record=data["id"])
        text = "The server does not tell what this plan's goals were when it was written."
        result.issues.append(GOALS_AS_NOW.issue(text, source=place))
    own: Sequence[Resource] = [one for url, one in now.items() if url in made and url not in then]
    told: Iterable[Resource] = [
        without_server_marks(one) if one is not None else now[url] for url, one in then.items()
    ]
    found = mapper.from_fhir([*own, *told]).records
    return next((one for one in found if one["id"] == data["id"]), data)
