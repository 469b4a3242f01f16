"""What the outbox holds: one entry per version of a record and server, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fhir_backpain.outcome import Outcome, SourceLocation
from fhir_backpain.record import RecordKey

State = Literal[
    "queued",  # waits to be sent, perhaps for its retry time
    "unclear",  # may have been sent: the server is read before anything else
    "sent",  # the server holds what the record says
    "conflict",  # the server has another version, or the resource was deleted there
    "rejected",  # the mapping or the server refused it; the outcome says why
    "held",  # needs a resource that no record has brought yet; goes on once one does
    "superseded",  # a newer version of the record took its place
    "discarded",  # a person took it out
]
STATES: tuple[State, ...] = get_args(State)

ReceiptStatus = Literal["queued", "unchanged", "superseded-earlier"]
Settled = Literal["sent", "queued", "unclear", "conflict", "rejected", "held"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement of one record: its entry's tracking id and what was done with it.

    ``unchanged``: the entry that `id` names holds the same content already, nothing was queued.
    ``superseded-earlier``: queued in the place of an earlier version that was not sent.
    """

    id: str
    status: ReceiptStatus


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a record for one server, without its data."""

    id: str
    server: str
    key: RecordKey
    state: State
    content_hash: str
    mapping_version: str
    location: SourceLocation
    as_of: str
    test_data: bool
    attempts: int
    faults: int
    created_at: str
    settled_at: str | None
    outcome: dict[str, Any] | None
    waits_for: tuple[str, ...]
    leased: bool
    retry_in: float


@dataclass(frozen=True, slots=True)
class LeasedEntry:
    """An entry that a worker holds until its lease ends; `token` proves the lease.

    `read_back` says that the server may have it already. All entries of one patient that are
    leased together have the same token.
    """

    entry: Entry
    data: dict[str, Any]
    token: int
    read_back: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One settlement of an entry, oldest first: `number` from 1, `at` an instant in UTC."""

    number: int
    at: str
    state: State
    status: int | None
    outcome: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a leased entry.

    `wait` is in seconds and counts for ``queued`` and ``unclear``. `fault` says that the server
    failed (5xx) on this entry, `attempted` that it was sent at all. `waits_for` are the relative
    URLs that a ``held`` entry needs.
    """

    id: str
    token: int
    state: Settled
    wait: float = 0.0
    status: int | None = None
    outcome: Outcome = field(default_factory=Outcome)
    attempted: bool = True
    fault: bool = False
    waits_for: tuple[str, ...] = ()
    mapping_version: str | None = None
