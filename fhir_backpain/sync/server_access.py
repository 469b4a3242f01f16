"""Writing and reading resources in the best way that the server offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.errors import ConflictError, PermanentRemoteError
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.bundle import (
    Answer,
    Written,
    is_gone,
    read_answer,
    status_of,
    write_reads,
    write_updates,
)
from fhir_backpain.sync.bundle_limit import BundleLimit
from fhir_backpain.sync.composition import Change
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.strategy import Mode

Held = dict[str, Any] | Literal["absent", "deleted", "several"]


class Access(Protocol):
    """Writes and reads by our own URLs, whatever ids the server gives."""

    mode: Mode
    limit: BundleLimit

    def write(self, changes: Sequence[Change]) -> Answer:
        """Write and delete resources; RemoteError where the request as a whole went wrong."""

    def read(self, urls: Sequence[str]) -> dict[str, Held]:
        """Return what the server holds at each URL now; RemoteError where that is not to be had."""

    def may_miss(self, url: str) -> bool:
        """True where "absent" may mean that a search does not show the resource yet."""

    def matches_versions(self, resource_type: str) -> bool:
        """True where updates of the type name the version that they replace."""

    def server_id(self, url: str) -> str | None:
        """Return the id that the server gave the resource; None where it has ours."""


class AccessFactory(Protocol):
    """Makes the access for one delivery."""

    limit: BundleLimit
    mode: Mode
    follows_references: bool

    def for_delivery(self, records: Iterable[Prepared], rows: Iterable[LedgerRow]) -> Access:
        """Return the access for some records, given the ledger rows of all that they speak of."""


class ServerAccess:
    """Resources at ids of ours; network only, may be used by several threads."""

    follows_references = False

    def __init__(
        self,
        client: FhirClient,
        mode: Mode,
        limit: BundleLimit | None = None,
        unversioned: frozenset[str] = frozenset(),
    ) -> None:
        self._client = client
        self._unversioned = unversioned
        self.mode = mode
        self.limit = limit or BundleLimit()

    def for_delivery(self, records: Iterable[Prepared], rows: Iterable[LedgerRow]) -> Access:
        """Return itself: nothing differs between deliveries."""
        return self

    def matches_versions(self, resource_type: str) -> bool:
        """True unless the server keeps no versions of the type."""
        return resource_type not in self._unversioned

    def may_miss(self, url: str) -> bool:
        """Return False: a read by id sees what is there."""
        return False

    def server_id(self, url: str) -> str | None:
        """Return None: resources have our ids."""
        return None

    def write(self, changes: Sequence[Change]) -> Answer:
        """Write and delete resources; RemoteError where the request as a whole went wrong."""
        if self.mode == "put":
            return self._send_each(changes)
        text = write_updates(changes, self.mode, self._client.base_url)
        send = self._client.transaction if self.mode == "transaction" else self._client.batch
        return read_answer(changes, send(text))

    def read(self, urls: Sequence[str]) -> dict[str, Held]:
        """Return what the server holds at each URL now; RemoteError where that is not to be had."""
        found: dict[str, Held] = {}
        size = self.limit.within(len(urls))
        if self.mode != "put" and len(urls) > 1:
            for start in range(0, len(urls), size):
                found |= self._read_batch(urls[start : start + size])
        for url in urls:
            if url not in found:
                found[url] = read_one(self._client, url)
        return found

    def _send_each(self, changes: Sequence[Change]) -> Answer:
        answer = Answer()
        for change in changes:
            try:
                reply = self._send_one(change)
            except (PermanentRemoteError, ConflictError) as error:
                if is_gone(change, error.status):
                    answer.written[change.url] = Written(None, created=False)
                else:
                    answer.failed[change.url] = error
            else:
                answer.written[change.url] = Written(reply.version_id, reply.status == 201)
        return answer

    def _send_one(self, change: Change) -> Reply:
        kind, _, name = change.url.partition("/")
        if change.text is None:
            return self._client.delete(kind, name, if_match=change.if_match)
        return self._client.put(kind, name, change.text, if_match=change.if_match)

    def _read_batch(self, urls: Sequence[str]) -> dict[str, Held]:
        """Return what one batch shows; what it does not show is read one by one."""
        try:
            bundle = self._client.batch(write_reads(urls), reads_only=True).resource or {}
        except PermanentRemoteError as error:  # some servers do not read within a batch
            self.limit.learn(error, len(urls))
            return {}
        listed = bundle.get("entry")
        entries = [
            entry if isinstance(entry, dict) else {}
            for entry in (listed if isinstance(listed, list) else [])
        ]
        shown = [_url_of(entry) for entry in entries]
        found: dict[str, Held] = {
            url: entry["resource"]
            for url, entry in zip(shown, entries, strict=True)
            if url is not None and url in urls
        }
        in_place = len(entries) == len(urls) and all(
            known in (None, url) for known, url in zip(shown, urls, strict=True)
        )
        for url, entry in zip(urls, entries, strict=False):
            if in_place and url not in found and status_of(entry) in _GONE:
                found[url] = _GONE[status_of(entry)]
        return found


def read_one(client: FhirClient, url: str) -> Held:
    """Return what the server holds at a URL of its own."""
    resource_type, _, resource_id = url.partition("/")
    try:
        return client.read(resource_type, resource_id).resource or "absent"
    except PermanentRemoteError as error:
        if error.status == 404:
            return "absent"
        if error.status == 410:
            return "deleted"
        raise


_GONE: dict[int | None, Literal["absent", "deleted"]] = {404: "absent", 410: "deleted"}


def _url_of(entry: dict[str, Any]) -> str | None:
    resource = entry.get("resource")
    if not isinstance(resource, dict) or resource.get("resourceType") == "OperationOutcome":
        return None
    return f"{resource.get('resourceType')}/{resource.get('id')}"
