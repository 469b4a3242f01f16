"""Writing and reading resources in the best way that the server offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.errors import ConflictError, PermanentRemoteError
from fhir_backpain.sync.bundle import (
    Answer,
    Written,
    is_gone,
    read_answer,
    status_of,
    write_reads,
    write_updates,
)
from fhir_backpain.sync.composition import Change

Mode = Literal["transaction", "batch", "put"]
Held = dict[str, Any] | Literal["absent", "deleted"]


def mode_of(capabilities: Capabilities) -> Mode:
    """Return the best way to write that a server offers."""
    if capabilities.offers_transaction:
        return "transaction"
    return "batch" if capabilities.offers_batch else "put"


class ServerAccess:
    """Network only; may be used by several threads. Errors are those of the client."""

    def __init__(self, client: FhirClient, mode: Mode) -> None:
        self._client = client
        self.mode = mode

    def write(self, changes: Sequence[Change]) -> Answer:
        """Write and delete resources; RemoteError where the request as a whole went wrong."""
        if self.mode == "put":
            return self._send_each(changes)
        text = write_updates(changes, self.mode, self._client.base_url)
        send = self._client.transaction if self.mode == "transaction" else self._client.batch
        return read_answer(changes, send(text))

    def read(self, urls: Sequence[str]) -> dict[str, Held]:
        """Return what the server holds at each URL now; RemoteError where that is not to be had."""
        found = self._read_batch(urls) if self.mode != "put" and len(urls) > 1 else {}
        for url in urls:
            if url not in found:
                found[url] = self._read_one(url)
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
            return self._client.delete(kind, name)
        return self._client.put(kind, name, change.text, if_match=change.if_match)

    def _read_one(self, url: str) -> Held:
        resource_type, _, resource_id = url.partition("/")
        try:
            return self._client.read(resource_type, resource_id).resource or "absent"
        except PermanentRemoteError as error:
            if error.status == 404:
                return "absent"
            if error.status == 410:
                return "deleted"
            raise

    def _read_batch(self, urls: Sequence[str]) -> dict[str, Held]:
        """Return what one batch shows; what it does not show is read one by one."""
        try:
            bundle = self._client.batch(write_reads(urls), reads_only=True).resource or {}
        except PermanentRemoteError:  # some servers do not read within a batch
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


_GONE: dict[int | None, Literal["absent", "deleted"]] = {404: "absent", 410: "deleted"}


def _url_of(entry: dict[str, Any]) -> str | None:
    resource = entry.get("resource")
    if not isinstance(resource, dict) or resource.get("resourceType") == "OperationOutcome":
        return None
    return f"{resource.get('resourceType')}/{resource.get('id')}"
