"""What becomes of versions: their fates, a patient's plan, and what a person decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fhir_backpain.pull.change import Change
from fhir_backpain.pull.delivery import Finding

Fate = Literal[
    "pending",  # found, not yet looked at
    "echo",  # our own outbox wrote it
    "foreign",  # of no record of ours
    "overtaken",  # a later version of the resource took its place before it was looked at
    "unchanged",  # changes nothing in a record
    "delivered",  # in a delivery
    "parked",  # in conflict with the source, waits for a person
    "overruled",  # in conflict with the source, which won
    "unreadable",  # cannot be carried into its record
]


@dataclass(slots=True)
class Pending:
    """A resource of which versions are pending: their ids, and that of a delete among them."""

    url: str
    versions: list[str] = field(default_factory=list)
    deleted: str | None = None


@dataclass(slots=True)
class Plan:
    """What becomes of a patient's pending versions, to be kept in one step.

    `current` has the version that each looked-at resource is at, with its fate; every other
    pending version of the resource was overtaken. `deliver` has each finding with the newest entry
    of its record in the outbox. `members` are resources by record.
    """

    patient: str
    current: dict[str, tuple[Change, Fate]] = field(default_factory=dict)
    overtaken: list[str] = field(default_factory=list)
    deliver: list[tuple[Finding, str]] = field(default_factory=list)
    park: list[tuple[Finding, list[str]]] = field(default_factory=list)
    overrule: list[Finding] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A record that the server and the source have both changed; `differs` names its fields."""

    id: int
    record: str
    differs: tuple[str, ...]
    versions: tuple[str, ...]
    found_at: str
