"""What a run has left behind: acknowledgements, the outbox, and the server's whole history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.fhir.meta import without_meta
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.entry import Entry
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.renderer import Renderer
from tests.chaos.journal import Acknowledged


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource: its place in the server's history, and what it says.

    `landed` is an instant in UTC. `resource` is None where the version says that the resource was
    deleted.
    """

    url: str
    place: int
    landed: str
    resource: dict[str, Any] | None

    @property
    def number(self) -> str | None:
        """The version's id on the server; None for a deletion."""
        return None if self.resource is None else str(self.resource["meta"]["versionId"])

    @property
    def content(self) -> str | None:
        """The content without what the server adds, as text to compare."""
        return None if self.resource is None else content_of(self.resource)


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry of the outbox, its place in the order of arrival, and what its record makes."""

    place: int
    entry: Entry
    made: tuple[MadeResource, ...]


@dataclass(frozen=True)
class Evidence:
    """All that the checker looks at. `versions` are oldest first, all resources mixed."""

    acknowledged: tuple[Acknowledged, ...]
    stored: tuple[Stored, ...]
    versions: tuple[Version, ...]
    ledger: dict[str, LedgerRow]

    @cached_property
    def by_url(self) -> dict[str, list[Version]]:
        """The versions of each resource, oldest first."""
        found: dict[str, list[Version]] = {}
        for version in self.versions:
            found.setdefault(version.url, []).append(version)
        return found


def content_of(resource: dict[str, Any]) -> str:
    """Return what a resource says as one text: the same content gives the same text."""
    return dump(without_meta(resource, ("versionId", "lastUpdated")), sort_keys=True)


def gather(
    store: Store, client: FhirClient, renderer: Renderer, acknowledged: Iterable[Acknowledged]
) -> Evidence:
    """Collect the evidence of a run that is over."""
    stored = tuple(_stored(store, client.base_url, renderer))
    versions = tuple(_history(client))
    urls = {version.url for version in versions} | {made.url for one in stored for made in one.made}
    return Evidence(
        tuple(acknowledged), stored, versions, store.ledger(client.base_url, sorted(urls))
    )


def _stored(store: Store, server: str, renderer: Renderer) -> Iterable[Stored]:
    after, place = None, 0
    while page := store.entries(server, after=after, limit=500):
        for entry in page:
            yield Stored(place, entry, tuple(renderer(store.data(entry.id))))
            place += 1
        after = page[-1].id


def _history(client: FhirClient) -> Iterable[Version]:
    entries = list(client.history(parameters=[("_count", "500")]))
    for place, entry in enumerate(reversed(entries)):
        url = entry["request"]["url"]
        yield Version(url, place, entry["response"]["lastModified"], entry.get("resource"))
