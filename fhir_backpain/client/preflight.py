"""A harmless look at how a server searches: asked, not believed.

Two searches that cannot find anything, and that hold nobody's data. What a server does with them
decides whether a search may be trusted to find what is there, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import uuid4

from fhir_backpain.errors import PermanentRemoteError, RemoteError
from fhir_backpain.fhir.canonical import BASE

Searching = Literal["exact", "ignores-criteria", "unusable"]
Unknown = Literal["refused", "ignored", "not known"]

NOWHERE = f"{BASE}/nowhere"
"""A system of identifiers that no resource has."""

_UNKNOWN_PARAMETER = "no-such-search-parameter"
_MISSING = frozenset((400, 404, 405, 415, 501))


class Searcher(Protocol):
    """What the preflight needs of a client."""

    def search(
        self, resource_type: str, parameters: Sequence[tuple[str, str]] = (), *,
        in_url: bool = False, max_pages: int = 10_000,
    ) -> Iterable[dict[str, Any]]:  # fmt: skip
        """Return the entries of a search."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the searches showed.

    `searching`: ``exact`` finds nothing for an identifier that cannot exist; ``ignores-criteria``
    returned something; ``unusable`` refused the search. `in_url` says that criteria have to stand
    in the URL, since searches by POST are refused. `unknown_parameters` tells what becomes of a
    search parameter that no server has.
    """

    searching: Searching
    in_url: bool
    unknown_parameters: Unknown


def look(client: Searcher, resource_type: str = "Patient") -> Preflight:
    """Return how the server searches; RemoteError where it cannot be asked at all."""
    criterion = ("identifier", f"{NOWHERE}|{uuid4()}")
    in_url = False
    try:
        found = _found(client, resource_type, [criterion], in_url)
    except PermanentRemoteError as error:
        if error.status not in _MISSING:
            raise
        in_url = True
        try:
            found = _found(client, resource_type, [criterion], in_url)
        except PermanentRemoteError as refused:
            if refused.status not in _MISSING:
                raise
            return Preflight("unusable", in_url, "not known")
    unknown = _unknown(client, resource_type, criterion, in_url)
    return Preflight("ignores-criteria" if found else "exact", in_url, unknown)


def _unknown(
    client: Searcher, resource_type: str, criterion: tuple[str, str], in_url: bool
) -> Unknown:
    try:
        # With the other criterion, so that a server that passes it over still finds nothing.
        _found(client, resource_type, [criterion, (_UNKNOWN_PARAMETER, "x")], in_url)
    except RemoteError as error:
        return "refused" if error.status in (400, 422) else "not known"
    return "ignored"


def _found(
    client: Searcher, resource_type: str, criteria: list[tuple[str, str]], in_url: bool
) -> bool:
    """True where a search shows a resource of the type; one page is enough."""
    entries = client.search(resource_type, [*criteria, ("_count", "1")], in_url=in_url)
    for entry in entries:
        resource = entry.get("resource")
        if isinstance(resource, dict) and resource.get("resourceType") == resource_type:
            return True
    return False
