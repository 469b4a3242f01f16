"""How to write to a server: chosen from what it says and from what its searches showed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.preflight import Preflight
from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.sync.messages import NO_SAFE_WAY

Mode = Literal["transaction", "batch", "put"]
Way = Literal["client-id", "conditional-update", "search"]


def mode_of(capabilities: Capabilities) -> Mode:
    """Return the best way to send several writes that a server offers."""
    if capabilities.offers_transaction:
        return "transaction"
    return "batch" if capabilities.offers_batch else "put"


@dataclass(frozen=True, slots=True)
class Strategy:
    """How to write. `ids_refused`: the server was seen to refuse ids of ours, whatever it says."""

    capabilities: Capabilities
    mode: Mode
    ids_refused: bool = False
    in_url: bool = False

    def way(self, resource_type: str) -> Way:
        """Return how a resource is addressed that the ledger does not know."""
        if self.takes_our_ids(resource_type):
            return "client-id"
        if self.capabilities.conditional_update(resource_type):
            return "conditional-update"
        return "search"

    def takes_our_ids(self, resource_type: str) -> bool:
        """True unless the server says, or was seen, to assign the ids of the type itself."""
        return not self.ids_refused and self.capabilities.client_ids(resource_type) is not False

    def matches_versions(self, resource_type: str) -> bool:
        """True where an update names the version that it replaces (If-Match)."""
        return self.capabilities.versioning(resource_type) != "no-version"

    def may_miss(self, resource_type: str) -> bool:
        """True where a search alone decides whether a resource is created once more."""
        way = self.way(resource_type)
        return way == "search" and not self.capabilities.conditional_create(resource_type)

    def words(self, resource_type: str) -> str:
        """Return the way of a type in words."""
        match = ", If-Match with the version known" if self.matches_versions(resource_type) else ""
        way = self.way(resource_type)
        if way == "client-id":
            return f"PUT at our id{match}"
        if way == "conditional-update":
            return f"conditional PUT by identifier, then PUT at the server's id{match}"
        create = "POST"
        if self.capabilities.conditional_create(resource_type):
            create += " with If-None-Exist"
        return f"search by identifier, then {create} or PUT at the server's id{match}"


def needs_search(capabilities: Capabilities, types: tuple[str, ...], *, ids_refused: bool) -> bool:
    """True where some type's ids are the server's own, so that its searches must be exact."""
    return ids_refused or any(capabilities.client_ids(kind) is False for kind in types)


def choose(
    capabilities: Capabilities, preflight: Preflight, mode: Mode, *, ids_refused: bool = False
) -> Strategy:
    """Return how to write to a server that assigns ids.

    Raises PermanentRemoteError where its searches cannot be trusted: to write there would make
    duplicates, or overwrite what belongs to somebody else.
    """
    if preflight.searching != "exact":
        why = (
            "it passes search criteria over and returns everything"
            if preflight.searching == "ignores-criteria"
            else "it does not search by identifier"
        )
        text = f"The server assigns ids itself, and {why}."
        raise PermanentRemoteError(NO_SAFE_WAY.issue(text))
    # Within a batch nothing can refer to what another entry is about to create.
    sending: Mode = "transaction" if mode == "transaction" else "put"
    return Strategy(capabilities, sending, ids_refused, preflight.in_url)
