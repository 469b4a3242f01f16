"""The resources that a server is known to hold of ours, made anew from the newest records.

What the ledger names was sent; its content here is what the newest version of its record makes
with the present mappings. A record that was refused or taken out gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fhir_backpain.errors import MappingFailed
from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.entry import Entry
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import RecordKey
from fhir_backpain.sync.renderer import Renderer

_GONE = ("rejected", "discarded")
_MOST = 2000


@dataclass(frozen=True, slots=True)
class HeldResource:
    """One resource, when it was last written to the server, and the entry that it is made of."""

    url: str
    text: str
    written_at: str
    entry: str

    def to_json(self) -> dict[str, Any]:
        """Return the resource as JSON data, with meta.lastUpdated; numbers keep their digits."""
        data: dict[str, Any] = json_text.parse(self.text)
        meta = {**data.get("meta", {}), "lastUpdated": self.written_at}
        members = {name: value for name, value in data.items() if name not in ("meta", "id")}
        head = {"resourceType": members.pop("resourceType"), "id": data["id"]}
        return {**head, "meta": meta, **members}


class Holding:
    """What one server holds, looked up for the time of one request."""

    def __init__(self, store: Store, server: str, mapper: Renderer) -> None:
        self._store = store
        self._server = server
        self._mapper = mapper
        self._made: dict[RecordKey, tuple[Entry | None, dict[str, MadeResource]]] = {}

    def rows(self, urls: Iterable[str]) -> dict[str, LedgerRow]:
        """Return what the ledger says of some relative URLs, retired ones too."""
        return self._store.ledger(self._server, urls)

    def resources(self, rows: Iterable[LedgerRow]) -> Iterator[HeldResource]:
        """Yield the resources of rows that their records still make."""
        for row in rows:
            entry, made = self._of(row.key)
            found = made.get(row.url)
            if row.retired is None and entry is not None and found is not None:
                yield HeldResource(row.url, found.text, row.written_at, entry.id)

    def urls_of_patient(self, system: str, value: str) -> set[str]:
        """Return the URLs of everything that the records of a patient make."""
        entries = self._entries(value)
        keys = {one.key for one in entries}
        mine = [one for one in keys if (one.patient_system, one.patient_value) == (system, value)]
        return {url for key in mine for url in self._of(key)[1]}

    def urls_named(self, system: str, value: str) -> set[str]:
        """Return the URLs of what has a business identifier.

        It is the patient's own, or one that begins with the patient's number and perhaps names a
        record: that is how those of ours are made.
        """
        words = {value, value.partition("~")[0], *value.split("/")[2:3]}
        keys = {entry.key for one in words if one for entry in self._entries(unquote(one))}
        return {
            url
            for key in keys
            for url, made in self._of(key)[1].items()
            if _has(json_text.parse(made.text), system, value)
        }

    def _entries(self, words: str) -> list[Entry]:
        return self._store.search(self._server, words, _MOST)

    def _of(self, key: RecordKey) -> tuple[Entry | None, dict[str, MadeResource]]:
        if key not in self._made:
            entry = self._store.newest(self._server, key)
            made: list[MadeResource] = []
            if entry is not None and entry.state not in _GONE:
                try:
                    made = self._mapper(self._store.data(entry.id))
                except MappingFailed:  # by a newer mapping than the one that it was sent with
                    made = []
            self._made[key] = (entry, {one.url: one for one in made})
        return self._made[key]


def _has(resource: Mapping[str, Any], system: str, value: str) -> bool:
    identifiers = resource.get("identifier")
    listed = identifiers if isinstance(identifiers, list) else [identifiers]
    return any(
        isinstance(one, dict) and one.get("system") == system and one.get("value") == value
        for one in listed
    )
