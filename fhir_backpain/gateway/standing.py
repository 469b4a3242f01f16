"""How what a record makes stands to what the server holds now: read before a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Literal

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import PermanentRemoteError, RemoteError
from fhir_backpain.fhir.json_text import parse, pretty
from fhir_backpain.fhir.meta import OF_THE_SERVER, without_meta
from fhir_backpain.fhir.noted_version import server_id_in
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.canonical_content import is_same_content

State = Literal["same", "different", "absent", "deleted", "unknown"]

_GONE, _ABSENT = 410, 404


@dataclass(frozen=True, slots=True)
class Standing:
    """One resource: how it stands, and how the server's would change, line by line.

    A line of `changes` begins with ``+`` (would come), ``-`` (would go) or a blank.
    """

    url: str
    state: State
    changes: tuple[str, ...] = ()


def standings(
    made: list[MadeResource], rows: Mapping[str, LedgerRow], client: FhirClient
) -> list[Standing]:
    """Return how resources stand, asked of the server one by one; it is not written to.

    Where the server gave a resource an id of its own, that is what is read.
    """
    return [_standing(one, rows.get(one.url), client) for one in made]


def _standing(made: MadeResource, row: LedgerRow | None, client: FhirClient) -> Standing:
    try:
        there = server_id_in(row.version_id) if row is not None else None
        held = client.read(made.type, there or made.id).resource
    except PermanentRemoteError as error:
        states: dict[int | None, State] = {_GONE: "deleted", _ABSENT: "absent"}
        return Standing(made.url, states.get(error.status, "unknown"))
    except RemoteError:
        return Standing(made.url, "unknown")
    if held is None:
        return Standing(made.url, "unknown")
    if is_same_content(made.text, held):
        return Standing(made.url, "same")
    return Standing(made.url, "different", tuple(_changes(held, parse(made.text))))


def _changes(held: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    before, after = (pretty(without_meta(one, OF_THE_SERVER)).splitlines() for one in (held, ours))
    lines = list(unified_diff(before, after, n=2, lineterm=""))[2:]
    return [line for line in lines if not line.startswith("@@")]
