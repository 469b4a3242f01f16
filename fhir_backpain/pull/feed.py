"""What a server tells of its changes: by history where it offers one, else by search.

A window that overlaps what was read before, and (URL, version) to tell what is known, are what
keeps a change from being missed: instants are the server's own, two versions may have the same
one, and clocks of servers go astray.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.client import FhirClient
from fhir_backpain.pull.change import Change, change_of
from fhir_backpain.pull.instant import Instant, write_instant

FeedKind = Literal["auto", "system-history", "type-history", "search"]

_PAGE = "200"


@dataclass(frozen=True, slots=True)
class Feed:
    """One thing to ask: the history of the server or of a type, or a search of a type."""

    kind: Literal["system-history", "type-history", "search"]
    type: str = ""

    @property
    def name(self) -> str:
        """The name under which its place is kept."""
        return f"{self.kind} {self.type}".strip()

    def changes(self, client: FhirClient, since: Instant | None) -> Iterator[Change | None]:
        """Yield what was written since an instant, in any order; None for what names nothing.

        Raises RemoteError where it breaks off: what was yielded is not all.
        """
        for entry in self._entries(client, since):
            if _is_outcome(entry):
                continue
            change = change_of(entry)
            # A server may pass over the instant and tell everything.
            if change is None or since is None or not 0 < change.instant < since:
                yield change

    def _entries(self, client: FhirClient, since: Instant | None) -> Iterator[dict[str, Any]]:
        count = ("_count", _PAGE)
        if self.kind == "search":
            wanted = [("_lastUpdated", f"ge{write_instant(since)}")] if since is not None else []
            return client.search(self.type, [*wanted, ("_sort", "_lastUpdated"), count])
        after = [("_since", write_instant(since))] if since is not None else []
        return client.history(self.type, parameters=[*after, count])


def feeds_of(
    capabilities: Capabilities, types: Iterable[str], kind: FeedKind = "auto"
) -> tuple[list[Feed], list[str]]:
    """Return what to ask a server for changes of some types, and the types it tells nothing of.

    `kind` takes one way alone; a type for which the server does not offer it is searched.
    """
    types = list(types)
    statement = _rest(capabilities)
    if kind in ("auto", "system-history") and "history-system" in _codes(statement):
        return [Feed("system-history")], []
    feeds, silent = list[Feed](), list[str]()
    for name in types:
        if kind != "search" and capabilities.offers(name, "history-type"):
            feeds.append(Feed("type-history", name))
        elif capabilities.offers(name, "search-type"):
            feeds.append(Feed("search", name))
        else:
            silent.append(name)
    return feeds, silent


def _is_outcome(entry: dict[str, Any]) -> bool:
    search, resource = entry.get("search"), entry.get("resource")
    told = isinstance(search, dict) and search.get("mode") == "outcome"
    return told or (
        isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome"
    )


def _rest(capabilities: Capabilities) -> dict[str, Any]:
    listed = capabilities.statement.get("rest")
    for rest in listed if isinstance(listed, list) else []:
        if isinstance(rest, dict) and rest.get("mode") == "server":
            return rest
    return {}


def _codes(rest: dict[str, Any]) -> set[Any]:
    listed = rest.get("interaction")
    found = listed if isinstance(listed, list) else []
    return {item.get("code") for item in found if isinstance(item, dict)}
