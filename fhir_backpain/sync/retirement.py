"""Taking back what a record no longer makes: what is written in its place, by resource type.

FHIR: entered-in-error, http://hl7.org/fhir/R4/lifecycle.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fhir_backpain.errors import RemoteError
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.fhir.meta import OF_THE_SERVER, version_of, with_own_source, without_meta
from fhir_backpain.outbox.ledger import Retired
from fhir_backpain.sync.prepared import Prepared

RetirePolicy = Literal["entered-in-error", "delete", "keep"]

_ERROR = "entered-in-error"
_STATUS_ELEMENTS = {
    "CarePlan": "status",
    "CareTeam": "status",
    "DiagnosticReport": "status",
    "Encounter": "status",
    "Goal": "lifecycleStatus",
    "MedicationRequest": "status",
    "Observation": "status",
    "Procedure": "status",
    "QuestionnaireResponse": "status",
    "ServiceRequest": "status",
}
_VERIFICATION = {
    "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "code": _ERROR,
    "display": "Entered in Error",
}
# What a server says that does not delete, or not what others refer to.
_DELETES_REFUSED = frozenset((405, 409))


@dataclass(frozen=True, slots=True)
class Retirement:
    """A resource to be taken back: written again with `text`, deleted where that is None.

    `if_match` is the version that the server must still have, where it has versions.
    """

    url: str
    record: Prepared
    text: str | None
    if_match: str | None

    @property
    def type(self) -> str:
        """The resource type."""
        return self.url.partition("/")[0]

    @property
    def retired(self) -> Retired:
        """What the resource is once this is done."""
        return "deleted" if self.text is None else "entered-in-error"


class Retirements:
    """What is to be retired in one delivery, made from what the server holds of it."""

    def __init__(self, policy: RetirePolicy) -> None:
        self._policy = policy
        self._there: dict[str, dict[str, Any]] = {}
        self._undeletable: set[str] = set()

    def add(self, url: str, resource: dict[str, Any]) -> None:
        """Take note of what the server holds of a resource that is to be retired."""
        self._there[url] = resource

    def done(self, url: str) -> None:
        """Take note that a resource is retired."""
        self._there.pop(url, None)

    def of(self, records: Sequence[Prepared]) -> list[Retirement]:
        """Return what is left to be retired of some records."""
        return [
            self._retirement(url, record)
            for record in records
            for url in record.dropped
            if url in self._there
        ]

    def fall_back(self, failed: Mapping[str, RemoteError]) -> list[str]:
        """Give up deleting what the server refused to delete and what can be marked instead.

        `failed` are errors by URL. Returns the URLs of what is from now on to be marked.
        """
        found = [
            url
            for url, error in failed.items()
            if error.status in _DELETES_REFUSED
            and self._policy == "delete"
            and url in self._there
            and url not in self._undeletable
            and entered_in_error(self._there[url]) is not None
        ]
        self._undeletable.update(found)
        return found

    def _retirement(self, url: str, record: Prepared) -> Retirement:
        resource = self._there[url]
        deletes = self._policy == "delete" and url not in self._undeletable
        marked = None if deletes else entered_in_error(resource)
        text = None if marked is None else dump(marked)
        return Retirement(url, record, text, version_of(resource))


def entered_in_error(resource: dict[str, Any]) -> dict[str, Any] | None:
    """Return the resource as entered in error; None for a type that has no such status."""
    changed = with_own_source(without_meta(resource, OF_THE_SERVER))
    if resource["resourceType"] == "Condition":
        # Invariant con-5 forbids the clinical status, con-4 an abatement without one.
        for name in [name for name in changed if name.strip("_").startswith("abatement")]:
            del changed[name]
        changed.pop("clinicalStatus", None)
        return {**changed, "verificationStatus": {"coding": [dict(_VERIFICATION)]}}
    element = _STATUS_ELEMENTS.get(resource["resourceType"])
    if element is None:
        return None
    changed.pop(f"_{element}", None)
    return {**changed, element: _ERROR}


def is_entered_in_error(resource: dict[str, Any]) -> bool:
    """True where the resource says already that it should not have been made."""
    if resource["resourceType"] == "Condition":
        status = resource.get("verificationStatus")
        codings = status.get("coding") if isinstance(status, dict) else None
        return any(
            isinstance(coding, dict)
            and (coding.get("system"), coding.get("code")) == (_VERIFICATION["system"], _ERROR)
            for coding in (codings if isinstance(codings, list) else [])
        )
    element = _STATUS_ELEMENTS.get(resource["resourceType"])
    return element is not None and resource.get(element) == _ERROR
