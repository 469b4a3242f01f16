"""A leased record and what the mapping made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256

from fhir_backpain.fhir.moment import Moment, moment_of
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.entry import LeasedEntry
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.record import RecordKey
from fhir_backpain.sync.address_book import references_in

# References lead from later types to earlier ones, as far as the profiles go.
WRITTEN_TYPES = (
    "Organization", "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Location",
    "Device", "Questionnaire", "Encounter", "EpisodeOfCare", "CareTeam", "Condition", "Goal",
    "QuestionnaireResponse", "Observation", "ServiceRequest", "MedicationRequest", "Procedure",
    "DiagnosticReport", "CarePlan", "Communication", "Provenance",
)  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(WRITTEN_TYPES)}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A made resource and the SHA-256 of its text."""

    made: MadeResource
    hash: str

    @property
    def rank(self) -> int:
        """The place of its type in the order of dependency; unknown types before Provenance."""
        return _RANK.get(self.made.type, len(WRITTEN_TYPES) - 2)


@dataclass(frozen=True, slots=True)
class Unproven:
    """A resource that an attempt may have left on the server, its answer being lost.

    `key` and `as_of` are those of the record that made it.
    """

    made: MadeResource
    key: RecordKey
    as_of: str

    @property
    def moment(self) -> Moment:
        """When it was true."""
        return moment_of(self.as_of)


@dataclass(slots=True)
class Prepared:
    """A leased record, rendered: its resources by relative URL, and when it was true.

    `dropped` are the relative URLs of what earlier versions of the record alone made and this
    one does not, with the ledger's row; without one where nobody knows whether it arrived.
    `lost` is what superseded versions made whose answers were lost, `undone` the URLs that one of
    them did not make and so may have taken back. `peers` is what other records make that are as
    unclear, `left` what lost versions of this one shared and it does not make. `waited` says that
    the last attempt ended in doubt about what the server holds, long enough ago to be believed.
    """

    leased: LeasedEntry
    resources: dict[str, Rendered]
    dropped: dict[str, LedgerRow | None] = field(default_factory=dict)
    lost: list[MadeResource] = field(default_factory=list)
    undone: set[str] = field(default_factory=set)
    peers: list[Unproven] = field(default_factory=list)
    left: list[Unproven] = field(default_factory=list)
    waited: bool = False
    moment: Moment = field(init=False)

    def __post_init__(self) -> None:
        self.moment = moment_of(self.leased.entry.as_of)

    @classmethod
    def of(cls, leased: LeasedEntry, made: list[MadeResource]) -> Prepared:
        """Prepare what the mapping made; of two resources with one URL the last counts."""
        rendered = {one.url: Rendered(one, sha256(one.text.encode()).hexdigest()) for one in made}
        return cls(leased, rendered)

    @property
    def id(self) -> str:
        """The tracking id of the entry."""
        return self.leased.entry.id

    @property
    def key(self) -> RecordKey:
        """The record's business identity."""
        return self.leased.entry.key

    @property
    def urls(self) -> set[str]:
        """The relative URLs of all that the record makes or has dropped."""
        return self.resources.keys() | self.dropped.keys()

    @property
    def is_replayed(self) -> bool:
        """True where a person had it queued again: what is on the server is to be replaced."""
        return self.leased.read_back and self.leased.entry.state == "queued"

    def references(self) -> set[str]:
        """Return the relative URLs that the resources refer to and the record does not make."""
        found: set[str] = set()
        for rendered in self.resources.values():
            found.update(references_in(json.loads(rendered.made.text)))
        return found - self.resources.keys()
