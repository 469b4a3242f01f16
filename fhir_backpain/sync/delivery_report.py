"""What became of a delivery: the fate of each record, and what the server holds now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from fhir_backpain.errors import AmbiguousRemoteError, RemoteError
from fhir_backpain.outbox.entry import Settled
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.prepared import Prepared

ResourceFate = Literal["created", "updated", "unchanged", "older", "retired"]


@dataclass(slots=True)
class RecordFate:
    """What became of one record; `wrote` says that a resource of it was sent and confirmed."""

    record: Prepared
    state: Settled
    error: RemoteError | None = None
    issues: tuple[Issue, ...] = ()
    attempted: bool = True
    wrote: bool = False
    refers_to: frozenset[str] = frozenset()

    @property
    def is_server_fault(self) -> bool:
        """True where the server answered that it failed; that it is busy is no failure."""
        error = self.error
        if not isinstance(error, AmbiguousRemoteError) or self.state != "unclear":
            return False
        return error.status is not None and error.status >= 500


@dataclass(slots=True)
class DeliveryReport:
    """The fates of all records of a delivery, and what the server holds now.

    `trouble` is the error that concerns the server and not a record; `closed` says that it will
    not pass by itself. `accepted` says that the server has taken or judged something. `known` are
    the content hashes that the ledger had by URL when the delivery began.
    """

    fates: dict[str, RecordFate] = field(default_factory=dict)
    rows: dict[str, LedgerRow] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    resources: Counter[tuple[str, ResourceFate]] = field(default_factory=Counter)
    trouble: RemoteError | None = None
    closed: bool = False
    accepted: bool = False

    @property
    def waiting_patients(self) -> set[str]:
        """The patients of records that are tried again: what comes after these has to wait too."""
        again = ("queued", "unclear")
        return {fate.record.key.patient for fate in self.fates.values() if fate.state in again}
