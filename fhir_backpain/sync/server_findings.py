"""What a look at a server shows: what it says of itself, and how it would be written to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import BackpainError, RemoteError
from fhir_backpain.sync.connection import strategy_for

_EXAMPLE = "Observation"


@dataclass(frozen=True, slots=True)
class ServerFinding:
    """One thing that was looked at; `error` is why it could not be seen."""

    name: str
    is_good: bool
    text: str
    error: BackpainError | None = None


def look_at(client: FhirClient) -> Iterator[ServerFinding]:
    """Yield what a server can do; nothing is written to it.

    Asks for its CapabilityStatement and makes two searches that cannot find anything.
    """
    try:
        found = client.capabilities()
    except RemoteError as error:
        yield ServerFinding("capabilities", False, str(error), error)
        return
    yield from _told(found)
    yield from _seen(client, found)


def _told(found: Capabilities) -> Iterator[ServerFinding]:
    """Yield what the CapabilityStatement says."""
    version = found.fhir_version
    release = f" ({found.release})" if found.release else ""
    good = version.startswith("4.")
    yield ServerFinding("software", True, found.software or "not said")
    yield ServerFinding(
        "FHIR version", good, f"{version}{release}" if version else "not said; needs R4"
    )
    yield ServerFinding("transaction", True, _offered(found.offers_transaction))
    yield ServerFinding("batch", True, _offered(found.offers_batch))
    limit = found.bundle_limit
    told = f"{limit} entries" if limit else "not said; learned from the first refusal"
    yield ServerFinding("bundle limit", True, told)
    updates = found.offers(_EXAMPLE, "update")
    yield ServerFinding(f"update of {_EXAMPLE}", updates, _offered(updates))
    ids = {True: "accepted", False: "refused: the server assigns them", None: "not said"}
    yield ServerFinding("ids of clients", True, ids[found.client_ids(_EXAMPLE)])
    conditional = {
        "create": found.conditional_create(_EXAMPLE),
        "update": found.conditional_update(_EXAMPLE),
        "delete": found.conditional_delete(_EXAMPLE),
    }
    offered = [name for name, there in conditional.items() if there]
    yield ServerFinding("conditional interactions", True, ", ".join(offered) or "none")
    yield ServerFinding("versioning", True, found.versioning(_EXAMPLE) or "not said")
    yield ServerFinding("history", True, _offered(found.offers_history))


def _seen(client: FhirClient, found: Capabilities) -> Iterator[ServerFinding]:
    """Yield what harmless searches show, and how records are written because of all this."""
    try:
        seen = client.preflight()
        strategy = strategy_for(found, seen)
    except RemoteError as error:
        yield ServerFinding("searches", False, str(error), error)
        return
    where = "criteria in the URL" if seen.in_url else "criteria in the body"
    shown = {
        "exact": f"an identifier that cannot exist is not found; {where}",
        "ignores-criteria": "criteria are passed over: a search returns what it should not",
        "unusable": "refused",
    }
    yield ServerFinding("searches", True, shown[seen.searching])
    yield ServerFinding("unknown search parameters", True, seen.unknown_parameters)
    sending = {"transaction": "transactions", "batch": "batches", "put": "one request each"}
    yield ServerFinding("records are sent by", True, sending[strategy.mode])
    yield ServerFinding("resources are written by", True, strategy.words(_EXAMPLE))


def _offered(there: bool) -> str:
    return "offered" if there else "not offered"
