"""Where a server keeps what we know by an id of our own, for servers that assign ids.

A resource keeps one identity for life: ours. The ledger notes the server's id beside the version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_backpain.fhir.noted_version import server_id_in
from fhir_backpain.outbox.ledger import LedgerRow


class AddressBook:
    """Our relative URLs and the server's, for the resources of one delivery; one thread uses it."""

    def __init__(self, rows: Iterable[LedgerRow] = ()) -> None:
        self._there: dict[str, str] = {}
        self._ours: dict[str, str] = {}
        for row in rows:
            if row.retired != "deleted":
                kind, _, own = row.url.partition("/")
                self.learn(row.url, f"{kind}/{server_id_in(row.version_id) or own}")

    def learn(self, url: str, there: str) -> None:
        """Take note of where the server keeps a resource."""
        self._there[url] = there
        self._ours[there] = url

    def there(self, url: str) -> str | None:
        """Return the server's relative URL, None where it is not known."""
        return self._there.get(url)

    def outgoing(self, resource: dict[str, Any], new: Iterable[str] = ()) -> dict[str, Any]:
        """Return the resource with references that the server understands.

        What is `new` in the same transaction is referred to by its temporary UUID.
        FHIR: http://hl7.org/fhir/R4/bundle.html#references
        """
        temporary = {url: f"urn:uuid:{url.partition('/')[2]}" for url in new}
        renamed: dict[str, Any] = _renamed(resource, {**self._there, **temporary})
        return renamed

    def incoming(self, resource: dict[str, Any], url: str) -> dict[str, Any]:
        """Return what the server holds at one of our URLs as if ours were the only ids."""
        renamed: dict[str, Any] = _renamed(resource, self._ours)
        return {**renamed, "id": url.partition("/")[2]}


def references_in(node: Any) -> Iterator[str]:
    """Yield every relative reference in a resource."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "reference" and isinstance(value, str):
                if value.count("/") == 1 and ":" not in value:
                    yield value
            else:
                yield from references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from references_in(value)


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            name: names.get(value, value)
            if name == "reference" and isinstance(value, str)
            else _renamed(value, names)
            for name, value in node.items()
        }
    if isinstance(node, list):
        return [_renamed(value, names) for value in node]
    return node
